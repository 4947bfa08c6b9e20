/** Real clients (ioredis, node-redis) against a six-node cluster: routing, pipelines, transactions, replicas, moving slots, failover under load. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { keySlot } from '../../src/keyspace/key-slot.js';
import {
  clusterInfo,
  clusterNode,
  clusterNodes,
  clusterStory,
  failOver,
  joinCluster,
  slotOwners,
  viewOfMyself,
  waitUntilHealthy,
} from '../support/cluster.js';
import { type RealClient, realClients } from '../support/real-clients.js';
import { ServerProcess } from '../support/server-process.js';
import { needsServers, serversUnderTest } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

const NODE_TIMEOUT_MS = 2000;

for (const kind of serversUnderTest()) {
  describe(`a six-node ${kind} cluster and real clients`, { skip: needsServers(kind) }, () => {
    const nodes: ServerProcess[] = [];
    before(async () => {
      for (let at = 0; at < 6; at++)
        nodes.push(
          await ServerProcess.start(clusterNode(kind, { nodeTimeoutMs: NODE_TIMEOUT_MS, password: 'clients' })),
        );
      await joinCluster(nodes, 3);
    });
    after(() => Promise.all(nodes.map((node) => node.dispose())));

    for (const [name, connect] of Object.entries(realClients)) {
      const withClient = async (body: (client: RealClient) => Promise<void>, options = {}) => {
        const client = await connect(nodes, options);
        try {
          await body(client);
        } finally {
          await client.close();
        }
      };

      test(`${name}: keys of all slots are written and read back`, () =>
        withClient(async (client) => {
          const keys = Array.from({ length: 500 }, (_, at) => `${name}:${at}`);
          await Promise.all(keys.map((key) => client.set(key, `value of ${key}`)));
          assert.deepEqual(
            await Promise.all(keys.map((key) => client.get(key))),
            keys.map((key) => `value of ${key}`),
          );
          assert.equal(await client.get(`${name}:missing`), null);
        }));

      test(`${name}: a pipeline on one tag is answered in order`, () =>
        withClient(async (client) => {
          const commands = Array.from({ length: 200 }, () => ['INCR', `{${name}}counter`]);
          assert.deepEqual(
            (await client.pipeline(commands)).map(Number),
            commands.map((_, at) => at + 1),
          );
        }));

      test(`${name}: a transaction on one tag is all or nothing, and one over two slots is refused`, () =>
        withClient(async (client) => {
          const tag = `{${name}tx}`;
          const replies = await client.transaction([
            ['SET', `${tag}a`, '1'],
            ['INCR', `${tag}a`],
            ['APPEND', `${tag}b`, 'xyz'],
            ['MGET', `${tag}a`, `${tag}b`],
          ]);
          assert.deepEqual(JSON.parse(JSON.stringify(replies)), ['OK', 2, 3, ['2', 'xyz']]);
          await assert.rejects(client.command('a', 'RENAME', 'a', 'b'), /CROSSSLOT/);
        }));

      test(`${name}: what was written is read from replicas`, () =>
        withClient(
          async (client) => {
            const key = `${name}:replicated`;
            await client.set(key, 'everywhere');
            for (let turn = 0; turn < 20; turn++)
              await waitFor(async () => (await client.get(key)) === 'everywhere', { what: 'the replica to have it' });
          },
          { readFromReplicas: true },
        ));

      test(`${name}: a slot that moves is followed: ASK while it moves, MOVED afterwards`, () =>
        withClient(async (client) => {
          const tag = `{${name}-moving}`;
          const keys = Array.from({ length: 20 }, (_, at) => `${tag}${at}`);
          for (const key of keys.slice(0, 10)) await client.set(key, key);
          const { source, target, others } = await placesFor(nodes, keySlot(tag));
          const slot = keySlot(tag);
          const [sourceId, targetId] = await Promise.all([source, target].map((node) => node.text('CLUSTER', 'MYID')));
          await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId!);
          await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId!);
          for (const key of keys.slice(10)) await client.set(key, key);
          await migrate(source, target, keys.slice(0, 5));
          for (const key of keys) assert.equal(await client.get(key), key, 'while the slot is open');
          await migrate(source, target, keys.slice(5, 10));
          for (const node of [target, source, ...others])
            await node.call('CLUSTER', 'SETSLOT', slot, 'NODE', targetId!);
          for (const key of keys) assert.equal(await client.get(key), key, 'after the move');
          await waitUntilHealthy(nodes);
        }));

      test(`${name}: CLUSTER FAILOVER under load loses no acknowledged write`, async () => {
        const { source: primary } = await placesFor(nodes, keySlot(`${name}:0`));
        const replica = await replicaOf(nodes, primary);
        const load = startLoad(await connect(nodes), `${name}-by-hand`);
        try {
          await load.grow(300);
          await failOver(replica, nodes);
          await load.grow(300);
          await load.stop();
          await waitUntilHealthy(nodes);
          assert.deepEqual(await load.findLost(0), []);
        } finally {
          await load.close();
        }
      });

      test(`${name}: goes on writing after a primary is killed`, async () => {
        const { source: primary } = await placesFor(nodes, keySlot(`${name}:0`));
        const replica = await replicaOf(nodes, primary);
        const load = startLoad(await connect(nodes), `${name}-killed`);
        try {
          await load.grow(300);
          await primary.kill();
          const others = nodes.filter((node) => node !== primary);
          await waitFor(
            async () =>
              (await viewOfMyself(replica)).isPrimary && (await clusterInfo(replica))['cluster_state'] === 'ok',
            {
              what: 'the replica to take over',
              detail: () => clusterStory(others),
            },
          );
          const since = load.count();
          await load.grow(1000);
          await load.stop();
          assert.deepEqual(await load.findLost(since), []);
          await primary.restart();
          await waitUntilHealthy(nodes);
        } finally {
          await load.close();
        }
      });
    }
  });
}

/** Who owns a slot, another primary, and the third one. */
async function placesFor(
  nodes: readonly ServerProcess[],
  slot: number,
): Promise<{ source: ServerProcess; target: ServerProcess; others: ServerProcess[] }> {
  const views = await clusterNodes(nodes.find((node) => node.isRunning)!);
  const ownerId = slotOwners(views)[slot];
  const processOf = (port: number) => nodes.find((node) => node.port === port)!;
  const source = processOf(views.find((view) => view.id === ownerId)!.port);
  const [target, ...others] = views
    .filter((view) => view.isPrimary && view.id !== ownerId)
    .map((view) => processOf(view.port));
  return { source, target: target!, others };
}

