/**
 * A walk over all keys of a database, slot by slot, some dozens at a time, which are brought into the cache together: where slots have a key or two, as of
 * 20,000 keys, most of a walk would be to wait for a table, its bucket and its entry, one after the other.
 *
 *   const walk = new KeyWalk(…); while (walk.next()) for (let i = 0; i < walk.count; i++) … walk.refs[i]
 *
 * Invariant: no key comes or goes until the walk is over.
 */
import type { Ref } from '../memory/arena.js';
import { WARM_MAX } from '../memory/bucket-chains.js';
import type { Table } from '../memory/table.js';
import { SLOT_COUNT } from './key-slot.js';

export class KeyWalk {
  /** The entries of this step; what is behind number `count` means nothing. */
  readonly refs: Ref[] = [];
  count = 0;
  private readonly tables: Table;
  private readonly slots: Int32Array;
  private slot = 0;
  /** A table of several buckets that is being walked over, and those of them that are left. */
  private large: Ref = 0;
  private bucketsLeft = 0;

  /** @param slots the table of each slot, or 0 */
  constructor(tables: Table, slots: Int32Array) {
    this.tables = tables;
    this.slots = slots;
  }

  /** @returns false when all keys have been there */
  next(): boolean {
    const { tables, slots, refs } = this;
    do {
      if (this.bucketsLeft > 0) {
        this.bucketsLeft = tables.collectAhead(this.large, this.bucketsLeft, refs);
      } else {
        if (this.slot === SLOT_COUNT) return false;
        this.slot = tables.collectSmall(slots, this.slot, Math.min(this.slot + WARM_MAX, SLOT_COUNT), refs);
        this.beginLarge();
      }
      this.count = tables.aheadCount;
    } while (this.count === 0);
    return true;
  }

  /** Goes into the table of the next slot if it has several buckets. */
  private beginLarge(): void {
    if (this.slot === SLOT_COUNT || this.slots[this.slot] === 0) return;
    const bucketCount = this.tables.bucketCount(this.slots[this.slot]);
    if (bucketCount === 1) return;
    this.large = this.slots[this.slot++];
    this.bucketsLeft = bucketCount;
  }
}
