/** Arguments that several stream commands share: IDs, ranges, trimming; and streams as replies show them. Source: spec server.md section 24. */
import { TYPE_STREAM } from '../keyspace/entry.js';
import { EXPIRY_IGNORE } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import { StreamId } from '../memory/stream-id.js';
import { fixedReply, type ReplyWriter } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import type { StreamCursor } from '../types/stream-cursor.js';
import {
  ID_INVALID,
  ID_WITH_ANY_SEQ,
  ID_WITHOUT_SEQ,
  parseStreamId,
  STREAM_ID_TEXT_BYTES_MAX,
  writeStreamId,
} from '../types/stream-id-text.js';
import { replyNotAnInteger, replySyntaxError, replyWrongType } from './replies.js';

const INVALID_ID = fixedReply('-ERR Invalid stream ID specified as stream command argument');
const INVALID_START = fixedReply('-ERR invalid start ID for the interval');
const INVALID_END = fixedReply('-ERR invalid end ID for the interval');
const MAXLEN_NEGATIVE = fixedReply('-ERR The MAXLEN argument must be >= 0.');
const LIMIT_NEGATIVE = fixedReply('-ERR The LIMIT argument must be >= 0.');
const TWO_STRATEGIES = fixedReply('-ERR syntax error, MAXLEN and MINID options at the same time are not compatible');
const LIMIT_WITHOUT_STRATEGY = fixedReply(
  '-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy',
);
const LIMIT_WITHOUT_TILDE = fixedReply('-ERR syntax error, LIMIT cannot be used without the special ~ option');

const LIMIT_MAX = 1_000_000;
const LIMIT_OF_UNLIMITED_NODES = 10_000;
const LIMIT_IN_NODES = 100;

const MINUS = 0x2d;
const PLUS = 0x2b;
const PARENTHESIS = 0x28;

/** @returns whether the entry is a stream; if not, WRONGTYPE has been replied */
export function isStream(call: Invocation, ref: Ref): boolean {
  if (call.entries.type(ref) === TYPE_STREAM) return true;
  replyWrongType(call);
  return false;
}

export function replyInvalidId(call: Invocation): void {
  call.reply.fixedError(INVALID_ID, 'ERR');
}

/** Whether argument `index` is this one byte. */
export function isByte(call: Invocation, index: number, byte: number): boolean {
  const { bytes, starts, lengths } = call.request;
  return lengths[index] === 1 && bytes[starts[index]] === byte;
}

/** Reads argument `index` as an ID; an absent seq is 0. @returns false after an error reply */
export function parseId(call: Invocation, index: number, into: StreamId): boolean {
  const { bytes, starts, lengths } = call.request;
  const form = parseStreamId(bytes, starts[index], lengths[index], into);
  if (form !== ID_INVALID && form !== ID_WITH_ANY_SEQ) return true;
  replyInvalidId(call);
  return false;
}

/** The bounds of a range, both included: of the last `parseRange`. */
export const range = { from: new StreamId(), to: new StreamId() };

/** Reads a range of IDs, `-`, `+` and `(` among them, into `range`. @returns false after an error reply */
export function parseRange(call: Invocation, fromAt: number, toAt: number): boolean {
  return parseRangeStart(call, fromAt, range.from) && parseRangeEnd(call, toAt, range.to);
}

/** @returns false after an error reply */
export function parseRangeStart(call: Invocation, at: number, into: StreamId): boolean {
  const isExclusive = parseBound(call, at, into, false);
  if (isExclusive === null) return false;
  if (!isExclusive || into.increment()) return true;
  call.reply.fixedError(INVALID_START, 'ERR');
  return false;
}

function parseRangeEnd(call: Invocation, at: number, into: StreamId): boolean {
  const isExclusive = parseBound(call, at, into, true);
  if (isExclusive === null) return false;
  if (!isExclusive || into.decrement()) return true;
  call.reply.fixedError(INVALID_END, 'ERR');
  return false;
}

/** @returns whether the bound is exclusive; null after an error reply */
function parseBound(call: Invocation, at: number, into: StreamId, isEnd: boolean): boolean | null {
  const { bytes, starts, lengths } = call.request;
  if (isByte(call, at, MINUS)) {
    into.setMin();
    return false;
  }
  if (isByte(call, at, PLUS)) {
    into.setMax();
    return false;
  }
  const isExclusive = lengths[at] > 1 && bytes[starts[at]] === PARENTHESIS;
  const skipped = isExclusive ? 1 : 0;
  const form = parseStreamId(bytes, starts[at] + skipped, lengths[at] - skipped, into);
  if (form === ID_INVALID || form === ID_WITH_ANY_SEQ) {
    replyInvalidId(call);
    return null;
  }
  if (isEnd && form === ID_WITHOUT_SEQ) {
    into.seqHigh = -1;
    into.seqLow = -1;
  }
  return isExclusive;
}

/** What XADD and XTRIM were told about trimming; one object for all calls. */
export class TrimOptions {
  hasStrategy = false;
  lengthMax = 0;
  /** MINID's, else null. */
  idMin: StreamId | null = null;
  isApproximate = false;
  limit = 0;
  /** Arguments with `~` or `=`, 0 for none, and with the threshold. */
  operatorAt = 0;
  thresholdAt = 0;
  private hasLimit = false;
  private readonly id = new StreamId();

