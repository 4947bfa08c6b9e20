/**
 * The active expiry cycle: deletes expired keys that nobody asks for, within a time budget.
 *
 * Redis samples keys at random until few of the sample are expired. Here each slot knows a lower bound of its expiries, so the cycle visits
 * only slots that hold an expired key (or once did: the bound is made exact by the visit): slot-visits.ts.
 *
 * Invariant: keys are deleted only by `Keyspace.expire`, so each deletion is told to the listener.
 */
import type { Ref } from '../memory/arena.js';
import type { Database } from './database.js';
import type { Keyspace } from './keyspace.js';
import { type SlotVisitor, SlotVisits } from './slot-visits.js';

/** Entries between two looks at the clock: some 20 µs of work. */
const CLOCK_EVERY = 128;
/** With less of the keys seen expired, the rest can wait for the next tick: what Redis calls the acceptable stale share. */
const WORTHWHILE_PERCENT = 10;
/** Of the last cycle in the share that INFO tells. */
const SAMPLE_WEIGHT = 0.05;

export class ExpireCycle implements SlotVisitor {
  /** Share of the last cycle's sample that was expired, smoothed, in percent: INFO expired_stale_perc. */
  stalePercent = 0;
  /** Cycles that ended because time ran out. */
  timeCapReachedCount = 0;
  private readonly space: Keyspace;
  private readonly visits: SlotVisits;
  /** Of this run: entries seen, those of them with an expiry, those that were due; and the time that the others have left. */
  private seenCount = 0;
  private expiringCount = 0;
  private dueCount = 0;
  private ttlSumMs = 0;
  private readonly due: Ref[] = [];
  private readonly see = (ref: Ref): void => this.seeEntry(ref);

  constructor(space: Keyspace) {
    this.space = space;
    this.visits = new SlotVisits(space, this);
  }

  /** Whether `run` would look at any key. */
  get hasWork(): boolean {
    return this.space.databases.some((db) => db.expiryCount > 0);
  }

  /** Stands for a run that has seen no key. */
  skip(): void {
    this.stalePercent *= 1 - SAMPLE_WEIGHT;
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
    const isCut = !this.visits.run(deadline);
    if (isCut) this.timeCapReachedCount++;
    const stale = this.expiringCount === 0 ? 0 : (this.dueCount * 100) / this.expiringCount;
    this.stalePercent = stale * SAMPLE_WEIGHT + this.stalePercent * (1 - SAMPLE_WEIGHT);
    return isCut && this.dueCount * 100 >= this.seenCount * WORTHWHILE_PERCENT;
  }

  boundsOf(db: Database): Float64Array | null {
    return db.expiryCount > 0 ? db.expiryBounds.earliest : null;
  }

  visit(db: Database, deadline: number): boolean {
    const { visits } = this;
    const { slot } = visits;
    const { table } = this.space;
    this.ttlSumMs = 0;
    const liveBefore = this.expiringCount - this.dueCount;
    let nextLook = this.seenCount + CLOCK_EVERY;
    let isOver = true;
    // The deletions may have emptied the slot and freed its table.
    while (db.slots[slot] !== 0) {
      this.due.length = 0;
      visits.cursor = table.scan(db.slots[slot], visits.cursor, this.see);
      for (const ref of this.due) this.space.expire(db, ref);
      this.dueCount += this.due.length;
      if (visits.cursor === 0) break;
      if (this.seenCount >= nextLook) {
        isOver = performance.now() < deadline;
        if (!isOver) break;
        nextLook = this.seenCount + CLOCK_EVERY;
      }
    }
    if (isOver) visits.end(db);
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
      this.visits.note(at);
      this.ttlSumMs += at - nowMs;
    }
  }
}
