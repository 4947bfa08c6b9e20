/**
 * Listpack: a flat sequence of small strings and integers, byte for byte the one of RDB files and DUMP payloads (spec persistence.md 2.2).
 *
 *   | total bytes : u32 LE | element count : u16 LE, ffff = not known | elements | ff |
 *   element = | encoding and data, E bytes | E again, to be read from right to left, 1–5 bytes |
 *
 * All functions work in place on `bytes`, where a listpack begins at `base`; positions are offsets in `bytes`. Nothing is allocated. Where a listpack
 * lies and how its room grows is the caller's affair: to change one, encode the new elements (`ElementWriter`), make the room, then `splice`, then
 * write the elements into the gap.
 *
 * Invariants: (1) the bytes have been written by this file or passed the deep check of a loader, so nothing is checked here; (2) writers choose the
 * smallest form, and an integer form for every canonical int64; readers take any form.
 */

import { copyBytes, equalBytes } from './copy.js';
import { readInt32, writeInt32 } from './int32-bytes.js';
import { INT64_TEXT_BYTES_MAX, parsedInt64, parseInt64Text, writeInt64Text } from './int64-text.js';

export const LISTPACK_HEADER_BYTES = 6;
export const LISTPACK_EMPTY_BYTES = 7;
/** No listpack grows beyond this. */
export const LISTPACK_BYTES_MAX = 1 << 30;
const TERMINATOR = 0xff;
const COUNT_UNKNOWN = 0xffff;
const DIGIT_NINE = 0x39;

/** Writes an empty listpack of `LISTPACK_EMPTY_BYTES`. */
export function initListpack(bytes: Uint8Array, base: number): void {
  writeInt32(bytes, base, LISTPACK_EMPTY_BYTES);
  bytes[base + 4] = 0;
  bytes[base + 5] = 0;
  bytes[base + 6] = TERMINATOR;
}

/** @returns bytes of the whole listpack */
export function listpackBytes(bytes: Uint8Array, base: number): number {
  return readInt32(bytes, base) >>> 0;
}

/** @returns number of elements; by walking if there are 65,535 or more */
export function listpackCount(bytes: Uint8Array, base: number): number {
  const stated = statedCount(bytes, base);
  if (stated !== COUNT_UNKNOWN) return stated;
  let count = 0;
  for (let at = firstElement(base); !isListpackEnd(bytes, at); at = nextElement(bytes, at)) count++;
  return count;
}

/** @returns the position of the first element, or of the end */
export function firstElement(base: number): number {
  return base + LISTPACK_HEADER_BYTES;
}

/** @returns the position of the end: where an appended element would go */
export function listpackEnd(bytes: Uint8Array, base: number): number {
  return base + listpackBytes(bytes, base) - 1;
}

/** Whether `at` is the end, not an element. */
export function isListpackEnd(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === TERMINATOR;
}

/** @returns the position of the element after the one at `at`, or of the end */
export function nextElement(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0x80) return at + 2;
  if (first < 0xc0) return at + 2 + (first & 0x3f);
  return nextLongElement(bytes, at);
}

function nextLongElement(bytes: Uint8Array, at: number): number {
  const size = dataBytes(bytes, at);
  return at + size + backLengthBytes(size);
}

/** @returns the position of the element before `at`, which is an element but the first, or the end of a listpack that is not empty */
export function previousElement(bytes: Uint8Array, at: number): number {
  const size = bytes[at - 1];
  return size < 0x80 ? at - 1 - size : previousLongElement(bytes, at);
}

function previousLongElement(bytes: Uint8Array, at: number): number {
  let from = at - 1;
  let byte = bytes[from];
  let size = byte & 0x7f;
  for (let scale = 128; byte >= 0x80; scale *= 128) {
    byte = bytes[--from];
    size += (byte & 0x7f) * scale;
  }
  return from - size;
}

/** @returns the position of element number `index` (0 = first), or of the end if there are not that many; from whichever end is nearer */
export function elementAt(bytes: Uint8Array, base: number, index: number): number {
  const count = listpackCount(bytes, base);
  if (index >= count) return listpackEnd(bytes, base);
  if (index * 2 <= count) {
    let at = firstElement(base);
    for (let i = 0; i < index; i++) at = nextElement(bytes, at);
    return at;
  }
  let at = listpackEnd(bytes, base);
  for (let i = count; i > index; i--) at = previousElement(bytes, at);
  return at;
}

