/**
 * The deterministic forms of what changes times of hash fields: absolute times, and HDEL for what is over already. A Redis 7.0 replica, which knows
 * no such times, so keeps the same fields: it ignores HPEXPIREAT and takes HSET and HDEL.
 */
import type { Invocation } from '../server/invocation.js';

const encoder = new TextEncoder();
const HPEXPIREAT_WORD = encoder.encode('HPEXPIREAT');
const FIELDS_WORD = encoder.encode('FIELDS');
const HDEL_WORD = encoder.encode('HDEL');
const HPERSIST_WORD = encoder.encode('HPERSIST');
const HSET_WORD = encoder.encode('HSET');

/** `HPEXPIREAT key ms FIELDS n field …`, for the fields in the arguments `positions`. */
export function propagateFieldTimes(call: Invocation, timeMs: number, positions: readonly number[]): void {
  if (!beginUnknown(call, HPEXPIREAT_WORD, 3 + positions.length)) return;
  call.server.propagation.integerWord(timeMs);
  countedFields(call, positions);
  call.server.propagation.end(call.db.index);
}

/** `HPERSIST key FIELDS n field …` */
export function propagatePersistence(call: Invocation, positions: readonly number[]): void {
  if (!beginUnknown(call, HPERSIST_WORD, 2 + positions.length)) return;
  countedFields(call, positions);
  call.server.propagation.end(call.db.index);
}

/** `HDEL key field …` */
export function propagateFieldDeletion(call: Invocation, positions: readonly number[]): void {
  if (!begin(call, HDEL_WORD, positions.length)) return;
  for (const position of positions) argument(call, position);
  call.server.propagation.end(call.db.index);
}

/** `HSET key field value …`, for the pairs in the arguments from `first` to `last`. */
export function propagatePairs(call: Invocation, first: number, last: number): void {
  if (!begin(call, HSET_WORD, 1 + last - first)) return;
  for (let i = first; i <= last; i++) argument(call, i);
  call.server.propagation.end(call.db.index);
}

/**
 * Begins a command that Redis 7.0 does not know. It and what else its request propagates, the value, or fields that have ended, go one after the other and
 * not as a transaction, unless they are part of one: Redis 7.0 refuses a transaction with such a command as a whole.
 */
function beginUnknown(call: Invocation, name: Uint8Array, restCount: number): boolean {
  if (!call.connection.isExecuting) call.server.propagation.doNotWrap();
  return begin(call, name, restCount);
}

/** Begins a command on the key in argument 1, of which so many words follow. @returns whether anybody wants it */
function begin(call: Invocation, name: Uint8Array, restCount: number): boolean {
  call.isPropagated = true;
  const { propagation } = call.server;
  if (!propagation.isActive) return false;
  propagation.begin(2 + restCount);
  propagation.word(name, 0, name.length);
  argument(call, 1);
  return true;
}

function countedFields(call: Invocation, positions: readonly number[]): void {
  const { propagation } = call.server;
  propagation.word(FIELDS_WORD, 0, FIELDS_WORD.length);
  propagation.integerWord(positions.length);
  for (const position of positions) argument(call, position);
}

function argument(call: Invocation, position: number): void {
  const { bytes, starts, lengths } = call.request;
  call.server.propagation.word(bytes, starts[position], lengths[position]);
}
