/**
 * Sets: the values of keys of type set, and the only place that knows how they are stored. Source: spec server.md section 13.
 *
 *   INTSET    the entry's value is an intset: integers only
 *   LISTPACK  the entry's value is a listpack of the members, in the order of insertion
 *   TABLE     the entry's value is a reference to a table (member-table.ts); item = | counted member |
 *
 * A set goes from each form to a later one when a member comes that does not fit (set-limits.ts), never back.
 *
 * Invariants: (1) a set in the keyspace has at least one member: who removes the last one removes the key; (2) members are unique; (3) a change in
 * place is announced by `Database.beforeWrite` before the first byte changes. References to entries are good until the next call that changes the set.
 */
import type { Database } from '../keyspace/database.js';
import { type Digest, valueDigests } from '../keyspace/digest.js';
import { ROOT_BYTES, TYPE_SET } from '../keyspace/entry.js';
import { hashBytes } from '../keyspace/key-hash.js';
import type { FrozenValue, ItemReader, Keyspace, ValueType } from '../keyspace/keyspace.js';
import { CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../memory/arena.js';
import { parsedInt64, parseInt64Text } from '../memory/int64-text.js';
import {
  insertIntset,
  intsetBytes,
  intsetBytesWith,
  intsetCount,
  removeIntset,
  searchIntset,
} from '../memory/intset.js';
import {
  ElementWriter,
  elementAt,
  findElement,
  firstElement,
  LISTPACK_BYTES_MAX,
  listpackCount,
  nextElement,
  splice,
} from '../memory/listpack.js';
import { countedBytes, writeCounted } from './counted-keys.js';
import { MemberTable, type TabledType } from './member-table.js';
import { SetBuilder } from './set-builder.js';
import { SET_INTSET, SET_LISTPACK, SET_TABLE, SetCursor } from './set-cursor.js';
import { fitsIntset, fitsListpack, mayBecomeListpack } from './set-limits.js';

/** @returns the sets of a keyspace */
export function setsOf(space: Keyspace): Sets {
  space.valueTypes[TYPE_SET] ??= new Sets(space);
  return space.valueTypes[TYPE_SET] as Sets;
}

export class Sets implements ValueType, TabledType {
  readonly table: MemberTable;
  /** For any walk that ends before something is written. */
  readonly cursor: SetCursor;
  readonly builder: SetBuilder;
  /** Whether `add` added the member (and did not find it there). */
  wasAdded = false;
  private readonly space: Keyspace;
  private readonly writer = new ElementWriter();

  constructor(space: Keyspace) {
    this.space = space;
    this.table = new MemberTable(space);
    this.cursor = new SetCursor(space, this.table);
    this.builder = new SetBuilder(space, this);
  }

  count(ref: Ref): number {
    const { entries } = this.space;
    const encoding = entries.encoding(ref);
    if (encoding === SET_TABLE) return this.table.count(entries.root(ref));
    if (encoding === SET_INTSET) return intsetCount(entries.view(ref), entries.valueStart(ref));
    return listpackCount(entries.view(ref), entries.valueStart(ref));
  }

  has(ref: Ref, member: Uint8Array, start: number, length: number): boolean {
    const { entries } = this.space;
    const encoding = entries.encoding(ref);
    if (encoding === SET_TABLE)
      return this.table.find(entries.root(ref), hashBytes(member, start, length), member, start, length) !== 0;
    const view = entries.view(ref);
    const base = entries.valueStart(ref);
    if (encoding === SET_LISTPACK) return findElement(view, firstElement(base), 1, member, start, length) >= 0;
    if (!parseInt64Text(member, start, length)) return false;
    return searchIntset(view, base, parsedInt64.high, parsedInt64.low) >= 0;
  }

  itemTable(ref: Ref): Ref {
    const { entries } = this.space;
    return entries.encoding(ref) === SET_TABLE ? entries.root(ref) : 0;
  }

  /** Adds a member, unless it is there (`wasAdded`). Its text must not lie in the set itself. @returns the entry */
  add(db: Database, ref: Ref, member: Uint8Array, start: number, length: number): Ref {
    switch (this.space.entries.encoding(ref)) {
      case SET_INTSET:
        return this.addToIntset(db, ref, member, start, length);
      case SET_LISTPACK:
        return this.addToListpack(db, ref, member, start, length);
      default:
        return this.addToTable(db, ref, member, start, length);
    }
  }

  /** Adds a member to a table that no entry has. @returns whether it was not there */
  addItem(table: Ref, member: Uint8Array, start: number, length: number): boolean {
    const hash = hashBytes(member, start, length);
    if (this.table.find(table, hash, member, start, length) !== 0) return false;
    this.insertItem(table, hash, member, start, length);
    return true;
  }

  /** Removes a member. @returns the entry, whose set may be empty now; 0 if the member is not there */
  remove(db: Database, ref: Ref, member: Uint8Array, start: number, length: number): Ref {
    const { entries } = this.space;
    const encoding = entries.encoding(ref);
    if (encoding === SET_TABLE) {
      const item = this.table.find(entries.root(ref), hashBytes(member, start, length), member, start, length);
      return item === 0 ? 0 : this.removeFound(db, ref);
    }
    const view = entries.view(ref);
    const base = entries.valueStart(ref);
    if (encoding === SET_LISTPACK) {
      const at = findElement(view, firstElement(base), 1, member, start, length);
      if (at < 0) return 0;
      const removed = nextElement(view, at) - at;
      db.beforeWrite(ref);
      splice(view, base, at, removed, 0, -1);
      return db.resizeValue(ref, entries.valueLength(ref) - removed);
    }
    if (!parseInt64Text(member, start, length)) return 0;
    const index = searchIntset(view, base, parsedInt64.high, parsedInt64.low);
    if (index < 0) return 0;
    db.beforeWrite(ref);
    removeIntset(view, base, index);
    return db.resizeValue(ref, intsetBytes(view, base));
  }

  /** Removes the member that `pick` has just pointed `picked` at. @returns the entry, whose set may be empty now */
  removePicked(db: Database, ref: Ref, picked: SetCursor): Ref {
    // Of a packed set, and of a member in a long chain, no cell is known.
    if (this.space.entries.encoding(ref) === SET_TABLE && this.table.foundItem !== 0) return this.removeFound(db, ref);
    return this.remove(db, ref, picked.bytes, picked.start, picked.length);
  }

  /** Of the members of a set that is a table, only those of some items stay: copies of them, as what goes is freed as a whole. */
  retain(db: Database, ref: Ref, items: readonly Ref[]): void {
    const { entries } = this.space;
    db.beforeWrite(ref);
    const table = entries.root(ref);
    entries.setRoot(ref, this.table.copyOf(items));
    this.table.release(table);
  }

  /** Prepares a set that is about to get `count` members at once: it becomes a table if that alone is too much for its form. @returns the entry */
  expect(db: Database, ref: Ref, count: number): Ref {
    const { entries, packing } = this.space;
    const encoding = entries.encoding(ref);
    const isTooMany =
      (encoding === SET_INTSET && count > packing.setIntsetEntries) ||
      (encoding === SET_LISTPACK && count > packing.setListpackEntries);
    return isTooMany ? this.toTable(db, ref) : ref;
  }

  /** Points `into` at a member picked with equal chance among all. `random` gives integers from 0 to below its argument. */
  pick(ref: Ref, random: (below: number) => number, into: SetCursor): void {
    const { entries } = this.space;
    const encoding = entries.encoding(ref);
    if (encoding === SET_TABLE) return into.readItem(this.table.pickItem(entries.root(ref), random));
    const view = entries.view(ref);
    const base = entries.valueStart(ref);
    if (encoding === SET_INTSET) into.readInteger(view, base, random(intsetCount(view, base)));
    else into.readElement(view, elementAt(view, base, random(listpackCount(view, base))));
  }

  /** Continues `digest` with all members: DEBUG DIGEST. */
  digest(ref: Ref, digest: Digest): void {
    const { cursor } = this;
    cursor.begin(ref);
    while (cursor.next()) digest.add(cursor.bytes, cursor.start, cursor.length);
  }

  free(ref: Ref): void {
    const { entries } = this.space;
    if (entries.encoding(ref) === SET_TABLE) this.table.release(entries.root(ref));
  }

  /** Items are those of the table. */
  freeze(ref: Ref, read: ItemReader): FrozenValue | null {
    const { entries } = this.space;
    return entries.encoding(ref) === SET_TABLE ? this.table.freeze(entries.root(ref), read) : null;
  }

  duplicate(ref: Ref): void {
    const { entries } = this.space;
    if (entries.encoding(ref) === SET_TABLE) entries.setRoot(ref, this.table.copy(entries.root(ref)));
  }

  bytes(ref: Ref): number {
    const { entries } = this.space;
    return entries.encoding(ref) === SET_TABLE ? this.table.totalBytes(entries.root(ref)) : 0;
  }

  /** Removes the item that the table has just found. */
  private removeFound(db: Database, ref: Ref): Ref {
    const table = this.space.entries.root(ref);
    const item = this.table.foundItem;
    db.beforeWrite(ref);
    this.table.preserve(table, item);
    this.table.removeFound(table);
    this.space.arena.free(item);
    return ref;
  }

  private addToTable(db: Database, ref: Ref, member: Uint8Array, start: number, length: number): Ref {
    const table = this.space.entries.root(ref);
    const hash = hashBytes(member, start, length);
    this.wasAdded = this.table.find(table, hash, member, start, length) === 0;
    if (!this.wasAdded) return ref;
    db.beforeWrite(ref);
    this.insertItem(table, hash, member, start, length);
    return ref;
  }

  /** @returns a block with the item, in no table yet */
  createItem(member: Uint8Array, start: number, length: number): Ref {
    const { arena } = this.space;
    const item = arena.allocate(countedBytes(length));
    writeCounted(arena.bytes[item >>> CHUNK_INDEX_SHIFT], (item & UNIT_MASK) << 3, member, start, length);
    return item;
  }

  /** Adds the member that the table has just not found. */
  private insertItem(table: Ref, hash: number, member: Uint8Array, start: number, length: number): void {
    const item = this.createItem(member, start, length);
    this.table.insertMissing(table, hash, item);
    this.table.exempt(table, item);
  }

  private addToIntset(db: Database, ref: Ref, member: Uint8Array, start: number, length: number): Ref {
    const { entries, packing } = this.space;
    const view = entries.view(ref);
    const base = entries.valueStart(ref);
    if (!parseInt64Text(member, start, length)) {
      const isShort = mayBecomeListpack(packing, view, base, length);
      return this.add(db, isShort ? this.toListpack(db, ref) : this.toTable(db, ref), member, start, length);
    }
    const { high, low } = parsedInt64;
    const index = searchIntset(view, base, high, low);
    this.wasAdded = index < 0;
    if (index >= 0) return ref;
    const entry = db.resizeValue(ref, intsetBytesWith(view, base, high, low));
    const bytes = entries.view(entry);
    const newBase = entries.valueStart(entry);
    insertIntset(bytes, newBase, -1 - index, high, low);
    return fitsIntset(packing, intsetCount(bytes, newBase)) ? entry : this.toTable(db, entry);
  }

  private addToListpack(db: Database, ref: Ref, member: Uint8Array, start: number, length: number): Ref {
    const { entries, packing } = this.space;
    const view = entries.view(ref);
    const base = entries.valueStart(ref);
    this.wasAdded = findElement(view, firstElement(base), 1, member, start, length) < 0;
    if (!this.wasAdded) return ref;
    const total = entries.valueLength(ref);
    const isFit = fitsListpack(packing, listpackCount(view, base) + 1, length) && total + length < LISTPACK_BYTES_MAX;
    if (!isFit) return this.add(db, this.toTable(db, ref), member, start, length);
    const memberBytes = this.writer.encode(member, start, length);
    const entry = db.resizeValue(ref, total + memberBytes);
    const newBase = entries.valueStart(entry);
    splice(entries.view(entry), newBase, newBase + total - 1, 0, memberBytes, 1);
    this.writer.write(entries.view(entry), newBase + total - 1);
    return entry;
  }

  private toListpack(db: Database, ref: Ref): Ref {
    const { entries } = this.space;
    const { builder, cursor } = this;
    builder.beginAs(SET_LISTPACK);
    cursor.begin(ref);
    while (cursor.next()) builder.append(cursor.bytes, cursor.start, cursor.length);
    const { bytes, length } = builder.packed;
    const entry = db.overwrite(ref, TYPE_SET, SET_LISTPACK, length, entries.expireAtMs(ref));
    db.writeValue(entry, bytes, 0, length);
    return entry;
  }

  /** The members stay the same: WATCH and tracking see what comes after, if anything does. */
  private toTable(db: Database, ref: Ref): Ref {
    const { entries } = this.space;
    const { cursor } = this;
    const table = this.table.create();
    cursor.begin(ref);
    while (cursor.next()) this.addItem(table, cursor.bytes, cursor.start, cursor.length);
    const entry = db.resizeQuietly(ref, ROOT_BYTES);
    entries.setEncoding(entry, SET_TABLE);
    entries.setRoot(entry, table);
    return entry;
  }
}

valueDigests[TYPE_SET] = (space, ref, digest) => setsOf(space).digest(ref, digest);
