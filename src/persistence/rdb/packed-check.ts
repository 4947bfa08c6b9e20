/**
 * Validates the packed blobs that collections are stored in (spec/persistence.md 2.2–2.7, checks of 4.5, always the deep ones). What passes here may be
 * walked without further checks.
 *
 *   listpack  | total: u32 LE | count: u16 LE, ffff = unknown | entries: encoding and data, back-length | ff |
 *   intset    | width 2, 4, 8: u32 LE | count: u32 LE | integers, LE, ascending |
 *   ziplist   | total: u32 LE | offset of last entry: u32 LE | count: u16 LE, ffff = unknown | entries: prevlen, encoding, data | ff |
 *   zipmap    | count: u8, ≥ 254 = unknown | pairs: len, field, len, free: u8, value, free bytes | ff |
 */
import { ITEM_TIME_MAX } from '../../types/field-time.js';
import type { ElementSet } from './element-set.js';
import { countEntries, isExpanded } from './listpack-walk.js';
import { uint32Le } from './rdb-cursor.js';

const TERMINATOR = 0xff;
const LISTPACK_HEADER = 6;
const ZIPLIST_HEADER = 10;
const COUNT_UNKNOWN = 0xffff;

/**
 * How the elements of a blob are looked at: each for itself, or in pairs whose first must be unique (fields, members), or in triplets of a unique field,
 * a value and a time, or each unique.
 */
export type Uniqueness = 'none' | 'first-of-pair' | 'first-of-triplet' | 'each';

/** One element of a listpack or ziplist: an integer, or `bytes[start, end)` of the blob. */
export class PackedElement {
  isInteger = false;
  integer: number | bigint = 0;
  start = 0;
  end = 0;
  /** Where the next entry begins. */
  next = 0;

  setString(start: number, length: number): void {
    this.isInteger = false;
    this.start = start;
    this.end = start + length;
  }

  setInteger(value: number | bigint): void {
    this.isInteger = true;
    this.integer = value;
  }
}

const element = new PackedElement();

/**
 * Decodes the listpack entry at `at`, checking that it and its back-length lie before `end` and agree.
 * @param end  position of the terminator
 * @returns    whether the entry is well formed
 */
export function decodeListpackEntry(bytes: Uint8Array, at: number, end: number, into: PackedElement): boolean {
  const first = bytes[at]!;
  let size: number;
  if (first < 0x80) {
    into.setInteger(first);
    size = 1;
  } else if (first < 0xc0) {
    size = 1 + (first & 0x3f);
    into.setString(at + 1, first & 0x3f);
  } else if (first < 0xe0) {
    if (at + 2 > end) return false;
    into.setInteger((((first & 0x1f) << 27) >> 19) | bytes[at + 1]!);
    size = 2;
  } else if (first < 0xf0) {
    if (at + 2 > end) return false;
    const length = ((first & 0x0f) << 8) | bytes[at + 1]!;
    into.setString(at + 2, length);
    size = 2 + length;
  } else {
    switch (first) {
      case 0xf0: {
        if (at + 5 > end) return false;
        const length = uint32Le(bytes, at + 1);
        into.setString(at + 5, length);
        size = 5 + length;
        break;
      }
      case 0xf1:
        size = 3;
        break;
      case 0xf2:
        size = 4;
        break;
      case 0xf3:
        size = 5;
        break;
      case 0xf4:
        size = 9;
        break;
      default:
        return false;
    }
    if (first !== 0xf0) {
      if (at + size > end) return false;
      into.setInteger(signedLe(bytes, at + 1, size - 1));
    }
  }
  const backLength = backLengthSize(size);
  const next = at + size + backLength;
  if (next > end) return false;
  let rest = size;
  for (let i = next - 1; i >= at + size; i--) {
    const group = i === at + size ? rest : (rest & 0x7f) | 0x80;
    if (bytes[i] !== group) return false;
    rest = Math.floor(rest / 128);
  }
  into.next = next;
  return true;
}

/** Whether an entry that begins with this byte has an integer form. */
export function isIntegerForm(first: number): boolean {
  return first < 0x80 || (first >= 0xc0 && first < 0xe0) || first > 0xf0;
}

