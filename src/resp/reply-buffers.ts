/**
 * Large buffers of replies: lent to transports that still send what is in them, kept for the next large reply when they are back, and dropped if none
 * comes for a while. Large requests on their way in come and go by the same buffers.
 *
 * Each memory page of a fresh buffer costs more (an interrupt, and clearing it) than filling it does, and a few fresh buffers of some MiB make the garbage
 * collector come: together a third of what a DUMP of 5 MB takes.
 *
 * Invariants: (1) nobody reads a spare buffer; (2) spare buffers have SPARE_BYTES_MAX bytes together at most.
 */

const SPARE_BYTES_MAX = 32 << 20;

export class ReplyBuffers {
  private spares: Uint8Array[] = [];
  private spareBytes = 0;
  /** The first so many were spare already at the last `release`. */
  private idleCount = 0;
  /** Buffers lent, and how many transports still read each. */
  private readonly lent = new Map<ArrayBufferLike, { readonly whole: Uint8Array; readers: number }>();

  /** @returns the smallest spare buffer of at least `byteCount` and up to `bytesMax` bytes, with whatever is in it, or a new one of `byteCount` */
  take(byteCount: number, bytesMax = Number.POSITIVE_INFINITY): Uint8Array {
    let best = -1;
    for (const [i, { length }] of this.spares.entries())
      if (length >= byteCount && length <= bytesMax && (best < 0 || length < this.spares[best].length)) best = i;
    if (best < 0) return new Uint8Array(byteCount);
    const [bytes] = this.spares.splice(best, 1);
    if (best < this.idleCount) this.idleCount--;
    this.spareBytes -= bytes.length;
    return bytes;
  }

  /** Takes a buffer that nobody reads or writes any more. */
  put(bytes: Uint8Array): void {
    if (this.spareBytes + bytes.length > SPARE_BYTES_MAX) return;
    this.spares.push(bytes);
    this.spareBytes += bytes.length;
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

  /** Drops what has been spare since the last call. To be called at intervals. @returns bytes dropped */
  release(): number {
    const idle = this.spares.splice(0, this.idleCount);
    const bytes = idle.reduce((sum, { length }) => sum + length, 0);
    this.spareBytes -= bytes;
    this.idleCount = this.spares.length;
    return bytes;
  }
}
