/**
 * Push parser for RDB: fed with chunks of a file or of a replication socket, it delivers what it finds to a handler.
 *
 *   header → ( attribute | key | SELECTDB | RESIZEDB | AUX | function | module AUX )* → EOF, checksum → done
 *
 * Each of these is a *record*: it is parsed from contiguous bytes, or, if they end inside it, given up and parsed anew when more have come. What is kept
 * between chunks is therefore one unfinished record, never the file. So that a value of many chunks is not walked once per chunk, the next attempt waits
 * for the bytes known to be missing, and after a long walk for half as much again: the total work stays linear. `end()` makes the last attempt.
 *
 * Attributes (expiry, idle time, frequency) wait for the next key; opcodes between do not clear them (spec/persistence.md 1.1).
 *
 * Invariants: (1) the CRC has covered exactly the consumed bytes; (2) ranges in a record are valid during the handler's call only; (3) memory grows with
 * the bytes that arrived, never with a length they state; (4) after `RDB_DONE` or `RDB_FAILED` nothing is consumed or delivered any more.
 */
import { Crc64, hexOfHalves } from './crc64.js';
import { KeyScout } from './key-scout.js';
import { moduleName, skipModuleStream } from './module-data.js';
import {
  FIELD_TIMES_AUX,
  isReadableVersion,
  isTypeOf,
  Opcode,
  RDB_HEADER_BYTES,
  RDB_VERSION_WITH_CHECKSUM,
  RdbType,
  versionOfHeader,
} from './opcodes.js';
import { RdbCursor, RdbString, READ_CORRUPT, READ_OK, READ_SHORT, uint32Le } from './rdb-cursor.js';
import type { ValueAssembly } from './value-assembly.js';
import { type ModulePolicy, VALUE_EMPTY, VALUE_FAILED, ValueChecker } from './value-check.js';

/** More bytes are expected. */
export const RDB_MORE = 0;
export const RDB_DONE = 1;
/** `fault` tells why. */
export const RDB_FAILED = 2;

/** A key with its value. One object is used for all keys of a reader. */
export class RdbRecord {
  db = 0;
  type = 0;
  hasExpiry = false;
  expireAtMs = 0;
  /** Seconds, −1 if not stated. */
  idle = -1;
  /** 0–255, −1 if not stated. */
  freq = -1;
  readonly key = new RdbString();
  /** The value of a string; other types have only their serialised form. */
  readonly value = new RdbString();
  /** The serialised value without its type id: `bytes[start, end)`, validated. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** A collection without elements, which a file load skips. */
  isEmpty = false;
  /** Has the value, if it was built while it was being validated; who does not store the record discards it. */
  assembly: ValueAssembly | null = null;
}

/** What a reader delivers to. Where a text can be returned, it stops the load (with fault kind `refused`); null goes on. */
export interface RdbHandler {
  aux(name: string, value: string): string | null;
  /** The value of an AUX field with the times of the fields of the key before it (timed-hash-rdb.ts); without this method it is an AUX field as any. */
  fieldTimes?(times: RdbString): string | null;
  moduleAux(moduleName: string): string | null;
  functionLibrary(code: Uint8Array): string | null;
  selectDb(db: number): string | null;
  resizeDb(keyCount: number, expireCount: number): void;
  key(record: RdbRecord): string | null;
  /** A hint: these keys come next, as far as the bytes tell. With a count of 0 the bytes are about to change. */
  comingKeys?(bytes: Uint8Array, starts: Int32Array, lengths: Int32Array, count: number): void;
}

export type RdbPhase =
  | 'start'
  | 'read-type'
  | 'read-expire'
  | 'read-key'
  | 'read-object-value'
  | 'check-sum'
  | 'read-len'
  | 'read-aux'
  | 'read-module-aux'
  | 'read-functions';

export interface RdbFault {
  kind: 'signature' | 'version' | 'truncated' | 'corrupt' | 'unknown-type' | 'checksum' | 'refused';
  text: string;
  /** Bytes consumed up to the fault. */
  offset: number;
  phase: RdbPhase;
  /** The key whose value was being read. */
  key: string | null;
  /** Type of that key, 0 before the first, −1 between keys: as the offline checker shows it. */
  type: number;
}

export interface RdbReaderOptions {
  modules?: ModulePolicy;
  /** `rdbchecksum`: whether the trailer is verified. */
  checksum?: boolean;
  /** Length of the whole, if known: a length that points beyond it is found at once. */
  totalBytes?: number;
  /** A record that grows beyond this fails. */
  recordBytesMax?: number;
}

/** Keys looked for ahead: as many as the memory can fetch at once. */
const SCOUTED_KEYS = 32;
/** From this much walked in vain, the next attempt waits for half as much again. */
const LONG_WALK_BYTES = 64 * 1024;
const CARRY_KEPT_BYTES = 1 << 20;
export const UNEXPECTED_EOF = 'Unexpected EOF reading RDB file';

