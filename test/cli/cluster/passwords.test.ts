/**
 * The cluster manager on nodes that want a password, beside redis-cli: refused without it; with it, whichever way it was given, every subcommand gets
 * in, and what one node sends another (MIGRATE) carries it along.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { waitUntilHealthy } from '../../support/cluster.js';
import { ServerProcess } from '../../support/server-process.js';
import { longRun, needs, needsServers, type ServerKind } from '../../support/tools.js';
import { joinByPlace, setKeys, startNodes, type TestCluster, Twins } from './twin-clusters.js';

const PASSWORD = 'correct-horse';
const SOURCE_PASSWORD = 'battery-staple';
const KEYS = Array.from({ length: 200 }, (_, at) => `key:${at}`);
/** On real nodes in the long form only: what our nodes make of a password another sends is asked here alone. */
const kinds: readonly ServerKind[] = longRun ? ['redis', 'slotmesh'] : ['slotmesh'];
/** The slot of `{qu}`, of the second of three primaries. */
const SLOT = 5466;
const KEYS_OF_SLOT = Array.from({ length: 5 }, (_, at) => `{qu}${at}`);

for (const kind of kinds)
  suite(`cluster manager with passwords, beside redis-cli, on ${kind} nodes`, {
    skip: needs('redis-cli') || needsServers('slotmesh', kind),
  }, () => {
    const servers: ServerProcess[] = [];
    let twins: Twins;

    before(async () => {
      const [theirs, ours] = await Promise.all([startNodes(kind, 4, PASSWORD), startNodes(kind, 4, PASSWORD)]);
      servers.push(...theirs, ...ours);
      twins = new Twins(...(await Promise.all([joinByPlace(theirs.slice(0, 3), 3), joinByPlace(ours.slice(0, 3), 3)])));
      await Promise.all([addSpare(twins.theirs, theirs[3]!), addSpare(twins.ours, ours[3]!)]);
      await twins.both((cluster) => setKeys(cluster, [...KEYS, ...KEYS_OF_SLOT]));
    });

    after(() => Promise.all(servers.map((server) => server.dispose())));

    const settled = (count = 3): Promise<void> =>
      twins.both((cluster) => waitUntilHealthy(cluster.nodes.slice(0, count)));
    const check = (cluster: TestCluster): string => `--cluster check ${cluster.address(0)}`;
    const move = (cluster: TestCluster, from: number, to: number): string =>
      `--cluster reshard ${cluster.address(0)} --cluster-from ${cluster.id(from)} --cluster-to ${cluster.id(to)} --cluster-slots 40 --cluster-yes`;

    test('without a password, with a wrong one, and with one for a user who is not there: refused', async () => {
      await twins.compare(check);
      await twins.compare((cluster) => `-a wrong ${check(cluster)}`);
      await twins.compare(check, { env: { REDISCLI_AUTH: 'wrong' } });
      if (kind === 'redis') await twins.compare((cluster) => `--user nobody -a ${PASSWORD} ${check(cluster)}`);
      await twins.compare((cluster) => move(cluster, 0, 1));
    });

    test('keys move with -a, with REDISCLI_AUTH, and with --user', async () => {
      await twins.compare((cluster) => `-a ${PASSWORD} ${move(cluster, 0, 1)}`);
      await settled();
      await twins.compare((cluster) => move(cluster, 1, 2), { env: { REDISCLI_AUTH: PASSWORD } });
      await settled();
      await twins.compare((cluster) => `--user default --pass ${PASSWORD} --no-auth-warning ${move(cluster, 2, 0)}`);
      await settled();
    });

    test('rebalance, fix, call and info', async () => {
      const env = { REDISCLI_AUTH: PASSWORD };
      await twins.compare((cluster) => `--cluster rebalance ${cluster.address(0)} --cluster-threshold 0.1`, { env });
      await settled();
      await twins.both((cluster) => openSlot(cluster, 1, 2));
      await twins.compare((cluster) => `--cluster fix ${cluster.address(0)}`, { env });
      await settled();
      await twins.compare((cluster) => `--cluster call ${cluster.address(0)} dbsize --cluster-only-masters`, { env });
      await twins.compare((cluster) => `--cluster info ${cluster.address(0)}`, { env });
    });

    test('import from a server with a password of its own', async () => {
      const sources = await Promise.all([startSource(), startSource()]);
      servers.push(...sources);
      await Promise.all([twins.theirs.add(sources[0]), twins.ours.add(sources[1])]);
      const words = (cluster: TestCluster): string =>
        `-a ${PASSWORD} --no-auth-warning --cluster import ${cluster.address(0)} --cluster-from ${cluster.address(4)}`;
      await twins.compare(words);
      await twins.compare((cluster) => `${words(cluster)} --cluster-from-pass wrong`);
      await twins.both((cluster) => cluster.call(4, 'SET', 'imported', 'value'));
      await twins.compare((cluster) => `${words(cluster)} --cluster-from-pass ${SOURCE_PASSWORD}`);
      await twins.both(async (cluster) => assert.equal(await cluster.call(4, 'DBSIZE'), 0));
    });

    test('add-node and del-node log in to the new node, too', async () => {
      const env = { REDISCLI_AUTH: PASSWORD };
      await twins.compare((cluster) => `--cluster add-node ${cluster.address(3)} ${cluster.address(0)}`, {
        env,
        // Function libraries: which nodes know of such is not the question here.
        settle: (text) => text.replaceAll(/^>>> .*(?:functions|FUNCTION).*\n/gim, ''),
      });
      await settled(4);
      await twins.compare((cluster) => `--cluster del-node ${cluster.address(0)} ${cluster.id(3)}`, { env });
      await settled();
      await twins.compare(check, { env });
    });

    /** A server with a password that is in no cluster. */
    function startSource(): Promise<ServerProcess> {
      return ServerProcess.start({ kind, password: SOURCE_PASSWORD });
    }
  });

async function addSpare(cluster: TestCluster, node: ServerProcess): Promise<void> {
  await cluster.add(node, await node.text('CLUSTER', 'MYID'));
}

/** Opens SLOT on both sides, with some of its keys moved. */
async function openSlot(cluster: TestCluster, source: number, target: number): Promise<void> {
  await cluster.call(target, 'CLUSTER', 'SETSLOT', SLOT, 'IMPORTING', cluster.id(source));
  await cluster.call(source, 'CLUSTER', 'SETSLOT', SLOT, 'MIGRATING', cluster.id(target));
  const { port } = cluster.nodes[target]!;
  const keys = KEYS_OF_SLOT.slice(0, 2);
  await cluster.call(source, 'MIGRATE', '127.0.0.1', port, '', 0, 60_000, 'AUTH', PASSWORD, 'KEYS', ...keys);
}
