/**
 * Writes replies, in RESP2 or RESP3, into one growing buffer that serves all connections in turn (DESIGN section 1, rule 3).
 *
 * Invariants: (1) `bytes[0 … length)` are whole replies, unless a reply is being written; (2) `mark` and `rewind` take back everything since the
 * mark; (3) nothing is allocated while there is room. Logical types and their two shapes: spec server.md section 3.
 */
import { constants } from 'node:buffer';
import { copyBytes, copyWords } from '../memory/copy.js';
import { EXTENDED_BYTES_MIN, HugeBuffers } from '../memory/huge-buffers.js';
import { writeInteger } from '../memory/int64-text.js';
import { ReplyBuffers } from './reply-buffers.js';

const INITIAL_BYTES = 64 * 1024;
/** A buffer that grew beyond this for one large reply is not the writer's any more afterwards. */
const KEEP_BYTES_MAX = 1024 * 1024;

const CR = 0x0d;
const LF = 0x0a;
/** The type byte of a bulk string. */
const BULK = 0x24;

/** The longest buffer that the engine makes: 4 GiB. A single reply never comes near it, but a transaction's or MGET's may ask for more. */
const BYTES_MAX = constants.MAX_LENGTH;
/** So many elements of a reply stand for the others. */
export const SAMPLED_ELEMENTS = 1024;
/** A buffer grows to twice its length, or more if need be, up to this. */
const DOUBLED_BYTES_MAX = EXTENDED_BYTES_MIN;
/** What a reply's first elements say of the others is believed up to this. */
const RESERVED_BYTES_MAX = 64 * 1024 * 1024;

/** Views are kept of replies in the first bytes, about 100 bytes of heap each: enough for a turn of 50 clients with a pipeline of 16 short replies. */
const KEPT_VIEWS = 8192;

/** A reply made once: `-ERR …`, `+OK` and the like. */
export function fixedReply(line: string): Uint8Array {
  return Uint8Array.from(Buffer.from(`${line}\r\n`, 'latin1'));
}

const OK = fixedReply('+OK');
const NULL2 = fixedReply('$-1');
const NULL_ARRAY2 = fixedReply('*-1');
const NULL3 = fixedReply('_');
const TRUE3 = fixedReply('#t');
const FALSE3 = fixedReply('#f');
/** Before a bulk string in a room: its type, its length of up to 10 digits, the line's end. */
const BULK_HEADER_BYTES_MAX = 13;
const encoder = new TextEncoder();
/** A text of so many letters is written faster one by one than by the encoder, which wants a view of the place where it belongs. */
const SHORT_TEXT = 128;
/** A header on its way to the place where it belongs. */
const insertedHeader = new Uint8Array(128);

export class ReplyWriter {
  bytes: Uint8Array = new Uint8Array(INITIAL_BYTES);
  length = 0;
  readonly buffers: ReplyBuffers;
  /** Of the same bytes. */
  private words = new DataView(this.bytes.buffer);
  /** Of the same bytes, for texts; made when there is one. */
  private textRoom: Buffer | null = null;
  /** Views of replies by where they lie: making one costs as much as a GET (80 ns). */
  private views: (Uint8Array | null)[] = new Array(KEPT_VIEWS * 2 + 1).fill(null);
  /** 2 or 3, of the connection being served. */
  protocol = 2;
  /** Where the room given last begins, behind the replies: there is as much before it as the header of a bulk string of the length asked for takes. */
  private roomAt = 0;
  /** Error replies written since it was last reset: tells the pipeline whether a command failed. */
  errorCount = 0;
  /** The replies exceeded what a buffer can hold: they are garbage, and whoever waits for them must be closed. */
  isOverfull = false;
  /** Code of the last error (`ERR`, `WRONGTYPE`, …) for errorstats. */
  lastErrorCode = '';

  /** @param huge where it has buffers of that size from */
  constructor(huge = new HugeBuffers()) {
    this.buffers = new ReplyBuffers(huge);
  }

  /** Takes the buffer's content away; the writer goes on with a new buffer. The result is the caller's for good. */
  take(): Uint8Array {
    const taken = this.bytes.subarray(0, this.length);
    this.setBytes(new Uint8Array(INITIAL_BYTES));
    this.length = 0;
    return taken;
  }

  /** Forgets the content, which has been written out. */
  clear(): void {
    this.length = 0;
    if (this.bytes.length <= KEEP_BYTES_MAX) return;
    this.buffers.put(this.bytes);
    this.setBytes(new Uint8Array(INITIAL_BYTES));
  }

