/**
 * One cluster of real nodes and of ours, three each, where every pair of primary and replica is mixed: they must gossip, elect, replicate, migrate slots
 * and agree about epochs as if they were all of one make. The real ones are of Redis 7.0; and of Redis 8 and Valkey 8, where these are on the PATH. (With
 * SLOTMESH_TEST_SERVERS=redis all six are real, which proves the test.)
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  clusterInfo,
  clusterNode,
  clusterNodes,
  clusterStory,
  failOver,
  joinCluster,
  slotCount,
  viewOfMyself,
  waitUntilHealthy,
} from '../support/cluster.js';
import { redisCliOk } from '../support/redis-cli.js';
import { type ServerProcess, withServers } from '../support/server-process.js';
import { needs, needsServers, type RealServerKind, serversUnderTest } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';
import { startWriteLoad } from '../support/write-load.js';

const NODE_TIMEOUT_MS = 2000;
const SLOTS_MOVED = 100;

const REAL_KINDS: readonly RealServerKind[] = ['redis', 'redis-8', 'valkey-8'];

for (const [realKind, kind] of REAL_KINDS.flatMap((each) => serversUnderTest().map((kind) => [each, kind] as const))) {
  test(`a cluster of ${realKind} and ${kind} nodes`, {
    skip: needs('redis-cli') || needsServers(kind, realKind),
  }, async (context) => {
    const kinds = [realKind, kind, realKind, kind, realKind, kind] as const;
    const options = kinds.map((each) => clusterNode(each, { nodeTimeoutMs: NODE_TIMEOUT_MS, password: 'mixed' }));
    await withServers(options, async (nodes) => {
      const [real, ours, secondReal, oursOfReal, realOfOurs] = nodes as [
        ServerProcess,
        ServerProcess,
        ServerProcess,
        ServerProcess,
        ServerProcess,
      ];
      let keyCount = 0;

      await context.test('they join, agree about every slot and epoch, and replicate both ways', async () => {
        await joinCluster(nodes, 3);
        assert.equal(await primaryOf(oursOfReal), await real.text('CLUSTER', 'MYID'));
        assert.equal(await primaryOf(realOfOurs), await ours.text('CLUSTER', 'MYID'));
        const load = await startWriteLoad(nodes, { prefix: 'mixed' });
        try {
          await waitFor(() => load.acknowledgedCount > 3000, { what: 'three thousand keys to be written' });
          await load.stop();
          assert.deepEqual(load.errors, []);
          assert.deepEqual(await load.findLost(), []);
          keyCount = load.acknowledgedCount;
        } finally {
          load.close();
        }
        await replicasEqual(nodes);
      });

      await context.test(`a killed ${realKind} primary is replaced by its ${kind} replica`, () =>
        replaceByReplica(nodes, real, oursOfReal),
      );
      await context.test(`a killed ${kind} primary is replaced by its ${realKind} replica`, () =>
        replaceByReplica(nodes, ours, realOfOurs),
      );

      await context.test('CLUSTER FAILOVER by hand gives the roles back, both ways, without loss', async () => {
        const load = await startWriteLoad(nodes, { prefix: 'by-hand', writers: 2 });
        try {
          for (const replica of [real, ours]) {
            await failOver(replica, nodes);
            await waitUntilHealthy(nodes);
          }
          await load.stop();
          assert.deepEqual(load.errors, []);
          assert.deepEqual(await load.findLost(), []);
          keyCount += load.acknowledgedCount;
        } finally {
          load.close();
        }
      });

      await context.test('slots move between them both ways under a write load', async () => {
        const load = await startWriteLoad(nodes, { prefix: 'moving' });
        try {
          await moveSlots(nodes, real, ours);
          await moveSlots(nodes, ours, secondReal);
          await load.stop();
          assert.deepEqual(load.errors, []);
          assert.deepEqual(await load.findLost(), []);
          keyCount += load.acknowledgedCount;
        } finally {
          load.close();
        }
      });

      await context.test(
        'in the end all six know the same owners and epochs, and each replica holds what its primary does',
        async () => {
          await waitUntilHealthy(nodes);
          await replicasEqual(nodes);
          const primaries = await Promise.all(
            nodes.map(async (node) => ((await isPrimary(node)) ? Number(await node.call('DBSIZE')) : 0)),
          );
          assert.equal(
            primaries.reduce((sum, count) => sum + count, 0),
            keyCount,
          );
          const epochs = (await clusterNodes(real)).filter((view) => view.isPrimary).map((view) => view.configEpoch);
          assert.equal(new Set(epochs).size, 3, `config epochs of the primaries: ${epochs.join(', ')}`);
        },
      );
    });
  });
}

async function isPrimary(node: ServerProcess): Promise<boolean> {
  return (await viewOfMyself(node)).isPrimary;
}

async function primaryOf(node: ServerProcess): Promise<string | null> {
  return (await viewOfMyself(node)).replicaOf;
}

async function replaceByReplica(
  nodes: readonly ServerProcess[],
  primary: ServerProcess,
  replica: ServerProcess,
): Promise<void> {
  const others = nodes.filter((node) => node !== primary);
  const slots = slotCount(await viewOfMyself(primary));
  await primary.kill();
  await waitFor(
    async () => {
      const states = await Promise.all(others.map(async (node) => (await clusterInfo(node))['cluster_state']));
      return (await isPrimary(replica)) && states.every((state) => state === 'ok');
    },
    {
      what: `${replica.kind} ${replica.port} to take over from ${primary.kind} ${primary.port}`,
      detail: () => clusterStory(others),
    },
  );
  assert.equal(slotCount(await viewOfMyself(replica)), slots);
  await primary.restart();
  await waitUntilHealthy(nodes);
  assert.equal(await primaryOf(primary), await replica.text('CLUSTER', 'MYID'));
}

async function moveSlots(nodes: readonly ServerProcess[], from: ServerProcess, to: ServerProcess): Promise<void> {
  const before = slotCount(await viewOfMyself(to));
  const ids = ['--cluster-from', await from.text('CLUSTER', 'MYID'), '--cluster-to', await to.text('CLUSTER', 'MYID')];
  const reshard = [
    '--cluster',
    'reshard',
    `127.0.0.1:${to.port}`,
    ...ids,
    '--cluster-slots',
    SLOTS_MOVED,
    '--cluster-yes',
  ];
  await redisCliOk(reshard, { password: 'mixed' });
  await waitUntilHealthy(nodes);
  assert.equal(slotCount(await viewOfMyself(to)), before + SLOTS_MOVED);
}

/** Every replica has the digest of its primary, once it has caught up. */
async function replicasEqual(nodes: readonly ServerProcess[]): Promise<void> {
  const ids = await Promise.all(nodes.map((node) => node.text('CLUSTER', 'MYID')));
  for (const node of nodes) {
    const primaryId = await primaryOf(node);
    if (primaryId === null) continue;
    const primary = nodes[ids.indexOf(primaryId)]!;
    await waitFor(async () => (await node.text('DEBUG', 'DIGEST')) === (await primary.text('DEBUG', 'DIGEST')), {
      what: `replica ${node.kind} ${node.port} to hold what ${primary.kind} ${primary.port} does`,
    });
  }
}
