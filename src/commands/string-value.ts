/** What the commands for strings, for parts of them and for bits share: giving a key a value, and changing it in place. */
import { ENCODING_RAW, TYPE_STRING } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';
import { GIVEN_BYTES_MIN } from '../server/connection.js';
import { IS_PRIMARY_LINK } from '../server/connection-flags.js';
import type { Invocation } from '../server/invocation.js';
import { stringEncoding } from '../types/string-encoding.js';
import { replyWrongType } from './replies.js';

/** @returns whether the key is absent (0) or a string; false after the error reply */
export function isStringKey(call: Invocation, ref: Ref): boolean {
  if (ref === 0 || call.entries.type(ref) === TYPE_STRING) return true;
  replyWrongType(call);
  return false;
}

/**
 * Gives the key in argument `keyAt` a value of that length and RAW encoding.
 * @param ref its entry as the last lookup gave it, or 0
 * @returns the entry; bytes beyond the old length are undefined
 */
export function resizeString(call: Invocation, keyAt: number, ref: Ref, length: number): Ref {
  const { bytes, starts, lengths } = call.request;
  if (ref === 0) return call.db.add(bytes, starts[keyAt], lengths[keyAt], TYPE_STRING, ENCODING_RAW, length, 0);
  const target = call.db.resizeValue(ref, length);
  call.entries.setEncoding(target, ENCODING_RAW);
  return target;
}

/** As `resizeString`, to at least that length; the bytes added are 0. */
export function growString(call: Invocation, keyAt: number, ref: Ref, length: number): Ref {
  const oldLength = ref === 0 ? 0 : call.entries.valueLength(ref);
  const target = resizeString(call, keyAt, ref, Math.max(oldLength, length));
  if (length > oldLength) clearNew(call, ref, target, oldLength, length);
  return target;
}

/**
 * Makes bytes 0 that `resizeString` has added: those from offset `from` to `to` of the value of `target`, which was `ref` before. What is behind them is
 * undefined still, and the entry's view may be another.
 */
export function clearNew(call: Invocation, ref: Ref, target: Ref, from: number, to: number): void {
  const start = call.entries.valueStart(target);
  if (target !== ref && call.keyspace.arena.renew(target, start + from)) return;
  call.entries.view(target).fill(0, start + from, start + to);
}

/** Whether a string may not have this length. The primary's stream is obeyed whatever our own limit. */
export function isTooLong(call: Invocation, length: number): boolean {
  return length > call.server.config.values.protoMaxBulkLen && (call.connection.flags & IS_PRIMARY_LINK) === 0;
}

/** Makes argument `valueAt` the value of the key in argument `keyAt`, whose entry the last lookup gave as `ref`. */
export function putString(call: Invocation, ref: Ref, keyAt: number, valueAt: number, expireAtMs: number): void {
  const { bytes, starts, lengths } = call.request;
  const start = starts[valueAt];
  const length = lengths[valueAt];
  if (length >= GIVEN_BYTES_MIN) return putLong(call, ref, keyAt, start, length, expireAtMs);
  const encoding = stringEncoding(bytes, start, length);
  call.db.setString(ref, bytes, starts[keyAt], lengths[keyAt], bytes, start, length, encoding, expireAtMs);
}

/** A value that may lie in a buffer of its own: then that becomes the entry's. */
function putLong(call: Invocation, ref: Ref, keyAt: number, start: number, length: number, expireAtMs: number): void {
  const { connection, db, request } = call;
  const { bytes, starts, lengths } = request;
  const room = connection.roomBefore(bytes, start);
  if (db.takeString(ref, bytes, starts[keyAt], lengths[keyAt], bytes, start, length, room, expireAtMs))
    connection.inputGiven();
}
