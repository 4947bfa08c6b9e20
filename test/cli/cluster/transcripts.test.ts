/**
 * The same command lines with the real redis-cli and with ours against equal clusters, of real nodes and of our own: what they print, on both streams, and
 * how they end. The cases build on each other: each leaves both clusters equal.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { keySlot } from '../../../src/keyspace/key-slot.js';
import { clusterNodes, viewOfMyself, waitUntilHealthy } from '../../support/cluster.js';
import { ServerProcess, temporaryFolder } from '../../support/server-process.js';
import { longRun, needs, needsServers, type ServerKind } from '../../support/tools.js';
import { joinByPlace, setKeys, startNodes, TestCluster, Twins } from './twin-clusters.js';

const CREATE = "Can I set the above configuration? (type 'yes' to accept): ";
const PROCEED = 'Do you want to proceed with the proposed reshard plan (yes/no)? ';
const HOW_MANY = 'How many slots do you want to move (from 1 to 16384)? ';
const RECEIVER = 'What is the receiving node ID? ';
const NO_KEYS = "Fix these slots by covering with a random node? (type 'yes' to accept): ";
const ONE_NODE = "Fix these slots by covering with those nodes? (type 'yes' to accept): ";
const SEVERAL_NODES = "Fix these slots by moving keys into a single node? (type 'yes' to accept): ";

/** `{qu}` is in slot 5466; it belongs to the second of three primaries. */
const SLOT = 5466;
const KEYS_OF_SLOT = Array.from({ length: 23 }, (_, at) => `{qu}${at}`);
const SPREAD_KEYS = Array.from({ length: 300 }, (_, at) => `key:${at}`);