  clear(): void {
    this.hasStrategy = false;
    this.idMin = null;
    this.isApproximate = false;
    this.limit = 0;
    this.operatorAt = 0;
    this.thresholdAt = 0;
    this.hasLimit = false;
  }

  /** Reads the option at argument `at`, if it is one of these. @returns the argument after it; `at` if it is another; −1 after an error reply */
  parse(call: Invocation, at: number): number {
    if (at + 1 >= call.argc) return at;
    if (call.is(at, 'LIMIT')) return this.parseLimit(call, at + 1);
    const isMinId = call.is(at, 'MINID');
    if (!isMinId && !call.is(at, 'MAXLEN')) return at;
    if (this.hasStrategy) {
      call.reply.fixedError(TWO_STRATEGIES, 'ERR');
      return -1;
    }
    this.hasStrategy = true;
    this.thresholdAt = at + 1;
    if (at + 2 < call.argc && (isByte(call, at + 1, TILDE) || isByte(call, at + 1, EQUALS))) {
      this.isApproximate = isByte(call, at + 1, TILDE);
      this.operatorAt = at + 1;
      this.thresholdAt = at + 2;
    }
    return this.parseThreshold(call, isMinId) ? this.thresholdAt + 1 : -1;
  }

  /** To be called after all options. @returns false after an error reply */
  finish(call: Invocation): boolean {
    // A primary sends its LIMIT along with the `=` that it has put in place of `~`.
    const isReplay = call.keyspace.expiryMode === EXPIRY_IGNORE;
    if (this.hasLimit && !this.hasStrategy) {
      call.reply.fixedError(LIMIT_WITHOUT_STRATEGY, 'ERR');
      return false;
    }
    if (!this.isApproximate) {
      this.limit = 0;
      if (!this.hasLimit || isReplay) return true;
      call.reply.fixedError(LIMIT_WITHOUT_TILDE, 'ERR');
      return false;
    }
    if (isReplay) {
      this.limit = 0;
    } else if (!this.hasLimit) {
      const entries = call.keyspace.packing.streamNodeEntries;
      this.limit = Math.min(LIMIT_MAX, entries === 0 ? LIMIT_OF_UNLIMITED_NODES : LIMIT_IN_NODES * entries);
    }
    return true;
  }

  private parseThreshold(call: Invocation, isMinId: boolean): boolean {
    if (isMinId) {
      this.idMin = this.id;
      return parseId(call, this.thresholdAt, this.id);
    }
    this.lengthMax = call.roundedInteger(this.thresholdAt);
    if (this.lengthMax >= 0) return true;
    if (Number.isNaN(this.lengthMax)) replyNotAnInteger(call);
    else call.reply.fixedError(MAXLEN_NEGATIVE, 'ERR');
    return false;
  }

  private parseLimit(call: Invocation, at: number): number {
    this.limit = call.roundedInteger(at);
    this.hasLimit = true;
    if (this.limit >= 0) return at + 1;
    if (Number.isNaN(this.limit)) replyNotAnInteger(call);
    else call.reply.fixedError(LIMIT_NEGATIVE, 'ERR');
    return -1;
  }
}

const TILDE = 0x7e;
const EQUALS = 0x3d;

/** @returns COUNT of `… COUNT n` from argument `at` on, infinite without; NaN after an error reply */
export function parseCount(call: Invocation, at: number): number {
  let count = Number.POSITIVE_INFINITY;
  for (let i = at; i < call.argc; i += 2) {
    if (!call.is(i, 'COUNT') || i + 1 >= call.argc) {
      replySyntaxError(call);
      return Number.NaN;
    }
    count = call.roundedInteger(i + 1);
    if (Number.isNaN(count)) {
      replyNotAnInteger(call);
      return Number.NaN;
    }
    if (count < 0) count = 0;
  }
  return count;
}

const idText = new Uint8Array(STREAM_ID_TEXT_BYTES_MAX);

export function replyId(reply: ReplyWriter, id: StreamId): void {
  reply.bulk(idText, 0, writeStreamId(idText, 0, id));
}

/** Replies with the entry at the cursor: its ID, and its fields and values. */
export function replyEntry(reply: ReplyWriter, cursor: StreamCursor): void {
  reply.array(2);
  replyId(reply, cursor.id);
  const { pairCount, field, value } = cursor;
  reply.array(pairCount * 2);
  for (let i = 0; i < pairCount; i++) {
    cursor.nextPair();
    reply.bulk(field.bytes, field.start, field.length);
    reply.bulk(value.bytes, value.start, value.length);
  }
}

/** Replies with up to `count` entries of the cursor's walk. @returns how many it were */
export function replyEntries(reply: ReplyWriter, cursor: StreamCursor, count: number): number {
  const mark = reply.length;
  let written = 0;
  while (written < count && cursor.next()) {
    replyEntry(reply, cursor);
    written++;
  }
  reply.insertArrayHeader(mark, written);
  return written;
}
