/**
 * Sorted sets: how they lie in memory, and what changes them. Source: spec server.md section 13, persistence.md section 2.3.
 *
 *   LISTPACK   value = listpack of member, score, member, score …, ascending by (score, member)
 *   SKIPLIST   value = reference to | table of the items : ref | tree of the items : ref |; item = | counted member | score : f64 |
 *              (the name is the one that OBJECT ENCODING gives; the order is kept by a RankTree)
 *
 * Both forms are used through ranks: a range by score or member is a range of ranks, found in O(log n) (packed: by walking).
 *
 * A set becomes a tree when it gets more members, or a longer one, than `Keyspace.packing` allows; never back, but for results built as a whole.
 * Bytes per member beyond its text: 9 in the item, 9 in the table, 12–17 in the tree.
 *
 * Invariants: (1) a set in the keyspace has a member: who removes the last one removes the key; (2) table and tree hold the same items; (3) every
 * change announces itself by `beforeWrite` before its first byte; (4) no score is NaN.
 */
import type { Database } from '../keyspace/database.js';
import { Digest, valueDigests } from '../keyspace/digest.js';
import { ROOT_BYTES, TYPE_ZSET } from '../keyspace/entry.js';
import { hashBytes } from '../keyspace/key-hash.js';
import type { FrozenValue, ItemReader, Keyspace, ValueType } from '../keyspace/keyspace.js';
import { CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../memory/arena.js';
import { WARM_MAX } from '../memory/bucket-chains.js';
import { compareBytes } from '../memory/copy.js';
import { readDouble, writeDouble } from '../memory/double-bytes.js';
import {
  ElementWriter,
  elementAt,
  findElement,
  firstElement,
  initListpack,
  isListpackEnd,
  LISTPACK_EMPTY_BYTES,
  ListpackElement,
  listpackCount,
  nextElement,
  skipElements,
  splice,
} from '../memory/listpack.js';
import { type ItemOrder, LEAF_CELLS, RankTree } from '../memory/rank-tree.js';
import { CountedString, countedBytes, writeCounted } from './counted-keys.js';
import { formatDouble } from './double.js';
import { ItemBatch } from './item-batch.js';
import { MemberTable, type TabledType } from './member-table.js';
import { RankWalk } from './rank-walk.js';
import { ZsetBatch } from './zset-batch.js';
import { ZsetBuilder } from './zset-builder.js';
import { SCORE_BYTES, scoreOf, ZSET_LISTPACK, ZSET_SKIPLIST, ZsetCursor } from './zset-cursor.js';

const CONTROL_BYTES = 8;
/** A tree with more members leaves its nodes to the reaper: one takes about 0.1 µs. */
const FREED_AT_ONCE_MAX = 256;
const LEAVES_PER_PART = 16;
const INTEGER_MAX = 2 ** 53;

/** Items that are removed at once, and their hashes. */
const removedItems = new Int32Array(WARM_MAX);
const removedHashes = new Int32Array(WARM_MAX);
/** Copies of a leaf's items, and their scores. */
const copiedItems = new Int32Array(LEAF_CELLS);
const copiedScores = new Float64Array(LEAF_CELLS);

/** @returns the sorted sets of a keyspace */
export function zsetsOf(space: Keyspace): Zsets {
  space.valueTypes[TYPE_ZSET] ??= new Zsets(space);
  return space.valueTypes[TYPE_ZSET] as Zsets;
}

export class Zsets implements ValueType, ItemOrder, TabledType {
  readonly table: MemberTable;
  private readonly copies: ItemBatch;
  readonly trees: RankTree;
  /** For any walk that ends before something is written. */
  readonly cursor: ZsetCursor;
  readonly builder: ZsetBuilder;
  /** Score of the member that `find` found. */
  score = 0;
  /** Whether `remove` found the member. */
  wasRemoved = false;
  /** Members that are about to be set: a table that is made meanwhile has room for them, until `settle`. */
  private expected = 0;
  private readonly batch: ZsetBatch;
  /** Of the member that `find` was asked for in a table: its item, or 0, and its hash. */
  private found: Ref = 0;
  private foundHash = 0;
  private readonly space: Keyspace;
  private readonly member = new ListpackElement();
  private readonly element = new ListpackElement();
  private readonly string = new CountedString();
  private readonly memberWriter = new ElementWriter();
  private readonly scoreWriter = new ElementWriter();

  constructor(space: Keyspace) {
    this.space = space;
    this.table = new MemberTable(space);
    this.copies = new ItemBatch(space.arena, this.table);
    this.trees = new RankTree(space.arena, this);
    this.cursor = new ZsetCursor(space, this.trees);
    this.builder = new ZsetBuilder(space, this);
    this.batch = new ZsetBatch(space, this);
  }

  compare(item: Ref, bytes: Uint8Array, start: number, length: number): number {
    const view = this.space.arena.bytes[item >>> CHUNK_INDEX_SHIFT];
    this.string.read(view, (item & UNIT_MASK) << 3);
    return compareBytes(view, this.string.start, this.string.length, bytes, start, length);
  }

  /** @returns the order of two items' members */
  compareItems(item: Ref, other: Ref): number {
    const view = this.viewOf(other);
    this.string.read(view, (other & UNIT_MASK) << 3);
    return this.compare(item, view, this.string.start, this.string.length);
  }

  free(ref: Ref): void {
    if (this.isPacked(ref)) return;
    const control = this.space.entries.root(ref);
    this.releaseBlocks(this.tableOf(ref), this.treeOf(ref));
    this.space.arena.free(control);
  }

  /** Items are those of the table, from the highest score down, so that a skiplist is built at its head. */
  freeze(ref: Ref, read: ItemReader): FrozenValue | null {
    if (this.isPacked(ref)) return null;
    return this.table.freeze(this.tableOf(ref), read, new RankWalk(this.space, this.trees, this.treeOf(ref)));
  }

  duplicate(ref: Ref): void {
    if (this.isPacked(ref)) return;
    const { copies, cursor, trees } = this;
    const tree = this.treeOf(ref);
    const table = this.table.createFor(this.count(ref));
    const copy = trees.create();
    copies.begin(table);
    trees.seekRank(tree, 0);
    for (let { leaf } = trees; leaf !== 0; leaf = trees.nextLeaf(leaf)) {
      const count = trees.cellCount(leaf);
      for (let i = 0; i < count; i++) {
        const item = this.table.copyItem(trees.itemAt(leaf, i));
        cursor.readItem(item);
        copies.add(item, hashBytes(cursor.bytes, cursor.start, cursor.length));
        copiedItems[i] = item;
        copiedScores[i] = cursor.score;
      }
      trees.appendAll(copy, copiedScores, copiedItems, count);
    }
    copies.flush();
    this.setBlocks(ref, table, copy);
  }

  bytes(ref: Ref): number {
    if (this.isPacked(ref)) return 0;
    return CONTROL_BYTES + this.table.totalBytes(this.tableOf(ref)) + this.trees.bytesOf(this.treeOf(ref));
  }

  isPacked(ref: Ref): boolean {
    return this.space.entries.encoding(ref) === ZSET_LISTPACK;
  }

  /** @returns number of members */
  count(ref: Ref): number {
    const { entries } = this.space;
    if (this.isPacked(ref)) return listpackCount(entries.view(ref), entries.valueStart(ref)) >> 1;
    return this.table.count(this.tableOf(ref));
  }

  /** Finds a member; its score is then in `score`. @returns whether it is there */
  find(ref: Ref, bytes: Uint8Array, start: number, length: number): boolean {
    if (this.isPacked(ref)) return this.findPacked(ref, bytes, start, length) >= 0;
    this.foundHash = hashBytes(bytes, start, length);
    this.found = this.table.find(this.tableOf(ref), this.foundHash, bytes, start, length);
    if (this.found === 0) return false;
    this.readScore(this.found);
    return true;
  }

  /** @returns the rank of a member; its score is then in `score`. −1 if it is not there */
  rankOf(ref: Ref, bytes: Uint8Array, start: number, length: number): number {
    if (!this.isPacked(ref)) {
      if (!this.find(ref, bytes, start, length)) return -1;
      return this.trees.rankOf(this.treeOf(ref), this.score, this.found, bytes, start, length);
    }
    const at = this.findPacked(ref, bytes, start, length);
    if (at < 0) return -1;
    const { entries } = this.space;
    const view = entries.view(ref);
    let rank = 0;
    for (let pair = firstElement(entries.valueStart(ref)); pair < at; pair = skipElements(view, pair, 2)) rank++;
    return rank;
  }

  /**
   * To be called before a command sets several members, or removes them; `settle` is afterwards, and nothing that asks for ranks in between.
   * @param ref   0 if the set is not there yet
   * @param count how many members the command names
   */
  expect(ref: Ref, count: number): void {
    this.expected = count;
    if (ref === 0 || this.isPacked(ref)) return;
    this.batch.open(this.tableOf(ref), this.treeOf(ref), count);
    this.table.expectRemovals(this.tableOf(ref), count);
  }

  /** To be called when the members that were expected have come or gone, or were not to. */
  settle(ref: Ref): void {
    this.expected = 0;
    this.batch.close();
    this.table.settle();
    const table = this.itemTable(ref);
    if (table !== 0 && this.table.count(table) > 0) this.table.shrink(table);
  }

  /** Makes an empty set of a key that is not there, for the caller to fill at once. @param memberLength of the first member */
  create(db: Database, key: Uint8Array, start: number, length: number, memberLength: number): Ref {
    const { entries, packing } = this.space;
    if (packing.zsetListpackEntries < 1 || memberLength > packing.zsetListpackValueBytes) {
      const table = this.table.createFor(this.expected);
      const tree = this.trees.create();
      this.batch.open(table, tree, this.expected);
      return this.createTree(db, key, start, length, 0, table, tree);
    }
    const ref = db.add(key, start, length, TYPE_ZSET, ZSET_LISTPACK, LISTPACK_EMPTY_BYTES, 0);
    initListpack(entries.view(ref), entries.valueStart(ref));
    return ref;
  }

  /** Makes a set of table and tree of a key that is not there. */
  createTree(
    db: Database,
    key: Uint8Array,
    start: number,
    length: number,
    expireAtMs: number,
    table: Ref,
    tree: Ref,
  ): Ref {
    const ref = db.add(key, start, length, TYPE_ZSET, ZSET_SKIPLIST, ROOT_BYTES, expireAtMs);
    this.setBlocks(ref, table, tree);
    return ref;
  }

  /**
   * Gives the member that `find` was asked for last, of this very set, a score: it may be there or not. The bytes must not lie in the set itself.
   * @returns the entry
   */
  set(db: Database, ref: Ref, bytes: Uint8Array, start: number, length: number, score: number): Ref {
    if (this.isPacked(ref)) {
      const at = this.findPacked(ref, bytes, start, length);
      let entry = ref;
      if (at >= 0) {
        entry = this.removePair(db, ref, at);
      } else {
        const { packing } = this.space;
        if (this.count(ref) >= packing.zsetListpackEntries || length > packing.zsetListpackValueBytes) {
          entry = this.convert(db, ref);
          this.find(entry, bytes, start, length);
          return this.set(db, entry, bytes, start, length, score);
        }
      }
      return this.insertPair(db, entry, bytes, start, length, score);
    }
    if (this.space.isGuarded) {
      db.beforeWrite(ref);
      // The guard may have looked for something, too.
      this.find(ref, bytes, start, length);
    }
    if (this.found === 0) this.addItem(ref, bytes, start, length, score);
    else this.changeItem(ref, this.found, bytes, start, length, score);
    return ref;
  }

  private addItem(ref: Ref, bytes: Uint8Array, start: number, length: number, score: number): void {
    const table = this.tableOf(ref);
    const item = this.createItem(bytes, start, length, score);
    this.table.insertMissing(table, this.foundHash, item);
    this.table.exempt(table, item);
    if (this.batch.defersNew) this.batch.add(item, score);
    else this.trees.insert(this.treeOf(ref), score, item, bytes, start, length);
  }

  private changeItem(ref: Ref, item: Ref, bytes: Uint8Array, start: number, length: number, score: number): void {
    if (this.batch.isOpen) return this.batch.change(item, score);
    const table = this.tableOf(ref);
    this.table.preserve(table, item);
    this.readScore(item);
    writeDouble(this.viewOf(item), this.string.end, score);
    this.trees.rescore(this.treeOf(ref), this.score, score, item, bytes, start, length);
    this.table.exempt(table, item);
  }

  itemTable(ref: Ref): Ref {
    return this.isPacked(ref) ? 0 : this.tableOf(ref);
  }

  /** Removes a member. @returns the entry; `wasRemoved` tells whether there was one */
  remove(db: Database, ref: Ref, bytes: Uint8Array, start: number, length: number): Ref {
    this.wasRemoved = false;
    if (this.isPacked(ref)) {
      const at = this.findPacked(ref, bytes, start, length);
      if (at < 0) return ref;
      this.wasRemoved = true;
      return this.removePair(db, ref, at);
    }
    const table = this.tableOf(ref);
    const item = this.table.find(table, hashBytes(bytes, start, length), bytes, start, length);
    if (item === 0) return ref;
    this.wasRemoved = true;
    db.beforeWrite(ref);
    this.table.preserve(table, item);
    if (this.batch.isOpen) {
      this.batch.remove(item);
      this.table.removeFound(table);
      return ref;
    }
    this.readScore(item);
    this.trees.remove(this.treeOf(ref), this.score, item, bytes, start, length);
    this.table.removeFound(table);
    this.space.arena.free(item);
    return ref;
  }

  /** Removes `count` members from rank `rank` on; they are there. @returns the entry */
  removeRange(db: Database, ref: Ref, rank: number, count: number): Ref {
    const { entries } = this.space;
    if (this.isPacked(ref)) {
      const view = entries.view(ref);
      const base = entries.valueStart(ref);
      const from = elementAt(view, base, rank * 2);
      const removed = skipElements(view, from, count * 2) - from;
      db.beforeWrite(ref);
      splice(view, base, from, removed, 0, -2 * count);
      return db.resizeValue(ref, entries.valueLength(ref) - removed);
    }
    db.beforeWrite(ref);
    const table = this.tableOf(ref);
    const tree = this.treeOf(ref);
    for (let rest = count; rest > 0; ) {
      const removed = this.trees.removeFrom(tree, rank, Math.min(rest, WARM_MAX), removedItems);
      for (let i = 0; i < removed; i++) removedHashes[i] = this.table.hashOfItem(removedItems[i]);
      for (let i = 0; i < removed; i++) this.table.preserve(table, removedItems[i]);
      this.table.removeAll(table, removedHashes, removedItems, removed);
      for (let i = 0; i < removed; i++) this.space.arena.free(removedItems[i]);
      rest -= removed;
    }
    return ref;
  }

  /**
   * Takes the first or the last member out of a set that is not packed and has others.
   * @returns its item, for `cursor.readItem`; the caller gives it back by `freeItem`
   */
  takeEnd(db: Database, ref: Ref, isLast: boolean): Ref {
    db.beforeWrite(ref);
    const { table, trees } = this;
    const tree = this.treeOf(ref);
    const item = trees.removeAt(tree, isLast ? trees.count(tree) - 1 : 0);
    const members = this.tableOf(ref);
    table.preserve(members, item);
    table.remove(members, table.hashOfItem(item), item);
    return item;
  }

  freeItem(item: Ref): void {
    this.space.arena.free(item);
  }

  /** @returns number of members with a score below `score`, or not above it: where a range of scores begins or ends */
  countByScore(ref: Ref, score: number, isUpTo: boolean): number {
    if (!this.isPacked(ref)) return this.trees.countByScore(this.treeOf(ref), score, isUpTo);
    const { cursor } = this;
    const count = this.count(ref);
    cursor.seek(ref, 0, 0);
    let rank = 0;
    while (rank < count && (isUpTo ? cursor.score <= score : cursor.score < score)) {
      rank++;
      if (!cursor.next()) break;
    }
    return rank;
  }

  /** @returns number of members before the bytes, or not behind them, in a set where all scores are equal */
  countByMember(ref: Ref, bytes: Uint8Array, start: number, length: number, isUpTo: boolean): number {
    if (!this.isPacked(ref)) return this.trees.countByMember(this.treeOf(ref), bytes, start, length, isUpTo);
    const { cursor } = this;
    const count = this.count(ref);
    cursor.seek(ref, 0, 0);
    let rank = 0;
    while (rank < count) {
      const order = compareBytes(cursor.bytes, cursor.start, cursor.length, bytes, start, length);
      if (isUpTo ? order > 0 : order >= 0) break;
      rank++;
      if (!cursor.next()) break;
    }
    return rank;
  }

  /** Goes to the member of rank `rank`, 0 to below the count. */
  seek(ref: Ref, rank: number, cursor: ZsetCursor): void {
    cursor.seek(ref, this.isPacked(ref) ? 0 : this.treeOf(ref), rank);
  }

  /** Places the cursor before the first member. */
  begin(ref: Ref, cursor: ZsetCursor): void {
    cursor.begin(ref, this.isPacked(ref) ? 0 : this.treeOf(ref));
  }

  /** Continues the digest with all members. */
  digest(ref: Ref, digest: Digest): void {
    const { cursor } = this;
    const pair = new Digest();
    this.seek(ref, 0, cursor);
    do {
      const score = Buffer.from(formatDouble(cursor.score), 'latin1');
      pair.clear();
      pair.mix(cursor.bytes, cursor.start, cursor.length);
      pair.mix(score, 0, score.length);
      digest.addDigest(pair);
    } while (cursor.next());
  }

  /** @returns the table of a set that is not packed */
  tableOf(ref: Ref): Ref {
    const control = this.space.entries.root(ref);
    return this.space.arena.words[control >>> CHUNK_INDEX_SHIFT][(control & UNIT_MASK) << 1];
  }

  /** @returns the tree of a set that is not packed */
  treeOf(ref: Ref): Ref {
    const control = this.space.entries.root(ref);
    return this.space.arena.words[control >>> CHUNK_INDEX_SHIFT][((control & UNIT_MASK) << 1) + 1];
  }

  /** Frees table, tree and items, which nothing refers to any more: many of them not now, but in slices. */
  releaseBlocks(table: Ref, tree: Ref): void {
    if (this.table.freeWhenRead(table, () => this.releaseBlocks(table, tree))) return;
    const { trees } = this;
    const isLarge = trees.count(tree) > FREED_AT_ONCE_MAX;
    let leaf = trees.dissolve(tree);
    this.table.release(table);
    const remains = {
      freeSome(): boolean {
        for (let i = 0; i < LEAVES_PER_PART && leaf !== 0; i++) leaf = trees.dropLeaf(leaf);
        return leaf !== 0;
      },
    };
    if (isLarge) this.space.reaper.addRemains(remains);
    else while (remains.freeSome());
  }

  /** @returns a block with the item, in no table yet */
  createItem(bytes: Uint8Array, start: number, length: number, score: number): Ref {
    const item = this.space.arena.allocate(countedBytes(length) + SCORE_BYTES);
    const view = this.viewOf(item);
    writeDouble(view, writeCounted(view, (item & UNIT_MASK) << 3, bytes, start, length), score);
    return item;
  }

  /** Encodes a pair for a listpack. @returns bytes that it takes */
  encodePair(bytes: Uint8Array, start: number, length: number, score: number): number {
    if (Math.abs(score) <= INTEGER_MAX && Number.isInteger(score)) {
      const high = Math.floor(score / 4294967296);
      this.scoreWriter.encodeInteger(high, (score - high * 4294967296) | 0);
    } else {
      const text = Buffer.from(formatDouble(score), 'latin1');
      this.scoreWriter.encode(text, 0, text.length);
    }
    return this.memberWriter.encode(bytes, start, length) + this.scoreWriter.byteCount;
  }

  /** Writes the encoded pair. @returns the offset after it */
  writePair(target: Uint8Array, at: number): number {
    return this.scoreWriter.write(target, this.memberWriter.write(target, at));
  }

  /** Turns a packed set into table and tree. @returns the entry */
  private convert(db: Database, ref: Ref): Ref {
    const { cursor, trees } = this;
    db.beforeWrite(ref);
    const table = this.table.createFor(this.expected);
    const tree = trees.create();
    if (this.count(ref) > 0) {
      cursor.seek(ref, 0, 0);
      do {
        const item = this.createItem(cursor.bytes, cursor.start, cursor.length, cursor.score);
        this.table.insert(table, hashBytes(cursor.bytes, cursor.start, cursor.length), item);
        trees.append(tree, cursor.score, item);
      } while (cursor.next());
    }
    const entry = db.resizeValue(ref, ROOT_BYTES);
    this.space.entries.setEncoding(entry, ZSET_SKIPLIST);
    this.setBlocks(entry, table, tree);
    this.batch.open(table, tree, this.expected);
    return entry;
  }

  private setBlocks(ref: Ref, table: Ref, tree: Ref): void {
    const { arena, entries } = this.space;
    const control = arena.allocate(CONTROL_BYTES);
    const words = arena.words[control >>> CHUNK_INDEX_SHIFT];
    const base = (control & UNIT_MASK) << 1;
    words[base] = table;
    words[base + 1] = tree;
    entries.setRoot(ref, control);
  }

  /** @returns where the member's pair is, −1 if it is not there; its score is then in `score` */
  private findPacked(ref: Ref, bytes: Uint8Array, start: number, length: number): number {
    const { entries } = this.space;
    const view = entries.view(ref);
    const at = findElement(view, firstElement(entries.valueStart(ref)), 2, bytes, start, length);
    if (at < 0) return -1;
    this.element.read(view, nextElement(view, at));
    this.score = scoreOf(this.element);
    return at;
  }

  private removePair(db: Database, ref: Ref, at: number): Ref {
    const { entries } = this.space;
    const view = entries.view(ref);
    const removed = skipElements(view, at, 2) - at;
    db.beforeWrite(ref);
    splice(view, entries.valueStart(ref), at, removed, 0, -2);
    return db.resizeValue(ref, entries.valueLength(ref) - removed);
  }

  private insertPair(db: Database, ref: Ref, bytes: Uint8Array, start: number, length: number, score: number): Ref {
    const { entries } = this.space;
    const view = entries.view(ref);
    const base = entries.valueStart(ref);
    let at = firstElement(base);
    while (!isListpackEnd(view, at)) {
      const scoreAt = nextElement(view, at);
      this.element.read(view, scoreAt);
      const other = scoreOf(this.element);
      if (other > score) break;
      if (other === score) {
        this.member.read(view, at);
        const { member } = this;
        if (compareBytes(member.bytes, member.start, member.length, bytes, start, length) > 0) break;
      }
      at = this.element.next;
    }
    const offset = at - base;
    const addedBytes = this.encodePair(bytes, start, length, score);
    const entry = db.resizeValue(ref, entries.valueLength(ref) + addedBytes);
    const entryView = entries.view(entry);
    const entryBase = entries.valueStart(entry);
    splice(entryView, entryBase, entryBase + offset, 0, addedBytes, 2);
    this.writePair(entryView, entryBase + offset);
    return entry;
  }

  /** Reads an item's score into `score`; `string.end` is then where it is in the item's view. */
  private readScore(item: Ref): void {
    const view = this.viewOf(item);
    this.string.read(view, (item & UNIT_MASK) << 3);
    this.score = readDouble(view, this.string.end);
    if (Number.isNaN(this.score)) this.score = this.batch.scoreOf(item);
  }

  private viewOf(item: Ref): Uint8Array {
    return this.space.arena.bytes[item >>> CHUNK_INDEX_SHIFT];
  }
}

valueDigests[TYPE_ZSET] = (space, ref, digest) => zsetsOf(space).digest(ref, digest);
