/**
 * The keyspace: all databases over one arena, the clock they share, and what watches over every change.
 *
 * It knows bytes, entries and time; not clients, replies, files or the network. What it needs from those it gets as small interfaces:
 * `ExpiryListener`, `FieldExpiryListener` and `EvictionListener` (a key, or a field of a hash, goes on its own account: propagate it),
 * `ChangeListener` (WATCH), `SnapshotGuard` (copy-on-write), `ValueType` (how to free a value).
 *
 * Invariant: `isGuarded` is true iff a snapshot runs, or somebody watches keys, waits for some or wants to hear of births, so that the usual write
 * pays one test for all.
 */
import { Arena, type Ref } from '../memory/arena.js';
import { Table } from '../memory/table.js';
import { lfuAccess, lfuBirth, lruClock } from './access-clock.js';
import { Database } from './database.js';
import { Entries, TYPE_STRING } from './entry.js';
import { PackingLimits } from './packing-limits.js';
import { Reaper } from './reaper.js';

/** What becomes of a key that is found expired. */
export const EXPIRY_DELETE = 0;
/** It is hidden, not deleted: on a replica, whose primary will delete it, and while writes are paused. */
export const EXPIRY_HIDE = 1;
/** It is as good as live: for the stream of the primary, and while loading. */
export const EXPIRY_IGNORE = 2;

export interface ExpiryListener {
  /** The key is about to be removed because its time has come; its bytes are in `entries.view(ref)`. */
  expired(db: Database, ref: Ref): void;
}

export interface FieldExpiryListener {
  /** So many fields of the hash, which `field` names next, are about to be removed because their time has come. */
  expiring(db: Database, ref: Ref, count: number): void;
  field(bytes: Uint8Array, start: number, length: number): void;
  /** That has been done, for some or for several times in a row; the hash may be empty, and its key is about to go then. */
  expired(db: Database, ref: Ref, isEmpty: boolean): void;
}

export interface EvictionListener {
  /** The key is about to be removed to make room; its bytes are in `entries.view(ref)`. */
  evicted(db: Database, ref: Ref): void;
}

export interface ExpiryObserver {
  /** The key of `ref` is being given an expiry. */
  given(db: Database, ref: Ref): void;
}

export interface ChangeListener {
  /** The key of `ref` is about to change or vanish, or was just born. */
  changed(db: Database, ref: Ref): void;
}

export interface LifeListener {
  /** The entry is new; its value bytes may not be written yet. */
  born(db: Database, ref: Ref): void;
  /** The entry is about to vanish, or to get another value in the place of this one. */
  lost(db: Database, ref: Ref): void;
  /** Databases have changed their numbers, or have been emptied or exchanged as a whole. */
  replaced(): void;
}

export interface KeyListener {
  /** The entry is new; its value bytes may not be written yet. */
  born(db: Database, ref: Ref): void;
  /** A read did not find the key. */
  missed(db: Database, key: Uint8Array, start: number, length: number): void;
}

export interface SnapshotGuard {
  /** The entry is about to change: if the snapshot has not passed it yet, it must take it now. */
  beforeChange(db: Database, ref: Ref): void;
}

/** Takes items of a large value; the array is used again after the call. What an item is, is the affair of the value's type. */
export type ItemReader = (items: readonly Ref[], count: number) => void;

/** A large value as it was at one moment, to be read in parts while it goes on changing, or is deleted. */
export interface FrozenValue {
  readonly itemCount: number;
  /** Hands some of the items to the reader. @returns whether there are more */
  readSome(): boolean;
  /** Everything was read, or nobody wants the rest: what was kept for it is freed. */
  release(): void;
}

/** How the keyspace treats values that have blocks besides their entry. */
export interface ValueType {
  /** Frees all blocks that belong to the entry's value, but not the entry. */
  free(ref: Ref): void;
  /** The entry has the value bytes of another one, byte for byte: gives it blocks of its own. */
  duplicate(ref: Ref): void;
  /** @returns bytes of the blocks that belong to the value besides the entry's own */
  bytes(ref: Ref): number;
  /**
   * Freezes a value that is too large to be read in one go.
   * @param read gets the items: by `readSome`, and earlier those that are about to change, never before this returns
   * @returns null for a smaller value
   */
  freeze?(ref: Ref, read: ItemReader): FrozenValue | null;
  /** Of types that have a table for the items of a larger value. @returns the table, 0 for a smaller one */
  itemTable?(ref: Ref): Ref;
  /** Of hashes. */
  readonly fieldTimes?: FieldTimeKeeper;
}

