/**
 * The ID of a stream entry: two unsigned 64-bit integers, `ms` and `seq`, each as two int32 halves (exact where a double is not; and no bigint is made
 * for each entry that is read). IDs are compared as unsigned numbers, `ms` first.
 */

/** An ID in memory: `msHigh`, `msLow`, `seqHigh`, `seqLow`. */
export const ID_WORDS = 4;

const SIGN = 0x80000000;
const TWO_32 = 4294967296;

export class StreamId {
  msHigh = 0;
  msLow = 0;
  seqHigh = 0;
  seqLow = 0;

  set(msHigh: number, msLow: number, seqHigh: number, seqLow: number): void {
    this.msHigh = msHigh;
    this.msLow = msLow;
    this.seqHigh = seqHigh;
    this.seqLow = seqLow;
  }

  copy(other: StreamId): void {
    this.msHigh = other.msHigh;
    this.msLow = other.msLow;
    this.seqHigh = other.seqHigh;
    this.seqLow = other.seqLow;
  }

  /** Becomes `ms`-0. @param ms a safe integer, 0 or more */
  setMs(ms: number): void {
    this.set((ms / TWO_32) | 0, ms | 0, 0, 0);
  }

  /** Becomes 0-0. */
  setMin(): void {
    this.set(0, 0, 0, 0);
  }

  setMax(): void {
    this.set(-1, -1, -1, -1);
  }

  get isZero(): boolean {
    return (this.msHigh | this.msLow | this.seqHigh | this.seqLow) === 0;
  }

  get isMax(): boolean {
    return (this.msHigh & this.msLow & this.seqHigh & this.seqLow) === -1;
  }

  get hasMaxSeq(): boolean {
    return (this.seqHigh & this.seqLow) === -1;
  }

  /** Becomes the next ID. @returns false if there is none: then it stays */
  increment(): boolean {
    if (!this.hasMaxSeq) {
      this.seqLow = (this.seqLow + 1) | 0;
      if (this.seqLow === 0) this.seqHigh = (this.seqHigh + 1) | 0;
      return true;
    }
    if ((this.msHigh & this.msLow) === -1) return false;
    this.msLow = (this.msLow + 1) | 0;
    if (this.msLow === 0) this.msHigh = (this.msHigh + 1) | 0;
    this.seqHigh = 0;
    this.seqLow = 0;
    return true;
  }

  /** Becomes the ID before. @returns false if there is none: then it stays */
  decrement(): boolean {
    if ((this.seqHigh | this.seqLow) !== 0) {
      if (this.seqLow === 0) this.seqHigh = (this.seqHigh - 1) | 0;
      this.seqLow = (this.seqLow - 1) | 0;
      return true;
    }
    if ((this.msHigh | this.msLow) === 0) return false;
    if (this.msLow === 0) this.msHigh = (this.msHigh - 1) | 0;
    this.msLow = (this.msLow - 1) | 0;
    this.seqHigh = -1;
    this.seqLow = -1;
    return true;
  }
}

/** @returns negative, 0 or positive */
export function compareIds(a: StreamId, b: StreamId): number {
  if (a.msHigh !== b.msHigh) return compareHalves(a.msHigh, b.msHigh);
  if (a.msLow !== b.msLow) return compareHalves(a.msLow, b.msLow);
  if (a.seqHigh !== b.seqHigh) return compareHalves(a.seqHigh, b.seqHigh);
  if (a.seqLow !== b.seqLow) return compareHalves(a.seqLow, b.seqLow);
  return 0;
}

/** Compares the ID at `words[at, at + 4)` with `id`. @returns negative, 0 or positive */
export function compareIdAt(words: Int32Array, at: number, id: StreamId): number {
  if (words[at] !== id.msHigh) return compareHalves(words[at], id.msHigh);
  if (words[at + 1] !== id.msLow) return compareHalves(words[at + 1], id.msLow);
  if (words[at + 2] !== id.seqHigh) return compareHalves(words[at + 2], id.seqHigh);
  if (words[at + 3] !== id.seqLow) return compareHalves(words[at + 3], id.seqLow);
  return 0;
}

export function readIdAt(words: Int32Array, at: number, into: StreamId): void {
  into.set(words[at], words[at + 1], words[at + 2], words[at + 3]);
}

export function writeIdAt(words: Int32Array, at: number, id: StreamId): void {
  words[at] = id.msHigh;
  words[at + 1] = id.msLow;
  words[at + 2] = id.seqHigh;
  words[at + 3] = id.seqLow;
}

/** Halves that differ, as unsigned numbers. */
function compareHalves(a: number, b: number): number {
  return (a ^ SIGN) < (b ^ SIGN) ? -1 : 1;
}
