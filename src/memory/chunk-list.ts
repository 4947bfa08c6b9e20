/**
 * ChunkList: a sequence of byte strings in listpacks, a deque of them: what Redis calls a quicklist.
 *
 *   control block (24 bytes) = | element count | chunk count | first cell | ring capacity | ring ref | head gap |
 *   ring                     = capacity (a power of two) cells of | chunk ref | element count |; chunk i is in cell (first + i) mod capacity
 *   chunk                    = one block with one listpack, and room to grow at the ends of the list: in the first chunk also before the listpack,
 *                              which begins `head gap` bytes behind the start of its block; those of the others begin at the start
 *
 * Both ends are reached in O(1). Element n is found by walking the counts in the ring from the nearer end: with chunks of 8 KiB and elements of 10
 * bytes that is one step of 8 bytes for 700 elements, some 60 µs in a list of 100 M. A chunk in the middle comes or goes by moving ring cells.
 * An element that comes or goes at the head moves the beginning of the listpack, at the tail its end, and nothing else.
 *
 * What goes into a chunk and when a new one begins is the caller's to decide. Chunks may be shared with somebody who reads them as they were
 * (`share`): a list that changes one copies it first, a list that drops one leaves it to the reader.
 *
 * Invariants: (1) no chunk is empty; (2) the counts in the ring are exact, and their sum is the element count; (3) a chunk's ref is valid until the next
 * change of this list; (4) no byte of a chunk that is shared changes, and it has no head gap; a chunk is in exactly one list.
 */
