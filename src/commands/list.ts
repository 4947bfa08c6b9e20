/** Lists: adding and removing at the ends, and access by index. Source: spec server.md section 13, propagation in persistence.md 8.2. Records: list-records.ts. */
import { TYPE_LIST } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';
import { ListpackElement } from '../memory/listpack.js';
import { fixedReply, SAMPLED_ELEMENTS } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC, NOTIFY_LIST } from '../server/notify-classes.js';
import { listsOf } from '../types/list.js';
import { ListCursor } from '../types/list-reading.js';
import { replyNoSuchKey, replyNotAnInteger, replyWrongArity, replyWrongType } from './replies.js';

const INDEX_OUT_OF_RANGE = fixedReply('-ERR index out of range');
const NOT_POSITIVE = fixedReply('-ERR value is out of range, must be positive');
const EMPTY_ARRAY = fixedReply('*0');

const element = new ListpackElement();
const cursor = new ListCursor();

export function lpush(call: Invocation): void {
  push(call, true, true);
}

export function rpush(call: Invocation): void {
  push(call, false, true);
}

export function lpushX(call: Invocation): void {
  push(call, true, false);
}

export function rpushX(call: Invocation): void {
  push(call, false, false);
}

export function lpop(call: Invocation): void {
  pop(call, true);
}

export function rpop(call: Invocation): void {
  pop(call, false);
}

export function llen(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (ref === 0) return call.reply.integer(0);
  if (!isList(call, ref)) return;
  call.reply.integer(listsOf(call.keyspace).length(ref));
}

export function lindex(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (ref === 0) return call.reply.null();
  if (!isList(call, ref)) return;
  const index = call.roundedInteger(2);
  if (Number.isNaN(index)) return replyNotAnInteger(call);
  const lists = listsOf(call.keyspace);
  const length = lists.length(ref);
  const at = index < 0 ? index + length : index;
  if (at < 0 || at >= length) return call.reply.null();
  lists.seek(ref, at, cursor);
  replyElement(call);
}

export function lset(call: Invocation): void {
  const ref = call.lookupWrite(1);
  if (ref === 0) return replyNoSuchKey(call);
  if (!isList(call, ref)) return;
  const { bytes, starts, lengths } = call.request;
  const index = call.roundedInteger(2);
  if (Number.isNaN(index)) return replyNotAnInteger(call);
  const lists = listsOf(call.keyspace);
  const length = lists.length(ref);
  const at = index < 0 ? index + length : index;
  // Before the index is checked, and as if the element came to the others: as in Redis.
  const grown = lists.prepareGrowth(call.db, ref, lengths[3], 1);
  if (at < 0 || at >= length) return call.reply.fixedError(INDEX_OUT_OF_RANGE, 'ERR');
  lists.seek(grown, at, cursor);
  const written = lists.replace(call.db, grown, cursor, bytes, starts[3], lengths[3]);
  lists.shrink(call.db, written);
  call.keyspace.dirty++;
  call.notify(NOTIFY_LIST, 'lset', 1);
  call.reply.ok();
}

export function lrange(call: Invocation): void {
  const from = call.roundedInteger(2);
  const to = call.roundedInteger(3);
  if (Number.isNaN(from) || Number.isNaN(to)) return replyNotAnInteger(call);
  const ref = call.lookupRead(1);
  if (ref === 0) return call.reply.raw(EMPTY_ARRAY);
  if (!isList(call, ref)) return;
  const lists = listsOf(call.keyspace);
  const length = lists.length(ref);
  const first = Math.max(0, from < 0 ? from + length : from);
  const last = Math.min(length - 1, to < 0 ? to + length : to);
  if (first > last) return call.reply.raw(EMPTY_ARRAY);
  replyRange(call, ref, first, last - first + 1);
}

