/**
 * Builds a set before its key exists, by the same rules as members that come one by one (set-limits.ts): for SADD of a new key, for the results of
 * SUNION and the like, and for loading. One block of the exact size, no matter how many members.
 */
import type { Database } from '../keyspace/database.js';
import { ROOT_BYTES, TYPE_SET } from '../keyspace/entry.js';
import { hashBytes } from '../keyspace/key-hash.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import { parsedInt64, parseInt64Text } from '../memory/int64-text.js';
import { initIntset, insertIntset, intsetBytes, intsetBytesWith, intsetCount, searchIntset } from '../memory/intset.js';
import { ElementWriter, findElement, LISTPACK_BYTES_MAX, listpackCount } from '../memory/listpack.js';
import { ItemBatch } from './item-batch.js';
import { ItemSource } from './item-source.js';
import { PackedBuffer } from './packed-buffer.js';
import { SeenFilter } from './seen-filter.js';
import type { Sets } from './set.js';
import { SET_INTSET, SET_LISTPACK, SET_TABLE, SetCursor } from './set-cursor.js';
import { firstEncoding, fitsIntset, fitsListpack, mayBecomeListpack } from './set-limits.js';

/** Nothing was added yet. */
const UNDECIDED = -1;

export class SetBuilder {
  /** The listpack, while it is one. */
  readonly packed = new PackedBuffer();
  /** Where most members of `addNew` are; from its `begin` until the set is finished or discarded. */
  readonly source: ItemSource;
  /** The intset, while it is one. */
  private readonly integers = new PackedBuffer();
  private readonly batch: ItemBatch;
  private readonly space: Keyspace;
  private readonly sets: Sets;
  private readonly writer = new ElementWriter();
  private readonly cursor: SetCursor;
  private encoding = UNDECIDED;
  private expected = 0;
  private likely = 0;
  /** Of the members of `packed`. */
  private readonly seen = new SeenFilter();
  private table: Ref = 0;

  constructor(space: Keyspace, sets: Sets) {
    this.space = space;
    this.sets = sets;
    this.source = new ItemSource(space.arena);
    this.batch = new ItemBatch(space.arena, sets.table);
    this.cursor = new SetCursor(space, sets.table);
  }

  /**
   * @param expected about how many members will come; 0 if unknown
   * @param likely   for so many a table has room from the beginning; what is not needed is given back at the end
   */
  begin(expected: number, likely = 0): void {
    this.encoding = UNDECIDED;
    this.expected = expected;
    this.likely = likely;
    this.seen.begin(likely);
  }

  /** Begins in a given form. */
  beginAs(encoding: number): void {
    this.encoding = encoding;
    if (encoding === SET_TABLE) {
      this.table = this.sets.table.createFor(this.likely);
      this.batch.begin(this.table);
    } else if (encoding === SET_LISTPACK) {
      this.packed.clear();
    } else {
      this.integers.clear();
      initIntset(this.integers.bytes, 0);
    }
  }

  get count(): number {
    if (this.encoding === UNDECIDED) return 0;
    if (this.encoding === SET_TABLE) return this.sets.table.count(this.table);
    return this.encoding === SET_INTSET ? intsetCount(this.integers.bytes, 0) : listpackCount(this.packed.bytes, 0);
  }

  /** @returns whether the member is new */
  add(member: Uint8Array, start: number, length: number): boolean {
    if (!this.staysPacked(member, start, length)) return this.sets.addItem(this.table, member, start, length);
    if (this.encoding === SET_INTSET) return this.addInteger(parsedInt64.high, parsedInt64.low);
    if (this.seen.note(member, start, length)) {
      const { packed } = this;
      if (findElement(packed.bytes, packed.first, 1, member, start, length) >= 0) return false;
    }
    this.appendUnlessFull(member, start, length);
    return true;
  }

  /** Adds a member that is not there. */
  addUnique(member: Uint8Array, start: number, length: number): void {
    if (!this.staysPacked(member, start, length)) this.insert(member, start, length);
    else if (this.encoding === SET_INTSET) this.addInteger(parsedInt64.high, parsedInt64.low);
    else {
      this.seen.note(member, start, length);
      this.appendUnlessFull(member, start, length);
    }
  }

  /**
   * Adds a member that must not be there; between it and `settle` nothing else is called.
   * @returns false if it is there, or one before it was: what was built is to be discarded
   */
  addNew(member: Uint8Array, start: number, length: number): boolean {
    if (this.encoding !== SET_TABLE) return this.add(member, start, length);
    const { source } = this;
    const isCounted = source.hasCounted(member, length);
    const item = isCounted ? source.item(start - 1, length + 1) : this.sets.createItem(member, start, length);
    return this.batch.add(item, hashBytes(member, start, length));
  }

  /** To be called after the last `addNew`. @returns as `addNew` */
  settle(): boolean {
    return this.batch.flush();
  }

