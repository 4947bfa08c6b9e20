/**
 * Arena: a size-class allocator over large `ArrayBuffer` chunks, outside the garbage-collected heap. All key data lives here.
 *
 *   reference (32 bits) = | chunk index : 14 | offset in the chunk, in 8-byte units : 18 |      0 = no block
 *   chunk (2 MiB)       = 128 pages of 16 KiB, the last of which is not there: with what lies around it the buffer fills one huge page of the system
 *   slab                = 1–16 pages cut into blocks of one size class; which of them are free is kept beside them (free-blocks.ts)
 *   run                 = whole pages for one block above 64 KiB
 *   huge block          = a buffer of its own (above 512 KiB), which takes as many chunk indexes as chunks would cover it. The buffer may come from
 *                         elsewhere, as it may go elsewhere afterwards (huge-buffers.ts)
 *
 * Invariants: (1) a block never crosses its chunk's view, so a reader needs one view and one offset; (2) a page belongs to exactly one of: free,
 * one slab, one run; (3) a slab with no block in use gives its pages back at once, a chunk with no page in use its buffer, for the next chunk
 * (buffer-pool.ts); (4) `usedBytes` is the exact sum of the block sizes handed out. The content of a fresh block is undefined: callers write all
 * that they later read. Capacity is 32 GiB (14 + 18 + 3 bits).
 */
import { assert } from './assert.js';
import { BufferPool } from './buffer-pool.js';
import { FreeBlocks } from './free-blocks.js';
import { EXTENDED_BYTES_MIN, EXTENSION_SHARE, HugeBuffers } from './huge-buffers.js';
import {
  BLOCKS_PER_UNIT,
  BLOCKS_PER_UNIT_SHIFT,
  CLASS_BYTES,
  CLASS_COUNT,
  PAGE_BYTES,
  PAGE_SHIFT,
  SLAB_BLOCK_BYTES_MAX,
  SLAB_PAGES,
  sizeClassOf,
  tightClassOf,
  UNIT_SHIFT,
} from './size-classes.js';

/** A block's address; 0 is "none". May be negative as an int32: always take it apart with `>>>`. */
export type Ref = number;

const CHUNK_SHIFT = 21;
const CHUNK_BYTES = 1 << CHUNK_SHIFT;
/** `ref >>> CHUNK_INDEX_SHIFT` is the index of the chunk's views. */
export const CHUNK_INDEX_SHIFT = CHUNK_SHIFT - UNIT_SHIFT;
/** `(ref & UNIT_MASK) << 3` is the block's byte offset in the chunk's views. */
export const UNIT_MASK = (1 << CHUNK_INDEX_SHIFT) - 1;

const CHUNK_COUNT_MAX = 1 << (32 - CHUNK_INDEX_SHIFT);
const PAGES_PER_CHUNK = CHUNK_BYTES / PAGE_BYTES;
const USABLE_PAGES = PAGES_PER_CHUNK - 1;
/** What a chunk holds. */
export const CHUNK_ROOM_BYTES = USABLE_PAGES * PAGE_BYTES;
const PAGE_UNIT_SHIFT = PAGE_SHIFT - UNIT_SHIFT;
/** Above this a block gets a buffer of its own: a quarter of a chunk, so that runs find room without much waste. */
export const RUN_BYTES_MAX = 512 * 1024;

/**
 * With its header glibc maps a buffer of this length as 2 MiB exactly, and Linux makes that one huge page where it may (docs/differences.md): what
 * misses the cache does not miss the TLB, too. Nothing is forked here, so nobody has to copy huge pages.
 */
const BUFFER_BYTES = CHUNK_BYTES - 64;

/**
 * Large buffers come 16 bytes behind the start of a memory page (glibc's header): with 48 more, 64-byte blocks are cache lines. A lookup in 1 M
 * keys takes 480 ns so, else 570. Where buffers lie otherwise this is of no use, but harmless.
 */