/** What the active cycle must know of timed hashes (`Entries.isTimedHash`). */
export interface FieldTimeKeeper {
  /** @returns the earliest time of a field, Unix ms */
  earliest(ref: Ref): number;
  /** Removes fields whose time is over, at most `max` of them; and the key, if none is left. @returns the entry, or 0 */
  expireSome(db: Database, ref: Ref, max: number): Ref;
}

export class Keyspace {
  readonly arena = new Arena();
  readonly entries = new Entries(this.arena);
  readonly table = new Table(this.arena, this.entries);
  readonly databases: Database[] = [];
  readonly reaper = new Reaper(this);
  /** By type id; strings need none. */
  readonly valueTypes: (ValueType | null)[] = [null, null, null, null, null, null];

  readonly packing = new PackingLimits();

  /** The time of the running command, Unix ms; set by whoever runs it. */
  nowMs = Date.now();
  expiryMode = EXPIRY_DELETE;
  expiryListener: ExpiryListener | null = null;
  fieldExpiryListener: FieldExpiryListener | null = null;
  expiryObserver: ExpiryObserver | null = null;
  evictionListener: EvictionListener | null = null;
  /** Hears of births and misses, if somebody wants to. */
  keyListener: KeyListener | null = null;
  /**
   * The next entry that is added is no new key: it takes the place of one of the same key, or comes with a data set. Set only while there is a
   * `keyListener`.
   */
  hidesBirth = false;
  isGuarded = false;
  /** Clock and snapshot mark of an entry born now. */
  birthClockAndMark = lruClock(this.nowMs);

  hitCount = 0;
  missCount = 0;
  expiredCount = 0;
  expiredFieldCount = 0;
  evictedCount = 0;
  /** Changes since the last save. */
  dirty = 0;

  /** Set by maxmemory-policy and its parameters. */
  usesLfu = false;
  lfuDecayMinutes = 1;
  lfuLogFactor = 10;
  /** CLIENT NO-TOUCH, and commands that must not count as access. */
  isTouchOff = false;

  private snapshotGuard: SnapshotGuard | null = null;
  private changeListener: ChangeListener | null = null;
  private trackingListener: ChangeListener | null = null;
  private lifeListener: LifeListener | null = null;
  private clock = lruClock(this.nowMs);
  private snapshotMark = 0;

  constructor(databaseCount: number) {
    for (let index = 0; index < databaseCount; index++) this.databases.push(new Database(this, index));
  }

  /** Sets the time that all decisions of the coming command see. */
  setNow(unixMs: number): void {
    this.nowMs = unixMs;
    this.clock = lruClock(unixMs);
    this.setBirth();
  }

  /** Starts or ends copy-on-write. `mark` (1–255) is what entries born meanwhile carry: they are not in the image. */
  setSnapshotGuard(guard: SnapshotGuard | null, mark: number): void {
    this.snapshotGuard = guard;
    this.snapshotMark = guard === null ? 0 : mark;
    this.refreshGuarded();
    this.setBirth();
  }

  setChangeListener(listener: ChangeListener | null): void {
    this.changeListener = listener;
    this.refreshGuarded();
  }

  /** As the change listener, for those who cache keys. */
  setTrackingListener(listener: ChangeListener | null): void {
    this.trackingListener = listener;
    this.refreshGuarded();
  }

  setLifeListener(listener: LifeListener | null): void {
    this.lifeListener = listener;
    this.refreshGuarded();
  }

  setKeyListener(listener: KeyListener | null): void {
    this.keyListener = listener;
    this.refreshGuarded();
  }

  guard(db: Database, ref: Ref): void {
    if (this.snapshotGuard !== null) this.snapshotGuard.beforeChange(db, ref);
    if (this.changeListener !== null) this.changeListener.changed(db, ref);
    if (this.trackingListener !== null) this.trackingListener.changed(db, ref);
  }

  /** The entry's value is about to vanish. */
  ending(db: Database, ref: Ref): void {
    this.guard(db, ref);
    if (this.lifeListener !== null) this.lifeListener.lost(db, ref);
  }

  guardSnapshot(db: Database, ref: Ref): void {
    if (this.snapshotGuard !== null) this.snapshotGuard.beforeChange(db, ref);
  }

  added(db: Database, ref: Ref): void {
    if (this.changeListener !== null) this.changeListener.changed(db, ref);
    if (this.trackingListener !== null) this.trackingListener.changed(db, ref);
    if (this.lifeListener !== null) this.lifeListener.born(db, ref);
    if (this.keyListener !== null && !this.hidesBirth) this.keyListener.born(db, ref);
    this.hidesBirth = false;
  }

