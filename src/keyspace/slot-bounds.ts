/**
 * A lower bound of the times in each slot of a database, of its keys or of the fields of its hashes: the active cycle passes a slot over whose bound is yet
 * to come (`slot-visits.ts`). Writers lower it; only the visit of a slot may raise it. Made at the first time, as it takes 128 KiB.
 */
import { SLOT_COUNT } from './key-slot.js';

/** Unix ms beyond every time. */
export const NEVER_MS = Number.MAX_SAFE_INTEGER;

export class SlotBounds {
  /** By slot; null before the first time. */
  earliest: Float64Array | null = null;

  /** There is a time in the slot. */
  lower(slot: number, atMs: number): void {
    this.earliest ??= new Float64Array(SLOT_COUNT).fill(NEVER_MS);
    if (atMs < this.earliest[slot]) this.earliest[slot] = atMs;
  }
}
