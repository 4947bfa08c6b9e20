/** The admin requests: texts of Redis 7.2, and what they do. */
import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { describeNode } from '../../../src/cluster/core/describe.js';
import { isPrimary } from '../../../src/cluster/core/nodes.js';
import { clusterInfo, clusterShards, clusterSlots } from '../../../src/cluster/core/views.js';
import { idOf, Lone } from './lone.js';

const FORM = (name: string) => `ERR unknown subcommand or wrong number of arguments for '${name}'. Try CLUSTER HELP.`;

test('wrong requests are answered with the texts of Redis and change nothing', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [7], configEpoch: 3 });
  const r = lone.peer('r', { replicaOf: a });
  lone.admin('addslots', '1', '2');
  const before = structuredClone(lone.state);
  const cases: [string, string][] = [
    ['nonsense', "ERR unknown subcommand 'nonsense'. Try CLUSTER HELP."],
    ['addslots 1 abc', 'ERR Invalid or out of range slot'],
    ['addslots 5 1', 'ERR Slot 1 is already busy'],
    ['addslots 5 5', 'ERR Slot 5 specified multiple times'],
    ['addslots 16384', 'ERR Invalid or out of range slot'],
    ['addslots -1', 'ERR Invalid or out of range slot'],
    ['delslots 5', 'ERR Slot 5 is already unassigned'],
    ['delslots 1 1', 'ERR Slot 1 specified multiple times'],
    ['addslotsrange 5 3', 'ERR start slot number 5 is greater than end slot number 3'],
    ['addslotsrange 9', "ERR wrong number of arguments for 'cluster|addslotsrange' command"],
    ['delslotsrange 9 10 11', "ERR wrong number of arguments for 'cluster|delslotsrange' command"],
    ['meet 127.0.0.1 abc', 'ERR Invalid base port specified: abc'],
    ['meet 127.0.0.1 7000 abc', 'ERR Invalid bus port specified: abc'],
    ['meet 127.0.0.1 60000', 'ERR Invalid node address specified: 127.0.0.1:60000'],
    ['meet foo 6000', 'ERR Invalid node address specified: foo:6000'],
    ['meet 127.0.0.1 0', 'ERR Invalid node address specified: 127.0.0.1:0'],
    ['meet 127.0.0.1 6000 16000 5', FORM('meet')],
    ['failover', 'ERR You should send CLUSTER FAILOVER to a replica'],
    ['failover xx', 'ERR syntax error'],
    ['failover force x', FORM('failover')],
    ['reset foo', 'ERR syntax error'],
    ['reset hard x', FORM('reset')],
    ['set-config-epoch abc', 'ERR value is not an integer or out of range'],
    ['set-config-epoch -5', 'ERR Invalid config epoch specified: -5'],
    ['set-config-epoch 5', 'ERR The user can assign a config epoch only when the node does not know any other node.'],
    ['forget abc', 'ERR Unknown node abc'],
    [`forget ${idOf('m')}`, "ERR I tried hard but I can't forget myself..."],
    ['replicate abc', 'ERR Unknown node abc'],
    [`replicate ${idOf('m')}`, "ERR Can't replicate myself"],
    [`replicate ${r.id}`, 'ERR I can only replicate a master, not a replica.'],
    [`replicate ${a.id}`, 'ERR To set a master the node must be empty and without assigned slots.'],
    ['setslot 99999 stable', 'ERR Invalid or out of range slot'],
    ['setslot 1 foo', 'ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP'],
    ['setslot 1 stable x', 'ERR Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP'],
    ['setslot 7 migrating x', "ERR I'm not the owner of hash slot 7"],
    ['setslot 1 migrating x', "ERR I don't know about node x"],
    [`setslot 1 migrating ${r.id}`, 'ERR Target node is not a master'],
    ['setslot 1 importing x', "ERR I'm already the owner of hash slot 1"],
    ['setslot 7 importing x', "ERR I don't know about node x"],
    ['setslot 1 node x', 'ERR Unknown node x'],
    [`setslot 1 node ${r.id}`, 'ERR Target node is not a master'],
  ];
  for (const [request, error] of cases) assert.equal(lone.ask(...request.split(' ')), error, request);
  assert.deepEqual({ ...lone.state, now: before.now }, before);
});

