/** Random members: SPOP, SRANDMEMBER. Source: spec server.md section 3, propagation in persistence.md section 8.2. */

import { pickToFront, randomBelow } from '../keyspace/random.js';
import type { Ref } from '../memory/arena.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC, NOTIFY_SET } from '../server/notify-classes.js';
import { type Sets, setsOf } from '../types/set.js';
import { SET_TABLE, type SetCursor } from '../types/set-cursor.js';
import { propagateDeletion } from './expire-propagation.js';
import { isReplyTooLarge, randomCount } from './random-count.js';
import { replySyntaxError } from './replies.js';
import { isSetKey, removeIfEmpty, replyCursorMember } from './set.js';

const SREM_WORD = Uint8Array.from(Buffer.from('SREM'));
/** Members of one propagated SREM. */
const REMOVED_PER_RECORD = 1024;
/** Above this share of all members, picking without repetition would repeat itself too often: then all are taken and shuffled. */
const SHUFFLE_SHARE = 1 / 3;
/** If a larger share of a table goes, what stays is copied: to take a member out costs five times as much as to read it. */
const REBUILD_SHARE = 1 / 2;

export function spop(call: Invocation): void {
  const { argc, keyspace, reply } = call;
  if (argc > 3) return replySyntaxError(call);
  if (argc === 3) return popMany(call);
  const ref = call.lookupWrite(1);
  if (!isSetKey(call, ref)) return;
  if (ref === 0) return reply.null();
  keyspace.dirty++;
  const left = popBatch(call, ref, 1);
  call.notify(NOTIFY_SET, 'spop', 1);
  if (left === 0) call.notify(NOTIFY_GENERIC, 'del', 1);
}

export function srandMember(call: Invocation): void {
  const { argc, keyspace, reply } = call;
  if (argc > 3) return replySyntaxError(call);
  if (argc === 2) {
    const ref = call.lookupRead(1);
    if (!isSetKey(call, ref)) return;
    if (ref === 0) return reply.null();
    const sets = setsOf(keyspace);
    sets.pick(ref, randomBelow, sets.cursor);
    return replyMember(call, sets.cursor);
  }
  const count = randomCount(call, 2);
  if (Number.isNaN(count)) return;
  const ref = call.lookupRead(1);
  if (!isSetKey(call, ref)) return;
  if (ref === 0 || count === 0) return reply.array(0);
  if (count < 0) replyRepeated(call, ref, -count);
  else replyDistinct(call, ref, count);
}

function popMany(call: Invocation): void {
  const { keyspace, reply } = call;
  const count = call.roundedInteger(2);
  if (Number.isNaN(count) || count < 0) return call.error('ERR value is out of range, must be positive');
  const ref = call.lookupWrite(1);
  if (!isSetKey(call, ref)) return;
  if (ref === 0 || count === 0) return reply.set(0);
  const sets = setsOf(keyspace);
  const size = sets.count(ref);
  if (count >= size) {
    const { cursor } = sets;
    reply.set(size);
    cursor.begin(ref);
    while (cursor.next()) replyMember(call, cursor);
    call.db.remove(ref);
    keyspace.dirty += size;
    call.notify(NOTIFY_SET, 'spop', 1);
    call.notify(NOTIFY_GENERIC, 'del', 1);
    propagateDeletion(call, 1, call.server.config.values.lazyfreeLazyServerDel ? 'UNLINK' : 'DEL');
    return;
  }
  reply.set(count);
  keyspace.dirty += count;
  if (count > size * REBUILD_SHARE && call.entries.encoding(ref) === SET_TABLE) popMost(call, ref, size - count);
  else popEach(call, ref, count);
  call.notify(NOTIFY_SET, 'spop', 1);
}

function popEach(call: Invocation, first: Ref, count: number): void {
  let ref = first;
  for (let rest = count; rest > 0; ) {
    const batch = Math.min(rest, REMOVED_PER_RECORD);
    ref = popBatch(call, ref, batch);
    rest -= batch;
  }
}

