/**
 * The active expiry cycle: deletes expired keys that nobody asks for, within a time budget.
 *
 * Redis samples keys at random until few of the sample are expired. Here each slot knows a lower bound of its expiries, so the cycle visits
 * only slots that hold an expired key (or once did: the bound is made exact by the visit) and skips all others with one comparison.
 *
 * A visit goes bucket by bucket and may be cut short by the budget anywhere; the next run goes on with it. So a slot with a million keys
 * under one hash tag costs no more at a time than any other.
 *
 * Invariants: (1) while a slot is being visited its bound tells of expiries set since the visit began, and `earliest` of those seen; the visit's end
 * makes the bound the least of both; (2) a visit whose database was flushed is dropped, any other is finished before the next one begins;
 * (3) keys are deleted only by `Keyspace.expire`, so each deletion is told to the listener.
 */
import type { Ref } from '../memory/arena.js';
import type { Database } from './database.js';
import { SLOT_COUNT } from './key-slot.js';
import type { Keyspace } from './keyspace.js';

const NEVER_MS = Number.MAX_SAFE_INTEGER;
/** Entries between two looks at the clock: some 20 µs of work. */
const CLOCK_EVERY = 128;
/** With less of the keys seen expired, the rest can wait for the next tick: what Redis calls the acceptable stale share. */
const WORTHWHILE_PERCENT = 10;

export class ExpireCycle {
  /** Share of the last cycle's sample that was expired, smoothed, in percent: INFO expired_stale_perc. */
  stalePercent = 0;
  /** Cycles that ended because time ran out. */
  timeCapReachedCount = 0;
  private readonly space: Keyspace;
  private databaseAt = 0;
  private slot = 0;
  /** The database whose slot `slot` is being visited, or null; where in its table; and the earliest live expiry seen. */
  private visiting: Database | null = null;
  private cursor = 0;
  private earliest = NEVER_MS;
  /** Of this run: entries seen, those of them with an expiry, those that were due; and the time that the others have left. */
  private seenCount = 0;
  private expiringCount = 0;
  private dueCount = 0;
  private ttlSumMs = 0;
  private readonly due: Ref[] = [];
  private readonly see = (ref: Ref): void => this.seeEntry(ref);

  constructor(space: Keyspace) {
    this.space = space;
  }

  /**
   * Runs for at most about `budgetMs`.
   * @returns whether to go on soon: time ran out, and a good part of what was seen was expired
   */
  run(budgetMs: number): boolean {
    const deadline = performance.now() + budgetMs;
    this.seenCount = 0;
    this.expiringCount = 0;
    this.dueCount = 0;
    const isCut = !this.resume(deadline) || !this.visitAll(deadline);
    if (isCut) this.timeCapReachedCount++;
    const stale = this.expiringCount === 0 ? 0 : (this.dueCount * 100) / this.expiringCount;
    this.stalePercent = stale * 0.05 + this.stalePercent * 0.95;
    return isCut && this.dueCount * 100 >= this.seenCount * WORTHWHILE_PERCENT;
  }

  /** Finishes the visit that the last run left. @returns whether there is time left */
  private resume(deadline: number): boolean {
    const db = this.visiting;
    if (db === null) return true;
    if (this.space.databases.includes(db)) return this.visitSlot(db, deadline);
    this.visiting = null;
    return true;
  }

  /** Visits, from where the last run ended, every slot that may hold an expired key. @returns whether time sufficed */
  private visitAll(deadline: number): boolean {
    const { databases, nowMs } = this.space;
    for (let seen = 0; seen <= databases.length; seen++) {
      const db = databases[this.databaseAt % databases.length];
      const bounds = db.slotEarliestExpiry;
      if (db.expiryCount > 0 && bounds !== null) {
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
    const bounds = db.slotEarliestExpiry!;
    this.ttlSumMs = 0;
    const liveBefore = this.expiringCount - this.dueCount;
    let nextLook = this.seenCount + CLOCK_EVERY;
    let isOver = true;
    // The deletions may have emptied the slot and freed its table.
    while (db.slots[this.slot] !== 0) {
      this.due.length = 0;
      this.cursor = table.scan(db.slots[this.slot], this.cursor, this.see);
      for (const ref of this.due) this.space.expire(db, ref);
      this.dueCount += this.due.length;
      if (this.cursor === 0) break;
      if (this.seenCount >= nextLook) {
        isOver = performance.now() < deadline;
        if (!isOver) break;
        nextLook = this.seenCount + CLOCK_EVERY;
      }
    }
    if (isOver) {
      bounds[this.slot] = Math.min(bounds[this.slot], this.earliest);
      this.visiting = null;
    }
    const liveCount = this.expiringCount - this.dueCount - liveBefore;
    if (liveCount > 0) {
      const mean = this.ttlSumMs / liveCount;
      db.averageTtlMs = db.averageTtlMs === 0 ? mean : db.averageTtlMs + (mean - db.averageTtlMs) / 50;
    }
    return isOver && performance.now() < deadline;
  }

  private seeEntry(ref: Ref): void {
    const { entries, nowMs } = this.space;
    const at = entries.expireAtMs(ref);
    this.seenCount++;
    if (at === 0) return;
    this.expiringCount++;
    if (at < nowMs) {
      this.due.push(ref);
    } else {
      if (at < this.earliest) this.earliest = at;
      this.ttlSumMs += at - nowMs;
    }
  }
}
