/** Sorted sets: single members. Source: spec server.md sections 3 and 20.7. Records: zset-records.ts. */
import { TYPE_ZSET } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';
import { writeInteger } from '../memory/int64-text.js';
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC, NOTIFY_ZSET } from '../server/notify-classes.js';
import { formatDouble } from '../types/double.js';
import { parseDouble } from '../types/parse-double.js';
import { type Zsets, zsetsOf } from '../types/zset.js';
import { replyNotAFloat, replySyntaxError, replyWrongArity, replyWrongType } from './replies.js';

const NX_AND_XX = fixedReply('-ERR XX and NX options at the same time are not compatible');
const GT_LT_NX = fixedReply('-ERR GT, LT, and/or NX options at the same time are not compatible');
const INCR_PAIRS = fixedReply('-ERR INCR option supports a single increment-element pair');
const NOT_A_NUMBER = fixedReply('-ERR resulting score is not a number (NaN)');

const NX = 1;
const XX = 2;
const GT = 4;
const LT = 8;
const CH = 16;
const INCR = 32;

export function zadd(call: Invocation): void {
  let flags = 0;
  let at = 2;
  for (; at < call.argc; at++) {
    const flag = zaddFlag(call, at);
    if (flag === 0) break;
    flags |= flag;
  }
  addMembers(call, flags, at);
}

export function zincrBy(call: Invocation): void {
  addMembers(call, INCR, 2);
}

export function zrem(call: Invocation): void {
  const { db, request } = call;
  const { bytes, starts, lengths } = request;
  let ref = call.lookupWrite(1);
  if (!isZset(call, ref)) return;
  if (ref === 0) return call.reply.integer(0);
  const zsets = zsetsOf(call.keyspace);
  const isMany = call.argc > 3;
  if (isMany) zsets.expect(ref, call.argc - 2);
  let removed = 0;
  let isEmpty = false;
  for (let i = 2; i < call.argc; i++) {
    call.warmItems(zsets, ref, i - 2, i, 1);
    ref = zsets.remove(db, ref, bytes, starts[i], lengths[i]);
    if (!zsets.wasRemoved) continue;
    removed++;
    isEmpty = zsets.count(ref) === 0;
    if (isEmpty) break;
  }
  if (isMany) zsets.settle(ref);
  if (isEmpty) {
    db.remove(ref);
    ref = 0;
  }
  call.keyspace.dirty += removed;
  if (removed > 0) call.notify(NOTIFY_ZSET, 'zrem', 1);
  if (ref === 0) call.notify(NOTIFY_GENERIC, 'del', 1);
  call.reply.integer(removed);
}

export function zcard(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (!isZset(call, ref)) return;
  call.reply.integer(ref === 0 ? 0 : zsetsOf(call.keyspace).count(ref));
}

export function zscore(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (!isZset(call, ref)) return;
  replyScoreOf(call, ref, 2);
}

export function zmscore(call: Invocation): void {
  const { argc } = call;
  const ref = call.lookupRead(1);
  if (!isZset(call, ref)) return;
  const zsets = zsetsOf(call.keyspace);
  call.reply.array(argc - 2);
  for (let i = 2; i < argc; i++) {
    call.warmItems(zsets, ref, i - 2, i, 1);
    replyScoreOf(call, ref, i);
  }
}

export function zrank(call: Invocation): void {
  replyRank(call, false);
}

export function zrevRank(call: Invocation): void {
  replyRank(call, true);
}

/** @returns whether the entry is a sorted set, or 0; if not, WRONGTYPE has been replied */
export function isZset(call: Invocation, ref: Ref): boolean {
  if (ref === 0 || call.entries.type(ref) === TYPE_ZSET) return true;
  replyWrongType(call);
  return false;
}

/** Replies with a score: a double in RESP3, its text in RESP2. */
export function replyScore(call: Invocation, score: number): void {
  if (call.reply.protocol === 3) call.reply.doubleText(formatDouble(score));
  else replyScoreText(call, score);
}

/** Replies with a score as a bulk string. */
export function replyScoreText(call: Invocation, score: number): void {
  if (Number.isSafeInteger(score) && !Object.is(score, -0)) call.reply.bulk(digits, 0, writeInteger(digits, 0, score));
  else call.reply.bulkText(formatDouble(score));
}

/** Scores that are integers become text here: most are. */
const digits = new Uint8Array(24);

function zaddFlag(call: Invocation, at: number): number {
  const length = call.request.lengths[at];
  if (length === 2) {
    if (call.is(at, 'NX')) return NX;
    if (call.is(at, 'XX')) return XX;
    if (call.is(at, 'GT')) return GT;
    if (call.is(at, 'LT')) return LT;
    if (call.is(at, 'CH')) return CH;
  } else if (length === 4 && call.is(at, 'INCR')) {
    return INCR;
  }
  return 0;
}