export function ltrim(call: Invocation): void {
  const from = call.roundedInteger(2);
  const to = call.roundedInteger(3);
  if (Number.isNaN(from) || Number.isNaN(to)) return replyNotAnInteger(call);
  const ref = call.lookupWrite(1);
  if (ref === 0) return call.reply.ok();
  if (!isList(call, ref)) return;
  const { db, keyspace } = call;
  const lists = listsOf(keyspace);
  const length = lists.length(ref);
  const first = Math.max(0, from < 0 ? from + length : from);
  const last = Math.min(length - 1, to < 0 ? to + length : to);
  if (first > last) {
    db.remove(ref);
    keyspace.dirty += length;
    call.notify(NOTIFY_LIST, 'ltrim', 1);
    call.notify(NOTIFY_GENERIC, 'del', 1);
  } else {
    const behind = length - last - 1;
    // Also when nothing is cut off, WATCH and tracking see a change.
    db.beforeWrite(ref);
    let left = lists.removeRange(db, ref, last + 1, behind);
    left = lists.removeRange(db, left, 0, first);
    if (behind + first > 0) lists.shrink(db, left);
    keyspace.dirty += behind + first;
    call.notify(NOTIFY_LIST, 'ltrim', 1);
  }
  call.reply.ok();
}

/** @returns whether the entry is a list; if not, WRONGTYPE has been replied */
export function isList(call: Invocation, ref: Ref): boolean {
  if (call.entries.type(ref) === TYPE_LIST) return true;
  replyWrongType(call);
  return false;
}

/**
 * Replies with `count` elements at one end, removes them, and the key with the last of them.
 * @param keyAt argument of the key; @param count 1 to the length
 */
export function popElements(call: Invocation, ref: Ref, keyAt: number, isHead: boolean, count: number): void {
  const { db, keyspace } = call;
  const lists = listsOf(keyspace);
  const length = lists.length(ref);
  if (count === 1 && length > 1 && popWithin(call, ref, keyAt, isHead)) return;
  if (isHead) replyElements(call, ref, 0, count);
  else replyLast(call, ref, count);
  if (count === length) db.remove(ref);
  else lists.shrink(db, lists.removeRange(db, ref, isHead ? 0 : length - count, count));
  keyspace.dirty += count;
  call.notify(NOTIFY_LIST, isHead ? 'lpop' : 'rpop', keyAt);
  if (count === length) call.notify(NOTIFY_GENERIC, 'del', keyAt);
}

/** Adds bytes at one end of the list of the key in argument `keyAt`, whose entry the last lookup gave as `ref`, or 0. @returns its entry */
export function pushBytes(
  call: Invocation,
  ref: Ref,
  keyAt: number,
  isHead: boolean,
  bytes: Uint8Array,
  start: number,
  length: number,
): Ref {
  const { db, request } = call;
  const lists = listsOf(call.keyspace);
  let list = ref;
  if (ref === 0) {
    const roomBytes = lists.shortElementBytes(bytes, start, length);
    list = lists.create(db, request.bytes, request.starts[keyAt], request.lengths[keyAt], roomBytes);
  }
  list = lists.prepareGrowth(db, list, length, 1);
  list = lists.push(db, list, isHead, bytes, start, length);
  call.notify(NOTIFY_LIST, isHead ? 'lpush' : 'rpush', keyAt);
  return list;
}

function push(call: Invocation, isHead: boolean, creates: boolean): void {
  const ref = call.lookupWrite(1);
  const { argc, bytes, starts, lengths } = call.request;
  const lists = listsOf(call.keyspace);
  let length = 0;
  if (ref !== 0 && argc === 3) length = lists.pushWithin(call.db, ref, isHead, bytes, starts[2], lengths[2]);
  if (length === 0) {
    if (ref === 0 && !creates) return call.reply.integer(0);
    if (ref !== 0 && !isList(call, ref)) return;
    length = pushAll(call, ref, isHead);
  }
  call.keyspace.dirty += argc - 2;
  call.notify(NOTIFY_LIST, isHead ? 'lpush' : 'rpush', 1);
  call.reply.integer(length);
}

