/**
 * IdTree: an ordered map from stream IDs to a few words each, a B+tree: find, lower and upper bound, steps either way, insert and remove in O(log n).
 * It indexes the nodes of a stream, and holds the pending entries of its consumer groups.
 *
 *   control block = | root, 0 = no cell | height, 0 = the root is a leaf | cell count | last leaf |
 *   leaf          = | cells | cells that fit | next leaf | previous leaf | cells of | ID : 4 words | value words | |
 *   branch        = | cells | – | cells of | ID : 4 words | child ref | |
 *
 * Nodes are about 1 KiB; only a leaf that is the root begins small and grows by doubling, as most trees have a few cells. A branch's cell has a lower
 * bound of the IDs below it, which need not be one of them; the first one's is never looked at. Bytes per cell: 16 and the value, divided by the
 * fill: full in a tree that was built in order (a full leaf at the end is left full), some 70 % at random; 2 % more for branches.
 *
 * Invariants: (1) all IDs below a branch's cell are at or above its bound and below the next one's; (2) leaves are linked in order; (3) no node is
 * empty; a node with less than a quarter of its cells merges with a neighbour if both fit into three quarters; (4) a place (`leaf` and
 * `index`) is valid until the next insertion or removal in that tree.
 */
import { type Arena, CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from './arena.js';
import { BranchChain } from './branch-chain.js';
import { BATCH_WORDS, type IdBatch, TAG } from './id-batch.js';
import { compareIdAt, ID_WORDS, readIdAt, StreamId, writeIdAt } from './stream-id.js';
import { closeCell, moveCells, openCell, shouldMerge } from './tree-cells.js';

const ROOT = 0;
const HEIGHT = 1;
const COUNT = 2;
const LAST = 3;
const CONTROL_BYTES = 16;

const NODE_BYTES = 1024;

const CELLS_MAX = 1;
const LEAF_NEXT = 2;
const LEAF_PREVIOUS = 3;
const LEAF_HEADER = 4;
/** Leaves whose size stands for all of a large tree. */
const SAMPLED_LEAVES = 64;
const FIRST_LEAF_CELLS = 2;

const BRANCH_HEADER = 2;
const BRANCH_CELL = ID_WORDS + 1;
const BRANCH_CELLS = Math.floor((NODE_BYTES / 4 - BRANCH_HEADER) / BRANCH_CELL);
/** Where a branch's cell has its child. */
const CHILD = ID_WORDS;

/** 13^9 leaves, even if all branches are but a quarter full, are more than the arena can hold. */
const HEIGHT_MAX = 10;

export class IdTree {
  /** The place that was found or stepped to last. */
  leaf: Ref = 0;
  index = 0;
  readonly valueWords: number;
  /** Words of a cell: ID and value. */
  readonly cellWords: number;
  private readonly arena: Arena;
  private readonly words: Int32Array[];
  private readonly branches: BranchChain;
  private readonly leafCells: number;
  /** The branches that led to `leaf`, by level (1 = above the leaf), and the cells taken. Only `descend` keeps them. */
  private readonly pathNode = new Int32Array(HEIGHT_MAX + 1);
  private readonly pathIndex = new Int32Array(HEIGHT_MAX + 1);

  /** @param valueWords of each cell */
  constructor(arena: Arena, valueWords: number) {
    this.arena = arena;
    this.words = arena.words;
    this.branches = new BranchChain(arena, BRANCH_HEADER + CHILD, BRANCH_CELL);
    this.valueWords = valueWords;
    this.cellWords = ID_WORDS + valueWords;
    this.leafCells = Math.floor((NODE_BYTES / 4 - LEAF_HEADER) / this.cellWords);
  }

  create(): Ref {
    const tree = this.arena.allocate(CONTROL_BYTES);
    this.set(tree, ROOT, 0);
    this.set(tree, HEIGHT, 0);
    this.set(tree, COUNT, 0);
    this.set(tree, LAST, 0);
    return tree;
  }

  /** @returns number of cells */
  count(tree: Ref): number {
    return this.get(tree, COUNT);
  }

  /** Takes the tree apart; the caller frees its blocks by `dropLeaf`. @returns the first block, or 0 */
  dissolve(tree: Ref): Ref {
    const root = this.get(tree, ROOT);
    const height = this.get(tree, HEIGHT);
    this.arena.free(tree);
    return height === 0 ? root : this.branches.begin(root, height);
  }

  /** Frees a leaf of a dissolved tree, or another block of it, which has no cells then. @returns the next one, or 0 */
  dropLeaf(leaf: Ref): Ref {
    if (this.branches.isBranch(leaf)) return this.branches.drop(leaf);
    const next = this.get(leaf, LEAF_NEXT);
    this.arena.free(leaf);
    return next;
  }

  /** Cells of a leaf; none (a negative number) of another block of a dissolved tree. */
  cellCount(leaf: Ref): number {
    return this.get(leaf, 0);
  }

  /** @returns value word `word` of a cell */
  valueAt(leaf: Ref, index: number, word: number): number {
    return this.get(leaf, LEAF_HEADER + index * this.cellWords + ID_WORDS + word);
  }

  /** @returns bytes of the tree's blocks, estimated from its first leaves */
  bytesOf(tree: Ref): number {
    if (!this.seekFirst(tree)) return CONTROL_BYTES;
    let bytes = 0;
    let cells = 0;
    let { leaf } = this;
    for (let i = 0; leaf !== 0 && i < SAMPLED_LEAVES; i++) {
      bytes += this.arena.blockBytes(leaf);
      cells += this.cellCount(leaf);
      leaf = this.get(leaf, LEAF_NEXT);
    }
    const ofLeaves = (bytes * this.count(tree)) / cells;
    return CONTROL_BYTES + Math.round(ofLeaves * (1 + 1 / BRANCH_CELLS));
  }

  /** Goes to the cell with this ID. @returns whether there is one; else the place is undefined */
  find(tree: Ref, id: StreamId): boolean {
    this.descend(tree, id);
    return this.index > 0 && this.compareHere(this.index - 1, id) === 0 && this.step(-1);
  }

  /** As `find`, but from a place in this tree, and without a descent if the ID is that of the next cell: `removeFound` must not follow. */
  findOnward(tree: Ref, id: StreamId): boolean {
    return this.hasAhead(1, id) ? this.step(1) : this.find(tree, id);
  }

  /** @returns whether the cell `steps` behind the place has this ID, and lies in the same leaf */
  hasAhead(steps: number, id: StreamId): boolean {
    const index = this.index + steps;
    return index < this.cellCount(this.leaf) && this.compareHere(index, id) === 0;
  }

  /** Goes to the first cell that is not before the ID. @returns whether there is one */
  seekFrom(tree: Ref, id: StreamId): boolean {
    if (this.find(tree, id)) return true;
    return this.leaf !== 0 && this.enter();
  }

  /** Goes to the last cell that is not behind the ID. @returns whether there is one */
  seekUpTo(tree: Ref, id: StreamId): boolean {
    this.descend(tree, id);
    return this.leaf !== 0 && this.previous();
  }

  /** Goes to the first cell. @returns whether there is one */
  seekFirst(tree: Ref): boolean {
    let node = this.get(tree, ROOT);
    if (node === 0) return false;
    for (let level = this.get(tree, HEIGHT); level > 0; level--) node = this.child(node, 0);
    this.leaf = node;
    this.index = 0;
    return true;
  }

  /** Goes to the last cell, in O(1). @returns whether there is one */
  seekLast(tree: Ref): boolean {
    const leaf = this.get(tree, LAST);
    if (leaf === 0) return false;
    this.leaf = leaf;
    this.index = this.get(leaf, 0) - 1;
    return true;
  }

  /** Goes to the next cell. @returns whether there is one; else the place is behind the last */
  next(): boolean {
    this.index++;
    return this.enter();
  }

  /** Goes to the cell before. @returns whether there is one; else the place is undefined */
  previous(): boolean {
    if (this.index === 0) {
      this.leaf = this.get(this.leaf, LEAF_PREVIOUS);
      if (this.leaf === 0) return false;
      this.index = this.cellCount(this.leaf);
    }
    this.index--;
    return true;
  }

  /** The ID of the cell at the place. */
  readId(into: StreamId): void {
    readIdAt(this.words[this.leaf >>> CHUNK_INDEX_SHIFT], this.cellStart(), into);
  }

  /** Compares the cell at the place with the ID. @returns negative, 0 or positive */
  compare(id: StreamId): number {
    return this.compareHere(this.index, id);
  }

  /** Value word `word` of the cell at the place. */
  value(word: number): number {
    return this.words[this.leaf >>> CHUNK_INDEX_SHIFT][this.cellStart() + ID_WORDS + word];
  }

  setValue(word: number, value: number): void {
    this.words[this.leaf >>> CHUNK_INDEX_SHIFT][this.cellStart() + ID_WORDS + word] = value;
  }

  /** Adds a cell for an ID that has none, and goes there; its value words are the caller's to write, at once. */
  insert(tree: Ref, id: StreamId): void {
    this.set(tree, COUNT, this.count(tree) + 1);
    this.descend(tree, id);
    if (this.leaf === 0) {
      this.leaf = this.createLeaf(FIRST_LEAF_CELLS);
      this.set(tree, ROOT, this.leaf);
      this.set(tree, LAST, this.leaf);
    }
    let { leaf, index } = this;
    const count = this.cellCount(leaf);
    if (count === this.get(leaf, CELLS_MAX)) {
      if (count < this.leafCells) {
        leaf = this.growRootLeaf(tree, leaf);
      } else {
        // At the end of the tree the full leaf stays as it is, so that IDs that come in order fill the leaves.
        const isLast = index === count && this.get(leaf, LEAF_NEXT) === 0;
        const at = isLast ? count : count >> 1;
        const added = this.splitLeaf(tree, leaf, at);
        const isInAdded = index > at || isLast;
        if (isInAdded) {
          leaf = added;
          index -= at;
        }
        // A new last leaf is empty yet: its bound is the ID that comes in.
        if (!isLast) this.addToParent(tree, added, this.words[added >>> CHUNK_INDEX_SHIFT], this.firstCell(added));
        else this.addToParent(tree, added, idWords(id), 0);
      }
    }
    openCell(this.words, leaf, LEAF_HEADER, this.cellWords, index);
    this.leaf = leaf;
    this.index = index;
    writeIdAt(this.words[leaf >>> CHUNK_INDEX_SHIFT], this.cellStart(), id);
  }

  /** Removes the cell of an ID. @returns whether there was one */
  remove(tree: Ref, id: StreamId): boolean {
    if (!this.find(tree, id)) return false;
    this.removeFound(tree);
    return true;
  }

  /**
   * Removes the cells of IDs `from` to `to` of a sorted batch: neighbours in one go, which takes some 20 ns each. The IDs that had a cell are moved to the
   * front of these; in a tree with values each has the first word of its value as tag then.
   * @returns the end of those
   */
  removeSorted(tree: Ref, batch: IdBatch, from: number, to: number): number {
    let end = from;
    for (let i = from; i < to; ) {
      batch.read(i, batchId);
      if (!this.find(tree, batchId)) {
        i++;
        continue;
      }
      const words = this.words[this.leaf >>> CHUNK_INDEX_SHIFT];
      const max = Math.min(to - i, this.cellCount(this.leaf) - this.index);
      const count = takeRun(words, this.cellStart(), this.cellWords, batch.cells, i, max, end);
      this.removeFound(tree, count);
      i += count;
      end += count;
    }
    return end;
  }

  /** @returns a tree with the same cells, node by node: some 15 ns a cell */
  copy(tree: Ref): Ref {
    const copy = this.create();
    const root = this.get(tree, ROOT);
    if (root === 0) return copy;
    const height = this.get(tree, HEIGHT);
    this.set(copy, ROOT, this.copyNode(copy, root, height));
    this.set(copy, HEIGHT, height);
    this.set(copy, COUNT, this.count(tree));
    return copy;
  }

  /** @returns all cells one behind the other, each as ID and value words: a copy, some 10 ns a cell */
  cells(tree: Ref): Int32Array {
    const cells = new Int32Array(this.count(tree) * this.cellWords);
    if (!this.seekFirst(tree)) return cells;
    let to = 0;
    for (let { leaf } = this; leaf !== 0; leaf = this.get(leaf, LEAF_NEXT)) {
      const first = this.firstCell(leaf);
      const wordCount = this.cellCount(leaf) * this.cellWords;
      cells.set(this.words[leaf >>> CHUNK_INDEX_SHIFT].subarray(first, first + wordCount), to);
      to += wordCount;
    }
    return cells;
  }

  /** Copies a node with all below it; its leaves come behind those that `copy` has. @returns the copied node */
  private copyNode(copy: Ref, node: Ref, level: number): Ref {
    if (level === 0) return this.copyLeaf(copy, node);
    const twin = this.arena.allocate(NODE_BYTES);
    this.copyWords(node, twin, BRANCH_HEADER + this.cellCount(node) * BRANCH_CELL);
    for (let cell = 0; cell < this.cellCount(node); cell++)
      this.set(
        twin,
        BRANCH_HEADER + cell * BRANCH_CELL + CHILD,
        this.copyNode(copy, this.child(node, cell), level - 1),
      );
    return twin;
  }

  private copyLeaf(copy: Ref, leaf: Ref): Ref {
    const twin = this.createLeaf(this.get(leaf, CELLS_MAX));
    this.copyWords(leaf, twin, LEAF_HEADER + this.cellCount(leaf) * this.cellWords);
    const previous = this.get(copy, LAST);
    this.set(twin, LEAF_NEXT, 0);
    this.set(twin, LEAF_PREVIOUS, previous);
    if (previous !== 0) this.set(previous, LEAF_NEXT, twin);
    this.set(copy, LAST, twin);
    return twin;
  }

  private copyWords(source: Ref, target: Ref, count: number): void {
    const from = (source & UNIT_MASK) << 1;
    this.words[target >>> CHUNK_INDEX_SHIFT].set(
      this.words[source >>> CHUNK_INDEX_SHIFT].subarray(from, from + count),
      (target & UNIT_MASK) << 1,
    );
  }

  private step(by: number): boolean {
    this.index += by;
    return true;
  }

  /** If the place is behind the last cell of a leaf, goes to the next leaf. @returns whether there is a cell */
  private enter(): boolean {
    if (this.index < this.cellCount(this.leaf)) return true;
    const next = this.get(this.leaf, LEAF_NEXT);
    if (next === 0) return false;
    this.leaf = next;
    this.index = 0;
    return true;
  }

  /** Goes behind the last cell that is not behind the ID: `index` may be 0, or one behind the last. `leaf` is 0 in an empty tree. */
  private descend(tree: Ref, id: StreamId): void {
    let node = this.get(tree, ROOT);
    this.leaf = node;
    this.index = 0;
    if (node === 0) return;
    for (let level = this.get(tree, HEIGHT); level > 0; level--) {
      const words = this.words[node >>> CHUNK_INDEX_SHIFT];
      const base = (node & UNIT_MASK) << 1;
      // The first cell's bound does not count: what is below all others belongs there.
      const cell = cellsUpTo(words, base + BRANCH_HEADER, BRANCH_CELL, 1, words[base], id) - 1;
      this.pathNode[level] = node;
      this.pathIndex[level] = cell;
      node = words[base + BRANCH_HEADER + cell * BRANCH_CELL + CHILD];
    }
    this.leaf = node;
    const base = (node & UNIT_MASK) << 1;
    const words = this.words[node >>> CHUNK_INDEX_SHIFT];
    this.index = cellsUpTo(words, base + LEAF_HEADER, this.cellWords, 0, words[base], id);
  }

  /** Removes the cell that `find` has found, the last to move the place of this object, or `count` cells from there on, all in its leaf. */
  removeFound(tree: Ref, count = 1): void {
    this.set(tree, COUNT, this.count(tree) - count);
    const height = this.get(tree, HEIGHT);
    let node = this.leaf;
    closeCell(this.words, node, LEAF_HEADER, this.cellWords, this.index, count);
    for (let level = 1; level <= height; level++) {
      const parent = this.pathNode[level];
      const cell = this.pathIndex[level];
      if (this.cellCount(node) === 0) {
        if (level === 1) this.unlinkLeaf(tree, node);
        this.arena.free(node);
        closeCell(this.words, parent, BRANCH_HEADER, BRANCH_CELL, cell);
      } else if (cell > 0) {
        this.merge(tree, parent, cell - 1, level - 1);
      } else if (this.cellCount(parent) > 1) {
        this.merge(tree, parent, 0, level - 1);
      }
      node = parent;
    }
    this.shrinkRoot(tree);
  }

  private shrinkRoot(tree: Ref): void {
    for (let root = this.get(tree, ROOT); ; ) {
      const count = this.cellCount(root);
      const height = this.get(tree, HEIGHT);
      if (count > 1 || (count === 1 && height === 0)) return;
      const only = count === 0 ? 0 : this.child(root, 0);
      this.arena.free(root);
      this.set(tree, ROOT, only);
      this.set(tree, HEIGHT, only === 0 ? 0 : height - 1);
      if (only === 0) {
        this.set(tree, LAST, 0);
        return;
      }
      root = only;
    }
  }

  /** Merges the children in cells `cell` and `cell + 1` if one of them is nearly empty and the other has room. */
  private merge(tree: Ref, parent: Ref, cell: number, childLevel: number): void {
    const left = this.child(parent, cell);
    const right = this.child(parent, cell + 1);
    const isLeaf = childLevel === 0;
    const cellsMax = isLeaf ? this.leafCells : BRANCH_CELLS;
    if (!shouldMerge(this.cellCount(left), this.cellCount(right), cellsMax)) return;
    if (isLeaf) {
      moveCells(this.words, right, 0, left, LEAF_HEADER, this.cellWords);
      this.unlinkLeaf(tree, right);
    } else {
      // The bound of its first cell was not looked at so far: it is what the parent says.
      const words = this.words[parent >>> CHUNK_INDEX_SHIFT];
      const bound = ((parent & UNIT_MASK) << 1) + BRANCH_HEADER + (cell + 1) * BRANCH_CELL;
      for (let i = 0; i < ID_WORDS; i++) this.set(right, BRANCH_HEADER + i, words[bound + i]);
      moveCells(this.words, right, 0, left, BRANCH_HEADER, BRANCH_CELL);
    }
    this.arena.free(right);
    closeCell(this.words, parent, BRANCH_HEADER, BRANCH_CELL, cell + 1);
  }

  /** Puts a node that was split off behind the one on the path, from the leaves upwards. Its bound is at `words[at, at + 4)`. */
  private addToParent(tree: Ref, node: Ref, words: Int32Array, at: number): void {
    const height = this.get(tree, HEIGHT);
    let added = node;
    for (let i = 0; i < ID_WORDS; i++) bound[i] = words[at + i];
    for (let level = 1; level <= height; level++) {
      const parent = this.pathNode[level];
      const cell = this.pathIndex[level] + 1;
      const count = this.cellCount(parent);
      if (count < BRANCH_CELLS) return this.insertChild(parent, cell, added);
      const half = cell === count ? count : count >> 1;
      const split = this.arena.allocate(NODE_BYTES);
      this.set(split, 0, 0);
      moveCells(this.words, parent, half, split, BRANCH_HEADER, BRANCH_CELL);
      if (cell > half || half === count) {
        this.insertChild(split, cell - half, added);
      } else {
        this.insertChild(parent, cell, added);
      }
      for (let i = 0; i < ID_WORDS; i++) bound[i] = this.get(split, BRANCH_HEADER + i);
      added = split;
    }
    const root = this.arena.allocate(NODE_BYTES);
    this.set(root, 0, 1);
    // The bound of a first cell is never looked at, but it shall be defined.
    for (let i = 0; i < ID_WORDS; i++) this.set(root, BRANCH_HEADER + i, 0);
    this.set(root, BRANCH_HEADER + CHILD, this.get(tree, ROOT));
    this.insertChild(root, 1, added);
    this.set(tree, ROOT, root);
    this.set(tree, HEIGHT, height + 1);
  }

  /** Puts a child with `bound` into a branch that has room. */
  private insertChild(parent: Ref, cell: number, child: Ref): void {
    const at = openCell(this.words, parent, BRANCH_HEADER, BRANCH_CELL, cell);
    const words = this.words[parent >>> CHUNK_INDEX_SHIFT];
    for (let i = 0; i < ID_WORDS; i++) words[at + i] = bound[i];
    words[at + CHILD] = child;
  }

  private createLeaf(cells: number): Ref {
    const leaf = this.arena.allocate((LEAF_HEADER + cells * this.cellWords) * 4);
    this.set(leaf, 0, 0);
    this.set(leaf, CELLS_MAX, cells);
    this.set(leaf, LEAF_NEXT, 0);
    this.set(leaf, LEAF_PREVIOUS, 0);
    return leaf;
  }

  /** Moves the only leaf of a tree into a block for twice as many cells. @returns the leaf */
  private growRootLeaf(tree: Ref, leaf: Ref): Ref {
    const grown = this.createLeaf(Math.min(this.leafCells, this.cellCount(leaf) * 2));
    moveCells(this.words, leaf, 0, grown, LEAF_HEADER, this.cellWords);
    this.arena.free(leaf);
    this.set(tree, ROOT, grown);
    this.set(tree, LAST, grown);
    return grown;
  }

  /** Splits the cells from `at` on off. @returns the new leaf behind it */
  private splitLeaf(tree: Ref, leaf: Ref, at: number): Ref {
    const added = this.createLeaf(this.leafCells);
    moveCells(this.words, leaf, at, added, LEAF_HEADER, this.cellWords);
    const next = this.get(leaf, LEAF_NEXT);
    this.set(added, LEAF_NEXT, next);
    this.set(added, LEAF_PREVIOUS, leaf);
    this.set(leaf, LEAF_NEXT, added);
    if (next !== 0) this.set(next, LEAF_PREVIOUS, added);
    else this.set(tree, LAST, added);
    return added;
  }

  private unlinkLeaf(tree: Ref, leaf: Ref): void {
    const next = this.get(leaf, LEAF_NEXT);
    const previous = this.get(leaf, LEAF_PREVIOUS);
    if (previous !== 0) this.set(previous, LEAF_NEXT, next);
    if (next !== 0) this.set(next, LEAF_PREVIOUS, previous);
    else this.set(tree, LAST, previous);
  }

  private child(branch: Ref, cell: number): Ref {
    return this.get(branch, BRANCH_HEADER + cell * BRANCH_CELL + CHILD);
  }

  private firstCell(leaf: Ref): number {
    return ((leaf & UNIT_MASK) << 1) + LEAF_HEADER;
  }

  private cellStart(): number {
    return this.firstCell(this.leaf) + this.index * this.cellWords;
  }

  private compareHere(index: number, id: StreamId): number {
    const { leaf } = this;
    return compareIdAt(this.words[leaf >>> CHUNK_INDEX_SHIFT], this.firstCell(leaf) + index * this.cellWords, id);
  }

  private get(block: Ref, word: number): number {
    return this.words[block >>> CHUNK_INDEX_SHIFT][((block & UNIT_MASK) << 1) + word];
  }

  private set(block: Ref, word: number, value: number): void {
    this.words[block >>> CHUNK_INDEX_SHIFT][((block & UNIT_MASK) << 1) + word] = value;
  }
}

const batchId = new StreamId();
/** The bound of a node on its way into its parent. */
const bound = new Int32Array(ID_WORDS);
const idBuffer = new Int32Array(ID_WORDS);

function idWords(id: StreamId): Int32Array {
  writeIdAt(idBuffer, 0, id);
  return idBuffer;
}

/**
 * Moves records `from`, `from + 1` … of a batch to `to`, as long as the cells at `at` and behind it have the same IDs, and tags them.
 * @returns how many, of `max`
 */
function takeRun(
  words: Int32Array,
  at: number,
  cellWords: number,
  records: Int32Array,
  from: number,
  max: number,
  to: number,
): number {
  let cell = at;
  let record = from * BATCH_WORDS;
  let target = to * BATCH_WORDS;
  for (let i = 0; i < max; i++) {
    if (words[cell + 3] !== records[record + 3] || words[cell + 2] !== records[record + 2]) return i;
    if (words[cell + 1] !== records[record + 1] || words[cell] !== records[record]) return i;
    if (target !== record) for (let word = 0; word < ID_WORDS; word++) records[target + word] = records[record + word];
    if (cellWords > ID_WORDS) records[target + TAG] = words[cell + ID_WORDS];
    cell += cellWords;
    record += BATCH_WORDS;
    target += BATCH_WORDS;
  }
  return max;
}

/** @returns number of cells, of which the first `from` are known to count, that are not behind the ID */
function cellsUpTo(
  words: Int32Array,
  first: number,
  cellWords: number,
  from: number,
  count: number,
  id: StreamId,
): number {
  // IDs mostly come at the end.
  if (count > from && compareIdAt(words, first + (count - 1) * cellWords, id) <= 0) return count;
  let low = from;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareIdAt(words, first + middle * cellWords, id) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
