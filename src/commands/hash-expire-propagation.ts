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
  call.isPropagated = true;
  const { propagation } = call.server;
  if (!propagation.isActive) return;
  propagation.begin(5 + positions.length);
  propagation.word(HPEXPIREAT_WORD, 0, HPEXPIREAT_WORD.length);
  argument(call, 1);
  propagation.integerWord(timeMs);
  fieldList(call, positions);
  propagation.end(call.db.index);
}

/** `HPERSIST key FIELDS n field …` */
export function propagatePersistence(call: Invocation, positions: readonly number[]): void {
  call.isPropagated = true;
  const { propagation } = call.server;
  if (!propagation.isActive) return;
  propagation.begin(4 + positions.length);
  propagation.word(HPERSIST_WORD, 0, HPERSIST_WORD.length);
  argument(call, 1);
  fieldList(call, positions);
  propagation.end(call.db.index);
}

/** `HDEL key field …` */
export function propagateFieldDeletion(call: Invocation, positions: readonly number[]): void {
  call.isPropagated = true;
  const { propagation } = call.server;
  if (!propagation.isActive) return;
  propagation.begin(2 + positions.length);
  propagation.word(HDEL_WORD, 0, HDEL_WORD.length);
  argument(call, 1);
  for (const position of positions) argument(call, position);
  propagation.end(call.db.index);
}

/** `HSET key field value …`, for the pairs in the arguments from `first` to `last`. */
export function propagatePairs(call: Invocation, first: number, last: number): void {
  call.isPropagated = true;
  const { propagation } = call.server;
  if (!propagation.isActive) return;
  propagation.begin(3 + last - first);
  propagation.word(HSET_WORD, 0, HSET_WORD.length);
  argument(call, 1);
  for (let i = first; i <= last; i++) argument(call, i);
  propagation.end(call.db.index);
}

/**
 * Has a value and its time propagated one after the other, and not as a transaction, unless they are part of one: Redis 7.0 would refuse a transaction
 * with a command that it does not know, and with it the value.
 */
export function splitValueAndTime(call: Invocation): void {
  if (!call.connection.isExecuting) call.server.propagation.doNotWrap();
}

function fieldList(call: Invocation, positions: readonly number[]): void {
  const { propagation } = call.server;
  propagation.word(FIELDS_WORD, 0, FIELDS_WORD.length);
  propagation.integerWord(positions.length);
  for (const position of positions) argument(call, position);
}

function argument(call: Invocation, position: number): void {
  const { bytes, starts, lengths } = call.request;
  call.server.propagation.word(bytes, starts[position], lengths[position]);
}
