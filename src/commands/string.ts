/** Getting and setting whole strings. Source: spec server.md section 21, propagation in persistence.md section 8.2. Records: string-records.ts. */
import { TYPE_STRING } from '../keyspace/entry.js';
import { EXPIRY_DELETE } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC, NOTIFY_STRING } from '../server/notify-classes.js';
import { MILLISECOND, OUT_OF_RANGE, positiveExpiryTime, SECOND_MS } from '../types/expiry-time.js';
import { propagateDeletion, propagateExpiry } from './expire-propagation.js';
import {
  replyInvalidExpireTime,
  replyNotAnInteger,
  replySyntaxError,
  replyWrongArity,
  replyWrongType,
} from './replies.js';
import { KEEP_TTL, OF_GETEX, OF_SET, PERSIST, SET_GET, SET_NX, SET_XX, StringOptions } from './string-options.js';
import { putString } from './string-value.js';

const SET_WORD = Uint8Array.from(Buffer.from('SET'));
const PXAT_WORD = Uint8Array.from(Buffer.from('PXAT'));
const options = new StringOptions();

export function get(call: Invocation): void {
  replyString(call, call.lookupRead(1));
}

export function set(call: Invocation): void {
  if (call.argc === 3) {
    store(call, call.lookupWrite(1), 1, 2, 0);
    call.reply.ok();
    return;
  }
  if (!options.parse(call, 3, OF_SET)) return replySyntaxError(call);
  const { flags, hasTime } = options;
  let expireAtMs = 0;
  if (hasTime) {
    expireAtMs = options.expireAtMs(call);
    if (!isValidTime(call, expireAtMs)) return;
  }
  const isGet = (flags & SET_GET) !== 0;
  // A key that is expired but hidden must be gone before another takes its place.
  const ref = (isGet ? call.lookupRead(1) : 0) || call.lookupWrite(1);
  if (isGet && !replyString(call, ref)) return;
  if ((flags & (ref === 0 ? SET_XX : SET_NX)) !== 0) {
    if (!isGet) call.reply.null();
    return;
  }
  if ((flags & KEEP_TTL) !== 0 && ref !== 0) expireAtMs = call.entries.expireAtMs(ref);
  store(call, ref, 1, 2, expireAtMs);
  if (hasTime) call.notify(NOTIFY_GENERIC, 'expire', 1);
  if (hasTime) propagateSet(call, 1, 2, expireAtMs);
  else if (isGet) propagateWithoutGet(call);
  if (!isGet) call.reply.ok();
}

export function setNx(call: Invocation): void {
  const ref = call.lookupWrite(1);
  if (ref === 0) store(call, 0, 1, 2, 0);
  call.reply.integer(ref === 0 ? 1 : 0);
}

export function setEx(call: Invocation): void {
  setWithTime(call, SECOND_MS);
}

export function psetEx(call: Invocation): void {
  setWithTime(call, MILLISECOND);
}

export function getSet(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (!replyString(call, ref)) return;
  store(call, ref, 1, 2, 0);
  propagateSet(call, 1, 2, 0);
}

export function getDel(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (!replyString(call, ref) || ref === 0) return;
  call.db.remove(ref);
  call.keyspace.dirty++;
  call.notify(NOTIFY_GENERIC, 'del', 1);
  propagateDeletion(call, 1, 'DEL');
}

export function getEx(call: Invocation): void {
  if (!options.parse(call, 2, OF_GETEX)) return replySyntaxError(call);
  const ref = call.lookupRead(1);
  if (ref === 0) return call.reply.null();
  if (call.entries.type(ref) !== TYPE_STRING) return replyWrongType(call);
  if (options.hasTime) {
    const expireAtMs = options.expireAtMs(call);
    if (!isValidTime(call, expireAtMs)) return;
    call.replyValue(ref);
    if (expireAtMs <= call.keyspace.nowMs && call.keyspace.expiryMode === EXPIRY_DELETE) {
      call.db.remove(ref);
      call.notify(NOTIFY_GENERIC, 'del', 1);
      propagateDeletion(call, 1, call.server.config.values.lazyfreeLazyExpire ? 'UNLINK' : 'DEL');
    } else {
      call.db.setExpiry(ref, expireAtMs);
      call.notify(NOTIFY_GENERIC, 'expire', 1);
      propagateExpiry(call, 1, expireAtMs, call.argc);
    }
    call.keyspace.dirty++;
    return;
  }
  call.replyValue(ref);
  if ((options.flags & PERSIST) !== 0 && call.entries.hasExpiry(ref)) {
    call.db.clearExpiry(ref);
    call.notify(NOTIFY_GENERIC, 'persist', 1);
    call.keyspace.dirty++;
    call.propagate(['PERSIST', call.request.view(1)]);
  }
}

