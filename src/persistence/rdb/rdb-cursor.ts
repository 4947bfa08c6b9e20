/**
 * Reads the primitive encodings of RDB (spec/persistence.md 1.3–1.5) from a contiguous range of bytes that may end too early.
 *
 * Every read either succeeds and moves `at`, or fails, leaves `at` behind what was read of the primitive (a length without its string, say: the offset that
 * a report shows), and sets `status`:
 *   SHORT       the range ends inside the primitive; the same read from its start can succeed once `bytes` reaches at least to `need`
 *   CORRUPT     no continuation can make it valid; `text` tells why
 *   UNREADABLE  as CORRUPT, but of the kind that Redis reports in the words of a truncated file
 * A status once set stays, so a chain of reads may be checked at its end.
 *
 * No length is trusted: nothing is allocated for a stated length before its bytes are there, and an LZF string may not claim more than LZF can expand to.
 */
import { readDouble } from '../../memory/double-bytes.js';
import { writeInteger } from '../../memory/int64-text.js';
import {
  LZF_BLOCK_BYTES,
  LZF_EXPANSION_MAX,
  LZF_OUTPUT_AT,
  lzfDecompress,
  lzfExpandBlock,
  lzfForgetInput,
  lzfMemory,
} from './lzf.js';

export const READ_OK = 0;
export const READ_SHORT = 1;
export const READ_CORRUPT = 2;
export const READ_UNREADABLE = 3;

/** No string is longer, whatever a file says: positions stay within what one ArrayBuffer can hold. */
const STRING_BYTES_MAX = 0x7fffffff;

/**
 * A decoded string: `bytes[start, end)`, valid until the next read into the same object. `isInteger` says that the file held a number
 * (|integer| < 2³¹); `bytes` hold its text then.
 */
export class RdbString {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  isInteger = false;
  integer = 0;
  #scratch: Uint8Array = new Uint8Array(32);

  setRange(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.isInteger = false;
  }

  setInteger(value: number): void {
    this.setRange(this.#scratch, 0, writeInteger(this.#scratch, 0, value));
    this.isInteger = true;
    this.integer = value;
  }

  /** @returns room for `length` bytes, which become the string */
  takeScratch(length: number): Uint8Array {
    // One huge value must not hold its memory for good.
    if (this.#scratch.length < length || (this.#scratch.length > 1 << 20 && length < 1 << 16)) {
      this.#scratch = new Uint8Array(Math.max(length, 32));
    }
    this.setRange(this.#scratch, 0, length);
    return this.#scratch;
  }

  /** The bytes as text, for logs and reports; what is not UTF-8 shows as U+FFFD. */
  toString(): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + this.start, this.end - this.start).toString();
  }
}

export class RdbCursor {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  end = 0;
  status = READ_OK;
  need = 0;
  text = '';

  /** What is read from now on; it stays as it is until the last read. */
  reset(bytes: Uint8Array, start: number, end: number): void {
    lzfForgetInput();
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.status = READ_OK;
    this.need = 0;
    this.text = '';
  }

  corrupt(text: string): false {
    if (this.status === READ_OK) {
      this.status = READ_CORRUPT;
      this.text = text;
    }
    return false;
  }

  unreadable(): false {
    if (this.status === READ_OK) this.status = READ_UNREADABLE;
    return false;
  }

  /** @returns whether the next `count` bytes are there */
  has(count: number): boolean {
    if (this.status !== READ_OK) return false;
    if (this.at + count <= this.end) return true;
    this.status = READ_SHORT;
    this.need = this.at + count;
    return false;
  }

  skip(count: number): boolean {
    if (!this.has(count)) return false;
    this.at += count;
    return true;
  }

  /** @returns 0–255, or −1 on failure */
  byte(): number {
    return this.has(1) ? this.bytes[this.at++]! : -1;
  }

  /** @returns a length or count, 0 to 2⁶⁴ (exact up to 2⁵³), or −1 on failure */
  length(): number {
    if (!this.has(1)) return -1;
    const first = this.bytes[this.at]!;
    if (first >= 0xc0) {
      this.at++;
      this.corrupt('Unknown length encoding 3 in rdbLoadLen()');
      return -1;
    }
    return this.#lengthForm(first);
  }

  /** @returns a length or count of any size, 0 to 2⁶⁴ − 1; 0 on failure */
  exactLength(): bigint {
    const at = this.at;
    const rounded = this.length();
    if (rounded <= Number.MAX_SAFE_INTEGER) return BigInt(Math.max(rounded, 0));
    return (BigInt(uint32Be(this.bytes, at + 1)) << 32n) | BigInt(uint32Be(this.bytes, at + 5));
  }

  /** i64 little-endian, exact up to 2⁵³; 0 on failure. */
  int64(): number {
    if (!this.has(8)) return 0;
    const at = this.at;
    this.at += 8;
    return uint32Le(this.bytes, at) + (uint32Le(this.bytes, at + 4) | 0) * 4294967296;
  }

  /** i32 little-endian; 0 on failure. */
  int32(): number {
    if (!this.has(4)) return 0;
    const at = this.at;
    this.at += 4;
    return uint32Le(this.bytes, at) | 0;
  }

