/** Expiry of keys: the EXPIRE and TTL families and PERSIST. Source: spec server.md section 11. Records: expire-records.ts. */
import { EXPIRY_DELETE } from '../keyspace/keyspace.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC } from '../server/notify-classes.js';
import { expiryTime, MILLISECOND, OUT_OF_RANGE, SECOND_MS } from '../types/expiry-time.js';
import { propagateDeletion, propagateExpiry } from './expire-propagation.js';
import { replyInvalidExpireTime, replyNotAnInteger } from './replies.js';

const NX = 1;
const XX = 2;
const GT = 4;
const LT = 8;

/** What the TTL family replies for a key that is not there, and for one without an expiry. */
const NO_KEY = -2;
const NO_EXPIRY = -1;

export function expire(call: Invocation): void {
  expireKey(call, SECOND_MS, call.keyspace.nowMs);
}

export function pexpire(call: Invocation): void {
  expireKey(call, MILLISECOND, call.keyspace.nowMs);
}

export function expireAt(call: Invocation): void {
  expireKey(call, SECOND_MS, 0);
}

export function pexpireAt(call: Invocation): void {
  expireKey(call, MILLISECOND, 0);
}

export function ttl(call: Invocation): void {
  const expireAtMs = expiryOf(call);
  call.reply.integer(expireAtMs < 0 ? expireAtMs : Math.floor((timeLeftMs(call, expireAtMs) + 500) / 1000));
}

export function pttl(call: Invocation): void {
  const expireAtMs = expiryOf(call);
  call.reply.integer(expireAtMs < 0 ? expireAtMs : timeLeftMs(call, expireAtMs));
}

export function expireTime(call: Invocation): void {
  const expireAtMs = expiryOf(call);
  call.reply.integer(expireAtMs < 0 ? expireAtMs : Math.floor((expireAtMs + 500) / 1000));
}

export function pexpireTime(call: Invocation): void {
  call.reply.integer(expiryOf(call));
}

export function persist(call: Invocation): void {
  const ref = call.lookupWrite(1);
  if (ref === 0 || !call.entries.hasExpiry(ref)) return call.reply.integer(0);
  call.db.clearExpiry(ref);
  call.notify(NOTIFY_GENERIC, 'persist', 1);
  call.keyspace.dirty++;
  call.reply.integer(1);
}

function expireKey(call: Invocation, unitMs: number, baseMs: number): void {
  const { bytes, starts, lengths } = call.request;
  const options = parseOptions(call);
  if (options < 0) return;
  const expireAtMs = expiryTime(bytes, starts[2], lengths[2], unitMs, baseMs);
  if (Number.isNaN(expireAtMs)) return replyNotAnInteger(call);
  if (expireAtMs === OUT_OF_RANGE) return replyInvalidExpireTime(call);
  const ref = call.lookupWrite(1);
  if (ref === 0) return call.reply.integer(0);
  if (options !== 0 && !isWanted(options, call.entries.expireAtMs(ref), expireAtMs)) return call.reply.integer(0);
  const { keyspace } = call;
  keyspace.dirty++;
  if (expireAtMs <= keyspace.nowMs && keyspace.expiryMode === EXPIRY_DELETE) {
    call.db.remove(ref);
    call.notify(NOTIFY_GENERIC, 'del', 1);
    propagateDeletion(call, 1, call.server.config.values.lazyfreeLazyExpire ? 'UNLINK' : 'DEL');
  } else {
    // A time that is over can come from the primary alone, whose DEL will follow; an entry's expiry is positive.
    call.db.setExpiry(ref, Math.max(1, expireAtMs));
    call.notify(NOTIFY_GENERIC, 'expire', 1);
    propagateExpiry(call, 1, expireAtMs, 3);
  }
  call.reply.integer(1);
}

/** @returns the NX, XX, GT and LT given, or −1 after an error reply */
function parseOptions(call: Invocation): number {
  if (call.argc === 3) return 0;
  let options = 0;
  for (let i = 3; i < call.argc; i++) {
    if (call.is(i, 'NX')) options |= NX;
    else if (call.is(i, 'XX')) options |= XX;
    else if (call.is(i, 'GT')) options |= GT;
    else if (call.is(i, 'LT')) options |= LT;
    else {
      call.reply.byteError(`ERR Unsupported option ${call.request.cText(i)}`);
      return -1;
    }
  }
  if ((options & NX) !== 0 && options !== NX) {
    call.error('ERR NX and XX, GT or LT options at the same time are not compatible');
    return -1;
  }
  if ((options & (GT | LT)) === (GT | LT)) {
    call.error('ERR GT and LT options at the same time are not compatible');
    return -1;
  }
  return options;
}

/** Whether the options allow to change an expiry (0 = none, which counts as infinite) to another. */
function isWanted(options: number, currentMs: number, wantedMs: number): boolean {
  if ((options & NX) !== 0) return currentMs === 0;
  if ((options & XX) !== 0 && currentMs === 0) return false;
  if ((options & GT) !== 0) return currentMs !== 0 && wantedMs > currentMs;
  if ((options & LT) !== 0) return currentMs === 0 || wantedMs < currentMs;
  return true;
}

/** @returns the expiry of the key in argument 1, Unix ms; NO_KEY or NO_EXPIRY */
function expiryOf(call: Invocation): number {
  const { bytes, starts, lengths } = call.request;
  const ref = call.db.lookupNoTouch(bytes, starts[1], lengths[1]);
  if (ref === 0) return NO_KEY;
  return call.entries.expireAtMs(ref) || NO_EXPIRY;
}

function timeLeftMs(call: Invocation, expireAtMs: number): number {
  return Math.max(0, expireAtMs - call.keyspace.nowMs);
}
