/**
 * Times of hash fields: HEXPIRE and its kin. A hash of which no field has a time is stored as ever and pays nothing; with the first time it takes a
 * timed form, with the end of the last one it goes back.
 *
 *   LISTPACK ⇄ TIMED_LISTPACK     timed-packed.ts: O(n), as most of what is done to a packed hash
 *   TABLE    ⇄ TIMED_TABLE        timed-table.ts: O(1)
 *   TIMED_LISTPACK → TIMED_TABLE  when it grows beyond `Keyspace.packing`; never back
 *
 * A field whose time is over stays until somebody removes it: a command of the primary that names it, or the active cycle (field-expire-cycle.ts), in
 * the order of times. Until then it is hidden (`Keyspace.isFieldOver`) from clients, but counted by HLEN, as in Redis.
 *
 * Invariants: (1) a hash is in a timed form iff at least one of its fields has a time; (2) a time is 1 to ITEM_TIME_MAX; (3) the database knows of
 * a time no later than the earliest of each of its hashes (`Database.noteFieldTime`).
 */
import type { Database } from '../keyspace/database.js';
import {
  HASH_LISTPACK,
  HASH_TABLE,
  HASH_TIMED_LISTPACK,
  HASH_TIMED_TABLE,
  ROOT_BYTES,
  TYPE_HASH,
} from '../keyspace/entry.js';
import type { FieldTimeKeeper, Keyspace } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import { LISTPACK_BYTES_MAX, listpackCount } from '../memory/listpack.js';
import type { Hashes } from './hash.js';
import { HashCursor } from './hash-cursor.js';
import type { HashPair } from './hash-pair.js';
import { TimedPacked } from './timed-packed.js';
import { TIMED_ROOT_BYTES, TimedTable } from './timed-table.js';

/** Where `timeOf` finds no field. */
export const NO_FIELD = -1;
/** Bytes that times may add to a packed hash beside what they add to each of its fields. */
const PACKED_TIME_BYTES = 16;

export class HashTimes implements FieldTimeKeeper {
  readonly packed: TimedPacked;
  readonly table: TimedTable;
  private readonly space: Keyspace;
  private readonly hashes: Hashes;
  private readonly cursor: HashCursor;

  constructor(space: Keyspace, hashes: Hashes) {
    this.space = space;
    this.hashes = hashes;
    this.packed = new TimedPacked(space);
    this.table = new TimedTable(space, hashes.table);
    this.cursor = new HashCursor(space, hashes.table);
  }

  earliest(ref: Ref): number {
    return this.isTable(ref) ? this.table.earliest(this.table.orderOf(ref)) : this.packed.earliest(ref);
  }

  /** Whether a field of this hash, of any form, is over. */
  hasHidden(ref: Ref): boolean {
    return this.space.entries.isTimedHash(ref) && this.space.isFieldOver(this.earliest(ref));
  }

  /** @returns how many fields are over. O(that number) */
  hiddenCount(ref: Ref): number {
    return this.hasHidden(ref) ? this.countBefore(ref, this.space.nowMs, Number.POSITIVE_INFINITY) : 0;
  }

  /** @returns the time of a field, hidden or not, of a hash in any form: Unix ms, 0 = none; NO_FIELD */
  timeOf(ref: Ref, field: Uint8Array, start: number, length: number): number {
    const { entries } = this.space;
    if (!entries.isTimedHash(ref)) return this.hashes.find(ref, field, start, length) ? 0 : NO_FIELD;
    if (!this.isTable(ref)) return this.packed.find(ref, field, start, length) ? this.packed.foundTime(ref) : NO_FIELD;
    const item = this.table.find(entries.root(ref), field, start, length);
    return item === 0 ? NO_FIELD : this.table.timeOf(item);
  }

  /** Gives a field that is there a time (0 = none). @returns the entry */
  setTime(db: Database, ref: Ref, field: Uint8Array, start: number, length: number, timeMs: number): Ref {
    const { entries } = this.space;
    let entry = ref;
    if (!entries.isTimedHash(ref)) {
      if (timeMs === 0) return ref;
      entry = this.begin(db, ref);
    }
    const earliestMs = this.earliest(entry);
    const isEarliest = timeMs !== 0 && (earliestMs === 0 || timeMs < earliestMs);
    if (this.isTable(entry)) {
      db.beforeWrite(entry);
      const table = entries.root(entry);
      const item = this.table.find(table, field, start, length);
      this.table.setTime(table, this.table.orderOf(entry), item, timeMs);
    } else {
      this.packed.find(entry, field, start, length);
      entry = this.packed.setFoundTime(db, entry, timeMs);
    }
    if (isEarliest) db.noteFieldTime(entry, timeMs);
    return timeMs === 0 ? this.endIfLast(db, entry) : entry;
  }

