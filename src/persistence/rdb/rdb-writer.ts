/**
 * Writes the RDB format: the file header, attributes, keys, values and trailer as separate calls, in the order that spec/persistence.md 1.1 gives
 * (the caller keeps the order; the bytes of each part are decided here).
 *
 * Bytes collect in a chunk. With a sink, a full chunk is handed over and belongs to the sink until `recycle` gives it back; so an image of any size
 * needs no more chunks than the sink keeps. Without a sink the chunk grows and the whole result is at `bytes[0, length)`. Or the result goes to a room that
 * somebody else has, as a DUMP payload does: then the chunk is the stage of LZF, so that what is compressed is where it belongs at once.
 *
 * Invariants: (1) the CRC covers every byte written since `begin` exactly once: what was handed over, and the rest when it is asked for;
 * (2) a chunk handed over is never touched again; (3) `reserve(n)` makes n ≤ CHUNK_MIN contiguous bytes, larger pieces go through `bytesRange`.
 */
import { strict as assert } from 'node:assert';
import { copyBytes, copyWords } from '../../memory/copy.js';
import { writeDouble } from '../../memory/double-bytes.js';
import { Crc64 } from './crc64.js';
import { NOT_INT32, parseInt32Text } from './int32-text.js';
import {
  LZF_BLOCK_BYTES,
  LZF_OUTPUT_AT,
  lzfCompress,
  lzfCompressBlock,
  lzfCompressInStage,
  lzfMemory,
  lzfStage,
} from './lzf.js';
import { Opcode, RDB_VERSION, RDB_VERSION_MAX, versionOfType } from './opcodes.js';

/** Receives full chunks: `chunk[0, length)` is the next part of the output. */
export type ChunkSink = (chunk: Uint8Array, length: number) => void;

/** Has bytes for the result of a writer, which are the writer's until the next call of anything there. */
export interface BulkRoom {
  /** @returns `byteCount` bytes or more; the first `kept` are those of the room that it gave last */
  bulkRoom(byteCount: number, kept: number): Uint8Array;
  /** @returns `byteCount` bytes or more for what is put together aside, to be given back */
  takeAside(byteCount: number): Uint8Array;
  giveAside(bytes: Uint8Array): void;
}

export interface RdbWriterOptions {
  /** The version to write; a value that needs a higher one is a mistake of the caller. Default 10, which every reader since 7.0 takes. */
  version?: number;
  /** `rdbcompression`. */
  compression?: boolean;
  /** `rdbchecksum`; without it the trailer is eight zero bytes and readers do not check. */
  checksum?: boolean;
  chunkBytes?: number;
}

/** After so many nodes of a value, or so many items, the length of the others is estimated. */
export const SAMPLED_NODES = 16;
export const SAMPLED_ITEMS = 1024;

const CHUNK_MIN = 64;
const CHUNK_BYTES = 128 * 1024;
/** Of an image; the next ones are twice as large each. The checksum of a chunk is taken in one go, by code that has yet to be compiled the first time. */
const FIRST_CHUNK_BYTES = 8 * 1024;
/** Of the chunks that a slow disk keeps, so many are used again. */
const SPARES_MAX = 64;
/** LZF is tried above this length only, and kept only if it saves LZF_SAVING_MIN bytes. */
const LZF_INPUT_ABOVE = 20;
const LZF_SAVING_MIN = 4;
const NINE = 0x39;
/** Before what is compressed: a byte and two lengths. */
const COMPRESSED_HEAD_MAX = 1 + 9 + 9;
/** What a value's first items say of the others is believed up to this. */
const RESERVED_BYTES_MAX = 64 * 1024 * 1024;
/** What follows a long value, mostly: the end of a payload. */
const EXPECTED_REST = 64;
const INT64_MAX_AS_DOUBLE = 2 ** 63;

const NO_VIEW = new DataView(new ArrayBuffer(0));
const text = new TextEncoder();

