/**
 * Many members of one sorted set, set or removed by one command: table and items change at once, the tree at the end and as a whole. The elements of
 * members that went or have another score are swept out of it in one walk over its leaves; what comes is put in order first. So nothing is looked for in the
 * tree (all of 10,000 members: ZREM, and ZADD with other scores, take half of the time).
 *
 *   open … add, change … close    or    open … remove … close
 *
 * Invariants, from `open` to `close`: (1) the table has the members of the set; (2) an item with a mark in the place of its score was removed, or has
 * `scores[number]`; (3) nobody asks the tree for anything, though new members may be inserted in it; (4) all is one set's.
 *
 *   mark = | number : u32 | MARK |  a NaN, which no score is
 */
import type { Keyspace } from '../keyspace/keyspace.js';
import { CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../memory/arena.js';
import { writeDouble } from '../memory/double-bytes.js';
import { readInt32, writeInt32 } from '../memory/int32-bytes.js';
import type { RankTree, Sweeper } from '../memory/rank-tree.js';
import { CountedString } from './counted-keys.js';
import type { MemberTable } from './member-table.js';
import { ScoredItems } from './scored-items.js';
import type { Zsets } from './zset.js';

const MARK = 0x7ff80001;
/** Numbers of items that were removed, and of those without a mark. */
const REMOVED = -1;
const UNMARKED = -2;
/** Fewer members are looked for one by one. */
const MEMBERS_MIN = 64;
/** Elements that may be walked over for each member that is named: it takes no longer than to look for that one. */
const WALKED_MAX = 3;

export class ZsetBatch implements Sweeper {
  isOpen = false;
  /** New members are to be told by `add`, the others by `change`; else only those, and the new ones belong into the tree at once. */
  defersNew = false;
  private table: Ref = 0;
  private tree: Ref = 0;
  /** The members that are to be inserted in the tree, by number. */
  private readonly members = new ScoredItems();
  /** Elements of the tree whose items have a mark. */
  private staleCount = 0;
  /** Whether all have: then their marks need not be read. */
  private takesAll = false;
  private readonly space: Keyspace;
  private readonly zsets: Zsets;
  private readonly tables: MemberTable;
  private readonly trees: RankTree;
  private readonly string = new CountedString();

  constructor(space: Keyspace, zsets: Zsets) {
    this.space = space;
    this.zsets = zsets;
    this.tables = zsets.table;
    this.trees = zsets.trees;
  }

  /** Begins, if it is worth it for `memberCount` members. */
  open(table: Ref, tree: Ref, memberCount: number): void {
    const elementCount = this.trees.count(tree);
    if (memberCount < MEMBERS_MIN || memberCount * WALKED_MAX < elementCount) return;
    this.isOpen = true;
    this.defersNew = elementCount * WALKED_MAX < memberCount;
    this.table = table;
    this.tree = tree;
    this.staleCount = 0;
  }

  /** Gives an item a score that is not in the tree. */
  add(item: Ref, score: number): void {
    this.mark(item, this.members.count);
    this.members.push(item, score);
  }

  /** Gives an item of the set another score. */
  change(item: Ref, score: number): void {
    const number = this.numberOf(item);
    if (number !== UNMARKED) {
      this.members.scores[number] = score;
      return;
    }
    this.tables.preserve(this.table, item);
    this.staleCount++;
    this.add(item, score);
  }

  /** @returns the score of an item with a mark */
  scoreOf(item: Ref): number {
    return this.members.scores[this.numberOf(item)];
  }

  /** Takes an item that is to be taken out of the table: it is ours to free. */
  remove(item: Ref): void {
    this.staleCount++;
    this.mark(item, REMOVED);
  }

  /** Brings the tree up to date, if the batch is open. */
  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.defersNew = false;
    this.takesAll = this.staleCount === this.trees.count(this.tree);
    if (this.staleCount > 0) this.trees.sweep(this.tree, this);
    if (this.members.count > 0) this.insertAll();
    this.members.clear();
  }

  takes(item: Ref): boolean {
    if (!this.takesAll && this.numberOf(item) === UNMARKED) return false;
    // Either members are removed, or given scores.
    if (this.members.count === 0) this.space.arena.free(item);
    return true;
  }

  private insertAll(): void {
    const { members, string, table, tree, trees } = this;
    const { count } = members;
    for (let i = 0; i < count; i++) {
      const view = this.read(members.items[i]);
      writeDouble(view, string.end, members.scores[i]);
    }
    members.sort((item, other) => this.zsets.compareItems(item, other));
    const { items, scores } = members;
    // Behind the last element all others follow.
    let isBehind = trees.count(tree) === 0;
    let inserted = 0;
    for (; inserted < count && !isBehind; inserted++) {
      const view = this.read(items[inserted]);
      isBehind = trees.insert(tree, scores[inserted], items[inserted], view, string.start, string.length);
    }
    trees.appendAll(tree, scores.subarray(inserted), items.subarray(inserted), count - inserted);
    for (let i = 0; i < count; i++) this.tables.exempt(table, items[i]);
  }

  private mark(item: Ref, number: number): void {
    const view = this.read(item);
    writeInt32(view, writeInt32(view, this.string.end, number), MARK);
  }

  /** @returns the number in an item's mark; UNMARKED if it has none */
  private numberOf(item: Ref): number {
    const view = this.read(item);
    const { end } = this.string;
    return readInt32(view, end + 4) === MARK ? readInt32(view, end) : UNMARKED;
  }

  /** Finds the member of an item, and behind it the score: in `string`. @returns its view */
  private read(item: Ref): Uint8Array {
    const view = this.space.arena.bytes[item >>> CHUNK_INDEX_SHIFT];
    this.string.read(view, (item & UNIT_MASK) << 3);
    return view;
  }
}