export class RdbReader {
  /** Version of the file, 0 before its header was read. */
  version = 0;
  /** Why it failed. */
  fault: RdbFault | null = null;
  /** The trailer says that the file was saved without checksum. */
  isChecksumAbsent = false;
  phase: RdbPhase = 'start';
  readonly #handler: RdbHandler;
  readonly #values: ValueChecker;
  readonly #verifies: boolean;
  readonly #totalBytes: number;
  readonly #recordBytesMax: number;
  readonly #cursor = new RdbCursor();
  readonly #record = new RdbRecord();
  readonly #name = new RdbString();
  readonly #text = new RdbString();
  readonly #crc = new Crc64();
  readonly #scout = new KeyScout(SCOUTED_KEYS);
  #state = RDB_MORE;
  #isInModuleStream = false;
  /** Bytes consumed before the current buffer. */
  #consumedBefore = 0;
  #crcFrom = 0;
  /** The unfinished record: `#carry[0, #carried)`. */
  #carry: Uint8Array = new Uint8Array(0);
  #carried = 0;
  /** Attempts make sense from this many carried bytes on. */
  #wanted = 0;
  #recordStart = 0;

  constructor(handler: RdbHandler, options: RdbReaderOptions = {}) {
    this.#handler = handler;
    this.#values = new ValueChecker(options.modules ?? 'refuse');
    this.#verifies = options.checksum ?? true;
    this.#totalBytes = options.totalBytes ?? Number.POSITIVE_INFINITY;
    this.#recordBytesMax = options.recordBytesMax ?? 0x7fffffff;
  }

  /** Bytes consumed: all before the next record. */
  get offset(): number {
    return this.#consumedBefore + (this.#state === RDB_MORE ? this.#cursor.at : 0);
  }

