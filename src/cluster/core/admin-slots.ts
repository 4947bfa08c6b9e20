/**
 * What an operator may ask about slots: giving them to this node, taking them away, and the steps of moving one from node to node.
 * All arguments are checked before the first change. Source: spec/cluster.md 11.4.
 */
import { failure, INVALID_SLOT, OK, parseSlot, wrongForm } from './admin-reply.js';
import { bumpEpochWithoutConsensus } from './epochs.js';
import { FAILOVER_UNDER_WAY, isBeingReplaced } from './manual-failover.js';
import { isPrimary, isReplica, label, myself } from './nodes.js';
import { broadcastPong } from './outgoing.js';
import type { AdminReply } from './protocol.js';
import { becomeReplicaOf } from './roles.js';
import { assignSlot, ownerOf, reassignSlot, unassignAllSlots, unassignSlot } from './slot-table.js';
import { log, persistAndEvaluate, persistDurably, type Turn } from './turn.js';
import type { ClusterNode } from './types.js';

export function addSlots(turn: Turn, args: readonly string[]): AdminReply {
  return changeSlots(turn, args.slice(1).map(single), 'add');
}

export function delSlots(turn: Turn, args: readonly string[]): AdminReply {
  return changeSlots(turn, args.slice(1).map(single), 'delete');
}

export function addSlotsRange(turn: Turn, args: readonly string[]): AdminReply {
  return changeSlotRanges(turn, args, 'add');
}

export function delSlotsRange(turn: Turn, args: readonly string[]): AdminReply {
  return changeSlotRanges(turn, args, 'delete');
}

/** First and last slot; −1 where the argument was none. */
type Range = readonly [start: number, end: number];

function single(text: string): Range {
  const slot = parseSlot(text);
  return [slot, slot];
}

function changeSlotRanges(turn: Turn, args: readonly string[], action: 'add' | 'delete'): AdminReply {
  if (args.length % 2 === 0) {
    return failure(`wrong number of arguments for 'cluster|${args[0]!.toLowerCase()}' command`);
  }
  const ranges: Range[] = [];
  for (let i = 1; i < args.length; i += 2) {
    const start = parseSlot(args[i]!);
    const end = parseSlot(args[i + 1]!);
    if (start < 0 || end < 0) return INVALID_SLOT;
    if (start > end) return failure(`start slot number ${start} is greater than end slot number ${end}`);
    ranges.push([start, end]);
  }
  return changeSlots(turn, ranges, action);
}

function changeSlots(turn: Turn, ranges: readonly Range[], action: 'add' | 'delete'): AdminReply {
  const { state } = turn;
  const me = myself(state);
  if (ranges.some(([start]) => start < 0)) return INVALID_SLOT;
  if (action === 'add' && isReplica(me)) return failure('Please use ADDSLOTS only with masters.');
  const slots = new Set<number>();
  for (const [start, end] of ranges) {
    for (let slot = start; slot <= end; slot += 1) {
      const isBound = state.slotOwners[slot] !== null;
      if (action === 'add' && isBound) return failure(`Slot ${slot} is already busy`);
      if (action === 'delete' && !isBound) return failure(`Slot ${slot} is already unassigned`);
      if (slots.has(slot)) return failure(`Slot ${slot} specified multiple times`);
      slots.add(slot);
    }
  }
  for (const slot of slots) {
    state.importing.delete(slot);
    if (action === 'add') assignSlot(state, slot, me);
    else unassignSlot(turn, slot);
  }
  persistSlots(turn);
  return OK;
}

/**
 * Saves a change of the own slots durably. Nobody else remembers it for this node: if the claim to a slot were lost with the power after others have
 * heard it and the former owner has let go, the slot would have no owner until an operator noticed.
 */
function persistSlots(turn: Turn): void {
  persistDurably(turn);
  persistAndEvaluate(turn);
}