  /** Binary double, little-endian; NaN on failure. */
  double(): number {
    if (!this.has(8)) return Number.NaN;
    const at = this.at;
    this.at += 8;
    return readDouble(this.bytes, at);
  }

  /** The length-prefixed text form of a double (sorted sets before Redis 4). NaN may be a value: look at `status`. */
  textDouble(): number {
    if (!this.has(1)) return Number.NaN;
    const length = this.bytes[this.at]!;
    if (length >= 253) {
      this.at++;
      return length === 253 ? Number.NaN : length === 254 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    }
    if (!this.#hasAfterFirst(length)) return Number.NaN;
    const start = this.at + 1;
    const value = parseFloatText(
      Buffer.from(this.bytes.buffer, this.bytes.byteOffset + start, length).toString('latin1'),
    );
    if (value === null) this.unreadable();
    else this.at = start + length;
    return value ?? Number.NaN;
  }

  /** Reads a string in any of its forms. */
  string(into: RdbString): boolean {
    if (!this.has(1)) return false;
    const origin = this.at;
    const first = this.bytes[origin]!;
    if (first < 0xc0) {
      const length = this.#lengthForm(first);
      if (length < 0) return false;
      if (!this.has(length)) return false;
      into.setRange(this.bytes, this.at, this.at + length);
      this.at += length;
      return true;
    }
    switch (first) {
      case 0xc0:
        if (!this.#hasAfterFirst(1)) return false;
        into.setInteger((this.bytes[origin + 1]! << 24) >> 24);
        this.at += 2;
        return true;
      case 0xc1:
        if (!this.#hasAfterFirst(2)) return false;
        into.setInteger(((this.bytes[origin + 1]! | (this.bytes[origin + 2]! << 8)) << 16) >> 16);
        this.at += 3;
        return true;
      case 0xc2:
        if (!this.#hasAfterFirst(4)) return false;
        into.setInteger(uint32Le(this.bytes, origin + 1) | 0);
        this.at += 5;
        return true;
      case 0xc3:
        return this.#compressedString(into, false);
      default:
        this.at++;
        return this.corrupt(`Unknown RDB string encoding type ${first & 0x3f}`);
    }
  }

  /** Reads a string that is done with before anybody reads another one: if it was compressed, it is left where it was expanded. */
  blob(into: RdbString): boolean {
    return this.has(1) && this.bytes[this.at] === 0xc3 ? this.#compressedString(into, true) : this.string(into);
  }

  #compressedString(into: RdbString, isBrief: boolean): boolean {
    this.at++;
    const compressed = this.length();
    const plain = compressed < 0 ? -1 : this.length();
    if (plain < 0 || !this.has(compressed)) return false;
    const start = this.at;
    this.at += compressed;
    if (plain > STRING_BYTES_MAX || plain > compressed * LZF_EXPANSION_MAX) {
      return this.corrupt('Invalid LZF compressed string');
    }
    let isValid: boolean;
    if (isBrief && plain <= LZF_BLOCK_BYTES && compressed <= LZF_BLOCK_BYTES) {
      isValid = lzfExpandBlock(this.bytes, start, this.at, plain, this.end);
      into.setRange(lzfMemory(), LZF_OUTPUT_AT, LZF_OUTPUT_AT + plain);
    } else {
      isValid = lzfDecompress(this.bytes, start, this.at, into.takeScratch(plain), 0, plain);
    }
    return isValid || this.corrupt('Invalid LZF compressed string');
  }

  /** Whether so many bytes follow the one at hand; if not, that one counts as read. */
  #hasAfterFirst(count: number): boolean {
    if (this.has(1 + count)) return true;
    this.at++;
    return false;
  }

  #lengthForm(first: number): number {
    const at = this.at;
    if (first < 0x40) {
      this.at = at + 1;
      return first;
    }
    if (first < 0x80) {
      if (!this.#hasAfterFirst(1)) return -1;
      this.at = at + 2;
      return ((first & 0x3f) << 8) | this.bytes[at + 1]!;
    }
    if (first === 0x80) {
      if (!this.#hasAfterFirst(4)) return -1;
      this.at = at + 5;
      return uint32Be(this.bytes, at + 1);
    }
    if (first === 0x81) {
      if (!this.#hasAfterFirst(8)) return -1;
      this.at = at + 9;
      return uint32Be(this.bytes, at + 1) * 4294967296 + uint32Be(this.bytes, at + 5);
    }
    this.at = at + 1;
    this.corrupt('Unknown length encoding 2 in rdbLoadLen()');
    return -1;
  }
}

/** @returns the number that C's `%lg` reads at the start of the text, or null */
function parseFloatText(text: string): number | null {
  const match = /^\s*([+-]?)(?:(inf|nan)|((?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?))/i.exec(text);
  if (match === null) return null;
  const magnitude =
    match[3] !== undefined ? Number(match[3]) : /inf/i.test(match[2]!) ? Number.POSITIVE_INFINITY : Number.NaN;
  return match[1] === '-' ? -magnitude : magnitude;
}

export function uint32Le(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

export function uint32Be(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