  /**
   * Sets a field of a timed hash. Its time goes, if it is not kept. The texts must not lie in the hash itself.
   * @returns the entry; `hashes.wasAdded` tells whether the field is new
   */
  set(db: Database, ref: Ref, pair: HashPair, keepsTime: boolean): Ref {
    const { entries, packing } = this.space;
    let entry = ref;
    if (!this.isTable(ref)) {
      const bytesAfter = entries.valueLength(ref) + pair.length + pair.valueLength + PACKED_TIME_BYTES;
      if (packing.allowsHashPair(pair.length, pair.valueLength) && bytesAfter < LISTPACK_BYTES_MAX) {
        entry = this.setPacked(db, ref, pair, keepsTime);
        if (this.packed.earliest(entry) === 0) return this.end(db, entry);
        return this.packedCount(entry) > packing.hashListpackEntries ? this.convert(db, entry) : entry;
      }
      entry = this.convert(db, ref);
    } else {
      db.beforeWrite(ref);
    }
    const table = entries.root(entry);
    const timeMs = keepsTime ? this.keptTime(this.timeOf(entry, pair.bytes, pair.start, pair.length)) : 0;
    this.table.put(table, this.table.orderOf(entry), pair, timeMs);
    this.hashes.wasAdded = this.table.wasAdded;
    return this.endIfLast(db, entry);
  }

  /** Removes a field of a timed hash. @returns the entry, whose hash may be empty now; 0 if the field is not there */
  remove(db: Database, ref: Ref, field: Uint8Array, start: number, length: number): Ref {
    const { entries } = this.space;
    if (!this.isTable(ref)) {
      if (!this.packed.find(ref, field, start, length)) return 0;
      return this.endIfLast(db, this.packed.removeFound(db, ref));
    }
    const table = entries.root(ref);
    const item = this.table.find(table, field, start, length);
    if (item === 0) return 0;
    db.beforeWrite(ref);
    this.table.remove(table, this.table.orderOf(ref), item);
    return this.endIfLast(db, ref);
  }

  /**
   * Removes a field if its time is over and this node may. The listener is told of the field; the rest is the caller's, who does this for
   * several fields: to tell the listener of the end, and to remove the key of a hash that is empty.
   * @returns the entry; 0 if the field stays
   */
  expireField(db: Database, ref: Ref, field: Uint8Array, start: number, length: number): Ref {
    const { space } = this;
    if (!space.isFieldOver(this.timeOf(ref, field, start, length))) return 0;
    space.expiredFieldCount++;
    space.fieldExpiryListener?.expiring(db, ref, 1);
    space.fieldExpiryListener?.field(field, start, length);
    return this.remove(db, ref, field, start, length);
  }

  expireSome(db: Database, ref: Ref, max: number): Ref {
    const { space } = this;
    const count = this.countBefore(ref, space.nowMs, max);
    if (count === 0) return ref;
    space.expiredFieldCount += count;
    space.fieldExpiryListener?.expiring(db, ref, count);
    const left = this.isTable(ref) ? this.expireItems(db, ref, count) : this.expirePacked(db, ref, count);
    const isEmpty = this.hashes.count(left) === 0;
    space.fieldExpiryListener?.expired(db, left, isEmpty);
    if (!isEmpty) return left;
    db.remove(left);
    return 0;
  }

  /** Frees what belongs to a timed hash besides its entry. */
  free(ref: Ref): void {
    if (!this.isTable(ref)) return;
    this.table.releaseOrder(this.table.orderOf(ref));
    this.hashes.table.release(this.space.entries.root(ref));
  }

  /** The entry has the value bytes of another timed hash: gives it blocks of its own. */
  duplicate(ref: Ref): void {
    if (!this.isTable(ref)) return;
    const table = this.hashes.table.copy(this.space.entries.root(ref));
    this.table.setRoots(ref, table, this.table.createOrder(table));
  }

  /** @returns bytes of the blocks besides the entry */
  bytes(ref: Ref): number {
    if (!this.isTable(ref)) return 0;
    const { order } = this.table;
    return this.hashes.table.totalBytes(this.space.entries.root(ref)) + order.bytesOf(this.table.orderOf(ref));
  }

