/**
 * Network splits between real processes. The minority stops taking writes within the node timeout, the majority goes on with the replica of what it lost,
 * and after the heal every slot has one owner on whom all nodes agree.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RespClient } from '../../src/client/resp-client.js';
import { keySlot } from '../../src/keyspace/key-slot.js';
import {
  clusterInfo,
  clusterNode,
  clusterNodes,
  clusterStory,
  slotOwners,
  viewOfMyself,
  waitUntilHealthy,
} from '../support/cluster.js';
import { CuttableNetwork } from '../support/cuttable-network.js';
import { type ServerProcess, withOutput } from '../support/server-process.js';
import { needsServers, type ServerKind, serversUnderTest } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

const NODE_TIMEOUT_MS = 2000;

/** Three primaries, then a replica of each. */
type SixNodes = [ServerProcess, ServerProcess, ServerProcess, ServerProcess, ServerProcess, ServerProcess];

for (const kind of serversUnderTest()) {
  test(
    `${kind}, split 2-1: the isolated primary stops taking writes, the majority goes on, and one owner per slot is left`,
    { skip: needsServers(kind) },
    () =>
      withNetwork(kind, async (network) => {
        const [a, b, c, replicaOfA, replicaOfB, replicaOfC] = network.nodes as SixNodes;
        const minority = [a, replicaOfB];
        const majority = [b, c, replicaOfA, replicaOfC];
        const keys = await keysOf(a);
        const before = await writeAll(a, keys.slice(0, 50), 'before');
        assert.equal(await a.call('WAIT', 1, 30_000), 1);

        const writer = startWriter(a, keys.slice(50));
        network.onClose(writer.stop);
        await waitFor(() => writer.acknowledged.length > 20, { what: 'writes to be under way' });
        network.cut(minority, majority);
        const cutAtMs = performance.now();

        // How soon it must is the simulator's to say: here the machine may be busy.
        await waitFor(() => writer.refusal, { what: 'the isolated primary to refuse a write' });
        const lastWriteMs = Math.round(writer.lastAtMs - cutAtMs);
        console.log(
          `  the last write was taken ${lastWriteMs} ms after the cut, at a node timeout of ${NODE_TIMEOUT_MS} ms`,
        );
        assert.match(writer.refusal!, /^CLUSTERDOWN /);

        await waitFor(
          async () =>
            (await viewOfMyself(replicaOfA)).isPrimary && (await statesOf(majority)).every((state) => state === 'ok'),
          {
            what: 'the majority to go on with the replica of the lost primary',
            detail: () => clusterStory(network.nodes),
          },
        );
        await waitFor(async () => (await statesOf(minority)).every((state) => state === 'fail'), {
          what: 'the whole minority to see the cluster down',
        });
        for (const [key, value] of before) assert.equal(await replicaOfA.call('GET', key), value);
        const during = await writeAll(replicaOfA, keys.slice(0, 100), 'during');
        await writer.stop();

        network.heal();
        await waitUntilHealthy(network.nodes);
        const heir = await replicaOfA.text('CLUSTER', 'MYID');
        assert.equal((await viewOfMyself(a)).replicaOf, heir, 'the old primary follows its heir');
        await assertOneOwnerPerSlot(network.nodes);
        for (const [key, value] of during) assert.equal(await replicaOfA.call('GET', key), value);
        await waitFor(async () => (await a.text('DEBUG', 'DIGEST')) === (await replicaOfA.text('DEBUG', 'DIGEST')), {
          what: 'the old primary to hold what its heir does',
        });
      }),
  );

  test(
    `${kind}, split in three: nobody takes writes and nobody is elected; after the heal one owner per slot is left`,
    { skip: needsServers(kind) },
    () =>
      withNetwork(kind, async (network) => {
        const [a, b, c, replicaOfA, replicaOfB, replicaOfC] = network.nodes as SixNodes;
        const key = (await keysOf(a))[0]!;
        network.cut([a, replicaOfB], [b, replicaOfC], [c, replicaOfA]);
        await waitFor(async () => (await statesOf(network.nodes)).every((state) => state === 'fail'), {
          what: 'every node to see the cluster down',
        });
        await assert.rejects(a.call('SET', key, 'x'), /CLUSTERDOWN/);
        await assert.rejects(a.call('GET', key), /CLUSTERDOWN/);
        // Long enough for an election, if somebody were foolish enough to hold one.
        await sleep(2 * NODE_TIMEOUT_MS);
        assert.ok(
          (await Promise.all([replicaOfA, replicaOfB, replicaOfC].map(viewOfMyself))).every((view) => !view.isPrimary),
        );

        // Just after the heal every node still suspects the others, so that a replica may be elected; what counts is where that ends.
        network.heal();
        await waitUntilHealthy(network.nodes);
        await assertOneOwnerPerSlot(network.nodes);
        const views = await clusterNodes(a);
        const epochs = views.filter((view) => view.isPrimary).map((view) => view.configEpoch);
        assert.equal(new Set(epochs).size, epochs.length, `config epochs of the primaries: ${epochs.join(', ')}`);
        const ids = await Promise.all(network.nodes.map((node) => node.text('CLUSTER', 'MYID')));
        const owner = network.nodes[ids.indexOf(slotOwners(views)[keySlot(key)]!)]!;
        assert.equal(await owner.call('SET', key, 'x'), 'OK');
      }),
  );
}

