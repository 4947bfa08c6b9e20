/**
 * Blocks to which two have a claim: the collection that they are part of, and one who reads them as they were at some moment. The first that lets go of a
 * block leaves it to the other, and the second frees it. No byte of a block changes as long as it is shared: a collection copies it first.
 */
import type { Arena, Ref } from './arena.js';

export class SharedBlocks {
  private readonly arena: Arena;
  private readonly blocks = new Set<Ref>();

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** The block has a reader, too, from now on. */
  add(block: Ref): void {
    this.blocks.add(block);
  }

  has(block: Ref): boolean {
    return this.blocks.size > 0 && this.blocks.has(block);
  }

  /** The collection has given the block up, shared or not; or the reader has read it. */
  letGo(block: Ref): void {
    if (this.blocks.size === 0 || !this.blocks.delete(block)) this.arena.free(block);
  }
}
