/** Which form a set has, by what it holds: the rules of Redis 7.2. Source: spec server.md section 13. */
import type { PackingLimits } from '../keyspace/packing-limits.js';
import { INT64_TEXT_BYTES_MAX, writeInt64Text } from '../memory/int64-text.js';
import { intsetCount, intsetMember, readIntset } from '../memory/intset.js';
import { SET_INTSET, SET_LISTPACK, SET_TABLE } from './set-cursor.js';

/** No intset grows beyond this, whatever the configuration says. */
const INTSET_COUNT_MAX = 2 ** 30;
const digits = new Uint8Array(INT64_TEXT_BYTES_MAX);

/** @returns the encoding that a set of about `count` members begins with, when its first member is or is no integer */
export function firstEncoding(limits: PackingLimits, isInteger: boolean, count: number): number {
  if (isInteger && count <= limits.setIntsetEntries) return SET_INTSET;
  return count <= limits.setListpackEntries ? SET_LISTPACK : SET_TABLE;
}

/** Whether an intset of so many members stays one. */
export function fitsIntset(limits: PackingLimits, count: number): boolean {
  return count <= Math.min(limits.setIntsetEntries, INTSET_COUNT_MAX);
}

/** Whether a listpack may have `count` members, with one of `length` bytes added last. */
export function fitsListpack(limits: PackingLimits, count: number, length: number): boolean {
  return count <= limits.setListpackEntries && length <= limits.setListpackValueBytes;
}

/** Whether an intset may become a listpack, to take in a member of `length` bytes that is no integer. */
export function mayBecomeListpack(limits: PackingLimits, bytes: Uint8Array, base: number, length: number): boolean {
  const count = intsetCount(bytes, base);
  if (!fitsListpack(limits, count + 1, length)) return false;
  // The longest text is that of the smallest or of the largest.
  return (
    count === 0 ||
    Math.max(textLength(bytes, base, 0), textLength(bytes, base, count - 1)) <= limits.setListpackValueBytes
  );
}

function textLength(bytes: Uint8Array, base: number, index: number): number {
  readIntset(bytes, base, index);
  return writeInt64Text(digits, 0, intsetMember.high, intsetMember.low);
}
