/** What the commands on times of hash fields share: fields that have ended, and the `FIELDS numfields field …` part of their syntax. */
import { EXPIRY_DELETE } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC } from '../server/notify-classes.js';
import { expiryTime, OUT_OF_RANGE } from '../types/expiry-time.js';
import { FIELD_TIME_MAX } from '../types/field-time.js';
import { hashesOf } from '../types/hash.js';
import { replyInvalidExpireTime, replyNotAnInteger } from './replies.js';

/**
 * Removes those of the fields in arguments `first`, `first + step` … `last` whose time is over, as far as this node may: before a command looks at them.
 * @returns the entry; 0 if the key is gone now
 */
export function dropEnded(call: Invocation, ref: Ref, first: number, last: number, step = 1): Ref {
  // Small, so that what most hashes pay is one test in place.
  return ref !== 0 && call.entries.isTimedHash(ref) ? dropEndedOf(call, ref, first, last, step) : ref;
}

function dropEndedOf(call: Invocation, ref: Ref, first: number, last: number, step: number): Ref {
  const { db, keyspace } = call;
  const hashes = hashesOf(keyspace);
  if (keyspace.expiryMode !== EXPIRY_DELETE || !hashes.fieldTimes.hasHidden(ref)) return ref;
  const { bytes, starts, lengths } = call.request;
  let entry = ref;
  let hasEnded = false;
  for (let i = first; i <= last; i += step) {
    const left = hashes.fieldTimes.expireField(db, entry, bytes, starts[i], lengths[i]);
    if (left === 0) continue;
    entry = left;
    hasEnded = true;
  }
  if (!hasEnded) return ref;
  const isEmpty = hashes.count(entry) === 0;
  keyspace.fieldExpiryListener?.expired(db, entry, isEmpty);
  if (!isEmpty) return entry;
  db.remove(entry);
  return 0;
}

/** Removes the key in argument 1, `ref`, if its hash is empty, and tells so. @returns the entry, or 0 */
export function dropIfEmpty(call: Invocation, ref: Ref): Ref {
  if (ref === 0 || hashesOf(call.keyspace).count(ref) > 0) return ref;
  call.db.remove(ref);
  call.notify(NOTIFY_GENERIC, 'del', 1);
  return 0;
}

/**
 * Reads a time at which fields end.
 * @returns Unix ms; −1 after an error reply
 */
export function fieldTimeArgument(call: Invocation, at: number, unitMs: number, baseMs: number): number {
  const { bytes, starts, lengths } = call.request;
  const timeMs = expiryTime(bytes, starts[at], lengths[at], unitMs, baseMs);
  if (Number.isNaN(timeMs)) replyNotAnInteger(call);
  else if (bytes[starts[at]] === 0x2d) call.error('ERR invalid expire time, must be >= 0');
  else if (timeMs === OUT_OF_RANGE || timeMs > FIELD_TIME_MAX) replyInvalidExpireTime(call);
  else return timeMs;
  return -1;
}

/**
 * Checks `FIELDS numfields field …` from argument `at` to the end.
 * @param notPositive the error text for a number that is no positive integer
 * @returns the position of the first field, or −1 after an error reply
 */
export function fieldsAt(call: Invocation, at: number, notPositive: string): number {
  if (at + 1 >= call.argc || !call.is(at, 'FIELDS')) {
    call.error('ERR Mandatory argument FIELDS is missing or not at the right position');
    return -1;
  }
  const count = call.roundedInteger(at + 1);
  if (!(count >= 1)) {
    call.error(notPositive);
    return -1;
  }
  if (count !== call.argc - at - 2) {
    call.error('ERR The `numfields` parameter must match the number of arguments');
    return -1;
  }
  return at + 2;
}