/** One element, decoded: its text is `bytes[start, start + length)`, of the listpack itself or, for an integer, of a buffer of this object. */
export class ListpackElement {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;
  /** Stored in an integer form; the value is | high | low |, two's complement. */
  isInteger = false;
  high = 0;
  low = 0;
  /** Position of the element after it, or of the end. */
  next = 0;
  private readonly digits = new Uint8Array(INT64_TEXT_BYTES_MAX);

  /** @returns the integer as a double: exact up to 2^53 */
  get number(): number {
    return this.high * 4294967296 + (this.low >>> 0);
  }

  /** Decodes the element at `at`. */
  read(bytes: Uint8Array, at: number): void {
    const first = bytes[at];
    let size: number;
    if (first >= 0x80 && first < 0xc0) {
      this.length = first & 0x3f;
      this.start = at + 1;
      size = 1 + this.length;
    } else if (first >= 0xe0 && first < 0xf1) {
      const headerBytes = first < 0xf0 ? 2 : 5;
      this.length = first < 0xf0 ? ((first & 0x0f) << 8) | bytes[at + 1] : readInt32(bytes, at + 1) >>> 0;
      this.start = at + headerBytes;
      size = headerBytes + this.length;
    } else {
      size = readIntegerElement(bytes, at);
      this.isInteger = true;
      this.high = integer.high;
      this.low = integer.low;
      this.bytes = this.digits;
      this.start = 0;
      this.length = writeInt64Text(this.digits, 0, this.high, this.low);
      this.next = at + size + 1;
      return;
    }
    this.isInteger = false;
    this.bytes = bytes;
    this.next = at + size + backLengthBytes(size);
  }
}

const matched = new ListpackElement();

/** Encodes one element: `encode` tells its bytes, `write` writes them. The source must stay as it is in between. */
export class ElementWriter {
  /** Bytes of the whole element. */
  byteCount = 0;
  private dataSize = 0;
  private form = 0;
  private high = 0;
  private low = 0;
  private source: Uint8Array = new Uint8Array(0);
  private start = 0;
  private length = 0;

  /** @returns bytes that the element takes */
  encode(source: Uint8Array, start: number, length: number): number {
    // Most text is told from numbers by its first byte.
    if (length > 0 && source[start] <= DIGIT_NINE && parseInt64Text(source, start, length))
      return this.encodeInteger(parsedInt64.high, parsedInt64.low);
    this.source = source;
    this.start = start;
    this.length = length;
    if (length < 64) {
      this.form = STRING_6;
      this.dataSize = 1 + length;
    } else if (length < 4096) {
      this.form = STRING_12;
      this.dataSize = 2 + length;
    } else {
      this.form = STRING_32;
      this.dataSize = 5 + length;
    }
    this.byteCount = this.dataSize + backLengthBytes(this.dataSize);
    return this.byteCount;
  }

  /** The same for an integer given as two halves. */
  encodeInteger(high: number, low: number): number {
    this.high = high;
    this.low = low;
    if (high !== low >> 31) {
      this.form = INTEGER_64;
      this.dataSize = 9;
    } else if (low >= 0 && low <= 127) {
      this.form = INTEGER_7;
      this.dataSize = 1;
    } else if (low >= -4096 && low <= 4095) {
      this.form = INTEGER_13;
      this.dataSize = 2;
    } else if (low >= -32768 && low <= 32767) {
      this.form = INTEGER_16;
      this.dataSize = 3;
    } else if (low >= -8388608 && low <= 8388607) {
      this.form = INTEGER_24;
      this.dataSize = 4;
    } else {
      this.form = INTEGER_32;
      this.dataSize = 5;
    }
    this.byteCount = this.dataSize + 1;
    return this.byteCount;
  }

  /** @returns the offset after the element */
  write(target: Uint8Array, at: number): number {
    let out = at;
    if (this.form === STRING_6) {
      const { source, start, length } = this;
      target[out++] = 0x80 | length;
      for (let i = 0; i < length; i++) target[out++] = source[start + i];
      target[out] = length + 1;
      return out + 1;
    }
    switch (this.form) {
      case INTEGER_7:
        target[out++] = this.low;
        break;
      case INTEGER_13:
        target[out++] = 0xc0 | ((this.low >> 8) & 0x1f);
        target[out++] = this.low;
        break;
      case STRING_12:
        target[out++] = 0xe0 | (this.length >> 8);
        target[out++] = this.length;
        break;
      case STRING_32:
        target[out++] = 0xf0;
        out = writeInt32(target, out, this.length);
        break;
      default: {
        target[out++] = this.form;
        const lowBytes = this.form === INTEGER_64 ? 4 : this.dataSize - 1;
        for (let i = 0; i < lowBytes; i++) target[out++] = this.low >> (i << 3);
        if (this.form === INTEGER_64) out = writeInt32(target, out, this.high);
      }
    }
    if (this.form === STRING_12 || this.form === STRING_32) {
      copyBytes(this.source, this.start, target, out, this.length);
      out += this.length;
    }
    return writeBackLength(target, out, this.dataSize);
  }
}