for (const kind of ['redis', 'slotmesh'] as const)
  suite(`cluster manager, beside redis-cli, on ${kind} nodes`, {
    skip: needs('redis-cli') || needsServers('slotmesh', kind),
  }, () => {
    /** Cases that hardly depend on whose nodes they are run against our own only in the long form. */
    const skip = kind === 'redis' || longRun ? false : 'on our own nodes in the long form only';
    const servers: ServerProcess[] = [];
    let twins: Twins;

    const own = <T extends ServerProcess[]>(started: T): T => {
      servers.push(...started);
      return started;
    };

    before(async () => {
      const [theirs, ours] = await Promise.all([startNodes(kind, 5), startNodes(kind, 5)]);
      own([...theirs, ...ours]);
      twins = new Twins(...(await Promise.all([joinByPlace(theirs, 3), joinByPlace(ours, 3)])));
      await twins.both((cluster) => setKeys(cluster, [...SPREAD_KEYS, ...KEYS_OF_SLOT]));
    });

    after(() => Promise.all(servers.map((server) => server.dispose())));

    /** All members agree again. */
    const settled = (count = 5): Promise<void> =>
      twins.both((cluster) => waitUntilHealthy(cluster.nodes.slice(0, count)));

    test('create: refused, declined, accepted; then one of the nodes dies', { skip }, async () => {
      const [theirs, ours] = await Promise.all([startNodes(kind, 3), startNodes(kind, 3)]);
      own([...theirs, ...ours]);
      const fresh = new Twins(new TestCluster(theirs), new TestCluster(ours));
      await fresh.both(async (cluster) => {
        cluster.ids = await Promise.all(cluster.nodes.map((node) => node.text('CLUSTER', 'MYID')));
      });
      const all = (cluster: TestCluster): string => [0, 1, 2].map((place) => cluster.address(place)).join(' ');
      await fresh.compare((cluster) => `--cluster create ${all(cluster)} --cluster-replicas 1`);
      await fresh.compare((cluster) => `--cluster create ${all(cluster)} nosuch`);
      await fresh.compare((cluster) => `--cluster create ${all(cluster)}`, { answers: [[CREATE, 'no']] });
      const dots = (text: string): string => text.replace(/\n\.*\n>>> Perf/, '\n\n>>> Perf');
      await fresh.compare((cluster) => `--cluster create ${all(cluster)}`, {
        answers: [[CREATE, 'yes']],
        settle: dots,
      });
      await fresh.compare((cluster) => `--cluster create ${all(cluster)} --cluster-yes`);
      await fresh.both((cluster) => waitUntilHealthy(cluster.nodes));
      // The source dies while the plan is looked at.
      await fresh.compare(
        (cluster) =>
          `--cluster reshard ${cluster.address(0)} --cluster-from ${cluster.id(2)} --cluster-to ${cluster.id(0)} --cluster-slots 3`,
        {
          answers: [[PROCEED, 'yes']],
          beforeAnswer: (cluster) => cluster.nodes[2]!.kill(),
          ownStderr: /^Slot 10923 is still open: [\s\S]*--cluster fix <0>\n/m,
        },
      );
      await fresh.compare((cluster) => `--cluster check ${cluster.address(0)}`);
      await fresh.compare((cluster) => `--cluster fix ${cluster.address(0)}`);
    });

    test('check, info and call print what redis-cli prints', { skip }, async () => {
      await twins.compare(() => '--cluster check');
      await twins.compare((cluster) => `--cluster check ${cluster.address(0)}`);
      await twins.compare((cluster) => `--cluster check ${cluster.address(0).replace(':', ' ')}`);
      await twins.compare((cluster) => `--cluster check ${cluster.address(0)} --cluster-search-multiple-owners`);
      await twins.compare((cluster) => `--cluster info ${cluster.address(0)}`);
      await twins.compare((cluster) => `--cluster call ${cluster.address(0)} get key:1`);
      await twins.compare(
        (cluster) => `--cluster call ${cluster.address(0)} config get maxmemory --cluster-only-masters`,
      );
      await twins.compare((cluster) => `--cluster call ${cluster.address(0)} command docs get --cluster-only-replicas`);
    });

    test('bad input is refused with the words and exit codes of redis-cli', { skip }, async () => {
      await twins.compare(() => '--cluster nosuch 127.0.0.1:1');
      await twins.compare(() => '--cluster check 127.0.0.1:1 --nosuch');
      await twins.compare(() => '--cluster check 127.0.0.1:1');
      await twins.compare(() => '--cluster check 127.0.0.1');
      await twins.compare((cluster) => `-a wrong --cluster check ${cluster.address(0)}`);
      await twins.compare((cluster) => `--cluster set-timeout ${cluster.address(0)} 99`);
      await twins.compare((cluster) => `--cluster del-node ${cluster.address(0)} nosuch`);
      await twins.compare((cluster) => `--cluster del-node ${cluster.address(0)} ${cluster.id(1)}`);
      const reshard = (cluster: TestCluster): string => `--cluster reshard ${cluster.address(0)} --cluster-slots 3`;
      await twins.compare((cluster) => `${reshard(cluster)} --cluster-to nosuch --cluster-from all`);
      await twins.compare((cluster) => `${reshard(cluster)} --cluster-to ${cluster.id(3)} --cluster-from all`);
      await twins.compare(
        (cluster) => `${reshard(cluster)} --cluster-to ${cluster.id(0)} --cluster-from ${cluster.id(0)}`,
      );
      await twins.compare((cluster) => `--cluster rebalance ${cluster.address(0)} --cluster-weight nosuch=1`);
    });

    test('set-timeout changes all nodes and tells each', { skip }, async () => {
      await twins.compare((cluster) => `--cluster set-timeout ${cluster.address(0)} 6000`);
    });

    test('reshard: asked for everything, declined, and with options', async () => {
      await twins.compare((cluster) => `--cluster reshard ${cluster.address(0)}`, {
        answers: (cluster) => [
          [HOW_MANY, '0'],
          [HOW_MANY, '20000'],
          [HOW_MANY, '5'],
          [RECEIVER, ''],
          [RECEIVER, cluster.id(0)],
          ['Source node #1: ', cluster.id(0)],
          ['Source node #1: ', cluster.id(1)],
          ['Source node #2: ', 'done'],
          [PROCEED, 'no'],
        ],
      });
      await twins.compare((cluster) => `--cluster reshard ${cluster.address(0)}`, {
        answers: (cluster) => [
          [HOW_MANY, '7'],
          [RECEIVER, cluster.id(0).toUpperCase()],
          ['Source node #1: ', 'all'],
          [PROCEED, 'yes'],
        ],
      });
      await settled();
      const move = (cluster: TestCluster, from: number, to: number, slots: number): string =>
        `--cluster reshard ${cluster.address(0)} --cluster-from ${cluster.id(from)} --cluster-to ${cluster.id(to)} --cluster-slots ${slots} --cluster-yes`;
      await twins.compare((cluster) => move(cluster, 1, 2, 40));
      await settled();
      await twins.compare((cluster) => `${move(cluster, 0, 2, 150)} --cluster-pipeline 3 --cluster-timeout 5000`);
      await settled();
      await twins.compare((cluster) => move(cluster, 1, 0, -5));
    });

    test('several slots at a time are told in the order of the plan', async () => {
      await twins.compare(
        (cluster) =>
          `--cluster reshard ${cluster.address(0)} --cluster-from all --cluster-to ${cluster.id(1)} --cluster-slots 60 --cluster-yes` +
          (cluster === twins.ours ? ' --cluster-parallel 5' : ''),
      );
      await settled();
    });

    test('rebalance: simulated, by weight, by threshold, and none needed', async () => {
      await twins.compare((cluster) => `--cluster rebalance ${cluster.address(0)} --cluster-simulate --verbose`);
      const weights = (cluster: TestCluster): string =>
        `--cluster-weight ${cluster.id(0)}=1.02 ${cluster.id(2).slice(0, 12)}=0.99`;
      await twins.compare(
        (cluster) => `--cluster rebalance ${cluster.address(0)} --cluster-simulate ${weights(cluster)}`,
      );
      await twins.compare((cluster) => `--cluster rebalance ${cluster.address(0)} --cluster-threshold 50`);
      await twins.compare(
        (cluster) => `--cluster rebalance ${cluster.address(0)} --cluster-threshold 0.5 --cluster-pipeline 100`,
      );
      await settled();
      await twins.compare((cluster) => `--cluster rebalance ${cluster.address(0)}`);
    });

    test('fix: a slot open on one side, and on both', async () => {
      const fix = (cluster: TestCluster): string => `--cluster fix ${cluster.address(0)}`;
      await twins.both((cluster) => cluster.call(0, 'CLUSTER', 'SETSLOT', 100, 'MIGRATING', cluster.id(1)));
      await twins.compare((cluster) => `--cluster check ${cluster.address(0)}`);
      await twins.compare(
        (cluster) =>
          `--cluster reshard ${cluster.address(0)} --cluster-slots 1 --cluster-to ${cluster.id(0)} --cluster-from all`,
      );
      await twins.compare((cluster) => `--cluster rebalance ${cluster.address(0)}`);
      await twins.compare(fix);
      await twins.both(async (cluster) => {
        for (const slot of [7, 5, 300]) await cluster.call(1, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', cluster.id(0));
      });
      await twins.compare(fix);
      const owner = await ownerOf(twins.theirs, SLOT);
      const target = (owner + 1) % 3;
      const openBothSides = (cluster: TestCluster): Promise<void> => openSlot(cluster, SLOT, owner, target);
      await twins.both(openBothSides);
      await twins.compare(fix);
      await settled();
    });

    test('fix: one migrating and two importing nodes', async () => {
      const owner = await ownerOf(twins.theirs, SLOT);
      await twins.both(async (cluster) => {
        await openSlot(cluster, SLOT, owner, (owner + 1) % 3);
        await cluster.call((owner + 2) % 3, 'CLUSTER', 'SETSLOT', SLOT, 'IMPORTING', cluster.id(owner));
      });
      await twins.compare((cluster) => `--cluster fix ${cluster.address(0)}`);
      await settled();
    });

    test('fix: keys of a slot on two nodes', async () => {
      const owner = await ownerOf(twins.theirs, SLOT);
      await twins.both(async (cluster) => {
        await plantKey(cluster, (owner + 1) % 3, owner, '{qu}stray');
        await cluster.call((owner + 2) % 3, 'CLUSTER', 'SETSLOT', SLOT, 'IMPORTING', cluster.id(owner));
      });
      await twins.compare((cluster) => `--cluster fix ${cluster.address(0)}`);
      await settled();
      await twins.compare((cluster) => `--cluster check ${cluster.address(0)}`);
    });

    test('import: moved, in the way, copied over', async () => {
      const [theirs, ours] = await Promise.all([startPlain(kind), startPlain(kind)]);
      own([theirs, ours]);
      await Promise.all([twins.theirs.add(theirs), twins.ours.add(ours)]);
      const source = (cluster: TestCluster): string => cluster.address(5);
      const words = (cluster: TestCluster): string =>
        `--cluster import ${cluster.address(0)} --cluster-from ${source(cluster)}`;
      // SCAN's order depends on a seed of each server.
      const sorted = (text: string): string =>
        text.replaceAll(/(?:^Migrating .*: OK\n)+/gm, (lines) =>
          lines
            .split(/^(?=M)/m)
            .sort()
            .join(''),
        );
      await twins.compare((cluster) => `--cluster import ${cluster.address(0)}`);
      await twins.compare((cluster) => `--cluster import ${cluster.address(0)} --cluster-from nosuch`);
      await twins.compare((cluster) => `--cluster import ${cluster.address(0)} --cluster-from 127.0.0.1:1`);
      await twins.compare((cluster) => `--cluster import ${cluster.address(0)} --cluster-from ${cluster.address(1)}`);
      await twins.both(async (cluster) => {
        for (let at = 0; at < 20; at++) await cluster.call(5, 'SET', `imported:${at}`, `value ${at}`);
      });
      await twins.compare((cluster) => `${words(cluster)} --cluster-copy`, { settle: sorted });
      await twins.both((cluster) => cluster.call(5, 'FLUSHALL'));
      await twins.both((cluster) => cluster.call(5, 'SET', 'imported:1', 'newer'));
      await twins.compare(words);
      await twins.compare((cluster) => `${words(cluster)} --cluster-replace`);
      await twins.both(async (cluster) => assert.equal(await cluster.call(5, 'DBSIZE'), 0));
    });

    test('backup: files, and a folder that is not there', { skip }, async () => {
      const folder = temporaryFolder('backup');
      const at = (cluster: TestCluster): string => join(folder, cluster === twins.ours ? 'ours' : 'real');
      const settle = (text: string): string =>
        text.replaceAll(/\/(?:ours|real)/g, '/…').replaceAll(/writing \d+ bytes/g, 'writing n bytes');
      await twins.both(async (cluster) => mkdirSync(at(cluster)));
      await twins.compare((cluster) => `--cluster backup ${cluster.address(0)} ${at(cluster)}`, { settle });
      const description = (cluster: TestCluster): string =>
        cluster
          .normalise(readFileSync(join(at(cluster), 'nodes.json'), 'latin1'))
          .replaceAll(/epoch": \d+/g, 'epoch": n');
      assert.equal(description(twins.ours), description(twins.theirs));
      await twins.compare((cluster) => `--cluster backup ${cluster.address(0)} ${at(cluster)}/nosuch`, { settle });
    });

    test('add-node and del-node tell each step as redis-cli does', async () => {
      const [theirs, ours] = await Promise.all([startNodes(kind, 2), startNodes(kind, 2)]);
      own([...theirs, ...ours]);
      for (const [cluster, nodes] of [
        [twins.theirs, theirs],
        [twins.ours, ours],
      ] as const)
        for (const node of nodes) await cluster.add(node, await node.text('CLUSTER', 'MYID'));
      const add = (cluster: TestCluster, place: number): string =>
        `--cluster add-node ${cluster.address(place)} ${cluster.address(0)}`;
      await twins.both(loadFunction);
      await twins.compare((cluster) => `--cluster add-node 127.0.0.1:1 ${cluster.address(0)}`);
      await twins.compare((cluster) => add(cluster, 5));
      await twins.compare((cluster) => add(cluster, 1));
      await twins.compare((cluster) => `${add(cluster, 7)} --cluster-slave --cluster-master-id nosuch`);
      await twins.compare((cluster) => add(cluster, 6));
      await twins.both((cluster) => waitUntilHealthy([...cluster.nodes.slice(0, 5), cluster.nodes[6]!]));
      const dots = (text: string): string => text.replace(/\n\.*\n>>> Conf/, '\n\n>>> Conf');
      await twins.compare((cluster) => `${add(cluster, 7)} --cluster-slave --cluster-master-id ${cluster.id(6)}`, {
        settle: dots,
      });
      await twins.both((cluster) => waitUntilHealthy([...cluster.nodes.slice(0, 5), ...cluster.nodes.slice(6)]));
      await twins.compare(
        (cluster) =>
          `--cluster rebalance ${cluster.address(0)} --cluster-use-empty-masters --cluster-simulate --verbose`,
      );
      const delNode = (cluster: TestCluster, place: number): string =>
        `--cluster del-node ${cluster.address(0)} ${cluster.id(place)}`;
      await twins.compare((cluster) => delNode(cluster, 6));
      await twins.compare((cluster) => delNode(cluster, 7));
    });

    test('fix: slots that nobody owns, and nodes that disagree', async () => {
      const owner = await ownerOf(twins.theirs, SLOT);
      const empty = await emptySlotOf(twins.theirs, owner);
      const held = keySlot('key:0');
      const holder = await ownerOf(twins.theirs, held);
      await twins.both(async (cluster) => {
        await plantKey(cluster, (owner + 1) % 3, owner, '{qu}1');
        await cluster.call(owner, 'CLUSTER', 'DELSLOTS', empty);
        await cluster.call(owner, 'CLUSTER', 'DELSLOTS', SLOT);
        await cluster.call(holder, 'CLUSTER', 'DELSLOTS', held);
      });
      const unknownNode = (text: string): string => text.replaceAll(/(Covering slot \d+ with) <\d>/g, '$1 <?>');
      await twins.compare((cluster) => `--cluster check ${cluster.address(0)}`);
      await twins.compare((cluster) => `--cluster fix ${cluster.address(0)}`, {
        answers: [
          [NO_KEYS, 'no'],
          [ONE_NODE, 'no'],
          [SEVERAL_NODES, 'no'],
        ],
      });
      await twins.compare((cluster) => `--cluster fix ${cluster.address(0)}`, {
        settle: unknownNode,
        answers: [
          [NO_KEYS, 'yes'],
          [ONE_NODE, 'yes'],
          [SEVERAL_NODES, 'yes'],
        ],
      });
      // Which node was taken for the slot without keys is chance: the clusters are not equal any more.
    });
  });

function startPlain(kind: ServerKind): Promise<ServerProcess> {
  return ServerProcess.start({ kind });
}

/** A function library, where the nodes know of such. */
async function loadFunction(cluster: TestCluster): Promise<void> {
  const [known] = (await cluster.call(0, 'COMMAND', 'INFO', 'FUNCTION')) as unknown[];
  if (known === null) return;
  await cluster.call(0, 'FUNCTION', 'LOAD', "#!lua name=lib\nredis.register_function('f', function() return 1 end)");
}

/** The place of a slot's owner. */
async function ownerOf(cluster: TestCluster, slot: number): Promise<number> {
  const views = await clusterNodes(cluster.nodes[0]!);
  const owner = views.find(({ slotRanges }) => slotRanges.some(([first, last]) => first <= slot && slot <= last));
  return cluster.ids.indexOf(owner!.id);
}

/** A slot of the node in that place that holds no keys. */
async function emptySlotOf(cluster: TestCluster, place: number): Promise<number> {
  const { slotRanges } = await viewOfMyself(cluster.nodes[place]!);
  for (const [first, last] of slotRanges)
    for (let slot = first; slot <= last; slot++)
      if ((await cluster.call(place, 'CLUSTER', 'COUNTKEYSINSLOT', slot)) === 0) return slot;
  throw new Error('every slot has keys');
}

/** Opens a slot on both sides, with some of its keys moved. */
async function openSlot(cluster: TestCluster, slot: number, source: number, target: number): Promise<void> {
  await cluster.call(target, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', cluster.id(source));
  await cluster.call(source, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', cluster.id(target));
  const { port } = cluster.nodes[target]!;
  await cluster.call(source, 'MIGRATE', '127.0.0.1', port, '', 0, 60_000, 'KEYS', ...KEYS_OF_SLOT.slice(0, 5));
}

/** Puts a key of a slot on a node that does not own it. */
async function plantKey(cluster: TestCluster, holder: number, owner: number, key: string): Promise<void> {
  await cluster.call(holder, 'CLUSTER', 'SETSLOT', SLOT, 'IMPORTING', cluster.id(owner));
  await Promise.all([cluster.call(holder, 'ASKING'), cluster.call(holder, 'SET', key, `value of ${key}`)]);
  await cluster.call(holder, 'CLUSTER', 'SETSLOT', SLOT, 'STABLE');
}
