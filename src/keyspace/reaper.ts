/**
 * Frees the contents of flushed databases, and what is left of large values, in slices: so that FLUSHALL of millions of keys, or DEL of a key with
 * millions of members, stalls nobody.
 *
 * A database that a running snapshot still has to read is held back: `hold` and `letGo` count the snapshot's interest.
 */
import type { Ref } from '../memory/arena.js';
import type { Database } from './database.js';
import type { Keyspace } from './keyspace.js';

/** What is left of one large value. */
export interface Remains {
  /** Frees a small part: some ten blocks. @returns whether something is left */
  freeSome(): boolean;
}

/** Parts freed between two looks at the clock. */
const CLOCK_EVERY_PARTS = 16;

export class Reaper {
  private readonly space: Keyspace;
  private readonly waiting: Database[] = [];
  private readonly held = new Set<Database>();
  private readonly items: Ref[] = [];
  private readonly remains: Remains[] = [];
  /** The database being freed, and how far. */
  private current: Database | null = null;
  private slot = 0;
  private bucket = 0;
  /** Keys freed since the start, for INFO lazyfreed_objects. */
  freedCount = 0;

  constructor(space: Keyspace) {
    this.space = space;
  }

  add(db: Database): void {
    this.waiting.push(db);
  }

  /** Takes over what a large value leaves behind. Nothing refers to it any more. */
  addRemains(remains: Remains): void {
    this.remains.push(remains);
  }

  /** A snapshot reads this database, flushed or not. */
  hold(db: Database): void {
    this.held.add(db);
  }

  letGo(db: Database): void {
    this.held.delete(db);
  }

  get pendingCount(): number {
    let sum = this.remains.length;
    for (const db of this.waiting) sum += db.keyCount;
    return sum;
  }

  /** Whether `step` would find something to free. */
  get hasWork(): boolean {
    return this.remains.length > 0 || this.current !== null || this.waiting.some((db) => !this.held.has(db));
  }

  /**
   * Frees for about `budgetMs`.
   * @returns whether more can be freed right away
   */
  step(budgetMs: number): boolean {
    const deadline = performance.now() + budgetMs;
    if (!this.freeRemains(deadline)) return true;
    // One that has been begun is finished first: others may be let go meanwhile.
    this.current ??= this.waiting.find((db) => !this.held.has(db)) ?? null;
    const db = this.current;
    if (db === null) return this.remains.length > 0;
    while (this.slot < db.slots.length) {
      if (db.slots[this.slot] !== 0 && !this.freeSlot(db, this.slot, deadline)) return true;
      this.slot++;
      if ((this.slot & 63) === 0 && performance.now() > deadline) return true;
    }
    this.waiting.splice(this.waiting.indexOf(db), 1);
    this.current = null;
    this.slot = 0;
    return this.remains.length > 0 || this.waiting.some((other) => !this.held.has(other));
  }

  /** @returns false when time ran out before all were freed */
  private freeRemains(deadline: number): boolean {
    for (let part = 1; this.remains.length > 0; part++) {
      if (!this.remains[this.remains.length - 1].freeSome()) {
        this.remains.pop();
        this.freedCount++;
      }
      if (part % CLOCK_EVERY_PARTS === 0 && performance.now() > deadline) return false;
    }
    return true;
  }

  /** @returns false when time ran out before the slot was empty; `bucket` tells where to go on */
  private freeSlot(db: Database, slot: number, deadline: number): boolean {
    const { table } = this.space;
    const ref = db.slots[slot];
    const bucketCount = table.bucketCount(ref);
    while (this.bucket < bucketCount) {
      const count = table.takeBucket(ref, this.bucket++, this.items);
      for (let i = 0; i < count; i++) this.space.release(this.items[i]);
      db.keyCount -= count;
      this.freedCount += count;
      if ((this.bucket & 15) === 0 && performance.now() > deadline) return false;
    }
    table.destroy(ref);
    db.slots[slot] = 0;
    this.bucket = 0;
    return true;
  }
}
