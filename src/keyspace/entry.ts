/**
 * An entry: one key with its value, contiguous in one arena block.
 *
 *   word 0   | type : 4 | encoding : 4 | expiry flag : 1 | gap : 6 | 0 | key length : 16 |   0xFFFF = the length follows in a word of its own
 *   word 1   | access clock : 24 (LRU seconds, or LFU minutes : 16 and counter : 8) | snapshot mark : 8 |
 *   word 2   | value length in bytes |
 *   words 3–4  expiry, Unix ms, low and high word: with the flag HAS_EXPIRY only
 *   word       key length: with HAS a long key only
 *   key bytes, `gap` bytes that are nobody's, value bytes
 *
 * Overhead of a small key: 12 bytes here (20 with expiry), about 9 in the table (table.ts), 4 on average to round up to the block size: 25 (33).
 *
 * The gap is 0 but for some long values: it puts them where they lie already, or where they are copied to in less time.
 *
 * Value bytes: a string's bytes as they are replied; with encoding INT they are the canonical text of an int64. Listpack, intset and the like:
 * the flat structure itself. Larger structures: a reference to their control block.
 *
 * Invariants: (1) type and encoding are ids of the tables below, which are append-only as the snapshot and DUMP code switch over them; (2) an
 * expiry is positive and at most 2^53.
 */
