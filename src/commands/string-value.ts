/** Strings that are changed in place: what the commands for parts of strings and for bits share. */
import { ENCODING_RAW, TYPE_STRING } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';
import { IS_PRIMARY_LINK } from '../server/connection-flags.js';
import type { Invocation } from '../server/invocation.js';
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
