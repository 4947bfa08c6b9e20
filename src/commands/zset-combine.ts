/** Unions, intersections and differences of sorted sets, and of sets, whose members score 1. Source: spec server.md section 20.7. Records: zset-combine-records.ts. */
import { TYPE_SET, TYPE_ZSET } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC, NOTIFY_ZSET } from '../server/notify-classes.js';
import { parseDouble } from '../types/parse-double.js';
import { setsOf } from '../types/set.js';
import type { SetCursor } from '../types/set-cursor.js';
import { zsetsOf } from '../types/zset.js';
import type { ZsetCursor } from '../types/zset-cursor.js';
import { replyNotAnInteger, replySyntaxError, replyWrongType } from './replies.js';
import { replyScore } from './zset.js';

type Operation = 'union' | 'inter' | 'diff' | 'intercard';
type Aggregate = (a: number, b: number) => number;

/** One set that takes part; `ref` is 0 if the key is not there. */
interface Source {
  readonly ref: Ref;
  readonly isSet: boolean;
  readonly count: number;
  weight: number;
}

interface Options {
  readonly sources: Source[];
  aggregate: Aggregate;
  withScores: boolean;
  /** Of ZINTERCARD; 0 for none. */
  limit: number;
}

const WEIGHT_NOT_A_FLOAT = fixedReply('-ERR weight value is not a float');
const LIMIT_NEGATIVE = fixedReply("-ERR LIMIT can't be negative");

/** A sum of opposite infinities counts as 0. */
const sum: Aggregate = (a, b) => orZero(a + b);
/** Of equal ones, as 0 and −0 are, the first; what is no number is passed over: Math.min and Math.max do neither. */
const AGGREGATES = new Map<string, Aggregate>([
  ['sum', sum],
  ['min', (a, b) => firstUnless(a > b, a, b)],
  ['max', (a, b) => firstUnless(a < b, a, b)],
]);

export function zunion(call: Invocation): void {
  replyCombined(call, 'union');
}

export function zinter(call: Invocation): void {
  replyCombined(call, 'inter');
}

export function zdiff(call: Invocation): void {
  replyCombined(call, 'diff');
}

export function zunionStore(call: Invocation): void {
  storeCombined(call, 'union');
}

export function zinterStore(call: Invocation): void {
  storeCombined(call, 'inter');
}

export function zdiffStore(call: Invocation): void {
  storeCombined(call, 'diff');
}

export function zinterCard(call: Invocation): void {
  const options = parse(call, 'intercard', 1);
  if (options === null) return;
  const limit = options.limit === 0 ? Number.POSITIVE_INFINITY : options.limit;
  let count = 0;
  intersect(call, options, () => ++count < limit);
  call.reply.integer(count);
}

function replyCombined(call: Invocation, operation: Operation): void {
  const options = parse(call, operation, 1);
  if (options === null) return;
  const { reply } = call;
  const { builder, cursor } = zsetsOf(call.keyspace);
  builder.begin(false, likelyCount(operation, options));
  combine(call, operation, options);
  builder.sort();
  const isPaired = options.withScores && reply.protocol === 3;
  reply.array(options.withScores && !isPaired ? builder.count * 2 : builder.count);
  for (let i = 0; i < builder.count; i++) {
    builder.read(i, cursor);
    if (isPaired) reply.array(2);
    reply.bulk(cursor.bytes, cursor.start, cursor.length);
    if (options.withScores) replyScore(call, cursor.score);
  }
  builder.discard();
}

function storeCombined(call: Invocation, operation: Operation): void {
  const options = parse(call, operation, 2);
  if (options === null) return;
  const { db, keyspace, reply } = call;
  const { bytes, starts, lengths } = call.request;
  const { builder } = zsetsOf(keyspace);
  builder.begin(false, likelyCount(operation, options));
  combine(call, operation, options);
  const { count } = builder;
  const old = call.lookupWrite(1);
  if (old !== 0) {
    if (count > 0) db.displace(old);
    else db.remove(old);
  }
  if (count > 0) builder.finish(db, bytes, starts[1], lengths[1]);
  else builder.discard();
  if (count > 0 || old !== 0) keyspace.dirty++;
  if (count > 0) call.notify(NOTIFY_ZSET, call.command.fullName, 1);
  else if (old !== 0) call.notify(NOTIFY_GENERIC, 'del', 1);
  reply.integer(count);
}

/** @param at where numkeys stands; @returns null after an error reply */
function parse(call: Invocation, operation: Operation, at: number): Options | null {
  const keyCount = call.roundedInteger(at);
  if (Number.isNaN(keyCount)) {
    replyNotAnInteger(call);
    return null;
  }
  if (keyCount < 1) {
    call.error(`ERR at least 1 input key is needed for '${call.command.fullName}' command`);
    return null;
  }
  if (keyCount > call.argc - at - 1) {
    replySyntaxError(call);
    return null;
  }
  const sources: Source[] = [];
  for (let i = at + 1; i <= at + keyCount; i++) {
    const ref = call.lookupRead(i);
    const type = ref === 0 ? TYPE_ZSET : call.entries.type(ref);
    if (type !== TYPE_ZSET && type !== TYPE_SET) {
      replyWrongType(call);
      return null;
    }
    const isSet = type === TYPE_SET;
    sources.push({ ref, isSet, count: ref === 0 ? 0 : countOf(call, ref, isSet), weight: 1 });
  }
  const options: Options = { sources, aggregate: sum, withScores: false, limit: 0 };
  return parseWords(call, operation, at, keyCount, options) ? options : null;
}