test('requests that need an empty data set are refused with keys', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [7], configEpoch: 3 });
  lone.admin('addslots', '1');
  lone.keys.set(1, 2);
  assert.equal(lone.ask('flushslots'), 'ERR DB must be empty to perform CLUSTER FLUSHSLOTS.');
  assert.equal(lone.ask('reset'), "ERR CLUSTER RESET can't be called with master nodes containing keys");
  const error = "ERR Can't assign hashslot 1 to a different node while I still hold keys for this hash slot.";
  assert.equal(lone.ask('setslot', '1', 'node', a.id), error);
});

test('requests for primaries are refused by replicas', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [7], configEpoch: 3 });
  assert.equal(lone.ask('replicate', a.id), 'OK');
  assert.equal(lone.ask('setslot', '1', 'stable'), 'ERR Please use SETSLOT only with masters.');
  assert.equal(lone.ask('addslots', '1'), 'ERR Please use ADDSLOTS only with masters.');
  assert.equal(lone.ask('forget', a.id), "ERR Can't forget my master!");
  assert.equal(lone.ask('replicate', a.id), 'OK');
  assert.deepEqual(lone.kinds(), ['reply'], 'it is my primary already');
});

test('the save comes before the reply', () => {
  const lone = new Lone();
  lone.admin('addslots', '1');
  assert.deepEqual(lone.kinds(), ['persist', 'reply']);
});

test('moving a slot: the target takes it in a new epoch and tells everybody, the source loses it', () => {
  const target = new Lone();
  const a = target.peer('a', { slots: [5], configEpoch: 3 });
  target.state.currentEpoch = 3;
  assert.equal(target.ask('setslot', '5', 'importing', a.id), 'OK');
  assert.equal(target.ask('setslot', '5', 'node', idOf('m')), 'OK');
  assert.equal(target.me.configEpoch, 4);
  assert.equal(target.state.importing.size, 0);
  assert.deepEqual(target.kinds(), ['drop-shard-subscriptions', 'persist', 'reply', 'send']);

  const source = new Lone();
  const b = source.peer('b', { slots: [9], configEpoch: 3 });
  source.admin('addslots', '5', '6');
  source.admin('setslot', '5', 'migrating', b.id);
  assert.equal(source.ask('setslot', '5', 'node', b.id), 'OK');
  assert.equal(source.state.migrating.size, 0);
  assert.equal(source.state.slotOwners[5], b.id);
  assert(isPrimary(source.me));
  source.admin('setslot', '6', 'node', b.id);
  assert.equal(source.me.replicaOf, b.id, 'with its last slot gone it follows the receiver');
});

test('BUMPEPOCH takes a new epoch unless the own one is the highest', () => {
  const lone = new Lone();
  lone.peer('a', { configEpoch: 3 });
  assert.equal(lone.ask('bumpepoch'), 'BUMPED 4');
  assert.equal(lone.ask('bumpepoch'), 'STILL 4');
});

test('RESET SOFT leaves the cluster and keeps id and epochs; RESET HARD forgets them', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [7], configEpoch: 3 });
  lone.admin('bumpepoch');
  lone.admin('replicate', a.id);
  lone.keys.set(7, 1);
  assert.equal(lone.ask('reset'), 'OK');
  assert.equal(lone.state.nodes.size, 1);
  assert.equal(lone.state.links.size, 0);
  assert.equal(lone.state.myId, idOf('m'));
  assert.equal(lone.me.configEpoch, 4);
  assert(isPrimary(lone.me));
  assert(lone.kinds().includes('discard-dataset'));
  lone.keys.clear();
  assert.equal(lone.ask('reset', 'HARD'), 'OK');
  assert.notEqual(lone.state.myId, idOf('m'));
  assert.equal(lone.state.currentEpoch, 0);
  assert.equal(lone.ask('set-config-epoch', '9'), 'OK');
  assert.equal(lone.ask('set-config-epoch', '9'), 'ERR Node config epoch is already non-zero');
  assert.equal(lone.state.currentEpoch, 9);
});