/** Does the same for all members but `keptCount` random ones, which move to a table of their own. */
function popMost(call: Invocation, ref: Ref, keptCount: number): void {
  const { propagation } = call.server;
  const sets = setsOf(call.keyspace);
  const { cursor } = sets;
  const items = sets.table.allItems(call.entries.root(ref));
  pickToFront(items, keptCount);
  for (let from = keptCount; from < items.length; from += REMOVED_PER_RECORD) {
    const end = Math.min(items.length, from + REMOVED_PER_RECORD);
    beginRemoval(call, end - from);
    for (let i = from; i < end; i++) {
      cursor.readItem(items[i]);
      replyMember(call, cursor);
      if (propagation.isActive) propagation.word(cursor.bytes, cursor.start, cursor.length);
    }
    if (propagation.isActive) propagation.end(call.db.index);
  }
  items.length = keptCount;
  sets.retain(call.db, ref, items);
}

/** Takes `count` random members out, replies with each, and propagates their removal. @returns the entry, or 0 if the set was emptied */
function popBatch(call: Invocation, ref: Ref, count: number): Ref {
  const { propagation } = call.server;
  const sets = setsOf(call.keyspace);
  const { cursor } = sets;
  beginRemoval(call, count);
  let left = ref;
  for (let i = 0; i < count; i++) {
    sets.pick(left, randomBelow, cursor);
    replyMember(call, cursor);
    if (propagation.isActive) propagation.word(cursor.bytes, cursor.start, cursor.length);
    left = sets.removePicked(call.db, left, cursor);
  }
  if (propagation.isActive) propagation.end(call.db.index);
  return removeIfEmpty(call, left);
}

/** Begins the SREM of `count` members; they and the end of the record follow. */
function beginRemoval(call: Invocation, count: number): void {
  const { bytes, starts, lengths } = call.request;
  const { propagation } = call.server;
  call.isPropagated = true;
  if (!propagation.isActive) return;
  propagation.begin(2 + count);
  propagation.word(SREM_WORD, 0, SREM_WORD.length);
  propagation.word(bytes, starts[1], lengths[1]);
}

function replyRepeated(call: Invocation, ref: Ref, count: number): void {
  const sets = setsOf(call.keyspace);
  const mark = call.reply.length;
  call.reply.array(count);
  for (let i = 0; i < count; i++) {
    sets.pick(ref, randomBelow, sets.cursor);
    replyMember(call, sets.cursor);
    if (isReplyTooLarge(call, mark)) return;
  }
}

function replyDistinct(call: Invocation, ref: Ref, count: number): void {
  const sets = setsOf(call.keyspace);
  const { cursor } = sets;
  const size = sets.count(ref);
  if (count >= size) {
    call.reply.array(size);
    cursor.begin(ref);
    while (cursor.next()) replyMember(call, cursor);
    return;
  }
  call.reply.array(count);
  if (call.entries.encoding(ref) === SET_TABLE) {
    for (const item of pickItems(sets, call.entries.root(ref), count, size)) {
      cursor.readItem(item);
      replyMember(call, cursor);
    }
    return;
  }
  // One walk, in which each member is taken with the chance that is left to it.
  cursor.begin(ref);
  for (let rest = size, wanted = count; wanted > 0; rest--) {
    cursor.next();
    if (randomBelow(rest) >= wanted) continue;
    replyMember(call, cursor);
    wanted--;
  }
}

/** @returns `count` different items of a table that has `size` */
function pickItems({ table }: Sets, members: Ref, count: number, size: number): Iterable<Ref> {
  if (count > size * SHUFFLE_SHARE) {
    const items = table.allItems(members);
    pickToFront(items, count);
    items.length = count;
    return items;
  }
  const picked = new Set<Ref>();
  while (picked.size < count) picked.add(table.randomItem(members, randomBelow));
  return picked;
}

function replyMember(call: Invocation, cursor: SetCursor): void {
  replyCursorMember(call.reply, cursor);
}
