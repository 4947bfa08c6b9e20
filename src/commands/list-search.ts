/** Lists: finding elements by value. Source: spec server.md section 13. Records: list-records.ts. */
import { equalBytes } from '../memory/copy.js';
import { ListpackElement } from '../memory/listpack.js';
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC, NOTIFY_LIST } from '../server/notify-classes.js';
import { ListCursor, listsOf } from '../types/list.js';
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

const element = new ListpackElement();
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
  while (!isEqual(call, 3)) if (!lists.next(ref, cursor)) return call.reply.integer(-1);
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
  const limit = wanted === 0 ? Number.POSITIVE_INFINITY : Math.abs(wanted);
  const isBackward = wanted < 0;
  let removed = 0;
  lists.seek(ref, isBackward ? lists.length(ref) - 1 : 0, cursor);
  for (let isOn = true; isOn && removed < limit; ) {
    if (isEqual(call, 3)) {
      ref = lists.remove(db, ref, cursor);
      removed++;
      isOn = isBackward ? lists.previous(ref, cursor) : lists.enter(ref, cursor);
    } else {
      isOn = isBackward ? lists.previous(ref, cursor) : lists.next(ref, cursor);
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

/** @param countMax 0 for all; @param scanMax elements looked at, 0 for all */
function positions(call: Invocation, ref: number, rank: number, countMax: number, scanMax: number): number[] {
  const lists = listsOf(call.keyspace);
  const length = lists.length(ref);
  const isBackward = rank < 0;
  const found: number[] = [];
  let skipped = Math.abs(rank) - 1;
  lists.seek(ref, isBackward ? length - 1 : 0, cursor);
  const end = scanMax === 0 ? length : Math.min(length, scanMax);
  for (let i = 0; i < end; i++) {
    if (isEqual(call, 2) && skipped-- <= 0) {
      found.push(isBackward ? length - 1 - i : i);
      if (found.length === countMax) break;
    }
    if (isBackward) lists.previous(ref, cursor);
    else lists.next(ref, cursor);
  }
  return found;
}

/** Whether the element at the cursor is argument `index`. */
function isEqual(call: Invocation, index: number): boolean {
  const { bytes, starts, lengths } = call.request;
  cursor.read(element);
  return (
    element.length === lengths[index] && equalBytes(element.bytes, element.start, bytes, starts[index], element.length)
  );
}