  /** Takes the next bytes; they may be reused after the call. */
  feed(chunk: Uint8Array, start: number, end: number): number {
    if (this.#state !== RDB_MORE) {
      if (this.#state === RDB_DONE) this.#keep(chunk, start, end);
      return this.#state;
    }
    if (this.#carried === 0) {
      this.#parse(chunk, start, end, false);
    } else {
      this.#keep(chunk, start, end);
      if (this.#carried >= this.#wanted) this.#parse(this.#carry, 0, this.#carried, false);
    }
    return this.#state;
  }

  /** Says that no more bytes come. */
  end(): number {
    if (this.#state === RDB_MORE) {
      this.#parse(this.#carry, 0, this.#carried, true);
      if (this.#state === RDB_MORE) this.#fail('truncated', UNEXPECTED_EOF);
    }
    return this.#state;
  }

  /** The bytes fed beyond the end of the RDB, after `RDB_DONE`: an AOF's records, or what follows in a replication stream. */
  remainder(): Uint8Array {
    return this.#carry.subarray(0, this.#carried);
  }

  #parse(bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    const cursor = this.#cursor;
    cursor.reset(bytes, start, end);
    this.#crcFrom = start;
    this.#recordStart = start;
    this.#consumedBefore -= start;
    let scoutedTo = start;
    while (this.#state === RDB_MORE && (cursor.at < end || isLast)) {
      this.#recordStart = cursor.at;
      if (cursor.at >= scoutedTo) scoutedTo = this.#lookAhead(bytes, end);
      if (!this.#step() || cursor.status !== READ_OK) break;
    }
    this.#handler.comingKeys?.(bytes, this.#scout.starts, this.#scout.lengths, 0);
    if (this.#state !== RDB_MORE) {
      this.#consume(cursor.at);
      if (this.#state === RDB_DONE) this.#carryOver(bytes, cursor.at, end);
      return;
    }
    if (cursor.status === READ_SHORT) {
      if (isLast || this.#isBeyondEnd(cursor.need)) {
        this.#fail('truncated', UNEXPECTED_EOF);
        return;
      }
      if (cursor.need - this.#recordStart > this.#recordBytesMax) {
        this.#fail('corrupt', `A record is larger than the limit of ${this.#recordBytesMax} bytes`);
        return;
      }
    } else if (cursor.status !== READ_OK) {
      this.#fail(
        cursor.status === READ_CORRUPT ? 'corrupt' : 'truncated',
        cursor.status === READ_CORRUPT ? cursor.text : UNEXPECTED_EOF,
      );
      return;
    } else {
      this.#recordStart = cursor.at;
    }
    const walked = cursor.at - this.#recordStart;
    this.#wanted = cursor.status === READ_SHORT ? cursor.need - this.#recordStart : 0;
    if (walked > LONG_WALK_BYTES) this.#wanted = Math.max(this.#wanted, Math.floor(walked * 1.5));
    this.#consume(this.#recordStart);
    this.#carryOver(bytes, this.#recordStart, end);
    cursor.reset(this.#carry, 0, 0);
  }

  /** @returns from where on to look again */
  #lookAhead(bytes: Uint8Array, end: number): number {
    const handler = this.#handler;
    if (handler.comingKeys === undefined || this.version === 0) return this.#cursor.at;
    const count = this.#scout.look(bytes, this.#cursor.at, end);
    if (count > 1) handler.comingKeys(bytes, this.#scout.starts, this.#scout.lengths, count);
    return this.#scout.at;
  }

  #isBeyondEnd(need: number): boolean {
    return this.#consumedBefore + need > this.#totalBytes;
  }

  /** Marks everything in the current buffer before `at` as consumed; positions restart at 0. */
  #consume(at: number): void {
    this.#updateCrc(at);
    this.#consumedBefore += at;
  }

  #updateCrc(at: number): void {
    if (this.#verifies && at > this.#crcFrom) this.#crc.update(this.#cursor.bytes, this.#crcFrom, at);
    this.#crcFrom = at;
  }

  #carryOver(bytes: Uint8Array, start: number, end: number): void {
    if (bytes === this.#carry) {
      this.#carry.copyWithin(0, start, end);
      this.#carried = end - start;
      if (this.#carry.length > CARRY_KEPT_BYTES && this.#carried * 4 < this.#carry.length) {
        this.#carry = this.#carry.slice(0, this.#carried);
      }
      return;
    }
    this.#carried = 0;
    this.#keep(bytes, start, end);
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    const needed = this.#carried + end - start;
    if (needed > this.#carry.length) {
      const grown = new Uint8Array(needed + Math.floor(needed / 2));
      grown.set(this.#carry.subarray(0, this.#carried));
      this.#carry = grown;
    }
    this.#carry.set(bytes.subarray(start, end), this.#carried);
    this.#carried = needed;
  }

  #fail(kind: RdbFault['kind'], text: string): false {
    const hasKey = this.phase === 'read-object-value';
    this.fault = {
      kind,
      text,
      offset: this.#consumedBefore + this.#cursor.at,
      phase: this.phase,
      key: hasKey ? this.#record.key.toString() : null,
      type: this.#record.type,
    };
    this.#state = RDB_FAILED;
    return false;
  }

  /** Parses one record. @returns whether it was complete */
  #step(): boolean {
    if (this.version === 0) return this.#header();
    if (this.#isInModuleStream) return this.#moduleStream();
    this.phase = 'read-type';
    const cursor = this.#cursor;
    const opcode = cursor.byte();
    switch (opcode) {
      case Opcode.EOF:
        return this.#trailer();
      case Opcode.SELECTDB:
        return this.#selectDb();
      case Opcode.RESIZEDB:
        return this.#resizeDb();
      case Opcode.SLOT_INFO:
        return this.#slotInfo();
      case Opcode.AUX:
        return this.#aux();
      case Opcode.MODULE_AUX:
        return this.#moduleAux();
      case Opcode.FUNCTION2:
        return this.#functionLibrary();
      case Opcode.FUNCTION_PRE_RELEASE:
        return this.#fail('refused', 'Pre-release function format not supported.');
      case Opcode.EXPIRETIME_MS:
      case Opcode.EXPIRETIME:
        return this.#expiry(opcode);
      case Opcode.IDLE:
        return this.#setIdle(cursor.length());
      case Opcode.FREQ:
        return this.#setFreq(cursor.byte());
      case -1:
        return false;
      default:
        return isTypeOf(this.version, opcode)
          ? this.#key(opcode)
          : this.#fail('unknown-type', `Unknown RDB encoding type ${opcode}`);
    }
  }

  #header(): boolean {
    const { bytes, at } = this.#cursor;
    if (!this.#cursor.has(RDB_HEADER_BYTES)) return false;
    this.#cursor.at += RDB_HEADER_BYTES;
    const version = versionOfHeader(
      Buffer.from(bytes.buffer, bytes.byteOffset + at, RDB_HEADER_BYTES).toString('latin1'),
    );
    if (version < 0) return this.#fail('signature', 'Wrong signature trying to load DB from file');
    if (version === 0 || !isReadableVersion(version))
      return this.#fail('version', `Can't handle RDB format version ${version}`);
    this.version = version;
    return true;
  }

  #trailer(): boolean {
    this.phase = 'check-sum';
    if (this.version < RDB_VERSION_WITH_CHECKSUM) return this.#finish();
    const cursor = this.#cursor;
    const at = cursor.at;
    if (!cursor.skip(8)) return false;
    if (!this.#verifies) return this.#finish();
    this.#updateCrc(at);
    const low = uint32Le(cursor.bytes, at);
    const high = uint32Le(cursor.bytes, at + 4);
    this.#crcFrom = cursor.at;
    if (low === 0 && high === 0) {
      this.isChecksumAbsent = true;
    } else if (!this.#crc.matches(cursor.bytes, at)) {
      return this.#fail(
        'checksum',
        `Wrong RDB checksum expected: (${this.#crc}) but got (${hexOfHalves(high, low)}). Aborting now.`,
      );
    }
    return this.#finish();
  }