export function flushSlots(turn: Turn, args: readonly string[]): AdminReply {
  if (args.length !== 1) return wrongForm(args[0]!);
  if (turn.environment.keyspace.keyCount() > 0) return failure('DB must be empty to perform CLUSTER FLUSHSLOTS.');
  unassignAllSlots(turn, myself(turn.state));
  persistAndEvaluate(turn);
  return OK;
}

/** CLUSTER SETSLOT slot MIGRATING id | IMPORTING id | STABLE | NODE id */
export function setSlotState(turn: Turn, args: readonly string[]): AdminReply {
  const { state } = turn;
  if (isReplica(myself(state))) return failure('Please use SETSLOT only with masters.');
  const slot = parseSlot(args[1]!);
  if (slot < 0) return INVALID_SLOT;
  const action = args[2]!.toLowerCase();
  const id = args.length === 4 ? args[3]! : null;
  const node = id === null ? undefined : state.nodes.get(id);
  const isMine = state.slotOwners[slot] === state.myId;

  if (action === 'migrating' && id !== null) {
    if (!isMine) return failure(`I'm not the owner of hash slot ${slot}`);
    if (node === undefined) return failure(`I don't know about node ${id}`);
    if (!isPrimary(node)) return failure('Target node is not a master');
    // Not durable yet: no key leaves, and no client is sent after one, before the shell has seen to that (`Cluster.makeDurable`). A slot without keys whose
    // mark is lost with the power is a slot that is still mine, or that the target claims with a higher epoch.
    state.migrating.set(slot, id);
    state.movedFrom.delete(slot);
  } else if (action === 'importing' && id !== null) {
    if (isMine) return failure(`I'm already the owner of hash slot ${slot}`);
    if (node === undefined) return failure(`I don't know about node ${id}`);
    if (!isPrimary(node)) return failure('Target node is not a master');
    state.importing.set(slot, id);
  } else if (action === 'stable' && args.length === 3) {
    state.migrating.delete(slot);
    state.importing.delete(slot);
  } else if (action === 'node' && id !== null) {
    if (node === undefined) return failure(`Unknown node ${id}`);
    if (!isPrimary(node)) return failure('Target node is not a master');
    if (isBeingReplaced(state) && state.importing.has(slot)) return FAILOVER_UNDER_WAY;
    return giveSlot(turn, slot, node);
  } else {
    return failure('Invalid CLUSTER SETSLOT action or number of arguments. Try CLUSTER HELP');
  }
  persistAndEvaluate(turn);
  return OK;
}

/** The last step of a move, on every node that takes part: the slot now belongs to `node`. */
function giveSlot(turn: Turn, slot: number, node: ClusterNode): AdminReply {
  const { state } = turn;
  const me = myself(state);
  const wasMine = ownerOf(state, slot) === me;
  const keyCount = turn.environment.keyspace.keysInSlot(slot);
  if (wasMine && node !== me && keyCount > 0) {
    const why = 'while I still hold keys for this hash slot.';
    return failure(`Can't assign hashslot ${slot} to a different node ${why}`);
  }
  if (keyCount === 0) state.migrating.delete(slot);
  reassignSlot(turn, slot, node);
  if (wasMine && node !== me && me.slotCount === 0 && state.options.allowReplicaMigration) {
    const what = `Reconfiguring myself as a replica of ${label(node)}`;
    log(turn, 'notice', `Lost my last slot during slot migration. ${what}`);
    becomeReplicaOf(turn, node);
  }
  const sourceId = state.importing.get(slot);
  if (node === me && sourceId !== undefined) {
    state.importing.delete(slot);
    state.movedFrom.set(slot, sourceId);
    // A higher epoch than the source's makes the new owner known everywhere by ordinary claims.
    if (bumpEpochWithoutConsensus(turn)) log(turn, 'notice', `configEpoch updated after importing slot ${slot}`);
    broadcastPong(turn);
  }
  if (node === me) persistSlots(turn);
  else persistAndEvaluate(turn);
  return OK;
}
