/**
 * What a Redis Cluster tutorial does, step by step, with the real redis-cli: create a cluster from six configuration files, read and write through
 * redirections, lose a primary and get it back, add nodes, move slots under load, remove nodes, fail over by hand, rebalance, fix, call, import, back up.
 *
 * The steps are one story: each goes on where the one before ended, on the same cluster, so they are subtests of one test and the first that fails ends it.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  clusterInfo,
  clusterNode,
  clusterNodes,
  clusterStory,
  failOver,
  type NodeView,
  parseNodes,
  slotCount,
  slotOwners,
  viewOfMyself,
  waitUntilHealthy,
} from '../support/cluster.js';
import { type CliResult, redisCli } from '../support/redis-cli.js';
import { ServerProcess, temporaryFolder, withOutput } from '../support/server-process.js';
import { needs, needsServers, type ServerKind, serversUnderTest } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';
import { startWriteLoad } from '../support/write-load.js';

const PASSWORD = 'tutorial';
const NODE_TIMEOUT_MS = 5000;

const people: [key: string, value: string, slot: number][] = [
  ['my_name', 'ada', 12803],
  ['age', '36', 741],
  ['sex', 'f', 2584],
  ['height', '165', 8223],
  ['home', 'london', 10814],
  ['city', 'marylebone', 11479],
];

for (const kind of serversUnderTest()) {
  test(`the tutorial walk with six ${kind} nodes`, {
    skip: needs('redis-cli') || needsServers(kind, 'redis'),
  }, async (context) => {
    const walk = new Walk(kind);
    try {
      for (const [name, step] of steps) await runStep(context, name, () => step(walk));
    } catch (error) {
      throw withOutput(error, walk.nodes);
    } finally {
      await Promise.all([...walk.nodes, ...walk.others].map((node) => node.dispose()));
    }
  });
}

/** A subtest whose failure ends the story. */
async function runStep(context: TestContext, name: string, step: () => Promise<void>): Promise<void> {
  let failure: unknown = null;
  await context.test(name, async () => {
    await step().catch((error) => {
      failure = error;
      throw error;
    });
  });
  if (failure !== null) throw failure;
}

class Walk {
  readonly kind: ServerKind;
  /** By their place in the tutorial: 0–5 are the first six, 6 and on those added later. */
  readonly nodes: ServerProcess[] = [];
  readonly others: ServerProcess[] = [];

  constructor(kind: ServerKind) {
    this.kind = kind;
  }

  async addProcess(): Promise<ServerProcess> {
    const node = await ServerProcess.start(
      clusterNode(this.kind, { nodeTimeoutMs: NODE_TIMEOUT_MS, password: PASSWORD }),
    );
    this.nodes.push(node);
    return node;
  }

  get living(): ServerProcess[] {
    return this.nodes.filter((node) => node.isRunning);
  }

  address(node: ServerProcess): string {
    return `127.0.0.1:${node.port}`;
  }

  /** `redis-cli --cluster …`. */
  manage(args: (string | number)[], options: { input?: string } = {}): Promise<CliResult> {
    return redisCli(['--cluster', ...args], { password: PASSWORD, ...options });
  }

  async manageOk(args: (string | number)[], options: { input?: string } = {}): Promise<string> {
    const result = await this.manage(args, options);
    assert.equal(result.code, 0, `--cluster ${args.join(' ')}:\n${result.stdout}\n${result.stderr}`);
    return result.stdout;
  }

  /** `redis-cli -c` on one node. */
  async cli(node: ServerProcess, ...args: string[]): Promise<string> {
    const result = await redisCli(['-c', '-p', node.port, ...args], { password: PASSWORD });
    return result.stdout.trimEnd();
  }

  async views(): Promise<NodeView[]> {
    return clusterNodes(this.living[0]!);
  }

  async myId(node: ServerProcess): Promise<string> {
    return node.text('CLUSTER', 'MYID');
  }

  processOf(view: NodeView): ServerProcess {
    return this.nodes.find((node) => node.port === view.port)!;
  }

  /** The process that owns the slot now. */
  async ownerOf(slot: number): Promise<ServerProcess> {
    const views = await this.views();
    const owner = slotOwners(views)[slot];
    return this.processOf(views.find((view) => view.id === owner)!);
  }

  /** The living replicas of a node. */
  async replicasOf(node: ServerProcess): Promise<ServerProcess[]> {
    const id = await this.myId(node);
    return (await this.views())
      .filter((view) => view.replicaOf === id && !view.flags.includes('fail'))
      .map((view) => this.processOf(view));
  }

  async healthy(): Promise<void> {
    await waitUntilHealthy(this.living);
  }

  async assertPeopleReadable(): Promise<void> {
    for (const [key, value] of people) assert.equal(await this.cli(this.living[0]!, 'GET', key), value, key);
  }
}

