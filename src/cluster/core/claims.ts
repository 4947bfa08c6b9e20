/**
 * Claims: a primary's slots and config epoch in its headers, or in an UPDATE about it. A claim takes a slot whose owner has a *lower* config epoch,
 * or no owner, or gave it up; equal epochs never take over. That alone makes all nodes agree, in whatever order the messages arrive.
 * Source: spec/cluster.md 4.6, 7.4, 7.7.
 */
import { bumpEpochWithoutConsensus } from './epochs.js';
import type { MessageHeader, UpdateMessage } from './message.js';
import { isMyself, isPrimary, label, myself, primaryOf } from './nodes.js';
import { broadcastPong, sendUpdate } from './outgoing.js';
import { becomeReplicaOf, followGrandprimary, markPrimary } from './roles.js';
import { clearCommonSlots, countSlots, differentSlots, equalSlots, hasSlot, setSlot } from './slot-bitmap.js';
import { claimedSlots, isNotClaimed, ownerOf, reassignSlot, unassignAllSlots } from './slot-table.js';
import { log, persistDurably, persistSoon, type Turn } from './turn.js';
import type { ClusterNode, SlotBitmap } from './types.js';

/** Compares the slots in a ping, pong or meet with what is known, applies what is new, and tells the sender if it is behind. */
export function onClaim(turn: Turn, sender: ClusterNode, header: MessageHeader): void {
  const claimant = isPrimary(sender) ? sender : primaryOf(turn.state, sender);
  if (claimant === null) return;
  if (isPrimary(sender)) noteLetGo(turn, sender, header);
  const known = claimedSlots(turn.state, claimant);
  if (equalSlots(header.slots, known)) {
    // Keeping the sender's bitmap lets the cores of a simulation share one; comparing it again costs nothing then.
    if (known === claimant.slots && claimant.slotCount > 0) {
      claimant.slots = header.slots;
      claimant.slotsShared = true;
    }
    return;
  }
  if (isPrimary(sender)) applyClaim(turn, sender, header.configEpoch, header.slots);
  const newer = findNewerOwner(turn, sender, header);
  if (newer === null) return;
  const about = `sending an UPDATE message about ${label(newer)}`;
  log(turn, 'verbose', `Node ${label(sender)} has old slots configuration, ${about}`);
  sendUpdate(turn, sender, newer);
}

/** The first slot decides; the sender asks again with its next message if there is more to know. */
function findNewerOwner(turn: Turn, sender: ClusterNode, header: MessageHeader): ClusterNode | null {
  const { state } = turn;
  for (const slot of differentSlots(header.slots, sender.slots)) {
    if (!hasSlot(header.slots, slot)) continue;
    const owner = ownerOf(state, slot);
    if (owner === null || isNotClaimed(state, slot)) continue;
    if (owner.configEpoch > header.configEpoch) return owner;
  }
  return null;
}

/** Somebody tells us about the claim of a third node, because ours is out of date. */
export function onUpdate(turn: Turn, sender: ClusterNode | null, message: UpdateMessage): void {
  const { state } = turn;
  const node = state.nodes.get(message.node);
  if (sender === null || node === undefined || node.configEpoch >= message.nodeConfigEpoch) return;
  if (isMyself(node)) {
    log(turn, 'notice', 'Discarding UPDATE message about myself.');
    return;
  }
  if (!isPrimary(node)) markPrimary(state, node);
  node.configEpoch = message.nodeConfigEpoch;
  persistDurably(turn);
  applyClaim(turn, node, message.nodeConfigEpoch, message.nodeSlots);
}

/**
 * What is learned here need not be durable: a node that forgets a claim is where a node is that never heard it, and the claimant goes on claiming. With an
 * fsync per claim a move of slots, which every node hears of slot by slot, would have all disks of the cluster at work. (A vote saves what it rests on.)
 */
function applyClaim(turn: Turn, sender: ClusterNode, epoch: number, bitmap: SlotBitmap): void {
  const { state } = turn;
  const me = myself(state);
  const current = isPrimary(me) ? me : primaryOf(state, me);
  /** Slots of this node, with keys, that it loses. */
  const dirty: number[] = [];
  let takenFromCurrent = 0;
  let isContested = false;
  clearCommonSlots(state.notClaimed, bitmap, sender.slots);
  for (const slot of differentSlots(bitmap, sender.slots)) {
    if (!hasSlot(bitmap, slot)) {
      setSlot(state.notClaimed, slot);
      continue;
    }
    const owner = ownerOf(state, slot);
    if (owner !== null && owner.configEpoch >= epoch && !isNotClaimed(state, slot)) continue;
    if (owner === me && state.movedFrom.get(slot) === sender.id) {
      isContested = true;
      continue;
    }
    if (owner === me && turn.environment.keyspace.keysInSlot(slot) > 0) dirty.push(slot);
    if (owner !== null && owner === current) takenFromCurrent += 1;
    repointOpenSlot(turn, slot, sender);
    reassignSlot(turn, slot, sender);
    persistSoon(turn);
    turn.todo.evaluate = true;
  }
  if (isContested) insist(turn, sender);
  repointMigrations(turn, sender, epoch);
  unbindReplicasOf(turn, sender, epoch);

  if (takenFromCurrent > 0 && current !== null && current.slotCount === 0) {
    // A failover within the shard is no migration, also if the winner claims slots that had left before and so not all of its claim was taken from here.
    const isFailover = sender.shardId === me.shardId || countSlots(bitmap) === takenFromCurrent;
    if (isFailover || state.options.allowReplicaMigration) {
      log(turn, 'notice', `Configuration change detected. Reconfiguring myself as a replica of ${label(sender)}`);
      becomeReplicaOf(turn, sender);
      return;
    }
  }
  followGrandprimary(turn);
  // Left in place, these keys would come back to life if the slot ever returned.
  if (dirty.length > 0) turn.effects.push({ kind: 'delete-keys', slots: dirty });
}