  /** Refreshes the access clock of an entry. */
  access(ref: Ref): void {
    if (this.isTouchOff) return;
    const old = this.entries.clockAndMark(ref);
    const clock = this.usesLfu ? lfuAccess(old, this.nowMs, this.lfuDecayMinutes, this.lfuLogFactor) : this.clock;
    const fresh = (old & ~0xffffff) | clock;
    // Most accesses of a hot key fall into the same second: not writing keeps the cache line clean.
    if (fresh !== old) this.entries.setClockAndMark(ref, fresh);
  }

  /**
   * Decides about an entry that has an expiry; deletes it if it is due and this node may.
   * @returns whether the key is to be treated as absent
   */
  isGone(db: Database, ref: Ref): boolean {
    if (!this.isExpired(ref)) return false;
    if (this.expiryMode === EXPIRY_DELETE) this.expire(db, ref);
    return true;
  }

  /** As `isGone`, for a command that may write: a hidden key goes as well, since another may take its place (writable replicas). */
  isGoneForWrite(db: Database, ref: Ref): boolean {
    if (!this.isGone(db, ref)) return false;
    if (this.expiryMode === EXPIRY_HIDE) db.remove(ref);
    return true;
  }

  /** Whether the entry, which has an expiry, is to be treated as absent; it stays. */
  isExpired(ref: Ref): boolean {
    return this.nowMs > this.entries.expireAtMs(ref) && this.expiryMode !== EXPIRY_IGNORE;
  }

  /** Whether a field of a hash with this time (Unix ms, none if it is not positive) is to be treated as absent. */
  isFieldOver(timeMs: number): boolean {
    return timeMs > 0 && this.nowMs > timeMs && this.expiryMode !== EXPIRY_IGNORE;
  }

  /** Deletes an entry because its time has come, and tells the listener first. */
  expire(db: Database, ref: Ref): void {
    this.expiredCount++;
    if (this.expiryListener !== null) this.expiryListener.expired(db, ref);
    db.remove(ref);
  }

  /** Deletes an entry to make room, and tells the listener first. */
  evict(db: Database, ref: Ref): void {
    this.evictedCount++;
    if (this.evictionListener !== null) this.evictionListener.evicted(db, ref);
    db.remove(ref);
  }

  /** Frees what belongs to the value besides the entry's block. */
  freeValue(ref: Ref): void {
    const valueType = this.valueTypes[this.entries.type(ref)];
    if (valueType !== null) valueType.free(ref);
  }

  /** @returns bytes that the value takes besides the entry's block */
  valueBytes(ref: Ref): number {
    return this.valueTypes[this.entries.type(ref)]?.bytes(ref) ?? 0;
  }

  /** To be called when the entry got the value bytes of another one: makes the value its own. */
  duplicateValue(ref: Ref): void {
    const valueType = this.valueTypes[this.entries.type(ref)];
    if (valueType !== null) valueType.duplicate(ref);
  }

  /** Frees an entry that no table holds any more. */
  release(ref: Ref): void {
    if (this.entries.type(ref) !== TYPE_STRING) this.freeValue(ref);
    this.arena.free(ref);
  }

  /** Empties a database at once: the old contents are handed to the reaper, which frees them in slices. @returns how many keys it had */
  flush(index: number): number {
    const old = this.databases[index];
    const count = old.keyCount;
    if (count === 0) return 0;
    this.databases[index] = new Database(this, index);
    this.reaper.add(old);
    if (this.lifeListener !== null) this.lifeListener.replaced();
    return count;
  }

  /** Puts other databases, one for each number, in the place of all; the old contents are handed to the reaper. */
  install(databases: readonly Database[]): void {
    databases.forEach((db, index) => {
      const old = this.databases[index];
      if (old.keyCount > 0) this.reaper.add(old);
      db.index = index;
      this.databases[index] = db;
    });
    if (this.lifeListener !== null) this.lifeListener.replaced();
  }

  /** SWAPDB. */
  swap(a: number, b: number): void {
    const first = this.databases[a];
    const second = this.databases[b];
    first.index = b;
    second.index = a;
    this.databases[a] = second;
    this.databases[b] = first;
    if (this.lifeListener !== null) this.lifeListener.replaced();
  }

  keyCount(): number {
    let sum = 0;
    for (const db of this.databases) sum += db.keyCount;
    return sum;
  }

  private refreshGuarded(): void {
    this.isGuarded =
      this.snapshotGuard !== null ||
      this.changeListener !== null ||
      this.trackingListener !== null ||
      this.lifeListener !== null ||
      this.keyListener !== null;
  }

  private setBirth(): void {
    const clock = this.usesLfu ? lfuBirth(this.nowMs) : this.clock;
    this.birthClockAndMark = clock | (this.snapshotMark << 24);
  }
}
