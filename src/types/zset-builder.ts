/**
 * Builds a sorted set as a whole: the results of *STORE commands and of loads, where members come in any order and their scores may still change.
 *
 * Members and scores lie in the arena from the beginning, in the table that a large set has anyway; only their references are in an array, to be sorted.
 * Nothing of it is in the engine's heap. What comes in order, or in reverse order as in files, is not sorted but found to be.
 * `begin` … `add`, `find`, `changeFound` … then `sort` to read the result, `finish` to make it an entry, or `discard`.
 */
import type { Database } from '../keyspace/database.js';
import { TYPE_ZSET } from '../keyspace/entry.js';
import { hashBytes } from '../keyspace/key-hash.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import { CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../memory/arena.js';
import { readDouble, writeDouble } from '../memory/double-bytes.js';
import { initListpack, LISTPACK_EMPTY_BYTES, splice } from '../memory/listpack.js';
import { CountedString } from './counted-keys.js';
import { ItemBatch } from './item-batch.js';
import { ItemSource } from './item-source.js';
import { ScoredItems } from './scored-items.js';
import type { Zsets } from './zset.js';
import { SCORE_BYTES, ZSET_LISTPACK, ZsetCursor } from './zset-cursor.js';

export class ZsetBuilder {
  /** Of the member that `find` found. */
  foundScore = 0;
  /** Where most members of `addNew` are, each with its score behind it; from its `begin` until the set is finished or discarded. */
  readonly source: ItemSource;
  private readonly batch: ItemBatch;
  private readonly space: Keyspace;
  private readonly zsets: Zsets;
  private readonly cursor: ZsetCursor;
  private readonly string = new CountedString();
  private table: Ref = 0;
  private readonly members = new ScoredItems();
  /** Whether an item has got another score than `members` tells. */
  private areScoresOld = false;
  private found: Ref = 0;
  private memberBytesMax = 0;
  private isGrown = false;

  constructor(space: Keyspace, zsets: Zsets) {
    this.space = space;
    this.zsets = zsets;
    this.source = new ItemSource(space.arena);
    this.batch = new ItemBatch(space.arena, zsets.table);
    this.cursor = new ZsetCursor(space, zsets.trees);
  }

  get count(): number {
    return this.members.count;
  }

  /**
   * @param isGrown members come as to a listpack that becomes a tree when one does not fit: until then −0 is 0, which a listpack cannot tell apart
   * @param likely for so many members there is room from the beginning; what is not needed is given back at the end
   */
  begin(isGrown = false, likely = 0): void {
    this.table = this.zsets.table.createFor(likely);
    this.batch.begin(this.table);
    this.members.clear();
    this.members.reserve(likely);
    this.areScoresOld = false;
    this.memberBytesMax = 0;
    this.isGrown = isGrown;
  }

  /** Adds a member that is not there. */
  add(bytes: Uint8Array, start: number, length: number, score: number): void {
    if (length > this.memberBytesMax) this.memberBytesMax = length;
    const isPacked = this.isGrown && this.fitsListpack(this.count + 1);
    const kept = isPacked ? score + 0 : score;
    const item = this.zsets.createItem(bytes, start, length, kept);
    this.zsets.table.insert(this.table, hashBytes(bytes, start, length), item);
    this.members.push(item, kept);
  }

  /**
   * Adds a member that must not be there, to a set that is not grown; between it and `settle` nothing else is called.
   * @returns false if it is there, or one before it was: what was built is to be discarded
   */
  addNew(bytes: Uint8Array, start: number, length: number, score: number): boolean {
    const { source } = this;
    if (length > this.memberBytesMax) this.memberBytesMax = length;
    const isItem = source.hasCounted(bytes, length);
    const item = isItem
      ? source.item(start - 1, length + 1 + SCORE_BYTES)
      : this.zsets.createItem(bytes, start, length, score);
    this.members.push(item, score);
    return this.batch.add(item, hashBytes(bytes, start, length));
  }

  /** To be called after the last `addNew`. @returns as `addNew` */
  settle(): boolean {
    return this.batch.flush();
  }

  /** @returns whether the member is there; its score is in `foundScore` */
  find(bytes: Uint8Array, start: number, length: number): boolean {
    this.found = this.zsets.table.find(this.table, hashBytes(bytes, start, length), bytes, start, length);
    if (this.found === 0) return false;
    this.foundScore = this.scoreOf(this.found);
    return true;
  }

  /** Gives the member that `find` found another score. */
  changeFound(score: number): void {
    const view = this.viewOf(this.found);
    this.string.read(view, (this.found & UNIT_MASK) << 3);
    writeDouble(view, this.string.end, score);
    this.areScoresOld = true;
  }

  /** Puts the members into their order. */
  sort(): void {
    const { members } = this;
    const { count, items, scores } = members;
    if (this.areScoresOld) for (let i = 0; i < count; i++) scores[i] = this.scoreOf(items[i]);
    this.areScoresOld = false;
    members.sort((item, other) => this.zsets.compareItems(item, other));
  }

  /** Reads member number `index`, after `sort` that of the rank. */
  read(index: number, cursor: ZsetCursor): void {
    cursor.readItem(this.members.items[index]);
  }

  /** Makes the members a set of a key that is not there; there is at least one. @returns the entry */
  finish(db: Database, key: Uint8Array, start: number, length: number, expireAtMs = 0): Ref {
    this.sort();
    if (this.fitsListpack(this.count)) {
      const ref = this.addPacked(db, key, start, length, expireAtMs);
      this.discard();
      return ref;
    }
    const { trees } = this.zsets;
    const tree = trees.create();
    trees.appendAll(tree, this.members.scores, this.members.items, this.count);
    this.forget();
    this.zsets.table.fit(this.table);
    return this.zsets.createTree(db, key, start, length, expireAtMs, this.table, tree);
  }

  /** Frees everything. */
  discard(): void {
    this.batch.drop();
    this.forget();
    this.zsets.table.release(this.table);
  }

  private forget(): void {
    this.members.clear();
    this.source.forget();
  }

  private fitsListpack(count: number): boolean {
    const { packing } = this.space;
    return count <= packing.zsetListpackEntries && this.memberBytesMax <= packing.zsetListpackValueBytes;
  }

  private addPacked(db: Database, key: Uint8Array, start: number, length: number, expireAtMs: number): Ref {
    const { cursor, zsets } = this;
    const { entries } = this.space;
    let byteCount = LISTPACK_EMPTY_BYTES;
    for (let i = 0; i < this.count; i++) {
      this.read(i, cursor);
      byteCount += zsets.encodePair(cursor.bytes, cursor.start, cursor.length, cursor.score);
    }
    const ref = db.add(key, start, length, TYPE_ZSET, ZSET_LISTPACK, byteCount, expireAtMs);
    const view = entries.view(ref);
    const base = entries.valueStart(ref);
    initListpack(view, base);
    let at = base + LISTPACK_EMPTY_BYTES - 1;
    splice(view, base, at, 0, byteCount - LISTPACK_EMPTY_BYTES, this.count * 2);
    for (let i = 0; i < this.count; i++) {
      this.read(i, cursor);
      zsets.encodePair(cursor.bytes, cursor.start, cursor.length, cursor.score);
      at = zsets.writePair(view, at);
    }
    return ref;
  }

  private scoreOf(item: Ref): number {
    const view = this.viewOf(item);
    this.string.read(view, (item & UNIT_MASK) << 3);
    return readDouble(view, this.string.end);
  }

  private viewOf(item: Ref): Uint8Array {
    return this.space.arena.bytes[item >>> CHUNK_INDEX_SHIFT];
  }
}
