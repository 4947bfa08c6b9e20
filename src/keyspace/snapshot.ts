/**
 * A point-in-time image of the keyspace without fork: one pass over the slots in time slices, with copy-on-write by key (DESIGN section 4).
 *
 * Every entry has a snapshot mark (8 bits). A snapshot takes the next mark; an entry that carries it has been delivered, or was born since the
 * snapshot began, and is not (again) part of the image. Whoever changes an entry first calls `beforeChange`, which delivers the old value at once.
 *
 * A large value is not copied then, nor delivered in one go by the walk: it is frozen (`ValueType.freeze`) and read in parts, before the walk goes on.
 * While that lasts its items are copied on write, one by one.
 *
 * Invariants: (1) each entry that existed at the beginning is delivered exactly once, with the value, expiry and database number it had then;
 * (2) no entry born later is delivered; (3) at most one snapshot runs at a time; (4) databases flushed meanwhile stay readable until it ends;
 * (5) a value that is not read to its end has been frozen before it was changed.
 *
 * Marks are reused after 255 snapshots. A finished one leaves its mark on every entry, so an old mark cannot come back by surprise unless
 * all 254 snapshots between were abandoned; then `begin` first wipes the marks.
 */
import type { Ref } from '../memory/arena.js';
import type { Database } from './database.js';
import { TYPE_STRING } from './entry.js';
import { SLOT_COUNT } from './key-slot.js';
import type { FrozenValue, Keyspace, SnapshotGuard } from './keyspace.js';

export interface SnapshotSink {
  /** One entry of database `index`. The reference is good only during the call. Databases may alternate. */
  entry(index: number, ref: Ref): void;
  /** The same of an entry whose value comes in parts. Other entries, and parts of other such values, may come in between. */
  largeEntry(index: number, ref: Ref, itemCount: number): LargeValueSink;
}

export interface LargeValueSink {
  /** Some of the items, as bytes are now; the array is used again after the call. */
  items(items: readonly Ref[], count: number): void;
  /** All items have come, or more of what stands behind them may be written. @returns whether that, too, is complete; if not, this is called again */
  end(): boolean;
  /** The snapshot ends early: nothing more will come. */
  abandon(): void;
}

interface LargeDelivery {
  /** Null when it has been read. */
  value: FrozenValue | null;
  readonly sink: LargeValueSink;
}

const MARK_SHIFT = 24;
const CLOCK_BITS = 0xffffff;
const ABANDONED_MAX = 250;
/**
 * Entries delivered between two looks at the clock, and twice as many buckets. In the first step it is one, in each that follows twice as many: at
 * first the code that writes entries is not compiled yet, and 32 of them take some ms.
 */
const CLOCK_EVERY_ENTRIES_MAX = 32;

/** Counts marks; one per keyspace. */
export class SnapshotMarks {
  private last = 0;
  private abandonedInARow = 0;

  next(space: Keyspace): number {
    if (this.abandonedInARow >= ABANDONED_MAX) {
      wipeMarks(space);
      this.abandonedInARow = 0;
    }
    this.last = this.last === 255 ? 1 : this.last + 1;
    return this.last;
  }

  ended(isComplete: boolean): void {
    this.abandonedInARow = isComplete ? 0 : this.abandonedInARow + 1;
  }
}

export class Snapshot implements SnapshotGuard {
  /** Databases as they were numbered at the beginning. */
  readonly databases: readonly Database[];
  /** Keys in the image, and how many of them have been delivered. */
  readonly keyCount: number;
  deliveredCount = 0;
  isDone = false;
  private readonly space: Keyspace;
  private readonly marks: SnapshotMarks;
  private readonly sink: SnapshotSink;
  private readonly mark: number;
  private readonly indexOf = new Map<Database, number>();
  private databaseAt = 0;
  private slot = 0;
  /** The slots before this one are in the cache. */
  private warmEnd = 0;
  private cursor = 0;
  private atIndex = 0;
  private clockEvery = 1;
  /** Values being delivered in parts, in the order in which they are finished. */
  private readonly large: LargeDelivery[] = [];
  private readonly visit = (ref: Ref): void => this.deliver(this.atIndex, ref);

  /** Begins a snapshot of this very moment. Expired keys are part of it, as they are part of the keyspace. */
  constructor(space: Keyspace, marks: SnapshotMarks, sink: SnapshotSink) {
    this.space = space;
    this.marks = marks;
    this.sink = sink;
    this.mark = marks.next(space);
    this.databases = space.databases.slice();
    this.keyCount = space.keyCount();
    this.databases.forEach((db, index) => {
      this.indexOf.set(db, index);
      space.reaper.hold(db);
    });
    space.setSnapshotGuard(this, this.mark);
  }

