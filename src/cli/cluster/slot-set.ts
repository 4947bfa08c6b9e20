/** A set of hash slots, for the tables of slots that nodes own: one byte per slot, walked in ascending order. */
import type { SlotRange } from '../../client/cluster-nodes.js';
import { SLOT_COUNT } from '../../keyspace/key-slot.js';

export class SlotSet {
  readonly #has = new Uint8Array(SLOT_COUNT);
  #size = 0;

  static ofRanges(ranges: readonly SlotRange[]): SlotSet {
    const slots = new SlotSet();
    for (const { first, last } of ranges) for (let slot = first; slot <= last; slot++) slots.add(slot);
    return slots;
  }

  get size(): number {
    return this.#size;
  }

  has(slot: number): boolean {
    return this.#has[slot] === 1;
  }

  /** Slots outside 0–16383, which only a broken node could tell of, are ignored. */
  add(slot: number): void {
    if (slot >= SLOT_COUNT || this.has(slot)) return;
    this.#has[slot] = 1;
    this.#size++;
  }

  delete(slot: number): void {
    if (!this.has(slot)) return;
    this.#has[slot] = 0;
    this.#size--;
  }

  *[Symbol.iterator](): Generator<number> {
    for (let slot = 0; slot < SLOT_COUNT; slot++) if (this.#has[slot] === 1) yield slot;
  }

  /** Those that are not in it. */
  *missing(): Generator<number> {
    for (let slot = 0; slot < SLOT_COUNT; slot++) if (this.#has[slot] === 0) yield slot;
  }
}

/** Runs of consecutive numbers in an ascending list. */
export function rangesOf(slots: Iterable<number>): SlotRange[] {
  const ranges: SlotRange[] = [];
  for (const slot of slots) {
    const latest = ranges.at(-1);
    if (latest !== undefined && latest.last === slot - 1) latest.last = slot;
    else ranges.push({ first: slot, last: slot });
  }
  return ranges;
}

/** `[0-5460],[7000]` */
export function formatRanges(slots: Iterable<number>): string {
  return rangesOf(slots)
    .map(({ first, last }) => (first === last ? `[${first}]` : `[${first}-${last}]`))
    .join(',');
}
