/** The decision order of spec/cluster.md 9.2, one situation at a time: a node that owns slot 3 (of the keys below), and one or two others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NodeFlag } from '../../src/cluster/core/message.js';
import { attachReplica, makeNode, myself } from '../../src/cluster/core/nodes.js';
import { assignSlot } from '../../src/cluster/core/slot-table.js';
import { newCluster } from '../../src/cluster/core/start.js';
import { type ClusterNode, type ClusterState, DEFAULT_OPTIONS } from '../../src/cluster/core/types.js';
import {
  type KeyAt,
  type RedirectPolicy,
  type RedirectQuery,
  redirect,
  redirectBlocked,
  ServedSlots,
} from '../../src/cluster/redirect.js';
import { keySlot } from '../../src/keyspace/key-slot.js';

const POLICY: RedirectPolicy = {
  allowReadsWhenDown: false,
  allowPubsubShardWhenDown: true,
  endpointType: 'ip',
};
const CROSS_SLOT = "CROSSSLOT Keys in request don't hash to the same slot";
const TRY_AGAIN = 'TRYAGAIN Multiple keys request during rehashing of slot';
const SLOT = keySlot('a');

/** This node owns the slot of `a`, `other` that of `b`; the slot of `foo` has no owner. */
function cluster(): { state: ClusterState; me: ClusterNode; other: ClusterNode } {
  const state = newCluster(DEFAULT_OPTIONS, { below: (bound) => bound - 1 }, { monotonicMs: 0, unixMs: 0 });
  const other = makeNode('b'.repeat(40), NodeFlag.Primary, 'c'.repeat(40), 0);
  other.ip = '10.0.0.2';
  other.tcpPort = 7002;
  state.nodes.set(other.id, other);
  assignSlot(state, SLOT, myself(state));
  assignSlot(state, keySlot('b'), other);
  state.status = 'ok';
  return { state, me: myself(state), other };
}

function query(keys: string[], flags: Partial<RedirectQuery> = {}): RedirectQuery {
  const isWrite = flags.isWrite ?? false;
  return {
    keys: keys.map((key) => ({ bytes: Buffer.from(key), start: 0, length: key.length })),
    isWrite,
    anyWrite: isWrite,
    isShardPubsub: false,
    isMigrate: false,
    isAsking: false,
    isReadOnlyClient: false,
    ...flags,
  };
}

function having(...keys: string[]): (key: KeyAt) => boolean {
  return ({ bytes }) => keys.includes(Buffer.from(bytes).toString());
}

const decide = (state: ClusterState, asked: RedirectQuery, present: string[] = [], policy = POLICY) =>
  redirect(state, asked, policy, having(...present));

test('own slots are served, those of others are moved, those of nobody are not served', () => {
  const { state } = cluster();
  assert.equal(decide(state, query(['a'])), null);
  assert.equal(decide(state, query(['{a}1', '{a}2'], { isWrite: true })), null);
  assert.equal(decide(state, query(['b'])), `MOVED ${keySlot('b')} 10.0.0.2:7002`);
  assert.equal(decide(state, query(['foo'])), 'CLUSTERDOWN Hash slot not served');
  assert.equal(decide(state, query([])), null);
});

test('keys of several slots are refused, but only after the first has an owner', () => {
  const { state } = cluster();
  assert.equal(decide(state, query(['a', 'b'])), CROSS_SLOT);
  assert.equal(decide(state, query(['b', 'a'])), CROSS_SLOT);
  assert.equal(decide(state, query(['foo', 'a'])), 'CLUSTERDOWN Hash slot not served');
});

test('a migrating slot: keys that are here are served, others asked for at the target, a mixture is to be tried again', () => {
  const { state, other } = cluster();
  state.migrating.set(SLOT, other.id);
  assert.equal(decide(state, query(['{a}1']), ['{a}1']), null);
  assert.equal(decide(state, query(['{a}1'], { isWrite: true }), []), `ASK ${SLOT} 10.0.0.2:7002`);
  assert.equal(decide(state, query(['{a}1', '{a}2']), []), `ASK ${SLOT} 10.0.0.2:7002`);
  assert.equal(decide(state, query(['{a}1', '{a}2']), ['{a}2']), TRY_AGAIN);
  assert.equal(decide(state, query(['{a}1', '{a}2'], { isMigrate: true, isWrite: true }), ['{a}2']), null);
  assert.equal(decide(state, query(['a'], { isShardPubsub: true }), []), null);
});