  /** Appends a member that is not there to what is a listpack. */
  append(member: Uint8Array, start: number, length: number): void {
    this.writer.encode(member, start, length);
    this.packed.append(this.writer);
  }

  /** Takes a whole listpack of unique members, of which only the number is held against the limits. */
  adoptListpack(bytes: Uint8Array, start: number): void {
    this.packed.adopt(bytes, start);
    this.encoding = SET_LISTPACK;
    if (listpackCount(bytes, start) > this.space.packing.setListpackEntries) this.convert(SET_TABLE);
  }

  /** Takes a whole intset. */
  adoptIntset(bytes: Uint8Array, start: number): void {
    this.integers.copy(bytes, start, intsetBytes(bytes, start));
    this.encoding = SET_INTSET;
    if (!fitsIntset(this.space.packing, intsetCount(bytes, start))) this.convert(SET_TABLE);
  }

  /** Points `cursor` before the first member of what was built. */
  walk(cursor: SetCursor): void {
    if (this.encoding === SET_TABLE) cursor.beginTable(this.table);
    else cursor.beginPacked(this.encoding, this.encoding === SET_INTSET ? this.integers.bytes : this.packed.bytes, 0);
  }

  /** Gives what was built, which has a member, to a key that is not there. @returns its entry */
  finish(db: Database, key: Uint8Array, start: number, length: number, expireAtMs: number): Ref {
    this.batch.flush();
    this.source.forget();
    if (this.encoding === SET_TABLE) {
      this.sets.table.fit(this.table);
      const ref = db.add(key, start, length, TYPE_SET, SET_TABLE, ROOT_BYTES, expireAtMs);
      this.space.entries.setRoot(ref, this.table);
      this.encoding = UNDECIDED;
      return ref;
    }
    const isIntset = this.encoding === SET_INTSET;
    const { bytes } = isIntset ? this.integers : this.packed;
    const byteCount = isIntset ? intsetBytes(bytes, 0) : this.packed.length;
    const ref = db.add(key, start, length, TYPE_SET, this.encoding, byteCount, expireAtMs);
    db.writeValue(ref, bytes, 0, byteCount);
    return ref;
  }

  /** Drops what was built. */
  discard(): void {
    this.source.forget();
    this.batch.drop();
    if (this.encoding === SET_TABLE) this.sets.table.release(this.table);
    this.encoding = UNDECIDED;
  }

  /** Decides on the form that a member needs. @returns whether it is packed: if it is an intset, the member is in `parsedInt64` */
  private staysPacked(member: Uint8Array, start: number, length: number): boolean {
    if (this.encoding === SET_TABLE) return false;
    const limits = this.space.packing;
    if (this.encoding === UNDECIDED)
      this.beginAs(firstEncoding(limits, parseInt64Text(member, start, length), this.expected));
    if (this.encoding === SET_INTSET && !parseInt64Text(member, start, length))
      this.convert(mayBecomeListpack(limits, this.integers.bytes, 0, length) ? SET_LISTPACK : SET_TABLE);
    return (this.encoding as number) !== SET_TABLE;
  }

  /** Puts a member that is not there into the listpack, or into a table if that has no room for it. */
  private appendUnlessFull(member: Uint8Array, start: number, length: number): void {
    const { packed } = this;
    const count = listpackCount(packed.bytes, 0) + 1;
    if (fitsListpack(this.space.packing, count, length) && packed.length + length < LISTPACK_BYTES_MAX) {
      this.append(member, start, length);
      return;
    }
    this.convert(SET_TABLE);
    this.insert(member, start, length);
  }

  private insert(member: Uint8Array, start: number, length: number): void {
    this.sets.table.insert(this.table, hashBytes(member, start, length), this.sets.createItem(member, start, length));
  }

  private addInteger(high: number, low: number): boolean {
    const { integers } = this;
    const index = searchIntset(integers.bytes, 0, high, low);
    if (index >= 0) return false;
    integers.reserve(intsetBytesWith(integers.bytes, 0, high, low), intsetBytes(integers.bytes, 0));
    insertIntset(integers.bytes, 0, -1 - index, high, low);
    if (!fitsIntset(this.space.packing, intsetCount(integers.bytes, 0))) this.convert(SET_TABLE);
    return true;
  }

  private convert(encoding: number): void {
    const { cursor } = this;
    this.walk(cursor);
    this.beginAs(encoding);
    while (cursor.next()) {
      // What was adopted from a file may have a member twice.
      if (encoding === SET_TABLE) {
        this.sets.addItem(this.table, cursor.bytes, cursor.start, cursor.length);
      } else {
        this.seen.note(cursor.bytes, cursor.start, cursor.length);
        this.append(cursor.bytes, cursor.start, cursor.length);
      }
    }
  }
}
