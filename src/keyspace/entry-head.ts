/**
 * Gives a huge entry another head (another key, an expiry or none) while its value stays where it is: 64 MB take ten milliseconds to move.
 *
 * A huge entry has a buffer of its own. Its head ends where the value begins, so a longer one begins earlier in the buffer. Head and value begin at words;
 * what is between the key's end and the value is the gap.
 */
import type { Arena, Ref } from '../memory/arena.js';
import { copyBytes } from '../memory/copy.js';
import { type Entries, EXPIRY_BYTES } from './entry.js';

/** @returns the gap behind a head of so many bytes right before the value of an entry; −1 if it is no huge one, or its buffer has no room for the head */
export function gapBefore(arena: Arena, entries: Entries, ref: Ref, headBytes: number): number {
  if (!arena.isHuge(ref)) return -1;
  const headEnd = entries.valueStart(ref) - headBytes;
  const gap = headEnd & 3;
  return arena.canShift(ref, headEnd - gap, headBytes + gap + entries.valueLength(ref)) ? gap : -1;
}

/**
 * Gives the buffer of a huge entry, which is in no table any more, to a new entry of the same value, of which only the head is there, with the gap that
 * `gapBefore` has told.
 */
export function takeOverValue(arena: Arena, entries: Entries, ref: Ref, head: Ref): void {
  const headBytes = entries.valueStart(head);
  arena.shift(ref, entries.valueStart(ref) - headBytes, headBytes + entries.valueLength(ref));
  copyBytes(entries.view(head), 0, entries.view(ref), 0, headBytes);
  arena.exchangeBuffers(ref, head);
}

/** Whether `shiftExpiry` can do this. */
export function canShiftExpiry(arena: Arena, ref: Ref, hasExpiry: boolean, byteCount: number): boolean {
  return arena.canShift(ref, hasExpiry ? -EXPIRY_BYTES : EXPIRY_BYTES, byteCount);
}

/**
 * Gives a huge entry an expiry (Unix ms) that it has not had, or takes away the one it has (0).
 * @param byteCount what it takes then
 */
export function shiftExpiry(arena: Arena, entries: Entries, ref: Ref, expireAtMs: number, byteCount: number): void {
  const type = entries.type(ref);
  const encoding = entries.encoding(ref);
  const keyLength = entries.keyLength(ref);
  const valueLength = entries.valueLength(ref);
  const gap = entries.gap(ref);
  const clockAndMark = entries.clockAndMark(ref);
  arena.shift(ref, expireAtMs > 0 ? -EXPIRY_BYTES : EXPIRY_BYTES, byteCount);
  entries.writeHeader(ref, type, encoding, keyLength, valueLength, expireAtMs, clockAndMark);
  entries.setGap(ref, gap);
}
