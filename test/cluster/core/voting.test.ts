/** Who gets a vote, who does not and why; how votes are counted. */
import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { MessageHeader } from '../../../src/cluster/core/message.js';
import { NodeFlag } from '../../../src/cluster/core/message.js';
import { isPrimary } from '../../../src/cluster/core/nodes.js';
import type { ClusterNode } from '../../../src/cluster/core/types.js';
import { Lone, slotsOf } from './lone.js';

/** A voter with a failed primary `a` and its replica `r`. */
function voter(): { lone: Lone; a: ClusterNode; r: ClusterNode } {
  const lone = new Lone();
  lone.admin('addslots', '100');
  const a = lone.peer('a', { slots: [1, 2], configEpoch: 5 });
  const r = lone.peer('r', { replicaOf: a });
  a.flags |= NodeFlag.Failed;
  lone.state.currentEpoch = 10;
  return { lone, a, r };
}

function ask(lone: Lone, node: ClusterNode, changes: Partial<MessageHeader> = {}): void {
  const header = lone.header(node, { currentEpoch: 11, ...changes });
  lone.receive(node, { type: 'auth-req', header });
}

function denial(lone: Lone): string {
  const [text] = lone.logs();
  return text === undefined ? '' : text.slice(text.indexOf(': ') + 2);
}

test('a vote is given to the replica of a failed primary, and is durable before it leaves', () => {
  const { lone, r } = voter();
  ask(lone, r);
  assert.deepEqual(lone.logs(), [`Failover auth granted to ${r.id} () for epoch 11`]);
  assert.deepEqual(lone.kinds(), ['persist', 'send']);
  assert(lone.effects.some((effect) => effect.kind === 'persist' && effect.fsync));
  assert.equal(lone.sentTo(r)[0]!.type, 'auth-ack');
  assert.equal(lone.state.lastVoteEpoch, 11);
});

test('one vote per epoch', () => {
  const { lone, a, r } = voter();
  const s = lone.peer('s', { replicaOf: a });
  ask(lone, r);
  ask(lone, s);
  assert.equal(denial(lone), 'already voted for epoch 11');
  assert.deepEqual(lone.kinds(), []);
});

test('no second vote about the same primary within two node timeouts', () => {
  const { lone, a, r } = voter();
  const s = lone.peer('s', { replicaOf: a });
  ask(lone, r);
  lone.nowMs += 500;
  ask(lone, s, { currentEpoch: 12 });
  assert.equal(denial(lone), "can't vote about this master before 1500 milliseconds");
  lone.nowMs += 1500;
  ask(lone, s, { currentEpoch: 13 });
  assert.equal(lone.state.lastVoteEpoch, 13);
});

test('requests are denied for an old epoch, a primary, an unknown primary, a primary that is up', () => {
  const { lone, a, r } = voter();
  ask(lone, r, { currentEpoch: 9 });
  assert.equal(denial(lone), 'reqEpoch (9) < curEpoch(10)');
  ask(lone, a);
  assert.equal(denial(lone), 'it is a master node');
  a.flags &= ~NodeFlag.Failed;
  ask(lone, r);
  assert.equal(denial(lone), 'its master is up');
  ask(lone, r, { forceAck: true, currentEpoch: 12 });
  assert.equal(lone.state.lastVoteEpoch, 12);
  const orphan = lone.peer('o', { replicaOf: a });
  orphan.replicaOf = null;
  a.replicas.pop();
  ask(lone, orphan, { currentEpoch: 13 });
  assert.equal(denial(lone), "I don't know its master");
});

test('a replica that missed a newer owner of one of its slots gets no vote', () => {
  const { lone, r } = voter();
  const b = lone.peer('b', { slots: [3], configEpoch: 8 });
  ask(lone, r, { slots: slotsOf(1, 2, 3) });
  assert.equal(denial(lone), 'slot 3 epoch (8) > reqEpoch (5)');
  assert.equal(b.slotCount, 1);
});

test('replicas and primaries without slots do not vote', () => {
  const { lone, r } = voter();
  lone.admin('delslots', '100');
  ask(lone, r);
  assert.deepEqual(lone.logs(), []);
  assert.equal(lone.state.lastVoteEpoch, 0);
});

/** A replica of the failed primary `a` in a cluster of three voters, at the moment it has asked for votes. */
function candidate(): { lone: Lone; b: ClusterNode; c: ClusterNode } {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1], configEpoch: 1 });
  const b = lone.peer('b', { slots: [2], configEpoch: 2 });
  const c = lone.peer('c', { slots: [3], configEpoch: 3 });
  lone.admin('replicate', a.id);
  lone.state.size = 3;
  lone.state.currentEpoch = 3;
  a.flags |= NodeFlag.Failed;
  a.failedAtMs = lone.nowMs;
  for (let i = 0; i < 15 && !lone.state.election.hasAsked; i += 1) lone.tick();
  return { lone, b, c };
}

test('the question is asked in a new epoch that is durable first', () => {
  const { lone } = candidate();
  assert.equal(lone.state.election.epoch, 4);
  const kinds = lone.kinds();
  assert(kinds.indexOf('persist') >= 0 && kinds.indexOf('persist') < kinds.indexOf('send'));
});

test('a quorum of different voters makes the replica a primary; the same voter counts once', () => {
  const { lone, b, c } = candidate();
  const ack = (node: ClusterNode, currentEpoch = 4) =>
    lone.receive(node, { type: 'auth-ack', header: lone.header(node, { currentEpoch }) });
  ack(b, 3);
  assert.deepEqual(lone.state.election.voters, [], 'a vote for an older epoch does not count');
  ack(b);
  ack(b);
  assert.equal(isPrimary(lone.me), false);
  ack(c);
  assert(isPrimary(lone.me));
  assert.equal(lone.state.slotOwners[1], lone.state.myId);
  assert.equal(lone.me.configEpoch, 4);
  assert.equal(lone.state.lastVoteEpoch, 4, 'the winner has voted for itself');
  assert.deepEqual(
    lone.kinds().filter((kind) => kind !== 'send'),
    ['become-primary', 'drop-shard-subscriptions', 'persist'],
  );
});

test('a primary that was replaced, and whose successor has not been heard yet, counts for the quorum', () => {
  const { lone, b, c } = candidate();
  const d = lone.peer('d', { replicaOf: c });
  lone.receive(c, lone.ping(c, { replicaOf: d.id }));
  assert.equal(c.slotCount, 1, 'its slots wait for the claim of d');
  lone.receive(b, { type: 'auth-ack', header: lone.header(b, { currentEpoch: 4 }) });
  lone.tick();
  assert.equal(lone.state.size, 3);
  assert.equal(isPrimary(lone.me), false, 'one of three votes is no majority');
});

test('an election ends when the failed primary comes back', () => {
  const { lone, b, c } = candidate();
  const a = lone.state.nodes.get(lone.me.replicaOf!)!;
  a.flags &= ~NodeFlag.Failed;
  for (const node of [b, c]) lone.receive(node, { type: 'auth-ack', header: lone.header(node, { currentEpoch: 4 }) });
  assert.equal(isPrimary(lone.me), false);
});

test('an election that got no quorum expires and is tried again in a newer epoch', () => {
  const { lone } = candidate();
  lone.tick(2100);
  assert(lone.state.election.blockedReason.includes('expired'));
  lone.tick(2000);
  assert.equal(lone.state.election.hasAsked, false, 'scheduled again');
  for (let i = 0; i < 15 && !lone.state.election.hasAsked; i += 1) lone.tick();
  assert(lone.state.election.epoch > 4);
});
