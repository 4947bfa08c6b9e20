/** Slot claims, stale claims, lost slots, role changes, collisions. */
import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { isPrimary, isReplica } from '../../../src/cluster/core/nodes.js';
import { isNotClaimed } from '../../../src/cluster/core/slot-table.js';
import { idOf, Lone, slotsOf } from './lone.js';

test('a claim takes unowned slots and slots with a lower epoch, never those with an equal one', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1, 2], configEpoch: 5 });
  const b = lone.peer('b', { configEpoch: 5 });
  lone.receive(b, lone.ping(b, { slots: slotsOf(1, 7) }));
  assert.equal(lone.state.slotOwners[1], a.id);
  assert.equal(lone.state.slotOwners[7], b.id);
  lone.receive(b, lone.ping(b, { slots: slotsOf(1, 7), configEpoch: 6 }));
  assert.equal(lone.state.slotOwners[1], b.id);
  assert.equal(lone.state.slotOwners[2], a.id);
});

test('a sender with a stale claim gets one UPDATE about the newer owner', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1, 2], configEpoch: 5 });
  const b = lone.peer('b', { configEpoch: 3 });
  lone.receive(b, lone.ping(b, { slots: slotsOf(1, 2) }));
  const updates = lone.sentTo(b).filter((message) => message.type === 'update');
  assert.equal(updates.length, 1);
  const [update] = updates;
  assert(update?.type === 'update');
  assert.equal(update.node, a.id);
  assert.equal(update.nodeConfigEpoch, 5);
  assert.deepEqual(update.nodeSlots, slotsOf(1, 2));
  assert(lone.logs().some((text) => text.includes('has old slots configuration, sending an UPDATE message about')));
});

test('a slot its owner stopped claiming stays with it, is free for any claimer, and is no longer passed on', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1, 2], configEpoch: 5 });
  const b = lone.peer('b', { configEpoch: 3 });
  lone.receive(a, lone.ping(a, { slots: slotsOf(2) }));
  assert.equal(lone.state.slotOwners[1], a.id);
  assert(isNotClaimed(lone.state, 1));
  lone.receive(b, lone.ping(b, { slots: slotsOf(1) }));
  assert.equal(lone.state.slotOwners[1], b.id);
  assert(!isNotClaimed(lone.state, 1));
});

test('a slot that is claimed again after DELSLOTS and ADDSLOTS is no longer marked as given up', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1, 2], configEpoch: 5 });
  lone.receive(a, lone.ping(a, { slots: slotsOf(2) }));
  lone.receive(a, lone.ping(a, { slots: slotsOf(1, 2) }));
  assert(!isNotClaimed(lone.state, 1));
});

test('a primary that loses some slots deletes their keys and forgets moves that were under way', () => {
  const lone = new Lone();
  const b = lone.peer('b', { configEpoch: 9 });
  lone.admin('addslots', '1', '2', '3');
  lone.admin('setslot', '2', 'migrating', b.id);
  lone.keys.set(2, 5);
  lone.receive(b, lone.ping(b, { slots: slotsOf(2) }));
  assert.deepEqual(
    lone.effects.filter((effect) => effect.kind === 'delete-keys'),
    [{ kind: 'delete-keys', slots: [2] }],
  );
  assert.equal(lone.state.migrating.size, 0);
  assert(isPrimary(lone.me));
  const kinds = lone.kinds();
  assert(kinds.indexOf('persist') < kinds.indexOf('send'), 'the loss is on disk before the pong leaves');
});

test('a primary that loses its last slot follows the new owner', () => {
  const lone = new Lone();
  const b = lone.peer('b', { configEpoch: 9 });
  lone.admin('addslots', '1', '2');
  lone.receive(b, lone.ping(b, { slots: slotsOf(1, 2) }));
  assert(isReplica(lone.me));
  assert.equal(lone.me.replicaOf, b.id);
  assert.equal(lone.me.shardId, b.shardId);
  assert(lone.kinds().includes('replicate'));
  assert(!lone.kinds().includes('delete-keys'));
});

