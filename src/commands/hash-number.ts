/** Fields of hashes as numbers: HINCRBY, HINCRBYFLOAT. Source: spec server.md section 20. */
import type { Ref } from '../memory/arena.js';
import { writeInteger } from '../memory/int64-text.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_HASH } from '../server/notify-classes.js';
import { hashesOf } from '../types/hash.js';
import { addLongDoubles, formatLongDouble, parseLongDouble } from '../types/long-double.js';
import { INT64_MAX, INT64_MIN, parseInt64, parseSafeInteger } from '../types/number.js';
import { isHashKey, setField } from './hash.js';
import { dropEnded } from './hash-fields.js';
import { propagateTime } from './hash-getex.js';
import { replyNotAFloat, replyNotAnInteger } from './replies.js';

const encoder = new TextEncoder();
const digits = new Uint8Array(24);
const ZERO_TEXT = encoder.encode('0');

export function hincrBy(call: Invocation): void {
  const { bytes, starts, lengths } = call.request;
  const delta = call.integer(3);
  const exactDelta = Number.isNaN(delta) ? parseInt64(bytes, starts[3], lengths[3]) : null;
  if (Number.isNaN(delta) && exactDelta === null) return replyNotAnInteger(call);
  let ref = call.lookupWrite(1);
  if (!isHashKey(call, ref)) return;
  ref = dropEnded(call, ref, 2, 2);
  const hashes = hashesOf(call.keyspace);
  let sum = delta;
  const isThere = ref !== 0 && hashes.find(ref, bytes, starts[2], lengths[2]);
  if (isThere) sum += parseSafeInteger(hashes.valueBytes, hashes.valueStart, hashes.valueLength);
  if (!Number.isSafeInteger(sum)) return addExactly(call, ref, isThere, exactDelta ?? BigInt(delta));
  setField(call, ref, 2, digits, 0, writeInteger(digits, 0, sum), true);
  call.notify(NOTIFY_HASH, 'hincrby', 1);
  call.reply.integer(sum);
}

export function hincrByFloat(call: Invocation): void {
  const { request } = call;
  const { bytes, starts, lengths } = request;
  const increment = parseLongDouble(bytes, starts[3], lengths[3]);
  if (increment === null) return replyNotAFloat(call);
  if (increment.isInfinite) return call.error('ERR value is NaN or Infinity');
  let ref = call.lookupWrite(1);
  if (!isHashKey(call, ref)) return;
  ref = dropEnded(call, ref, 2, 2);
  const hashes = hashesOf(call.keyspace);
  const value =
    ref !== 0 && hashes.find(ref, bytes, starts[2], lengths[2])
      ? parseLongDouble(hashes.valueBytes, hashes.valueStart, hashes.valueLength)
      : parseLongDouble(ZERO_TEXT, 0, 1);
  if (value === null) return call.error('ERR hash value is not a float');
  const sum = addLongDoubles(value, increment);
  if (sum === null) return call.error('ERR increment would produce NaN or Infinity');
  const text = encoder.encode(formatLongDouble(sum));
  setField(call, ref, 2, text, 0, text.length, true);
  call.notify(NOTIFY_HASH, 'hincrbyfloat', 1);
  // Another machine's floating point shall not have to agree.
  call.propagate(['HSET', request.view(1), request.view(2), text]);
  propagateKeptTime(call);
  call.reply.bulkBytes(text);
}

/** HSET takes the field's time, which HINCRBYFLOAT has kept. */
function propagateKeptTime(call: Invocation): void {
  const { bytes, starts, lengths } = call.request;
  const ref = call.db.find(bytes, starts[1], lengths[1]);
  if (!call.entries.isTimedHash(ref)) return;
  const timeMs = hashesOf(call.keyspace).fieldTimes.timeOf(ref, bytes, starts[2], lengths[2]);
  if (timeMs === 0) return;
  propagateTime(call, timeMs, 2);
}

/** The same as HINCRBY for numbers beyond ±2^53, and for values that are none. */
function addExactly(call: Invocation, ref: Ref, isThere: boolean, delta: bigint): void {
  const hashes = hashesOf(call.keyspace);
  const value = isThere ? parseInt64(hashes.valueBytes, hashes.valueStart, hashes.valueLength) : 0n;
  if (value === null) return call.error('ERR hash value is not an integer');
  const sum = value + delta;
  if (sum > INT64_MAX || sum < INT64_MIN) return call.error('ERR increment or decrement would overflow');
  setField(call, ref, 2, digits, 0, encoder.encodeInto(sum.toString(), digits).written, true);
  call.notify(NOTIFY_HASH, 'hincrby', 1);
  call.reply.bigInteger(sum);
}
