/** Clients that wait for some time: all are answered when it is over, and none before. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzSeed, Random } from '../support/fuzz.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

const CLIENTS = 40;
const ROUNDS = 5;

for (const kind of serversUnderTest()) {
  describe(`${kind}: timeouts`, { skip: needsServers(kind) }, () => {
    const server = useServer({ kind });

    test('nobody is answered too early', async () => {
      const random = new Random(fuzzSeed());
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => server.connect()));
      for (let round = 0; round < ROUNDS; round++) {
        await Promise.all(
          clients.map(async (client, i) => {
            const timeoutMs = 1 + random.below(60);
            const startMs = performance.now();
            await client.ask(`BLPOP none ${i % 2 === 0 ? 'other' : `own${i}`} ${timeoutMs / 1000}\r\n`, '*-1\r\n');
            const elapsedMs = performance.now() - startMs;
            assert.ok(elapsedMs >= timeoutMs, `after ${elapsedMs} ms, not ${timeoutMs}`);
          }),
        );
      }
      assert.equal((await server.process.info('clients'))['blocked_clients'], '0');
    });

    test('who is served or unblocked before is not answered again', async () => {
      const clients = await Promise.all(Array.from({ length: 4 }, () => server.connect()));
      const ids: string[] = [];
      for (const client of clients) {
        client.send('CLIENT ID\r\n');
        ids.push((await client.until(/:(\d+)\r\n/))[1]!);
        client.received = '';
        client.send('BLPOP queue 0.3\r\n');
      }
      await waitFor(async () => (await server.process.info('clients'))['blocked_clients'] === '4', {
        what: 'all to wait',
      });
      await server.process.call('RPUSH', 'queue', 'x');
      assert.equal(await server.process.call('CLIENT', 'UNBLOCK', ids[2]!, 'ERROR'), 1);
      clients[3]!.close();
      await waitFor(async () => (await server.process.info('clients'))['blocked_clients'] === '0', {
        what: 'all to be free',
      });
      const served = '*2\r\n$5\r\nqueue\r\n$1\r\nx\r\n';
      const expected = [served, '*-1\r\n', '-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n'];
      for (const [i, reply] of expected.entries()) {
        clients[i]!.send('PING\r\n');
        await clients[i]!.until(/\+PONG\r\n/);
        assert.equal(clients[i]!.received, `${reply}+PONG\r\n`);
      }
    });
  });
}
