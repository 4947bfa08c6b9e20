/**
 * The branches of a B+tree that nobody reads any more, as a chain that ends in the first leaf: so that a tree of any size is taken apart block by block,
 * none of which takes long.
 *
 *   branch in the chain = | −(level · 256 + cells) | child of the first cell, or – | next block | … |      level 1 = above the leaves
 *
 * A branch is dropped by putting its children in its place; those of level 1 have leaves, which are linked anyway. The word of `next` is one that a tree
 * has no use for then: what bounds or counts the first child.
 *
 * Invariant: the first word of a leaf is never negative, so that a block of the chain tells what it is.
 */
import { type Arena, CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from './arena.js';

const NEXT = 2;
const LEVEL_SHIFT = 8;
const CELLS_MASK = 255;

export class BranchChain {
  private readonly arena: Arena;
  private readonly words: Int32Array[];
  private readonly firstChild: number;
  private readonly cellWords: number;

  /** @param firstChild the word of a branch that has its first child; @param cellWords from one child to the next */
  constructor(arena: Arena, firstChild: number, cellWords: number) {
    this.arena = arena;
    this.words = arena.words;
    this.firstChild = firstChild;
    this.cellWords = cellWords;
  }

  /** @returns the chain of a tree with this root, which is a branch */
  begin(root: Ref, height: number): Ref {
    let leaf = root;
    for (let level = height; level > 0; level--)
      leaf = this.words[leaf >>> CHUNK_INDEX_SHIFT][((leaf & UNIT_MASK) << 1) + this.firstChild];
    this.put(root, height, leaf);
    return root;
  }

  /** Whether the block of a chain is a branch. */
  isBranch(block: Ref): boolean {
    return this.words[block >>> CHUNK_INDEX_SHIFT][(block & UNIT_MASK) << 1] < 0;
  }

  /** Frees the branch that is first in a chain. @returns the rest of the chain */
  drop(branch: Ref): Ref {
    const words = this.words[branch >>> CHUNK_INDEX_SHIFT];
    const base = (branch & UNIT_MASK) << 1;
    const level = -words[base] >>> LEVEL_SHIFT;
    let next = words[base + NEXT];
    if (level > 1) {
      for (let cell = (-words[base] & CELLS_MASK) - 1; cell >= 0; cell--) {
        const child = words[base + this.firstChild + cell * this.cellWords];
        this.put(child, level - 1, next);
        next = child;
      }
    }
    this.arena.free(branch);
    return next;
  }

  private put(branch: Ref, level: number, next: Ref): void {
    const words = this.words[branch >>> CHUNK_INDEX_SHIFT];
    const base = (branch & UNIT_MASK) << 1;
    words[base] = -((level << LEVEL_SHIFT) | words[base]);
    words[base + NEXT] = next;
  }
}