/** Adds the arguments from number 2 on to a list, or to a new one. @returns its length */
function pushAll(call: Invocation, ref: Ref, isHead: boolean): number {
  const { db, request } = call;
  const { argc, bytes, starts, lengths } = request;
  const lists = listsOf(call.keyspace);
  let list = ref;
  if (ref === 0) {
    const roomBytes = argc === 3 ? lists.shortElementBytes(bytes, starts[2], lengths[2]) : 0;
    list = lists.create(db, bytes, starts[1], lengths[1], roomBytes);
  }
  let addedBytes = 0;
  for (let i = 2; i < argc; i++) addedBytes += lengths[i];
  list = lists.prepareGrowth(db, list, addedBytes, argc - 2);
  return lists.length(lists.pushMany(db, list, isHead, request, 2, argc));
}

function pop(call: Invocation, isHead: boolean): void {
  const { argc, reply } = call;
  if (argc > 3) return replyWrongArity(call);
  const hasCount = argc === 3;
  const wanted = hasCount ? call.roundedInteger(2) : 1;
  if (!(wanted >= 0)) return reply.fixedError(NOT_POSITIVE, 'ERR');
  const ref = call.lookupWrite(1);
  if (ref !== 0 && !hasCount && popWithin(call, ref, 1, isHead)) return;
  if (ref === 0) {
    if (hasCount) reply.nullArray();
    else reply.null();
    return;
  }
  if (!isList(call, ref)) return;
  if (wanted === 0) return reply.raw(EMPTY_ARRAY);
  const count = Math.min(wanted, listsOf(call.keyspace).length(ref));
  if (hasCount) reply.array(count);
  popElements(call, ref, 1, isHead, count);
}

/** Pops one element of many. @returns whether it was that simple; if not, nothing has happened */
function popWithin(call: Invocation, ref: Ref, keyAt: number, isHead: boolean): boolean {
  const lists = listsOf(call.keyspace);
  if (!lists.popWithin(call.db, ref, isHead, call.reply)) return false;
  lists.shrink(call.db, ref);
  call.keyspace.dirty++;
  call.notify(NOTIFY_LIST, isHead ? 'lpop' : 'rpop', keyAt);
  return true;
}

/** Replies with `count` elements from number `index` on. */
export function replyRange(call: Invocation, ref: Ref, index: number, count: number): void {
  call.reply.array(count);
  if (count > 0) replyElements(call, ref, index, count);
}

/** Replies with `count` elements, at least one, as part of an array. */
function replyElements(call: Invocation, ref: Ref, index: number, count: number): void {
  const lists = listsOf(call.keyspace);
  lists.seek(ref, index, cursor);
  const { reply } = call;
  const mark = reply.length;
  let words = lists.words(ref, cursor);
  for (let i = 0; i < count; i++) {
    if (i === SAMPLED_ELEMENTS) reply.reserveRest(mark, i, count);
    element.read(cursor.bytes, cursor.base + cursor.offset);
    if (element.isInteger) reply.bulk(element.bytes, element.start, element.length);
    else reply.bulkFrom(words, element.start, element.length);
    cursor.offset = element.next - cursor.base;
    const { chunk } = cursor;
    lists.enter(ref, cursor);
    if (cursor.chunk !== chunk) words = lists.words(ref, cursor);
  }
}

/** Replies with the last `count` elements, the last one first. */
function replyLast(call: Invocation, ref: Ref, count: number): void {
  const lists = listsOf(call.keyspace);
  lists.seek(ref, lists.length(ref) - 1, cursor);
  const { reply } = call;
  const mark = reply.length;
  for (let i = 0; i < count; i++) {
    if (i > 0) lists.previous(ref, cursor);
    if (i === SAMPLED_ELEMENTS) reply.reserveRest(mark, i, count);
    replyElement(call);
  }
}

function replyElement(call: Invocation): void {
  cursor.read(element);
  call.reply.bulk(element.bytes, element.start, element.length);
}