/** First byte of an empty text. */
const STRING_6_EMPTY = 0x80;
/** Forms of an element; those of the larger integers are the first byte itself. */
const INTEGER_7 = 0;
const INTEGER_13 = 1;
const STRING_6 = 2;
const STRING_12 = 3;
const STRING_32 = 4;
const INTEGER_16 = 0xf1;
const INTEGER_24 = 0xf2;
const INTEGER_32 = 0xf3;
const INTEGER_64 = 0xf4;

/**
 * Finds an element by its text, among every `step`-th one from `at` on (2: the fields of a hash, from the first).
 * @returns its position, or −1
 */
export function findElement(
  bytes: Uint8Array,
  at: number,
  step: number,
  key: Uint8Array,
  start: number,
  length: number,
): number {
  const isNumber = parseInt64Text(key, start, length);
  const { high, low } = parsedInt64;
  // Texts of one length mostly begin alike, and differ at the end. Of an empty text the header is compared once more.
  const last = length > 0 ? key[start + length - 1] : STRING_6_EMPTY;
  let position = at;
  for (;;) {
    const first = bytes[position];
    if (first === TERMINATOR) return -1;
    let size: number;
    if (first >= 0x80 && first < 0xc0) {
      const elementLength = first & 0x3f;
      if (
        elementLength === length &&
        bytes[position + length] === last &&
        equalBytes(bytes, position + 1, key, start, length)
      )
        return position;
      size = 1 + elementLength;
    } else if (first >= 0xe0 && first < 0xf1) {
      size = dataBytes(bytes, position);
      const headerBytes = first < 0xf0 ? 2 : 5;
      if (size - headerBytes === length && equalBytes(bytes, position + headerBytes, key, start, length))
        return position;
    } else if (isNumber) {
      size = readIntegerElement(bytes, position);
      if (integer.low === low && integer.high === high) return position;
    } else {
      size = dataBytes(bytes, position);
    }
    position += size + backLengthBytes(size);
    for (let i = 1; i < step; i++) position = nextElement(bytes, position);
  }
}

/**
 * Puts a gap of `addedBytes` in the place of the `removedBytes` at `at`, and sets total and count. Room behind the listpack is the caller's to make
 * before, and to give back after; the gap is the caller's to fill with whole elements.
 * @param countChange elements added less those removed
 */
export function splice(
  bytes: Uint8Array,
  base: number,
  at: number,
  removedBytes: number,
  addedBytes: number,
  countChange: number,
): void {
  const total = listpackBytes(bytes, base);
  if (addedBytes !== removedBytes) {
    moveTail(bytes, at + removedBytes, base + total, at + addedBytes);
    writeInt32(bytes, base, total + addedBytes - removedBytes);
  }
  if (countChange !== 0) addCount(bytes, base, countChange);
}

/**
 * `splice` at the first element, where the beginning of the listpack moves instead of all that follows: the room before it, `addedBytes` less
 * `removedBytes`, is the caller's to make before; the gap lies at the first element.
 * @returns where the listpack begins now
 */
export function spliceFront(
  bytes: Uint8Array,
  base: number,
  removedBytes: number,
  addedBytes: number,
  countChange: number,
): number {
  const total = listpackBytes(bytes, base);
  const stated = statedCount(bytes, base);
  const moved = base + removedBytes - addedBytes;
  writeListpackHeader(bytes, moved, total + addedBytes - removedBytes, stated, countChange);
  return moved;
}

function addCount(bytes: Uint8Array, base: number, countChange: number): void {
  writeCount(bytes, base, statedCount(bytes, base), countChange);
}

/** @returns the number of elements as the header has it, ffff = not known */
export function statedCount(bytes: Uint8Array, base: number): number {
  return bytes[base + 4] | (bytes[base + 5] << 8);
}

/** Writes the header of a listpack that had `stated` elements by its header, and has `countChange` more now. */
export function writeListpackHeader(
  bytes: Uint8Array,
  base: number,
  byteCount: number,
  stated: number,
  countChange: number,
): void {
  writeInt32(bytes, base, byteCount);
  writeCount(bytes, base, stated, countChange);
}

function writeCount(bytes: Uint8Array, base: number, stated: number, countChange: number): void {
  // Once not known, the count stays so until a walk would find it: as the original has it.
  const count = stated === COUNT_UNKNOWN ? stated : Math.min(stated + countChange, COUNT_UNKNOWN);
  bytes[base + 4] = count;
  bytes[base + 5] = count >> 8;
}