const steps: [name: string, step: (walk: Walk) => Promise<void>][] = [
  ['six servers start from their configuration files and are not yet a cluster', startSix],
  ['--cluster create gives three primaries with a replica each, and covers all slots', create],
  ['redis-cli -c is redirected to the slot of each key', setAndGet],
  ['the append-only files of the replicas hold the commands of their primaries', checkAppendOnlyFiles],
  ['after kill -9 of a primary its replica takes over, and the data is there', killPrimary],
  ['add-node and a reshard of 4096 slots lose nothing of a running write load', addNodeAndReshard],
  ['of two replicas of a killed primary exactly one takes over', oneOfTwoReplicas],
  ['del-node refuses a node with slots, and removes it once they are moved away', removeNodes],
  ['CLUSTER FAILOVER by hand loses no acknowledged write', manualFailover],
  ['--cluster rebalance evens the slots out', rebalance],
  ['--cluster fix closes a slot left open', fixOpenSlot],
  ['--cluster call, import, backup and check', callImportBackup],
];

async function startSix(walk: Walk): Promise<void> {
  for (let at = 0; at < 6; at++) await walk.addProcess();
  for (const node of walk.nodes) assert.equal((await clusterInfo(node))['cluster_state'], 'fail');
}

async function create(walk: Walk): Promise<void> {
  const output = await walk.manageOk(
    ['create', ...walk.nodes.map((node) => walk.address(node)), '--cluster-replicas', 1],
    { input: 'yes\n' },
  );
  assert.match(
    output,
    /Master\[0\] -> Slots 0 - 5460\nMaster\[1\] -> Slots 5461 - 10922\nMaster\[2\] -> Slots 10923 - 16383\n/,
  );
  assert.match(output, /\[OK\] All nodes agree about slots configuration\./);
  assert.match(output, /\[OK\] All 16384 slots covered\.\s*$/);
  await walk.healthy();
  const views = await walk.views();
  assert.equal(views.filter((view) => view.isPrimary && slotCount(view) > 0).length, 3);
  assert.equal(new Set(views.filter((view) => !view.isPrimary).map((view) => view.replicaOf)).size, 3);
}

async function setAndGet(walk: Walk): Promise<void> {
  for (const [key, value, slot] of people) {
    assert.equal(await walk.cli(walk.nodes[0]!, 'CLUSTER', 'KEYSLOT', key), String(slot));
    const owner = await walk.ownerOf(slot);
    const elsewhere = walk.nodes.slice(0, 3).find((node) => node !== owner)!;
    const redirected = await redisCli(['-c', '-p', elsewhere.port], {
      password: PASSWORD,
      input: `set ${key} ${value}\n`,
    });
    assert.equal(redirected.stdout, `-> Redirected to slot [${slot}] located at ${walk.address(owner)}\nOK\n`);
    assert.equal(await walk.cli(owner, 'SET', key, value), 'OK');
  }
  await walk.assertPeopleReadable();
}

async function checkAppendOnlyFiles(walk: Walk): Promise<void> {
  for (const [key, value, slot] of people) {
    for (const replica of await walk.replicasOf(await walk.ownerOf(slot))) {
      await waitFor(() => appendedText(replica).includes(`\r\n${key}\r\n$${value.length}\r\n${value}\r\n`), {
        what: `SET ${key} in the append-only file of replica ${replica.port}`,
      });
    }
  }
}

/** The incremental append-only files of a server, as text. */
function appendedText(node: ServerProcess): string {
  const folder = join(node.folder, 'appendonlydir');
  const names = readdirSync(folder).filter((name) => name.endsWith('.incr.aof'));
  return names.map((name) => readFileSync(join(folder, name), 'latin1')).join('');
}

async function killPrimary(walk: Walk): Promise<void> {
  const victim = await walk.ownerOf(741);
  const [heir] = await walk.replicasOf(victim);
  await victim.kill();
  const killedAtMs = performance.now();
  await waitFor(async () => (await heir!.info('replication'))['role'] === 'master' && (await allOk(walk)), {
    what: `replica ${heir!.port} to take over from ${victim.port}, and the cluster to be ok`,
    detail: () => clusterStory(walk.living),
  });
  console.log(
    `  failover took ${Math.round(performance.now() - killedAtMs)} ms at a node timeout of ${NODE_TIMEOUT_MS} ms`,
  );
  await walk.assertPeopleReadable();

  await victim.restart();
  await waitFor(async () => (await viewOfMyself(victim)).replicaOf === (await walk.myId(heir!)), {
    what: `the old primary ${victim.port} to be a replica of ${heir!.port}`,
  });
  await walk.healthy();
}

async function allOk(walk: Walk): Promise<boolean> {
  const states = await Promise.all(walk.living.map(async (node) => (await clusterInfo(node))['cluster_state']));
  return states.every((state) => state === 'ok');
}