test('with cluster-allow-replica-migration no it stays an empty primary, unless the winner took everything from it', () => {
  const lone = new Lone({ allowReplicaMigration: false });
  const b = lone.peer('b', { slots: [8], configEpoch: 9 });
  lone.admin('addslots', '1');
  lone.receive(b, lone.ping(b, { slots: slotsOf(1, 8) }));
  assert(isPrimary(lone.me));

  const other = new Lone({ allowReplicaMigration: false });
  const c = other.peer('c', { configEpoch: 9 });
  other.admin('addslots', '1');
  other.receive(c, other.ping(c, { slots: slotsOf(1) }));
  assert(isReplica(other.me));
});

test('a failover of the import source or of the migration target re-points the open slot', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [5], configEpoch: 2 });
  const r = lone.peer('r', { replicaOf: a });
  lone.admin('addslots', '1');
  lone.admin('setslot', '5', 'importing', a.id);
  lone.admin('setslot', '1', 'migrating', a.id);
  lone.receive(r, lone.ping(r, { replicaOf: null, slots: slotsOf(5), configEpoch: 7 }));
  assert.equal(lone.state.importing.get(5), r.id);
  assert.equal(lone.state.migrating.get(1), r.id);
  assert.equal(lone.state.slotOwners[5], r.id);
});

test('a slot that moves the other way right after a move is not claimed back', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [5], configEpoch: 2 });
  lone.admin('addslots', '1');
  lone.admin('setslot', '5', 'importing', a.id);
  lone.admin('setslot', '5', 'node', lone.state.myId);
  assert.equal(lone.me.configEpoch, 3);
  lone.admin('setslot', '1', 'migrating', a.id);
  // The first word from the old owner of 5 since it let go of it, and it has taken 1 already.
  lone.receive(a, lone.ping(a, { slots: slotsOf(1), configEpoch: 4 }));
  assert.equal(lone.state.slotOwners[1], a.id);
  assert.equal(lone.me.configEpoch, 3);
  // Now nothing is on its way, and what has come is claimed with an epoch above that of its old owner.
  lone.receive(a, lone.ping(a, { slots: slotsOf(1), configEpoch: 4 }));
  assert.equal(lone.me.configEpoch, 5);
  assert.equal(lone.state.slotOwners[1], a.id);
  assert.equal(lone.state.slotOwners[5], lone.state.myId);
});

test('a slot that was moved here is not claimed with a higher epoch while an election is on in which this node has voted', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [5], configEpoch: 2 });
  const b = lone.peer('b', { slots: [6], configEpoch: 1 });
  const r = lone.peer('r', { replicaOf: b });
  lone.admin('addslots', '1');
  lone.admin('setslot', '5', 'importing', a.id);
  lone.admin('setslot', '5', 'node', lone.state.myId);
  assert.equal(lone.me.configEpoch, 3);
  const question = lone.header(r, { currentEpoch: 5, slots: slotsOf(6), configEpoch: 1, forceAck: true });
  lone.receive(r, { type: 'auth-req', header: question });
  assert.equal(lone.sentTo(r)[0]!.type, 'auth-ack');
  // A voter that heard of epoch 6 first would find the question, which is about 5, out of date.
  lone.receive(a, lone.ping(a, { slots: slotsOf(), configEpoch: 4 }));
  assert.equal(lone.me.configEpoch, 3);
  lone.nowMs += 1000;
  lone.receive(a, lone.ping(a, { slots: slotsOf(), configEpoch: 4 }));
  assert.equal(lone.me.configEpoch, 6);
});

test('an UPDATE is believed only if it is newer than what is known, and never about myself', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1], configEpoch: 5 });
  const b = lone.peer('b', { replicaOf: a });
  const update = (node: string, nodeConfigEpoch: number) =>
    ({ type: 'update', header: lone.header(a), node, nodeConfigEpoch, nodeSlots: slotsOf(1) }) as const;
  lone.receive(a, update(b.id, 0));
  assert(isReplica(b));
  lone.receive(a, update(b.id, 6));
  assert(isPrimary(b));
  assert.equal(lone.state.slotOwners[1], b.id);
  lone.receive(a, update(lone.state.myId, 99));
  assert.deepEqual(lone.logs(), ['Discarding UPDATE message about myself.']);
  assert.equal(lone.me.configEpoch, 0);
});