  /**
   * A transport still reads a part of `bytes`, the writer's or what it has handed over. The writer, whose content has been written out then, goes on with
   * other bytes.
   */
  lend(bytes: Uint8Array): void {
    if (bytes.length > KEEP_BYTES_MAX) this.buffers.lend(bytes);
    if (bytes === this.bytes) this.setBytes(new Uint8Array(INITIAL_BYTES));
  }

  /** @returns a view of `bytes[start … end)` */
  view(start: number, end: number): Uint8Array {
    // Replies at the beginning are kept by their length, those of a batch by their start, where the next batch of the same kind has them too.
    const at = start === 0 ? end : KEPT_VIEWS + start;
    if (end > KEPT_VIEWS) return this.bytes.subarray(start, end);
    const kept = this.views[at];
    if (kept !== null && kept.byteOffset === start && kept.length === end - start) return kept;
    const view = this.bytes.subarray(start, end);
    this.views[at] = view;
    return view;
  }

  rewind(length: number): void {
    this.length = length;
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.length + count > this.bytes.length) this.grow(count);
  }

  /**
   * Makes room for what is still to come of a reply of `count` elements, of which the first `written` stand behind `mark`, as if all were as long: so that a
   * long one is not copied again and again as it grows. To be called after SAMPLED_ELEMENTS.
   */
  reserveRest(mark: number, written: number, count: number): void {
    const rest = Math.ceil(((this.length - mark) / written) * (count - written));
    if (rest < RESERVED_BYTES_MAX && this.length + rest < BYTES_MAX) this.reserve(rest);
  }

  raw(reply: Uint8Array): void {
    this.reserve(reply.length);
    copyBytes(reply, 0, this.bytes, this.length, reply.length);
    this.length += reply.length;
  }

  /** The same of `bytes[start … end)`. */
  rawRange(bytes: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    copyBytes(bytes, start, this.bytes, this.length, end - start);
    this.length += end - start;
  }

  ok(): void {
    this.raw(OK);
  }

  /** `text` must have neither CR nor LF. */
  status(text: string): void {
    this.line(0x2b, text);
  }

  /**
   * An error reply. `text` begins with the code, without the minus: `WRONGTYPE Operation …`, `ERR syntax error`. CR and LF become spaces.
   */
  error(text: string): void {
    this.noteError(text);
    this.line(0x2d, withoutLineEnds(text));
  }

  /** As `error`, for a text that repeats bytes of the client's: one char code per byte. Line ends behind it go. */
  byteError(text: string): void {
    this.noteError(text);
    this.reserve(text.length + 3);
    this.bytes[this.length++] = 0x2d;
    this.latin1(withoutLineEnds(text.replace(/[\r\n]+$/, '')));
    this.endLine();
  }

  /** An error reply made once by `fixedReply`, with its code. */
  fixedError(reply: Uint8Array, code: string): void {
    this.errorCount++;
    this.lastErrorCode = code;
    this.raw(reply);
  }

  integer(value: number): void {
    this.header(0x3a, value);
  }

  /** An integer whose text, of up to 20 bytes, lies in `source`. */
  integerText(source: Uint8Array, start: number, length: number): void {
    this.reserve(24);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = 0x3a;
    for (let i = 0; i < length; i++) bytes[at++] = source[start + i];
    bytes[at++] = CR;
    bytes[at++] = LF;
    this.length = at;
  }

  bigInteger(value: bigint): void {
    this.line(0x3a, value.toString());
  }

  /** A bulk string of bytes that lie in `source`. */
  bulk(source: Uint8Array, start: number, length: number): void {
    if (this.length + length + 32 > this.bytes.length) this.grow(length + 32);
    this.length = writeBulk(this.bytes, this.length, source, start, length);
  }

  /** The same of bytes that are seen through a view that reads words: worth it for many short ones. */
  bulkFrom(source: DataView, start: number, length: number): void {
    if (this.length + length + 32 > this.bytes.length) this.grow(length + 32);
    const { bytes } = this;
    const at = writeHeader(bytes, this.length, BULK, length);
    copyWords(source, start, this.words, at, length);
    bytes[at + length] = CR;
    bytes[at + length + 1] = LF;
    this.length = at + length + 2;
  }

  /**
   * Room for a bulk string of unknown length, behind the replies so far, which it is no part of until `bulkInRoom`.
   * @returns `byteCount` bytes or more; the first `kept` are those of the room given last
   * @throws RangeError if it is more than a buffer can hold
   */
  bulkRoom(byteCount: number, kept: number): Uint8Array {
    const { bytes } = this;
    const aroundBytes = BULK_HEADER_BYTES_MAX + 2;
    if (this.length + byteCount + aroundBytes > BYTES_MAX)
      throw new RangeError('a bulk string exceeds what a buffer can hold');
    this.reserve(byteCount + aroundBytes);
    // What is kept has its place, unless all of it moves anyway.
    if (kept === 0 || bytes !== this.bytes) {
      const keptAt = this.length + this.roomAt;
      this.roomAt = bulkHeaderBytes(byteCount);
      if (kept > 0) this.bytes.set(bytes.subarray(keptAt, keptAt + kept), this.length + this.roomAt);
    }
    return this.bytes.subarray(this.length + this.roomAt, this.bytes.length - aroundBytes + this.roomAt);
  }

  /** @returns `byteCount` bytes or more for what becomes a part of the room later */
  takeAside(byteCount: number): Uint8Array {
    return this.buffers.take(byteCount);
  }

  giveAside(bytes: Uint8Array): void {
    if (bytes.length > KEEP_BYTES_MAX) this.buffers.put(bytes);
  }

  /** Makes the first `length` bytes of the room a bulk string. */
  bulkInRoom(length: number): void {
    const { bytes } = this;
    const start = this.length + this.roomAt;
    const headerBytes = bulkHeaderBytes(length);
    if (headerBytes !== this.roomAt) bytes.copyWithin(this.length + headerBytes, start, start + length);
    this.length = writeHeader(bytes, this.length, BULK, length) + length;
    this.endLine();
  }

  bulkBytes(value: Uint8Array): void {
    this.bulk(value, 0, value.length);
  }

  /** A bulk string of text, as UTF-8. */
  bulkText(text: string): void {
    if (text.length <= SHORT_TEXT) {
      const mark = this.length;
      this.header(0x24, text.length);
      this.reserve(text.length + 2);
      if (this.shortAscii(text)) return this.endLine();
      this.length = mark;
    }
    const length = Buffer.byteLength(text);
    this.header(0x24, length);
    this.utf8(text, length);
    this.endLine();
  }

  /** A bulk string of text, one byte per char code. */
  bulkLatin1(text: string): void {
    this.header(0x24, text.length);
    this.reserve(text.length + 2);
    this.latin1(text);
    this.endLine();
  }

  array(count: number): void {
    this.header(0x2a, count);
  }

  map(count: number): void {
    if (this.protocol === 3) this.header(0x25, count);
    else this.header(0x2a, count * 2);
  }

  set(count: number): void {
    this.header(this.protocol === 3 ? 0x7e : 0x2a, count);
  }

  /** Makes what was written since `mark`, when its length `count` was not known yet, a set. */
  insertSetHeader(mark: number, count: number): void {
    const end = this.length;
    this.set(count);
    this.moveHeader(mark, end);
  }

  /** Makes what was written since `mark` an array of `count` replies. */
  insertArrayHeader(mark: number, count: number): void {
    const end = this.length;
    this.array(count);
    this.moveHeader(mark, end);
  }

  /** The same for what became a map of `count` pairs. */
  insertMapHeader(mark: number, count: number): void {
    const end = this.length;
    this.map(count);
    this.moveHeader(mark, end);
  }

  /** Moves what was written from `end` on, at most 128 bytes, before what was written from `mark` on. */
  moveHeader(mark: number, end: number): void {
    const headerBytes = this.length - end;
    copyBytes(this.bytes, end, insertedHeader, 0, headerBytes);
    this.bytes.copyWithin(mark + headerBytes, mark, end);
    copyBytes(insertedHeader, 0, this.bytes, mark, headerBytes);
  }

  push(count: number): void {
    this.header(this.protocol === 3 ? 0x3e : 0x2a, count);
  }

  null(): void {
    this.raw(this.protocol === 3 ? NULL3 : NULL2);
  }

  nullArray(): void {
    this.raw(this.protocol === 3 ? NULL3 : NULL_ARRAY2);
  }

  bool(value: boolean): void {
    if (this.protocol === 3) this.raw(value ? TRUE3 : FALSE3);
    else this.integer(value ? 1 : 0);
  }

  /** A double already in its textual form. */
  doubleText(text: string): void {
    if (this.protocol === 3) this.line(0x2c, text);
    else this.bulkLatin1(text);
  }

  /** An attribute of `count` pairs, which comes before a reply; RESP3 only, the caller has checked it or the pairs must not follow. */
  attribute(count: number): void {
    this.header(0x7c, count);
  }

  /** An integer of any size. */
  bigNumberText(digits: string): void {
    if (this.protocol === 3) this.line(0x28, digits);
    else this.bulkText(digits);
  }

  /** Text with a format of three letters (`txt`, `mkd`). */
  verbatim(text: string, format = 'txt'): void {
    if (this.protocol !== 3) return this.bulkText(text);
    const length = Buffer.byteLength(text);
    this.header(0x3d, length + 4);
    this.reserve(4);
    this.latin1(`${format}:`);
    this.utf8(text, length);
    this.endLine();
  }

  /** Makes the first `length` bytes of the room verbatim text; in RESP3 they begin with the format, `txt:`. */
  verbatimInRoom(length: number): void {
    const start = this.length;
    this.bulkInRoom(length);
    if (this.protocol === 3) this.bytes[start] = 0x3d;
  }

  private noteError(text: string): void {
    this.errorCount++;
    const space = text.indexOf(' ');
    this.lastErrorCode = space < 0 || space > 32 ? 'ERR' : text.slice(0, space);
  }

  private line(type: number, text: string): void {
    // At most 3 bytes of UTF-8 for one UTF-16 unit.
    this.reserve(text.length * 3 + 3);
    this.bytes[this.length++] = type;
    if (!this.shortAscii(text)) this.length += encoder.encodeInto(text, this.bytes.subarray(this.length)).written;
    this.endLine();
  }

  /** Writes a text of `length` bytes where it belongs, without a copy on the way, and makes room for the line's end. */
  private utf8(text: string, length: number): void {
    this.reserve(length + 2);
    this.textRoom ??= Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    this.length += this.textRoom.write(text, this.length, length);
  }

  /** Writes a short text where there is room for it, one byte per char code. */
  private latin1(text: string): void {
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.length = at;
  }

  /** The same if the text is short and ASCII. @returns whether it is; if not, nothing has been written */
  private shortAscii(text: string): boolean {
    const { bytes, length } = this;
    if (text.length > SHORT_TEXT) return false;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      bytes[length + i] = code;
    }
    this.length = length + text.length;
    return true;
  }

  private endLine(): void {
    const { bytes } = this;
    bytes[this.length++] = CR;
    bytes[this.length++] = LF;
  }

  /** A type byte, an integer and the line's end. */
  private header(type: number, value: number): void {
    this.reserve(24);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = type;
    if (value >= 0 && value < 10) {
      bytes[at++] = 0x30 + value;
    } else {
      at = writeInteger(bytes, at, value);
    }
    bytes[at++] = CR;
    bytes[at++] = LF;
    this.length = at;
  }

  private grow(count: number): void {
    if (this.length + count > BYTES_MAX) {
      // The beginning may hold replies of others; the second half takes what is still to come of this one.
      this.isOverfull = true;
      this.length = BYTES_MAX / 2;
    }
    const needed = this.length + count;
    let size = this.bytes.length;
    while (size < needed) size *= 2;
    if (size === this.bytes.length) return;
    // One value that is most of the reply, mostly: then a buffer of its size will do, of which there may be one.
    if (size > DOUBLED_BYTES_MAX && needed > this.bytes.length * 2) size = needed;
    const grown = this.buffers.take(Math.min(size, BYTES_MAX));
    grown.set(this.bytes.subarray(0, this.length));
    this.setBytes(grown);
  }

  private setBytes(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.textRoom = null;
    this.views.fill(null);
  }
}

