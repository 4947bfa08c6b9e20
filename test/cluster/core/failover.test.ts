/** Stories of several nodes: how a cluster forms, loses a primary, splits, changes places, and what each node says meanwhile. */
import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { isFailed } from '../../../src/cluster/core/nodes.js';
import { World } from './world.js';

/** The same seed gives the same run, to the letter: what the simulator relies on. */
test('two runs of the same seed are the same', () => {
  const run = (): string[] => {
    const world = new World(99, 6);
    world.form(3);
    world.crash(1);
    world.run(5000);
    return [...world.transcript, ...world.hosts.map((host) => host.disk)];
  };
  assert.deepEqual(run(), run());
});

/** The lines of the transcript that match, without the rest of the talk. */
function told(world: World, pattern: RegExp): string[] {
  return world.transcript.filter((line) => pattern.test(line));
}

test('nodes that meet one node come to know each other, with distinct config epochs', () => {
  const world = new World(1, 6);
  world.form(3);
  const epochs = world.hosts.slice(0, 3).map((host) => host.me.configEpoch);
  assert.equal(new Set(epochs).size, 3);
  for (const host of world.hosts) {
    assert.equal(host.state.size, 3);
    assert.equal(host.state.slotOwners.indexOf(null), -1);
  }
});

test('a killed primary is replaced by its replica, and comes back as a replica of it', () => {
  const world = new World(2, 6);
  world.form(3);
  world.transcript = [];
  world.crash(0);
  const ms = world.runUntil('3 takes over', () => world.hosts[3]!.role === 'primary');
  assert(ms < 1000 + 1500, `the node timeout, an election delay of up to 1 s, and little more; took ${ms}`);
  world.run(1000);
  assert.deepEqual(told(world, /FAIL|failing|lection|state changed|granted/), [
    '2 Marking node <0> as failing (quorum reached).',
    '2 Cluster state changed: fail',
    '1 Marking node <0> as failing (quorum reached).',
    '1 Cluster state changed: fail',
    '5 FAIL message received from <2> about <0>',
    '5 Cluster state changed: fail',
    '4 FAIL message received from <2> about <0>',
    '4 Cluster state changed: fail',
    '3 FAIL message received from <2> about <0>',
    '3 Cluster state changed: fail',
    '3 Start of election delayed for 622 milliseconds (rank #0, offset 0).',
    '3 Starting a failover election for epoch 4.',
    '2 Failover auth granted to <3> for epoch 4',
    '1 Failover auth granted to <3> for epoch 4',
    "3 Failover election won: I'm the new master.",
    '3 Cluster state changed: ok',
    '5 Cluster state changed: ok',
    '2 Cluster state changed: ok',
    '1 Cluster state changed: ok',
    '4 Cluster state changed: ok',
  ]);
  assert(world.hosts[1]!.view(world.hosts[3]!).slotCount > 5000);
  world.restart(0);
  world.runUntil('0 follows 3', () => world.hosts[0]!.me.replicaOf === world.hosts[3]!.id);
  world.runUntil('all agree', () => world.agrees());
});

test('of two replicas the one with more data asks first and wins', () => {
  const world = new World(3, 9);
  world.form(3);
  world.hosts[0]!.offset = 1000;
  world.run(1500);
  // Replica 6 falls behind: cut from its primary, but not from the others.
  world.cut(0, 6);
  world.hosts[0]!.offset = 2000;
  world.run(900);
  world.crash(0);
  world.runUntil('a replica takes over', () => [3, 6].some((i) => world.hosts[i]!.role === 'primary'));
  assert.equal(world.hosts[3]!.role, 'primary');
  world.runUntil('the other follows it', () => world.hosts[6]!.me.replicaOf === world.hosts[3]!.id);
});

test('a replica whose data is older than the limit does not ask for votes', () => {
  const world = new World(4, 6, { replicaValidityFactor: 1, replPingReplicaPeriodS: 1 });
  world.form(3);
  world.cut(0, 3);
  world.run(8000);
  world.crash(0);
  world.run(12_000);
  assert.equal(world.hosts[3]!.role, 'replica');
  assert.equal(told(world, /^3 Starting a failover election/).length, 0);
  assert.equal(
    told(world, /^3 Currently unable to failover: Disconnected from master for longer than allowed/).length,
    1,
  );
});

