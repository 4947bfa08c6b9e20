/**
 * Walks over the records of an AOF file as the offline checker does: nothing is kept of them, only where they end, and whether MULTI and EXEC fit.
 *
 *   header    `*` or `$`, a number as strtol reads it, CRLF        at most 127 bytes
 *   string    so many bytes, CRLF
 *
 * Invariants: (1) `soundUpTo` is the end of the last record outside of MULTI, or the start of the open MULTI; (2) after `next` returned 'end', `error` tells
 * why it is before the end of the file; empty where the file ends in the middle of a record, between two parts of it.
 */
import type { FileScan } from './file-scan.js';

const HEADER_BYTES_MAX = 127;
const COMMENT_BYTES_MAX = 1023;
/** Of a string only so much is looked at: the longest name that matters has five letters. */
const NAME_BYTES_MAX = 6;
const LONG_MAX = 9223372036854775807n;
const STAR = 0x2a;
const DOLLAR = 0x24;
const HASH = 0x23;
const CR = 0x0d;
const LF = 0x0a;

export class RecordScan {
  error = '';
  soundUpTo: number;
  /** Number of the line that comes next; headers and strings are lines. */
  line: number;
  #isInTransaction = false;
  /** Where the header or string begins that was read last: what errors point to. */
  #partAt = 0;
  #comment = '';

  constructor(
    private readonly file: FileScan,
    private readonly name: string,
    private readonly path: string,
    line: number,
  ) {
    this.line = line;
    this.soundUpTo = file.at;
    this.#partAt = file.at;
  }

  /** Takes the next record or comment; 'end' where the file ends or is damaged. */
  next(): 'record' | 'comment' | 'end' {
    const { file } = this;
    if (!this.#isInTransaction) this.soundUpTo = file.at;
    switch (file.peek()) {
      case -1:
        return this.#end();
      case HASH:
        file.line(COMMENT_BYTES_MAX);
        this.#comment = textOf(file);
        return 'comment';
      case STAR:
        return this.#record() ? 'record' : this.#end();
      default:
        this.error = `AOF ${this.name} format error`;
        return this.#end();
    }
  }

  /** Unix seconds of the comment taken last; −Infinity if it tells no time, null if it does so wrongly. */
  timestamp(): number | null {
    if (!this.#comment.startsWith('#TS:')) return Number.NEGATIVE_INFINITY;
    const [, digits, rest] = /^#TS:(\s*[+-]?\d+)?(.?)/s.exec(this.#comment)!;
    return rest === '\r' || (digits === undefined && this.#comment[4] === '\r') ? Number(digits ?? 0) : null;
  }

  #end(): 'end' {
    if (this.#isInTransaction && this.error === '' && this.file.isAtEnd)
      this.#fail('Reached EOF before reading EXEC for MULTI');
    return 'end';
  }

  #record(): boolean {
    const count = this.#number(STAR);
    if (count === null) return false;
    for (let i = 0n; i < count; i++) {
      const name = this.#string();
      if (name === null) return false;
      if (i === 0n && !this.#follow(name)) return false;
    }
    return true;
  }

  #follow(name: string): boolean {
    if (name === 'multi') {
      if (this.#isInTransaction) return this.#fail(`Unexpected MULTI in AOF ${this.path}`);
      this.#isInTransaction = true;
    } else if (name === 'exec') {
      if (!this.#isInTransaction) return this.#fail(`Unexpected EXEC in AOF ${this.path}`);
      this.#isInTransaction = false;
    }
    return true;
  }

  /** Takes a header. @returns its number, null if it is none or the file ends */
  #number(prefix: number): bigint | null {
    const { file } = this;
    this.#partAt = file.at;
    if (file.line(HEADER_BYTES_MAX) === 0) return null;
    const first = file.bytes[file.start]!;
    if (first !== prefix) {
      this.#fail(`Expected prefix '${String.fromCharCode(prefix)}', got: '${printable(first)}'`);
      return null;
    }
    const [, space = '', digits = ''] = /^.([ \t-\r]*)([+-]?\d+)?/s.exec(textOf(file))!;
    const end = file.start + 1 + (digits === '' ? 0 : space.length + digits.length);
    if (!this.#endsLine(end)) return null;
    const value = BigInt(digits === '' ? 0 : digits.replace('+', ''));
    return value > LONG_MAX ? LONG_MAX : value < -LONG_MAX ? -LONG_MAX - 1n : value;
  }

  /** Takes a string with its header. @returns its first bytes in lower case, null if it is damaged */
  #string(): string | null {
    const length = this.#number(DOLLAR);
    if (length === null) return null;
    if (length < 0n || length > LONG_MAX - 2n) {
      this.#fail(`Expected to read string of ${length} bytes, which is not in the suitable range`);
      return null;
    }
    const { file } = this;
    this.#partAt = file.at;
    const left = file.size - file.at;
    if (length + 2n > left) {
      this.#fail(`Expected to read ${length + 2n} bytes, got ${left} bytes`);
      file.at = file.size;
      return null;
    }
    file.read(Math.min(Number(length), NAME_BYTES_MAX));
    const name = textOf(file).toLowerCase();
    file.at = this.#partAt + Number(length);
    file.read(2);
    return this.#endsLine(file.start) ? name : null;
  }

  /** Whether CRLF stands at that place of the window, within what was read last. */
  #endsLine(index: number): boolean {
    const { bytes, end } = this.file;
    const [first, second] = [index, index + 1].map((each) => (each < end ? bytes[each]! : 0));
    if (first !== CR || second !== LF) return this.#fail(`Expected \\r\\n, got: ${hex(first!)}${hex(second!)}`);
    this.line++;
    return true;
  }

  #fail(what: string): false {
    this.error = `0x${this.#partAt.toString(16).padStart(16)}: ${what}`;
    return false;
  }
}

/** A byte that is no letter would break the line, or the terminal. */
const printable = (byte: number): string =>
  byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${hex(byte)}`;
const hex = (byte: number): string => byte.toString(16).padStart(2, '0');

function textOf({ bytes, start, end }: FileScan): string {
  return Buffer.from(bytes.buffer, start, end - start).toString('latin1');
}
