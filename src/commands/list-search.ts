/** Lists: finding elements by value. Source: spec server.md section 13. Records: list-records.ts. */
import type { Ref } from '../memory/arena.js';
import { countElements, findElement, firstElement, nextElement } from '../memory/listpack.js';
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC, NOTIFY_LIST } from '../server/notify-classes.js';
import { listsOf } from '../types/list.js';
import { ListCursor } from '../types/list-reading.js';
import { isList } from './list.js';
import { replyNotAnInteger, replySyntaxError } from './replies.js';

const RANK_ZERO = fixedReply(
  "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
);
const RANK_RANGE = fixedReply(
  '-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
);
const COUNT_NEGATIVE = fixedReply("-ERR COUNT can't be negative");
const MAXLEN_NEGATIVE = fixedReply("-ERR MAXLEN can't be negative");
const INT64_MIN = -(2 ** 63);

const cursor = new ListCursor();

export function linsert(call: Invocation): void {
  const isBehind = call.is(2, 'AFTER');
  if (!isBehind && !call.is(2, 'BEFORE')) return replySyntaxError(call);
  const { db } = call;
  let ref = call.lookupWrite(1);
  if (ref === 0) return call.reply.integer(0);
  if (!isList(call, ref)) return;
  const { bytes, starts, lengths } = call.request;
  const lists = listsOf(call.keyspace);
  // Before the pivot is looked for, as in Redis: a large element makes a quicklist even if it is not inserted.
  ref = lists.prepareGrowth(db, ref, lengths[4], 1);
  lists.seek(ref, 0, cursor);
  if (!lists.find(ref, cursor, bytes, starts[3], lengths[3])) return call.reply.integer(-1);
  ref = lists.insert(db, ref, cursor, isBehind, bytes, starts[4], lengths[4]);
  call.keyspace.dirty++;
  call.notify(NOTIFY_LIST, 'linsert', 1);
  call.reply.integer(lists.length(ref));
}

export function lrem(call: Invocation): void {
  const wanted = call.roundedInteger(2);
  if (Number.isNaN(wanted)) return replyNotAnInteger(call);
  const { db } = call;
  let ref = call.lookupWrite(1);
  if (ref === 0) return call.reply.integer(0);
  if (!isList(call, ref)) return;
  const lists = listsOf(call.keyspace);
  const { bytes, starts, lengths } = call.request;
  const limit = wanted === 0 ? Number.POSITIVE_INFINITY : Math.abs(wanted);
  let removed = 0;
  if (wanted < 0) {
    lists.seek(ref, lists.length(ref) - 1, cursor);
    for (let isOn = true; isOn && lists.findBackward(ref, cursor, 0, bytes, starts[3], lengths[3]); ) {
      ref = lists.remove(db, ref, cursor);
      removed++;
      isOn = removed < limit && lists.previous(ref, cursor);
    }
  } else {
    lists.seek(ref, 0, cursor);
    while (removed < limit && lists.find(ref, cursor, bytes, starts[3], lengths[3])) {
      ref = lists.remove(db, ref, cursor);
      removed++;
    }
  }
  if (removed > 0) {
    const isEmptied = lists.length(ref) === 0;
    if (isEmptied) db.remove(ref);
    else lists.shrink(db, ref);
    call.notify(NOTIFY_LIST, 'lrem', 1);
    if (isEmptied) call.notify(NOTIFY_GENERIC, 'del', 1);
    call.keyspace.dirty += removed;
  }
  call.reply.integer(removed);
}

