/**
 * What large hashes and sets have in common: one table per value, whose items are arena blocks that begin with a counted string (counted-keys.ts).
 * The entry's value is the table's reference (`Entries.root`).
 */

import { hashBytes } from '../keyspace/key-hash.js';
import type { FrozenValue, ItemReader, Keyspace } from '../keyspace/keyspace.js';
import type { Remains } from '../keyspace/reaper.js';
import { type Arena, CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../memory/arena.js';
import { isScanned, WARM_MAX } from '../memory/bucket-chains.js';
import { Table } from '../memory/table.js';
import { CountedKeys } from './counted-keys.js';
import { FrozenItems, type ItemWalk } from './frozen-items.js';

/** Tables with more items, or buckets, are freed by the reaper, bit by bit. */
const FREED_AT_ONCE_MAX = 256;
/** Of a table's cursors. */
const CURSOR_LIMIT = 2 ** 32;
/** A table with more items is read in parts by a snapshot: this many take some 0.2 ms. */
const READ_AT_ONCE_MAX = 512;
/** Items between two looks at the clock of who reads them. */
const ITEMS_PER_PART = 48;
/** A longer item is copied by the engine. */
const WORDS_IN_LOOP_MAX = 64;
/** Items whose size stands for all of a large table. */
const SAMPLED_ITEMS = 64;
/**
 * What belongs to fewer items is in the caches as it is, and to bring it there takes 100 ns an item: of 10,000 members SMISMEMBER takes 250 instead of
 * 350 ns each, of 60,000 in no order 420 instead of 390.
 */
const WARMED_TABLE_MIN = 32_768;

/** Keys being warmed; used within one call only. */
const warmTables = new Int32Array(WARM_MAX);
const warmHashes = new Int32Array(WARM_MAX);

/** The values of a type of which larger ones have their items in a table. */
export interface TabledType {
  readonly table: MemberTable;
  /** @returns the table of a value, or 0 if it is packed */
  itemTable(ref: Ref): Ref;
}

export class MemberTable extends Table {
  private readonly space: Keyspace;
  private readonly blocks: Arena;
  private readonly collected: Ref[] = [];
  /** Tables that are being read in parts. */
  private readonly frozen = new Map<Ref, FrozenItems>();

  constructor(space: Keyspace) {
    super(space.arena, new CountedKeys(space.arena));
    this.space = space;
    this.blocks = space.arena;
  }

  /**
   * Freezes the items of a table, if there are many of them.
   * @param walk comes by them in an order of its own; by default they are read in the order of buckets
   */
  freeze(table: Ref, read: ItemReader, walk: ItemWalk = new BucketWalk(this, table)): FrozenValue | null {
    const count = this.count(table);
    if (count <= READ_AT_ONCE_MAX) return null;
    const frozen = new FrozenItems(count, walk, read, () => this.frozen.delete(table));
    this.frozen.set(table, frozen);
    return frozen;
  }

  /** To be called before an item of the table is changed, or removed. */
  preserve(table: Ref, item: Ref): void {
    if (this.frozen.size > 0) this.frozen.get(table)?.preserve(item);
  }

  /** To be called after an item was changed, or added. */
  exempt(table: Ref, item: Ref): void {
    if (this.frozen.size > 0) this.frozen.get(table)?.exempt(item);
  }

  /** Has `free` called when the table has been read, if it is being read. @returns whether it is */
  freeWhenRead(table: Ref, free: () => void): boolean {
    const frozen = this.frozen.get(table);
    if (frozen === undefined) return false;
    frozen.adopt(free);
    return true;
  }

  /**
   * Brings the items of WARM_MAX keys into the cache that are about to be looked for, as `Database.warmSome` does with entries: numbers `from`,
   * `from + step` and so on of those named, as far as there are any.
   */
  warmSome(
    table: Ref,
    bytes: Uint8Array,
    starts: Int32Array,
    lengths: Int32Array,
    from: number,
    end: number,
    step: number,
  ): void {
    if (this.count(table) < WARMED_TABLE_MIN) return;
    let count = 0;
    for (let i = from; i < end && count < WARM_MAX; i += step)
      warmHashes[count++] = hashBytes(bytes, starts[i], lengths[i]);
    warmTables.fill(table, 0, count);
    this.warm(warmTables, warmHashes, count);
  }

  /** To be called before a command removes several items one by one, and `settle` afterwards. @param table 0 for none, as of a packed value */
  expectRemovals(table: Ref, count: number): void {
    if (count > 1) this.hold(table);
  }

  /** Frees a table and its items: a large one not now, but in slices. */
  release(table: Ref): void {
    this.forget(table);
    if (this.freeWhenRead(table, () => this.release(table))) return;
    const remains = new TableRemains(this, this.blocks, table);
    if (Math.max(this.count(table), this.bucketCount(table)) > FREED_AT_ONCE_MAX) this.space.reaper.addRemains(remains);
    else while (remains.freeSome());
  }

  /**
   * One step of HSCAN and SSCAN: fills `found`, by `collect`, with at least `count` items, if there are that many, or what is in `count` ×
   * `bucketsPerCount` buckets.
   * @returns the next cursor
   */
  collectFrom(
    table: Ref,
    cursor: number,
    count: number,
    bucketsPerCount: number,
    found: Ref[],
    collect: (item: Ref) => void,
  ): number {
    found.length = 0;
    let next = cursor % CURSOR_LIMIT;
    let bucketsLeft = count * bucketsPerCount;
    do next = this.scan(table, next, collect);
    while (next !== 0 && found.length < count && --bucketsLeft > 0);
    return next;
  }

  /** @returns all items of a table */
  allItems(table: Ref): Ref[] {
    const items: Ref[] = [];
    const bucketCount = this.bucketCount(table);
    for (let bucket = 0; bucket < bucketCount; bucket++) this.visitBucket(table, bucket, (item) => items.push(item));
    return items;
  }

  /** @returns a table with copies of all items */
  copy(table: Ref): Ref {
    const copied = this.createFor(this.count(table));
    for (let bucket = this.bucketCount(table); bucket > 0; ) {
      bucket = this.collectAhead(table, bucket, this.collected);
      const count = this.aheadCount;
      for (let i = 0; i < count; i++) this.insertCopy(copied, this.collected[i]);
    }
    return copied;
  }

  /** @returns a table with copies of these items, of whichever tables they are */
  copyOf(items: readonly Ref[]): Ref {
    const copied = this.createFor(items.length);
    for (const item of items) this.insertCopy(copied, item);
    return copied;
  }

  private insertCopy(table: Ref, item: Ref): void {
    const block = this.copyItem(item);
    this.insert(table, this.hashOfItem(block), block);
  }

  /** @returns a copy of an item, which is in no table */
  copyItem(item: Ref): Ref {
    const byteCount = this.blocks.blockBytes(item);
    const block = this.blocks.allocate(byteCount);
    const source = this.blocks.words[item >>> CHUNK_INDEX_SHIFT];
    const target = this.blocks.words[block >>> CHUNK_INDEX_SHIFT];
    const from = (item & UNIT_MASK) << 1;
    const to = (block & UNIT_MASK) << 1;
    const count = byteCount >> 2;
    // Most are short, and a call into the engine takes as long as 200 bytes.
    if (count > WORDS_IN_LOOP_MAX) target.set(source.subarray(from, from + count), to);
    else for (let i = 0; i < count; i++) target[to + i] = source[from + i];
    return block;
  }

  /** @returns bytes of the table and its items; of a large one estimated from some of them */
  totalBytes(table: Ref): number {
    const count = this.count(table);
    const bucketCount = this.bucketCount(table);
    let sampled = 0;
    let sampledBytes = 0;
    for (let bucket = 0; bucket < bucketCount && sampled < SAMPLED_ITEMS; bucket++) {
      const found = this.collectBucket(table, bucket, this.collected);
      for (let i = 0; i < found; i++) sampledBytes += this.blocks.blockBytes(this.collected[i]);
      sampled += found;
    }
    return this.bytes(table) + (sampled === 0 ? 0 : Math.round((sampledBytes * count) / sampled));
  }
}

/** By buckets, in the order of SCAN. */
class BucketWalk implements ItemWalk {
  isOver = false;
  private readonly tables: Table;
  private readonly table: Ref;
  private cursor = 0;
  /** At the last step: with fewer now, the place of the cursor may lie within a bucket. */
  private bucketCount = 0;
  private items: Ref[] = [];
  private readonly take = (item: Ref): void => {
    this.items.push(item);
  };

  constructor(tables: Table, table: Ref) {
    this.tables = tables;
    this.table = table;
  }

  hasPassed(item: Ref): boolean {
    return this.isOver || isScanned(this.tables.hashOfItem(item), this.cursor);
  }

  next(items: Ref[]): number {
    const { tables, table } = this;
    items.length = 0;
    this.items = items;
    do {
      const from = this.cursor;
      const before = items.length;
      const bucketCount = tables.bucketCount(table);
      this.cursor = tables.scan(table, from, this.take);
      if (bucketCount < this.bucketCount) this.dropScanned(from, before);
      this.bucketCount = bucketCount;
      this.isOver = this.cursor === 0;
    } while (!this.isOver && items.length < ITEMS_PER_PART);
    return items.length;
  }

  /** Takes out the items, from number `first` on, that an earlier step came by. */
  private dropScanned(cursor: number, first: number): void {
    const { items } = this;
    let kept = first;
    for (let i = first; i < items.length; i++)
      if (!isScanned(this.tables.hashOfItem(items[i]), cursor)) items[kept++] = items[i];
    items.length = kept;
  }
}

/** A table that nothing refers to any more. */
export class TableRemains implements Remains {
  private readonly tables: Table;
  private readonly arena: Arena;
  private readonly table: Ref;
  private readonly items: Ref[] = [];

  constructor(tables: Table, arena: Arena, table: Ref) {
    this.tables = tables;
    this.arena = arena;
    this.table = table;
  }

  freeSome(): boolean {
    const isLast = this.tables.bucketCount(this.table) === 1;
    const count = this.tables.dropBucket(this.table, this.items);
    for (let i = 0; i < count; i++) this.arena.free(this.items[i]);
    if (isLast) this.tables.destroy(this.table);
    return !isLast;
  }
}