import { type Arena, CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from './arena.js';
import { copyBytes } from './copy.js';
import {
  closeListpack,
  type ElementWriter,
  firstElement,
  initListpack,
  LISTPACK_EMPTY_BYTES,
  LISTPACK_HEADER_BYTES,
  ListpackElement,
  listpackBytes,
  nextElement,
  previousElement,
  splice,
  spliceFront,
  statedCount,
  writeListpackHeader,
} from './listpack.js';
import { type BlockReader, SharedBlocks } from './shared-blocks.js';
import { UNIT_SHIFT } from './size-classes.js';

const ELEMENTS = 0;
const CHUNKS = 1;
const FIRST = 2;
const CAPACITY = 3;
const RING = 4;
const HEAD_GAP = 5;
const CONTROL_BYTES = 24;
/** Of the ring. */
export const CHUNK_CELL_WORDS = 2;
const CELL_BYTES = CHUNK_CELL_WORDS * 4;
const CAPACITY_MIN = 4;

/** Gets a text that lies in `bytes` only during the call. */
export interface TextTaker {
  bulk(bytes: Uint8Array, start: number, length: number): void;
}

/** Texts that lie in one buffer. */
export interface TextRanges {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
}

const element = new ListpackElement();

export class ChunkList {
  /** Set by `seek`: the chunk and the element's number in it. */
  foundChunk = 0;
  foundIndex = 0;
  private readonly arena: Arena;
  private readonly words: Int32Array[];
  /** Chunks that a reader has a claim to, too. */
  readonly shared: SharedBlocks;

  constructor(arena: Arena) {
    this.arena = arena;
    this.words = arena.words;
    this.shared = new SharedBlocks(arena);
  }

  create(): Ref {
    const list = this.arena.allocate(CONTROL_BYTES);
    const ring = this.arena.allocate(CAPACITY_MIN * CELL_BYTES);
    this.set(list, ELEMENTS, 0);
    this.set(list, CHUNKS, 0);
    this.set(list, FIRST, 0);
    this.set(list, CAPACITY, CAPACITY_MIN);
    this.set(list, RING, ring);
    this.set(list, HEAD_GAP, 0);
    return list;
  }

  /** Frees the list and all its chunks. */
  destroy(list: Ref): void {
    this.shared.letAllGo(list, this.cells(list), CHUNK_CELL_WORDS);
    this.shared.forget(list);
    this.arena.free(this.get(list, RING));
    this.arena.free(list);
  }

  /** Frees up to `count` chunks of a list that nobody will read any more. @returns whether chunks are left */
  dropChunks(list: Ref, count: number): boolean {
    const chunks = this.chunkCount(list);
    const left = Math.max(0, chunks - count);
    this.shared.letAllGo(list, this.cells(list, left, chunks - left), CHUNK_CELL_WORDS);
    this.set(list, CHUNKS, left);
    return left > 0;
  }

  /** Begins to share the chunks of the list with one who reads them as they are now, whatever becomes of the list. */
  share(list: Ref): BlockReader {
    this.closeHeadGap(list);
    return this.shared.share(list);
  }

  /** @returns a copy of the ring cells of all chunks, or of `count` from number `index` on, CHUNK_CELL_WORDS each, of which the first is the chunk */
  cells(list: Ref, index = 0, count = this.chunkCount(list)): Int32Array {
    const wordCount = count * CHUNK_CELL_WORDS;
    const ring = this.get(list, RING);
    const words = this.words[ring >>> CHUNK_INDEX_SHIFT];
    const base = (ring & UNIT_MASK) << 1;
    const first = base + this.cell(list, index) * CHUNK_CELL_WORDS;
    const end = base + this.get(list, CAPACITY) * CHUNK_CELL_WORDS;
    const cells = new Int32Array(wordCount);
    const unbroken = Math.min(wordCount, end - first);
    cells.set(words.subarray(first, first + unbroken));
    cells.set(words.subarray(base, base + wordCount - unbroken), unbroken);
    return cells;
  }

  /** @returns a list of its own with the same elements */
  duplicate(list: Ref): Ref {
    const chunks = this.cells(list);
    const cells = chunks.slice();
    for (let i = 0; i < cells.length; i += CHUNK_CELL_WORDS)
      cells[i] = this.arena.allocate(this.arena.blockBytes(chunks[i]));
    for (let i = 0; i < cells.length; ) i = this.copyBlocks(chunks, cells, i);
    const copy = this.create();
    let capacity = CAPACITY_MIN;
    while (capacity * CHUNK_CELL_WORDS < cells.length) capacity *= 2;
    this.moveRing(copy, capacity);
    const ring = this.get(copy, RING);
    this.words[ring >>> CHUNK_INDEX_SHIFT].set(cells, (ring & UNIT_MASK) << 1);
    this.set(copy, CHUNKS, cells.length / CHUNK_CELL_WORDS);
    this.set(copy, ELEMENTS, this.count(list));
    this.set(copy, HEAD_GAP, this.get(list, HEAD_GAP));
    return copy;
  }

  /**
   * Copies the block of a cell, and those of the next cells as long as they lie one behind the other, as in a list that grew at its end, and their copies too:
   * in one go, which is faster.
   * @returns the cell behind them
   */
  private copyBlocks(chunks: Int32Array, copies: Int32Array, first: number): number {
    let last = first;
    while (this.isFollowed(chunks, copies, last)) last += CHUNK_CELL_WORDS;
    const start = blockStart(chunks[first]);
    const byteCount = blockStart(chunks[last]) - start + this.arena.blockBytes(chunks[last]);
    copyBytes(this.view(chunks[first]), start, this.view(copies[first]), blockStart(copies[first]), byteCount);
    return last + CHUNK_CELL_WORDS;
  }

  /** Whether the block of the next cell lies right behind that of this one, and its copy behind the copy. */
  private isFollowed(chunks: Int32Array, copies: Int32Array, cell: number): boolean {
    const next = cell + CHUNK_CELL_WORDS;
    if (next >= chunks.length) return false;
    const distance = this.arena.blockBytes(chunks[cell]) >> UNIT_SHIFT;
    return follows(chunks[next], chunks[cell], distance) && follows(copies[next], copies[cell], distance);
  }

  /** @returns bytes of all blocks */
  bytes(list: Ref): number {
    let sum = this.arena.blockBytes(list) + this.arena.blockBytes(this.get(list, RING));
    for (let i = 0; i < this.chunkCount(list); i++) sum += this.arena.blockBytes(this.chunk(list, i));
    return sum;
  }

  /** @returns number of elements */
  count(list: Ref): number {
    return this.get(list, ELEMENTS);
  }

  chunkCount(list: Ref): number {
    return this.get(list, CHUNKS);
  }

  /** @returns the block of chunk `index`, 0 to below the chunk count */
  chunk(list: Ref, index: number): Ref {
    const ring = this.get(list, RING);
    return this.words[ring >>> CHUNK_INDEX_SHIFT][((ring & UNIT_MASK) << 1) + this.cell(list, index) * 2];
  }

  /** @returns number of elements in chunk `index` */
  elementCountOf(list: Ref, index: number): number {
    const ring = this.get(list, RING);
    return this.words[ring >>> CHUNK_INDEX_SHIFT][((ring & UNIT_MASK) << 1) + this.cell(list, index) * 2 + 1];
  }

  /** @returns where in its view the listpack of chunk `index` begins */
  start(list: Ref, index: number): number {
    const start = blockStart(this.chunk(list, index));
    return index === 0 ? start + this.get(list, HEAD_GAP) : start;
  }

  /** The view in which a chunk lies. */
  view(chunk: Ref): Uint8Array {
    return this.arena.bytes[chunk >>> CHUNK_INDEX_SHIFT];
  }

  /** Finds element `index`, which is there: the result is in `foundChunk` and `foundIndex`. */
  seek(list: Ref, index: number): void {
    const control = this.words[list >>> CHUNK_INDEX_SHIFT];
    const at = (list & UNIT_MASK) << 1;
    const cells = this.words[control[at + RING] >>> CHUNK_INDEX_SHIFT];
    const counts = ((control[at + RING] & UNIT_MASK) << 1) + 1;
    const mask = control[at + CAPACITY] - 1;
    const first = control[at + FIRST];
    const count = control[at + ELEMENTS];
    if (index * 2 <= count) {
      let chunk = 0;
      let rest = index;
      for (;;) {
        const size = cells[counts + ((first + chunk) & mask) * CHUNK_CELL_WORDS];
        if (rest < size) break;
        rest -= size;
        chunk++;
      }
      this.foundChunk = chunk;
      this.foundIndex = rest;
      return;
    }
    let chunk = control[at + CHUNKS];
    let before = count;
    do before -= cells[counts + ((first + --chunk) & mask) * CHUNK_CELL_WORDS];
    while (before > index);
    this.foundChunk = chunk;
    this.foundIndex = index - before;
  }

  /** Makes a block that begins with a listpack of `elementCount` elements, which the list takes over, its chunk `index`. */
  insertChunk(list: Ref, index: number, chunk: Ref, elementCount: number): void {
    const count = this.chunkCount(list);
    if (index === 0) this.closeHeadGap(list);
    if (count === this.get(list, CAPACITY)) this.moveRing(list, count * 2);
    const capacity = this.get(list, CAPACITY);
    if (index * 2 < count) {
      this.set(list, FIRST, (this.get(list, FIRST) + capacity - 1) & (capacity - 1));
      for (let i = 0; i < index; i++) this.copyCell(list, i + 1, i);
    } else {
      for (let i = count; i > index; i--) this.copyCell(list, i - 1, i);
    }
    this.set(list, CHUNKS, count + 1);
    this.setCell(list, index, chunk, elementCount);
    this.shared.made(list, chunk);
    this.set(list, ELEMENTS, this.count(list) + elementCount);
  }

  /** Adds a chunk without elements, for the caller to fill at once, with room for `byteCount` bytes of elements. */
  insertEmptyChunk(list: Ref, index: number, byteCount: number): void {
    const chunk = this.arena.allocate(LISTPACK_EMPTY_BYTES + byteCount);
    initListpack(this.view(chunk), blockStart(chunk));
    this.insertChunk(list, index, chunk, 0);
  }

  /** Takes chunk `index` out and frees it. */
  removeChunk(list: Ref, index: number): void {
    this.removeChunks(list, index, 1);
  }

  /** @returns how many chunks from number `index` on have no more than `elementsMax` elements together */
  chunksWithin(list: Ref, index: number, elementsMax: number): number {
    const ring = this.get(list, RING);
    const cells = this.words[ring >>> CHUNK_INDEX_SHIFT];
    const base = ((ring & UNIT_MASK) << 1) + 1;
    const mask = this.get(list, CAPACITY) - 1;
    const first = this.get(list, FIRST);
    const end = this.chunkCount(list);
    let at = index;
    for (let rest = elementsMax; at < end; at++) {
      rest -= cells[base + ((first + at) & mask) * CHUNK_CELL_WORDS];
      if (rest < 0) break;
    }
    return at - index;
  }

  /** Takes `count` chunks out, from chunk `index` on, and frees them. @returns how many elements they had */
  removeChunks(list: Ref, index: number, count: number): number {
    const left = this.chunkCount(list) - count;
    const capacity = this.get(list, CAPACITY);
    const removed = this.cells(list, index, count);
    let elements = 0;
    for (let i = 1; i < removed.length; i += CHUNK_CELL_WORDS) elements += removed[i];
    this.shared.letAllGo(list, removed, CHUNK_CELL_WORDS);
    if (index === 0) this.set(list, HEAD_GAP, 0);
    if (index * 2 < left) {
      for (let i = index - 1; i >= 0; i--) this.copyCell(list, i, i + count);
      this.set(list, FIRST, (this.get(list, FIRST) + count) & (capacity - 1));
    } else {
      for (let i = index; i < left; i++) this.copyCell(list, i + count, i);
    }
    this.set(list, CHUNKS, left);
    this.set(list, ELEMENTS, this.count(list) - elements);
    let fitting = capacity;
    while (fitting > CAPACITY_MIN && left * 4 < fitting) fitting /= 2;
    if (fitting < capacity) this.moveRing(list, fitting);
    return elements;
  }

  /**
   * Puts a gap of `addedBytes` in the place of `removedBytes` at `offset` of chunk `index`; whole elements both, `countChange` more than before.
   * The gap is the caller's to fill at once. A chunk that is left without elements goes.
   * @param offset     from the start of the listpack
   * @param roomBytes  a chunk that grows and is smaller than this gets half as much more room, but not beyond it
   * @returns whether the chunk is still there
   */
  splice(
    list: Ref,
    index: number,
    offset: number,
    removedBytes: number,
    addedBytes: number,
    countChange: number,
    roomBytes: number,
  ): boolean {
    const elementCount = this.elementCountOf(list, index) + countChange;
    if (elementCount === 0) {
      this.removeChunk(list, index);
      return false;
    }
    const added = addedBytes - removedBytes;
    const isHead = index === 0 && offset === LISTPACK_HEADER_BYTES && elementCount > countChange;
    this.own(list, index);
    if (added > 0) this.makeRoom(list, index, isHead, added, roomBytes);
    const chunk = this.chunk(list, index);
    const view = this.view(chunk);
    const start = this.start(list, index);
    if (isHead) {
      this.set(list, HEAD_GAP, spliceFront(view, start, removedBytes, addedBytes, countChange) - blockStart(chunk));
    } else {
      splice(view, start, start + offset, removedBytes, addedBytes, countChange);
    }
    this.setCell(list, index, chunk, elementCount);
    this.set(list, ELEMENTS, this.count(list) + countChange);
    if (added < 0) {
      const byteCount = this.listpackBytesOf(list, index);
      if (!this.arena.fits(chunk, byteCount)) this.fit(list, index, byteCount);
    }
    return true;
  }

  /**
   * Adds the element that `writer` has encoded at an end of the list, if the chunk there may take it, is not shared, and its block has the room: what nearly
   * every push is, with each word of the list read once.
   * @param bytesMax     of a listpack before the addition
   * @param elementsMax  of a listpack after it
   * @returns number of elements in the list; 0 if it was not added, and nothing has changed
   */
  pushWithin(list: Ref, atHead: boolean, writer: ElementWriter, bytesMax: number, elementsMax: number): number {
    const control = this.words[list >>> CHUNK_INDEX_SHIFT];
    const at = (list & UNIT_MASK) << 1;
    const chunkCount = control[at + CHUNKS];
    if (chunkCount === 0) return 0;
    const cells = this.words[control[at + RING] >>> CHUNK_INDEX_SHIFT];
    const cell = endCell(control, at, atHead);
    const chunk = cells[cell];
    const bytes = this.arena.bytes[chunk >>> CHUNK_INDEX_SHIFT];
    const gap = atHead || chunkCount === 1 ? control[at + HEAD_GAP] : 0;
    const base = blockStart(chunk) + gap;
    const total = listpackBytes(bytes, base);
    const elementCount = cells[cell + 1] + 1;
    if (total > bytesMax || elementCount > elementsMax || this.shared.has(list, chunk)) return 0;
    if (atHead) {
      if (gap < writer.byteCount) return 0;
      control[at + HEAD_GAP] = gap - writer.byteCount;
      writer.write(bytes, firstElement(spliceFront(bytes, base, 0, writer.byteCount, 1)));
    } else {
      if (gap + total + writer.byteCount > this.arena.blockBytes(chunk)) return 0;
      closeListpack(bytes, base, writer.write(bytes, base + total - 1), 1);
    }
    cells[cell + 1] = elementCount;
    return ++control[at + ELEMENTS];
  }

  /**
   * Adds texts number `from` to before `to`, one after the other, at an end of the list, as far as the chunk there may take them: under the same conditions as
   * `pushWithin`, and with its sizes written once.
   * @param bytesMax     of a listpack before an addition, and the length of the text
   * @param elementsMax  of a listpack after it
   * @returns number of the first text that was not added
   */
  pushManyWithin(
    list: Ref,
    atHead: boolean,
    writer: ElementWriter,
    texts: TextRanges,
    from: number,
    to: number,
    bytesMax: number,
    elementsMax: number,
  ): number {
    const control = this.words[list >>> CHUNK_INDEX_SHIFT];
    const at = (list & UNIT_MASK) << 1;
    const chunkCount = control[at + CHUNKS];
    if (chunkCount === 0) return from;
    const cells = this.words[control[at + RING] >>> CHUNK_INDEX_SHIFT];
    const cell = endCell(control, at, atHead);
    const chunk = cells[cell];
    if (this.shared.has(list, chunk)) return from;
    const view = this.arena.bytes[chunk >>> CHUNK_INDEX_SHIFT];
    const gap = atHead || chunkCount === 1 ? control[at + HEAD_GAP] : 0;
    const base = blockStart(chunk) + gap;
    const total = listpackBytes(view, base);
    // Elements that come before it overwrite the header.
    const stated = statedCount(view, base);
    const { bytes, starts, lengths } = texts;
    const end = Math.min(to, from + elementsMax - cells[cell + 1]);
    let room = atHead ? gap : this.arena.blockBytes(chunk) - gap - total;
    let grown = total;
    let place = atHead ? firstElement(base) : base + total - 1;
    let next = from;
    for (; next < end && grown <= bytesMax - lengths[next]; next++) {
      const byteCount = writer.encode(bytes, starts[next], lengths[next]);
      if (byteCount > room) break;
      room -= byteCount;
      grown += byteCount;
      if (atHead) writer.write(view, (place -= byteCount));
      else place = writer.write(view, place);
    }
    const added = next - from;
    if (added <= 0) return from;
    if (atHead) {
      writeListpackHeader(view, base + total - grown, grown, stated, added);
      control[at + HEAD_GAP] = gap + total - grown;
    } else {
      closeListpack(view, base, place, added);
    }
    cells[cell + 1] += added;
    control[at + ELEMENTS] += added;
    return next;
  }

  /**
   * Removes the element at an end of the list, if that leaves its chunk with others and in a block that fits: what nearly every pop is. `taker` gets its
   * text before it goes.
   * @returns whether it was removed; if not, nothing has changed
   */
  popWithin(list: Ref, atHead: boolean, taker: TextTaker): boolean {
    const control = this.words[list >>> CHUNK_INDEX_SHIFT];
    const at = (list & UNIT_MASK) << 1;
    const cells = this.words[control[at + RING] >>> CHUNK_INDEX_SHIFT];
    const cell = endCell(control, at, atHead);
    const chunk = cells[cell];
    if (cells[cell + 1] < 2 || this.shared.has(list, chunk)) return false;
    const bytes = this.arena.bytes[chunk >>> CHUNK_INDEX_SHIFT];
    const gap = atHead || control[at + CHUNKS] === 1 ? control[at + HEAD_GAP] : 0;
    const base = blockStart(chunk) + gap;
    const total = listpackBytes(bytes, base);
    const end = base + total - 1;
    const place = atHead ? firstElement(base) : previousElement(bytes, end);
    const elementBytes = (atHead ? nextElement(bytes, place) : end) - place;
    if (!this.arena.fits(chunk, total - elementBytes)) return false;
    element.read(bytes, place);
    taker.bulk(element.bytes, element.start, element.length);
    if (atHead) {
      control[at + HEAD_GAP] = gap + elementBytes;
      spliceFront(bytes, base, elementBytes, 0, -1);
    } else {
      closeListpack(bytes, base, place, -1);
    }
    cells[cell + 1]--;
    control[at + ELEMENTS]--;
    return true;
  }

  /**
   * Splits chunk `index`: the elements from `offset` on become a chunk of their own behind it. Neither may be without elements.
   * @param elementsBefore how many stay
   */
  split(list: Ref, index: number, offset: number, elementsBefore: number): void {
    const source = this.view(this.chunk(list, index));
    const start = this.start(list, index);
    const tailBytes = listpackBytes(source, start) - 1 - offset;
    const tailCount = this.elementCountOf(list, index) - elementsBefore;
    const tail = this.arena.allocate(LISTPACK_EMPTY_BYTES + tailBytes);
    const view = this.view(tail);
    const base = blockStart(tail);
    initListpack(view, base);
    splice(view, base, base + LISTPACK_EMPTY_BYTES - 1, 0, tailBytes, tailCount);
    copyBytes(source, start + offset, view, base + LISTPACK_EMPTY_BYTES - 1, tailBytes);
    this.splice(list, index, offset, tailBytes, 0, -tailCount, 0);
    this.insertChunk(list, index + 1, tail, tailCount);
  }

  /** Puts the elements of the chunk behind chunk `index` to the end of that, and takes the other out. */
  join(list: Ref, index: number): void {
    const end = this.listpackBytesOf(list, index) - 1;
    const tailBytes = this.listpackBytesOf(list, index + 1) - LISTPACK_EMPTY_BYTES;
    this.splice(list, index, end, 0, tailBytes, this.elementCountOf(list, index + 1), 0);
    const source = this.view(this.chunk(list, index + 1));
    const target = this.view(this.chunk(list, index));
    copyBytes(source, firstElement(this.start(list, index + 1)), target, this.start(list, index) + end, tailBytes);
    this.removeChunk(list, index + 1);
  }

  /** Gives back the room for growth of chunk `index`, which is no end of the list any more. */
  trim(list: Ref, index: number): void {
    const byteCount = this.listpackBytesOf(list, index);
    if (byteCount * 8 <= this.arena.blockBytes(this.chunk(list, index)) * 7) this.fit(list, index, byteCount);
  }

  /** @returns bytes of the listpack of chunk `index` */
  listpackBytesOf(list: Ref, index: number): number {
    return listpackBytes(this.view(this.chunk(list, index)), this.start(list, index));
  }

  /** Makes chunk `index` one that no reader has a claim to. @returns whether it has moved */
  own(list: Ref, index: number): boolean {
    const chunk = this.chunk(list, index);
    if (!this.shared.has(list, chunk)) return false;
    this.place(list, index, this.arena.allocate(this.arena.blockBytes(chunk)), 0);
    return true;
  }

  /** Makes room in chunk `index`, which no reader has a claim to, for `added` more bytes: before its listpack if `atHead`, else behind it. */
  private makeRoom(list: Ref, index: number, atHead: boolean, added: number, roomBytes: number): void {
    const chunk = this.chunk(list, index);
    const blockBytes = this.arena.blockBytes(chunk);
    const gap = index === 0 ? this.get(list, HEAD_GAP) : 0;
    const needed = this.listpackBytesOf(list, index) + added;
    if (atHead ? added <= gap : gap + needed <= blockBytes) return;
    let target = chunk;
    if (needed > blockBytes)
      target = this.arena.allocate(needed < roomBytes ? Math.min(roomBytes, needed + (needed >> 1)) : needed);
    const free = this.arena.blockBytes(target) - needed;
    // The only chunk of a list may grow at either end.
    this.place(list, index, target, atHead ? added + (this.chunkCount(list) === 1 ? free >> 1 : free) : 0);
  }

  /** Moves chunk `index` to a block of its size. */
  private fit(list: Ref, index: number, byteCount: number): void {
    this.place(list, index, this.arena.allocate(byteCount), 0);
  }

  private closeHeadGap(list: Ref): void {
    if (this.get(list, HEAD_GAP) > 0) this.place(list, 0, this.chunk(list, 0), 0);
  }

  /** Moves the listpack of chunk `index` to `gap` bytes behind the start of `block`: its own, or another, which takes the place of that. */
  private place(list: Ref, index: number, block: Ref, gap: number): void {
    const chunk = this.chunk(list, index);
    const source = this.view(chunk);
    const start = this.start(list, index);
    const byteCount = listpackBytes(source, start);
    const target = blockStart(block) + gap;
    if (block === chunk) {
      source.copyWithin(target, start, start + byteCount);
    } else {
      copyBytes(source, start, this.view(block), target, byteCount);
      this.setCell(list, index, block, this.elementCountOf(list, index));
      this.shared.letGo(list, chunk);
      this.shared.made(list, block);
    }
    if (index === 0) this.set(list, HEAD_GAP, gap);
  }

  private moveRing(list: Ref, capacity: number): void {
    const cells = this.cells(list);
    const old = this.get(list, RING);
    const ring = this.arena.allocate(capacity * CELL_BYTES);
    this.words[ring >>> CHUNK_INDEX_SHIFT].set(cells, (ring & UNIT_MASK) << 1);
    this.arena.free(old);
    this.set(list, RING, ring);
    this.set(list, FIRST, 0);
    this.set(list, CAPACITY, capacity);
  }

  private cell(list: Ref, index: number): number {
    return (this.get(list, FIRST) + index) & (this.get(list, CAPACITY) - 1);
  }

  private setCell(list: Ref, index: number, chunk: Ref, elementCount: number): void {
    const ring = this.get(list, RING);
    const words = this.words[ring >>> CHUNK_INDEX_SHIFT];
    const base = ((ring & UNIT_MASK) << 1) + this.cell(list, index) * 2;
    words[base] = chunk;
    words[base + 1] = elementCount;
  }

  private copyCell(list: Ref, from: number, to: number): void {
    this.setCell(list, to, this.chunk(list, from), this.elementCountOf(list, from));
  }

  private get(list: Ref, word: number): number {
    return this.words[list >>> CHUNK_INDEX_SHIFT][((list & UNIT_MASK) << 1) + word];
  }

  private set(list: Ref, word: number, value: number): void {
    this.words[list >>> CHUNK_INDEX_SHIFT][((list & UNIT_MASK) << 1) + word] = value;
  }
}

/** @returns where among the words of its chunk of the arena the ring cell of the first or last chunk is; `control[at …]` is the control block */
function endCell(control: Int32Array, at: number, atHead: boolean): number {
  const position = atHead ? 0 : control[at + CHUNKS] - 1;
  const cell = (control[at + FIRST] + position) & (control[at + CAPACITY] - 1);
  return ((control[at + RING] & UNIT_MASK) << 1) + cell * 2;
}

/** Whether a block begins `distance` units behind another, in the same chunk of the arena. */
function follows(block: Ref, previous: Ref, distance: number): boolean {
  return block - previous === distance && block >>> CHUNK_INDEX_SHIFT === previous >>> CHUNK_INDEX_SHIFT;
}

/** @returns the offset of a block in its view */
export function blockStart(block: Ref): number {
  return (block & UNIT_MASK) << 3;
}