/** Reads what follows the keys. @returns false after an error reply */
function parseWords(call: Invocation, operation: Operation, at: number, keyCount: number, options: Options): boolean {
  const { bytes, starts, lengths } = call.request;
  const isWeighted = operation === 'union' || operation === 'inter';
  for (let i = at + keyCount + 1; i < call.argc; i++) {
    const rest = call.argc - i - 1;
    if (isWeighted && rest >= keyCount && call.is(i, 'WEIGHTS')) {
      for (const source of options.sources) {
        i++;
        source.weight = parseDouble(bytes, starts[i], lengths[i]);
        if (Number.isNaN(source.weight)) {
          call.reply.fixedError(WEIGHT_NOT_A_FLOAT, 'ERR');
          return false;
        }
      }
    } else if (isWeighted && rest >= 1 && call.is(i, 'AGGREGATE')) {
      const aggregate = AGGREGATES.get(call.request.latin1(++i).toLowerCase());
      if (aggregate === undefined) {
        replySyntaxError(call);
        return false;
      }
      options.aggregate = aggregate;
    } else if (at === 1 && operation !== 'intercard' && call.is(i, 'WITHSCORES')) {
      options.withScores = true;
    } else if (operation === 'intercard' && rest >= 1 && call.is(i, 'LIMIT')) {
      i++;
      options.limit = call.roundedInteger(i);
      if (!(options.limit >= 0)) {
        call.reply.fixedError(LIMIT_NEGATIVE, 'ERR');
        return false;
      }
    } else {
      replySyntaxError(call);
      return false;
    }
  }
  return true;
}

/** @returns how many members the result has at least, of a union, or at most */
function likelyCount(operation: Operation, { sources }: Options): number {
  const [first] = sources;
  if (operation === 'diff') return first.count;
  const choose = operation === 'union' ? Math.max : Math.min;
  return sources.reduce((chosen, { count }) => choose(chosen, count), first.count);
}

/** Puts the result into the builder. */
function combine(call: Invocation, operation: Operation, options: Options): void {
  const { builder } = zsetsOf(call.keyspace);
  if (operation === 'union') unite(call, options);
  else if (operation === 'diff') subtract(call, options);
  else intersect(call, options, (bytes, start, length, score) => builder.addNew(bytes, start, length, score));
  builder.settle();
}

function unite(call: Invocation, { sources, aggregate }: Options): void {
  const { builder } = zsetsOf(call.keyspace);
  for (const source of bySize(sources)) {
    if (source.ref === 0) continue;
    const isFirst = builder.count === 0;
    const cursor = walkOver(call, source);
    while (cursor.next()) {
      const { bytes, start, length } = cursor;
      const score = orZero(cursor.score * source.weight);
      if (isFirst) builder.addNew(bytes, start, length, score);
      else if (builder.find(bytes, start, length)) builder.changeFound(aggregate(builder.foundScore, score));
      else builder.add(bytes, start, length, score);
    }
    builder.settle();
  }
}

function subtract(call: Invocation, { sources }: Options): void {
  const { builder } = zsetsOf(call.keyspace);
  const [first, ...others] = sources;
  if (first.ref === 0) return;
  const cursor = walkOver(call, first);
  while (cursor.next()) {
    const { bytes, start, length } = cursor;
    let isElsewhere = false;
    for (let i = 0; i < others.length && !isElsewhere; i++) isElsewhere = isIn(call, others[i], bytes, start, length);
    if (!isElsewhere) builder.addNew(bytes, start, length, cursor.score);
  }
}

/** @param take gets a member and its score; it returns whether to go on */
function intersect(
  call: Invocation,
  { sources, aggregate }: Options,
  take: (bytes: Uint8Array, start: number, length: number, score: number) => boolean,
): void {
  // The smallest is walked, the others are asked.
  const [first, ...others] = bySize(sources);
  if (first.ref === 0) return;
  const zsets = zsetsOf(call.keyspace);
  const cursor = walkOver(call, first);
  while (cursor.next()) {
    const { bytes, start, length } = cursor;
    let score = orZero(cursor.score * first.weight);
    let asked = 0;
    for (; asked < others.length; asked++) {
      const source = others[asked];
      if (!isIn(call, source, bytes, start, length)) break;
      // This may be no number (0 × infinity): the aggregate settles it.
      score = aggregate(score, (source.isSet ? 1 : zsets.score) * source.weight);
    }
    if (asked === others.length && !take(bytes, start, length, score)) return;
  }
}

/** @returns what walks over the members of a source that is there, before the first one */
function walkOver(call: Invocation, { ref, isSet }: Source): SetCursor | ZsetCursor {
  if (isSet) {
    const { cursor } = setsOf(call.keyspace);
    cursor.begin(ref);
    return cursor;
  }
  const zsets = zsetsOf(call.keyspace);
  zsets.begin(ref, zsets.cursor);
  return zsets.cursor;
}

/** @returns whether the source has the member; its score is then in `score` of the sorted sets, if it is one */
function isIn(call: Invocation, { ref, isSet }: Source, bytes: Uint8Array, start: number, length: number): boolean {
  if (ref === 0) return false;
  if (isSet) return setsOf(call.keyspace).has(ref, bytes, start, length);
  return zsetsOf(call.keyspace).find(ref, bytes, start, length);
}

function countOf(call: Invocation, ref: Ref, isSet: boolean): number {
  return isSet ? setsOf(call.keyspace).count(ref) : zsetsOf(call.keyspace).count(ref);
}

function bySize(sources: readonly Source[]): Source[] {
  return [...sources].sort((a, b) => a.count - b.count);
}

/** 0 × infinity counts as 0. */
function orZero(value: number): number {
  return Number.isNaN(value) ? 0 : value;
}

function firstUnless(isSecond: boolean, a: number, b: number): number {
  return isSecond ? b : a;
}