/** Six nodes in a network that can be cut: primaries first, the replica of each three places behind it. */
async function withNetwork(kind: ServerKind, body: (network: CuttableNetwork) => Promise<void>): Promise<void> {
  const network = new CuttableNetwork();
  try {
    for (let at = 0; at < 6; at++)
      await network.addNode(clusterNode(kind, { nodeTimeoutMs: NODE_TIMEOUT_MS, config: { appendonly: 'no' } }));
    await network.join(3);
    await body(network);
  } catch (error) {
    throw withOutput(error, network.nodes);
  } finally {
    await network.close();
  }
}

/** Keys whose slots the node owns. */
async function keysOf(node: ServerProcess): Promise<string[]> {
  const views = await clusterNodes(node);
  const id = await node.text('CLUSTER', 'MYID');
  const owners = slotOwners(views);
  return Array.from({ length: 30000 }, (_, at) => `key:${at}`).filter((key) => owners[keySlot(key)] === id);
}

async function writeAll(node: ServerProcess, keys: string[], value: string): Promise<[key: string, value: string][]> {
  for (const key of keys) assert.equal(await node.call('SET', key, value), 'OK');
  return keys.map((key) => [key, value]);
}

interface Writer {
  readonly acknowledged: string[];
  readonly lastAtMs: number;
  /** The first error reply. */
  readonly refusal: string | null;
  stop(): Promise<void>;
}

/** Writes to one node, key after key, every few milliseconds, until it is stopped; goes on after refusals. */
function startWriter(node: ServerProcess, keys: string[]): Writer {
  const acknowledged: string[] = [];
  let lastAtMs = 0;
  let refusal: string | null = null;
  let running = true;
  const loop = async (): Promise<void> => {
    const client: RespClient = await node.connect();
    for (let at = 0; running; at = (at + 1) % keys.length) {
      try {
        await client.call('SET', keys[at]!, 'written');
        acknowledged.push(keys[at]!);
        lastAtMs = performance.now();
      } catch (error) {
        refusal ??= (error as Error).message;
      }
      await sleep(5);
    }
    client.close();
  };
  const done = loop();
  return {
    acknowledged,
    get lastAtMs() {
      return lastAtMs;
    },
    get refusal() {
      return refusal;
    },
    stop: () => {
      running = false;
      return done;
    },
  };
}

async function statesOf(nodes: readonly ServerProcess[]): Promise<string[]> {
  return Promise.all(nodes.map(async (node) => (await clusterInfo(node))['cluster_state']!));
}

async function assertOneOwnerPerSlot(nodes: readonly ServerProcess[]): Promise<void> {
  const tables = await Promise.all(nodes.map(async (node) => slotOwners(await clusterNodes(node))));
  for (const table of tables) assert.deepEqual(table, tables[0]);
  assert.ok(!tables[0]!.includes(''), 'every slot has an owner');
}
