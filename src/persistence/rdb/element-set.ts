/**
 * The set of elements of one value, to find duplicates while a value is validated. Elements that lie in the source, as most do, are known by where; others
 * (decoded ones) are copied into a growing buffer.
 *
 *   cell    = | number of the element + 1, 0 = free | its hash |      open addressing, at most half full
 *   element = | start: in the source, or −1 − place in the buffer | length |
 *
 * `clear` costs what the last value cost, not the largest ever; memory grows with the elements added, a stated count is believed up to `EXPECTED_MAX`.
 */
import { hashBytes } from '../../keyspace/key-hash.js';
import { copyBytes } from '../../memory/copy.js';
import { writeInteger } from '../../memory/int64-text.js';

const CELLS_MIN = 64;
/** More elements than that make the table grow on their way. */
const EXPECTED_MAX = 1 << 20;
const BUFFER_BYTES_MIN = 1024;
const NO_SOURCE = new Uint8Array(0);

export class ElementSet {
  #source: Uint8Array = NO_SOURCE;
  #buffer: Uint8Array = new Uint8Array(BUFFER_BYTES_MIN);
  #buffered = 0;
  #elements: Int32Array = new Int32Array(CELLS_MIN);
  #count = 0;
  #cells: Int32Array = new Int32Array(CELLS_MIN * 2);
  #cellCount = CELLS_MIN;
  readonly #digits = new Uint8Array(24);

  /**
   * @param source   bytes that stay as they are until the next `clear` or `forgetSource`
   * @param expected about how many elements will come
   */
  clear(source: Uint8Array = NO_SOURCE, expected = 0): void {
    this.#source = source;
    let wanted = CELLS_MIN;
    // A source has no more elements than bytes, whatever it says.
    while (wanted < Math.min(expected, source.length, EXPECTED_MAX) * 2) wanted *= 2;
    if (this.#cellCount < wanted || (this.#cellCount > wanted && this.#count * 16 < this.#cellCount)) {
      this.#buffer = new Uint8Array(BUFFER_BYTES_MIN);
      this.#elements = new Int32Array(wanted);
      this.#cells = new Int32Array(wanted * 2);
      this.#cellCount = wanted;
    } else if (this.#count > 0) {
      this.#cells.fill(0);
    }
    this.#buffered = 0;
    this.#count = 0;
  }

  /** Lets go of the source, which may be large. Until the next `clear` the set is of no use. */
  forgetSource(): void {
    this.#source = NO_SOURCE;
  }

  /** @returns false if the element is there already */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    if ((this.#count + 1) * 2 > this.#cellCount) this.#growCells();
    const cells = this.#cells;
    const hash = hashBytes(bytes, start, end - start);
    const mask = this.#cellCount - 1;
    let cell = hash & mask;
    for (; cells[cell * 2] !== 0; cell = (cell + 1) & mask) {
      if (cells[cell * 2 + 1] === hash && this.#equals(cells[cell * 2]! - 1, bytes, start, end)) return false;
    }
    this.#append(bytes, start, end);
    cells[cell * 2] = this.#count;
    cells[cell * 2 + 1] = hash;
    return true;
  }

  /** The element that is the decimal text of a number; a number and its text are the same element. */
  addInteger(value: number | bigint): boolean {
    if (typeof value === 'bigint' && !Number.isSafeInteger(Number(value))) {
      const text = Buffer.from(value.toString(), 'latin1');
      return this.add(text, 0, text.length);
    }
    return this.add(this.#digits, 0, writeInteger(this.#digits, 0, Number(value)));
  }

  #equals(index: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#elements[index * 2 + 1] !== end - start) return false;
    const place = this.#elements[index * 2]!;
    const other = place < 0 ? this.#buffer : this.#source;
    for (let i = start, j = place < 0 ? -1 - place : place; i < end; i++, j++) {
      if (other[j] !== bytes[i]) return false;
    }
    return true;
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    const at = this.#count * 2;
    this.#elements[at] = bytes === this.#source ? start : -1 - this.#keep(bytes, start, end);
    this.#elements[at + 1] = end - start;
    this.#count++;
  }

  /** @returns where the copy lies in the buffer */
  #keep(bytes: Uint8Array, start: number, end: number): number {
    const place = this.#buffered;
    this.#buffered += end - start;
    if (this.#buffered > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(this.#buffered, this.#buffer.length * 2));
      grown.set(this.#buffer.subarray(0, place));
      this.#buffer = grown;
    }
    copyBytes(bytes, start, this.#buffer, place, end - start);
    return place;
  }

  #growCells(): void {
    const cellCount = this.#cellCount * 2;
    const cells = new Int32Array(cellCount * 2);
    const mask = cellCount - 1;
    for (let from = 0; from < this.#cells.length; from += 2) {
      if (this.#cells[from] === 0) continue;
      let cell = this.#cells[from + 1]! & mask;
      while (cells[cell * 2] !== 0) cell = (cell + 1) & mask;
      cells[cell * 2] = this.#cells[from]!;
      cells[cell * 2 + 1] = this.#cells[from + 1]!;
    }
    const elements = new Int32Array(cellCount);
    elements.set(this.#elements);
    this.#elements = elements;
    this.#cells = cells;
    this.#cellCount = cellCount;
  }
}
