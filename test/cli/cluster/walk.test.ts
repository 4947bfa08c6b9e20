/**
 * The walk of the old tutorials with our tools alone, on our nodes and on real ones: a cluster is made with redis-trib's words, written to while it is
 * resharded and grown, and its nodes are taken away again. And what happens to a reshard that is broken off.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Child } from '../../support/child-process.js';
import { waitUntilHealthy } from '../../support/cluster.js';
import { ourCli, runTool, type Tool } from '../../support/run-tool.js';
import { ServerProcess } from '../../support/server-process.js';
import { longRun, needsServers, repositoryRoot, type ServerKind } from '../../support/tools.js';
import { waitFor } from '../../support/wait-for.js';
import { startWriteLoad } from '../../support/write-load.js';
import { type Answer, type Outcome, runInteractive, setKeys, startNodes, TestCluster } from './twin-clusters.js';

const ourTrib: Tool = [process.execPath, join(repositoryRoot, 'bin', 'slotmesh-trib.js')];

async function trib(words: string, answers: readonly Answer[] = []): Promise<Outcome> {
  const outcome = await runInteractive(ourTrib, words.split(' '), answers);
  assert.equal(outcome.code, 0, `slotmesh-trib ${words}\n${outcome.stdout}${outcome.stderr}`);
  assert.equal(outcome.stderr, '');
  return outcome;
}

/** Runs `body` with fresh nodes, which end with it. */
async function withNodes(
  kind: ServerKind,
  count: number,
  body: (cluster: TestCluster) => Promise<void>,
): Promise<void> {
  const nodes = await startNodes(kind, count);
  try {
    const cluster = new TestCluster(nodes);
    cluster.ids = await Promise.all(nodes.map((node) => node.text('CLUSTER', 'MYID')));
    await body(cluster);
  } finally {
    await Promise.all(nodes.map((node) => node.dispose()));
  }
}

