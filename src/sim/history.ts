/**
 * What a node has in its data set, reduced to what matters here: which writes are in it.
 *
 * All data is the outcome of a replication stream. Streams fork where a replica is promoted, so they form a tree of branches; a data set is a position
 * in it, and holds the writes on the way from the root to there:
 *
 *   A ──o──o──o──o──o        primary 1, until it dies; the last two writes had not reached its replica
 *            └── B ──o──o    the replica, promoted
 *
 * A node on branch A beyond the fork cannot continue with B: it needs a full copy, and its last two writes are then gone.
 * Offsets are bytes and go on across branches, as in Redis.
 */
import { strict as assert } from 'node:assert';

export class Branch {
  readonly parent: Branch | null;
  readonly forkOffset: number;
  /** Where the branch ends so far. */
  endOffset: number;
  /** Slot → when it began (true) or ceased (false) to have keys on this branch, oldest first. */
  readonly slots = new Map<number, { offset: number; hasKeys: boolean }[]>();

  constructor(parent: Branch | null, forkOffset: number) {
    this.parent = parent;
    this.forkOffset = forkOffset;
    this.endOffset = forkOffset;
  }
}

export interface Position {
  readonly branch: Branch;
  readonly offset: number;
}

const WRITE_BYTES = 100;

/** A new write at the end of the position's branch. The position has to be that end. */
export function append(position: Position, slot: number, hasKeys: boolean): Position {
  const { branch } = position;
  assert(position.offset === branch.endOffset, 'a branch grows at its end, and by one writer');
  branch.endOffset += WRITE_BYTES;
  const changes = branch.slots.get(slot) ?? [];
  branch.slots.set(slot, changes);
  if (changes.at(-1)?.hasKeys !== hasKeys) changes.push({ offset: branch.endOffset, hasKeys });
  return { branch, offset: branch.endOffset };
}

/** A new branch that begins here. */
export function fork(position: Position): Position {
  return { branch: new Branch(position.branch, position.offset), offset: position.offset };
}

/** True if a data set at `whole` holds everything that one at `part` holds. */
export function includes(whole: Position, part: Position): boolean {
  // Nothing has been written on a branch that is at its beginning.
  if (part.offset === part.branch.forkOffset && part.branch.parent !== null) {
    return includes(whole, { branch: part.branch.parent, offset: part.offset });
  }
  let { offset } = whole;
  for (let branch: Branch | null = whole.branch; branch !== null; branch = branch.parent) {
    if (branch === part.branch) return part.offset <= offset;
    offset = Math.min(offset, branch.forkOffset);
  }
  return false;
}

export function hasKeysInSlot(position: Position, slot: number): boolean {
  let { offset } = position;
  for (let branch: Branch | null = position.branch; branch !== null; branch = branch.parent) {
    const last = branch.slots.get(slot)?.findLast((change) => change.offset <= offset);
    if (last !== undefined) return last.hasKeys;
    offset = Math.min(offset, branch.forkOffset);
  }
  return false;
}

export function hasKeys(position: Position): boolean {
  for (let branch: Branch | null = position.branch; branch !== null; branch = branch.parent) {
    for (const slot of branch.slots.keys()) if (hasKeysInSlot(position, slot)) return true;
  }
  return false;
}