test('a replica with cluster-replica-no-failover stays a replica, and the others see the flag', () => {
  const world = new World(5, 4);
  world.form(3);
  const { options } = world.hosts[3]!.state;
  world.input(world.hosts[3]!, { kind: 'configure', options: { ...options, replicaNoFailover: true } });
  world.runUntil('1 sees the flag', () => (world.hosts[1]!.view(world.hosts[3]!).flags & 512) !== 0);
  world.crash(0);
  world.run(10_000);
  assert.equal(world.hosts[3]!.role, 'replica');
  assert.equal(world.hosts[1]!.state.status, 'fail');
});

test('a split 2-1: the isolated primary stops, the majority elects its replica, the heal leaves one owner per slot', () => {
  const world = new World(6, 6);
  world.form(3);
  for (const other of [1, 2, 3, 4, 5]) world.cut(0, other);
  const ms = world.runUntil('0 stops', () => world.hosts[0]!.state.status === 'fail');
  // Pings are sent at least every half node timeout, and one must go unanswered for a whole one.
  assert(ms <= 1500 + 200, `within one and a half node timeouts, took ${ms}`);
  world.runUntil('3 takes over', () => world.hosts[3]!.role === 'primary');
  world.run(5000);
  assert.equal(world.hosts[0]!.state.status, 'fail');
  world.heal();
  world.runUntil('0 follows 3', () => world.hosts[0]!.me.replicaOf === world.hosts[3]!.id);
  world.runUntil(
    'all agree and are up',
    () => world.agrees() && world.hosts.every((host) => host.state.status === 'ok'),
  );
});

test('without a majority nobody is elected, however long it lasts', () => {
  const world = new World(7, 6);
  world.form(3);
  world.crash(0);
  world.crash(1);
  world.run(30_000);
  assert.equal(world.hosts[3]!.role, 'replica');
  assert.equal(world.hosts[4]!.role, 'replica');
  assert.equal(world.hosts[2]!.state.status, 'fail');
});

test('a restarted old primary learns from an UPDATE that it lost its slots, even if the new one is dead', () => {
  const world = new World(8, 7);
  world.form(3);
  world.crash(0);
  world.runUntil('a replica of 0 takes over', () => [3, 6].some((i) => world.hosts[i]!.role === 'primary'));
  const [winner, other] = world.hosts[3]!.role === 'primary' ? [3, 6] : [6, 3];
  world.run(2000);
  world.crash(winner!);
  world.crash(other!);
  world.restart(0);
  world.runUntil('0 gives up', () => world.hosts[0]!.role === 'replica');
  assert.equal(world.hosts[0]!.me.replicaOf, world.hosts[winner!]!.id);
});

test('CLUSTER FAILOVER: writes pause, the replica catches up, the two change places', () => {
  const world = new World(9, 6);
  world.form(3);
  world.hosts[0]!.offset = 500;
  world.run(1000);
  world.transcript = [];
  assert.deepEqual(world.admin(3, 'failover'), { ok: true, text: 'OK' });
  world.runUntil('they have changed places', () => world.hosts[0]!.me.replicaOf === world.hosts[3]!.id);
  const pauses = world.hosts[0]!.effects.filter((effect) => /writes/.test(effect.kind)).map((effect) => effect.kind);
  assert.deepEqual(pauses, ['pause-writes', 'resume-writes']);
  world.run(100);
  assert.deepEqual(told(world, /^[03] /), [
    '3 Manual failover user request accepted.',
    '0 Manual failover requested by replica <3>.',
    '3 Received replication offset for paused master manual failover: 500',
    '3 All master replication stream processed, manual failover can start.',
    '3 Start of election delayed for 0 milliseconds (rank #0, offset 500).',
    '3 Starting a failover election for epoch 4.',
    '0 Failover auth granted to <3> for epoch 4',
    '3 Currently unable to failover: Waiting for votes, but majority still not reached.',
    '3 Needed quorum: 2. Number of votes received so far: 1',
    "3 Failover election won: I'm the new master.",
    '3 configEpoch set to 4 after successful failover',
    '0 Configuration change detected. Reconfiguring myself as a replica of <3>',
  ]);
});