test('a primary that became a replica in another shard gives its slots up at once', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1], configEpoch: 5 });
  const b = lone.peer('b', { slots: [2], configEpoch: 6 });
  lone.receive(b, lone.ping(b, { replicaOf: a.id, slots: slotsOf(1), configEpoch: 5 }));
  assert.equal(lone.state.slotOwners[2], null);
  assert.equal(b.replicaOf, a.id);
  assert.deepEqual(a.replicas, [b.id]);
  assert.equal(b.shardId, a.shardId);
});

test('a primary replaced inside its shard keeps its slots until the successor claims them', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1, 2], configEpoch: 5 });
  const r = lone.peer('r', { replicaOf: a });
  lone.receive(a, lone.ping(a, { replicaOf: r.id, slots: slotsOf(1), configEpoch: 8 }));
  assert(isReplica(a));
  assert(isPrimary(r));
  assert.equal(r.configEpoch, 8);
  assert.equal(lone.state.slotOwners[1], a.id);
  lone.receive(r, lone.ping(r, { replicaOf: null, slots: slotsOf(1), configEpoch: 8 }));
  assert.equal(lone.state.slotOwners[1], r.id);
  assert.equal(lone.state.slotOwners[2], null, 'what the successor does not claim has no owner');
});

test('a message from before a failover does not take the slots of the new primary away', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1], configEpoch: 5 });
  const r = lone.peer('r', { replicaOf: a });
  const late = lone.ping(r);
  lone.receive(r, lone.ping(r, { replicaOf: null, slots: slotsOf(1), configEpoch: 8 }));
  lone.receive(r, late);
  assert.equal(lone.state.slotOwners[1], r.id);
  lone.receive(r, lone.ping(r, { replicaOf: null, slots: slotsOf(1), configEpoch: 8 }));
  assert(isPrimary(r));
  assert.equal(lone.state.slotOwners[1], r.id);
});

test('a replica whose primary became a replica without slots follows the new one', () => {
  const lone = new Lone();
  const a = lone.peer('a', { configEpoch: 5 });
  const b = lone.peer('b', { slots: [2], configEpoch: 6 });
  lone.admin('replicate', a.id);
  lone.receive(a, lone.ping(a, { replicaOf: b.id, slots: slotsOf(2), configEpoch: 6 }));
  assert.equal(lone.me.replicaOf, b.id);
  assert(lone.logs().some((text) => text.startsWith("I'm a sub-replica!")));
});

test('of two primaries with the same config epoch the one with the smaller id moves on', () => {
  const lone = new Lone();
  const small = lone.peer('a', { slots: [1], configEpoch: 0 });
  lone.receive(small, lone.ping(small));
  assert.equal(lone.me.configEpoch, 0);
  const large = lone.peer('z', { slots: [2], configEpoch: 0 });
  lone.receive(large, lone.ping(large));
  assert.equal(lone.me.configEpoch, 1);
  assert.equal(lone.state.currentEpoch, 1);
  assert(lone.effects.some((effect) => effect.kind === 'persist' && effect.fsync));
});

test('the epoch of a primary is learned from itself, not from its replicas', () => {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1], configEpoch: 5 });
  const r = lone.peer('r', { replicaOf: a });
  lone.receive(r, lone.ping(r, { configEpoch: 9 }));
  assert.equal(r.configEpoch, 0);
  lone.receive(a, lone.ping(a, { configEpoch: 9 }));
  assert.equal(a.configEpoch, 9);
});

test('slots that change hands are named once for the shard subscribers', () => {
  const lone = new Lone();
  const b = lone.peer('b', { configEpoch: 9 });
  lone.admin('addslots', '1', '2', '3');
  lone.receive(b, lone.ping(b, { slots: slotsOf(1, 2) }));
  const dropped = lone.effects.filter((effect) => effect.kind === 'drop-shard-subscriptions');
  assert.deepEqual(dropped, [{ kind: 'drop-shard-subscriptions', slots: [1, 2] }]);
  assert.equal(lone.state.slotOwners[3], idOf('m'));
});
