/** HyperLogLogs beside redis-server: the replies, and the bytes of the value while it grows. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { longRun, needsServers, serversUnderTest } from '../support/tools.js';
import { hyperLogLogs } from './cases/hyperloglogs.js';
import { compareWithRealServer, useServers } from './harness.js';

compareWithRealServer(hyperLogLogs);

const ELEMENTS = 50_000;
/** Up to here, which is far into the dense form, the bytes are compared after every element; then after every `STEP`. */
const EACH_UP_TO = longRun ? 10_000 : 2500;
const STEP = longRun ? 10 : 1000;

for (const kind of serversUnderTest()) {
  describe(`${kind} and redis-server`, { skip: needsServers('redis', kind) }, () => {
    const servers = useServers(kind);

    test(`hold the same bytes while a HyperLogLog grows from 1 to ${ELEMENTS} elements`, async () => {
      const { oracle, subject } = servers();
      for (let count = 0; count < ELEMENTS; ) {
        const commands: string[][] = [];
        for (let i = 0; i < 250 && count < ELEMENTS; i++) {
          const size = count < EACH_UP_TO ? 1 : STEP;
          commands.push(['PFADD', 'k', ...Array.from({ length: size }, (_, each) => `${count + each}`)]);
          count += size;
          commands.push(['GET', 'k'], ['PFCOUNT', 'k']);
        }
        const [expected, actual] = await Promise.all([oracle, subject].map((server) => pipeline(server, commands)));
        for (const [at, reply] of expected!.entries())
          assert.ok(reply.equals(actual![at]!), `${commands[at]!.slice(0, 4).join(' ')}, near element ${count}`);
      }
    });
  });
}

async function pipeline(
  server: { connect(options: object): Promise<{ pipeline(commands: string[][]): Promise<unknown[]>; close(): void }> },
  commands: string[][],
): Promise<Buffer[]> {
  const client = await server.connect({ replies: 'raw' });
  try {
    return (await client.pipeline(commands)) as Buffer[];
  } finally {
    client.close();
  }
}