const ALIGNMENT_BYTES = 48;
/** Before a huge block in a buffer that was made for it: room for a longer head (`shift`). */
const LEAD_BYTES = ALIGNMENT_BYTES + 512;

/** Spare chunk buffers that are kept for good. */
const SPARE_COUNT = 1;

/** What keeps no more than this may as well be in a new buffer. */
const RENEWAL_KEPT_MAX = 64 * 1024;

const PAGE_FREE = 0;
const PAGE_RUN = 255;
const HUGE = 254;

const NO_BYTES = new Uint8Array(0);
const NO_WORDS = new Int32Array(0);
const NO_VIEW = new DataView(new ArrayBuffer(0));

/** Thrown by `allocate` when the 32 GiB of references or the machine's memory are used up. */
class ArenaFullError extends Error {
  readonly code = 'SLOTMESH_ARENA_FULL';
}

export class Arena {
  /** Views of each chunk, by `ref >>> CHUNK_INDEX_SHIFT`. */
  readonly bytes: Uint8Array[] = [];
  readonly words: Int32Array[] = [];
  /** For words that lie anywhere (copyWords). */
  readonly views: DataView[] = [];
  /** Sum of the sizes of the blocks handed out. */
  usedBytes = 0;
  peakBytes = 0;
  /** Where huge blocks have their buffers from, and others may have theirs. */
  readonly hugeBuffers = new HugeBuffers();
  /** Sum of the sizes of the buffers held, without the spare ones among `hugeBuffers`. */
  private heldBytes = 0;
  blockCount = 0;
  /** Called by each `allocate` that leaves `usedBytes` above the limit; it must not touch the arena. */
  onLimitExceeded: () => void = () => {};
  private limitBytes = Number.MAX_SAFE_INTEGER;
  /** The lesser of limit and peak: what `allocate` compares with, so that it compares once. */
  private watermarkBytes = 0;

  /** Per page (chunk index × 64 + page): size class + 1, PAGE_FREE, PAGE_RUN or HUGE. */
  private pageKind: Uint8Array;
  /** Per page: first page of its slab or run. */
  private pageHead: Int32Array;
  /** Per first page: blocks in use (slab), pages (run), or chunk indexes taken (huge). */
  private headUsed: Int32Array;
  private readonly freeBlocks: FreeBlocks;
  /** Per first page of a slab: how many blocks were freed in it; and the number of the first that was never handed out, −1 = none. */
  private headFree: Int32Array;
  private headFresh: Int32Array;
  /** Slabs with room, a doubly linked list per class, by first page; −1 = end. */
  private headNext: Int32Array;
  private headPrevious: Int32Array;
  private readonly classFirst = new Int32Array(CLASS_COUNT).fill(-1);
  private readonly chunkFreePages: number[] = [];
  private readonly hugeBytes = new Map<number, number>();
  /** The huge block allocated last, if its buffer is new, by chunk; else −1. */
  private freshChunk = -1;
  /** Buffers that were made for zeros: most of their pages may never have been written, so that they are as good as new ones at the most. */
  private readonly sparse = new WeakSet<ArrayBufferLike>();
  private readonly pool = new BufferPool(BUFFER_BYTES);
  private firstChunkWithRoom = 0;

  constructor() {
    const pages = PAGES_PER_CHUNK * 64;
    this.pageKind = new Uint8Array(pages);
    this.pageHead = new Int32Array(pages);
    this.headUsed = new Int32Array(pages);
    this.freeBlocks = new FreeBlocks(pages);
    this.headFree = new Int32Array(pages);
    this.headFresh = new Int32Array(pages);
    this.headNext = new Int32Array(pages);
    this.headPrevious = new Int32Array(pages);
    // The first page is never handed out, so that no block has the reference 0.
    this.takePages(1, PAGE_RUN);
  }

  /** Sum of the sizes of the buffers held, spare ones and what blocks may grow into too. */
  get reservedBytes(): number {
    return this.heldBytes + this.hugeBuffers.spareBytes;
  }

