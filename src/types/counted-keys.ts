/**
 * Items of large hashes and sets: a block that begins with a counted string, the field or member. What follows it is its type's affair.
 *
 *   counted string = | length : u8 up to 253, or 255 and the length : u32 LE | bytes |
 *
 * No counted string begins with 254: an item may have something of its own in front of one, and mark it so.
 */
import { hashBytes } from '../keyspace/key-hash.js';
import { type Arena, CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../memory/arena.js';
import { copyBytes, equalBytes } from '../memory/copy.js';
import type { ItemKeys } from '../memory/table.js';

const LONG = 255;
/** First byte of what is no counted string. */
export const NOT_COUNTED = 254;

/** The counted string that was read last: its bytes are at `start`, and `end` is the offset after it. */
export class CountedString {
  start = 0;
  length = 0;
  end = 0;

  read(bytes: Uint8Array, at: number): void {
    const first = bytes[at];
    if (first < NOT_COUNTED) {
      this.start = at + 1;
      this.length = first;
    } else {
      this.start = at + 5;
      this.length = (bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16) | (bytes[at + 4] << 24)) >>> 0;
    }
    this.end = this.start + this.length;
  }
}

/** @returns the offset after the counted string at `at` */
export function countedEnd(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < NOT_COUNTED) return at + 1 + first;
  return at + 5 + ((bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16) | (bytes[at + 4] << 24)) >>> 0);
}

/** @returns bytes that a counted string of `length` bytes takes */
export function countedBytes(length: number): number {
  return length + (length < NOT_COUNTED ? 1 : 5);
}

/** @returns the offset after it */
export function writeCounted(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  length: number,
): number {
  let out = at;
  if (length < NOT_COUNTED) {
    target[out++] = length;
  } else {
    target[out++] = LONG;
    for (let shift = 0; shift < 32; shift += 8) target[out++] = length >>> shift;
  }
  copyBytes(source, start, target, out, length);
  return out + length;
}

export class CountedKeys implements ItemKeys {
  private readonly bytes: Uint8Array[];
  private readonly string = new CountedString();

  constructor(arena: Arena) {
    this.bytes = arena.bytes;
  }

  hashOf(item: Ref): number {
    const view = this.bytes[item >>> CHUNK_INDEX_SHIFT];
    this.string.read(view, (item & UNIT_MASK) << 3);
    return hashBytes(view, this.string.start, this.string.length);
  }

  equals(item: Ref, key: Uint8Array, start: number, length: number): boolean {
    const view = this.bytes[item >>> CHUNK_INDEX_SHIFT];
    const at = (item & UNIT_MASK) << 3;
    if (length < NOT_COUNTED) return view[at] === length && equalBytes(view, at + 1, key, start, length);
    this.string.read(view, at);
    return this.string.length === length && equalBytes(view, this.string.start, key, start, length);
  }

  haveSameKey(item: Ref, other: Ref): boolean {
    const view = this.bytes[item >>> CHUNK_INDEX_SHIFT];
    this.string.read(view, (item & UNIT_MASK) << 3);
    return this.equals(other, view, this.string.start, this.string.length);
  }
}