  #finish(): true {
    this.#state = RDB_DONE;
    return true;
  }

  #selectDb(): boolean {
    this.phase = 'read-len';
    const db = this.#cursor.length();
    if (db < 0) return false;
    this.#record.db = db;
    return this.#verdict(this.#handler.selectDb(db));
  }

  #resizeDb(): boolean {
    this.phase = 'read-len';
    const keyCount = this.#cursor.length();
    const expireCount = this.#cursor.length();
    if (this.#cursor.status !== READ_OK) return false;
    this.#handler.resizeDb(keyCount, expireCount);
    return true;
  }

  /** How the keys that follow are shared out among the slots is known without. */
  #slotInfo(): boolean {
    this.phase = 'read-len';
    for (let i = 0; i < 3; i++) this.#cursor.length();
    return this.#cursor.status === READ_OK;
  }

  #aux(): boolean {
    this.phase = 'read-aux';
    if (!this.#cursor.string(this.#name) || !this.#cursor.string(this.#text)) return false;
    const name = this.#name.toString();
    if (name === FIELD_TIMES_AUX && this.#handler.fieldTimes !== undefined)
      return this.#verdict(this.#handler.fieldTimes(this.#text));
    return this.#verdict(this.#handler.aux(name, this.#text.toString()));
  }

  #moduleAux(): boolean {
    this.phase = 'read-module-aux';
    const name = moduleName(this.#cursor);
    this.#cursor.length();
    this.#cursor.length();
    if (name === null || this.#cursor.status !== READ_OK) return false;
    this.#isInModuleStream = true;
    return this.#verdict(this.#handler.moduleAux(name));
  }

  #moduleStream(): boolean {
    if (!skipModuleStream(this.#cursor)) return false;
    this.#isInModuleStream = false;
    return true;
  }

  #functionLibrary(): boolean {
    this.phase = 'read-functions';
    const code = this.#text;
    if (!this.#cursor.string(code)) return false;
    return this.#verdict(this.#handler.functionLibrary(code.bytes.slice(code.start, code.end)));
  }

  #expiry(opcode: number): boolean {
    this.phase = 'read-expire';
    const at = opcode === Opcode.EXPIRETIME ? this.#cursor.int32() * 1000 : this.#cursor.int64();
    if (this.#cursor.status !== READ_OK) return false;
    this.#record.hasExpiry = true;
    this.#record.expireAtMs = at;
    return true;
  }

  #setIdle(seconds: number): boolean {
    if (seconds < 0) return false;
    this.#record.idle = seconds;
    return true;
  }

  #setFreq(counter: number): boolean {
    if (counter < 0) return false;
    this.#record.freq = counter;
    return true;
  }

  #key(type: number): boolean {
    const cursor = this.#cursor;
    const record = this.#record;
    this.phase = 'read-key';
    record.type = type;
    if (!cursor.string(record.key)) return false;
    this.phase = 'read-object-value';
    record.start = cursor.at;
    record.isEmpty = false;
    if (type === RdbType.STRING) {
      if (!cursor.string(record.value)) return false;
    } else {
      const outcome = this.#values.check(cursor, type);
      if (outcome === VALUE_FAILED) return false;
      record.isEmpty = outcome === VALUE_EMPTY;
    }
    record.bytes = cursor.bytes;
    record.end = cursor.at;
    if (!this.#verdict(this.#handler.key(record))) return false;
    record.type = -1;
    record.hasExpiry = false;
    record.idle = -1;
    record.freq = -1;
    this.phase = 'read-type';
    return true;
  }

  #verdict(text: string | null): boolean {
    return text === null || this.#fail('refused', text);
  }
}

/** The words for the log, in the order in which an operator expects them. The place in the source that Redis names is the phase here. */
export function faultLogLines(fault: RdbFault): string[] {
  const internal = (text: string) =>
    `Internal error in RDB reading offset ${fault.offset}, function at rdb-reader:${fault.phase} -> ${text}`;
  const truncated = ['Short read or OOM loading DB. Unrecoverable error, aborting now.', internal(UNEXPECTED_EOF)];
  switch (fault.kind) {
    case 'signature':
    case 'version':
      return [fault.text];
    case 'refused':
      return fault.phase === 'read-functions' ? [fault.text, ...truncated] : [fault.text];
    case 'truncated':
      return truncated;
    case 'checksum':
      return [fault.text, internal('RDB CRC error')];
    case 'corrupt':
    case 'unknown-type':
      return [internal(fault.text)];
  }
}
