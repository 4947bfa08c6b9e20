/** Members of one set: adding, removing, asking. Source: spec server.md sections 3 and 13. Records: set-records.ts. */
import { TYPE_SET } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';
import { type ReplyWriter, SAMPLED_ELEMENTS } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC, NOTIFY_SET } from '../server/notify-classes.js';
import { setsOf } from '../types/set.js';
import type { SetCursor } from '../types/set-cursor.js';
import { replyWrongType } from './replies.js';

export function sadd(call: Invocation): void {
  const { argc, db } = call;
  const { bytes, starts, lengths } = call.request;
  let ref = call.lookupWrite(1);
  if (!isSetKey(call, ref)) return;
  const sets = setsOf(call.keyspace);
  let count = 0;
  if (ref === 0) {
    const { builder } = sets;
    builder.begin(argc - 2, argc - 2);
    for (let i = 2; i < argc; i++) if (builder.add(bytes, starts[i], lengths[i])) count++;
    builder.finish(db, bytes, starts[1], lengths[1], 0);
  } else {
    ref = sets.expect(db, ref, argc - 2);
    for (let i = 2; i < argc; i++) {
      call.warmItems(sets, ref, i - 2, i, 1);
      ref = sets.add(db, ref, bytes, starts[i], lengths[i]);
      if (sets.wasAdded) count++;
    }
  }
  call.keyspace.dirty += count;
  if (count > 0) call.notify(NOTIFY_SET, 'sadd', 1);
  call.reply.integer(count);
}

export function srem(call: Invocation): void {
  const { argc, db } = call;
  const { bytes, starts, lengths } = call.request;
  let ref = call.lookupWrite(1);
  if (!isSetKey(call, ref)) return;
  const sets = setsOf(call.keyspace);
  let count = 0;
  if (ref !== 0) sets.table.expectRemovals(sets.itemTable(ref), argc - 2);
  for (let i = 2; i < argc && ref !== 0; i++) {
    call.warmItems(sets, ref, i - 2, i, 1);
    const left = sets.remove(db, ref, bytes, starts[i], lengths[i]);
    if (left === 0) continue;
    count++;
    ref = removeIfEmpty(call, left);
  }
  sets.table.settle();
  call.keyspace.dirty += count;
  if (count > 0) call.notify(NOTIFY_SET, 'srem', 1);
  if (count > 0 && ref === 0) call.notify(NOTIFY_GENERIC, 'del', 1);
  call.reply.integer(count);
}

export function smove(call: Invocation): void {
  const { db, keyspace, reply } = call;
  const { bytes, starts, lengths } = call.request;
  const source = call.lookupWrite(1);
  const target = call.lookupWrite(2);
  if (source === 0) return reply.integer(0);
  if (!isSetKey(call, source) || !isSetKey(call, target)) return;
  const sets = setsOf(keyspace);
  if (source === target) return reply.integer(sets.has(source, bytes, starts[3], lengths[3]) ? 1 : 0);
  const left = sets.remove(db, source, bytes, starts[3], lengths[3]);
  if (left === 0) return reply.integer(0);
  call.notify(NOTIFY_SET, 'srem', 1);
  if (removeIfEmpty(call, left) === 0) call.notify(NOTIFY_GENERIC, 'del', 1);
  let isAdded = true;
  if (target === 0) {
    const { builder } = sets;
    builder.begin(1);
    builder.add(bytes, starts[3], lengths[3]);
    builder.finish(db, bytes, starts[2], lengths[2], 0);
  } else {
    sets.add(db, target, bytes, starts[3], lengths[3]);
    isAdded = sets.wasAdded;
  }
  if (isAdded) call.notify(NOTIFY_SET, 'sadd', 2);
  keyspace.dirty++;
  reply.integer(1);
}

export function sisMember(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (isSetKey(call, ref)) replyMembership(call, ref, 2);
}

export function smisMember(call: Invocation): void {
  const { argc } = call;
  const ref = call.lookupRead(1);
  if (!isSetKey(call, ref)) return;
  const sets = setsOf(call.keyspace);
  call.reply.array(argc - 2);
  for (let i = 2; i < argc; i++) {
    call.warmItems(sets, ref, i - 2, i, 1);
    replyMembership(call, ref, i);
  }
}

export function scard(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (isSetKey(call, ref)) call.reply.integer(ref === 0 ? 0 : setsOf(call.keyspace).count(ref));
}

export function smembers(call: Invocation): void {
  const { reply } = call;
  const ref = call.lookupRead(1);
  if (!isSetKey(call, ref)) return;
  if (ref === 0) return reply.set(0);
  const sets = setsOf(call.keyspace);
  const { cursor } = sets;
  const count = sets.count(ref);
  const mark = reply.length;
  reply.set(count);
  cursor.begin(ref);
  for (let i = 0; cursor.next(); i++) {
    if (i === SAMPLED_ELEMENTS) reply.reserveRest(mark, i, count);
    replyCursorMember(reply, cursor);
  }
}

/** Replies with the member that a cursor is at. */
export function replyCursorMember(reply: ReplyWriter, { words, bytes, start, length }: SetCursor): void {
  if (words !== null) reply.bulkFrom(words, start, length);
  else reply.bulk(bytes, start, length);
}

/** Replies WRONGTYPE unless the key is absent or a set. */
export function isSetKey(call: Invocation, ref: Ref): boolean {
  if (ref === 0 || call.entries.type(ref) === TYPE_SET) return true;
  replyWrongType(call);
  return false;
}

/** Removes the key of a set that has no member left. @returns the entry, or 0 if it is gone */
export function removeIfEmpty(call: Invocation, ref: Ref): Ref {
  if (setsOf(call.keyspace).count(ref) > 0) return ref;
  call.db.remove(ref);
  return 0;
}

function replyMembership(call: Invocation, ref: Ref, memberAt: number): void {
  const { bytes, starts, lengths } = call.request;
  const isThere = ref !== 0 && setsOf(call.keyspace).has(ref, bytes, starts[memberAt], lengths[memberAt]);
  call.reply.integer(isThere ? 1 : 0);
}
