/**
 * Who owns which slot: the two sides of it (`slotOwners` and the bitmap of each node) change only here, so that they always agree.
 *
 * A slot can be *not claimed*: its owner, as known here, stopped claiming it, but nobody else has claimed it yet. It stays with the owner for
 * redirections and coverage, any claimer may have it, and it is not passed on in UPDATE messages.
 * Source: spec/cluster.md 7.4, 7.5.
 */
import { strict as assert } from 'node:assert';
import { NodeFlag } from './message.js';
import { isReplica } from './nodes.js';
import { clearSlot, forEachSlot, hasSlot, intersects, NO_SLOTS, setSlot, withoutSlots } from './slot-bitmap.js';
import type { Turn } from './turn.js';
import type { ClusterNode, ClusterState, SlotBitmap } from './types.js';

export function ownerOf(state: ClusterState, slot: number): ClusterNode | null {
  const owner = state.slotOwners[slot];
  return owner === null || owner === undefined ? null : state.nodes.get(owner)!;
}

/** Gives a slot that nobody owns to a node. */
export function assignSlot(state: ClusterState, slot: number, node: ClusterNode): void {
  assert(state.slotOwners[slot] === null, 'a slot is unbound before it is bound again');
  // A primary that gets its first slot where others have replicas may need one too; in a cluster without replicas nobody waits for one.
  if (node.slotCount === 0 && somePrimaryHasReplicas(state)) node.flags |= NodeFlag.MigrateTo;
  setSlot(ownBitmap(node), slot);
  node.slotCount += 1;
  state.slotOwners[slot] = node.id;
}

/** Takes a slot from its owner, if it has one. */
export function unassignSlot(turn: Turn, slot: number): void {
  const { state } = turn;
  const owner = ownerOf(state, slot);
  if (owner === null) return;
  clearSlot(ownBitmap(owner), slot);
  owner.slotCount -= 1;
  if (owner.slotCount === 0) owner.slots = NO_SLOTS;
  state.slotOwners[slot] = null;
  clearSlot(state.notClaimed, slot);
  state.movedFrom.delete(slot);
  turn.unboundSlots.add(slot);
}

export function reassignSlot(turn: Turn, slot: number, node: ClusterNode): void {
  unassignSlot(turn, slot);
  assignSlot(turn.state, slot, node);
}

/** @returns how many slots the node had */
export function unassignAllSlots(turn: Turn, node: ClusterNode): number {
  const count = node.slotCount;
  forEachSlot(node.slots, (slot) => unassignSlot(turn, slot));
  return count;
}

/** The slots of a node for a message: the caller may keep it, it will not change any more. */
export function shareSlots(node: ClusterNode): SlotBitmap {
  node.slotsShared = true;
  return node.slots;
}

/** What the node claimed in its last message, as far as it is known here: its slots without those it gave up. Not to be changed. */
export function claimedSlots(state: ClusterState, node: ClusterNode): SlotBitmap {
  return intersects(node.slots, state.notClaimed) ? withoutSlots(node.slots, state.notClaimed) : node.slots;
}

export function isNotClaimed(state: ClusterState, slot: number): boolean {
  return hasSlot(state.notClaimed, slot);
}

function somePrimaryHasReplicas(state: ClusterState): boolean {
  for (const node of state.nodes.values()) if (!isReplica(node) && node.replicas.length > 0) return true;
  return false;
}

/** The bitmap of the node, copied first if a message may still be looking at it. */
function ownBitmap(node: ClusterNode): SlotBitmap {
  if (node.slotsShared || node.slots === NO_SLOTS) {
    node.slots = node.slots.slice();
    node.slotsShared = false;
  }
  return node.slots;
}
