/** The commands that wait for a list or sorted set to pop from. Source: spec server.md section 9, propagation in persistence.md 8.2. Records: blocking-records.ts. */
import { TYPE_LIST, TYPE_ZSET } from '../keyspace/entry.js';
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { parseLongDouble } from '../types/long-double.js';
import { isList, popElements } from './list.js';
import { moveElement, popFirst, readEnd } from './list-move.js';
import { parseMultiPop } from './multi-pop.js';
import { replySyntaxError } from './replies.js';
import { isZset } from './zset.js';
import { popFirstZset, popPairs, readEnd as readZsetEnd } from './zset-pop.js';

const NOT_A_FLOAT = fixedReply('-ERR timeout is not a float or out of range');
const NEGATIVE = fixedReply('-ERR timeout is negative');
const OUT_OF_RANGE = fixedReply('-ERR timeout is out of range');
const INT64_MAX = 2n ** 63n - 1n;
const encoder = new TextEncoder();
const LPOP = encoder.encode('LPOP');
const RPOP = encoder.encode('RPOP');
const ZPOPMIN = encoder.encode('ZPOPMIN');
const ZPOPMAX = encoder.encode('ZPOPMAX');

const ZERO = 0x30;
const POINT = 0x2e;
/** Longer numbers are no simple ones. */
const SIMPLE_DIGITS_MAX = 12;
const MS_DIGITS = 3;

export function blpop(call: Invocation): void {
  popElement(call, true);
}

export function brpop(call: Invocation): void {
  popElement(call, false);
}

export function blmove(call: Invocation): void {
  const isFromHead = readEnd(call, 3);
  const isToHead = readEnd(call, 4);
  if (isFromHead === null || isToHead === null) return replySyntaxError(call);
  moveWhenThere(call, isFromHead, isToHead, 'LMOVE', 5);
}

export function brpopLpush(call: Invocation): void {
  moveWhenThere(call, false, true, 'RPOPLPUSH', 3);
}

export function blmpop(call: Invocation): void {
  const options = parseMultiPop(call, 2, readEnd);
  if (options === null) return;
  const timeoutMs = timeoutArgument(call, 1);
  if (timeoutMs < 0 || popFirst(call, 3, options)) return;
  wait(call, TYPE_LIST, 3, options.keyCount, timeoutMs);
}

export function bzpopMin(call: Invocation): void {
  popMember(call, false);
}

export function bzpopMax(call: Invocation): void {
  popMember(call, true);
}

export function bzmpop(call: Invocation): void {
  const options = parseMultiPop(call, 2, readZsetEnd);
  if (options === null) return;
  const timeoutMs = timeoutArgument(call, 1);
  if (timeoutMs < 0 || popFirstZset(call, 3, options)) return;
  wait(call, TYPE_ZSET, 3, options.keyCount, timeoutMs);
}

function popElement(call: Invocation, isHead: boolean): void {
  const last = call.argc - 1;
  const timeoutMs = timeoutArgument(call, last);
  if (timeoutMs < 0) return;
  for (let keyAt = 1; keyAt < last; keyAt++) {
    const ref = call.lookupWrite(keyAt);
    if (ref === 0) continue;
    if (!isList(call, ref)) return;
    call.reply.array(2);
    call.replyArgument(keyAt);
    popElements(call, ref, keyAt, isHead, 1);
    return call.propagateWithKey(isHead ? LPOP : RPOP, keyAt);
  }
  wait(call, TYPE_LIST, 1, last - 1, timeoutMs);
}

function popMember(call: Invocation, isMax: boolean): void {
  const last = call.argc - 1;
  const timeoutMs = timeoutArgument(call, last);
  if (timeoutMs < 0) return;
  for (let keyAt = 1; keyAt < last; keyAt++) {
    const ref = call.lookupWrite(keyAt);
    if (!isZset(call, ref)) return;
    if (ref === 0) continue;
    call.reply.array(3);
    call.replyArgument(keyAt);
    popPairs(call, ref, keyAt, isMax, 1, false);
    return call.propagateWithKey(isMax ? ZPOPMAX : ZPOPMIN, keyAt);
  }
  wait(call, TYPE_ZSET, 1, last - 1, timeoutMs);
}

/** @param words the propagated form: its name, and the arguments of the request up to `end` */
function moveWhenThere(call: Invocation, isFromHead: boolean, isToHead: boolean, name: string, end: number): void {
  const { keyspace, request } = call;
  const timeoutMs = timeoutArgument(call, end);
  if (timeoutMs < 0) return;
  const ref = call.lookupWrite(1);
  if (ref === 0) {
    if (!call.server.keyWaits.block(call, TYPE_LIST, 1, 1, timeoutMs)) call.reply.null();
    return;
  }
  const { dirty } = keyspace;
  moveElement(call, isFromHead, isToHead);
  if (keyspace.dirty === dirty) return;
  const words: (string | Uint8Array)[] = [name];
  for (let i = 1; i < end; i++) words.push(request.view(i));
  call.propagate(words);
}

function wait(call: Invocation, type: number, firstAt: number, keyCount: number, timeoutMs: number): void {
  if (!call.server.keyWaits.block(call, type, firstAt, keyCount, timeoutMs)) call.reply.nullArray();
}

/** @returns the seconds in argument `at` as ms, rounded up; −1 after an error reply */
function timeoutArgument(call: Invocation, at: number): number {
  const { bytes, starts, lengths } = call.request;
  const simpleMs = parseSimpleSeconds(bytes, starts[at], lengths[at]);
  if (simpleMs >= 0) return simpleMs;
  const value = parseLongDouble(bytes, starts[at], lengths[at]);
  if (value === null) {
    call.reply.fixedError(NOT_A_FLOAT, 'ERR');
    return -1;
  }
  const seconds = value.isInfinite
    ? Number.POSITIVE_INFINITY
    : Number(value.mantissa) * 2 ** Math.max(value.exponent, -1074);
  const timeoutMs = Math.ceil(seconds * 1000);
  if (value.isNegative && seconds !== 0) {
    call.reply.fixedError(NEGATIVE, 'ERR');
    return -1;
  }
  if (timeoutMs > Number(INT64_MAX) - call.keyspace.nowMs) {
    call.reply.fixedError(OUT_OF_RANGE, 'ERR');
    return -1;
  }
  return timeoutMs;
}

/** Reads seconds as nearly all are given: digits, and up to three behind a point. @returns them as ms, or −1 if they are not as simple as that */
function parseSimpleSeconds(bytes: Uint8Array, start: number, length: number): number {
  if (length === 0 || length > SIMPLE_DIGITS_MAX) return -1;
  let value = 0;
  let fractionDigits = -1;
  for (let i = start; i < start + length; i++) {
    const byte = bytes[i];
    if (byte === POINT && fractionDigits < 0 && i > start) {
      fractionDigits = 0;
      continue;
    }
    const digit = byte - ZERO;
    if (digit < 0 || digit > 9 || fractionDigits === MS_DIGITS) return -1;
    value = value * 10 + digit;
    if (fractionDigits >= 0) fractionDigits++;
  }
  for (let digits = Math.max(fractionDigits, 0); digits < MS_DIGITS; digits++) value *= 10;
  return value;
}