  /**
   * @param byteCount 1 or more
   * @returns a block of at least that size, 8-byte aligned; its content is undefined
   * @throws ArenaFullError; nothing has changed then
   */
  allocate(byteCount: number): Ref {
    if (byteCount > SLAB_BLOCK_BYTES_MAX)
      return byteCount > RUN_BYTES_MAX ? this.allocateHuge(byteCount) : this.allocateRun(byteCount);
    return this.allocateOfClass(sizeClassOf(byteCount));
  }

  /** As `allocate`, for what has done growing: with no more room above the size than need be. */
  allocateTight(byteCount: number): Ref {
    return byteCount > SLAB_BLOCK_BYTES_MAX ? this.allocate(byteCount) : this.allocateOfClass(tightClassOf(byteCount));
  }

  private allocateOfClass(sizeClass: number): Ref {
    let head = this.classFirst[sizeClass];
    if (head < 0) head = this.openSlab(sizeClass);
    const blockBytes = CLASS_BYTES[sizeClass];
    this.account(blockBytes);
    this.headUsed[head]++;
    const unitCount = blockBytes >> UNIT_SHIFT;
    const freeCount = this.headFree[head];
    if (freeCount > 0) {
      const block = this.freeBlocks.take(head, sizeClass);
      this.headFree[head] = freeCount - 1;
      if (freeCount === 1 && this.headFresh[head] < 0) this.unlink(head, sizeClass);
      return ((head << PAGE_UNIT_SHIFT) + block * unitCount) | 0;
    }
    const index = this.headFresh[head];
    const ref = (head << PAGE_UNIT_SHIFT) + index * unitCount;
    const slabBytes = SLAB_PAGES[sizeClass] << PAGE_SHIFT;
    if ((index + 2) * blockBytes <= slabBytes) {
      this.headFresh[head] = index + 1;
    } else {
      this.headFresh[head] = -1;
      this.unlink(head, sizeClass);
    }
    return ref | 0;
  }

  /** Gives a block back. Its bytes may be overwritten at once. */
  free(ref: Ref): void {
    const page = ref >>> PAGE_UNIT_SHIFT;
    const kind = this.pageKind[page];
    if (kind === PAGE_RUN) return this.freeRun(page);
    if (kind === HUGE) return this.freeHuge(ref);
    assert(kind !== PAGE_FREE, 'a freed block belongs to a slab, a run or a huge buffer');
    const sizeClass = kind - 1;
    const head = this.pageHead[page];
    const blockBytes = CLASS_BYTES[sizeClass];
    this.usedBytes -= blockBytes;
    this.blockCount--;
    const freeCount = this.headFree[head];
    const wasFull = freeCount === 0 && this.headFresh[head] < 0;
    const used = --this.headUsed[head];
    if (used === 0) {
      if (!wasFull) this.unlink(head, sizeClass);
      this.closeSlab(head, sizeClass);
      return;
    }
    const units = (ref - (head << PAGE_UNIT_SHIFT)) | 0;
    this.freeBlocks.put(head, Math.imul(units, BLOCKS_PER_UNIT[sizeClass]) >>> BLOCKS_PER_UNIT_SHIFT, sizeClass);
    this.headFree[head] = freeCount + 1;
    if (wasFull) this.link(head, sizeClass);
  }

  /**
   * Gives the blocks `refs[0]`, `refs[stride]`, … back. If those that follow each other are all that is in use of a slab, it is given back as a whole.
   */
  freeAll(refs: Int32Array, stride: number): void {
    for (let at = 0; at < refs.length; ) {
      const page = refs[at] >>> PAGE_UNIT_SHIFT;
      const head = this.pageHead[page];
      const kind = this.pageKind[page];
      let end = at + stride;
      while (end < refs.length && this.pageHead[refs[end] >>> PAGE_UNIT_SHIFT] === head) end += stride;
      const count = (end - at) / stride;
      if (kind < HUGE && count === this.headUsed[head]) this.freeSlab(head, kind - 1);
      else for (let i = at; i < end; i += stride) this.free(refs[i]);
      at = end;
    }
  }

