/**
 * Records of the append-only file under construction (spec/persistence.md 7.4): what the commands of one event-loop turn have added, until it is written.
 * A record is a command as an array of bulk strings; the same bytes go to replicas. One growing array, used again after each write.
 */
import { writeIntegerText } from '../rdb/integer-text.js';

const INITIAL_BYTES = 16 * 1024;
/** After a burst the buffer goes back to this, so that one huge value does not hold its memory for good. */
const KEPT_BYTES_MAX = 1 << 20;
const CR = 0x0d;
const LF = 0x0a;
const ZERO = 0x30;

export class RecordBuffer {
  bytes: Uint8Array = new Uint8Array(INITIAL_BYTES);
  length = 0;

  /** Begins a record of `count` arguments; as many `argument` calls follow. */
  begin(count: number): void {
    this.#header(0x2a, count);
  }

  argument(source: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.#header(0x24, count);
    this.#reserve(count + 2);
    const to = this.length;
    if (count < 48) {
      const target = this.bytes;
      for (let i = 0; i < count; i++) target[to + i] = source[start + i]!;
    } else {
      this.bytes.set(source.subarray(start, end), to);
    }
    this.bytes[to + count] = CR;
    this.bytes[to + count + 1] = LF;
    this.length = to + count + 2;
  }

  /** An argument of ASCII text. */
  text(value: string): void {
    this.#header(0x24, value.length);
    this.ascii(value);
    this.ascii('\r\n');
  }

  /** Bytes that are no argument: annotations, ready-made records. */
  ascii(value: string): void {
    this.#reserve(value.length);
    for (let i = 0; i < value.length; i++) this.bytes[this.length + i] = value.charCodeAt(i);
    this.length += value.length;
  }

  raw(source: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start);
    this.bytes.set(source.subarray(start, end), this.length);
    this.length += end - start;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES_MAX) this.bytes = new Uint8Array(INITIAL_BYTES);
  }

  /** Removes the first `count` bytes: they are written. */
  dropFront(count: number): void {
    this.bytes.copyWithin(0, count, this.length);
    this.length -= count;
  }

  #header(marker: number, value: number): void {
    this.#reserve(16);
    const bytes = this.bytes;
    let at = this.length;
    bytes[at++] = marker;
    if (value < 10) {
      bytes[at++] = ZERO + value;
    } else if (value < 100) {
      const tens = (value / 10) | 0;
      bytes[at++] = ZERO + tens;
      bytes[at++] = ZERO + value - tens * 10;
    } else {
      at = writeIntegerText(value, bytes, at);
    }
    bytes[at++] = CR;
    bytes[at++] = LF;
    this.length = at;
  }

  #reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.length + count, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