test('CLUSTER FAILOVER is refused while the primary is down; FORCE goes on without it', () => {
  const world = new World(10, 6);
  world.form(3);
  world.crash(0);
  world.runUntil('0 is failed', () => isFailed(world.hosts[3]!.view(world.hosts[0]!)));
  const refused = world.admin(3, 'failover');
  assert.deepEqual(refused, { ok: false, error: 'ERR Master is down or failed, please use CLUSTER FAILOVER FORCE' });
  assert.equal(world.admin(3, 'failover', 'force').ok, true);
  const ms = world.runUntil('3 takes over', () => world.hosts[3]!.role === 'primary');
  assert(ms < 300, `at once, took ${ms}`);
});

test('CLUSTER FAILOVER that cannot finish is given up by the replica after 5 s, by the primary, which must outlast it, after 10', () => {
  const world = new World(11, 6);
  world.form(3);
  world.admin(3, 'failover');
  // The request arrives, the primary's pings with its offset do not.
  world.run(1);
  world.cut(0, 3);
  assert.equal(told(world, /^0 Manual failover requested by replica <3>/).length, 1);
  assert(world.hosts[0]!.pausedUntilMs > world.nowMs);
  world.run(5300);
  assert.equal(told(world, /^3 Manual failover timed out\./).length, 1);
  assert(world.hosts[0]!.pausedUntilMs > world.nowMs);
  world.run(5000);
  assert.equal(told(world, /^0 Manual failover timed out\./).length, 1);
  assert(world.hosts[0]!.pausedUntilMs < world.nowMs);
  assert.equal(world.hosts[3]!.role, 'replica');
});

test('TAKEOVER needs no majority: replicas of dead primaries restore the cluster', () => {
  const world = new World(12, 6);
  world.form(3);
  world.crash(0);
  world.crash(1);
  world.run(5000);
  assert.equal(world.admin(3, 'failover', 'takeover').ok, true);
  assert.equal(world.admin(4, 'failover', 'takeover').ok, true);
  world.runUntil('the cluster is up', () => [2, 3, 4, 5].every((i) => world.hosts[i]!.state.status === 'ok'));
  world.restart(0);
  world.restart(1);
  world.runUntil(
    'the old primaries follow',
    () => world.hosts[0]!.role === 'replica' && world.hosts[1]!.role === 'replica',
  );
  world.runUntil('all agree', () => world.agrees());
});

test('a primary left without replicas gets one from the primary that has most, by the one with the smaller id', () => {
  const world = new World(13, 8);
  world.form(3);
  // 0: 3, 6   1: 4, 7   2: 5
  world.crash(5);
  world.runUntil('5 is failed', () => isFailed(world.hosts[0]!.view(world.hosts[5]!)));
  const start = world.nowMs;
  const spare = [3, 4, 6, 7].map((i) => world.hosts[i]!).sort((a, b) => (a.id < b.id ? -1 : 1))[0]!;
  world.runUntil('one moves', () => spare.me.replicaOf === world.hosts[2]!.id);
  assert(world.nowMs - start >= 4900, 'not before 5 s');
  world.run(3000);
  const moved = [3, 4, 6, 7].filter((i) => world.hosts[i]!.me.replicaOf === world.hosts[2]!.id);
  assert.deepEqual(moved, [spare.index]);
});

test('a vote survives a crash: no node votes twice in an epoch', () => {
  const world = new World(14, 6);
  world.form(3);
  world.crash(0);
  world.runUntil('somebody asks', () => world.hosts[1]!.votes.length > 0);
  world.crash(1);
  world.restart(1);
  assert.equal(world.hosts[1]!.state.lastVoteEpoch, world.hosts[1]!.votes[0]);
  assert(world.hosts[1]!.state.currentEpoch >= world.hosts[1]!.votes[0]!);
});

test('a node restarted at another address is found again by its pings', () => {
  const world = new World(15, 4);
  world.form(3);
  world.crash(3);
  world.run(500);
  const moved = world.hosts[3]!;
  moved.options.port = 7777;
  world.restart(3);
  world.runUntil('all know the new port', () => world.hosts.every((host) => host.view(moved).tcpPort === 7777));
  world.runUntil('all are connected', () =>
    world.hosts.slice(0, 3).every((host) => host.view(moved).outbound !== null),
  );
});