  /** @returns bytes that the block really has: at least what was asked for. */
  blockBytes(ref: Ref): number {
    const page = ref >>> PAGE_UNIT_SHIFT;
    const kind = this.pageKind[page];
    if (kind === PAGE_RUN) return this.headUsed[page] << PAGE_SHIFT;
    if (kind === HUGE) return this.hugeBytes.get(ref >>> CHUNK_INDEX_SHIFT)!;
    return CLASS_BYTES[kind - 1];
  }

  /** @returns whether the block can hold `byteCount` bytes and is no more than twice as large: then it is worth keeping. */
  fits(ref: Ref, byteCount: number): boolean {
    const blockBytes = this.blockBytes(ref);
    return byteCount <= blockBytes && byteCount * 2 + 16 >= blockBytes;
  }

  /** Makes a block longer where it is, as far as its buffer goes; its content stays. @returns whether it now holds `byteCount` bytes, more than before */
  extend(ref: Ref, byteCount: number): boolean {
    if (!this.isHuge(ref)) return false;
    const chunk = ref >>> CHUNK_INDEX_SHIFT;
    if (byteCount <= this.hugeBytes.get(chunk)! || byteCount > this.bytes[chunk].length) return false;
    this.resizeHuge(chunk, byteCount);
    return true;
  }

  /** Whether a block of that size has a buffer of its own. */
  static isHugeSize(byteCount: number): boolean {
    return byteCount > RUN_BYTES_MAX;
  }

  /** Whether the block has a buffer of its own, from its first byte on. */
  isHuge(ref: Ref): boolean {
    return this.pageKind[ref >>> PAGE_UNIT_SHIFT] === HUGE;
  }

  /**
   * Makes a block that `allocate` has just given zeros behind its first `keptBytes`, if that takes no filling: its buffer is a new one from the system, whose
   * pages take neither time nor memory until they are written, or gets replaced by such a one: the views are other ones then.
   * @returns whether it is zeros there
   */
  renew(ref: Ref, keptBytes: number): boolean {
    const chunk = ref >>> CHUNK_INDEX_SHIFT;
    if (chunk === this.freshChunk) {
      this.sparse.add(this.bytes[chunk].buffer);
      return true;
    }
    if (!this.isHuge(ref) || keptBytes > RENEWAL_KEPT_MAX || this.hugeBytes.get(chunk)! <= EXTENDED_BYTES_MIN)
      return false;
    const old = this.bytes[chunk];
    this.install(chunk, this.newBuffer(old.length), LEAD_BYTES, old.length);
    this.bytes[chunk].set(old.subarray(0, keptBytes));
    this.letGo(old);
    this.freshChunk = chunk;
    this.sparse.add(this.bytes[chunk].buffer);
    return true;
  }

  /**
   * @returns a huge block of which only the first `headBytes` are there until `exchangeBuffers` gives it the buffer of another: which costs next to nothing
   */
  allocateHead(byteCount: number, headBytes: number): Ref {
    const rounded = Arena.roundedBytes(byteCount);
    assert(rounded > RUN_BYTES_MAX, 'the block is a huge one');
    const length = Math.ceil(headBytes / 8) * 8;
    return this.openHuge(this.findFreeIndexes(indexesFor(rounded)), rounded, new ArrayBuffer(length), 0, length);
  }

  /** Whether `shift` can do this. */
  canShift(ref: Ref, delta: number, byteCount: number): boolean {
    if (!this.isHuge(ref) || !Arena.isHugeSize(byteCount) || delta % 4 !== 0) return false;
    const { byteOffset, length } = this.bytes[ref >>> CHUNK_INDEX_SHIFT];
    return byteOffset + delta >= 0 && byteCount <= length - delta;
  }

