/**
 * The active expiry of hash fields: removes fields whose time is over, within a time budget. It is to the fields of timed hashes what the cycle of
 * expire-cycle.ts is to keys: each slot knows a lower bound of the times in it, and only slots whose bound has passed are visited; a hash knows its own
 * fields in the order of their times, so that a visit to it costs what it removes.
 *
 * A visit goes bucket by bucket; one that is cut short by the budget, in the middle of a bucket or even of a hash, begins with that bucket again.
 *
 * Invariants: (1) while a slot is being visited its bound tells of times given since the visit began, and `earliest` of those seen; the visit's
 * end makes the bound the least of both; (2) a visit whose database was flushed is dropped, any other is finished before the next one begins.
 */
import type { Ref } from '../memory/arena.js';
import type { Database } from './database.js';
import { TYPE_HASH } from './entry.js';
import { SLOT_COUNT } from './key-slot.js';
import type { Keyspace } from './keyspace.js';

const NEVER_MS = Number.MAX_SAFE_INTEGER;
/** Entries seen between two looks at the clock: some 20 µs of work. */
const CLOCK_EVERY = 128;
/** Fields removed between two looks at the clock: at most some 50 µs. */
const FIELDS_PER_STEP = 32;

export class FieldExpireCycle {
  private readonly space: Keyspace;
  private databaseAt = 0;
  private slot = 0;
  /** The database whose slot `slot` is being visited, or null; where in its table; and the earliest time seen that is not over. */
  private visiting: Database | null = null;
  private cursor = 0;
  private earliest = NEVER_MS;
  private seenCount = 0;
  private readonly due: Ref[] = [];
  private readonly see = (ref: Ref): void => this.seeEntry(ref);

  constructor(space: Keyspace) {
    this.space = space;
  }

  /**
   * Runs for at most about `budgetMs`.
   * @returns whether to go on soon: time ran out
   */
  run(budgetMs: number): boolean {
    const { databases } = this.space;
    if (databases.every((db) => db.timedHashCount === 0)) return false;
    const deadline = performance.now() + budgetMs;
    return !this.resume(deadline) || !this.visitAll(deadline);
  }

  /** Finishes the visit that the last run left. @returns whether there is time left */
  private resume(deadline: number): boolean {
    const db = this.visiting;
    if (db === null) return true;
    if (this.space.databases.includes(db)) return this.visitSlot(db, deadline);
    this.visiting = null;
    return true;
  }

  /** Visits, from where the last run ended, every slot in which a field's time may be over. @returns whether time sufficed */
  private visitAll(deadline: number): boolean {
    const { databases, nowMs } = this.space;
    for (let seen = 0; seen <= databases.length; seen++) {
      const db = databases[this.databaseAt % databases.length];
      const bounds = db.slotEarliestField;
      if (db.timedHashCount > 0 && bounds !== null) {
        for (; this.slot < SLOT_COUNT; this.slot++) {
          if (bounds[this.slot] >= nowMs) continue;
          this.visiting = db;
          this.cursor = 0;
          this.earliest = NEVER_MS;
          bounds[this.slot] = NEVER_MS;
          if (!this.visitSlot(db, deadline)) return false;
        }
      }
      this.slot = 0;
      this.databaseAt = (this.databaseAt + 1) % databases.length;
    }
    return true;
  }

  /** Goes on with the visit of slot `slot` of `db`. @returns whether time sufficed; then the visit is over */
  private visitSlot(db: Database, deadline: number): boolean {
    const { table } = this.space;
    let nextLook = this.seenCount + CLOCK_EVERY;
    // Hashes that became empty may have emptied the slot, and freed its table.
    while (db.slots[this.slot] !== 0) {
      this.due.length = 0;
      const next = table.scan(db.slots[this.slot], this.cursor, this.see);
      for (const ref of this.due) if (!this.expireFields(db, ref, deadline)) return false;
      this.cursor = next;
      if (next === 0) break;
      if (this.seenCount < nextLook) continue;
      if (performance.now() >= deadline) return false;
      nextLook = this.seenCount + CLOCK_EVERY;
    }
    const bounds = db.slotEarliestField!;
    bounds[this.slot] = Math.min(bounds[this.slot], this.earliest);
    this.visiting = null;
    return performance.now() < deadline;
  }

  private seeEntry(ref: Ref): void {
    const { space } = this;
    this.seenCount++;
    if (!space.entries.isTimedHash(ref)) return;
    const at = space.valueTypes[TYPE_HASH]!.fieldTimes!.earliest(ref);
    if (at < space.nowMs) this.due.push(ref);
    else if (at < this.earliest) this.earliest = at;
  }

  /** Removes all fields of the hash whose time is over. @returns whether time sufficed */
  private expireFields(db: Database, ref: Ref, deadline: number): boolean {
    const { space } = this;
    const { fieldTimes } = space.valueTypes[TYPE_HASH]!;
    let entry = ref;
    while (entry !== 0 && space.entries.isTimedHash(entry)) {
      const at = fieldTimes!.earliest(entry);
      if (at >= space.nowMs) {
        if (at < this.earliest) this.earliest = at;
        break;
      }
      entry = fieldTimes!.expireSome(db, entry, FIELDS_PER_STEP);
      if (performance.now() >= deadline) return false;
    }
    return true;
  }
}
