/**
 * What others send to a connection within one turn, in order: ranges of bytes that do not change any more and may be shared.
 *
 * Ranges that follow one another in the same bytes, as the messages of a channel do that one connection alone listens to, are one: they leave as they lie.
 * Nearly always there is no more than that one range, which needs no list.
 */
import { copyBytes } from '../memory/copy.js';

interface Range {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export class Outbox {
  byteCount = 0;
  /** The last range, `bytes[start … end)`; null for none. */
  private bytes: Uint8Array | null = null;
  private start = 0;
  private end = 0;
  /** Those before it; null if there never were any. */
  private earlier: Range[] | null = null;

  /** Adds `bytes[start … end)`. @returns whether it is the first since the last `take` */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    this.byteCount += end - start;
    if (this.bytes === bytes && this.end === start) {
      this.end = end;
      return false;
    }
    const isFirst = this.bytes === null;
    if (this.bytes !== null) {
      this.earlier ??= [];
      this.earlier.push({ bytes: this.bytes, start: this.start, end: this.end });
    }
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    return isFirst;
  }

  /** Takes everything out. @returns it as one; null for nothing */
  take(views: RangeView): Uint8Array | null {
    const { bytes, start, end, earlier } = this;
    if (bytes === null) return null;
    const whole = earlier === null ? views.of(bytes, start, end) : this.concatenate(bytes, earlier);
    this.bytes = null;
    this.earlier = null;
    this.byteCount = 0;
    return whole;
  }

  private concatenate(last: Uint8Array, earlier: readonly Range[]): Uint8Array {
    const whole = Buffer.allocUnsafe(this.byteCount);
    let at = 0;
    for (const { bytes, start, end } of earlier) {
      copyBytes(bytes, start, whole, at, end - start);
      at += end - start;
    }
    copyBytes(last, this.start, whole, at, this.end - this.start);
    return whole;
  }
}

/** The view of a range that was asked for last: those who get the same message leave with the same view. */
export class RangeView {
  private bytes: Uint8Array = NO_BYTES;
  private start = 0;
  private view: Uint8Array = NO_BYTES;

  /** @returns a view of `bytes[start … end)` */
  of(bytes: Uint8Array, start: number, end: number): Uint8Array {
    if (this.bytes !== bytes || this.start !== start || this.view.length !== end - start) {
      this.bytes = bytes;
      this.start = start;
      this.view = bytes.subarray(start, end);
    }
    return this.view;
  }

  forget(): void {
    this.bytes = NO_BYTES;
    this.view = NO_BYTES;
  }
}

const NO_BYTES = new Uint8Array(0);
