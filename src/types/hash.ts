/**
 * Hashes: the values of keys of type hash, and the only place that knows how they are stored. Source: spec server.md section 13.
 *
 *   LISTPACK  the entry's value is a listpack: field, value, field, value …, in the order of insertion
 *   TABLE     the entry's value is a reference to a table (member-table.ts); item = | counted field | counted value |
 *   TIMED_…   the same with times at which fields end: hash-times.ts, to which everything that concerns these forms is handed on
 *
 * A hash becomes a table when it gets more fields, or a longer field or value, than `Keyspace.packing` allows; never back.
 *
 * Invariants: (1) a hash in the keyspace has at least one field: who removes the last one removes the key; (2) fields are unique; (3) a change in
 * place is announced by `Database.beforeWrite` before the first byte changes. References to entries are good until the next call that changes the hash.
 */
import type { Database } from '../keyspace/database.js';
import { Digest, valueDigests } from '../keyspace/digest.js';
import {
  HASH_LISTPACK,
  HASH_TABLE,
  HASH_TIMED_LISTPACK,
  HASH_TIMED_TABLE,
  ROOT_BYTES,
  TYPE_HASH,
} from '../keyspace/entry.js';
import { hashBytes } from '../keyspace/key-hash.js';
import type { FrozenValue, ItemReader, Keyspace, ValueType } from '../keyspace/keyspace.js';
import { CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../memory/arena.js';
import {
  ElementWriter,
  elementAt,
  findElement,
  firstElement,
  LISTPACK_BYTES_MAX,
  ListpackElement,
  listpackCount,
  nextElement,
  splice,
} from '../memory/listpack.js';
import { CountedString, countedBytes, countedEnd, writeCounted } from './counted-keys.js';
import { ITEM_TIME_BYTES, isItemTime, readItemTime } from './field-time.js';
import { HashBuilder } from './hash-builder.js';
import { HashCursor } from './hash-cursor.js';
import { PairBuffer } from './hash-pair.js';
import { HashTimes } from './hash-times.js';
import { MemberTable, type TabledType } from './member-table.js';

/** What the digest of a pair whose field has a time is mixed with. */
const TIMED_MARK = new TextEncoder().encode('!!hexpire!!');

/** @returns the hashes of a keyspace */
export function hashesOf(space: Keyspace): Hashes {
  space.valueTypes[TYPE_HASH] ??= new Hashes(space);
  return space.valueTypes[TYPE_HASH] as Hashes;
}

export class Hashes implements ValueType, TabledType {
  readonly table: MemberTable;
  /** For any walk that ends before something is written. */
  readonly cursor: HashCursor;
  readonly builder: HashBuilder;
  /** Times of fields. */
  readonly fieldTimes: HashTimes;
  /** The value that `find` found: `valueBytes[valueStart, valueStart + valueLength)`. */
  valueBytes: Uint8Array = new Uint8Array(0);
  valueStart = 0;
  valueLength = 0;
  /** Whether `set` added a field (and did not replace a value). */
  wasAdded = false;
  private readonly space: Keyspace;
  private readonly element = new ListpackElement();
  private readonly string = new CountedString();
  private readonly fieldWriter = new ElementWriter();
  private readonly valueWriter = new ElementWriter();
  private readonly pair = new PairBuffer();

  constructor(space: Keyspace) {
    this.space = space;
    this.table = new MemberTable(space);
    this.cursor = new HashCursor(space, this.table);
    this.builder = new HashBuilder(space, this);
    this.fieldTimes = new HashTimes(space, this);
  }

  /** @returns number of fields, those included whose time is over */
  count(ref: Ref): number {
    const { entries } = this.space;
    const encoding = entries.encoding(ref);
    if (encoding === HASH_TABLE || encoding === HASH_TIMED_TABLE) return this.table.count(entries.root(ref));
    const elements = listpackCount(entries.view(ref), entries.valueStart(ref));
    return encoding === HASH_LISTPACK ? elements >> 1 : (elements / 3) | 0;
  }

  /** @returns number of fields that clients see: of those that `HashCursor.beginLive` walks over */
  liveCount(ref: Ref): number {
    const count = this.count(ref);
    return this.space.entries.isTimedHash(ref) ? count - this.fieldTimes.hiddenCount(ref) : count;
  }

  /**
   * Finds a field. Its value is then in `valueBytes`, until the hash changes.
   * @returns whether it is there, and its time is not over
   */
  find(ref: Ref, field: Uint8Array, start: number, length: number): boolean {
    const { entries } = this.space;
    const view = entries.view(ref);
    const encoding = entries.encoding(ref);
    if (encoding === HASH_TABLE || encoding === HASH_TIMED_TABLE) {
      const item = this.table.find(this.space.entries.root(ref), hashBytes(field, start, length), field, start, length);
      return item !== 0 && this.readItemValue(item);
    }
    if (encoding === HASH_TIMED_LISTPACK) return this.findTimedPacked(ref, field, start, length);
    const at = findElement(view, firstElement(entries.valueStart(ref)), 2, field, start, length);
    if (at < 0) return false;
    this.element.read(view, nextElement(view, at));
    this.valueBytes = this.element.bytes;
    this.valueStart = this.element.start;
    this.valueLength = this.element.length;
    return true;
  }

  itemTable(ref: Ref): Ref {
    const { entries } = this.space;
    const encoding = entries.encoding(ref);
    return encoding === HASH_TABLE || encoding === HASH_TIMED_TABLE ? entries.root(ref) : 0;
  }

  /**
   * Gives a field a value; `wasAdded` tells whether the field is new. The texts must not lie in the hash itself.
   * @param keepsTime whether the field's time stays, if it has one
   * @returns the entry
   */
  set(
    db: Database,
    ref: Ref,
    field: Uint8Array,
    fieldStart: number,
    fieldLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
    keepsTime = false,
  ): Ref {
    const { entries, packing } = this.space;
    let entry = ref;
    const encoding = entries.encoding(ref);
    if (encoding === HASH_LISTPACK) {
      const bytesAfter = entries.valueLength(ref) + fieldLength + valueLength;
      if (packing.allowsHashPair(fieldLength, valueLength) && bytesAfter < LISTPACK_BYTES_MAX) {
        entry = this.setPacked(db, ref, field, fieldStart, fieldLength, value, valueStart, valueLength);
        const count = listpackCount(entries.view(entry), entries.valueStart(entry));
        return count > packing.hashListpackEntries * 2 ? this.convert(db, entry) : entry;
      }
      entry = this.convert(db, ref);
    } else if (encoding === HASH_TABLE) {
      db.beforeWrite(ref);
    } else {
      const { pair } = this;
      pair.setField(field, fieldStart, fieldLength);
      pair.setValue(value, valueStart, valueLength);
      return this.fieldTimes.set(db, ref, pair, keepsTime);
    }
    const table = entries.root(entry);
    this.setItem(table, field, fieldStart, fieldLength, value, valueStart, valueLength);
    return entry;
  }

  /** Sets a field in a table that no entry has, or whose entry's change has been announced. */
  setItem(
    table: Ref,
    field: Uint8Array,
    fieldStart: number,
    fieldLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): void {
    const { arena } = this.space;
    const hash = hashBytes(field, fieldStart, fieldLength);
    const item = this.table.find(table, hash, field, fieldStart, fieldLength);
    const byteCount = countedBytes(fieldLength) + countedBytes(valueLength);
    this.wasAdded = item === 0;
    const block = item !== 0 && arena.fits(item, byteCount) ? item : arena.allocate(byteCount);
    if (item !== 0) this.table.preserve(table, item);
    const view = arena.bytes[block >>> CHUNK_INDEX_SHIFT];
    let at = (block & UNIT_MASK) << 3;
    if (block === item) at += countedBytes(fieldLength);
    else at = writeCounted(view, at, field, fieldStart, fieldLength);
    writeCounted(view, at, value, valueStart, valueLength);
    if (item === 0) {
      this.table.insertMissing(table, hash, block);
    } else if (block !== item) {
      this.table.replaceFound(block);
      arena.free(item);
    }
    this.table.exempt(table, block);
  }

  /** @returns a block with the item, in no table yet */
  createItem(
    field: Uint8Array,
    fieldStart: number,
    fieldLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): Ref {
    const { arena } = this.space;
    const item = arena.allocate(countedBytes(fieldLength) + countedBytes(valueLength));
    const view = arena.bytes[item >>> CHUNK_INDEX_SHIFT];
    const at = writeCounted(view, (item & UNIT_MASK) << 3, field, fieldStart, fieldLength);
    writeCounted(view, at, value, valueStart, valueLength);
    return item;
  }

  /** Sets all fields that the walk comes by, as `setItem` does. */
  setItems(table: Ref, from: HashCursor): void {
    while (from.next())
      this.setItem(table, from.bytes, from.start, from.length, from.valueBytes, from.valueStart, from.valueLength);
  }

  /** Removes a field. @returns the entry, whose hash may be empty now; 0 if the field is not there */
  remove(db: Database, ref: Ref, field: Uint8Array, start: number, length: number): Ref {
    const { entries, arena } = this.space;
    if (entries.isTimedHash(ref)) return this.fieldTimes.remove(db, ref, field, start, length);
    if (entries.encoding(ref) === HASH_TABLE) {
      const table = this.space.entries.root(ref);
      const item = this.table.find(table, hashBytes(field, start, length), field, start, length);
      if (item === 0) return 0;
      db.beforeWrite(ref);
      this.table.preserve(table, item);
      this.table.removeFound(table);
      arena.free(item);
      return ref;
    }
    const view = entries.view(ref);
    const base = entries.valueStart(ref);
    const at = findElement(view, firstElement(base), 2, field, start, length);
    if (at < 0) return 0;
    const removed = nextElement(view, nextElement(view, at)) - at;
    db.beforeWrite(ref);
    splice(view, base, at, removed, 0, -2);
    return db.resizeValue(ref, entries.valueLength(ref) - removed);
  }

  /** Makes a packed hash a table. @returns the entry */
  convert(db: Database, ref: Ref): Ref {
    const { entries } = this.space;
    const table = this.table.create();
    const { cursor, wasAdded } = this;
    cursor.begin(ref);
    this.setItems(table, cursor);
    this.wasAdded = wasAdded;
    const entry = db.overwrite(ref, TYPE_HASH, HASH_TABLE, ROOT_BYTES, entries.expireAtMs(ref));
    entries.setRoot(entry, table);
    return entry;
  }

  /** Points `into` at a field picked with equal chance among all, hidden ones too. `random` gives integers from 0 to below its argument. */
  pick(ref: Ref, random: (below: number) => number, into: HashCursor): void {
    const { entries } = this.space;
    const encoding = entries.encoding(ref);
    if (encoding === HASH_TABLE || encoding === HASH_TIMED_TABLE) {
      into.readItem(this.table.randomItem(this.space.entries.root(ref), random));
      return;
    }
    const view = entries.view(ref);
    const base = entries.valueStart(ref);
    const stride = encoding === HASH_LISTPACK ? 2 : 3;
    const at = elementAt(view, base, random(listpackCount(view, base) / stride) * stride);
    into.readPair(view, at, encoding !== HASH_LISTPACK);
  }

  /** Continues `digest` with all pairs: DEBUG DIGEST. */
  digest(ref: Ref, digest: Digest): void {
    const { cursor } = this;
    const pair = new Digest();
    cursor.begin(ref);
    while (cursor.next()) {
      pair.clear();
      pair.mix(cursor.bytes, cursor.start, cursor.length);
      pair.mix(cursor.valueBytes, cursor.valueStart, cursor.valueLength);
      if (cursor.timeMs !== 0) pair.add(TIMED_MARK, 0, TIMED_MARK.length);
      digest.addDigest(pair);
    }
  }

  free(ref: Ref): void {
    const { entries } = this.space;
    if (entries.isTimedHash(ref)) this.fieldTimes.free(ref);
    else if (entries.encoding(ref) === HASH_TABLE) this.table.release(entries.root(ref));
  }

  /** Items are those of the table. */
  freeze(ref: Ref, read: ItemReader): FrozenValue | null {
    const { entries } = this.space;
    const encoding = entries.encoding(ref);
    const isTable = encoding === HASH_TABLE || encoding === HASH_TIMED_TABLE;
    return isTable ? this.table.freeze(entries.root(ref), read) : null;
  }

  duplicate(ref: Ref): void {
    const { entries } = this.space;
    if (entries.isTimedHash(ref)) this.fieldTimes.duplicate(ref);
    else if (entries.encoding(ref) === HASH_TABLE) entries.setRoot(ref, this.table.copy(entries.root(ref)));
  }

  bytes(ref: Ref): number {
    const { entries } = this.space;
    if (entries.isTimedHash(ref)) return this.fieldTimes.bytes(ref);
    return entries.encoding(ref) === HASH_TABLE ? this.table.totalBytes(entries.root(ref)) : 0;
  }

  private setPacked(
    db: Database,
    ref: Ref,
    field: Uint8Array,
    fieldStart: number,
    fieldLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): Ref {
    const { entries } = this.space;
    const view = entries.view(ref);
    const base = entries.valueStart(ref);
    const total = entries.valueLength(ref);
    const valueBytes = this.valueWriter.encode(value, valueStart, valueLength);
    const found = findElement(view, firstElement(base), 2, field, fieldStart, fieldLength);
    this.wasAdded = found < 0;
    if (found < 0) {
      const fieldBytes = this.fieldWriter.encode(field, fieldStart, fieldLength);
      const entry = db.resizeValue(ref, total + fieldBytes + valueBytes);
      const bytes = entries.view(entry);
      const newBase = entries.valueStart(entry);
      splice(bytes, newBase, newBase + total - 1, 0, fieldBytes + valueBytes, 2);
      this.valueWriter.write(bytes, this.fieldWriter.write(bytes, newBase + total - 1));
      return entry;
    }
    const offset = nextElement(view, found) - base;
    const removed = nextElement(view, base + offset) - base - offset;
    if (valueBytes > removed) {
      const entry = db.resizeValue(ref, total + valueBytes - removed);
      this.replaceValue(entry, offset, removed, valueBytes);
      return entry;
    }
    db.beforeWrite(ref);
    this.replaceValue(ref, offset, removed, valueBytes);
    return valueBytes === removed ? ref : db.resizeValue(ref, total + valueBytes - removed);
  }

  private replaceValue(ref: Ref, offset: number, removed: number, valueBytes: number): void {
    const { entries } = this.space;
    const view = entries.view(ref);
    const base = entries.valueStart(ref);
    splice(view, base, base + offset, removed, valueBytes, 0);
    this.valueWriter.write(view, base + offset);
  }

  private findTimedPacked(ref: Ref, field: Uint8Array, start: number, length: number): boolean {
    const { packed } = this.fieldTimes;
    if (!packed.find(ref, field, start, length) || this.space.isFieldOver(packed.foundTime(ref))) return false;
    this.element.read(this.space.entries.view(ref), packed.valueAt);
    this.valueBytes = this.element.bytes;
    this.valueStart = this.element.start;
    this.valueLength = this.element.length;
    return true;
  }

  /** @returns false if the time of the item's field is over */
  private readItemValue(item: Ref): boolean {
    const view = this.space.arena.bytes[item >>> CHUNK_INDEX_SHIFT];
    let at = countedEnd(view, (item & UNIT_MASK) << 3);
    if (isItemTime(view, at)) {
      if (this.space.isFieldOver(readItemTime(view, at))) return false;
      at += ITEM_TIME_BYTES;
    }
    this.string.read(view, at);
    this.valueBytes = view;
    this.valueStart = this.string.start;
    this.valueLength = this.string.length;
    return true;
  }
}

valueDigests[TYPE_HASH] = (space, ref, digest) => hashesOf(space).digest(ref, digest);