/** As `decodeListpackEntry`, for who does not look at the element. @returns the position after the entry, or −1 if it is not well formed */
export function checkedEntryEnd(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  if (first >= 0xe0) return decodeListpackEntry(bytes, at, end, element) ? element.next : -1;
  // Most texts and integers are short, and have a back-length of one byte.
  const size = first < 0x80 ? 1 : first < 0xc0 ? 1 + (first & 0x3f) : 2;
  const next = at + size + 1;
  return next <= end && bytes[next - 1] === size ? next : -1;
}

/** Bytes of the back-length of an entry of `size` bytes. The limits are one lower than the arithmetic capacity: 16383 takes three bytes. */
function backLengthSize(size: number): number {
  return size <= 127 ? 1 : size < 16383 ? 2 : size < 2097151 ? 3 : size < 268435455 ? 4 : 5;
}

/** @returns the number of elements, or −1 if the listpack is not valid */
export function checkListpack(
  bytes: Uint8Array,
  start: number,
  end: number,
  uniqueness: Uniqueness,
  elements: ElementSet,
): number {
  if (end - start < LISTPACK_HEADER + 1) return -1;
  if (uint32Le(bytes, start) !== end - start || bytes[end - 1] !== TERMINATOR) return -1;
  const count =
    uniqueness === 'none'
      ? checkedCount(bytes, start + LISTPACK_HEADER, end - 1)
      : checkedUniqueCount(bytes, start + LISTPACK_HEADER, end - 1, uniqueness, elements);
  const stated = bytes[start + 4]! | (bytes[start + 5]! << 8);
  if (stated !== COUNT_UNKNOWN && stated !== count) return -1;
  if (uniqueness === 'first-of-triplet') return count % 3 === 0 ? count : -1;
  return uniqueness === 'first-of-pair' && count % 2 !== 0 ? -1 : count;
}

/** @returns the number of entries from `first` to `terminator`, or −1 if one is not well formed */
function checkedCount(bytes: Uint8Array, first: number, terminator: number): number {
  if (isExpanded(bytes)) return countEntries(first, terminator);
  let count = 0;
  for (let at = first; at < terminator; count++) {
    at = checkedEntryEnd(bytes, at, terminator);
    if (at < 0) return -1;
  }
  return count;
}

/** @returns the same, or −1 if an element is not as unique as it must be, or no time where there must be one */
function checkedUniqueCount(
  bytes: Uint8Array,
  first: number,
  terminator: number,
  uniqueness: Uniqueness,
  elements: ElementSet,
): number {
  elements.clear(bytes);
  let count = 0;
  for (let at = first; at < terminator; at = element.next, count++) {
    if (!decodeListpackEntry(bytes, at, terminator, element)) return -1;
    if (isRepeated(bytes, uniqueness, count, elements)) return -1;
    if (uniqueness === 'first-of-triplet' && count % 3 === 2 && !isTime(element)) return -1;
  }
  return count;
}

/** Whether the element can be the time of a field, or 0 for none. */
function isTime({ isInteger, integer }: PackedElement): boolean {
  return isInteger && integer >= 0 && integer <= ITEM_TIME_MAX;
}

function isRepeated(bytes: Uint8Array, uniqueness: Uniqueness, index: number, elements: ElementSet): boolean {
  if (uniqueness === 'none' || (uniqueness === 'first-of-pair' && index % 2 === 1)) return false;
  if (uniqueness === 'first-of-triplet' && index % 3 !== 0) return false;
  return !(element.isInteger ? elements.addInteger(element.integer) : elements.add(bytes, element.start, element.end));
}

/** @returns whether the intset is valid and has members */
export function checkIntset(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 8) return false;
  const width = uint32Le(bytes, start);
  const count = uint32Le(bytes, start + 4);
  if ((width !== 2 && width !== 4 && width !== 8) || count === 0 || end - start !== 8 + width * count) return false;
  let previous = signedLe(bytes, start + 8, width);
  for (let at = start + 8 + width; at < end; at += width) {
    const member = signedLe(bytes, at, width);
    if (member <= previous) return false;
    previous = member;
  }
  return true;
}

