/**
 * Requests under construction, in the form that every server reads: arrays of bulk strings, one behind the other. The records of the append-only file, of
 * the replication stream and of a migration are such.
 *
 * The bytes grow to twice their length, or to what is asked for, and are used again; what one huge value needed is given up afterwards. Pages that nothing
 * is written to take no memory, so a long buffer is not grown more carefully than a short one.
 *
 * Invariant: `bytes[0 … length)` is what was written, and never behind it.
 */
import { constants } from 'node:buffer';
import { copyBytes } from '../memory/copy.js';
import { writeInteger } from '../memory/int64-text.js';
import { writeBulk, writeHeader } from './reply-writer.js';

const INITIAL_BYTES = 16 * 1024;
const KEPT_BYTES_MAX = 1024 * 1024;
/** Room for what comes behind a long word, which would be copied for it. */
const BEHIND_BYTES = 1024;
/** `$` or `*`, the digits of a safe integer, and CRLF twice: around a word. */
const AROUND_WORD_BYTES = 24;

/** The text of a number that becomes a word. */
const digits = new Uint8Array(24);

export class RecordBuffer {
  bytes: Uint8Array = new Uint8Array(INITIAL_BYTES);
  length = 0;

  /** Begins a record of `wordCount` words, which follow one by one. */
  begin(wordCount: number): void {
    this.reserve(AROUND_WORD_BYTES);
    this.length = writeHeader(this.bytes, this.length, 0x2a, wordCount);
  }

  word(source: Uint8Array, start: number, length: number): void {
    this.reserve(length + AROUND_WORD_BYTES);
    this.length = writeBulk(this.bytes, this.length, source, start, length);
  }

  /** A word of ASCII text. */
  text(value: string): void {
    this.reserve(AROUND_WORD_BYTES);
    this.length = writeHeader(this.bytes, this.length, 0x24, value.length);
    this.ascii(value);
    this.ascii('\r\n');
  }

  /** A word that is the decimal text of a safe integer. */
  integer(value: number): void {
    this.word(digits, 0, writeInteger(digits, 0, value));
  }

  /** Bytes that are no word: annotations, ready-made records. */
  ascii(value: string): void {
    this.reserve(value.length);
    for (let i = 0; i < value.length; i++) this.bytes[this.length + i] = value.charCodeAt(i);
    this.length += value.length;
  }

  raw(source: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    copyBytes(source, start, this.bytes, this.length, end - start);
    this.length += end - start;
  }

  /** Removes the first `count` bytes. */
  dropFront(count: number): void {
    this.bytes.copyWithin(0, count, this.length);
    this.length -= count;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES_MAX) this.bytes = new Uint8Array(INITIAL_BYTES);
  }

  private reserve(count: number): void {
    if (this.length + count > this.bytes.length) this.grow(this.length + count + BEHIND_BYTES);
  }

  /** @throws RangeError if it is more than a buffer can hold */
  private grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, Math.min(this.bytes.length * 2, constants.MAX_LENGTH)));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
