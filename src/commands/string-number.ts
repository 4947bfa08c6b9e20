/**
 * Strings as numbers: INCR, DECR, INCRBY, DECRBY, INCRBYFLOAT. Source: spec server.md section 20.
 *
 * An integer is stored as its text, so that GET copies it as it is; INCR reads the text, writes the new one over it, and moves the entry only when
 * its length outgrows the block. Safe integers take that way without allocating; those beyond 2^53 go through BigInt.
 */
import { ENCODING_INT, TYPE_STRING } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';
import { copyBytes } from '../memory/copy.js';
import { writeInteger } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_STRING } from '../server/notify-classes.js';
import { addLongDoubles, formatLongDouble, parseLongDouble } from '../types/long-double.js';
import { INT64_MAX, INT64_MIN, parseInt64, parseSafeInteger } from '../types/number.js';
import { textEncoding } from '../types/string-encoding.js';
import { replyNotAFloat, replyNotAnInteger, replyWrongType } from './replies.js';

const encoder = new TextEncoder();
/** The text of a result on its way to the entry. */
const digits = new Uint8Array(24);
const ZERO_TEXT = encoder.encode('0');

export function incr(call: Invocation): void {
  add(call, 1);
}

export function decr(call: Invocation): void {
  add(call, -1);
}

export function incrBy(call: Invocation): void {
  const delta = call.integer(2);
  if (!Number.isNaN(delta)) return add(call, delta);
  const exact = largeArgument(call);
  if (exact === null) return replyNotAnInteger(call);
  const ref = call.lookupWrite(1);
  if (isNumberKey(call, ref)) addExactly(call, ref, exact);
}

export function decrBy(call: Invocation): void {
  const delta = call.integer(2);
  if (!Number.isNaN(delta)) return add(call, -delta);
  const exact = largeArgument(call);
  if (exact === null) return replyNotAnInteger(call);
  if (exact === INT64_MIN) return call.error('ERR decrement would overflow');
  const ref = call.lookupWrite(1);
  if (isNumberKey(call, ref)) addExactly(call, ref, -exact);
}

export function incrByFloat(call: Invocation): void {
  const { db, entries, request } = call;
  const ref = call.lookupWrite(1);
  if (!isNumberKey(call, ref)) return;
  const value =
    ref === 0
      ? parseLongDouble(ZERO_TEXT, 0, 1)
      : parseLongDouble(entries.view(ref), entries.valueStart(ref), entries.valueLength(ref));
  const increment = parseLongDouble(request.bytes, request.starts[2], request.lengths[2]);
  if (value === null || increment === null) return replyNotAFloat(call);
  const sum = addLongDoubles(value, increment);
  if (sum === null) return call.error('ERR increment would produce NaN or Infinity');
  const text = encoder.encode(formatLongDouble(sum));
  const expireAtMs = ref === 0 ? 0 : entries.expireAtMs(ref);
  const { bytes, starts, lengths } = request;
  db.setString(ref, bytes, starts[1], lengths[1], text, 0, text.length, textEncoding(text.length), expireAtMs);
  call.keyspace.dirty++;
  call.notify(NOTIFY_STRING, 'incrbyfloat', 1);
  // Another machine's floating point shall not have to agree.
  call.propagate(['SET', request.view(1), text, 'KEEPTTL']);
  call.reply.bulkBytes(text);
}

function add(call: Invocation, delta: number): void {
  const { entries } = call;
  const ref = call.lookupWrite(1);
  if (!isNumberKey(call, ref)) return;
  let sum = delta;
  if (ref !== 0) sum += parseSafeInteger(entries.view(ref), entries.valueStart(ref), entries.valueLength(ref));
  if (!Number.isSafeInteger(sum)) return addExactly(call, ref, BigInt(delta));
  // `sum` may be −0, which is written as 0.
  storeText(call, ref, writeInteger(digits, 0, sum));
  call.reply.integer(sum);
}

/** The same for numbers beyond ±2^53, and for values that are none. */
function addExactly(call: Invocation, ref: Ref, delta: bigint): void {
  const { entries } = call;
  const value = ref === 0 ? 0n : parseInt64(entries.view(ref), entries.valueStart(ref), entries.valueLength(ref));
  if (value === null) return replyNotAnInteger(call);
  const sum = value + delta;
  if (sum > INT64_MAX || sum < INT64_MIN) return call.error('ERR increment or decrement would overflow');
  storeText(call, ref, encoder.encodeInto(sum.toString(), digits).written);
  call.reply.bigInteger(sum);
}

/** Makes the first `length` bytes of `digits` the value of the key in argument 1. */
function storeText(call: Invocation, ref: Ref, length: number): void {
  const { db, entries } = call;
  call.keyspace.dirty++;
  if (ref === 0) {
    const { bytes, starts, lengths } = call.request;
    db.setString(0, bytes, starts[1], lengths[1], digits, 0, length, ENCODING_INT, 0);
    call.notify(NOTIFY_STRING, 'incrby', 1);
    return;
  }
  const target = db.resizeValue(ref, length);
  if (entries.encoding(target) !== ENCODING_INT) entries.setEncoding(target, ENCODING_INT);
  copyBytes(digits, 0, entries.view(target), entries.valueStart(target), length);
  call.notify(NOTIFY_STRING, 'incrby', 1);
}

/** Replies WRONGTYPE unless the key is absent or a string. */
function isNumberKey(call: Invocation, ref: Ref): boolean {
  if (ref === 0 || call.entries.type(ref) === TYPE_STRING) return true;
  replyWrongType(call);
  return false;
}

function largeArgument(call: Invocation): bigint | null {
  const { bytes, starts, lengths } = call.request;
  return parseInt64(bytes, starts[2], lengths[2]);
}
