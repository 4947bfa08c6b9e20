/**
 * Large hashes whose fields have times: what is done to the table of a TIMED_TABLE hash, and to the order of its times.
 *
 *   value = | table : ref | order : ref |
 *   item  = | field | value |, or | field | time | value | (field-time.ts): in one table, so that a table becomes a timed one in O(1)
 *   order = an IdTree without values over (time, item): the items that have a time
 *
 * Bytes of a time: 7 in the item, and 16 / fill in the order: 16 where times come in order, as with equal lives, some 23 at random.
 *
 * Invariants: (1) the order has exactly the items with a time; (2) items are announced to a snapshot that reads the table before they change or go
 * (`MemberTable.preserve`) and after they changed or came (`exempt`). The change of the entry is the caller's to announce.
 */
import { ROOT_BYTES } from '../keyspace/entry.js';
import { hashBytes } from '../keyspace/key-hash.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import type { Remains } from '../keyspace/reaper.js';
import { CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../memory/arena.js';
import { IdTree } from '../memory/id-tree.js';
import { readInt32, writeInt32 } from '../memory/int32-bytes.js';
import { StreamId } from '../memory/stream-id.js';
import { CountedString, countedBytes, writeCounted } from './counted-keys.js';
import { ITEM_TIME_BYTES, isItemTime, readItemTime, writeItemTime } from './field-time.js';
import type { HashCursor } from './hash-cursor.js';
import { type HashPair, PairBuffer } from './hash-pair.js';
import type { MemberTable } from './member-table.js';

/** Length of the value. */
export const TIMED_ROOT_BYTES = ROOT_BYTES * 2;
const TWO_32 = 4294967296;
/** Orders with more are freed by the reaper. */
const FREED_AT_ONCE_MAX = 1024;

export class TimedTable {
  readonly order: IdTree;
  /** Whether `put` added a field. */
  wasAdded = false;
  private readonly space: Keyspace;
  private readonly table: MemberTable;
  private readonly id = new StreamId();
  private readonly string = new CountedString();
  private readonly pair = new PairBuffer();
  private readonly items: Ref[] = [];

  constructor(space: Keyspace, table: MemberTable) {
    this.space = space;
    this.table = table;
    this.order = new IdTree(space.arena, 0);
  }

  /** @returns the order of an entry's hash */
  orderOf(ref: Ref): Ref {
    const { entries } = this.space;
    return readInt32(entries.view(ref), entries.valueStart(ref) + ROOT_BYTES);
  }

  /** Writes both references; the value has `TIMED_ROOT_BYTES`. */
  setRoots(ref: Ref, table: Ref, order: Ref): void {
    const { entries } = this.space;
    entries.setRoot(ref, table);
    writeInt32(entries.view(ref), entries.valueStart(ref) + ROOT_BYTES, order);
  }

  /** @returns the item of a field, or 0 */
  find(table: Ref, field: Uint8Array, start: number, length: number): Ref {
    return this.table.find(table, hashBytes(field, start, length), field, start, length);
  }

  /** @returns when the item's field ends, Unix ms; 0 = never */
  timeOf(item: Ref): number {
    const view = this.space.arena.bytes[item >>> CHUNK_INDEX_SHIFT];
    this.string.read(view, (item & UNIT_MASK) << 3);
    return isItemTime(view, this.string.end) ? readItemTime(view, this.string.end) : 0;
  }

  /** @returns the earliest time, or 0 if no field has one */
  earliest(order: Ref): number {
    return this.order.seekFirst(order) ? this.timeAtPlace() : 0;
  }

  /** @returns how many fields, at most `max`, have a time before `beforeMs`. O(that number) */
  countBefore(order: Ref, beforeMs: number, max: number): number {
    let count = 0;
    for (let isThere = this.order.seekFirst(order); isThere && count < max; isThere = this.order.next()) {
      if (this.timeAtPlace() >= beforeMs) break;
      count++;
    }
    return count;
  }

  /** @returns the item whose time is the earliest, in an order that has one */
  firstItem(order: Ref): Ref {
    this.order.seekFirst(order);
    this.order.readId(this.id);
    return this.id.seqLow;
  }

  /** Sets a field with its value and time (0 = none). The texts must not lie in the table. */
  put(table: Ref, order: Ref, pair: HashPair, timeMs: number): void {
    const { bytes, start, length } = pair;
    const hash = hashBytes(bytes, start, length);
    const old = this.table.find(table, hash, bytes, start, length);
    this.wasAdded = old === 0;
    this.write(table, order, old, hash, pair, timeMs);
  }

  /** Sets all fields that the walk comes by, as `put` does. */
  putAll(table: Ref, order: Ref, from: HashCursor): void {
    while (from.next()) this.put(table, order, from, from.timeMs);
  }

  /** Gives the field whose item was found last a time (0 = none). */
  setTime(table: Ref, order: Ref, item: Ref, timeMs: number): void {
    const view = this.space.arena.bytes[item >>> CHUNK_INDEX_SHIFT];
    const { pair, string } = this;
    string.read(view, (item & UNIT_MASK) << 3);
    const { start, length, end } = string;
    const isTimed = isItemTime(view, end);
    if (isTimed && timeMs !== 0) {
      this.table.preserve(table, item);
      this.unlist(order, readItemTime(view, end), item);
      writeItemTime(view, end, timeMs);
      this.list(order, timeMs, item);
      this.table.exempt(table, item);
    } else if (isTimed || timeMs !== 0) {
      string.read(view, isTimed ? end + ITEM_TIME_BYTES : end);
      pair.setField(view, start, length);
      pair.setValue(view, string.start, string.length);
      this.write(table, order, item, 0, pair, timeMs);
    }
  }

  /** Removes the item that was found last. */
  remove(table: Ref, order: Ref, item: Ref): void {
    this.table.preserve(table, item);
    const timeMs = this.timeOf(item);
    if (timeMs !== 0) this.unlist(order, timeMs, item);
    this.table.removeFound(table);
    this.space.arena.free(item);
  }

  /** Removes any item. */
  removeItem(table: Ref, order: Ref, item: Ref): void {
    const view = this.space.arena.bytes[item >>> CHUNK_INDEX_SHIFT];
    this.string.read(view, (item & UNIT_MASK) << 3);
    this.find(table, view, this.string.start, this.string.length);
    this.remove(table, order, item);
  }

  /** @returns an order of the items of a table that have a time */
  createOrder(table: Ref): Ref {
    const order = this.order.create();
    const bucketCount = this.table.bucketCount(table);
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      const count = this.table.collectBucket(table, bucket, this.items);
      for (let i = 0; i < count; i++) {
        const timeMs = this.timeOf(this.items[i]);
        if (timeMs !== 0) this.list(order, timeMs, this.items[i]);
      }
    }
    return order;
  }

  /** Frees an order; the items are the caller's. A large one is freed in slices. */
  releaseOrder(order: Ref): void {
    const isLarge = this.order.count(order) > FREED_AT_ONCE_MAX;
    const remains = new OrderRemains(this.order, this.order.dissolve(order));
    if (isLarge) this.space.reaper.addRemains(remains);
    else while (remains.freeSome());
  }

  /**
   * Writes an item in the place of the old one, which was found last; the pair's texts may lie in it.
   * @param old 0 = none; @param hash of the field, if there is no old one
   */
  private write(table: Ref, order: Ref, old: Ref, hash: number, pair: HashPair, timeMs: number): void {
    const { arena } = this.space;
    const byteCount = countedBytes(pair.length) + (timeMs === 0 ? 0 : ITEM_TIME_BYTES) + countedBytes(pair.valueLength);
    const block = arena.allocate(byteCount);
    const view = arena.bytes[block >>> CHUNK_INDEX_SHIFT];
    let at = writeCounted(view, (block & UNIT_MASK) << 3, pair.bytes, pair.start, pair.length);
    if (timeMs !== 0) at = writeItemTime(view, at, timeMs);
    writeCounted(view, at, pair.valueBytes, pair.valueStart, pair.valueLength);
    if (old === 0) {
      this.table.insertMissing(table, hash, block);
    } else {
      this.table.preserve(table, old);
      const oldTimeMs = this.timeOf(old);
      if (oldTimeMs !== 0) this.unlist(order, oldTimeMs, old);
      this.table.replaceFound(block);
      arena.free(old);
    }
    if (timeMs !== 0) this.list(order, timeMs, block);
    this.table.exempt(table, block);
  }

  private list(order: Ref, timeMs: number, item: Ref): void {
    this.point(timeMs, item);
    this.order.insert(order, this.id);
  }

  private unlist(order: Ref, timeMs: number, item: Ref): void {
    this.point(timeMs, item);
    this.order.remove(order, this.id);
  }

  private point(timeMs: number, item: Ref): void {
    this.id.set(Math.floor(timeMs / TWO_32), timeMs | 0, 0, item);
  }

  private timeAtPlace(): number {
    this.order.readId(this.id);
    return this.id.msHigh * TWO_32 + (this.id.msLow >>> 0);
  }
}

/** The leaves of an order that nothing refers to any more. */
class OrderRemains implements Remains {
  private readonly order: IdTree;
  private leaf: Ref;

  constructor(order: IdTree, firstLeaf: Ref) {
    this.order = order;
    this.leaf = firstLeaf;
  }

  freeSome(): boolean {
    if (this.leaf !== 0) this.leaf = this.order.dropLeaf(this.leaf);
    return this.leaf !== 0;
  }
}