  /**
   * Has a huge block begin `delta` bytes later in its buffer (earlier, if negative) and hold `byteCount` bytes from there on. All bytes stay where they are;
   * the views are other ones then. Only if `canShift` says so.
   */
  shift(ref: Ref, delta: number, byteCount: number): void {
    const chunk = ref >>> CHUNK_INDEX_SHIFT;
    const { buffer, byteOffset, length } = this.bytes[chunk];
    this.heldBytes -= length;
    this.install(chunk, buffer as ArrayBuffer, byteOffset + delta, length - delta);
    this.resizeHuge(chunk, byteCount);
  }

  /** A huge block is to hold so many bytes, which its buffer has. */
  private resizeHuge(chunk: number, byteCount: number): void {
    const blockBytes = Math.min(Arena.roundedBytes(byteCount), this.bytes[chunk].length);
    const held = this.hugeBytes.get(chunk)!;
    this.hugeBytes.set(chunk, blockBytes);
    this.addUsed(blockBytes - held);
  }

  /** Gives each of two huge blocks the buffer of the other: content and length. */
  exchangeBuffers(ref: Ref, other: Ref): void {
    const a = ref >>> CHUNK_INDEX_SHIFT;
    const b = other >>> CHUNK_INDEX_SHIFT;
    [this.bytes[a], this.bytes[b]] = [this.bytes[b], this.bytes[a]];
    [this.words[a], this.words[b]] = [this.words[b], this.words[a]];
    [this.views[a], this.views[b]] = [this.views[b], this.views[a]];
    const held = this.hugeBytes.get(a)!;
    this.hugeBytes.set(a, this.hugeBytes.get(b)!);
    this.hugeBytes.set(b, held);
  }

  /**
   * Makes a buffer that nobody else reads or writes any more the buffer of a new huge block of `byteCount` bytes, which begins at `bytes[start]`. So what
   * has just arrived need not be copied.
   * @returns 0 if that cannot be: the buffer must be long enough, but not much longer, and `start` a word's
   * @throws ArenaFullError; nothing has changed then
   */
  adopt(bytes: Uint8Array, start: number, byteCount: number): Ref {
    const rounded = Arena.roundedBytes(byteCount);
    const at = bytes.byteOffset + start;
    const length = wholeWords(bytes.length - start);
    if (rounded <= RUN_BYTES_MAX || start < 0 || at % 4 !== 0) return 0;
    if (length < rounded || bytes.buffer.byteLength > HugeBuffers.roomMax(rounded)) return 0;
    const chunk = this.findFreeIndexes(indexesFor(length));
    return this.openHuge(chunk, rounded, bytes.buffer as ArrayBuffer, at, length);
  }

  /** @returns bytes that a request of `byteCount` would take. */
  static roundedBytes(byteCount: number): number {
    if (byteCount <= SLAB_BLOCK_BYTES_MAX) return CLASS_BYTES[sizeClassOf(byteCount)];
    return Math.ceil(byteCount / PAGE_BYTES) * PAGE_BYTES;
  }

  /** @returns bytes that `allocateTight` takes for a request of `byteCount`. */
  static tightBytes(byteCount: number): number {
    return byteCount <= SLAB_BLOCK_BYTES_MAX ? CLASS_BYTES[tightClassOf(byteCount)] : Arena.roundedBytes(byteCount);
  }

  /** Sets what `usedBytes` should not exceed; if it does already, that is told at once. Nothing is refused. */
  setLimit(byteCount: number): void {
    this.limitBytes = byteCount;
    this.passWatermark();
  }

  /**
   * Gives buffers that held no block since the last call back to the system, all but one. To be called at intervals.
   * @param count up to so many of them: some 0.1 ms for each MiB, in another thread
   */
  releaseBuffers(count: number): void {
    this.pool.noteDropped(this.hugeBuffers.release());
    this.heldBytes -= this.pool.release(count, SPARE_COUNT) * CHUNK_ROOM_BYTES;
  }