function withoutLineEnds(text: string): string {
  return /[\r\n]/.test(text) ? text.replace(/[\r\n]/g, ' ') : text;
}

/** What most replies consist of: without a field in between. The room is the caller's. @returns the offset after it */
export function writeBulk(bytes: Uint8Array, start: number, source: Uint8Array, from: number, length: number): number {
  let at = writeHeader(bytes, start, BULK, length);
  copyBytes(source, from, bytes, at, length);
  at += length;
  bytes[at] = CR;
  bytes[at + 1] = LF;
  return at + 2;
}

/** @returns how long the header is: its type, its length, the line's end */
function bulkHeaderBytes(length: number): number {
  let digits = 1;
  for (let bound = 10; length >= bound; bound *= 10) digits++;
  return digits + 3;
}

/** Writes a type byte, a count of bytes or elements and the line's end. @returns the offset after it */
export function writeHeader(bytes: Uint8Array, start: number, type: number, count: number): number {
  let at = start;
  bytes[at++] = type;
  if (count < 10) {
    bytes[at++] = 0x30 + count;
  } else if (count < 100) {
    const tens = (count * 205) >> 11;
    bytes[at++] = 0x30 + tens;
    bytes[at++] = 0x30 + count - tens * 10;
  } else {
    at = writeInteger(bytes, at, count);
  }
  bytes[at++] = CR;
  bytes[at++] = LF;
  return at;
}
