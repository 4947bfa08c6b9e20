/**
 * How a list is read: places in it, and the ways from one to the next (list.ts tells how it lies in memory, and changes it).
 *
 * Invariant: a cursor is valid until the next change of its list that it was not handed to.
 */
import type { Digest } from '../keyspace/digest.js';
import type { Entries } from '../keyspace/entry.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import { type Arena, CHUNK_INDEX_SHIFT, type Ref } from '../memory/arena.js';
import { ChunkList } from '../memory/chunk-list.js';
import {
  elementAt,
  findElement,
  firstElement,
  isListpackEnd,
  LISTPACK_HEADER_BYTES,
  ListpackElement,
  listpackBytes,
  listpackCount,
  listpackEnd,
  matchElement,
  nextElement,
  previousElement,
} from '../memory/listpack.js';

export const LIST_LISTPACK = 0;
export const LIST_QUICKLIST = 1;

/** A place in a list: an element, or the end of a chunk. */
export class ListCursor {
  chunk = 0;
  /** From the start of the listpack. */
  offset = 0;
  /** The chunk's listpack begins here. */
  bytes: Uint8Array = new Uint8Array(0);
  base = 0;

  read(element: ListpackElement): void {
    element.read(this.bytes, this.base + this.offset);
  }
}

export class ListReading {
  readonly chunks: ChunkList;
  protected readonly entries: Entries;
  protected readonly arena: Arena;

  constructor(space: Keyspace) {
    this.entries = space.entries;
    this.arena = space.arena;
    this.chunks = new ChunkList(space.arena);
  }

  isPacked(ref: Ref): boolean {
    return this.entries.encoding(ref) === LIST_LISTPACK;
  }

  /** @returns number of elements */
  length(ref: Ref): number {
    if (this.isPacked(ref)) return listpackCount(this.entries.view(ref), this.entries.valueStart(ref));
    return this.chunks.count(this.entries.root(ref));
  }

  chunkCount(ref: Ref): number {
    return this.isPacked(ref) ? 1 : this.chunks.chunkCount(this.entries.root(ref));
  }

  /** Places the cursor on element `index`, which is there. */
  seek(ref: Ref, index: number, cursor: ListCursor): void {
    let inChunk = index;
    cursor.chunk = 0;
    if (!this.isPacked(ref)) {
      this.chunks.seek(this.entries.root(ref), index);
      cursor.chunk = this.chunks.foundChunk;
      inChunk = this.chunks.foundIndex;
    }
    this.load(ref, cursor);
    cursor.offset = elementAt(cursor.bytes, cursor.base, inChunk) - cursor.base;
  }

  /** Moves on to the next element. @returns whether there is one */
  next(ref: Ref, cursor: ListCursor): boolean {
    cursor.offset = nextElement(cursor.bytes, cursor.base + cursor.offset) - cursor.base;
    return this.enter(ref, cursor);
  }

  /** Moves back to the element before. @returns whether there is one */
  previous(ref: Ref, cursor: ListCursor): boolean {
    if (cursor.offset === LISTPACK_HEADER_BYTES) {
      if (cursor.chunk === 0) return false;
      cursor.chunk--;
      this.load(ref, cursor);
      cursor.offset = listpackBytes(cursor.bytes, cursor.base) - 1;
    }
    cursor.offset = previousElement(cursor.bytes, cursor.base + cursor.offset) - cursor.base;
    return true;
  }

  /** If the cursor is at the end of a chunk, moves it to the first element of the next one. @returns whether it is on an element */
  enter(ref: Ref, cursor: ListCursor): boolean {
    return !isListpackEnd(cursor.bytes, cursor.base + cursor.offset) || this.enterNextChunk(ref, cursor);
  }

  /** Moves the cursor to the first element of the next chunk. @returns whether there is one */
  enterNextChunk(ref: Ref, cursor: ListCursor): boolean {
    if (cursor.chunk + 1 >= this.chunkCount(ref)) return false;
    cursor.chunk++;
    this.load(ref, cursor);
    cursor.offset = LISTPACK_HEADER_BYTES;
    return true;
  }

  /** Moves the cursor to the next element that has this text, from its place on. @returns whether there is one; else it is somewhere in the last chunk */
  find(ref: Ref, cursor: ListCursor, text: Uint8Array, start: number, length: number): boolean {
    do {
      const at = findElement(cursor.bytes, cursor.base + cursor.offset, 1, text, start, length);
      if (at >= 0) {
        cursor.offset = at - cursor.base;
        return true;
      }
    } while (this.enterNextChunk(ref, cursor));
    return false;
  }

  /** The same backwards, down to the first element of chunk `firstChunk`. */
  findBackward(
    ref: Ref,
    cursor: ListCursor,
    firstChunk: number,
    text: Uint8Array,
    start: number,
    length: number,
  ): boolean {
    for (;;) {
      const { bytes, base } = cursor;
      for (let at = base + cursor.offset; ; at = previousElement(bytes, at)) {
        cursor.offset = at - base;
        if (matchElement(bytes, at, text, start, length) >= 0) return true;
        if (cursor.offset === LISTPACK_HEADER_BYTES) break;
      }
      // Whether another chunk has it at all is found forwards, in a third of the time.
      do {
        if (cursor.chunk <= firstChunk) return false;
        cursor.chunk--;
        this.load(ref, cursor);
      } while (findElement(cursor.bytes, firstElement(cursor.base), 1, text, start, length) < 0);
      const end = listpackEnd(cursor.bytes, cursor.base);
      cursor.offset = previousElement(cursor.bytes, end) - cursor.base;
    }
  }

  /** @returns number of elements in a chunk */
  elementsInChunk(ref: Ref, chunk: number): number {
    return this.isPacked(ref) ? this.length(ref) : this.chunks.elementCountOf(this.entries.root(ref), chunk);
  }

  /** Continues the digest with all elements. */
  digest(ref: Ref, digest: Digest): void {
    const cursor = new ListCursor();
    const element = new ListpackElement();
    this.seek(ref, 0, cursor);
    do {
      cursor.read(element);
      digest.mix(element.bytes, element.start, element.length);
    } while (this.next(ref, cursor));
  }

  /** Points the cursor's view to its chunk. */
  load(ref: Ref, cursor: ListCursor): void {
    if (this.isPacked(ref)) {
      cursor.bytes = this.entries.view(ref);
      cursor.base = this.entries.valueStart(ref);
    } else {
      this.loadChunk(this.entries.root(ref), cursor);
    }
  }

  /** A view of the same bytes as the cursor's, which reads words. */
  words(ref: Ref, { chunk }: ListCursor): DataView {
    const block = this.isPacked(ref) ? ref : this.chunks.chunk(this.entries.root(ref), chunk);
    return this.arena.views[block >>> CHUNK_INDEX_SHIFT];
  }

  protected loadChunk(list: Ref, cursor: ListCursor): void {
    cursor.bytes = this.chunks.view(this.chunks.chunk(list, cursor.chunk));
    cursor.base = this.chunks.start(list, cursor.chunk);
  }
}