/**
 * The former owner of a slot that an operator has moved here still claims it, or is said to, with a higher epoch than mine. That is old news:
 *
 *   source                        a third node                     target (this one)
 *   takes epoch 17 ─────────────► knows it                         does not know it yet
 *                                                                  SETSLOT NODE: owner with epoch 16, the highest it knows of
 *   SETSLOT NODE: lets go         has not heard of that yet
 *                                 ◄── claim with 16 ───────────────┤
 *                                 ├── UPDATE: the slot is the source's, epoch 17 ──►
 *
 * If it gave the slot back, nobody would have it, and the keys that were moved would be deleted. The move was to win, so it takes a higher epoch.
 */
function insist(turn: Turn, source: ClusterNode): void {
  if (mustWait(turn)) return;
  if (bumpEpochWithoutConsensus(turn)) {
    log(
      turn,
      'notice',
      `configEpoch updated: ${label(source)} has a higher epoch than the slots that were moved from it to here`,
    );
  }
  broadcastPong(turn);
}

/** A claim of the sender without a slot that was moved from it to here: it has let go. A message of before may still be on its other connection. */
function noteLetGo(turn: Turn, sender: ClusterNode, header: MessageHeader): void {
  const { movedFrom } = turn.state;
  if (movedFrom.size === 0) return;
  const isAhead = header.configEpoch > myself(turn.state).configEpoch;
  if (isAhead && mustWait(turn)) return;
  let isDone = false;
  for (const [slot, source] of movedFrom) {
    if (source === sender.id && !hasSlot(header.slots, slot)) isDone = movedFrom.delete(slot);
  }
  if (isDone && isAhead) insist(turn, sender);
}

/**
 * Whether a higher epoch of mine would do harm just now. Claims are repeated, so there will be another occasion.
 *
 * While a slot is on its way from here: its target may have taken it with an epoch that is the highest it knows of, and a higher one of mine would claim it
 * back, just before the operator makes me let go of it.
 * While an election is on in which I have voted: a voter that heard of my new epoch before it was asked would find the question out of date. A replica
 * that was made to ask by hand would not ask again.
 */
function mustWait({ state }: Turn): boolean {
  if (state.migrating.size > 0) return true;
  const votesAreDueSinceMs = state.now.monotonicMs - state.options.nodeTimeoutMs;
  for (const node of state.nodes.values()) if (node.votedAtMs > votesAreDueSinceMs) return true;
  return false;
}

/** The slot goes to `sender`: a move of it from here is over; a move of it to here goes on only if a failover merely changed the source. */
function repointOpenSlot(turn: Turn, slot: number, sender: ClusterNode): void {
  const { importing, migrating, nodes } = turn.state;
  migrating.delete(slot);
  const sourceId = importing.get(slot);
  if (sourceId === undefined || sourceId === sender.id) return;
  if (nodes.get(sourceId)!.shardId === sender.shardId) {
    importing.set(slot, sender.id);
    const to = `to node ${label(sender)} in shard ${sender.shardId}`;
    log(turn, 'notice', `Failover occurred in migration source. Update importing source for slot ${slot} ${to}.`);
  } else {
    importing.delete(slot);
    log(turn, 'notice', `Slot ${slot} is no longer being imported from node ${sourceId}.`);
  }
}

/** Slots on their way from here to a node that `sender` has replaced in its shard go to `sender`. */
function repointMigrations(turn: Turn, sender: ClusterNode, epoch: number): void {
  const { migrating, nodes } = turn.state;
  for (const [slot, targetId] of migrating) {
    const target = nodes.get(targetId)!;
    if (target === sender || target.shardId !== sender.shardId) continue;
    if (isPrimary(target) && target.configEpoch >= epoch) continue;
    migrating.set(slot, sender.id);
    const to = `Slot ${slot} is now being migrated to node ${label(sender)} in shard ${sender.shardId}.`;
    log(turn, 'notice', `Failover occurred in migration target. ${to}`);
    persistSoon(turn);
  }
}

/** A demoted primary keeps its slots until its successor has spoken (`roles.ts`); now it has, so what it did not claim has no owner. */
function unbindReplicasOf(turn: Turn, sender: ClusterNode, epoch: number): void {
  for (const id of sender.replicas) {
    const replica = turn.state.nodes.get(id)!;
    if (replica.slotCount === 0 || isMyself(replica) || replica.configEpoch >= epoch) continue;
    unassignAllSlots(turn, replica);
    persistSoon(turn);
    turn.todo.evaluate = true;
  }
}