  /** Bytes of other buffers were dropped, that the engine is to free with the arena's. */
  noteDropped(byteCount: number): void {
    this.pool.noteDropped(byteCount);
  }

  private account(blockBytes: number): void {
    this.blockCount++;
    this.addUsed(blockBytes);
  }

  private addUsed(byteCount: number): void {
    this.usedBytes += byteCount;
    if (this.usedBytes > this.watermarkBytes) this.passWatermark();
  }

  private passWatermark(): void {
    if (this.usedBytes > this.peakBytes) this.peakBytes = this.usedBytes;
    if (this.usedBytes > this.limitBytes) this.onLimitExceeded();
    this.watermarkBytes = Math.min(this.peakBytes, this.limitBytes);
  }

  /** Gives all blocks of a slab back that are in use. */
  private freeSlab(head: number, sizeClass: number): void {
    const count = this.headUsed[head];
    this.usedBytes -= count * CLASS_BYTES[sizeClass];
    this.blockCount -= count;
    this.headUsed[head] = 0;
    const isFull = this.headFree[head] === 0 && this.headFresh[head] < 0;
    if (!isFull) this.unlink(head, sizeClass);
    this.closeSlab(head, sizeClass);
  }

  /** Gives back the pages of a slab without a block in use. */
  private closeSlab(head: number, sizeClass: number): void {
    this.freeBlocks.close(head, sizeClass);
    this.releasePages(head, SLAB_PAGES[sizeClass]);
  }

  private openSlab(sizeClass: number): number {
    const pages = SLAB_PAGES[sizeClass];
    const head = this.takePages(pages, sizeClass + 1);
    this.headUsed[head] = 0;
    this.headFree[head] = 0;
    this.headFresh[head] = 0;
    this.link(head, sizeClass);
    return head;
  }

  private link(head: number, sizeClass: number): void {
    const first = this.classFirst[sizeClass];
    this.headNext[head] = first;
    this.headPrevious[head] = -1;
    if (first >= 0) this.headPrevious[first] = head;
    this.classFirst[sizeClass] = head;
  }

  private unlink(head: number, sizeClass: number): void {
    const next = this.headNext[head];
    const previous = this.headPrevious[head];
    if (previous >= 0) this.headNext[previous] = next;
    else this.classFirst[sizeClass] = next;
    if (next >= 0) this.headPrevious[next] = previous;
  }

  private allocateRun(byteCount: number): Ref {
    const pages = Math.ceil(byteCount / PAGE_BYTES);
    const head = this.takePages(pages, PAGE_RUN);
    this.headUsed[head] = pages;
    this.account(pages << PAGE_SHIFT);
    return (head << PAGE_UNIT_SHIFT) | 0;
  }

  private freeRun(page: number): void {
    const pages = this.headUsed[page];
    this.usedBytes -= pages << PAGE_SHIFT;
    this.blockCount--;
    this.releasePages(page, pages);
  }

  private allocateHuge(byteCount: number): Ref {
    const rounded = Arena.roundedBytes(byteCount);
    const spare = this.hugeBuffers.takeSpare(rounded + LEAD_BYTES);
    if (spare !== null) {
      const length = wholeWords(spare.length - LEAD_BYTES);
      const chunk = this.findFreeIndexes(indexesFor(length));
      return this.openHuge(chunk, rounded, spare.buffer as ArrayBuffer, LEAD_BYTES, length);
    }
    // What an extension costs are references: only while at most half of them are in use.
    const isExtensible = rounded > EXTENDED_BYTES_MIN && this.bytes.length <= CHUNK_COUNT_MAX / 2;
    const extension = isExtensible ? Math.ceil((rounded * EXTENSION_SHARE) / PAGE_BYTES) * PAGE_BYTES : 0;
    const length = rounded + extension;
    const chunk = this.findFreeIndexes(indexesFor(length));
    const ref = this.openHuge(chunk, rounded, this.newBuffer(length), LEAD_BYTES, length);
    this.freshChunk = chunk;
    return ref;
  }

