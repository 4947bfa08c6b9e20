/**
 * Intset: ascending integers of one width, byte for byte the one of RDB files and DUMP payloads (spec persistence.md 2.7).
 *
 *   | width in bytes, 2, 4 or 8 : u32 LE | member count : u32 LE | members, LE, ascending |
 *
 * All functions work in place on `bytes`, where an intset begins at `base`; integers are | high | low | halves of an int64. Room is the caller's to
 * make before it adds (`intsetBytesWith`), and to give back after it removed. The width never shrinks.
 */
import { readInt32, writeInt32 } from './int32-bytes.js';

export const INTSET_EMPTY_BYTES = 8;

/** Writes an empty intset of `INTSET_EMPTY_BYTES`. */
export function initIntset(bytes: Uint8Array, base: number): void {
  bytes.fill(0, base, base + INTSET_EMPTY_BYTES);
  bytes[base] = 2;
}

export function intsetCount(bytes: Uint8Array, base: number): number {
  return readInt32(bytes, base + 4);
}

/** @returns bytes of the whole intset */
export function intsetBytes(bytes: Uint8Array, base: number): number {
  return INTSET_EMPTY_BYTES + intsetWidth(bytes, base) * intsetCount(bytes, base);
}

/** @returns bytes that it takes with this integer added */
export function intsetBytesWith(bytes: Uint8Array, base: number, high: number, low: number): number {
  const width = Math.max(intsetWidth(bytes, base), widthOf(high, low));
  return INTSET_EMPTY_BYTES + width * (intsetCount(bytes, base) + 1);
}

/** The result of `readIntset`. */
export const intsetMember = { high: 0, low: 0 };

/** Reads member number `index` into `intsetMember`. */
export function readIntset(bytes: Uint8Array, base: number, index: number): void {
  readMember(bytes, base + INTSET_EMPTY_BYTES, intsetWidth(bytes, base), index);
}

/** @returns the index of the integer, or −1 − the index where it would be */
export function searchIntset(bytes: Uint8Array, base: number, high: number, low: number): number {
  const width = intsetWidth(bytes, base);
  const count = intsetCount(bytes, base);
  const from = base + INTSET_EMPTY_BYTES;
  let first = 0;
  let end = count;
  while (first < end) {
    const middle = (first + end) >>> 1;
    readMember(bytes, from, width, middle);
    if (intsetMember.high === high && intsetMember.low === low) return middle;
    const isBelow = intsetMember.high < high || (intsetMember.high === high && intsetMember.low >>> 0 < low >>> 0);
    if (isBelow) first = middle + 1;
    else end = middle;
  }
  return -1 - first;
}

/** Adds an integer that is not there, as member number `index`. The room has been made. */
export function insertIntset(bytes: Uint8Array, base: number, index: number, high: number, low: number): void {
  const from = base + INTSET_EMPTY_BYTES;
  const count = intsetCount(bytes, base);
  const old = intsetWidth(bytes, base);
  const width = Math.max(old, widthOf(high, low));
  if (width === old) {
    bytes.copyWithin(from + (index + 1) * width, from + index * width, from + count * width);
  } else {
    // From the last to the first, so that no member is overwritten before it has been read.
    for (let i = count - 1; i >= 0; i--) {
      readMember(bytes, from, old, i);
      writeMember(bytes, from, width, i < index ? i : i + 1, intsetMember.high, intsetMember.low);
    }
    bytes[base] = width;
  }
  writeMember(bytes, from, width, index, high, low);
  writeInt32(bytes, base + 4, count + 1);
}

/** Takes member number `index` out. */
export function removeIntset(bytes: Uint8Array, base: number, index: number): void {
  const from = base + INTSET_EMPTY_BYTES;
  const count = intsetCount(bytes, base);
  const width = intsetWidth(bytes, base);
  bytes.copyWithin(from + index * width, from + (index + 1) * width, from + count * width);
  writeInt32(bytes, base + 4, count - 1);
}

function intsetWidth(bytes: Uint8Array, base: number): number {
  return bytes[base];
}

function widthOf(high: number, low: number): number {
  if (high !== low >> 31) return 8;
  return low >= -32768 && low <= 32767 ? 2 : 4;
}

function readMember(bytes: Uint8Array, from: number, width: number, index: number): void {
  const at = from + index * width;
  if (width === 2) {
    const low = ((bytes[at] | (bytes[at + 1] << 8)) << 16) >> 16;
    intsetMember.low = low;
    intsetMember.high = low >> 31;
    return;
  }
  const low = readInt32(bytes, at);
  intsetMember.low = low;
  intsetMember.high = width === 8 ? readInt32(bytes, at + 4) : low >> 31;
}

function writeMember(bytes: Uint8Array, from: number, width: number, index: number, high: number, low: number): void {
  const at = from + index * width;
  bytes[at] = low;
  bytes[at + 1] = low >> 8;
  if (width === 2) return;
  bytes[at + 2] = low >> 16;
  bytes[at + 3] = low >> 24;
  if (width === 8) writeInt32(bytes, at + 4, high);
}