/** @returns the number of elements, or −1 if the ziplist is not valid */
export function checkZiplist(
  bytes: Uint8Array,
  start: number,
  end: number,
  uniqueness: Uniqueness,
  elements: ElementSet,
): number {
  if (end - start < ZIPLIST_HEADER + 1) return -1;
  if (uint32Le(bytes, start) !== end - start || bytes[end - 1] !== TERMINATOR) return -1;
  elements.clear(bytes);
  let count = 0;
  let previousSize = 0;
  let last = start + ZIPLIST_HEADER;
  for (let at = last; at < end - 1; at = element.next, count++) {
    last = at;
    if (!decodeZiplistEntry(bytes, at, end - 1, previousSize)) return -1;
    if (isRepeated(bytes, uniqueness, count, elements)) return -1;
    previousSize = element.next - at;
  }
  if (uint32Le(bytes, start + 4) !== last - start) return -1;
  const stated = bytes[start + 8]! | (bytes[start + 9]! << 8);
  if (stated !== COUNT_UNKNOWN && stated !== count) return -1;
  return uniqueness === 'first-of-pair' && count % 2 !== 0 ? -1 : count;
}

function decodeZiplistEntry(bytes: Uint8Array, start: number, end: number, previousSize: number): boolean {
  let at = start;
  let stated = bytes[at]!;
  at++;
  if (stated === 0xfe) {
    if (at + 4 > end) return false;
    stated = uint32Le(bytes, at);
    at += 4;
  }
  if (stated !== previousSize || at >= end) return false;
  const encoding = bytes[at]!;
  at++;
  if (encoding < 0xc0) {
    let length = encoding & 0x3f;
    if (encoding >= 0x80) {
      if (at + 4 > end) return false;
      length = ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
      at += 4;
    } else if (encoding >= 0x40) {
      if (at >= end) return false;
      length = (length << 8) | bytes[at]!;
      at++;
    }
    element.setString(at, length);
    element.next = at + length;
    return element.next <= end;
  }
  const size = ziplistIntegerSize(encoding);
  if (size < 0 || at + size > end) return false;
  element.setInteger(size === 0 ? (encoding & 0x0f) - 1 : signedLe(bytes, at, size));
  element.next = at + size;
  return true;
}

function ziplistIntegerSize(encoding: number): number {
  switch (encoding) {
    case 0xc0:
      return 2;
    case 0xd0:
      return 4;
    case 0xe0:
      return 8;
    case 0xf0:
      return 3;
    case 0xfe:
      return 1;
    default:
      return encoding >= 0xf1 && encoding <= 0xfd ? 0 : -1;
  }
}

/** @returns the number of pairs, or −1 if the zipmap is not valid (an empty one is not) */
export function checkZipmap(bytes: Uint8Array, start: number, end: number, elements: ElementSet): number {
  if (end - start < 2 || bytes[end - 1] !== TERMINATOR) return -1;
  elements.clear(bytes);
  let count = 0;
  for (let at = start + 1; at < end - 1; count++) {
    const field = zipmapLength(bytes, at, end - 1);
    if (field < 0) return -1;
    at += bytes[at] === 0xfe ? 5 : 1;
    if (at + field >= end - 1 || !elements.add(bytes, at, at + field)) return -1;
    at += field;
    const value = zipmapLength(bytes, at, end - 1);
    if (value < 0) return -1;
    at += bytes[at] === 0xfe ? 5 : 1;
    if (at >= end - 1) return -1;
    const free = bytes[at]!;
    at += 1 + value + free;
    if (at > end - 1) return -1;
  }
  const stated = bytes[start]!;
  return count === 0 || (stated !== 254 && stated !== count) ? -1 : count;
}

function zipmapLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!;
  if (first < 0xfe) return first;
  return first === 0xfe && at + 5 <= end ? uint32Le(bytes, at + 1) : -1;
}

/** @returns a signed integer of 1, 2, 3, 4 or 8 bytes; a bigint only where a number would not be exact */
function signedLe(bytes: Uint8Array, at: number, size: number): number | bigint {
  switch (size) {
    case 1:
      return (bytes[at]! << 24) >> 24;
    case 2:
      return ((bytes[at]! | (bytes[at + 1]! << 8)) << 16) >> 16;
    case 3:
      return ((bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)) << 8) >> 8;
    case 4:
      return uint32Le(bytes, at) | 0;
    default: {
      const low = uint32Le(bytes, at);
      const high = uint32Le(bytes, at + 4) | 0;
      const value = high * 4294967296 + low;
      return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low);
    }
  }
}