export function lpos(call: Invocation): void {
  let rank = 1;
  let count = -1;
  let scanMax = 0;
  for (let i = 3; i < call.argc; i += 2) {
    const value = i + 1 < call.argc ? call.roundedInteger(i + 1) : Number.NaN;
    if (call.is(i, 'RANK') && i + 1 < call.argc) {
      // The smallest int64 has no opposite.
      if (Number.isNaN(value)) return replyNotAnInteger(call);
      if (value === INT64_MIN) return call.reply.fixedError(RANK_RANGE, 'ERR');
      if (value === 0) return call.reply.fixedError(RANK_ZERO, 'ERR');
      rank = value;
    } else if (call.is(i, 'COUNT') && i + 1 < call.argc) {
      if (!(value >= 0)) return call.reply.fixedError(COUNT_NEGATIVE, 'ERR');
      count = value;
    } else if (call.is(i, 'MAXLEN') && i + 1 < call.argc) {
      if (!(value >= 0)) return call.reply.fixedError(MAXLEN_NEGATIVE, 'ERR');
      scanMax = value;
    } else {
      return replySyntaxError(call);
    }
  }
  const ref = call.lookupRead(1);
  if (ref === 0) {
    if (count < 0) call.reply.null();
    else call.reply.array(0);
    return;
  }
  if (!isList(call, ref)) return;
  const found = positions(call, ref, rank, count < 0 ? 1 : count, scanMax);
  if (count < 0) {
    if (found.length === 0) call.reply.null();
    else call.reply.integer(found[0]);
    return;
  }
  call.reply.array(found.length);
  for (const index of found) call.reply.integer(index);
}

/**
 * @param rank     the first occurrence that counts is this one; a negative rank counts from the end, and looks there first
 * @param countMax 0 for all
 * @param scanMax  elements looked at, 0 for all
 */
function positions(call: Invocation, ref: Ref, rank: number, countMax: number, scanMax: number): number[] {
  const length = listsOf(call.keyspace).length(ref);
  const end = scanMax === 0 ? length : Math.min(length, scanMax);
  if (rank > 0) return positionsFromStart(call, ref, rank - 1, countMax, end);
  return positionsFromEnd(call, ref, -rank - 1, countMax, end);
}

/** @returns positions before `end` of elements that are argument 2, without the first `skipped` ones */
function positionsFromStart(call: Invocation, ref: Ref, skipped: number, countMax: number, end: number): number[] {
  const lists = listsOf(call.keyspace);
  const { bytes, starts, lengths } = call.request;
  const found: number[] = [];
  let rest = skipped;
  lists.seek(ref, 0, cursor);
  // Of the element at the cursor, and of the first one of the next chunk.
  let index = 0;
  let nextChunkAt = lists.elementsInChunk(ref, 0);
  while (index < end) {
    const from = cursor.base + cursor.offset;
    const at = findElement(cursor.bytes, from, 1, bytes, starts[2], lengths[2]);
    if (at < 0) {
      if (!lists.enterNextChunk(ref, cursor)) break;
      index = nextChunkAt;
      nextChunkAt += lists.elementsInChunk(ref, cursor.chunk);
      continue;
    }
    index += countElements(cursor.bytes, from, at);
    if (index < end && rest-- <= 0 && found.push(index) === countMax) break;
    cursor.offset = nextElement(cursor.bytes, at) - cursor.base;
    index++;
  }
  return found;
}

/** The same from the end of the list on, of the last `scanned` elements. */
function positionsFromEnd(call: Invocation, ref: Ref, skipped: number, countMax: number, scanned: number): number[] {
  const lists = listsOf(call.keyspace);
  const { bytes, starts, lengths } = call.request;
  const found: number[] = [];
  const first = lists.length(ref) - scanned;
  lists.seek(ref, first, cursor);
  const firstChunk = cursor.chunk;
  lists.seek(ref, lists.length(ref) - 1, cursor);
  let rest = skipped;
  // The chunk at whose first element position `chunkAt` is.
  let { chunk } = cursor;
  let chunkAt = lists.length(ref) - lists.elementsInChunk(ref, chunk);
  for (let isOn = true; isOn && lists.findBackward(ref, cursor, firstChunk, bytes, starts[2], lengths[2]); ) {
    while (chunk > cursor.chunk) chunkAt -= lists.elementsInChunk(ref, --chunk);
    const index = chunkAt + countElements(cursor.bytes, firstElement(cursor.base), cursor.base + cursor.offset);
    if (index < first || (rest-- <= 0 && found.push(index) === countMax)) break;
    isOn = lists.previous(ref, cursor);
  }
  return found;
}
