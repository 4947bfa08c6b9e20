/**
 * Times of hash fields: the HEXPIRE and HTTL families and HPERSIST, as in Redis 7.4. Records: hash-expire-records.ts.
 *
 * All reply with an array of integers, one for each field.
 */
import type { Ref } from '../memory/arena.js';
import type { Invocation } from '../server/invocation.js';
import { MILLISECOND, SECOND_MS } from '../types/expiry-time.js';
import { hashesOf } from '../types/hash.js';
import { NO_FIELD } from '../types/hash-times.js';
import { isHashKey } from './hash.js';
import { dropEnded, fieldsAt, fieldTimeArgument } from './hash-fields.js';
import { FieldTimeChange, FOREVER } from './hash-time-change.js';

/** Replies for one field. */
const REPLY_NO_FIELD = -2;
const REPLY_NO_TIME = -1;
const REPLY_NOT_WANTED = 0;
const REPLY_DONE = 1;
const REPLY_DELETED = 2;

const NOT_POSITIVE = 'ERR Parameter `numFields` should be greater than 0';
const NO_COUNT = 'ERR Number of fields must be a positive integer';

const change = new FieldTimeChange();

export function hexpire(call: Invocation): void {
  expireFields(call, SECOND_MS, call.keyspace.nowMs);
}

export function hpexpire(call: Invocation): void {
  expireFields(call, MILLISECOND, call.keyspace.nowMs);
}

export function hexpireAt(call: Invocation): void {
  expireFields(call, SECOND_MS, 0);
}

export function hpexpireAt(call: Invocation): void {
  expireFields(call, MILLISECOND, 0);
}

export function httl(call: Invocation): void {
  replyTimes(call, SECOND_MS, call.keyspace.nowMs);
}

export function hpttl(call: Invocation): void {
  replyTimes(call, MILLISECOND, call.keyspace.nowMs);
}

export function hexpireTime(call: Invocation): void {
  replyTimes(call, SECOND_MS, 0);
}

export function hpexpireTime(call: Invocation): void {
  replyTimes(call, MILLISECOND, 0);
}

export function hpersist(call: Invocation): void {
  const { keyspace, reply, argc } = call;
  let ref = call.lookupWrite(1);
  if (!isHashKey(call, ref)) return;
  const first = fieldsAt(call, 2, NO_COUNT);
  if (first < 0) return;
  ref = dropEnded(call, ref, first, argc - 1);
  change.begin(call, FOREVER);
  reply.array(argc - first);
  for (let i = first; i < argc; i++) {
    const timeMs = visibleTime(call, ref, i);
    if (timeMs <= 0) {
      reply.integer(timeMs === NO_FIELD ? REPLY_NO_FIELD : REPLY_NO_TIME);
      continue;
    }
    ref = change.apply(call, ref, i);
    reply.integer(REPLY_DONE);
  }
  keyspace.dirty += change.count;
  change.finish(call, ref);
}

function expireFields(call: Invocation, unitMs: number, baseMs: number): void {
  const { keyspace, reply, argc } = call;
  let ref = call.lookupWrite(1);
  if (!isHashKey(call, ref)) return;
  const timeMs = fieldTimeArgument(call, 2, unitMs, baseMs);
  if (timeMs < 0) return;
  const condition = conditionAt(call, 3);
  const first = fieldsAt(call, condition === null ? 3 : 4, NOT_POSITIVE);
  if (first < 0) return;
  ref = dropEnded(call, ref, first, argc - 1);
  change.begin(call, timeMs);
  reply.array(argc - first);
  for (let i = first; i < argc; i++) {
    const currentMs = visibleTime(call, ref, i);
    if (currentMs === NO_FIELD) {
      reply.integer(REPLY_NO_FIELD);
    } else if (!isWanted(condition, currentMs, timeMs)) {
      reply.integer(REPLY_NOT_WANTED);
    } else {
      ref = change.apply(call, ref, i);
      reply.integer(change.isOver ? REPLY_DELETED : REPLY_DONE);
    }
  }
  keyspace.dirty += change.count;
  change.finish(call, ref);
}

type Condition = 'NX' | 'XX' | 'GT' | 'LT';
const CONDITIONS: readonly Condition[] = ['NX', 'XX', 'GT', 'LT'];

function conditionAt(call: Invocation, at: number): Condition | null {
  for (const condition of CONDITIONS) if (call.is(at, condition)) return condition;
  return null;
}

/** Whether the condition allows to change a time (0 = none, which counts as infinite) to another. */
function isWanted(condition: Condition | null, currentMs: number, wantedMs: number): boolean {
  switch (condition) {
    case 'NX':
      return currentMs === 0;
    case 'XX':
      return currentMs !== 0;
    case 'GT':
      return currentMs !== 0 && wantedMs > currentMs;
    case 'LT':
      return currentMs === 0 || wantedMs < currentMs;
    default:
      return true;
  }
}

function replyTimes(call: Invocation, unitMs: number, baseMs: number): void {
  const { reply, argc } = call;
  const ref = call.lookupRead(1);
  if (!isHashKey(call, ref)) return;
  const first = fieldsAt(call, 2, NO_COUNT);
  if (first < 0) return;
  reply.array(argc - first);
  for (let i = first; i < argc; i++) {
    const timeMs = visibleTime(call, ref, i);
    if (timeMs === NO_FIELD) reply.integer(REPLY_NO_FIELD);
    else if (timeMs === 0) reply.integer(REPLY_NO_TIME);
    else reply.integer(Math.floor((timeMs - baseMs + unitMs - 1) / unitMs));
  }
}

/** @returns the time of the field in argument `at`, Unix ms, 0 = none; NO_FIELD also if it is over */
function visibleTime(call: Invocation, ref: Ref, at: number): number {
  if (ref === 0) return NO_FIELD;
  const { bytes, starts, lengths } = call.request;
  const timeMs = hashesOf(call.keyspace).fieldTimes.timeOf(ref, bytes, starts[at], lengths[at]);
  return call.keyspace.isFieldOver(timeMs) ? NO_FIELD : timeMs;
}
