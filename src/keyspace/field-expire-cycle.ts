/**
 * The active expiry of hash fields: removes fields whose time is over, within a time budget. It is to the fields of timed hashes what the cycle of
 * expire-cycle.ts is to keys. A hash knows its own fields in the order of their times, so that a visit to it costs what it removes.
 *
 * A visit to a slot (slot-visits.ts) that is cut short in the middle of a bucket, or even of a hash, begins with that bucket again.
 */
import type { Ref } from '../memory/arena.js';
import type { Database } from './database.js';
import { TYPE_HASH } from './entry.js';
import type { Keyspace } from './keyspace.js';
import { type SlotVisitor, SlotVisits } from './slot-visits.js';

/** Entries seen between two looks at the clock: some 20 µs of work. */
const CLOCK_EVERY = 128;
/** Fields removed between two looks at the clock: at most some 50 µs. */
const FIELDS_PER_STEP = 32;

export class FieldExpireCycle implements SlotVisitor {
  private readonly space: Keyspace;
  private readonly visits: SlotVisits;
  private seenCount = 0;
  private readonly due: Ref[] = [];
  private readonly see = (ref: Ref): void => this.seeEntry(ref);

  constructor(space: Keyspace) {
    this.space = space;
    this.visits = new SlotVisits(space, this);
  }

  /** Whether `run` would look at any hash. */
  get hasWork(): boolean {
    return this.space.databases.some((db) => db.timedHashCount > 0);
  }

  /**
   * Runs for at most about `budgetMs`.
   * @returns whether to go on soon: time ran out
   */
  run(budgetMs: number): boolean {
    return this.hasWork && !this.visits.run(performance.now() + budgetMs);
  }

  boundsOf(db: Database): Float64Array | null {
    return db.timedHashCount > 0 ? db.fieldBounds.earliest : null;
  }

  visit(db: Database, deadline: number): boolean {
    const { visits } = this;
    const { slot } = visits;
    const { table } = this.space;
    let nextLook = this.seenCount + CLOCK_EVERY;
    // Hashes that became empty may have emptied the slot, and freed its table.
    while (db.slots[slot] !== 0) {
      this.due.length = 0;
      const next = table.scan(db.slots[slot], visits.cursor, this.see);
      for (const ref of this.due) if (!this.expireFields(db, ref, deadline)) return false;
      visits.cursor = next;
      if (next === 0) break;
      if (this.seenCount < nextLook) continue;
      if (performance.now() >= deadline) return false;
      nextLook = this.seenCount + CLOCK_EVERY;
    }
    visits.end(db);
    return performance.now() < deadline;
  }

  private seeEntry(ref: Ref): void {
    const { space } = this;
    this.seenCount++;
    if (!space.entries.isTimedHash(ref)) return;
    const at = space.valueTypes[TYPE_HASH]!.fieldTimes!.earliest(ref);
    if (at < space.nowMs) this.due.push(ref);
    else this.visits.note(at);
  }

  /** Removes all fields of the hash whose time is over. @returns whether time sufficed */
  private expireFields(db: Database, ref: Ref, deadline: number): boolean {
    const { space } = this;
    const { fieldTimes } = space.valueTypes[TYPE_HASH]!;
    let entry = ref;
    while (entry !== 0 && space.entries.isTimedHash(entry)) {
      const at = fieldTimes!.earliest(entry);
      if (at >= space.nowMs) {
        this.visits.note(at);
        break;
      }
      entry = fieldTimes!.expireSome(db, entry, FIELDS_PER_STEP);
      if (performance.now() >= deadline) return false;
    }
    return true;
  }
}
