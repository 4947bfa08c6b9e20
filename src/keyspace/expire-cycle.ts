/**
 * The active expiry cycle: deletes expired keys that nobody asks for, within a time budget.
 *
 * Redis samples keys at random until few of the sample are expired. Here each slot knows a lower bound of its expiries, so the cycle visits
 * only slots that hold an expired key (or once did: the bound is made exact by the visit) and skips all others with one comparison.
 *
 * Invariants: (1) a visit sets the slot's bound to the exact minimum of what is left, unless it was cut short by the budget; (2) keys are deleted
 * only by `Keyspace.expire`, so each deletion is told to the listener.
 */
import type { Ref } from '../memory/arena.js';
import type { Database } from './database.js';
import { SLOT_COUNT } from './key-slot.js';
import type { Keyspace } from './keyspace.js';

const NEVER_MS = Number.MAX_SAFE_INTEGER;

export class ExpireCycle {
  /** Share of the last cycle's sample that was expired, smoothed, in percent: INFO expired_stale_perc. */
  stalePercent = 0;
  /** Cycles that ended because time ran out. */
  timeCapReachedCount = 0;
  private readonly space: Keyspace;
  private databaseAt = 0;
  private slot = 0;
  private readonly due: Ref[] = [];

  constructor(space: Keyspace) {
    this.space = space;
  }

  /**
   * Runs for at most about `budgetMs`.
   * @returns whether time ran out with work left
   */
  run(budgetMs: number): boolean {
    const { databases } = this.space;
    const deadline = performance.now() + budgetMs;
    let seen = 0;
    let expired = 0;
    for (let visited = 0; visited < databases.length; ) {
      const db = databases[this.databaseAt % databases.length];
      const bounds = db.slotEarliestExpiry;
      if (db.expiryCount === 0 || bounds === null) {
        this.nextDatabase();
        visited++;
        continue;
      }
      while (this.slot < SLOT_COUNT) {
        if (bounds[this.slot] < this.space.nowMs) {
          seen += db.slotExpiryCount![this.slot];
          expired += this.visitSlot(db, this.slot, bounds);
          if (performance.now() > deadline) {
            this.slot++;
            this.timeCapReachedCount++;
            this.note(expired, seen);
            return true;
          }
        }
        this.slot++;
      }
      this.nextDatabase();
      visited++;
    }
    this.note(expired, seen);
    return false;
  }

  private nextDatabase(): void {
    this.slot = 0;
    this.databaseAt = (this.databaseAt + 1) % this.space.databases.length;
  }

  /** Deletes the slot's expired keys and renews its bound. @returns how many were deleted */
  private visitSlot(db: Database, slot: number, bounds: Float64Array): number {
    const { entries, table, nowMs } = this.space;
    let earliest = NEVER_MS;
    let ttlSum = 0;
    let liveCount = 0;
    this.due.length = 0;
    const items = db.slots[slot];
    if (items !== 0) {
      for (let bucket = 0; bucket < table.bucketCount(items); bucket++) {
        table.visitBucket(items, bucket, (ref) => {
          const at = entries.expireAtMs(ref);
          if (at === 0) return;
          if (at < nowMs) {
            this.due.push(ref);
          } else {
            if (at < earliest) earliest = at;
            ttlSum += at - nowMs;
            liveCount++;
          }
        });
      }
    }
    bounds[slot] = earliest;
    for (const ref of this.due) this.space.expire(db, ref);
    if (liveCount > 0) {
      const mean = ttlSum / liveCount;
      db.averageTtlMs = db.averageTtlMs === 0 ? mean : db.averageTtlMs + (mean - db.averageTtlMs) / 50;
    }
    return this.due.length;
  }

  private note(expired: number, seen: number): void {
    const percent = seen === 0 ? 0 : (expired * 100) / seen;
    this.stalePercent = percent * 0.05 + this.stalePercent * 0.95;
  }
}
