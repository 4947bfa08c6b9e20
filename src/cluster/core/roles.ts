/**
 * Who is a primary, who replicates whom: as other nodes tell it about themselves, and for this node itself.
 *
 * A sender's role is read from `replicaOf` in its header. When a primary reports that it has become a replica of a node *of its own shard*, a failover
 * happened there that we have not heard of yet: its slots stay with it until the new primary claims them, instead of being unserved for a moment, and
 * a late message from before a failover does no harm either. When it went to another shard, its slots are free.
 * Source: spec/cluster.md 4.5, 7.6.
 */
import { strict as assert } from 'node:assert';
import { resetManualFailover } from './manual-failover.js';
import { type MessageHeader, NodeFlag } from './message.js';
import { attachReplica, detachReplica, isMyself, isPrimary, isReplica, label, myself, primaryOf } from './nodes.js';
import { forEachSlot, hasSlot } from './slot-bitmap.js';
import { unassignAllSlots, unassignSlot } from './slot-table.js';
import { log, nowMs, persistAndEvaluate, persistDurably, persistSoon, type Turn } from './turn.js';
import { type ClusterNode, type ClusterState, NEVER } from './types.js';

/** Takes over the role a known sender reports in its header. */
export function updateRole(turn: Turn, sender: ClusterNode, header: MessageHeader): void {
  if (header.replicaOf === null) {
    if (isPrimary(sender)) return;
    markPrimary(turn.state, sender);
    persistAndEvaluate(turn);
    return;
  }
  const primary = turn.state.nodes.get(header.replicaOf) ?? null;
  if (!isReplica(sender)) markReplica(turn, sender, primary, header);
  if (primary === null || primary === sender || sender.replicaOf === primary.id) return;
  detachReplica(turn.state, sender);
  attachReplica(primary, sender);
  sender.shardId = primary.shardId;
  persistSoon(turn);
  followGrandprimary(turn);
}

/** Makes a node other than this one a primary in our view. */
export function markPrimary(state: ClusterState, node: ClusterNode): void {
  const wasReplica = node.replicaOf !== null;
  detachReplica(state, node);
  if (wasReplica) node.flags |= NodeFlag.MigrateTo;
  node.flags &= ~NodeFlag.Replica;
  node.flags |= NodeFlag.Primary;
}

function markReplica(turn: Turn, node: ClusterNode, primary: ClusterNode | null, header: MessageHeader): void {
  if (primary !== null && primary.shardId === node.shardId) {
    if (header.configEpoch > node.configEpoch && !isMyself(primary)) recordFailover(turn, node, primary, header);
    // What it gave up before the failover is nobody's; the rest waits for the claim of its successor.
    forEachSlot(node.slots, (slot) => {
      if (hasSlot(turn.state.notClaimed, slot)) unassignSlot(turn, slot);
    });
  } else {
    const count = unassignAllSlots(turn, node);
    const what = `removed all ${count} slot(s) it used to own`;
    if (count > 0) log(turn, 'notice', `Node ${label(node)} is no longer primary of shard ${node.shardId}; ${what}`);
  }
  node.flags &= ~(NodeFlag.Primary | NodeFlag.MigrateTo);
  node.flags |= NodeFlag.Replica;
  persistAndEvaluate(turn);
}

function recordFailover(turn: Turn, node: ClusterNode, primary: ClusterNode, header: MessageHeader): void {
  if (isPrimary(primary)) return;
  markPrimary(turn.state, primary);
  primary.configEpoch = Math.max(primary.configEpoch, header.configEpoch);
  const what = `node ${label(node)} failed over to node ${label(primary)} with a config epoch of ${header.configEpoch}`;
  log(turn, 'notice', `A failover occurred in shard ${node.shardId}; ${what}`);
}

/**
 * Makes this node a replica. It must own no slots; open slots are closed, an election or manual failover under way ends: votes were given for the
 * slots of the former primary, and counting them for those of the new one would put two owners on a slot.
 */
export function becomeReplicaOf(turn: Turn, primary: ClusterNode): void {
  const { state } = turn;
  const me = myself(state);
  assert(primary !== me, 'a node does not replicate itself');
  assert(me.slotCount === 0, 'a replica owns no slots');
  state.migrating.clear();
  state.importing.clear();
  me.flags &= ~(NodeFlag.Primary | NodeFlag.MigrateTo);
  me.flags |= NodeFlag.Replica;
  detachReplica(state, me);
  attachReplica(primary, me);
  if (me.shardId !== primary.shardId) state.joinedShardAtMs = nowMs(turn);
  me.shardId = primary.shardId;
  state.election.startsAtMs = NEVER;
  state.election.hasAsked = false;
  replicate(turn, primary);
  // Last, for it lets held writes go: by now the slots and the role are those of a replica, and the writes are redirected.
  resetManualFailover(turn);
}

/** Makes this node a primary; which slots it owns is the caller's business. */
export function becomePrimary(turn: Turn): void {
  const { state } = turn;
  const me = myself(state);
  detachReplica(state, me);
  me.flags &= ~NodeFlag.Replica;
  me.flags |= NodeFlag.Primary;
  turn.effects.push({ kind: 'become-primary' });
}

/** Points replication at the primary's client address as it is known now. */
export function replicate(turn: Turn, primary: ClusterNode): void {
  const port = turn.state.options.tlsReplication ? primary.tlsPort : primary.tcpPort;
  turn.effects.push({ kind: 'replicate', node: primary.id, ip: primary.ip, port });
}

/**
 * My primary has become a replica itself and has no slots left: follow its primary, or this node would be two hops from the data and could never be
 * elected. While it still owns slots the report may be a late one, so it waits.
 */
export function followGrandprimary(turn: Turn): void {
  const { state } = turn;
  const me = myself(state);
  const primary = primaryOf(state, me);
  const grandprimary = primary === null ? null : primaryOf(state, primary);
  if (!isReplica(me) || primary === null || grandprimary === null) return;
  if (grandprimary === me || primary.slotCount > 0) return;
  log(turn, 'notice', `I'm a sub-replica! Reconfiguring myself as a replica of grandmaster ${label(grandprimary)}`);
  becomeReplicaOf(turn, grandprimary);
  persistDurably(turn);
  turn.todo.evaluate = true;
}
