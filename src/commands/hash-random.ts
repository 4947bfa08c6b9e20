/** HRANDFIELD. Source: spec server.md section 3. */
import { HASH_TABLE, HASH_TIMED_TABLE } from '../keyspace/entry.js';
import { pickToFront, randomBelow } from '../keyspace/random.js';
import type { Ref } from '../memory/arena.js';
import type { Invocation } from '../server/invocation.js';
import { type Hashes, hashesOf } from '../types/hash.js';
import type { HashCursor } from '../types/hash-cursor.js';
import { parseInt64 } from '../types/number.js';
import { isHashKey, replyCursorField, replyCursorValue } from './hash.js';
import { isReplyTooLarge, randomCount } from './random-count.js';
import { replySyntaxError } from './replies.js';

/** With values there are two elements for each of the count, which together are an int64. */
const PAIR_COUNT_MAX = 2n ** 62n - 1n;
/** Above this share of all fields, picking without repetition would repeat itself too often: then all are taken and shuffled. */
const SHUFFLE_SHARE = 1 / 3;
/** Below this share of live fields, picking among all would meet too many whose time is over. */
const LIVE_SHARE = 1 / 8;
/** After so many that are over, the live ones are walked over. */
const PICK_TRIES_MAX = 32;

export function hrandField(call: Invocation): void {
  const { argc, keyspace, reply } = call;
  if (argc === 2) {
    const ref = call.lookupRead(1);
    if (!isHashKey(call, ref)) return;
    if (ref === 0) return reply.null();
    const hashes = hashesOf(keyspace);
    if (hashes.liveCount(ref) === 0) return reply.null();
    pickLive(hashes, ref);
    replyPair(call, hashes.cursor, false);
    return;
  }
  const count = randomCount(call, 2);
  if (Number.isNaN(count)) return;
  if (argc > 4 || (argc === 4 && !call.is(3, 'WITHVALUES'))) return replySyntaxError(call);
  const withValues = argc === 4;
  if (withValues && !isPairCount(call)) return call.error('ERR value is out of range');
  const ref = call.lookupRead(1);
  if (!isHashKey(call, ref)) return;
  if (ref === 0 || count === 0 || hashesOf(keyspace).liveCount(ref) === 0) return reply.array(0);
  if (count < 0) replyRepeated(call, ref, -count, withValues);
  else replyDistinct(call, ref, count, withValues);
}

function isPairCount({ request }: Invocation): boolean {
  const count = parseInt64(request.bytes, request.starts[2], request.lengths[2])!;
  return count <= PAIR_COUNT_MAX && count >= -PAIR_COUNT_MAX;
}

function replyRepeated(call: Invocation, ref: Ref, count: number, withValues: boolean): void {
  const hashes = hashesOf(call.keyspace);
  const mark = call.reply.length;
  beginReply(call, count, withValues);
  for (let i = 0; i < count; i++) {
    pickLive(hashes, ref);
    replyPair(call, hashes.cursor, withValues);
    if (isReplyTooLarge(call, mark)) return;
  }
}

function replyDistinct(call: Invocation, ref: Ref, count: number, withValues: boolean): void {
  const hashes = hashesOf(call.keyspace);
  const { cursor } = hashes;
  const size = hashes.liveCount(ref);
  if (count >= size) {
    beginReply(call, size, withValues);
    cursor.beginLive(ref);
    while (cursor.next()) replyPair(call, cursor, withValues);
    return;
  }
  beginReply(call, count, withValues);
  const encoding = call.entries.encoding(ref);
  if (encoding === HASH_TABLE || encoding === HASH_TIMED_TABLE) {
    for (const item of pickItems(hashes, call.entries.root(ref), count, size)) {
      cursor.readItem(item);
      replyPair(call, cursor, withValues);
    }
    return;
  }
  // One walk, in which each field is taken with the chance that is left to it.
  cursor.beginLive(ref);
  for (let rest = size, wanted = count; wanted > 0; rest--) {
    cursor.next();
    if (randomBelow(rest) >= wanted) continue;
    replyPair(call, cursor, withValues);
    wanted--;
  }
}

/** @returns `count` different live items of a table that has `size` such, and more than `count` */
function pickItems({ table, cursor }: Hashes, fields: Ref, count: number, size: number): Iterable<Ref> {
  const isLive = (item: Ref): boolean => {
    cursor.readItem(item);
    return !cursor.isHidden;
  };
  if (count > size * SHUFFLE_SHARE || size < table.count(fields) * LIVE_SHARE) {
    const items = table.allItems(fields).filter(isLive);
    pickToFront(items, count);
    items.length = count;
    return items;
  }
  const picked = new Set<Ref>();
  while (picked.size < count) {
    const item = table.randomItem(fields, randomBelow);
    if (isLive(item)) picked.add(item);
  }
  return picked;
}

/** Points the cursor at a field picked with equal chance among those that are live, of which there is one. */
function pickLive(hashes: Hashes, ref: Ref): void {
  const { cursor } = hashes;
  for (let tries = 0; tries < PICK_TRIES_MAX; tries++) {
    hashes.pick(ref, randomBelow, cursor);
    if (!cursor.isHidden) return;
  }
  cursor.beginLive(ref);
  for (let rest = randomBelow(hashes.liveCount(ref)); rest >= 0; rest--) cursor.next();
}

function beginReply(call: Invocation, count: number, withValues: boolean): void {
  call.reply.array(withValues && call.reply.protocol === 2 ? count * 2 : count);
}

function replyPair(call: Invocation, cursor: HashCursor, withValues: boolean): void {
  const { reply } = call;
  if (withValues && reply.protocol === 3) reply.array(2);
  replyCursorField(reply, cursor);
  if (withValues) replyCursorValue(reply, cursor);
}