export class RdbWriter {
  bytes: Uint8Array;
  length = 0;
  readonly version: number;
  readonly compression: boolean;
  readonly checksum: boolean;
  readonly #sink: ChunkSink | null;
  readonly #chunkBytes: number;
  readonly #crc = new Crc64();
  readonly #eight = new DataView(new ArrayBuffer(8));
  /** Given back by the sink. Otherwise a long image would leave so many behind that the garbage collector comes, several times. */
  readonly #spares: Uint8Array[] = [];
  #handedOverBytes = 0;
  #room: BulkRoom | null = null;
  /** Whether the chunk is all that there is to write into. */
  #isGrowing: boolean;
  /** A view of `bytes` that writes words, made when it is needed; and the bytes that it is of. */
  #view: DataView = NO_VIEW;
  #viewed: Uint8Array | null = null;
  /** What the result is to have at least, as far as is known. */
  #expectedBytes = 0;

  constructor(sink: ChunkSink | null, options: RdbWriterOptions = {}) {
    this.#sink = sink;
    this.#isGrowing = sink === null;
    this.version = options.version ?? RDB_VERSION;
    this.compression = options.compression ?? true;
    this.checksum = options.checksum ?? true;
    this.#chunkBytes = Math.max(CHUNK_MIN, options.chunkBytes ?? (sink === null ? 256 : CHUNK_BYTES));
    assert(this.version <= RDB_VERSION_MAX, 'RDB version is known');
    this.bytes = new Uint8Array(sink === null ? this.#chunkBytes : Math.min(this.#chunkBytes, FIRST_CHUNK_BYTES));
  }

  /** Bytes written since the start, those in the current chunk included. */
  get totalBytes(): number {
    return this.#handedOverBytes + this.length;
  }

  /**
   * Starts anew, for another payload; only without a sink.
   * @param room what it is written into, until the next call, if not into bytes of the writer's own. One writer at a time may have one
   */
  reset(room: BulkRoom | null = null): void {
    assert(this.#sink === null, 'what a sink has been given stays');
    if (room !== null) this.bytes = lzfStage();
    else if (this.#room !== null) this.bytes = new Uint8Array(this.#chunkBytes);
    this.#room = room;
    this.#isGrowing = room === null;
    this.length = 0;
    this.#handedOverBytes = 0;
    this.#expectedBytes = 0;
    this.#crc.reset();
  }

  /**
   * Makes room for what is still to come of `count` items, of which the first `written` stand behind `mark`, as if all were as long: so that a long value is
   * not copied again and again as it grows. Of no use with a sink.
   * @param mark `totalBytes` as it was then
   */
  reserveRest(mark: number, written: number, count: number): void {
    if (this.#sink !== null) return;
    const rest = Math.ceil(((this.totalBytes - mark) / written) * (count - written));
    if (rest > RESERVED_BYTES_MAX) return;
    this.#expectedBytes = this.totalBytes + rest + EXPECTED_REST;
    if (this.#room === null) this.#reserve(rest);
  }

  /** Gives a chunk back that the sink is done with. */
  recycle(chunk: Uint8Array): void {
    if (chunk.length === this.#chunkBytes && this.#spares.length < SPARES_MAX) this.#spares.push(chunk);
  }

  /** Hands over what there is, full or not. */
  flush(): void {
    if (this.length === 0 || this.#isGrowing) return;
    const chunk = this.bytes;
    const length = this.length;
    if (this.checksum) this.#crc.update(chunk, 0, length);
    this.length = 0;
    if (this.#room !== null) {
      this.#intoRoom(this.#room, length);
      return;
    }
    this.#handedOverBytes += length;
    this.bytes = this.#spares.pop() ?? new Uint8Array(Math.min(this.#chunkBytes, chunk.length * 2));
    this.#sink!(chunk, length);
  }

  // The parts of a file, in their order.

  begin(): void {
    this.#ascii(`REDIS${String(this.version).padStart(4, '0')}`);
  }

  aux(name: string, value: string): void {
    this.byte(Opcode.AUX);
    this.stringOfText(name);
    this.stringOfText(value);
  }

  /** An AUX field whose value is `bytes[0, length)`. */
  auxBytes(name: string, bytes: Uint8Array, length: number): void {
    this.byte(Opcode.AUX);
    this.stringOfText(name);
    this.string(bytes, 0, length);
  }

  functionLibrary(code: Uint8Array): void {
    this.byte(Opcode.FUNCTION2);
    this.string(code, 0, code.length);
  }

  selectDb(db: number): void {
    this.byte(Opcode.SELECTDB);
    this.lengthOf(db);
  }

  resizeDb(keyCount: number, expireCount: number): void {
    this.byte(Opcode.RESIZEDB);
    this.lengthOf(keyCount);
    this.lengthOf(expireCount);
  }

  expireAt(unixMs: number): void {
    this.byte(Opcode.EXPIRETIME_MS);
    this.int64(unixMs);
  }

  idle(seconds: number): void {
    this.byte(Opcode.IDLE);
    this.lengthOf(seconds);
  }

  freq(counter: number): void {
    this.byte(Opcode.FREQ);
    this.byte(counter);
  }

  /** Type and name of a key; its attributes come before this call, its value right after. */
  key(type: number, name: Uint8Array, start: number, end: number): void {
    this.type(type);
    this.string(name, start, end);
  }

  /** A type id: a DUMP payload starts with it. */
  type(type: number): void {
    assert(versionOfType(type) <= this.version, 'the value type is part of the version written');
    this.byte(type);
  }

  /** EOF and checksum; hands over the last chunk. */
  end(): void {
    this.byte(Opcode.EOF);
    this.appendChecksum();
    this.flush();
  }

  /** Appends the checksum of all before it, the last that is written. */
  appendChecksum(): void {
    this.#reserve(8);
    if (this.checksum) {
      this.#crc.update(this.bytes, 0, this.length);
      this.#crc.store(this.bytes, this.length);
    } else {
      this.bytes.fill(0, this.length, this.length + 8);
    }
    this.length += 8;
  }

  // The encodings of values.

  /** A byte string, in the shortest of the integer, LZF and raw forms. */
  string(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const integer = parseInt32Text(bytes, start, end);
    if (integer !== NOT_INT32) {
      this.#int32String(integer);
      return;
    }
    if (this.compression && length > LZF_INPUT_ABOVE && this.#compressedString(bytes, start, end)) return;
    this.lengthOf(length);
    this.bytesRange(bytes, start, end);
  }

  stringOfText(value: string): void {
    const bytes = text.encode(value);
    this.string(bytes, 0, bytes.length);
  }

  /** A length or count, 0 to 2⁵³, in the shortest form; big-endian. */
  lengthOf(value: number): void {
    if (value < 64) {
      this.byte(value);
      return;
    }
    this.#reserve(9);
    const bytes = this.bytes;
    let at = this.length;
    if (value < 16384) {
      bytes[at++] = 0x40 | (value >>> 8);
      bytes[at++] = value;
    } else if (value <= 0xffffffff) {
      bytes[at++] = 0x80;
      at = writeUint32Be(value, bytes, at);
    } else {
      bytes[at++] = 0x81;
      at = writeUint32Be(Math.floor(value / 4294967296), bytes, at);
      at = writeUint32Be(value, bytes, at);
    }
    this.length = at;
  }

  /** The same for a u64 in two halves. */
  lengthOfHalves(high: number, low: number): void {
    if (high === 0) {
      this.lengthOf(low >>> 0);
      return;
    }
    this.#reserve(9);
    this.bytes[this.length++] = 0x81;
    this.length = writeUint32Be(low, this.bytes, writeUint32Be(high, this.bytes, this.length));
  }

  /** i64, little-endian; a value beyond its range is held at the nearest end. */
  int64(value: number): void {
    this.#reserve(8);
    const isBeyond = value >= INT64_MAX_AS_DOUBLE;
    const clamped = Math.max(value, -INT64_MAX_AS_DOUBLE);
    this.#eight.setInt32(0, isBeyond ? -1 : clamped | 0, true);
    this.#eight.setInt32(4, isBeyond ? 0x7fffffff : Math.floor(clamped / 4294967296), true);
    this.#eightBytes();
  }

  /** IEEE-754 binary64, little-endian. */
  double(value: number): void {
    this.#reserve(8);
    writeDouble(this.bytes, this.length, value);
    this.length += 8;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.bytes[this.length++] = value;
  }

  /**
   * Whether a string is written as a byte with its length and its bytes as they are, as counted strings lie in the arena, too. May be false for others,
   * which are written by `string`.
   */
  isPlain(bytes: Uint8Array, start: number, length: number): boolean {
    // No integer begins with a letter.
    return length > 0 && length <= LZF_INPUT_ABOVE && bytes[start]! > NINE;
  }

  /** Bytes as they are, at most CHUNK_MIN: of what lies in the arena as it is written. By words, in a third of the time. */
  words(source: DataView, from: number, count: number): void {
    this.#reserve(count);
    const { bytes } = this;
    if (this.#viewed !== bytes) {
      this.#viewed = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    copyWords(source, from, this.#view, this.length, count);
    this.length += count;
  }

  /** Bytes as they are, in as many chunks as they need. */
  bytesRange(source: Uint8Array, start: number, end: number): void {
    if (this.#isGrowing) this.#reserve(end - start);
    else if (end - start > this.bytes.length) this.#expectedBytes = this.totalBytes + end - start + EXPECTED_REST;
    for (let at = start; at < end; ) {
      if (this.length === this.bytes.length) this.flush();
      const count = Math.min(end - at, this.bytes.length - this.length);
      copyBytes(source, at, this.bytes, this.length, count);
      this.length += count;
      at += count;
    }
  }

  #compressedString(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    const limit = length - LZF_SAVING_MIN;
    if (length <= LZF_BLOCK_BYTES) {
      if (this.#room !== null) return this.#compressedInStage(bytes, start, end, limit);
      const blockEnd = lzfCompressBlock(bytes, start, end, limit);
      if (blockEnd < 0) return false;
      this.#compressed(lzfMemory(), LZF_OUTPUT_AT, blockEnd, length);
    } else {
      // Its length comes first, so that it is compressed aside.
      const target = this.#room?.takeAside(limit) ?? new Uint8Array(limit);
      const compressed = lzfCompress(bytes, start, end, target, 0, limit);
      if (compressed >= 0) this.#compressed(target, 0, compressed, length);
      this.#room?.giveAside(target);
      return compressed >= 0;
    }
    return true;
  }

  #compressedInStage(bytes: Uint8Array, start: number, end: number, limit: number): boolean {
    const length = end - start;
    const needed = COMPRESSED_HEAD_MAX + length;
    if (this.length + needed > this.bytes.length) this.flush();
    const at = this.length + 1 + lengthBytes(limit) + lengthBytes(length);
    const compressedEnd = lzfCompressInStage(bytes, start, end, at, limit);
    if (compressedEnd < 0) return false;
    this.byte(0xc3);
    this.lengthOf(compressedEnd - at);
    this.lengthOf(length);
    // A length that is shorter than it might have been.
    if (this.length < at) this.bytes.copyWithin(this.length, at, compressedEnd);
    this.length += compressedEnd - at;
    return true;
  }

  #compressed(bytes: Uint8Array, start: number, end: number, plainLength: number): void {
    this.byte(0xc3);
    this.lengthOf(end - start);
    this.lengthOf(plainLength);
    this.bytesRange(bytes, start, end);
  }

  #int32String(value: number): void {
    this.#reserve(5);
    const bytes = this.bytes;
    let at = this.length;
    if (value >= -128 && value <= 127) {
      bytes[at++] = 0xc0;
      bytes[at++] = value;
    } else if (value >= -32768 && value <= 32767) {
      bytes[at++] = 0xc1;
      bytes[at++] = value;
      bytes[at++] = value >> 8;
    } else {
      bytes[at++] = 0xc2;
      bytes[at++] = value;
      bytes[at++] = value >> 8;
      bytes[at++] = value >> 16;
      bytes[at++] = value >> 24;
    }
    this.length = at;
  }

  #ascii(value: string): void {
    this.#reserve(value.length);
    for (let i = 0; i < value.length; i++) this.bytes[this.length++] = value.charCodeAt(i);
  }

  #eightBytes(): void {
    for (let i = 0; i < 8; i++) this.bytes[this.length++] = this.#eight.getUint8(i);
  }

  /** Appends the first `length` bytes of the chunk to what is in the room. */
  #intoRoom(room: BulkRoom, length: number): void {
    const from = this.#handedOverBytes;
    this.#handedOverBytes += length;
    const target = room.bulkRoom(Math.max(this.#handedOverBytes, this.#expectedBytes), from);
    copyBytes(this.bytes, 0, target, from, length);
  }

  #reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    if (!this.#isGrowing) {
      this.flush();
      return;
    }
    const grown = new Uint8Array(Math.max(this.length + count, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

/** @returns bytes that `lengthOf` takes for it, which is below 2³² */
function lengthBytes(value: number): number {
  return value < 64 ? 1 : value < 16384 ? 2 : 5;
}

function writeUint32Be(value: number, bytes: Uint8Array, at: number): number {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
  return at + 4;
}