import { type Arena, CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../memory/arena.js';
import { equalBytes, equalWords } from '../memory/copy.js';
import type { ItemKeys } from '../memory/table.js';
import { hashBytes } from './key-hash.js';

export const TYPE_STRING = 0;
export const TYPE_LIST = 1;
export const TYPE_SET = 2;
export const TYPE_ZSET = 3;
export const TYPE_HASH = 4;
export const TYPE_STREAM = 5;

/** What TYPE replies, by type id. */
export const TYPE_NAMES: readonly string[] = ['string', 'list', 'set', 'zset', 'hash', 'stream'];

/** Encoding ids of strings. EMBSTR and RAW are stored alike; the difference is what OBJECT ENCODING tells (44 bytes, or was it modified in place). */
export const ENCODING_RAW = 0;
export const ENCODING_INT = 1;
export const ENCODING_EMBSTR = 2;

export const EMBSTR_BYTES_MAX = 44;

/** Encoding ids of hashes. In the timed forms at least one field has a time at which it ends. */
export const HASH_LISTPACK = 0;
export const HASH_TABLE = 1;
export const HASH_TIMED_LISTPACK = 2;
export const HASH_TIMED_TABLE = 3;

/** Type and encoding of a timed hash, in the header's first byte, and all but the bit in which the two differ. */
const TIMED_HASH = TYPE_HASH | (HASH_TIMED_LISTPACK << 4);
const TIMED_HASH_BITS = 0xef;

const FLAG_HAS_EXPIRY = 0x100;
const GAP_SHIFT = 9;
const GAP_BYTES_MAX = 63;
const LONG_KEY = 0xffff;
const HEADER_BYTES = 12;
const HEADER_WORDS = HEADER_BYTES / 4;
/** By so much a head with an expiry is longer. */
export const EXPIRY_BYTES = 8;
const EXPIRY_WORDS = EXPIRY_BYTES / 4;

/** Whether values of this type and encoding are hashes whose fields have times. */
export function isTimedHashForm(type: number, encoding: number): boolean {
  return ((type | (encoding << 4)) & TIMED_HASH_BITS) === TIMED_HASH;
}

/** Length of a value that is a reference to a control block. */
export const ROOT_BYTES = 4;

/** Bytes of the block that an entry without a gap needs. */
export function entryBytes(keyLength: number, valueLength: number, hasExpiry: boolean): number {
  return HEADER_BYTES + (hasExpiry ? EXPIRY_BYTES : 0) + (keyLength >= LONG_KEY ? 4 : 0) + keyLength + valueLength;
}

/** Reads and writes entries. Offsets that come back are for the view `bytes[ref >>> CHUNK_INDEX_SHIFT]`, given by `view(ref)`. */
export class Entries implements ItemKeys {
  private readonly words: Int32Array[];
  private readonly bytes: Uint8Array[];

  constructor(arena: Arena) {
    this.words = arena.words;
    this.bytes = arena.bytes;
  }

  /** Writes the header of a fresh block, without a gap. Key and value bytes are the caller's to write, at `keyStart` and `valueStart`. */
  writeHeader(
    ref: Ref,
    type: number,
    encoding: number,
    keyLength: number,
    valueLength: number,
    expireAtMs: number,
    clockAndMark: number,
  ): void {
    const words = this.words[ref >>> CHUNK_INDEX_SHIFT];
    let base = (ref & UNIT_MASK) << 1;
    const isLong = keyLength >= LONG_KEY;
    const hasExpiry = expireAtMs > 0;
    words[base] = type | (encoding << 4) | (hasExpiry ? FLAG_HAS_EXPIRY : 0) | ((isLong ? LONG_KEY : keyLength) << 16);
    words[base + 1] = clockAndMark;
    words[base + 2] = valueLength;
    base += 3;
    if (hasExpiry) {
      words[base] = expireAtMs | 0;
      words[base + 1] = Math.floor(expireAtMs / 4294967296);
      base += 2;
    }
    if (isLong) words[base] = keyLength;
  }

  view(ref: Ref): Uint8Array {
    return this.bytes[ref >>> CHUNK_INDEX_SHIFT];
  }

  type(ref: Ref): number {
    return this.words[ref >>> CHUNK_INDEX_SHIFT][(ref & UNIT_MASK) << 1] & 15;
  }

  encoding(ref: Ref): number {
    return (this.words[ref >>> CHUNK_INDEX_SHIFT][(ref & UNIT_MASK) << 1] >>> 4) & 15;
  }

  /** @returns type | encoding << 4: both by one read */
  form(ref: Ref): number {
    return this.words[ref >>> CHUNK_INDEX_SHIFT][(ref & UNIT_MASK) << 1] & 0xff;
  }

  setEncoding(ref: Ref, encoding: number): void {
    const words = this.words[ref >>> CHUNK_INDEX_SHIFT];
    const base = (ref & UNIT_MASK) << 1;
    words[base] = (words[base] & ~0xf0) | (encoding << 4);
  }

  /** Whether it is a hash whose fields have times. */
  isTimedHash(ref: Ref): boolean {
    return (this.words[ref >>> CHUNK_INDEX_SHIFT][(ref & UNIT_MASK) << 1] & TIMED_HASH_BITS) === TIMED_HASH;
  }

  hasExpiry(ref: Ref): boolean {
    return (this.words[ref >>> CHUNK_INDEX_SHIFT][(ref & UNIT_MASK) << 1] & FLAG_HAS_EXPIRY) !== 0;
  }

  /** @returns Unix ms, or 0 for none */
  expireAtMs(ref: Ref): number {
    const words = this.words[ref >>> CHUNK_INDEX_SHIFT];
    const base = (ref & UNIT_MASK) << 1;
    if ((words[base] & FLAG_HAS_EXPIRY) === 0) return 0;
    return words[base + 4] * 4294967296 + (words[base + 3] >>> 0);
  }

  /** Changes the expiry of an entry that has one. */
  updateExpiry(ref: Ref, expireAtMs: number): void {
    const words = this.words[ref >>> CHUNK_INDEX_SHIFT];
    const base = (ref & UNIT_MASK) << 1;
    words[base + 3] = expireAtMs | 0;
    words[base + 4] = Math.floor(expireAtMs / 4294967296);
  }

  /** The access clock (24 bits) and the snapshot mark (8 bits above it), as one int32. */
  clockAndMark(ref: Ref): number {
    return this.words[ref >>> CHUNK_INDEX_SHIFT][((ref & UNIT_MASK) << 1) + 1];
  }

  setClockAndMark(ref: Ref, value: number): void {
    this.words[ref >>> CHUNK_INDEX_SHIFT][((ref & UNIT_MASK) << 1) + 1] = value;
  }

  keyLength(ref: Ref): number {
    const words = this.words[ref >>> CHUNK_INDEX_SHIFT];
    const base = (ref & UNIT_MASK) << 1;
    const length = words[base] >>> 16;
    if (length !== LONG_KEY) return length;
    return words[base + ((words[base] & FLAG_HAS_EXPIRY) !== 0 ? 5 : 3)];
  }

  keyStart(ref: Ref): number {
    const word0 = this.words[ref >>> CHUNK_INDEX_SHIFT][(ref & UNIT_MASK) << 1];
    let start = ((ref & UNIT_MASK) << 3) + HEADER_BYTES;
    if ((word0 & FLAG_HAS_EXPIRY) !== 0) start += EXPIRY_BYTES;
    if (word0 >>> 16 === LONG_KEY) start += 4;
    return start;
  }

  valueLength(ref: Ref): number {
    return this.words[ref >>> CHUNK_INDEX_SHIFT][((ref & UNIT_MASK) << 1) + 2];
  }

  setValueLength(ref: Ref, length: number): void {
    this.words[ref >>> CHUNK_INDEX_SHIFT][((ref & UNIT_MASK) << 1) + 2] = length;
  }

  valueStart(ref: Ref): number {
    const word0 = this.words[ref >>> CHUNK_INDEX_SHIFT][(ref & UNIT_MASK) << 1];
    const length = word0 >>> 16;
    const start = this.keyStart(ref) + ((word0 >>> GAP_SHIFT) & GAP_BYTES_MAX);
    return start + (length === LONG_KEY ? this.keyLength(ref) : length);
  }

  /** Bytes between key and value. */
  gap(ref: Ref): number {
    return (this.words[ref >>> CHUNK_INDEX_SHIFT][(ref & UNIT_MASK) << 1] >>> GAP_SHIFT) & GAP_BYTES_MAX;
  }

  /** Makes a gap in an entry that has none; the block has room for it, and the value is not there yet. */
  setGap(ref: Ref, byteCount: number): void {
    this.words[ref >>> CHUNK_INDEX_SHIFT][(ref & UNIT_MASK) << 1] |= byteCount << GAP_SHIFT;
  }

  /** @returns the reference that the value of a large structure is: its control block. Behind a short key it has no gap */
  root(ref: Ref): Ref {
    const chunk = ref >>> CHUNK_INDEX_SHIFT;
    const start = (ref & UNIT_MASK) << 3;
    const word0 = this.words[chunk][start >> 2];
    const keyLength = word0 >>> 16;
    const headerBytes = (word0 & FLAG_HAS_EXPIRY) === 0 ? HEADER_BYTES : HEADER_BYTES + EXPIRY_BYTES;
    const at = keyLength === LONG_KEY ? this.valueStart(ref) : start + headerBytes + keyLength;
    const view = this.bytes[chunk];
    return view[at] | (view[at + 1] << 8) | (view[at + 2] << 16) | (view[at + 3] << 24);
  }

  /** Writes that reference; the value has `ROOT_BYTES`. */
  setRoot(ref: Ref, root: Ref): void {
    const view = this.view(ref);
    const at = this.valueStart(ref);
    view[at] = root;
    view[at + 1] = root >> 8;
    view[at + 2] = root >> 16;
    view[at + 3] = root >> 24;
  }

  hashOf(ref: Ref): number {
    return hashBytes(this.view(ref), this.keyStart(ref), this.keyLength(ref));
  }

  equals(ref: Ref, key: Uint8Array, start: number, length: number): boolean {
    const words = this.words[ref >>> CHUNK_INDEX_SHIFT];
    const base = (ref & UNIT_MASK) << 1;
    const word0 = words[base];
    // The usual entry: a short key, whose length stands in the header.
    if (length < LONG_KEY) {
      if (word0 >>> 16 !== length) return false;
      const keyWord = base + ((word0 & FLAG_HAS_EXPIRY) !== 0 ? HEADER_WORDS + EXPIRY_WORDS : HEADER_WORDS);
      return equalWords(key, start, this.bytes[ref >>> CHUNK_INDEX_SHIFT], words, keyWord, length);
    }
    if (this.keyLength(ref) !== length) return false;
    return equalBytes(this.view(ref), this.keyStart(ref), key, start, length);
  }

  haveSameKey(ref: Ref, other: Ref): boolean {
    return this.equals(other, this.view(ref), this.keyStart(ref), this.keyLength(ref));
  }
}