/**
 * Makes elements part of the listpack that the caller has written behind its last one, over the terminator; or ends it earlier.
 * @param end         position after the last element
 * @param countChange elements added, or less those that are cut off
 */
export function closeListpack(bytes: Uint8Array, base: number, end: number, countChange: number): void {
  bytes[end] = TERMINATOR;
  writeInt32(bytes, base, end + 1 - base);
  addCount(bytes, base, countChange);
}

/** @returns the position after `count` elements from `at` */
export function skipElements(bytes: Uint8Array, at: number, count: number): number {
  let position = at;
  for (let i = 0; i < count; i++) position = nextElement(bytes, position);
  return position;
}

/** @returns number of elements from the one at `from` to before the one at `to` */
export function countElements(bytes: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at = nextElement(bytes, at)) count++;
  return count;
}

/** Bytes of an element without its back-length. */
function dataBytes(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0x80) return 1;
  if (first < 0xc0) return 1 + (first & 0x3f);
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 2 + (((first & 0x0f) << 8) | bytes[at + 1]);
  if (first === 0xf0) return 5 + (readInt32(bytes, at + 1) >>> 0);
  return first === INTEGER_64 ? 9 : first - 0xf1 + 3;
}

/** Bytes of the back-length. The limits are one lower than the arithmetic capacity: 16383 takes three bytes. */
function backLengthBytes(size: number): number {
  return size <= 127 ? 1 : size < 16383 ? 2 : size < 2097151 ? 3 : size < 268435455 ? 4 : 5;
}

function writeBackLength(target: Uint8Array, at: number, size: number): number {
  if (size <= 127) {
    target[at] = size;
    return at + 1;
  }
  const count = backLengthBytes(size);
  let rest = size;
  for (let i = count - 1; i >= 0; i--) {
    target[at + i] = i === 0 ? rest : (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 128);
  }
  return at + count;
}

/** The result of `readInteger`: | high | low |, two's complement. */
export const integer = { high: 0, low: 0 };

/**
 * Compares the element at `at` with a text.
 * @returns the position after it, or −1 if it is another text
 */
export function matchElement(bytes: Uint8Array, at: number, text: Uint8Array, start: number, length: number): number {
  const first = bytes[at];
  if (first >= 0x80 && first < 0xc0) {
    if ((first & 0x3f) !== length) return -1;
    // Texts of one length mostly differ at the end.
    if (length > 0 && bytes[at + length] !== text[start + length - 1]) return -1;
    return equalBytes(bytes, at + 1, text, start, length) ? at + length + 2 : -1;
  }
  matched.read(bytes, at);
  const isEqual = matched.length === length && equalBytes(matched.bytes, matched.start, text, start, length);
  return isEqual ? matched.next : -1;
}

/** Writes a small integer element, 0 to 127. @returns the offset after it */
export function writeSmallInteger(target: Uint8Array, at: number, value: number): number {
  target[at] = value;
  target[at + 1] = 1;
  return at + 2;
}

/** Reads an element that is in an integer form; its value is then in `integer`. @returns the position after it */
export function readInteger(bytes: Uint8Array, at: number): number {
  return at + readIntegerElement(bytes, at) + 1;
}

/** @returns bytes of the element without its back-length */
function readIntegerElement(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  let low: number;
  let size: number;
  if (first < 0x80) {
    low = first;
    size = 1;
  } else if (first < 0xe0) {
    low = (((first & 0x1f) << 27) >> 19) | bytes[at + 1];
    size = 2;
  } else if (first === INTEGER_16) {
    low = ((bytes[at + 1] | (bytes[at + 2] << 8)) << 16) >> 16;
    size = 3;
  } else if (first === INTEGER_24) {
    low = ((bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16)) << 8) >> 8;
    size = 4;
  } else {
    low = readInt32(bytes, at + 1);
    size = first === INTEGER_32 ? 5 : 9;
  }
  integer.low = low;
  integer.high = size === 9 ? readInt32(bytes, at + 5) : low >> 31;
  return size;
}

/** Below this a loop is faster than the call into the engine. */
const MOVE_LOOP_BYTES_MAX = 64;

function moveTail(bytes: Uint8Array, from: number, end: number, to: number): void {
  if (end - from > MOVE_LOOP_BYTES_MAX) bytes.copyWithin(to, from, end);
  else if (to < from) for (let i = 0; i < end - from; i++) bytes[to + i] = bytes[from + i];
  else for (let i = end - from - 1; i >= 0; i--) bytes[to + i] = bytes[from + i];
}
