/** Sorted sets: ranges read, counted, stored and removed. Source: spec server.md sections 3 and 20.7. Records: zset-range-records.ts. */
import type { Ref } from '../memory/arena.js';
import { fixedReply, SAMPLED_ELEMENTS } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC, NOTIFY_ZSET } from '../server/notify-classes.js';
import { zsetsOf } from '../types/zset.js';
import { replyNotAnInteger, replySyntaxError } from './replies.js';
import { isZset, replyScore } from './zset.js';
import { BY_LEX, BY_RANK, BY_SCORE, ZsetRange } from './zset-bounds.js';

const LIMIT_BY_RANK = fixedReply(
  '-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX',
);
const SCORES_BY_LEX = fixedReply('-ERR syntax error, WITHSCORES not supported in combination with BYLEX');

/** What the words after the bounds may still say. */
const ANY = -1;

const range = new ZsetRange();

export function zrange(call: Invocation): void {
  readRange(call, 1, ANY, ANY, false);
}

export function zrevRange(call: Invocation): void {
  readRange(call, 1, BY_RANK, 1, false);
}

export function zrangeByScore(call: Invocation): void {
  readRange(call, 1, BY_SCORE, 0, false);
}

export function zrevRangeByScore(call: Invocation): void {
  readRange(call, 1, BY_SCORE, 1, false);
}

export function zrangeByLex(call: Invocation): void {
  readRange(call, 1, BY_LEX, 0, false);
}

export function zrevRangeByLex(call: Invocation): void {
  readRange(call, 1, BY_LEX, 1, false);
}

export function zrangeStore(call: Invocation): void {
  readRange(call, 2, ANY, ANY, true);
}

export function zcount(call: Invocation): void {
  countRange(call, BY_SCORE);
}

export function zlexCount(call: Invocation): void {
  countRange(call, BY_LEX);
}

export function zremRangeByRank(call: Invocation): void {
  removeRange(call, BY_RANK);
}

export function zremRangeByScore(call: Invocation): void {
  removeRange(call, BY_SCORE);
}

export function zremRangeByLex(call: Invocation): void {
  removeRange(call, BY_LEX);
}

/**
 * @param keyAt where the key stands, before the bounds
 * @param by what the bounds are, ANY if the options tell; @param direction 1 is from the end, ANY if the options tell
 */
function readRange(call: Invocation, keyAt: number, by: number, direction: number, isStored: boolean): void {
  let order = by;
  let isReverse = direction === 1;
  let offset = 0;
  let limit = -1;
  let withScores = false;
  for (let i = keyAt + 3; i < call.argc; i++) {
    if (!isStored && call.is(i, 'WITHSCORES')) {
      withScores = true;
    } else if (call.is(i, 'LIMIT') && i + 2 < call.argc) {
      offset = call.roundedInteger(i + 1);
      limit = call.roundedInteger(i + 2);
      if (Number.isNaN(offset) || Number.isNaN(limit)) return replyNotAnInteger(call);
      i += 2;
    } else if (direction === ANY && !isReverse && call.is(i, 'REV')) {
      isReverse = true;
    } else if (order === ANY && call.is(i, 'BYLEX')) {
      order = BY_LEX;
    } else if (order === ANY && call.is(i, 'BYSCORE')) {
      order = BY_SCORE;
    } else {
      return replySyntaxError(call);
    }
  }
  if (order === ANY) order = BY_RANK;
  if (limit !== -1 && order === BY_RANK) return call.reply.fixedError(LIMIT_BY_RANK, 'ERR');
  if (withScores && order === BY_LEX) return call.reply.fixedError(SCORES_BY_LEX, 'ERR');
  // Ranks are given in reading order, scores and members from high to low if they are read so.
  const isSwapped = isReverse && order !== BY_RANK;
  if (!range.parse(call, order, isSwapped ? keyAt + 2 : keyAt + 1, isSwapped ? keyAt + 1 : keyAt + 2)) return;
  const ref = call.lookupRead(keyAt);
  if (!isZset(call, ref)) return;
  if (ref === 0) {
    range.count = 0;
  } else {
    range.resolve(call, ref, isReverse);
    if (order !== BY_RANK) range.limit(offset, limit, isReverse);
  }
  if (isStored) storeRange(call, ref, isReverse, order === BY_RANK);
  else replyRange(call, ref, range.first, range.count, isReverse, withScores);
}

