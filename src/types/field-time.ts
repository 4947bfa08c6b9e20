/**
 * The time at which a field of a hash ends, as values hold it: Unix ms, 1 to FIELD_TIME_MAX; 0 stands for none.
 *
 *   in a listpack   an integer element
 *   in an item      | field | 254, time : 6 bytes LE | value |, field and value counted strings (counted-keys.ts), which never begin with 254
 */
import { readInt32, writeInt32 } from '../memory/int32-bytes.js';
import { type ElementWriter, integer, readInteger } from '../memory/listpack.js';
import { NOT_COUNTED } from './counted-keys.js';

/** The latest time that commands take: 2^46 − 1, in the year 4199. */
export const FIELD_TIME_MAX = 2 ** 46 - 1;
/** The latest one that an item can hold; files may have such. */
export const ITEM_TIME_MAX = 2 ** 48 - 1;
/** Bytes of a time, low ones first. */
export const TIME_BYTES = 6;
/** Bytes of the mark and the time in an item. */
export const ITEM_TIME_BYTES = 1 + TIME_BYTES;

const TWO_32 = 4294967296;

/** Whether a time, and no counted string, is at `at`. */
export function isItemTime(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === NOT_COUNTED;
}

/** @returns the time whose mark is at `at` */
export function readItemTime(bytes: Uint8Array, at: number): number {
  return readTime(bytes, at + 1);
}

/** @returns the offset after it */
export function writeItemTime(bytes: Uint8Array, at: number, timeMs: number): number {
  bytes[at] = NOT_COUNTED;
  writeTime(bytes, at + 1, timeMs);
  return at + ITEM_TIME_BYTES;
}

/** @returns the time of which the bytes begin at `at` */
export function readTime(bytes: Uint8Array, at: number): number {
  return (readInt32(bytes, at) >>> 0) + (bytes[at + 4] | (bytes[at + 5] << 8)) * TWO_32;
}

export function writeTime(bytes: Uint8Array, at: number, timeMs: number): void {
  const high = Math.floor(timeMs / TWO_32);
  writeInt32(bytes, at, timeMs);
  bytes[at + 4] = high;
  bytes[at + 5] = high >> 8;
}

/** @returns bytes that the time takes as a listpack element */
export function encodePackedTime(writer: ElementWriter, timeMs: number): number {
  return writer.encodeInteger(Math.floor(timeMs / TWO_32), timeMs | 0);
}

/** @returns the time in the listpack element at `at` */
export function readPackedTime(bytes: Uint8Array, at: number): number {
  readInteger(bytes, at);
  return integer.high * TWO_32 + (integer.low >>> 0);
}
