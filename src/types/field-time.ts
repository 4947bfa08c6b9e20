/**
 * The time at which a field of a hash ends, as values hold it: Unix ms, 1 to FIELD_TIME_MAX; 0 stands for none.
 *
 *   in a listpack   an integer element
 *   in an item      | field | 254, time : 6 bytes LE | value |, field and value counted strings (counted-keys.ts), which never begin with 254
 */
import { integer, readInteger } from '../memory/listpack.js';
import { NOT_COUNTED } from './counted-keys.js';

/** The latest time that commands take: 2^46 − 1, in the year 4199. */
export const FIELD_TIME_MAX = 2 ** 46 - 1;
/** The latest one that an item can hold; files may have such. */
export const ITEM_TIME_MAX = 2 ** 48 - 1;
/** Bytes of the mark and the time in an item. */
export const ITEM_TIME_BYTES = 7;

const TWO_32 = 4294967296;

/** Whether a time, and no counted string, is at `at`. */
export function isItemTime(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === NOT_COUNTED;
}

/** @returns the time whose mark is at `at` */
export function readItemTime(bytes: Uint8Array, at: number): number {
  const low = bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16) | (bytes[at + 4] << 24);
  return (low >>> 0) + (bytes[at + 5] | (bytes[at + 6] << 8)) * TWO_32;
}

/** @returns the offset after it */
export function writeItemTime(bytes: Uint8Array, at: number, timeMs: number): number {
  const high = Math.floor(timeMs / TWO_32);
  bytes[at] = NOT_COUNTED;
  for (let i = 0; i < 4; i++) bytes[at + 1 + i] = timeMs >>> (i << 3);
  bytes[at + 5] = high;
  bytes[at + 6] = high >> 8;
  return at + ITEM_TIME_BYTES;
}

/** @returns the time in the listpack element at `at` */
export function readPackedTime(bytes: Uint8Array, at: number): number {
  readInteger(bytes, at);
  return integer.high * TWO_32 + (integer.low >>> 0);
}