test('an importing slot: only who asks is served, and several keys only if all are here', () => {
  const { state, other } = cluster();
  const slot = keySlot('b');
  state.importing.set(slot, other.id);
  const moved = `MOVED ${slot} 10.0.0.2:7002`;
  assert.equal(decide(state, query(['b'])), moved);
  assert.equal(decide(state, query(['b'], { isAsking: true })), null);
  assert.equal(decide(state, query(['{b}1', '{b}2'], { isAsking: true }), ['{b}1']), TRY_AGAIN);
  assert.equal(decide(state, query(['{b}1', '{b}1'], { isAsking: true }), []), null, 'one key named twice is one key');
  assert.equal(decide(state, query(['{b}1', '{b}2'], { isAsking: true }), ['{b}1', '{b}2']), null);
});

test('a replica serves reads of its primary to clients that said READONLY', () => {
  const { state, me, other } = cluster();
  const slot = keySlot('b');
  me.flags = (me.flags & ~NodeFlag.Primary) | NodeFlag.Replica;
  attachReplica(other, me);
  const moved = `MOVED ${slot} 10.0.0.2:7002`;
  assert.equal(decide(state, query(['b'])), moved);
  assert.equal(decide(state, query(['b'], { isReadOnlyClient: true })), null);
  assert.equal(decide(state, query(['b'], { isReadOnlyClient: true, isWrite: true })), moved);
  assert.equal(decide(state, query(['b'], { isReadOnlyClient: true, anyWrite: true })), moved, 'EXEC with a write');
  assert.equal(decide(state, query(['b'], { isShardPubsub: true })), null);
});

test('a cluster that is down refuses, unless reads are allowed', () => {
  const { state } = cluster();
  state.status = 'fail';
  const reads = { ...POLICY, allowReadsWhenDown: true };
  assert.equal(decide(state, query(['a'])), 'CLUSTERDOWN The cluster is down');
  assert.equal(decide(state, query(['a'], { isShardPubsub: true })), null);
  assert.equal(
    decide(state, query(['a'], { isShardPubsub: true }), [], { ...POLICY, allowPubsubShardWhenDown: false }),
    'CLUSTERDOWN The cluster is down',
  );
  assert.equal(decide(state, query(['a']), [], reads), null);
  assert.equal(decide(state, query(['b']), [], reads), `MOVED ${keySlot('b')} 10.0.0.2:7002`);
  assert.equal(
    decide(state, query(['a'], { isWrite: true }), [], reads),
    'CLUSTERDOWN The cluster is down and only accepts read commands',
  );
  assert.equal(decide(state, query(['a', 'b']), [], reads), CROSS_SLOT);
});

test('the host in a redirection is what cluster-preferred-endpoint-type says', () => {
  const { state, other } = cluster();
  const slot = keySlot('b');
  const host = (endpointType: RedirectPolicy['endpointType']) =>
    decide(state, query(['b']), [], { ...POLICY, endpointType });
  assert.equal(host('hostname'), `MOVED ${slot} ?:7002`);
  other.hostname = 'two.example';
  assert.equal(host('hostname'), `MOVED ${slot} two.example:7002`);
  assert.equal(host('unknown-endpoint'), `MOVED ${slot} :7002`);
});

test('a blocked client is sent away when its slot is lost, unassigned, or the cluster is down', () => {
  const { state, other } = cluster();
  const blocked = (key: string) => redirectBlocked(state, keySlot(key), false, POLICY);
  assert.equal(blocked('a'), null);
  assert.equal(blocked('b'), `MOVED ${keySlot('b')} 10.0.0.2:7002`);
  assert.equal(blocked('foo'), 'CLUSTERDOWN Hash slot not served');
  state.importing.set(keySlot('b'), other.id);
  assert.equal(blocked('b'), null);
  state.status = 'fail';
  assert.equal(blocked('a'), 'CLUSTERDOWN The cluster is down');
});

test('served slots are own ones that are closed, and none while the cluster is down', () => {
  const { state, other } = cluster();
  const served = new ServedSlots();
  const list = () => {
    served.refresh(state);
    return [...served.bytes.entries()].filter(([, byte]) => byte === 1).map(([slot]) => slot);
  };
  assert.deepEqual(list(), [SLOT]);
  state.migrating.set(SLOT, other.id);
  assert.deepEqual(list(), []);
  state.migrating.clear();
  assert.deepEqual(list(), [SLOT]);
  state.status = 'fail';
  assert.deepEqual(list(), []);
  state.importing.set(SLOT, other.id);
  assert.deepEqual(list(), []);
  state.importing.clear();
  state.status = 'ok';
  assert.deepEqual(list(), [SLOT]);
});