  /** Makes a huge block at free indexes from `chunk` on, in a buffer of which it may use `length` bytes from `at` on. */
  private openHuge(chunk: number, rounded: number, buffer: ArrayBuffer, at: number, length: number): Ref {
    this.install(chunk, buffer, at, length);
    // Those of a head, too, are for all of the block.
    const indexCount = indexesFor(Math.max(length, rounded));
    for (let index = chunk; index < chunk + indexCount; index++) this.pageKind[index * PAGES_PER_CHUNK] = HUGE;
    this.headUsed[chunk * PAGES_PER_CHUNK] = indexCount;
    this.hugeBytes.set(chunk, rounded);
    this.freshChunk = -1;
    this.account(rounded);
    return (chunk << CHUNK_INDEX_SHIFT) | 0;
  }

  private freeHuge(ref: Ref): void {
    const chunk = ref >>> CHUNK_INDEX_SHIFT;
    const rounded = this.hugeBytes.get(chunk)!;
    const indexCount = this.headUsed[chunk * PAGES_PER_CHUNK];
    const bytes = this.bytes[chunk];
    this.hugeBytes.delete(chunk);
    this.usedBytes -= rounded;
    this.blockCount--;
    this.letGo(bytes);
    if (this.freshChunk === chunk) this.freshChunk = -1;
    for (let index = chunk; index < chunk + indexCount; index++) this.forgetChunk(index);
  }

  /** The buffer of these bytes is no block's any more. */
  private letGo(bytes: Uint8Array): void {
    this.heldBytes -= bytes.length;
    if (bytes.length <= RUN_BYTES_MAX || this.sparse.has(bytes.buffer)) this.pool.noteDropped(bytes.length);
    else this.hugeBuffers.put(bytes);
  }

  /** Finds `pages` adjacent free pages in one chunk and marks them as `kind`. @returns the first page */
  private takePages(pages: number, kind: number): number {
    for (let chunk = this.firstChunkWithRoom; chunk < this.bytes.length; chunk++) {
      const freePages = this.chunkFreePages[chunk];
      if (freePages === 0) {
        if (chunk === this.firstChunkWithRoom) this.firstChunkWithRoom++;
        continue;
      }
      if (freePages < pages || this.bytes[chunk].length === 0) continue;
      const page = this.findRun(chunk, pages);
      if (page >= 0) return this.markPages(chunk, page, pages, kind);
    }
    const chunk = this.findFreeIndexes(1);
    this.install(chunk, this.takeChunkBuffer(), ALIGNMENT_BYTES, CHUNK_ROOM_BYTES);
    this.chunkFreePages[chunk] = USABLE_PAGES;
    if (chunk < this.firstChunkWithRoom) this.firstChunkWithRoom = chunk;
    return this.markPages(chunk, chunk * PAGES_PER_CHUNK, pages, kind);
  }

  private findRun(chunk: number, pages: number): number {
    const first = chunk * PAGES_PER_CHUNK;
    const end = first + USABLE_PAGES;
    let length = 0;
    for (let page = first; page < end; page++) {
      length = this.pageKind[page] === PAGE_FREE ? length + 1 : 0;
      if (length === pages) return page - pages + 1;
    }
    return -1;
  }

  private markPages(chunk: number, first: number, pages: number, kind: number): number {
    this.chunkFreePages[chunk] -= pages;
    for (let page = first; page < first + pages; page++) {
      this.pageKind[page] = kind;
      this.pageHead[page] = first;
    }
    return first;
  }