  private isTable(ref: Ref): boolean {
    return this.space.entries.encoding(ref) === HASH_TIMED_TABLE;
  }

  private packedCount(ref: Ref): number {
    const { entries } = this.space;
    return listpackCount(entries.view(ref), entries.valueStart(ref)) / 3;
  }

  private countBefore(ref: Ref, beforeMs: number, max: number): number {
    if (!this.isTable(ref)) return this.packed.countBefore(ref, beforeMs, max);
    return this.table.countBefore(this.table.orderOf(ref), beforeMs, max);
  }

  /** A hidden field that is set again is a new one, and its time is not kept. */
  private keptTime(timeMs: number): number {
    return timeMs === NO_FIELD || this.space.isFieldOver(timeMs) ? 0 : timeMs;
  }

  private setPacked(db: Database, ref: Ref, pair: HashPair, keepsTime: boolean): Ref {
    const { packed } = this;
    let entry = ref;
    const isThere = packed.find(ref, pair.bytes, pair.start, pair.length);
    this.hashes.wasAdded = !isThere;
    if (isThere) {
      const timeMs = packed.foundTime(ref);
      if (timeMs === 0 || (keepsTime && this.keptTime(timeMs) !== 0))
        return packed.replaceValue(db, ref, pair.valueBytes, pair.valueStart, pair.valueLength);
      entry = packed.removeFound(db, ref);
    }
    return packed.append(db, entry, pair);
  }

  private expirePacked(db: Database, ref: Ref, count: number): Ref {
    const { cursor } = this;
    cursor.begin(ref);
    for (let i = 0; i < count; i++) {
      cursor.next();
      this.space.fieldExpiryListener?.field(cursor.bytes, cursor.start, cursor.length);
    }
    return this.endIfLast(db, this.packed.removeFirst(db, ref, count));
  }

  private expireItems(db: Database, ref: Ref, count: number): Ref {
    const { cursor } = this;
    const table = this.space.entries.root(ref);
    const order = this.table.orderOf(ref);
    db.beforeWrite(ref);
    for (let i = 0; i < count; i++) {
      const item = this.table.firstItem(order);
      cursor.readItem(item);
      this.space.fieldExpiryListener?.field(cursor.bytes, cursor.start, cursor.length);
      this.table.removeItem(table, order, item);
    }
    return this.endIfLast(db, ref);
  }

  /** Gives a plain hash the timed form. */
  private begin(db: Database, ref: Ref): Ref {
    const { entries } = this.space;
    if (entries.encoding(ref) === HASH_LISTPACK) {
      const bytesAfter = entries.valueLength(ref) * 2 + PACKED_TIME_BYTES;
      if (bytesAfter < LISTPACK_BYTES_MAX) {
        const packed = this.packed.addTimes(db, ref);
        db.setTimed(packed, HASH_TIMED_LISTPACK);
        return packed;
      }
      return this.begin(db, this.hashes.convert(db, ref));
    }
    const table = entries.root(ref);
    const entry = db.resizeValue(ref, TIMED_ROOT_BYTES);
    this.table.setRoots(entry, table, this.table.order.create());
    db.setTimed(entry, HASH_TIMED_TABLE);
    return entry;
  }

  private endIfLast(db: Database, ref: Ref): Ref {
    return this.earliest(ref) === 0 ? this.end(db, ref) : ref;
  }

  /** Gives a timed hash without times the plain form. */
  private end(db: Database, ref: Ref): Ref {
    if (!this.isTable(ref)) {
      const packed = this.packed.dropTimes(db, ref);
      db.setTimed(packed, HASH_LISTPACK);
      return packed;
    }
    this.table.releaseOrder(this.table.orderOf(ref));
    const entry = db.resizeValue(ref, ROOT_BYTES);
    db.setTimed(entry, HASH_TABLE);
    return entry;
  }

  /** Makes a packed hash a table. */
  private convert(db: Database, ref: Ref): Ref {
    const { entries } = this.space;
    const table = this.hashes.table.create();
    const order = this.table.order.create();
    const { cursor } = this;
    cursor.begin(ref);
    this.table.putAll(table, order, cursor);
    const entry = db.overwrite(ref, TYPE_HASH, HASH_TIMED_TABLE, TIMED_ROOT_BYTES, entries.expireAtMs(ref));
    this.table.setRoots(entry, table, order);
    return entry;
  }
}
