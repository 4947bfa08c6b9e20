/** Streams with their groups between the real redis-server and ours, and the forms that old versions wrote. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Arg } from '../../src/client/encode-command.js';
import { createDumpWriter, sealDumpPayload } from '../../src/persistence/dump-payload.js';
import type { Reply } from '../../src/resp/reply-reader.js';
import { VALUE_EXAMPLES } from '../persistence/rdb/examples.js';
import type { Random } from '../support/fuzz.js';
import { type ServerProcess, withServers } from '../support/server-process.js';
import { needsServers } from '../support/tools.js';
import { exchangesData } from './exchange.js';

const COMMANDS = 3000;
const KEYS = 8;
const stream = (number: number): string => `stream:${number}`;

/** Some of everything: nodes that are full, tombstones, fields that change; groups that are behind, and entries pending that were deleted. */
function workload(random: Random): Arg[][] {
  const below = (bound: number): number => random.below(bound);
  const key = (): string => stream(below(KEYS));
  const group = (): string => `group:${below(2)}`;
  const consumer = (): string => `consumer:${below(3)}`;
  const value = (): string => (below(3) === 0 ? String(below(100000)) : 'v'.repeat(below(60)));
  const field = (): string => (below(6) === 0 ? `field:${below(9)}` : 'field');
  // IDs of XADD are 1-0, 1-1 …
  const id = (): string => `1-${below(600)}`;
  const makers: (() => Arg[])[] = [
    ...Array.from({ length: 8 }, () => () => ['XADD', key(), '1-*', field(), value(), 'unit', value()]),
    () => ['XADD', key(), 'MAXLEN', '~', 300, '1-*', field(), value()],
    () => ['XDEL', key(), id(), id()],
    () => ['XTRIM', key(), 'MINID', '~', `1-${below(100)}`],
    () => ['XTRIM', key(), 'MAXLEN', 350],
    () => ['XGROUP', 'CREATE', key(), group(), below(2) === 0 ? '$' : 0, 'MKSTREAM'],
    () => ['XGROUP', 'CREATECONSUMER', key(), group(), consumer()],
    () => ['XREADGROUP', 'GROUP', group(), consumer(), 'COUNT', 1 + below(20), 'STREAMS', key(), '>'],
    () => ['XREADGROUP', 'GROUP', group(), consumer(), 'NOACK', 'COUNT', 1 + below(5), 'STREAMS', key(), '>'],
    () => ['XACK', key(), group(), id(), id(), id(), id()],
    () => ['XCLAIM', key(), group(), consumer(), 0, id(), id(), 'FORCE'],
    () => ['XAUTOCLAIM', key(), group(), consumer(), 0, id(), 'COUNT', 5],
    () => (below(5) === 0 ? ['XGROUP', 'DESTROY', key(), group()] : ['XGROUP', 'SETID', key(), group(), id()]),
    () => (below(9) === 0 ? ['DEL', key()] : ['XSETID', key(), `1-${600 + below(9)}`]),
    () => ['PEXPIREAT', key(), 33177117420000 + below(1000)],
    () => (below(9) === 0 ? ['COPY', key(), key(), 'REPLACE'] : ['PERSIST', key()]),
  ];
  return Array.from({ length: COMMANDS }, () => makers[below(makers.length)]!());
}

/**
 * What XINFO tells and a replica knows: not how many entries a group has read (XCLAIM does not tell it), nor consumers that got nothing, nor pending
 * entries that were deleted (no command makes them).
 */
async function describe(server: ServerProcess): Promise<string[]> {
  const client = await server.connect({ protocol: 3 });
  const texts: string[] = [];
  for (let number = 0; number < KEYS; number++) {
    if ((await client.call('EXISTS', stream(number))) === 0) continue;
    const info = (await client.call('XINFO', 'STREAM', stream(number), 'FULL', 'COUNT', 0)) as Map<string, Reply>;
    const ids = new Set((info.get('entries') as Reply[]).map((entry) => (entry as Reply[])[0]));
    const groups = (info.get('groups') as Map<string, Reply>[]).map((each) => ({
      name: each.get('name'),
      lastId: each.get('last-delivered-id'),
      pending: (each.get('pending') as Reply[][]).filter(([id]) => ids.has(id!)),
    }));
    const kept = ['length', 'last-generated-id', 'max-deleted-entry-id', 'entries-added', 'recorded-first-entry-id'];
    texts.push(JSON.stringify({ number, groups, ...Object.fromEntries(kept.map((name) => [name, info.get(name)])) }));
  }
  client.close();
  return texts;
}

exchangesData(workload, describe);

/** RDB types of streams that 7.0 reads, and the one that came with 7.2. */
const TYPES = [15, 19];
const TYPE_OF_72 = 21;

function payloadOf(type: number, bytes: Uint8Array): Buffer {
  const writer = createDumpWriter(false);
  writer.byte(type);
  writer.bytesRange(bytes, 0, bytes.length);
  sealDumpPayload(writer);
  return Buffer.from(writer.bytes.subarray(0, writer.length));
}

test('RESTORE reads every form that versions before wrote, and DUMP gives it back', {
  skip: needsServers('redis', 'slotmesh'),
}, async () => {
  const forms = VALUE_EXAMPLES.filter(({ type }) => TYPES.includes(type));
  assert.deepEqual(new Set(forms.map(({ type }) => type)), new Set(TYPES));
  const config = { rdbcompression: 'no' };
  await withServers(
    [
      { kind: 'redis', config },
      { kind: 'slotmesh', config },
    ],
    async (servers) => {
      for (const { what, type, bytes } of forms) {
        const dumps: string[] = [];
        for (const server of servers) {
          assert.equal(
            await server.call('RESTORE', what, 0, payloadOf(type, bytes)),
            'OK',
            `${what} in ${server.kind}`,
          );
          const client = await server.connect({ replies: 'raw' });
          for (const command of [
            ['DUMP', what],
            ['XRANGE', what, '-', '+'],
            ['XINFO', 'GROUPS', what],
          ])
            dumps.push(String(await client.call(...(command as [string, ...string[]]))));
          client.close();
        }
        assert.deepEqual(dumps.slice(3), dumps.slice(0, 3), what);
      }
    },
  );
});

test('the form of 7.2 tells when a consumer got something last', { skip: needsServers('slotmesh') }, async () => {
  const { bytes } = VALUE_EXAMPLES.find(({ type }) => type === TYPE_OF_72)!;
  await withServers([{ kind: 'slotmesh' }], async ([server]) => {
    assert.equal(await server!.call('RESTORE', 'k', 0, payloadOf(TYPE_OF_72, bytes)), 'OK');
    const client = await server!.connect({ protocol: 3 });
    const info = (await client.call('XINFO', 'STREAM', 'k', 'FULL')) as Map<string, Reply>;
    const [group] = info.get('groups') as Map<string, Reply>[];
    const times = (group!.get('consumers') as Map<string, Reply>[]).map((each) => each.get('active-time'));
    client.close();
    assert.equal(times.at(-1), -1, 'one that never got anything');
    assert.ok(Number(times[0]) > 0, 'one that did');
  });
});
