/**
 * Looks ahead in an RDB for the keys that come next, so that whoever stores them can have them looked up together: their cache misses overlap then.
 *
 * Only records that can be passed over by their lengths are: those whose value is one string in the format. Nothing is checked, as nothing is decided by
 * what is found: the scout stops at all else, and at the end of the bytes.
 */
import { Opcode, RdbType } from './opcodes.js';
import { uint32Be } from './rdb-cursor.js';

/** Types whose value is one string. */
const IS_ONE_STRING = new Uint8Array(256);
for (const type of [
  RdbType.STRING,
  RdbType.HASH_LISTPACK,
  RdbType.ZSET_LISTPACK,
  RdbType.SET_INTSET,
  RdbType.SET_LISTPACK,
])
  IS_ONE_STRING[type] = 1;

export class KeyScout {
  /** Where the keys found are. */
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  /** Behind the last record passed. */
  at = 0;
  /** Of the string that `passString` passed, if it is a plain one. */
  private textStart = 0;
  private textLength = 0;

  /** @param countMax keys looked for at a time */
  constructor(countMax: number) {
    this.starts = new Int32Array(countMax);
    this.lengths = new Int32Array(countMax);
  }

  /** Looks from a record's beginning on. @returns how many keys were found */
  look(bytes: Uint8Array, from: number, end: number): number {
    this.at = from;
    let count = 0;
    while (count < this.starts.length) {
      let at = this.at;
      // Attributes of the key.
      while (at < end && bytes[at] === Opcode.EXPIRETIME_MS) at += 9;
      while (at < end && (bytes[at] === Opcode.FREQ || (bytes[at] === Opcode.IDLE && bytes[at + 1] < 0x40))) at += 2;
      if (at >= end || IS_ONE_STRING[bytes[at]] === 0) break;
      const afterKey = this.passString(bytes, at + 1, end);
      if (afterKey < 0 || this.textLength < 0) break;
      this.starts[count] = this.textStart;
      this.lengths[count++] = this.textLength;
      const afterValue = this.passString(bytes, afterKey, end);
      if (afterValue < 0) break;
      this.at = afterValue;
    }
    return count;
  }

  /** @returns the offset behind the string at `at`; −1 if that is beyond `end`, or a compressed string */
  private passString(bytes: Uint8Array, at: number, end: number): number {
    const first = bytes[at];
    let start = at + 1;
    let length = first;
    this.textLength = -1;
    if (first >= 0xc0) {
      const after = start + (1 << (first - 0xc0));
      return first <= 0xc2 && after <= end ? after : -1;
    }
    if (first > 0x80) return -1;
    if (first === 0x80) {
      length = uint32Be(bytes, start);
      start += 4;
    } else if (first >= 0x40) {
      length = ((first & 0x3f) << 8) | bytes[start++];
    }
    if (start + length > end) return -1;
    this.textStart = start;
    this.textLength = length;
    return start + length;
  }
}
