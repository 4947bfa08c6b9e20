/**
 * Large buffers of replies: lent to transports that still send what is in them, kept for the next large reply when they are back, and dropped if none
 * comes for a while. Large requests on their way in come and go by the same buffers, but for those of which a huge value may come. Buffers too large to be
 * kept here are kept with those of huge values.
 *
 * Each memory page of a fresh buffer costs more (an interrupt, and clearing it) than filling it does, and a few fresh buffers of some MiB make the garbage
 * collector come: together a third of what a DUMP of 5 MB takes.
 *
 * Invariant: spare buffers have SPARE_BYTES_MAX bytes together at most, but for the huge ones.
 */
import { EXTENDED_BYTES_MIN, type HugeBuffers } from '../memory/huge-buffers.js';
import { makeReadBuffer } from '../memory/read-buffer.js';
import { SpareBuffers } from '../memory/spare-buffers.js';

/** What is longer than that is a huge buffer. */
const SPARE_BYTES_MAX = EXTENDED_BYTES_MIN;
const SPARE_COUNT_MAX = 64;

export class ReplyBuffers {
  private readonly spares = new SpareBuffers(SPARE_BYTES_MAX, SPARE_COUNT_MAX);
  private readonly huge: HugeBuffers;
  /** Buffers lent, and how many transports still read each. */
  private readonly lent = new Map<ArrayBufferLike, { readonly whole: Uint8Array; readers: number }>();

  constructor(huge: HugeBuffers) {
    this.huge = huge;
  }

  /** @returns a spare buffer of at least `byteCount` bytes and, unless it is a huge one, up to `bytesMax`, with whatever is in it; or a new one */
  take(byteCount: number, bytesMax = Number.POSITIVE_INFINITY): Uint8Array {
    if (byteCount > SPARE_BYTES_MAX) return this.huge.take(byteCount);
    return this.spares.take(byteCount, bytesMax) ?? makeReadBuffer(byteCount);
  }

  /** Takes a buffer that nobody reads or writes any more. */
  put(bytes: Uint8Array): void {
    if (bytes.length > SPARE_BYTES_MAX) this.huge.put(bytes);
    else this.spares.put(bytes);
  }

  /** A transport reads `bytes`, or a part of it, until `giveBack`. */
  lend(bytes: Uint8Array): void {
    const loan = this.lent.get(bytes.buffer);
    if (loan === undefined) this.lent.set(bytes.buffer, { whole: bytes, readers: 1 });
    else loan.readers++;
  }

  /** One transport less reads the buffer that `part` is of; those not lent do not matter. */
  giveBack(part: Uint8Array): void {
    const loan = this.lent.get(part.buffer);
    if (loan === undefined || --loan.readers > 0) return;
    this.lent.delete(part.buffer);
    this.put(loan.whole);
  }

  /** Drops what has been spare since the last call, but for huge ones. To be called at intervals. @returns bytes dropped since then */
  release(): number {
    return this.spares.release();
  }
}
