/** Keyspace events of bitmaps and HyperLogLogs: the same ones, in the same order, as the real server's. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeCommand } from '../../src/client/encode-command.js';
import type { ServerProcess } from '../support/server-process.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';
import { useServers } from './harness.js';
import { words } from './steps.js';

const COMMANDS: Record<string, readonly string[]> = {
  bitmaps: [
    'SETBIT k 7 1',
    'SETBIT k 7 1',
    'BITFIELD k SET u8 0 1 INCRBY u8 8 1',
    'BITFIELD k GET u8 0',
    'BITFIELD k SET u8 0 1',
    'BITFIELD n OVERFLOW FAIL SET u8 0 300',
    'BITOP NOT d k',
    'BITOP OR d none',
    'BITOP OR d none',
  ],
  HyperLogLogs: [
    'PFADD k',
    'PFADD k a',
    'PFADD k a',
    'PFCOUNT k',
    'PFMERGE k none',
    'PFMERGE d k',
    'PFDEBUG TODENSE k',
  ],
};

async function eventsOf(server: ServerProcess, commands: readonly string[]): Promise<string[]> {
  const events: string[] = [];
  const client = await server.connect({ protocol: 3, onPush: (push) => events.push(String(push)) });
  try {
    await client.call('FLUSHALL');
    await client.call('CONFIG', 'SET', 'notify-keyspace-events', 'KEA');
    // The answer to PSUBSCRIBE is a push, so that PING's is the one reply.
    await client.exchange(Buffer.concat([encodeCommand(['PSUBSCRIBE', '__key*']), encodeCommand(['PING'])]), 1);
    for (const line of [...commands, 'SETBIT end 0 0']) {
      events.push(line);
      await client.request(words(line));
    }
    await waitFor(() => events.at(-1)?.endsWith('setbit,end') === true, { what: 'the last event', timeoutMs: 5000 });
    return events;
  } finally {
    client.close();
  }
}

for (const kind of serversUnderTest()) {
  describe(`${kind} publishes the events that redis-server does`, { skip: needsServers('redis', kind) }, () => {
    const servers = useServers(kind);
    for (const [name, commands] of Object.entries(COMMANDS)) {
      test(name, async () => {
        const { oracle, subject } = servers();
        assert.deepEqual(await eventsOf(subject, commands), await eventsOf(oracle, commands));
      });
    }
  });
}
