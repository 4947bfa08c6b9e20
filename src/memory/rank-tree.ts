/**
 * RankTree: a counted B+tree over (score, member): insert, remove, rank, n-th element and partition points by score or member, all in O(log n).
 *
 *   control block = | root | height, 0 = the root is a leaf | element count | – |
 *   leaf (760 bytes)   = | cell count | next leaf | previous leaf | – | 62 cells of | score high | score low | item ref |
 *   branch (764 bytes) = | cell count | 38 cells of | child ref | elements below it | score high | score low | item ref |  the last three: its first element
 *
 * A score is kept as two int32 that compare as the double does (score-key.ts), so that most steps of a search touch no item. What an item is only
 * `ItemOrder` knows; items with equal scores are in its order. Bytes per element: 12 / fill, and 3 % for branches: 12 in a tree built in order (a full
 * leaf at either end is left full), some 17 at random.
 *
 * Invariants: (1) the cells of a branch have the exact count and first element of their child; (2) leaves are linked in order; (3) no node but a
 * root leaf is empty; a node that has lost elements, and more than half of them is free, merges with a neighbour if one of the two has less than a quarter
 * of its cells; (4) a place found is valid until the next change of the tree.
 */
import { type Arena, CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from './arena.js';
import { BranchChain } from './branch-chain.js';
import { scoreKey, scoreOfKey, setScoreKey } from './score-key.js';
import { closeCell, moveCells, openCell, shouldMerge } from './tree-cells.js';

export interface ItemOrder {
  /** @returns negative, 0 or positive: the item's member compared with the bytes */
  compare(item: Ref, bytes: Uint8Array, start: number, length: number): number;
}

/** Who goes over the elements of a tree to take some of them out. */
export interface Sweeper {
  /** @returns whether the element of the item is to go; the item is the sweeper's own affair */
  takes(item: Ref): boolean;
}

const ROOT = 0;
const HEIGHT = 1;
const COUNT = 2;
const CONTROL_BYTES = 16;

const LEAF_NEXT = 1;
const LEAF_PREVIOUS = 2;
const LEAF_HEADER = 4;
const LEAF_CELL = 3;
export const LEAF_CELLS = 62;
const LEAF_BYTES = (LEAF_HEADER + LEAF_CELLS * LEAF_CELL) * 4;

const BRANCH_HEADER = 1;
const BRANCH_CELL = 5;
const BRANCH_CELLS = 38;
const BRANCH_BYTES = (BRANCH_HEADER + BRANCH_CELLS * BRANCH_CELL) * 4;
const CHILD = 0;
const SIZE = 1;
/** Where a branch's cell has the same three words as a leaf's. */
const FIRST_ELEMENT = 2;

/** Of trees whose leaves are in no cache: 60,000 elements and more. */
const FAR_HEIGHT = 3;
const CACHE_LINE_WORDS = 16;

/** 38^7 leaves are more than the arena can hold. */
const HEIGHT_MAX = 8;

/** Where a bound lies: before the first element for which this does not hold. */
const MEMBER_BELOW = 0;
const MEMBER_UPTO = 1;
const SCORE_BELOW = 2;
const SCORE_UPTO = 3;
const LEX_BELOW = 4;
const LEX_UPTO = 5;

export class RankTree {
  /** The place that the last search found: a leaf and a cell in it, which may be one behind the last. */
  leaf: Ref = 0;
  index = 0;
  private readonly arena: Arena;
  private readonly words: Int32Array[];
  private readonly order: ItemOrder;
  private readonly branches: BranchChain;
  /** The branches that lead to `leaf`, by level (1 = above the leaf), and the cells taken. */
  private readonly pathNode = new Int32Array(HEIGHT_MAX + 1);
  private readonly pathIndex = new Int32Array(HEIGHT_MAX + 1);
  /** The bound being searched for. */
  private kind = MEMBER_BELOW;
  private high = 0;
  private low = 0;
  private item: Ref = 0;
  private bytes: Uint8Array = new Uint8Array(0);
  private start = 0;
  private length = 0;
  /** What was read ahead, so that the compiler cannot leave the reads out. */
  warmed = 0;

  constructor(arena: Arena, order: ItemOrder) {
    this.arena = arena;
    this.words = arena.words;
    this.order = order;
    this.branches = new BranchChain(arena, BRANCH_HEADER + CHILD, BRANCH_CELL);
  }

  create(): Ref {
    const tree = this.arena.allocate(CONTROL_BYTES);
    this.set(tree, ROOT, this.createLeaf());
    this.set(tree, HEIGHT, 0);
    this.set(tree, COUNT, 0);
    return tree;
  }

  /** @returns number of elements */
  count(tree: Ref): number {
    return this.get(tree, COUNT);
  }

  /** Takes the tree apart; the caller frees its blocks by `dropLeaf`, the items are the caller's. @returns the first block */
  dissolve(tree: Ref): Ref {
    const root = this.get(tree, ROOT);
    const height = this.get(tree, HEIGHT);
    this.arena.free(tree);
    return height === 0 ? root : this.branches.begin(root, height);
  }

  /** Frees a leaf of a dissolved tree, or another block of it. @returns the next one, or 0 */
  dropLeaf(leaf: Ref): Ref {
    if (this.branches.isBranch(leaf)) return this.branches.drop(leaf);
    const next = this.get(leaf, LEAF_NEXT);
    this.arena.free(leaf);
    return next;
  }

  /** @returns bytes of the tree's blocks, estimated from its leaves */
  bytesOf(tree: Ref): number {
    let leaves = 0;
    this.seekRank(tree, 0);
    for (let leaf = this.leaf; leaf !== 0; leaf = this.get(leaf, LEAF_NEXT)) leaves++;
    const nodeBytes = this.arena.blockBytes(this.leaf);
    return CONTROL_BYTES + nodeBytes * Math.round(leaves * (1 + 2 / BRANCH_CELLS));
  }

  /** Adds an element that is not there. The member's bytes are those of the item. @returns whether it is behind all others */
  insert(tree: Ref, score: number, item: Ref, bytes: Uint8Array, start: number, length: number): boolean {
    this.bindMember(score, item, bytes, start, length);
    this.descend(tree);
    const isLast = this.index === this.cellCount(this.leaf) && this.nextLeaf(this.leaf) === 0;
    this.insertHere(tree, item);
    return isLast;
  }

  /** Adds an element behind all others. */
  append(tree: Ref, score: number, item: Ref): void {
    this.bindScore(score, true);
    this.seekEnd(tree);
    this.insertHere(tree, item);
  }

  /** Adds elements that are in order behind all others, a leaf at a time: numbers 0 to before `count`. */
  appendAll(tree: Ref, scores: Float64Array, items: Int32Array, count: number): void {
    for (let i = 0; i < count; ) {
      this.append(tree, scores[i], items[i++]);
      this.seekEnd(tree);
      const added = Math.min(LEAF_CELLS - this.index, count - i);
      const words = this.words[this.leaf >>> CHUNK_INDEX_SHIFT];
      const base = (this.leaf & UNIT_MASK) << 1;
      let at = base + LEAF_HEADER + this.index * LEAF_CELL;
      for (const end = i + added; i < end; at += LEAF_CELL) {
        setScoreKey(scores[i]);
        words[at] = scoreKey.high;
        words[at + 1] = scoreKey.low;
        words[at + 2] = items[i++];
      }
      words[base] += added;
      this.tellGain(tree, added);
    }
  }

  /** Removes an element that is there. */
  remove(tree: Ref, score: number, item: Ref, bytes: Uint8Array, start: number, length: number): void {
    this.bindMember(score, item, bytes, start, length);
    this.descend(tree);
    this.index--;
    this.removeHere(tree);
  }

  /** Removes all elements that the sweeper takes, in one walk over the leaves. O(n), and no item is compared. */
  sweep(tree: Ref, sweeper: Sweeper): void {
    for (let rank = 0; rank < this.count(tree); ) {
      this.seekRank(tree, rank);
      const removed = this.sweepLeaf(sweeper);
      rank += this.cellCount(this.leaf) - this.index;
      if (removed > 0) this.tellLoss(tree, removed);
    }
  }

  /** Removes those of the elements from the place on that are in its leaf. @returns how many */
  private sweepLeaf(sweeper: Sweeper): number {
    const words = this.words[this.leaf >>> CHUNK_INDEX_SHIFT];
    const base = (this.leaf & UNIT_MASK) << 1;
    const end = base + LEAF_HEADER + words[base] * LEAF_CELL;
    let kept = base + LEAF_HEADER + this.index * LEAF_CELL;
    for (let at = kept; at < end; at += LEAF_CELL) {
      if (sweeper.takes(words[at + 2])) continue;
      words[kept] = words[at];
      words[kept + 1] = words[at + 1];
      words[kept + 2] = words[at + 2];
      kept += LEAF_CELL;
    }
    const removed = (end - kept) / LEAF_CELL;
    words[base] -= removed;
    return removed;
  }

  /** Gives an element that is there another score. */
  rescore(tree: Ref, old: number, score: number, item: Ref, bytes: Uint8Array, start: number, length: number): void {
    this.bindMember(old, item, bytes, start, length);
    this.descend(tree);
    this.index--;
    this.bindMember(score, item, bytes, start, length);
    if (this.fitsBetweenNeighbours()) {
      const words = this.words[this.leaf >>> CHUNK_INDEX_SHIFT];
      const at = ((this.leaf & UNIT_MASK) << 1) + LEAF_HEADER + this.index * LEAF_CELL;
      words[at] = this.high;
      words[at + 1] = this.low;
      return;
    }
    this.removeHere(tree);
    this.descend(tree);
    this.insertHere(tree, item);
  }

  /** Whether the element at the place may become the bound where it is. At the edge of its leaf it does not: other nodes would have to be asked, or told. */
  private fitsBetweenNeighbours(): boolean {
    const words = this.words[this.leaf >>> CHUNK_INDEX_SHIFT];
    const base = (this.leaf & UNIT_MASK) << 1;
    if (this.index === 0 || this.index + 1 >= words[base]) return false;
    const at = base + LEAF_HEADER + this.index * LEAF_CELL;
    return this.isBefore(words, at - LEAF_CELL) && !this.isBefore(words, at + LEAF_CELL);
  }

  /**
   * Removes elements from `rank` on, of which there is one: up to `countMax`, but no more than lie in one leaf.
   * @param items gets their items, the rest of it means nothing
   * @returns how many
   */
  removeFrom(tree: Ref, rank: number, countMax: number, items: Int32Array): number {
    this.seekRank(tree, rank);
    const count = Math.min(countMax, this.cellCount(this.leaf) - this.index);
    for (let i = 0; i < count; i++) items[i] = this.itemAt(this.leaf, this.index + i);
    this.removeHere(tree, count);
    return count;
  }

  /** Removes element `rank`. @returns its item */
  removeAt(tree: Ref, rank: number): Ref {
    this.seekRank(tree, rank);
    const item = this.itemAt(this.leaf, this.index);
    this.removeHere(tree);
    return item;
  }

  /** @returns how many elements are before one that is there */
  rankOf(tree: Ref, score: number, item: Ref, bytes: Uint8Array, start: number, length: number): number {
    this.bindMember(score, item, bytes, start, length);
    return this.rankOfBound(tree) - 1;
  }

  /** @returns how many elements are before (score, member), which may be there or not */
  countBefore(tree: Ref, score: number, bytes: Uint8Array, start: number, length: number): number {
    this.bindMember(score, 0, bytes, start, length);
    this.kind = MEMBER_BELOW;
    return this.rankOfBound(tree);
  }

  /** @returns number of elements with a score below `score`, or not above it */
  countByScore(tree: Ref, score: number, isUpTo: boolean): number {
    this.bindScore(score, isUpTo);
    return this.rankOfBound(tree);
  }

  /** @returns number of elements with a member before the bytes, or not behind them; all scores are equal */
  countByMember(tree: Ref, bytes: Uint8Array, start: number, length: number, isUpTo: boolean): number {
    this.bindMember(0, 0, bytes, start, length);
    this.kind = isUpTo ? LEX_UPTO : LEX_BELOW;
    return this.rankOfBound(tree);
  }

  /** Finds element `rank`, 0 to below the count: it is at `leaf` and `index`. */
  seekRank(tree: Ref, rank: number): void {
    let node = this.get(tree, ROOT);
    let rest = rank;
    for (let level = this.get(tree, HEIGHT); level > 0; level--) {
      const words = this.words[node >>> CHUNK_INDEX_SHIFT];
      const base = (node & UNIT_MASK) << 1;
      let cell = 0;
      let at = base + BRANCH_HEADER;
      while (rest >= words[at + SIZE] && cell < words[base] - 1) {
        rest -= words[at + SIZE];
        cell++;
        at += BRANCH_CELL;
      }
      this.pathNode[level] = node;
      this.pathIndex[level] = cell;
      node = words[at + CHILD];
    }
    this.leaf = node;
    this.index = rest;
  }

  itemAt(leaf: Ref, index: number): Ref {
    return this.get(leaf, LEAF_HEADER + index * LEAF_CELL + 2);
  }

  /** @returns the score, without a look at the item; 0 for −0 */
  scoreAt(leaf: Ref, index: number): number {
    const words = this.words[leaf >>> CHUNK_INDEX_SHIFT];
    const at = ((leaf & UNIT_MASK) << 1) + LEAF_HEADER + index * LEAF_CELL;
    return scoreOfKey(words[at], words[at + 1]);
  }

  cellCount(leaf: Ref): number {
    return this.get(leaf, 0);
  }

  nextLeaf(leaf: Ref): Ref {
    return this.get(leaf, LEAF_NEXT);
  }

  previousLeaf(leaf: Ref): Ref {
    return this.get(leaf, LEAF_PREVIOUS);
  }

  /** @param item the one that has the member, if it may be there; else 0 */
  private bindMember(score: number, item: Ref, bytes: Uint8Array, start: number, length: number): void {
    setScoreKey(score);
    this.item = item;
    this.kind = MEMBER_UPTO;
    this.high = scoreKey.high;
    this.low = scoreKey.low;
    this.bytes = bytes;
    this.start = start;
    this.length = length;
  }

  private bindScore(score: number, isUpTo: boolean): void {
    setScoreKey(score);
    this.kind = isUpTo ? SCORE_UPTO : SCORE_BELOW;
    this.high = scoreKey.high;
    this.low = scoreKey.low;
  }

  /** Whether the element whose three words are at `at` lies before the bound. */
  private isBefore(words: Int32Array, at: number): boolean {
    if (this.kind >= LEX_BELOW) {
      const order = this.order.compare(words[at + 2], this.bytes, this.start, this.length);
      return this.kind === LEX_UPTO ? order <= 0 : order < 0;
    }
    if (words[at] !== this.high) return words[at] < this.high;
    if (words[at + 1] !== this.low) return words[at + 1] < this.low;
    if (this.kind > MEMBER_UPTO) return this.kind === SCORE_UPTO;
    if (words[at + 2] === this.item) return this.kind === MEMBER_UPTO;
    const order = this.order.compare(words[at + 2], this.bytes, this.start, this.length);
    return this.kind === MEMBER_UPTO ? order <= 0 : order < 0;
  }

  /** Finds the bound: `leaf` and `index` are behind the last element before it. */
  private descend(tree: Ref): void {
    let node = this.get(tree, ROOT);
    for (let level = this.get(tree, HEIGHT); level > 0; level--) {
      const words = this.words[node >>> CHUNK_INDEX_SHIFT];
      const base = (node & UNIT_MASK) << 1;
      const before = this.cellsBefore(words, words[base], base + BRANCH_HEADER + FIRST_ELEMENT, BRANCH_CELL);
      const cell = before === 0 ? 0 : before - 1;
      this.pathNode[level] = node;
      this.pathIndex[level] = cell;
      node = words[base + BRANCH_HEADER + cell * BRANCH_CELL + CHILD];
    }
    const words = this.words[node >>> CHUNK_INDEX_SHIFT];
    const base = (node & UNIT_MASK) << 1;
    if (this.get(tree, HEIGHT) >= FAR_HEIGHT) this.touchLeaf(words, base);
    this.leaf = node;
    this.index = this.cellsBefore(words, words[base], base + LEAF_HEADER, LEAF_CELL);
  }

  /** Has all cache lines of a leaf brought at once, where a search would wait for one after the other (a million elements: 11 % of a search). */
  private touchLeaf(words: Int32Array, base: number): void {
    let sum = 0;
    for (let word = 0; word < LEAF_BYTES >> 2; word += CACHE_LINE_WORDS) sum ^= words[base + word];
    this.warmed = sum;
  }

  /** Finds the bound as `descend` does. @returns number of elements before it */
  private rankOfBound(tree: Ref): number {
    this.descend(tree);
    let rank = this.index;
    for (let level = this.get(tree, HEIGHT); level > 0; level--) {
      const node = this.pathNode[level];
      const words = this.words[node >>> CHUNK_INDEX_SHIFT];
      const first = ((node & UNIT_MASK) << 1) + BRANCH_HEADER + SIZE;
      const end = first + this.pathIndex[level] * BRANCH_CELL;
      for (let at = first; at < end; at += BRANCH_CELL) rank += words[at];
    }
    return rank;
  }

  /** Goes behind the last element. */
  private seekEnd(tree: Ref): void {
    let node = this.get(tree, ROOT);
    for (let level = this.get(tree, HEIGHT); level > 0; level--) {
      const last = this.cellCount(node) - 1;
      this.pathNode[level] = node;
      this.pathIndex[level] = last;
      node = this.get(node, BRANCH_HEADER + last * BRANCH_CELL + CHILD);
    }
    this.leaf = node;
    this.index = this.cellCount(node);
  }

  /**
   * @param first the first of the three words of a node's first element
   * @returns number of cells of the node whose element is before the bound
   */
  private cellsBefore(words: Int32Array, count: number, first: number, cellWords: number): number {
    let from = 0;
    let to = count;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.isBefore(words, first + middle * cellWords)) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  private insertHere(tree: Ref, item: Ref): void {
    const { high, low } = this;
    let node = this.leaf;
    let added: Ref = 0;
    let target = node;
    let index = this.index;
    const count = this.cellCount(node);
    if (count === LEAF_CELLS) {
      // At either end of the tree the full leaf stays as it is, so that elements that come in order fill the leaves.
      const isLast = index === count && this.nextLeaf(node) === 0;
      const isFirst = index === 0 && this.previousLeaf(node) === 0;
      const at = isLast ? count : isFirst ? 0 : count >> 1;
      added = this.splitLeaf(node, at);
      if (index > at || isLast) {
        target = added;
        index -= at;
      }
    }
    const words = this.words[target >>> CHUNK_INDEX_SHIFT];
    const at = openCell(this.words, target, LEAF_HEADER, LEAF_CELL, index);
    words[at] = high;
    words[at + 1] = low;
    words[at + 2] = item;
    const height = this.get(tree, HEIGHT);
    for (let level = 1; level <= height; level++) {
      const parent = this.pathNode[level];
      const cell = this.pathIndex[level];
      if (added === 0) {
        this.adjustCell(parent, cell, node, level - 1, 1);
      } else {
        this.fillCell(parent, cell, node, level - 1);
        added = this.addChild(parent, cell + 1, added, level - 1);
      }
      node = parent;
    }
    if (added !== 0) this.growRoot(tree, node, added, height);
    this.set(tree, COUNT, this.count(tree) + 1);
  }

  /** Puts a child into a branch. @returns the branch split off, if there was no room; else 0 */
  private addChild(parent: Ref, cell: number, child: Ref, childLevel: number): Ref {
    const count = this.cellCount(parent);
    if (count < BRANCH_CELLS) {
      openCell(this.words, parent, BRANCH_HEADER, BRANCH_CELL, cell);
      this.fillCell(parent, cell, child, childLevel);
      return 0;
    }
    const at = cell === count ? count : count >> 1;
    const added = this.arena.allocate(BRANCH_BYTES);
    this.set(added, 0, 0);
    moveCells(this.words, parent, at, added, BRANCH_HEADER, BRANCH_CELL);
    if (cell > at || at === count) this.addChild(added, cell - at, child, childLevel);
    else this.addChild(parent, cell, child, childLevel);
    return added;
  }

  private growRoot(tree: Ref, left: Ref, right: Ref, height: number): void {
    const root = this.arena.allocate(BRANCH_BYTES);
    this.set(root, 0, 2);
    this.fillCell(root, 0, left, height);
    this.fillCell(root, 1, right, height);
    this.set(tree, ROOT, root);
    this.set(tree, HEIGHT, height + 1);
  }

  /** Removes `count` elements from the place on; they are in its leaf. */
  private removeHere(tree: Ref, count = 1): void {
    closeCell(this.words, this.leaf, LEAF_HEADER, LEAF_CELL, this.index, count);
    this.tellLoss(tree, count);
  }

  /** Brings everything above the leaf of the place up to date, which has lost `count` elements. */
  private tellLoss(tree: Ref, count: number): void {
    const height = this.get(tree, HEIGHT);
    let node = this.leaf;
    for (let level = 1; level <= height; level++) {
      const parent = this.pathNode[level];
      const cell = this.pathIndex[level];
      if (this.cellCount(node) === 0) {
        if (level === 1) this.unlinkLeaf(node);
        this.arena.free(node);
        closeCell(this.words, parent, BRANCH_HEADER, BRANCH_CELL, cell);
      } else {
        this.adjustCell(parent, cell, node, level - 1, -count);
        this.mergeIfSparse(parent, cell, node, level - 1);
      }
      node = parent;
    }
    this.set(tree, COUNT, this.count(tree) - count);
    if (height > 0 && this.cellCount(node) <= 1) this.lowerRoot(tree);
  }

  /** Brings everything above the leaf of the place up to date, which has got `count` elements behind its others. */
  private tellGain(tree: Ref, count: number): void {
    for (let level = this.get(tree, HEIGHT); level > 0; level--) {
      const word = BRANCH_HEADER + this.pathIndex[level] * BRANCH_CELL + SIZE;
      this.set(this.pathNode[level], word, this.get(this.pathNode[level], word) + count);
    }
    this.set(tree, COUNT, this.count(tree) + count);
  }

  /** Takes away the root as long as it has one child or none. */
  private lowerRoot(tree: Ref): void {
    for (let level = this.get(tree, HEIGHT); level > 0; level = this.get(tree, HEIGHT)) {
      const root = this.get(tree, ROOT);
      const children = this.cellCount(root);
      if (children > 1) return;
      // A root without cells had one leaf, which is gone.
      this.set(tree, ROOT, children === 0 ? this.createLeaf() : this.get(root, BRANCH_HEADER + CHILD));
      this.set(tree, HEIGHT, children === 0 ? 0 : level - 1);
      this.arena.free(root);
    }
  }

  /** Merges a child that has just lost elements with the one before it, or with the next one if it is the first. */
  private mergeIfSparse(parent: Ref, cell: number, child: Ref, childLevel: number): void {
    const cells = childLevel === 0 ? LEAF_CELLS : BRANCH_CELLS;
    // A neighbour with so few elements that it finds room here comes by itself when it loses one; to look at it would cost a cache miss each time.
    if (this.cellCount(child) * 2 > cells) return;
    if (cell > 0) this.merge(parent, cell - 1, childLevel);
    else if (cell + 1 < this.cellCount(parent)) this.merge(parent, cell, childLevel);
  }

  /** Merges the children in cells `cell` and `cell + 1` if one of them is nearly empty and the other has room. */
  private merge(parent: Ref, cell: number, childLevel: number): void {
    const left = this.get(parent, BRANCH_HEADER + cell * BRANCH_CELL + CHILD);
    const right = this.get(parent, BRANCH_HEADER + (cell + 1) * BRANCH_CELL + CHILD);
    const cells = childLevel === 0 ? LEAF_CELLS : BRANCH_CELLS;
    if (!shouldMerge(this.cellCount(left), this.cellCount(right), cells)) return;
    const header = childLevel === 0 ? LEAF_HEADER : BRANCH_HEADER;
    const cellWords = childLevel === 0 ? LEAF_CELL : BRANCH_CELL;
    moveCells(this.words, right, 0, left, header, cellWords);
    if (childLevel === 0) this.unlinkLeaf(right);
    this.arena.free(right);
    closeCell(this.words, parent, BRANCH_HEADER, BRANCH_CELL, cell + 1);
    this.fillCell(parent, cell, left, childLevel);
  }

  /** Writes the cell of a child: count and first element as they are now. */
  private fillCell(parent: Ref, cell: number, child: Ref, childLevel: number): void {
    const words = this.words[parent >>> CHUNK_INDEX_SHIFT];
    const at = ((parent & UNIT_MASK) << 1) + BRANCH_HEADER + cell * BRANCH_CELL;
    const childWords = this.words[child >>> CHUNK_INDEX_SHIFT];
    const childBase = (child & UNIT_MASK) << 1;
    let size = childWords[childBase];
    if (childLevel > 0) {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += childWords[childBase + BRANCH_HEADER + i * BRANCH_CELL + SIZE];
      size = sum;
    }
    words[at + CHILD] = child;
    words[at + SIZE] = 0;
    this.adjustCell(parent, cell, child, childLevel, size);
  }

  /** Brings the cell of a child up to date that has `change` elements more than before. */
  private adjustCell(parent: Ref, cell: number, child: Ref, childLevel: number, change: number): void {
    const words = this.words[parent >>> CHUNK_INDEX_SHIFT];
    const at = ((parent & UNIT_MASK) << 1) + BRANCH_HEADER + cell * BRANCH_CELL;
    const childWords = this.words[child >>> CHUNK_INDEX_SHIFT];
    const first = ((child & UNIT_MASK) << 1) + (childLevel === 0 ? LEAF_HEADER : BRANCH_HEADER + FIRST_ELEMENT);
    words[at + SIZE] += change;
    words[at + FIRST_ELEMENT] = childWords[first];
    words[at + FIRST_ELEMENT + 1] = childWords[first + 1];
    words[at + FIRST_ELEMENT + 2] = childWords[first + 2];
  }

  private createLeaf(): Ref {
    const leaf = this.arena.allocate(LEAF_BYTES);
    this.set(leaf, 0, 0);
    this.set(leaf, LEAF_NEXT, 0);
    this.set(leaf, LEAF_PREVIOUS, 0);
    return leaf;
  }

  /** Splits the cells from `at` on off. @returns the new leaf behind it */
  private splitLeaf(leaf: Ref, at: number): Ref {
    const added = this.createLeaf();
    moveCells(this.words, leaf, at, added, LEAF_HEADER, LEAF_CELL);
    const next = this.nextLeaf(leaf);
    this.set(added, LEAF_NEXT, next);
    this.set(added, LEAF_PREVIOUS, leaf);
    this.set(leaf, LEAF_NEXT, added);
    if (next !== 0) this.set(next, LEAF_PREVIOUS, added);
    return added;
  }

  private unlinkLeaf(leaf: Ref): void {
    const next = this.nextLeaf(leaf);
    const previous = this.previousLeaf(leaf);
    if (next !== 0) this.set(next, LEAF_PREVIOUS, previous);
    if (previous !== 0) this.set(previous, LEAF_NEXT, next);
  }

  private get(block: Ref, word: number): number {
    return this.words[block >>> CHUNK_INDEX_SHIFT][((block & UNIT_MASK) << 1) + word];
  }

  private set(block: Ref, word: number, value: number): void {
    this.words[block >>> CHUNK_INDEX_SHIFT][((block & UNIT_MASK) << 1) + word] = value;
  }
}
