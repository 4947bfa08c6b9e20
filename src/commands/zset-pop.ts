/** Sorted sets: taking from the ends, and random members. Source: spec server.md section 3, propagation in persistence.md 8.2. Records: zset-records.ts. */

import { randomBelow } from '../keyspace/random.js';
import type { Ref } from '../memory/arena.js';
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC, NOTIFY_ZSET } from '../server/notify-classes.js';
import { zsetsOf } from '../types/zset.js';
import { type MultiPop, parseMultiPop } from './multi-pop.js';
import { isReplyTooLarge, randomCount } from './random-count.js';
import { replySyntaxError } from './replies.js';
import { isZset, replyScore } from './zset.js';
import { removeRanks, replyRange } from './zset-range.js';

const NOT_POSITIVE = fixedReply('-ERR value is out of range, must be positive');
/** With scores there are two elements for each of the count. */
const PAIR_COUNT_MAX = 2 ** 62;
/** Up to this share of all members, different random ranks are found by trying. */
const TRYING_SHARE = 1 / 3;

export function zpopMin(call: Invocation): void {
  pop(call, false);
}

export function zpopMax(call: Invocation): void {
  pop(call, true);
}

export function zmpop(call: Invocation): void {
  const options = parseMultiPop(call, 1, readEnd);
  if (options !== null && !popFirstZset(call, 2, options)) call.reply.nullArray();
}

export function zrandMember(call: Invocation): void {
  const { argc, keyspace, reply } = call;
  if (argc === 2) {
    const ref = call.lookupRead(1);
    if (!isZset(call, ref)) return;
    if (ref === 0) return reply.null();
    const { cursor } = zsetsOf(keyspace);
    zsetsOf(keyspace).seek(ref, randomBelow(zsetsOf(keyspace).count(ref)), cursor);
    return reply.bulk(cursor.bytes, cursor.start, cursor.length);
  }
  const count = randomCount(call, 2);
  if (Number.isNaN(count)) return;
  if (argc > 4 || (argc === 4 && !call.is(3, 'WITHSCORES'))) return replySyntaxError(call);
  const withScores = argc === 4;
  if (withScores && Math.abs(count) >= PAIR_COUNT_MAX) return call.error('ERR value is out of range');
  const ref = call.lookupRead(1);
  if (!isZset(call, ref)) return;
  if (ref === 0 || count === 0) return reply.array(0);
  const size = zsetsOf(keyspace).count(ref);
  if (count >= size) replyRange(call, ref, 0, size, false, withScores);
  else if (count < 0) replyRepeated(call, ref, -count, size, withScores);
  else replyDistinct(call, ref, count, size, withScores);
}

/** @returns whether the argument names the highest scores, MAX; null if neither end */
export function readEnd(call: Invocation, index: number): boolean | null {
  if (call.is(index, 'MAX')) return true;
  return call.is(index, 'MIN') ? false : null;
}

function pop(call: Invocation, isMax: boolean): void {
  const { argc, reply } = call;
  if (argc > 3) return replySyntaxError(call);
  const hasCount = argc === 3;
  const wanted = hasCount ? call.roundedInteger(2) : 1;
  if (!(wanted >= 0)) return reply.fixedError(NOT_POSITIVE, 'ERR');
  const ref = call.lookupWrite(1);
  if (!isZset(call, ref)) return;
  if (ref === 0 || wanted === 0) return reply.array(0);
  const count = Math.min(wanted, zsetsOf(call.keyspace).count(ref));
  const isPaired = hasCount && reply.protocol === 3;
  reply.array(isPaired ? count : count * 2);
  popPairs(call, ref, 1, isMax, count, isPaired);
}

/**
 * Pops from the first sorted set among the keys from argument `firstAt` on.
 * @returns false if there is none; else it has replied, if only an error
 */
export function popFirstZset(call: Invocation, firstAt: number, { keyCount, end: isMax, count }: MultiPop): boolean {
  const { reply, request } = call;
  for (let keyAt = firstAt; keyAt < firstAt + keyCount; keyAt++) {
    const ref = call.lookupWrite(keyAt);
    if (!isZset(call, ref)) return true;
    if (ref === 0) continue;
    const popped = Math.min(count, zsetsOf(call.keyspace).count(ref));
    reply.array(2);
    call.replyArgument(keyAt);
    reply.array(popped);
    popPairs(call, ref, keyAt, isMax, popped, true);
    call.propagate([isMax ? 'ZPOPMAX' : 'ZPOPMIN', request.view(keyAt), String(popped)]);
    return true;
  }
  return false;
}

