/**
 * Buffers for what is large enough to have one of its own: huge blocks of the arena, and requests and replies of that size.
 *
 * A fresh buffer of that size is made of memory pages that the system has to find and clear, each in an interrupt when it is first written: half of the
 * time that a COPY of 64 MB takes, and of the engine some ms more, as it collects garbage for so large a buffer. So what is freed is kept for a few seconds
 * (SpareBuffers), while the next of that size may well come.
 *
 * What this may cost is bounded three times. A spare buffer goes only to what fits well (`roomMax`). There are SPARE_BYTES_MAX of them at most. And they make
 * room for what nobody needed before: for each fresh buffer spare ones are dropped, as far as it is as large as they are. So memory that grows (a
 * bit map that outgrows its buffers, many values being restored) grows as if there were no spare ones.
 */
import { constants } from 'node:buffer';
import { readBufferIn, SHIFT_BYTES } from './read-buffer.js';
import { SpareBuffers } from './spare-buffers.js';

/** The longest that the engine makes. */
const BYTES_MAX = constants.MAX_LENGTH;
/** Three values of 64 MB with the room into which they may grow: an old value, a new one, and a reply or request. */
const SPARE_BYTES_MAX = 256 << 20;
/**
 * What is longer than this gets a buffer longer by a fraction, into which a block may grow in place. So large a buffer comes from the system as pages that
 * take no memory before they are written.
 */
export const EXTENDED_BYTES_MIN = 32 << 20;
export const EXTENSION_SHARE = 1 / 4;
/** How long a buffer may be for what needs less: what is too much of it takes memory as long as the block lives. An eighth, as of small blocks. */
const ROOM_MAX = 1 + 1 / 8;
/** The same of what is extended; the rest is for a request's other words. */
const EXTENDED_ROOM_MAX = 1 + EXTENSION_SHARE + 1 / 50;
/** Looking through so many takes no time beside the smallest of these buffers. */
const SPARE_COUNT_MAX = 32;

export class HugeBuffers {
  private readonly spares = new SpareBuffers(SPARE_BYTES_MAX, SPARE_COUNT_MAX);
  /** Of fresh buffers for which no spare one was dropped, the oldest being larger than that. */
  private owedBytes = 0;

  /** Sum of the lengths of the spare ones. */
  get spareBytes(): number {
    return this.spares.byteCount;
  }

  /** @returns how long a buffer may be for what needs so many bytes */
  static roomMax(byteCount: number): number {
    return Math.floor(byteCount * (byteCount > EXTENDED_BYTES_MIN ? EXTENDED_ROOM_MAX : ROOM_MAX));
  }

  /** @returns a spare buffer that fits, with whatever is in it; null if there is none: then a fresh one is to be made */
  takeSpare(byteCount: number): Uint8Array | null {
    return this.spares.take(byteCount, HugeBuffers.roomMax(byteCount));
  }

  /** A fresh buffer is about to be made. */
  noteFresh(byteCount: number): void {
    const { spares } = this;
    this.owedBytes += byteCount;
    while (spares.oldestBytes > 0 && spares.oldestBytes <= this.owedBytes) {
      this.owedBytes -= spares.oldestBytes;
      spares.dropOldest();
    }
    if (spares.byteCount === 0) this.owedBytes = 0;
  }

  /**
   * @returns a buffer of at least that size for what is read from the system, with whatever is in it. It may become a block, so a fresh one is extended as a
   * block's is
   */
  take(byteCount: number): Uint8Array {
    const wholeBytes = byteCount + SHIFT_BYTES;
    const spare = this.takeSpare(wholeBytes);
    if (spare !== null) return readBufferIn(spare.buffer);
    this.noteFresh(wholeBytes);
    const extension = byteCount > EXTENDED_BYTES_MIN ? Math.floor(byteCount * EXTENSION_SHARE) : 0;
    return readBufferIn(new ArrayBuffer(Math.min(wholeBytes + extension, BYTES_MAX)));
  }

  /** Takes the buffer of these bytes, all of it, that nobody reads or writes any more. */
  put(bytes: Uint8Array): void {
    this.spares.put(bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes.buffer));
  }

  /** Drops what has been spare since the last call. To be called at intervals. @returns bytes dropped since then, for whatever reason */
  release(): number {
    return this.spares.release();
  }
}