/** ZADD and ZINCRBY, whose scores and members are the arguments from `from` on. */
function addMembers(call: Invocation, flags: number, from: number): void {
  const { argc, db, reply, request } = call;
  const { bytes, starts, lengths } = request;
  if (argc === from || (argc - from) % 2 !== 0) return replySyntaxError(call);
  if (!areCompatible(call, flags, argc - from)) return;
  // Most calls have one pair: its score is not read again.
  const first = parseDouble(bytes, starts[from], lengths[from]);
  if (!areScores(call, from, first)) return;
  let ref = call.lookupWrite(1);
  if (!isZset(call, ref)) return;
  const isIncrement = (flags & INCR) !== 0;
  if (ref === 0 && (flags & XX) !== 0) {
    if (isIncrement) reply.null();
    else reply.integer(0);
    return;
  }
  const zsets = zsetsOf(call.keyspace);
  const isMany = argc - from > 2;
  if (isMany) zsets.expect(ref, (argc - from) >> 1);
  if (ref === 0) ref = zsets.create(db, bytes, starts[1], lengths[1], lengths[from + 1]);
  let added = 0;
  let updated = 0;
  // Of INCR: NaN if the options forbid the change.
  let result = Number.NaN;
  for (let i = from; i < argc; i += 2) {
    call.warmItems(zsets, ref, (i - from) >> 1, i + 1, 2);
    let score = i === from ? first : parseDouble(bytes, starts[i], lengths[i]);
    const start = starts[i + 1];
    const length = lengths[i + 1];
    const isThere = zsets.find(ref, bytes, start, length);
    if (!isThere) {
      if ((flags & XX) !== 0) continue;
      ref = zsets.set(db, ref, bytes, start, length, score);
      result = score;
      added++;
      continue;
    }
    if ((flags & NX) !== 0) continue;
    const old = zsets.score;
    if (isIncrement) {
      score += old;
      if (Number.isNaN(score)) return reply.fixedError(NOT_A_NUMBER, 'ERR');
    }
    if (((flags & LT) !== 0 && score >= old) || ((flags & GT) !== 0 && score <= old)) continue;
    result = score;
    if (score === old) continue;
    ref = zsets.set(db, ref, bytes, start, length, score);
    updated++;
  }
  if (isMany) zsets.settle(ref);
  call.keyspace.dirty += added + updated;
  if (added + updated > 0) call.notify(NOTIFY_ZSET, isIncrement ? 'zincr' : 'zadd', 1);
  if (!isIncrement) reply.integer((flags & CH) !== 0 ? added + updated : added);
  else if (Number.isNaN(result)) reply.null();
  else replyScore(call, result);
}

/**
 * Checks the scores of ZADD, arguments `from`, `from + 2` …: before anything is changed.
 * @param first the one at `from`
 * @returns false after an error reply
 */
function areScores(call: Invocation, from: number, first: number): boolean {
  const { bytes, starts, lengths, argc } = call.request;
  let at = from;
  let score = first;
  while (!Number.isNaN(score)) {
    at += 2;
    if (at >= argc) return true;
    score = parseDouble(bytes, starts[at], lengths[at]);
  }
  // ZINCRBY takes the options of ZADD, too; but then nothing is left for a score and a member.
  if (zaddFlag(call, at) !== 0 && at === from) replySyntaxError(call);
  else replyNotAFloat(call);
  return false;
}

/** Checks the options of ZADD against each other. @returns false after an error reply */
function areCompatible(call: Invocation, flags: number, words: number): boolean {
  const { reply } = call;
  const isExclusive = (flags & NX) !== 0 && (flags & (GT | LT)) !== 0;
  if ((flags & NX) !== 0 && (flags & XX) !== 0) reply.fixedError(NX_AND_XX, 'ERR');
  else if (isExclusive || (flags & (GT | LT)) === (GT | LT)) reply.fixedError(GT_LT_NX, 'ERR');
  else if ((flags & INCR) !== 0 && words > 2) reply.fixedError(INCR_PAIRS, 'ERR');
  else return true;
  return false;
}

function replyScoreOf(call: Invocation, ref: Ref, memberAt: number): void {
  const { bytes, starts, lengths } = call.request;
  const zsets = zsetsOf(call.keyspace);
  if (ref === 0 || !zsets.find(ref, bytes, starts[memberAt], lengths[memberAt])) call.reply.null();
  else replyScore(call, zsets.score);
}

function replyRank(call: Invocation, isReverse: boolean): void {
  const { argc, reply } = call;
  if (argc > 4) return replyWrongArity(call);
  const withScore = argc === 4;
  if (withScore && !call.is(3, 'WITHSCORE')) return replySyntaxError(call);
  const ref = call.lookupRead(1);
  if (!isZset(call, ref)) return;
  const zsets = zsetsOf(call.keyspace);
  const rank = ref === 0 ? -1 : rankOf(call, zsets, ref);
  if (rank < 0) {
    if (withScore) reply.nullArray();
    else reply.null();
    return;
  }
  if (withScore) reply.array(2);
  reply.integer(isReverse ? zsets.count(ref) - 1 - rank : rank);
  if (withScore) replyScore(call, zsets.score);
}

function rankOf(call: Invocation, zsets: Zsets, ref: Ref): number {
  const { bytes, starts, lengths } = call.request;
  return zsets.rankOf(ref, bytes, starts[2], lengths[2]);
}