  private releasePages(first: number, pages: number): void {
    const chunk = (first / PAGES_PER_CHUNK) | 0;
    for (let page = first; page < first + pages; page++) this.pageKind[page] = PAGE_FREE;
    this.chunkFreePages[chunk] += pages;
    if (chunk < this.firstChunkWithRoom) this.firstChunkWithRoom = chunk;
    if (this.chunkFreePages[chunk] < USABLE_PAGES) return;
    this.pool.put(this.bytes[chunk].buffer as ArrayBuffer);
    this.forgetChunk(chunk);
  }

  private forgetChunk(chunk: number): void {
    this.bytes[chunk] = NO_BYTES;
    this.words[chunk] = NO_WORDS;
    this.views[chunk] = NO_VIEW;
    this.chunkFreePages[chunk] = 0;
    this.pageKind[chunk * PAGES_PER_CHUNK] = PAGE_FREE;
  }

  /** @returns the first of `count` adjacent chunk indexes without a buffer. Index runs are needed only for huge blocks, so a scan will do. */
  private findFreeIndexes(count: number): number {
    let length = 0;
    let found = this.bytes.length;
    for (let index = 0; index < this.bytes.length; index++) {
      const isFree = this.bytes[index].length === 0 && this.pageKind[index * PAGES_PER_CHUNK] === PAGE_FREE;
      length = isFree ? length + 1 : 0;
      if (length === count) {
        found = index - count + 1;
        break;
      }
    }
    if (found + count > CHUNK_COUNT_MAX)
      throw new ArenaFullError(`no room for ${count} more MiB: ${found} MiB of references are in use`);
    this.growPageTables(found + count);
    return found;
  }

  private growPageTables(chunkCount: number): void {
    while (this.bytes.length < chunkCount) {
      this.bytes.push(NO_BYTES);
      this.words.push(NO_WORDS);
      this.views.push(NO_VIEW);
      this.chunkFreePages.push(0);
    }
    const pages = chunkCount * PAGES_PER_CHUNK;
    if (pages <= this.pageKind.length) return;
    const size = Math.max(pages, this.pageKind.length * 2);
    const kind = new Uint8Array(size);
    kind.set(this.pageKind);
    this.pageKind = kind;
    const grown = (old: Int32Array): Int32Array => {
      const words = new Int32Array(size);
      words.set(old);
      return words;
    };
    this.pageHead = grown(this.pageHead);
    this.headUsed = grown(this.headUsed);
    this.freeBlocks.extend(size);
    this.headFree = grown(this.headFree);
    this.headFresh = grown(this.headFresh);
    this.headNext = grown(this.headNext);
    this.headPrevious = grown(this.headPrevious);
  }

  /** @returns a chunk's buffer, counted if it is new */
  private takeChunkBuffer(): ArrayBuffer {
    // The pool's spare ones are held, too.
    if (this.pool.count > 0) this.heldBytes -= CHUNK_ROOM_BYTES;
    try {
      return this.pool.take();
    } catch (cause) {
      throw new ArenaFullError(`the system gave no ${BUFFER_BYTES} bytes`, { cause });
    }
  }

  private newBuffer(byteCount: number): ArrayBuffer {
    const wholeBytes = byteCount + LEAD_BYTES;
    this.hugeBuffers.noteFresh(wholeBytes);
    try {
      return new ArrayBuffer(wholeBytes);
    } catch (cause) {
      throw new ArenaFullError(`the system gave no ${byteCount} bytes`, { cause });
    }
  }

  private install(chunk: number, buffer: ArrayBuffer, at: number, length: number): void {
    this.bytes[chunk] = new Uint8Array(buffer, at, length);
    this.words[chunk] = new Int32Array(buffer, at, length / 4);
    this.views[chunk] = new DataView(buffer, at, length);
    this.heldBytes += length;
  }
}

/** @returns how many chunk indexes a huge block of that length takes */
function indexesFor(byteCount: number): number {
  return Math.ceil(byteCount / CHUNK_BYTES);
}

/** @returns so many bytes of a buffer as can be read as words */
function wholeWords(byteCount: number): number {
  return byteCount - (byteCount % 4);
}