test('keys found after a restart: unowned slots are taken, those of others are marked as importing', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [7], configEpoch: 3 });
  lone.keys.set(5, 1).set(7, 1);
  lone.input({ kind: 'dataset-loaded' });
  assert.equal(lone.state.slotOwners[5], lone.state.myId);
  assert.equal(lone.state.importing.get(7), a.id);
  assert.deepEqual(lone.logs(), [
    'I have keys for unassigned slot 5. Taking responsibility for it.',
    'I have keys for slot 7, but the slot is assigned to another node. Setting it to importing state.',
  ]);
});

test('DEBUG CLUSTERLINK KILL closes the links it names', () => {
  const lone = new Lone();
  const a = lone.peer('a');
  lone.input({ kind: 'kill-links', node: a.id, direction: 'TO' });
  assert.deepEqual([a.outbound, a.inbound === null], [null, false]);
  lone.input({ kind: 'kill-links', node: a.id, direction: 'sideways' });
  assert.deepEqual(lone.effects, [{ kind: 'reply', reply: { ok: false, error: 'ERR Unknown direction sideways' } }]);
});

test('the views show slots, shards, open slots and counts', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [7, 8, 10], configEpoch: 3 });
  const r = lone.peer('r', { replicaOf: a });
  lone.admin('addslots', '9');
  lone.admin('setslot', '9', 'migrating', a.id);
  lone.admin('setslot', '7', 'importing', a.id);
  const own = `${idOf('m')} :7000@17000 myself,master - 0 0 0 connected 9 [7-<-${a.id}] [9->-${a.id}]`;
  assert.equal(describeNode(lone.state, lone.me), own);
  const runs = clusterSlots(lone.state, 0).map(({ start, end, primary }) => [start, end, primary.id[0]]);
  assert.deepEqual(runs, [
    [7, 8, 'a'],
    [9, 9, 'm'],
    [10, 10, 'a'],
  ]);
  assert.deepEqual(clusterSlots(lone.state, 0)[0]!.replicas, [], 'a replica without data is not listed');
  r.replicationOffset = 1;
  assert.deepEqual(clusterSlots(lone.state, 0)[0]!.replicas, [r]);
  const shards = clusterShards(lone.state).map(({ nodes, slots }) => [
    nodes.map((node) => node.id[0]).join(),
    slots.length,
  ]);
  assert.deepEqual(shards, [
    ['m', 1],
    ['a,r', 2],
  ]);
  assert(
    clusterInfo(lone.state).startsWith('cluster_state:fail\r\ncluster_slots_assigned:4\r\ncluster_slots_ok:4\r\n'),
  );
});

test('a primary that is being replaced by hand takes no new epoch, which would depose the winner', () => {
  const lone = new Lone();
  lone.admin('addslots', '1');
  const a = lone.peer('a', { slots: [7], configEpoch: 3 });
  const r = lone.peer('r', { replicaOf: lone.me });
  lone.admin('setslot', '7', 'importing', a.id);
  lone.receive(r, { type: 'mfstart', header: lone.header(r) });
  const refusal = 'ERR A manual failover of this node is under way, try again when it has ended';
  assert.equal(lone.ask('setslot', '7', 'node', lone.me.id), refusal);
  assert.equal(lone.ask('bumpepoch'), refusal);
  assert.equal(lone.state.slotOwners[7], a.id);
  lone.tick(10_100);
  assert.equal(lone.ask('setslot', '7', 'node', lone.me.id), 'OK');
});