/** Replies with members and scores from one end of the key in argument `keyAt`, each pair an array if `isPaired`, and removes them. */
export function popPairs(
  call: Invocation,
  ref: Ref,
  keyAt: number,
  isMax: boolean,
  count: number,
  isPaired: boolean,
): void {
  const { reply } = call;
  const zsets = zsetsOf(call.keyspace);
  const { cursor } = zsets;
  const size = zsets.count(ref);
  if (count === 1 && size > 1 && !zsets.isPacked(ref)) return popOne(call, ref, keyAt, isMax, isPaired);
  zsets.seek(ref, isMax ? size - 1 : 0, cursor);
  for (let left = count; left > 0; left--) {
    if (isPaired) reply.array(2);
    reply.bulk(cursor.bytes, cursor.start, cursor.length);
    replyScore(call, cursor.score);
    // The one behind the last is not read: most pops take one.
    if (left > 1) isMax ? cursor.previous() : cursor.next();
  }
  removeRanks(call, ref, isMax ? size - count : 0, count);
  call.keyspace.dirty += count;
  call.notify(NOTIFY_ZSET, isMax ? 'zpopmax' : 'zpopmin', keyAt);
  if (count === size) call.notify(NOTIFY_GENERIC, 'del', keyAt);
}

/** The usual pop: of one member of many. */
function popOne(call: Invocation, ref: Ref, keyAt: number, isMax: boolean, isPaired: boolean): void {
  const { reply } = call;
  const zsets = zsetsOf(call.keyspace);
  const { cursor } = zsets;
  const item = zsets.takeEnd(call.db, ref, isMax);
  cursor.readItem(item);
  if (isPaired) reply.array(2);
  reply.bulkFrom(cursor.words, cursor.start, cursor.length);
  replyScore(call, cursor.score);
  zsets.freeItem(item);
  call.keyspace.dirty++;
  call.notify(NOTIFY_ZSET, isMax ? 'zpopmax' : 'zpopmin', keyAt);
}

function replyRepeated(call: Invocation, ref: Ref, count: number, size: number, withScores: boolean): void {
  const mark = call.reply.length;
  beginReply(call, count, withScores);
  for (let i = 0; i < count; i++) {
    replyMember(call, ref, randomBelow(size), withScores);
    if (isReplyTooLarge(call, mark)) return;
  }
}

function replyDistinct(call: Invocation, ref: Ref, count: number, size: number, withScores: boolean): void {
  beginReply(call, count, withScores);
  if (count <= size * TRYING_SHARE) {
    const ranks = new Set<number>();
    while (ranks.size < count) ranks.add(randomBelow(size));
    for (const rank of ranks) replyMember(call, ref, rank, withScores);
    return;
  }
  // One walk, in which each member is taken with the chance that is left to it.
  const zsets = zsetsOf(call.keyspace);
  const { cursor } = zsets;
  zsets.seek(ref, 0, cursor);
  for (let rest = size, wanted = count; wanted > 0; rest--) {
    if (randomBelow(rest) < wanted) {
      replyPair(call, withScores);
      wanted--;
    }
    cursor.next();
  }
}

function beginReply(call: Invocation, count: number, withScores: boolean): void {
  call.reply.array(withScores && call.reply.protocol === 2 ? count * 2 : count);
}

function replyMember(call: Invocation, ref: Ref, rank: number, withScores: boolean): void {
  const zsets = zsetsOf(call.keyspace);
  zsets.seek(ref, rank, zsets.cursor);
  replyPair(call, withScores);
}

/** Replies with the member at the cursor. */
function replyPair(call: Invocation, withScores: boolean): void {
  const { reply } = call;
  const { cursor } = zsetsOf(call.keyspace);
  if (withScores && reply.protocol === 3) reply.array(2);
  reply.bulk(cursor.bytes, cursor.start, cursor.length);
  if (withScores) replyScore(call, cursor.score);
}