async function replicaOf(nodes: readonly ServerProcess[], primary: ServerProcess): Promise<ServerProcess> {
  const id = await primary.text('CLUSTER', 'MYID');
  const view = (await clusterNodes(primary)).find((each) => each.replicaOf === id)!;
  return nodes.find((node) => node.port === view.port)!;
}

async function migrate(source: ServerProcess, target: ServerProcess, keys: string[]): Promise<void> {
  const auth = source.password === undefined ? [] : ['AUTH', source.password];
  assert.equal(await source.call('MIGRATE', '127.0.0.1', target.port, '', 0, 60_000, ...auth, 'KEYS', ...keys), 'OK');
}

interface Load {
  count(): number;
  /** Waits until so many more writes are acknowledged. */
  grow(writes: number): Promise<void>;
  stop(): Promise<void>;
  /** Acknowledged writes, from the given count on, that cannot be read. */
  findLost(since: number): Promise<string[]>;
  close(): Promise<void>;
}

/** Four loops that write, and try again what failed, as an application would. */
function startLoad(client: RealClient, prefix: string): Load {
  const acknowledged: string[] = [];
  let lastError: unknown = null;
  let running = true;
  let next = 0;
  const write = async (): Promise<void> => {
    while (running) {
      const key = `${prefix}:${next++}`;
      for (let done = false; !done && running; ) {
        try {
          await client.set(key, key);
          acknowledged.push(key);
          done = true;
        } catch (error) {
          lastError = error;
        }
        await nextTurn();
      }
    }
  };
  const loops = Array.from({ length: 4 }, write);
  const stop = async (): Promise<void> => {
    running = false;
    await Promise.all(loops);
  };
  return {
    count: () => acknowledged.length,
    grow: async (writes) => {
      const goal = acknowledged.length + writes;
      await waitFor(() => acknowledged.length >= goal, {
        what: `${writes} more writes`,
        detail: () => `last error: ${lastError}`,
      });
    },
    stop,
    findLost: async (since) => {
      const keys = acknowledged.slice(since);
      const values = await Promise.all(keys.map((key) => client.get(key)));
      return keys.filter((key, at) => values[at] !== key);
    },
    close: async () => {
      running = false;
      await client.close();
    },
  };
}
