/** A real client (node-redis) that caches what it has read, and is told when that changes. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createClient } from 'redis';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

for (const kind of serversUnderTest()) {
  describe(`node-redis caches what it reads from ${kind}`, { skip: needsServers(kind) }, () => {
    const server = useServer({ kind });

    test('reads come from its cache until another client changes the key, or all are flushed', async () => {
      const client = createClient({
        url: `redis://127.0.0.1:${server.process.port}`,
        RESP: 3,
        clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: 'LRU' },
      });
      client.on('error', () => {});
      await client.connect();
      const commandCount = async () =>
        /calls=(\d+)/.exec((await server.process.info('commandstats'))['cmdstat_get']!)![1];
      try {
        await server.process.call('SET', 'key', 'one');
        assert.equal(await client.get('key'), 'one');
        const before = await commandCount();
        for (let i = 0; i < 100; i++) assert.equal(await client.get('key'), 'one');
        assert.equal(await commandCount(), before);
        await server.process.call('SET', 'key', 'two');
        await waitFor(async () => (await client.get('key')) === 'two', { what: 'the new value' });
        await server.process.call('FLUSHALL');
        await waitFor(async () => (await client.get('key')) === null, { what: 'the key to be gone' });
      } finally {
        client.destroy();
      }
    });
  });
}
