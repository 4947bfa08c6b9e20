/**
 * Blocks to which two have a claim: the collection that they are part of, and a reader, who sees them as they were at some moment. No byte of a block
 * changes as long as it is shared: the collection copies it first. One that the collection gives up is kept until the reader leaves.
 *
 * From `share` on all blocks of a collection are shared, but for those that it gets from then on (`made`). So a reader comes in O(1), however large the
 * collection is, and what is noted is what has been written since.
 *
 * Invariants: (1) a collection has at most one reader; (2) each block that becomes part of a collection is told to `made`, each that it gives up to `letGo`;
 * (3) a block given up by the collection and not yet freed is in its reader's `kept`.
 */
import type { Arena, Ref } from './arena.js';

export class SharedBlocks {
  private readonly arena: Arena;
  /** By collection. */
  private readonly readers = new Map<Ref, BlockReader>();

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** All blocks that the collection has now are shared until the reader leaves. */
  share(collection: Ref): BlockReader {
    const reader = new BlockReader(this.arena, this.readers, collection);
    this.readers.set(collection, reader);
    return reader;
  }

  has(collection: Ref, block: Ref): boolean {
    if (this.readers.size === 0) return false;
    return this.readers.get(collection)?.reads(block) ?? false;
  }

  /** The block is new in the collection. */
  made(collection: Ref, block: Ref): void {
    if (this.readers.size > 0) this.readers.get(collection)?.exempt(block);
  }

  /** The collection has given the block up, shared or not. */
  letGo(collection: Ref, block: Ref): void {
    const reader = this.readers.size === 0 ? undefined : this.readers.get(collection);
    if (reader === undefined) this.arena.free(block);
    else reader.letGo(block);
  }

  /** The collection has given the blocks `blocks[0]`, `blocks[stride]`, … up. */
  letAllGo(collection: Ref, blocks: Int32Array, stride: number): void {
    if (this.readers.has(collection)) for (let i = 0; i < blocks.length; i += stride) this.letGo(collection, blocks[i]);
    else this.arena.freeAll(blocks, stride);
  }

  /** Blocks of one collection become part of a new one; the first is to be forgotten next. */
  move(from: Ref, to: Ref): void {
    const reader = this.readers.get(from);
    if (reader === undefined) return;
    reader.collection = to;
    this.readers.set(to, reader);
  }

  /** The collection is no more, or will be given up block by block. @returns its reader, if any: these are to be let go of by him */
  forget(collection: Ref): BlockReader | null {
    const reader = this.readers.get(collection) ?? null;
    this.readers.delete(collection);
    return reader;
  }
}

/** Blocks freed by one call of `freeSome`. */
const FREED_PER_CALL = 16;

/** One who reads blocks as they were when he came. */
export class BlockReader {
  /** Whose blocks they are. */
  collection: Ref;
  private readonly arena: Arena;
  private readonly readers: Map<Ref, BlockReader>;
  private readonly exempted = new Set<Ref>();
  private readonly kept: Ref[] = [];
  private hasLeft = false;

  constructor(arena: Arena, readers: Map<Ref, BlockReader>, collection: Ref) {
    this.arena = arena;
    this.readers = readers;
    this.collection = collection;
  }

  /** Number of blocks that no collection has any more. */
  get keptCount(): number {
    return this.kept.length;
  }

  /** Whether the block, which is part of the collection, is shared. */
  reads(block: Ref): boolean {
    return !this.hasLeft && !this.exempted.has(block);
  }

  exempt(block: Ref): void {
    this.exempted.add(block);
  }

  /** The collection has given the block up. */
  letGo(block: Ref): void {
    if (this.reads(block)) {
      this.kept.push(block);
    } else {
      this.exempted.delete(block);
      this.arena.free(block);
    }
  }

  /** Nothing is shared any more. What was kept is to be freed by `freeSome`. */
  leave(): void {
    this.hasLeft = true;
    if (this.readers.get(this.collection) === this) this.readers.delete(this.collection);
  }

  /** Frees some of the blocks that were kept, after the reader has left. @returns whether there are more */
  freeSome(): boolean {
    const { kept } = this;
    for (let i = 0; i < FREED_PER_CALL && kept.length > 0; i++) this.arena.free(kept.pop()!);
    return kept.length > 0;
  }
}
