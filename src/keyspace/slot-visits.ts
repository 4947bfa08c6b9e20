/**
 * Visits the slots in which some time may be over: the way through all databases of the active cycles (of keys, of hash fields). Each slot has a lower
 * bound of the times in it, so only slots whose bound has passed are visited; all others cost one comparison.
 *
 * A visit goes bucket by bucket and may be cut short by the budget anywhere; the next run goes on with it. So a slot with a million keys under one
 * hash tag costs no more at a time than any other.
 *
 * Invariants: (1) while a slot is being visited its bound tells of times set since the visit began, and `earliest` of those seen; the visit's end makes
 * the bound the least of both; (2) a visit whose database was flushed is dropped, any other is finished before the next one begins.
 */
import type { Database } from './database.js';
import { SLOT_COUNT } from './key-slot.js';
import type { Keyspace } from './keyspace.js';
import { NEVER_MS } from './slot-bounds.js';

/** Which times the visits are about, and what they do. */
export interface SlotVisitor {
  /** Lower bounds of the times by slot; null if the database has none. */
  boundsOf(db: Database): Float64Array | null;
  /** Goes on with the visit of `slot` of `db` from `cursor`; calls `end` if the whole slot has been seen. @returns whether there is time left */
  visit(db: Database, deadline: number): boolean;
}

export class SlotVisits {
  slot = 0;
  /** Where in the slot's table the visit is. */
  cursor = 0;
  private earliest = NEVER_MS;
  /** The database whose slot is being visited, or null. */
  private visiting: Database | null = null;
  private databaseAt = 0;
  private readonly space: Keyspace;
  private readonly visitor: SlotVisitor;

  constructor(space: Keyspace, visitor: SlotVisitor) {
    this.space = space;
    this.visitor = visitor;
  }

  /** Goes on from where the last run ended. @returns whether time sufficed for every slot in which a time may be over */
  run(deadline: number): boolean {
    return this.resume(deadline) && this.visitAll(deadline);
  }

  /** The visit has seen a time that is not over. */
  note(atMs: number): void {
    if (atMs < this.earliest) this.earliest = atMs;
  }

  /** The visit has seen the whole slot. */
  end(db: Database): void {
    const bounds = this.visitor.boundsOf(db);
    if (bounds !== null) bounds[this.slot] = Math.min(bounds[this.slot], this.earliest);
    this.visiting = null;
  }

  private resume(deadline: number): boolean {
    const db = this.visiting;
    if (db === null) return true;
    if (this.space.databases.includes(db)) return this.visitor.visit(db, deadline);
    this.visiting = null;
    return true;
  }

  private visitAll(deadline: number): boolean {
    const { databases, nowMs } = this.space;
    for (let seen = 0; seen <= databases.length; seen++) {
      const db = databases[this.databaseAt % databases.length];
      const bounds = this.visitor.boundsOf(db);
      if (bounds !== null) {
        for (; this.slot < SLOT_COUNT; this.slot++) {
          if (bounds[this.slot] >= nowMs) continue;
          this.visiting = db;
          this.cursor = 0;
          this.earliest = NEVER_MS;
          bounds[this.slot] = NEVER_MS;
          if (!this.visitor.visit(db, deadline)) return false;
        }
      }
      this.slot = 0;
      this.databaseAt = (this.databaseAt + 1) % databases.length;
    }
    return true;
  }
}