/** Replies with `count` members from rank `first` on, or the same from their end. */
export function replyRange(
  call: Invocation,
  ref: Ref,
  first: number,
  count: number,
  isReverse: boolean,
  withScores: boolean,
): void {
  const { reply } = call;
  const isPaired = withScores && reply.protocol === 3;
  reply.array(withScores && !isPaired ? count * 2 : count);
  if (count === 0) return;
  const zsets = zsetsOf(call.keyspace);
  const { cursor } = zsets;
  zsets.seek(ref, isReverse ? first + count - 1 : first, cursor);
  const isPacked = zsets.isPacked(ref);
  const mark = reply.length;
  for (let i = 0; i < count; i++) {
    if (i === SAMPLED_ELEMENTS) reply.reserveRest(mark, i, count);
    if (isPaired) reply.array(2);
    if (isPacked) reply.bulk(cursor.bytes, cursor.start, cursor.length);
    else reply.bulkFrom(cursor.words, cursor.start, cursor.length);
    if (withScores) replyScore(call, cursor.score);
    if (isReverse) cursor.previous();
    else cursor.next();
  }
}

/** Makes the range of the set `ref` the value of the key in argument 1. @param isByRank only then is it known beforehand how many members come */
function storeRange(call: Invocation, ref: Ref, isReverse: boolean, isByRank: boolean): void {
  const { db, keyspace, reply } = call;
  const { bytes, starts, lengths } = call.request;
  const { count } = range;
  const { builder, cursor } = zsetsOf(keyspace);
  if (count > 0) {
    builder.begin(!isByRank || count <= keyspace.packing.zsetListpackEntries, count);
    zsetsOf(keyspace).seek(ref, isReverse ? range.first + count - 1 : range.first, cursor);
    for (let i = 0; i < count; i++) {
      builder.add(cursor.bytes, cursor.start, cursor.length, cursor.score);
      if (isReverse) cursor.previous();
      else cursor.next();
    }
  }
  const old = call.lookupWrite(1);
  if (old !== 0) {
    if (count > 0) db.displace(old);
    else db.remove(old);
  }
  if (count > 0) builder.finish(db, bytes, starts[1], lengths[1]);
  if (count > 0 || old !== 0) keyspace.dirty++;
  if (count > 0) call.notify(NOTIFY_ZSET, 'zrangestore', 1);
  else if (old !== 0) call.notify(NOTIFY_GENERIC, 'del', 1);
  reply.integer(count);
}

function countRange(call: Invocation, by: number): void {
  if (!range.parse(call, by, 2, 3)) return;
  const ref = call.lookupRead(1);
  if (!isZset(call, ref)) return;
  if (ref === 0) return call.reply.integer(0);
  range.resolve(call, ref, false);
  call.reply.integer(range.count);
}

function removeRange(call: Invocation, by: number): void {
  if (!range.parse(call, by, 2, 3)) return;
  const ref = call.lookupWrite(1);
  if (!isZset(call, ref)) return;
  if (ref === 0) return call.reply.integer(0);
  range.resolve(call, ref, false);
  const isEmptied = range.count === zsetsOf(call.keyspace).count(ref);
  removeRanks(call, ref, range.first, range.count);
  call.keyspace.dirty += range.count;
  if (range.count > 0) call.notify(NOTIFY_ZSET, call.command.fullName, 1);
  if (isEmptied) call.notify(NOTIFY_GENERIC, 'del', 1);
  call.reply.integer(range.count);
}

/** Removes members by rank, and the key with the last of them. */
export function removeRanks(call: Invocation, ref: Ref, first: number, count: number): void {
  const zsets = zsetsOf(call.keyspace);
  if (count === 0) return;
  if (count === zsets.count(ref)) call.db.remove(ref);
  else zsets.removeRange(call.db, ref, first, count);
}