  /**
   * Delivers entries for about `budgetMs`; at least a few.
   * @returns whether the image is complete
   */
  step(budgetMs: number): boolean {
    const deadline = performance.now() + budgetMs;
    const { clockEvery } = this;
    let nextLook = this.deliveredCount + clockEvery;
    for (let bucketCount = 1; !this.isDone; bucketCount++) {
      if (this.large.length > 0) {
        this.stepLarge();
        if (performance.now() >= deadline) break;
        continue;
      }
      this.stepBucket();
      if (this.deliveredCount >= nextLook || bucketCount % (clockEvery * 2) === 0) {
        if (performance.now() >= deadline) break;
        nextLook = this.deliveredCount + clockEvery;
      }
    }
    this.clockEvery = Math.min(clockEvery * 2, CLOCK_EVERY_ENTRIES_MAX);
    return this.isDone;
  }

  /** Ends the snapshot early. */
  abandon(): void {
    if (!this.isDone) this.end(false);
  }

  beforeChange(db: Database, ref: Ref): void {
    const index = this.indexOf.get(db);
    if (index !== undefined) this.deliver(index, ref);
  }

  private stepBucket(): void {
    const db = this.databases[this.databaseAt];
    // Of a database without keys nothing is left to deliver: of fifteen in sixteen, mostly, and each has thousands of slots to look at.
    this.slot = db.keyCount === 0 ? SLOT_COUNT : firstUsedSlot(db.slots, this.slot);
    if (this.slot === SLOT_COUNT) {
      this.slot = 0;
      this.warmEnd = 0;
      this.cursor = 0;
      if (++this.databaseAt === this.databases.length) this.end(true);
      return;
    }
    this.atIndex = this.databaseAt;
    if (this.slot >= this.warmEnd) this.warmEnd = db.warmSlots(this.slot);
    this.cursor = this.space.table.scan(db.slots[this.slot], this.cursor, this.visit);
    if (this.cursor === 0) this.slot++;
  }

  /** Delivers the next part of the value that was frozen first. */
  private stepLarge(): void {
    const delivery = this.large[0];
    if (delivery.value !== null) {
      if (delivery.value.readSome()) return;
      delivery.value.release();
      delivery.value = null;
    }
    if (delivery.sink.end()) this.large.shift();
  }

  private deliver(index: number, ref: Ref): void {
    const { entries } = this.space;
    const clockAndMark = entries.clockAndMark(ref);
    if (clockAndMark >>> MARK_SHIFT === this.mark) return;
    entries.setClockAndMark(ref, (clockAndMark & CLOCK_BITS) | (this.mark << MARK_SHIFT));
    this.deliveredCount++;
    if (entries.type(ref) === TYPE_STRING || !this.freeze(index, ref)) this.sink.entry(index, ref);
  }

  /** Begins the delivery of a large value. @returns false if it is a small one */
  private freeze(index: number, ref: Ref): boolean {
    const valueType = this.space.valueTypes[this.space.entries.type(ref)];
    let sink: LargeValueSink | null = null;
    const value = valueType?.freeze?.(ref, (items, count) => sink!.items(items, count)) ?? null;
    if (value === null) return false;
    sink = this.sink.largeEntry(index, ref, value.itemCount);
    this.large.push({ value, sink });
    return true;
  }

  private end(isComplete: boolean): void {
    this.isDone = true;
    this.marks.ended(isComplete);
    this.space.setSnapshotGuard(null, 0);
    for (const { value, sink } of this.large.splice(0)) {
      value?.release();
      sink.abandon();
    }
    for (const db of this.databases) this.space.reaper.letGo(db);
  }
}

/**
 * Delivers everything as it is now, in one go: for an image that must be made while a snapshot is under way already. That one notices nothing,
 * since marks and guard are its.
 */
export function deliverAll(space: Keyspace, sink: SnapshotSink): void {
  space.databases.forEach((db, index) => {
    db.forEach((ref) => {
      sink.entry(index, ref);
    });
  });
}

/** @returns the first slot from `slot` on that has a table, or SLOT_COUNT */
function firstUsedSlot(slots: Int32Array, slot: number): number {
  let at = slot;
  while (at < SLOT_COUNT && slots[at] === 0) at++;
  return at;
}

function wipeMarks({ databases, entries }: Keyspace): void {
  for (const db of databases) {
    db.forEach((ref) => {
      entries.setClockAndMark(ref, entries.clockAndMark(ref) & CLOCK_BITS);
    });
  }
}