export function mget(call: Invocation): void {
  const { argc, reply, entries } = call;
  reply.array(argc - 1);
  for (let i = 1; i < argc; i++) {
    call.warmKeys(i - 1, i, 1);
    const ref = call.lookupRead(i);
    if (ref === 0 || entries.type(ref) !== TYPE_STRING) reply.null();
    else call.replyValue(ref);
  }
}

export function mset(call: Invocation): void {
  if ((call.argc & 1) === 0) return replyWrongArity(call);
  for (let i = 1; i < call.argc; i += 2) {
    call.warmKeys(i >> 1, i, 2);
    store(call, call.lookupWrite(i), i, i + 1, 0);
  }
  call.reply.ok();
}

export function msetNx(call: Invocation): void {
  if ((call.argc & 1) === 0) return replyWrongArity(call);
  for (let i = 1; i < call.argc; i += 2) if (call.lookupWrite(i) !== 0) return call.reply.integer(0);
  for (let i = 1; i < call.argc; i += 2) store(call, call.lookupWrite(i), i, i + 1, 0);
  call.reply.integer(1);
}

/** Replies with the string, null if there is none, or WRONGTYPE. @returns whether it was no error */
function replyString(call: Invocation, ref: Ref): boolean {
  if (ref === 0) {
    call.reply.null();
    return true;
  }
  if (call.entries.type(ref) !== TYPE_STRING) {
    replyWrongType(call);
    return false;
  }
  call.replyValue(ref);
  return true;
}

/** Stores argument `valueAt` under the key in argument `keyAt`, whose entry the last lookup gave as `ref`. */
function store(call: Invocation, ref: Ref, keyAt: number, valueAt: number, expireAtMs: number): void {
  putString(call, ref, keyAt, valueAt, expireAtMs);
  call.keyspace.dirty++;
  call.notify(NOTIFY_STRING, 'set', keyAt);
}

function setWithTime(call: Invocation, unitMs: number): void {
  const { bytes, starts, lengths } = call.request;
  const expireAtMs = positiveExpiryTime(bytes, starts[2], lengths[2], unitMs, call.keyspace.nowMs);
  if (!isValidTime(call, expireAtMs)) return;
  store(call, call.lookupWrite(1), 1, 3, expireAtMs);
  call.notify(NOTIFY_GENERIC, 'expire', 1);
  propagateSet(call, 1, 3, expireAtMs);
  call.reply.ok();
}

function isValidTime(call: Invocation, expireAtMs: number): boolean {
  if (Number.isNaN(expireAtMs)) {
    replyNotAnInteger(call);
    return false;
  }
  if (expireAtMs === OUT_OF_RANGE) {
    replyInvalidExpireTime(call);
    return false;
  }
  return true;
}

/** `SET key value`, with `PXAT ms` if there is an expiry. */
function propagateSet(call: Invocation, keyAt: number, valueAt: number, expireAtMs: number): void {
  call.isPropagated = true;
  const { propagation } = call.server;
  if (!propagation.isActive) return;
  const { bytes, starts, lengths } = call.request;
  propagation.begin(expireAtMs === 0 ? 3 : 5);
  propagation.word(SET_WORD, 0, SET_WORD.length);
  propagation.word(bytes, starts[keyAt], lengths[keyAt]);
  propagation.word(bytes, starts[valueAt], lengths[valueAt]);
  if (expireAtMs !== 0) {
    propagation.word(PXAT_WORD, 0, PXAT_WORD.length);
    propagation.integerWord(expireAtMs);
  }
  propagation.end(call.db.index);
}

/** The request but for its GET words: what a replica shall not look up. */
function propagateWithoutGet(call: Invocation): void {
  const words: Uint8Array[] = [];
  for (let i = 0; i < call.argc; i++) if (i < 3 || !call.is(i, 'GET')) words.push(call.request.view(i));
  call.propagate(words);
}
