/** SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP. Source: spec server.md section 21. Records: bitmap-records.ts. */
import { ENCODING_RAW, TYPE_STRING } from '../keyspace/entry.js';
import { CHUNK_INDEX_SHIFT, type Ref } from '../memory/arena.js';
import { fixedReply } from '../resp/reply-writer.js';
import { IS_PRIMARY_LINK } from '../server/connection-flags.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC, NOTIFY_STRING } from '../server/notify-classes.js';
import { BIT_AND, BIT_NOT, BIT_OR, BIT_XOR, combineBits } from '../types/bit-combine.js';
import { countBitRange, findInBitRange } from '../types/bitmap.js';
import { parseSafeInteger } from '../types/number.js';
import { replyNotAnInteger, replySyntaxError } from './replies.js';
import { growString, isStringKey } from './string-value.js';

const HASH_SIGN = 0x23;

const BAD_OFFSET = fixedReply('-ERR bit offset is not an integer or out of range');
const BAD_VALUE = fixedReply('-ERR bit is not an integer or out of range');
const BAD_BIT = fixedReply('-ERR The bit argument must be 1 or 0.');
const NOT_OF_MANY = fixedReply('-ERR BITOP NOT must be called with a single source key.');

/** Where the two commands have their range. */
const BITCOUNT_RANGE_AT = 2;
const BITPOS_RANGE_AT = 3;

/** A range of bits given by arguments: `first` and `last`, both inclusive. */
const range = { first: 0, last: 0 };

export function setBit(call: Invocation): void {
  const offset = bitOffset(call, 2);
  if (Number.isNaN(offset)) return replyBadOffset(call);
  const bit = call.integer(3);
  if (bit !== 0 && bit !== 1) return call.reply.fixedError(BAD_VALUE, 'ERR');
  const ref = call.lookupWrite(1);
  if (!isStringKey(call, ref)) return;
  const { entries } = call;
  const byte = Math.floor(offset / 8);
  const shift = 7 - (offset % 8);
  const isLonger = ref === 0 || byte >= entries.valueLength(ref);
  const old = isLonger ? 0 : (entries.view(ref)[entries.valueStart(ref) + byte] >> shift) & 1;
  if (isLonger || old !== bit) {
    const target = growString(call, 1, ref, byte + 1);
    entries.view(target)[entries.valueStart(target) + byte] ^= (old ^ bit) << shift;
    call.keyspace.dirty++;
    call.notify(NOTIFY_STRING, 'setbit', 1);
  } else if (entries.encoding(ref) !== ENCODING_RAW) {
    entries.setEncoding(ref, ENCODING_RAW);
  }
  call.reply.integer(old);
}

export function getBit(call: Invocation): void {
  const offset = bitOffset(call, 2);
  if (Number.isNaN(offset)) return replyBadOffset(call);
  const ref = call.lookupRead(1);
  if (!isStringKey(call, ref)) return;
  const { entries } = call;
  const byte = Math.floor(offset / 8);
  if (ref === 0 || byte >= entries.valueLength(ref)) return call.reply.integer(0);
  call.reply.integer((entries.view(ref)[entries.valueStart(ref) + byte] >> (7 - (offset % 8))) & 1);
}

export function bitCount(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (ref === 0) return call.reply.integer(0);
  if (!isStringKey(call, ref)) return;
  if (call.argc === 2) readWholeRange(call, ref);
  else if (call.argc > 5 || call.argc === 3) return replySyntaxError(call);
  else if (!readRange(call, ref, BITCOUNT_RANGE_AT)) return;
  const { first, last } = range;
  if (first > last) return call.reply.integer(0);
  const words = call.keyspace.arena.words[ref >>> CHUNK_INDEX_SHIFT];
  call.reply.integer(countBitRange(call.entries.view(ref), words, call.entries.valueStart(ref), first, last));
}

export function bitPos(call: Invocation): void {
  const { argc, entries, reply } = call;
  const bit = call.roundedInteger(2);
  if (Number.isNaN(bit)) return replyNotAnInteger(call);
  if (bit !== 0 && bit !== 1) return reply.fixedError(BAD_BIT, 'ERR');
  const ref = call.lookupRead(1);
  if (ref === 0) return reply.integer(bit === 1 ? -1 : 0);
  if (!isStringKey(call, ref)) return;
  if (argc === 3) readWholeRange(call, ref);
  else if (argc > 6) return replySyntaxError(call);
  else if (!readRange(call, ref, BITPOS_RANGE_AT)) return;
  const { first, last } = range;
  if (first > last) return reply.integer(-1);
  const words = call.keyspace.arena.words[ref >>> CHUNK_INDEX_SHIFT];
  const found = findInBitRange(entries.view(ref), words, entries.valueStart(ref), first, last, bit);
  // Without an end the string goes on with zeros.
  reply.integer(found < 0 && bit === 0 && argc < 5 ? last + 1 : found);
}