async function keyCount(nodes: readonly ServerProcess[]): Promise<number> {
  const sizes = await Promise.all(nodes.map(async (node) => Number(await node.call('DBSIZE'))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** On real nodes only in the long form: there the transcripts show the same subcommands. */
const kinds: readonly ServerKind[] = longRun ? ['slotmesh', 'redis'] : ['slotmesh'];

for (const kind of kinds) {
  suite(`cluster manager on ${kind} nodes`, { skip: needsServers('slotmesh', kind) }, () => {
    test('the tutorial: create, reshard under writes, add a primary and a replica, remove them', async () => {
      await withNodes(kind, 5, async (cluster) => {
        const [a, b, c, d, e] = [0, 1, 2, 3, 4].map((place) => cluster.address(place));
        const members = cluster.nodes.slice(0, 3);
        const created = await trib(`create --replicas 0 ${a} ${b} ${c}`, [
          ["Can I set the above configuration? (type 'yes' to accept): ", 'yes'],
        ]);
        assert.match(
          created.stdout,
          /^>>> Creating cluster\n>>> Performing hash slots allocation on 3 nodes\.\.\.\nUsing 3 masters:\n/,
        );
        assert.match(created.stdout, /\[OK\] All 16384 slots covered\.\n$/);
        await waitUntilHealthy(members);
        const load = await startWriteLoad(members, { prefix: 'walk' });
        try {
          const resharded = await trib(`reshard ${a}`, [
            ['How many slots do you want to move (from 1 to 16384)? ', '100'],
            ['What is the receiving node ID? ', 'nosuch'],
            ['What is the receiving node ID? ', cluster.id(0)],
            ['Source node #1:', 'all'],
            ['Do you want to proceed with the proposed reshard plan (yes/no)? ', 'yes'],
          ]);
          assert.equal(resharded.stdout.match(/Moving slot \d+ from 127/g)?.length, 100);
          await waitUntilHealthy(members);
          await trib(`add-node ${d} ${a}`);
          await waitUntilHealthy(cluster.nodes.slice(0, 4));
          await trib(`add-node --slave --master-id ${cluster.id(3)} ${e} ${a}`);
          await waitUntilHealthy(cluster.nodes);
          await trib(`rebalance --use-empty-masters --simulate ${a}`);
          await trib(`reshard --from all --to ${cluster.id(3)} --slots 90 --yes ${a}`);
          await waitUntilHealthy(cluster.nodes);
        } finally {
          await load.stop();
        }
        assert.deepEqual(load.errors, []);
        assert.deepEqual(await load.findLost(), []);
        load.close();
        const primaries = cluster.nodes.slice(0, 4);
        assert.equal(await keyCount(primaries), load.acknowledgedCount, 'no key is there twice');
        const check = await trib(`check ${a}`);
        assert.match(check.stdout, /\[OK\] All nodes agree[\s\S]*\[OK\] All 16384 slots covered\.\n$/);

        await trib(`reshard --from ${cluster.id(3)} --to ${cluster.id(0)} --slots 90 --yes --pipeline 20 ${a}`);
        await waitUntilHealthy(cluster.nodes);
        const removed = await trib(`del-node ${a} ${cluster.id(4)}`);
        assert.match(removed.stdout, />>> SHUTDOWN the node\.\n$/);
        await trib(`del-node ${a} ${cluster.id(3)}`);
        await waitFor(() => !cluster.nodes[3]!.isRunning && !cluster.nodes[4]!.isRunning, { what: 'both to be gone' });
        await waitUntilHealthy(members);
        assert.equal(await keyCount(members), load.acknowledgedCount);
      });
    });

    test('the other words of redis-trib: call, set-timeout, fix, import, and what it refuses', async () => {
      await withNodes(kind, 4, async (cluster) => {
        const [a, b, c, d] = [0, 1, 2, 3].map((place) => cluster.address(place));
        const refused = async (words: string, told: string): Promise<void> => {
          const { code, stdout, stderr } = await runInteractive(ourTrib, words.split(' '), []);
          assert.deepEqual([code, stderr, stdout.slice(-told.length)], [1, '', told], words);
        };
        await refused('nosuch', "Unknown redis-trib subcommand 'nosuch'\n");
        await refused(`check --from x ${a}`, "Unknown option 'from' for command 'check'\n");
        await refused('check', '[ERR] Wrong number of arguments for specified sub command\n');
        await refused('check nosuch', 'Invalid IP or Port (given as nosuch) - use IP:Port format\n');
        await refused('check 127.0.0.1:1', "[ERR] Sorry, can't connect to node 127.0.0.1:1\n");
        await refused(`create --replicas 1 ${a} ${b} ${c}`, '*** At least 6 nodes are required.\n');

        await trib(`create --replicas 0 ${a} ${b} ${c}`, [
          ["Can I set the above configuration? (type 'yes' to accept): ", 'yes'],
        ]);
        const members = cluster.nodes.slice(0, 3);
        await waitUntilHealthy(members);
        await refused(
          `del-node ${a} ${cluster.id(1)}`,
          `[ERR] Node ${b} is not empty! Reshard data away and try again.\n`,
        );
        const called = await trib(`call ${a} config get appendonly`);
        const [title, ...replies] = called.stdout.trimEnd().split('\n');
        assert.equal(title, '>>> Calling CONFIG get appendonly');
        assert.deepEqual(replies.sort(), [a, b, c].map((each) => `${each}: ["appendonly", "no"]`).sort());
        const timed = await trib(`set-timeout ${a} 6000`);
        assert.match(timed.stdout, />>> New node timeout set\. 3 OK, 0 ERR\.\n$/);
        await refused(`import ${a}`, "Option '--from' is required for subcommand 'import'\n");
        for (let at = 0; at < 10; at++) await cluster.call(0, 'CLUSTER', 'SETSLOT', at, 'MIGRATING', cluster.id(1));
        const open = await trib(`check ${a}`);
        assert.match(open.stdout, /\[WARNING\] The following slots are open: 0,1,2,3,4,5,6,7,8,9\n/);
        const fixed = await trib(`fix ${a}`);
        assert.match(fixed.stdout, />>> Fixing open slot 9\nSet as migrating in: \S+\nSet as importing in: \n/);
        await waitUntilHealthy(members);

        const source = await ServerProcess.start({ kind });
        try {
          for (let at = 0; at < 10; at++) await source.call('SET', `imported:${at}`, at);
          const imported = await trib(`import --from 127.0.0.1:${source.port} --copy ${a}`);
          assert.match(
            imported.stdout,
            /\*\*\* Importing 10 keys from DB 0\n(?:Migrating imported:\d to \S+: OK\n){10}$/,
          );
          assert.equal(await keyCount(members), 10);
        } finally {
          await source.dispose();
        }
        await refused(`add-node --slave --master-id nosuch ${d} ${a}`, '[ERR] No such master ID nosuch\n');
      });
    });

    test('a reshard that is asked to end, by Ctrl-C or otherwise, ends the slots under way: none stays open', async () => {
      await withNodes(kind, 3, async (cluster) => {
        const [a, b, c] = [0, 1, 2].map((place) => cluster.address(place));
        await runInteractive(ourCli, `--cluster create ${a} ${b} ${c} --cluster-yes`.split(' '), []);
        await waitUntilHealthy(cluster.nodes);
        await setKeys(
          cluster,
          Array.from({ length: 5000 }, (_, at) => `key:${at}`),
        );
        const words = `--cluster reshard ${a} --cluster-from ${cluster.id(0)} --cluster-to ${cluster.id(1)} --cluster-slots 5000 --cluster-yes --cluster-parallel 3`;
        const [program, ...leading] = ourCli;
        const args = [...leading, ...words.split(' ')];
        const assertClosed = async (): Promise<void> => {
          await waitUntilHealthy(cluster.nodes);
          const checked = await runInteractive(ourCli, ['--cluster', 'check', a!], []);
          assert.equal(checked.code, 0, checked.stdout);
          assert.match(checked.stdout, /\[OK\] 5000 keys in 3 masters\./);
        };
        for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
          const child = await Child.start(program, args, { env: { TERM: 'dumb' } });
          await waitFor(() => /\nMoving slot \d+ from /.test(child.stdout), { what: 'the first slots to move' });
          child.kill(signal);
          const { code } = await child.untilExit();
          assert.equal(code, 130, child.stderr);
          assert.match(child.stderr, /^\nInterrupted: ending/);
          assert.doesNotMatch(child.stderr, /still open/);
          await assertClosed();
        }
        const piped = await runTool(['sh', '-c', '"$@" | grep -m 1 "^Moving slot"', 'sh', program, ...args], []);
        assert.match(piped.stdout, /^Moving slot \d+ from/);
        assert.match(piped.stderr, /^\nInterrupted: ending/);
        await assertClosed();
      });
    });
  });
}