async function addNodeAndReshard(walk: Walk): Promise<void> {
  const added = await walk.addProcess();
  const output = await walk.manageOk(['add-node', walk.address(added), walk.address(walk.nodes[0]!)]);
  assert.match(output, /\[OK\] New node added correctly\.\s*$/);
  await walk.healthy();
  assert.equal(slotCount(await viewOfMyself(added)), 0);

  const load = await startWriteLoad(walk.living, { prefix: 'reshard' });
  try {
    const reshard = [
      '--cluster-from',
      'all',
      '--cluster-to',
      await walk.myId(added),
      '--cluster-slots',
      4096,
      '--cluster-yes',
    ];
    await walk.manageOk(['reshard', walk.address(walk.nodes[0]!), ...reshard]);
    await waitFor(() => load.acknowledgedCount > 1000, { what: 'a thousand keys to be written' });
    await load.stop();
    assert.deepEqual(load.errors, []);
    assert.ok(load.counters.ask + load.counters.moved > 0, 'the clients were redirected');
    assert.equal(load.counters.down + load.counters.lost, 0, 'and nothing but redirected');
    await walk.healthy();
    assert.equal(slotCount(await viewOfMyself(added)), 4096);
    assert.deepEqual(await load.findLost(), []);
    console.log(`  ${load.acknowledgedCount} keys written during the reshard; ${JSON.stringify(load.counters)}`);
  } finally {
    load.close();
  }
  await walk.assertPeopleReadable();
}

async function oneOfTwoReplicas(walk: Walk): Promise<void> {
  const primary = walk.nodes[6]!;
  const primaryId = await walk.myId(primary);
  for (let at = 0; at < 2; at++) {
    const replica = await walk.addProcess();
    await walk.manageOk([
      'add-node',
      walk.address(replica),
      walk.address(walk.nodes[0]!),
      '--cluster-slave',
      '--cluster-master-id',
      primaryId,
    ]);
    await walk.healthy();
    assert.equal((await viewOfMyself(replica)).replicaOf, primaryId);
  }
  const replicas = walk.nodes.slice(7, 9);
  await primary.kill();
  await waitFor(async () => (await Promise.all(replicas.map(isPrimary))).includes(true) && (await allOk(walk)), {
    what: `one of the replicas of ${primary.port} to take over`,
    detail: () => clusterStory(walk.living),
  });
  await walk.healthy();
  const roles = await Promise.all(replicas.map(isPrimary));
  assert.deepEqual([...roles].sort(), [false, true], 'exactly one of the two won');
  const winner = replicas[roles.indexOf(true)]!;
  const loser = replicas[roles.indexOf(false)]!;
  assert.equal(slotCount(await viewOfMyself(winner)), 4096);
  assert.equal((await viewOfMyself(loser)).replicaOf, await walk.myId(winner));
  await walk.assertPeopleReadable();
  await primary.restart();
  await walk.healthy();
  assert.equal((await viewOfMyself(primary)).replicaOf, await walk.myId(winner));
}

async function isPrimary(node: ServerProcess): Promise<boolean> {
  return (await viewOfMyself(node)).isPrimary;
}

async function removeNodes(walk: Walk): Promise<void> {
  const entry = walk.nodes[0]!;
  const removed = walk.nodes.slice(6, 9);
  const owner = (await Promise.all(removed.map(isPrimary))).indexOf(true);
  const primary = removed[owner]!;
  const refused = await walk.manage(['del-node', walk.address(entry), await walk.myId(primary)]);
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /is not empty! Reshard data away and try again\./);

  for (const replica of removed.filter((node) => node !== primary)) await deleteNode(walk, entry, replica);
  const receiver = await walk.ownerOf(16383);
  const away = [
    '--cluster-from',
    await walk.myId(primary),
    '--cluster-to',
    await walk.myId(receiver),
    '--cluster-slots',
    4096,
    '--cluster-yes',
    '--cluster-pipeline',
    100,
  ];
  await walk.manageOk(['reshard', walk.address(entry), ...away]);
  await walk.healthy();
  await deleteNode(walk, entry, primary);
  await walk.assertPeopleReadable();
}

async function deleteNode(walk: Walk, entry: ServerProcess, node: ServerProcess): Promise<void> {
  const id = await walk.myId(node);
  await walk.manageOk(['del-node', walk.address(entry), id]);
  await waitFor(async () => !(await walk.views()).some((view) => view.id === id), {
    what: `node ${node.port} to be forgotten`,
  });
  await node.kill();
  await walk.healthy();
}

