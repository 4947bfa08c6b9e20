/**
 * Many byte strings, one behind the other in one buffer: for results that must be held while they are sorted, without an object for each.
 *
 * String number i is `bytes[starts[i] … starts[i] + lengths[i])`.
 */
import { compareBytes, copyBytes } from '../memory/copy.js';

/** What grew beyond these for one large result is dropped afterwards. */
const KEPT_STRINGS = 64 * 1024;
const KEPT_BYTES = 1024 * 1024;
/** As many as a double holds exactly. */
const WEIGHED_BYTES = 6;

export class ByteStrings {
  count = 0;
  bytes: Uint8Array = new Uint8Array(1024);
  starts: Int32Array = new Int32Array(64);
  lengths: Int32Array = new Int32Array(64);
  private byteCount = 0;

  clear(): void {
    this.count = 0;
    this.byteCount = 0;
  }

  /** Makes room for `count` strings, which are about to be added to none. */
  reserve(count: number): void {
    if (count <= this.starts.length) return;
    this.starts = new Int32Array(count);
    this.lengths = new Int32Array(count);
  }

  /** @returns number of the string added */
  add(source: Uint8Array, start: number, length: number): number {
    if (this.count === this.starts.length) {
      this.starts = grown(this.starts);
      this.lengths = grown(this.lengths);
    }
    if (this.byteCount + length > this.bytes.length) this.growBytes(length);
    copyBytes(source, start, this.bytes, this.byteCount, length);
    this.starts[this.count] = this.byteCount;
    this.lengths[this.count] = length;
    this.byteCount += length;
    return this.count++;
  }

  /** The order of strings `a` and `b`: negative, 0 or positive. */
  compare(a: number, b: number): number {
    const { bytes, starts, lengths } = this;
    return compareBytes(bytes, starts[a], lengths[a], bytes, starts[b], lengths[b]);
  }

  /** Sets a weight for each string: of strings with different weights, the smaller one comes first. Nearly all differ, unless many begin alike. */
  weigh(weights: Float64Array): void {
    const { bytes, starts, lengths, count } = this;
    const common = this.commonLength();
    for (let i = 0; i < count; i++) {
      const start = starts[i] + common;
      const length = Math.min(lengths[i] - common, WEIGHED_BYTES);
      let weight = 0;
      for (let at = 0; at < WEIGHED_BYTES; at++) weight = weight * 256 + (at < length ? bytes[start + at] : 0);
      weights[i] = weight;
    }
  }

  /** @returns number of bytes with which all strings begin */
  private commonLength(): number {
    const { bytes, starts, lengths, count } = this;
    if (count === 0) return 0;
    const first = starts[0];
    let common = lengths[0];
    for (let i = 1; i < count; i++) {
      const start = starts[i];
      common = Math.min(common, lengths[i]);
      let same = 0;
      while (same < common && bytes[first + same] === bytes[start + same]) same++;
      common = same;
    }
    return common;
  }

  /** Forgets the strings, and gives back what a large result took. */
  release(): void {
    this.clear();
    if (this.starts.length > KEPT_STRINGS) {
      this.starts = new Int32Array(KEPT_STRINGS);
      this.lengths = new Int32Array(KEPT_STRINGS);
    }
    if (this.bytes.length > KEPT_BYTES) this.bytes = new Uint8Array(KEPT_BYTES);
  }

  private growBytes(length: number): void {
    const bytes = new Uint8Array(Math.max(this.bytes.length * 2, this.byteCount + length));
    bytes.set(this.bytes.subarray(0, this.byteCount));
    this.bytes = bytes;
  }
}

function grown(old: Int32Array): Int32Array {
  const array = new Int32Array(old.length * 2);
  array.set(old);
  return array;
}