export function bitOp(call: Invocation): void {
  const { argc, db, entries, keyspace, reply } = call;
  const operation = operationOf(call);
  if (operation < 0) return replySyntaxError(call);
  if (operation === BIT_NOT && argc !== 4) return reply.fixedError(NOT_OF_MANY, 'ERR');
  const sources: Ref[] = [];
  let length = 0;
  for (let i = 3; i < argc; i++) {
    const ref = call.lookupRead(i);
    if (!isStringKey(call, ref)) return;
    sources.push(ref);
    if (ref !== 0) length = Math.max(length, entries.valueLength(ref));
  }
  const old = call.lookupWrite(2);
  if (length > 0) {
    storeCombination(call, operation, sources, old, length);
    keyspace.dirty++;
    call.notify(NOTIFY_STRING, 'set', 2);
  } else if (old !== 0) {
    db.remove(old);
    keyspace.dirty++;
    call.notify(NOTIFY_GENERIC, 'del', 2);
  }
  reply.integer(length);
}

/** Gives the key in argument 2, with the entry `old` or 0, the combination of the strings; `sources` may change. */
function storeCombination(call: Invocation, operation: number, sources: Ref[], old: Ref, length: number): void {
  const { db, entries } = call;
  const isSource = old !== 0 && sources.includes(old);
  if (isSource && entries.hasExpiry(old)) {
    // The value will be in another place, and is read to the end of the combination.
    const { bytes, starts, lengths } = call.request;
    const value = new Uint8Array(length);
    combineBits(operation, entries, sources, value, 0, length);
    db.setString(old, bytes, starts[2], lengths[2], value, 0, length, ENCODING_RAW, 0);
    return;
  }
  const target = isSource ? growString(call, 2, old, length) : setEmptyString(call, old, length);
  if (isSource) for (let i = 0; i < sources.length; i++) if (sources[i] === old) sources[i] = target;
  combineBits(operation, entries, sources, entries.view(target), entries.valueStart(target), length);
}

/** Gives the key in argument 2, with the entry `old` or 0, a string of undefined bytes. @returns the entry */
function setEmptyString(call: Invocation, old: Ref, length: number): Ref {
  const { db, request } = call;
  if (old !== 0) return db.overwrite(old, TYPE_STRING, ENCODING_RAW, length, 0);
  return db.add(request.bytes, request.starts[2], request.lengths[2], TYPE_STRING, ENCODING_RAW, length, 0);
}

function operationOf(call: Invocation): number {
  if (call.is(1, 'AND')) return BIT_AND;
  if (call.is(1, 'OR')) return BIT_OR;
  if (call.is(1, 'XOR')) return BIT_XOR;
  return call.is(1, 'NOT') ? BIT_NOT : -1;
}

/**
 * @param width bits per unit of an offset that begins with `#`; 0 where that form is not allowed
 * @returns the bit offset in argument `index`, or NaN if it is none or beyond the longest string
 */
export function bitOffset(call: Invocation, index: number, width = 0): number {
  const { bytes, starts, lengths } = call.request;
  const isCounted = width > 0 && bytes[starts[index]] === HASH_SIGN && lengths[index] > 0;
  const skipped = isCounted ? 1 : 0;
  const count = parseSafeInteger(bytes, starts[index] + skipped, lengths[index] - skipped);
  const offset = isCounted ? count * width : count;
  if (!(offset >= 0) || !Number.isSafeInteger(offset)) return Number.NaN;
  if ((call.connection.flags & IS_PRIMARY_LINK) !== 0) return offset;
  return Math.floor(offset / 8) < call.server.config.values.protoMaxBulkLen ? offset : Number.NaN;
}

export function replyBadOffset(call: Invocation): void {
  call.reply.fixedError(BAD_OFFSET, 'ERR');
}

function readWholeRange(call: Invocation, ref: Ref): void {
  range.first = 0;
  range.last = call.entries.valueLength(ref) * 8 - 1;
}

/**
 * Reads `start [end [BYTE|BIT]]` from argument `from` on into `range`.
 * @returns false after an error reply
 */
function readRange(call: Invocation, ref: Ref, from: number): boolean {
  const { argc } = call;
  const unitAt = from + 2;
  const isBits = argc > unitAt && call.is(unitAt, 'BIT');
  const isUnitWrong = argc > unitAt && !isBits && !call.is(unitAt, 'BYTE');
  const first = call.roundedInteger(from);
  const last = argc > from + 1 ? call.roundedInteger(from + 1) : -1;
  if (Number.isNaN(first)) {
    replyNotAnInteger(call);
  } else if (isUnitWrong && from === BITPOS_RANGE_AT) {
    // BITPOS looks at the unit before the end, BITCOUNT behind it.
    replySyntaxError(call);
  } else if (Number.isNaN(last)) {
    replyNotAnInteger(call);
  } else if (isUnitWrong) {
    replySyntaxError(call);
  } else {
    setRange(first, last, call.entries.valueLength(ref), isBits);
    // A range that ends before it begins counts from the start of the string for BITPOS, if both are before it.
    if (from === BITCOUNT_RANGE_AT && first < 0 && last < 0 && first > last) range.last = -1;
    return true;
  }
  return false;
}

/** Sets `range` by two places in a string of `byteCount` bytes, counted in bits or bytes, from the end if negative. */
function setRange(first: number, last: number, byteCount: number, isBits: boolean): void {
  const length = isBits ? byteCount * 8 : byteCount;
  const from = first < 0 ? Math.max(0, first + length) : first;
  const to = Math.min(last < 0 ? Math.max(0, last + length) : last, length - 1);
  range.first = isBits ? from : from * 8;
  range.last = isBits ? to : to * 8 + 7;
}
