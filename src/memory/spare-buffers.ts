/**
 * Buffers that are out of use for the moment: kept for whoever needs one of about that size next, and dropped if nobody does for a while, or if there are
 * more of them than a bound allows; then the oldest go first.
 *
 * Invariant: nobody reads or writes a spare buffer.
 */
export class SpareBuffers {
  /** Of those that are spare now. */
  byteCount = 0;
  /** In the order in which they became spare. */
  private readonly spares: Uint8Array[] = [];
  /** The first so many were spare already at the last `release`. */
  private idleCount = 0;
  /** Dropped since the last `release`. */
  private droppedBytes = 0;

  constructor(
    private readonly bytesMax: number,
    private readonly countMax: number,
  ) {}

  /** @returns the smallest of at least `byteCount` and up to `bytesMax` bytes, with whatever is in it; null if there is none */
  take(byteCount: number, bytesMax: number): Uint8Array | null {
    const { spares } = this;
    let best = -1;
    for (let i = 0; i < spares.length; i++) {
      const { length } = spares[i];
      if (length >= byteCount && length <= bytesMax && (best < 0 || length < spares[best].length)) best = i;
    }
    if (best < 0) return null;
    const [bytes] = spares.splice(best, 1);
    if (best < this.idleCount) this.idleCount--;
    this.byteCount -= bytes.length;
    return bytes;
  }

  /** Takes a buffer, all of it, that nobody reads or writes any more. */
  put(bytes: Uint8Array): void {
    if (bytes.length > this.bytesMax) {
      this.droppedBytes += bytes.length;
      return;
    }
    while (this.spares.length >= this.countMax || this.byteCount + bytes.length > this.bytesMax) this.dropOldest();
    this.spares.push(bytes);
    this.byteCount += bytes.length;
  }

  /** The length of the one that would be dropped next; 0 if there is none. */
  get oldestBytes(): number {
    return this.spares.length === 0 ? 0 : this.spares[0].length;
  }

  dropOldest(): void {
    const { length } = this.spares.shift()!;
    if (this.idleCount > 0) this.idleCount--;
    this.byteCount -= length;
    this.droppedBytes += length;
  }

  /** Drops what has been spare since the last call. To be called at intervals. @returns bytes dropped since then, for whatever reason */
  release(): number {
    for (let idle = this.idleCount; idle > 0; idle--) this.dropOldest();
    this.idleCount = this.spares.length;
    const { droppedBytes } = this;
    this.droppedBytes = 0;
    return droppedBytes;
  }
}
