/**
 * The set of elements of one value, to find duplicates while a value is validated: byte strings in one growing buffer, found through an open-addressed
 * table of their indices. `clear` costs what the last value cost, not the largest ever; memory grows with the bytes added, never with a stated count.
 */
import { writeIntegerText } from './integer-text.js';

const CELLS_MIN = 64;

export class ElementSet {
  #bytes: Uint8Array = new Uint8Array(1024);
  #used = 0;
  /** Element i is `#bytes[#ends[i − 1], #ends[i])`. */
  #ends: Float64Array = new Float64Array(64);
  #hashes: Int32Array = new Int32Array(64);
  #count = 0;
  /** Index of an element + 1, 0 = free. */
  #cells: Int32Array = new Int32Array(CELLS_MIN);
  readonly #digits = new Uint8Array(24);

  clear(): void {
    if (this.#cells.length > CELLS_MIN && this.#count * 16 < this.#cells.length) {
      this.#bytes = new Uint8Array(1024);
      this.#ends = new Float64Array(64);
      this.#hashes = new Int32Array(64);
      this.#cells = new Int32Array(CELLS_MIN);
    } else if (this.#count > 0) {
      this.#cells.fill(0);
    }
    this.#used = 0;
    this.#count = 0;
  }

  /** @returns false if the element is there already */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    if ((this.#count + 1) * 2 > this.#cells.length) this.#growCells();
    let hash = 0x811c9dc5 | 0;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    hash ^= hash >>> 15;
    const mask = this.#cells.length - 1;
    let cell = hash & mask;
    for (; this.#cells[cell] !== 0; cell = (cell + 1) & mask) {
      const index = this.#cells[cell]! - 1;
      if (this.#hashes[index] === hash && this.#equals(index, bytes, start, end)) return false;
    }
    this.#append(bytes, start, end, hash);
    this.#cells[cell] = this.#count;
    return true;
  }

  /** The element that is the decimal text of a number; a number and its text are the same element. */
  addInteger(value: number | bigint): boolean {
    if (typeof value === 'bigint' && !Number.isSafeInteger(Number(value))) {
      const text = Buffer.from(value.toString(), 'latin1');
      return this.add(text, 0, text.length);
    }
    return this.add(this.#digits, 0, writeIntegerText(Number(value), this.#digits, 0));
  }

  #equals(index: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = index === 0 ? 0 : this.#ends[index - 1]!;
    if (this.#ends[index]! - from !== end - start) return false;
    for (let i = start, j = from; i < end; i++, j++) {
      if (this.#bytes[j] !== bytes[i]) return false;
    }
    return true;
  }

  #append(bytes: Uint8Array, start: number, end: number, hash: number): void {
    const length = end - start;
    if (this.#used + length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#used + length, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#used));
      this.#bytes = grown;
    }
    if (this.#count === this.#ends.length) {
      const ends = new Float64Array(this.#count * 2);
      ends.set(this.#ends);
      this.#ends = ends;
      const hashes = new Int32Array(this.#count * 2);
      hashes.set(this.#hashes);
      this.#hashes = hashes;
    }
    this.#bytes.set(bytes.subarray(start, end), this.#used);
    this.#used += length;
    this.#ends[this.#count] = this.#used;
    this.#hashes[this.#count] = hash;
    this.#count++;
  }

  #growCells(): void {
    const cells = new Int32Array(this.#cells.length * 2);
    const mask = cells.length - 1;
    for (let index = 0; index < this.#count; index++) {
      let cell = this.#hashes[index]! & mask;
      while (cells[cell] !== 0) cell = (cell + 1) & mask;
      cells[cell] = index + 1;
    }
    this.#cells = cells;
  }
}
