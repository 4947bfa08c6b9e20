/** Client-side caching: what INFO and CLIENT tell, the limit of the table, order, replicas. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RespClient } from '../../src/client/resp-client.js';
import { type ServerProcess, withServers } from '../support/server-process.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { useServer } from '../support/use-server.js';
import { waitFor } from '../support/wait-for.js';

interface TrackingClient {
  readonly client: RespClient;
  /** Keys that were invalidated; `null` for all. */
  readonly invalidated: string[];
}

async function trackingClient(server: ServerProcess, ...options: string[]): Promise<TrackingClient> {
  const invalidated: string[] = [];
  const client = await server.connect({
    protocol: 3,
    onPush: (value) => {
      const [type, keys] = value as [string, string[] | null];
      invalidated.push(...(type === 'invalidate' ? (keys ?? ['null']) : [type]));
    },
  });
  await client.call('CLIENT', 'TRACKING', 'ON', ...options);
  return { client, invalidated };
}

for (const kind of serversUnderTest()) {
  describe(`${kind}: client-side caching`, { skip: needsServers(kind) }, () => {
    const server = useServer({ kind });

    test('INFO and CLIENT LIST know who tracks what', async () => {
      const [plain, broad] = [
        await trackingClient(server.process),
        await trackingClient(server.process, 'BCAST', 'PREFIX', 'a', 'PREFIX', 'b'),
      ];
      const other = await trackingClient(server.process);
      await plain.client.call('MGET', 'x', 'y', 'x');
      await other.client.call('GET', 'x');
      assert.equal((await server.process.info('clients'))['tracking_clients'], '3');
      const stats = await server.process.info('stats');
      const numbers = ['keys', 'items', 'prefixes'].map((each) => stats[`tracking_total_${each}`]);
      assert.deepEqual(numbers, ['2', '3', '2']);
      const list = await server.process.text('CLIENT', 'LIST');
      assert.deepEqual(
        [...list.matchAll(/flags=(t\w*) .* redir=(\d+)/g)].map((match) => match[1]),
        ['t', 'tB', 't'],
      );
      for (const { client } of [plain, broad, other]) client.close();
      await waitFor(async () => (await server.process.info('clients'))['tracking_clients'] === '0', { what: 'none' });
    });

    test('with too many keys some are forgotten, and their clients told so', async () => {
      await server.process.call('CONFIG', 'SET', 'tracking-table-max-keys', '100');
      const { client, invalidated } = await trackingClient(server.process);
      for (let i = 0; i < 1000; i++) await client.call('GET', `key:${i}`);
      let count = 1000;
      const isSettled = async (): Promise<boolean> => {
        count = Number((await server.process.info('stats'))['tracking_total_keys']);
        return count <= 101 && count + invalidated.length === 1000;
      };
      await waitFor(isSettled, {
        what: 'the invalidations',
        detail: () => `${count} keys, ${invalidated.length} told`,
      });
      assert.equal(new Set(invalidated).size, invalidated.length);
      await server.process.call('CONFIG', 'SET', 'tracking-table-max-keys', '1000000');
      client.close();
    });

    test('evicted keys are told', async () => {
      const { client, invalidated } = await trackingClient(server.process, 'NOLOOP');
      await server.process.call('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-random');
      for (let i = 0; i < 50; i++) await client.call('SET', `big:${i}`, 'x'.repeat(1000));
      for (let i = 0; i < 50; i++) await client.call('GET', `big:${i}`);
      await server.process.call('CONFIG', 'SET', 'maxmemory', '1');
      // What evicts is a command of this very client.
      await client.call('SET', 'one', 'more').catch(() => {});
      await waitFor(() => invalidated.length > 0, { what: 'an invalidation' });
      await server.process.call('CONFIG', 'SET', 'maxmemory', '0');
      await server.process.call('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
      client.close();
    });

    test('a blocked command that is served is a change like others', async () => {
      const { client, invalidated } = await trackingClient(server.process);
      await client.call('LRANGE', 'queue', '0', '-1');
      const waiter = await server.process.connect();
      const popped = waiter.call('BLPOP', 'queue', 0);
      await waitFor(async () => (await server.process.info('clients'))['blocked_clients'] === '1', {
        what: 'it to wait',
      });
      await server.process.call('RPUSH', 'queue', 'x');
      assert.deepEqual(await popped, ['queue', 'x']);
      await waitFor(() => invalidated.length > 0, { what: 'the invalidation' });
      assert.deepEqual(invalidated, ['queue']);
      waiter.close();
      client.close();
    });
  });

  describe(`${kind}: client-side caching at a replica`, { skip: needsServers(kind) }, () => {
    test('changes of the primary are told, and a new data set invalidates all', async () => {
      await withServers([{ kind }, { kind }], async ([primary, replica]) => {
        const { client, invalidated } = await trackingClient(replica!);
        const broad = await trackingClient(replica!, 'BCAST');
        await client.call('GET', 'a');
        await replica!.call('REPLICAOF', '127.0.0.1', primary!.port);
        await waitFor(async () => (await replica!.info('replication'))['master_link_status'] === 'up', {
          what: 'the link',
        });
        await waitFor(() => invalidated.includes('null') && broad.invalidated.includes('null'), { what: 'the flush' });
        await client.call('GET', 'a');
        await primary!.call('SET', 'a', '1');
        await waitFor(() => invalidated.at(-1) === 'a' && broad.invalidated.at(-1) === 'a', { what: 'the change' });
        client.close();
        broad.client.close();
      });
    });
  });
}