async function manualFailover(walk: Walk): Promise<void> {
  const primary = await walk.ownerOf(10814);
  const [replica] = await walk.replicasOf(primary);
  const load = await startWriteLoad(walk.living, { prefix: 'failover' });
  try {
    await waitFor(() => load.acknowledgedCount > 500, { what: 'the write load to be under way' });
    await failOver(replica!, walk.living);
    await waitFor(async () => !(await isPrimary(primary)), {
      what: 'the old primary to follow it',
      detail: () => clusterStory(walk.living),
    });
    const countAfter = load.acknowledgedCount;
    await waitFor(() => load.acknowledgedCount > countAfter + 500, { what: 'the write load to go on' });
    await load.stop();
    assert.deepEqual(load.errors, []);
    await walk.healthy();
    assert.deepEqual(await load.findLost(), []);
  } finally {
    load.close();
  }
}

async function rebalance(walk: Walk): Promise<void> {
  const output = await walk.manageOk(['rebalance', walk.address(walk.living[0]!), '--cluster-pipeline', 100]);
  assert.match(output, />>> Rebalancing across 3 nodes\. Total weight = 3\.00/);
  await walk.healthy();
  const counts = (await walk.views()).map(slotCount).filter((count) => count > 0);
  assert.equal(counts.length, 3);
  for (const count of counts)
    assert.ok(Math.abs(count - 16384 / 3) < 16384 * 0.02, `slots per primary: ${counts.join(', ')}`);
  const again = await walk.manageOk(['rebalance', walk.address(walk.living[0]!)]);
  assert.match(again, /\*\*\* No rebalancing needed! All nodes are within the 2\.00% threshold\./);
  await walk.assertPeopleReadable();
}

async function fixOpenSlot(walk: Walk): Promise<void> {
  const slot = 741;
  const source = await walk.ownerOf(slot);
  const target = walk.processOf((await walk.views()).find((view) => slotCount(view) > 0 && view.port !== source.port)!);
  await target.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', await walk.myId(source));
  await source.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', await walk.myId(target));
  // New keys of a migrating slot are written at the target. redis-cli gives the slot to the node with more of its keys: so one more than the source has.
  const moved = Array.from(
    { length: Number(await source.call('CLUSTER', 'COUNTKEYSINSLOT', slot)) + 1 },
    (_, at) => `{age}moved:${at}`,
  );
  for (const key of moved) assert.equal(await walk.cli(source, 'SET', key, 'there'), 'OK');

  const open = await walk.manage(['check', walk.address(walk.living[0]!)]);
  assert.equal(open.code, 1);
  assert.match(open.stdout, /\[WARNING\] The following slots are open: 741\./);
  const fixed = await walk.manageOk(['fix', walk.address(walk.living[0]!)]);
  assert.match(fixed, />>> Fixing open slot 741/);
  await walk.healthy();
  assert.equal(await walk.ownerOf(slot), target);
  for (const key of moved) assert.equal(await walk.cli(source, 'GET', key), 'there');
  await walk.manageOk(['check', walk.address(walk.living[0]!)]);
  await walk.assertPeopleReadable();
}

async function callImportBackup(walk: Walk): Promise<void> {
  const entry = walk.living[0]!;
  const called = await walk.manageOk(['call', walk.address(entry), 'CONFIG', 'GET', 'cluster-node-timeout']);
  for (const node of walk.living)
    assert.match(called, new RegExp(`${walk.address(node)}: cluster-node-timeout\n${NODE_TIMEOUT_MS}\n`));

  const single = await ServerProcess.start({ kind: walk.kind });
  walk.others.push(single);
  const imported = Array.from({ length: 100 }, (_, at) => `imported:${at}`);
  for (const key of imported) await single.call('SET', key, `value of ${key}`);
  const output = await walk.manageOk([
    'import',
    walk.address(entry),
    '--cluster-from',
    walk.address(single),
    '--cluster-copy',
  ]);
  assert.match(output, /\*\*\* Importing 100 keys from DB 0/);
  assert.equal(await single.call('DBSIZE'), 100, '--cluster-copy leaves the keys where they were');
  for (const key of imported.slice(0, 10)) assert.equal(await walk.cli(entry, 'GET', key), `value of ${key}`);

  const folder = temporaryFolder('backup');
  assert.match(await walk.manageOk(['backup', walk.address(entry), folder]), /\[OK\] Backup created into: /);
  assert.ok(existsSync(join(folder, 'nodes.json')));
  const described = JSON.parse(readFileSync(join(folder, 'nodes.json'), 'utf8')) as { slots_count: number }[];
  assert.equal(described.length, 6);
  assert.equal(
    described.reduce((sum, node) => sum + node.slots_count, 0),
    16384,
  );
  assert.equal(readdirSync(folder).filter((name) => name.endsWith('.rdb')).length, 3);

  assert.match(await walk.manageOk(['check', walk.address(entry)]), /\[OK\] All 16384 slots covered\.\s*$/);
  assert.equal(parseNodes(await walk.cli(entry, 'CLUSTER', 'NODES')).length, 6);
}
