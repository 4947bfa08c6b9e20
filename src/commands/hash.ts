/** Fields of hashes: setting, getting, removing. Source: spec server.md sections 3 and 13. Records: hash-records.ts. */
import { TYPE_HASH } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';
import { type ReplyWriter, SAMPLED_ELEMENTS } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC, NOTIFY_HASH } from '../server/notify-classes.js';
import { type Hashes, hashesOf } from '../types/hash.js';
import type { HashCursor } from '../types/hash-cursor.js';
import { dropEnded } from './hash-fields.js';
import { replyWrongArity, replyWrongType } from './replies.js';

export function hset(call: Invocation): void {
  const addedCount = setPairs(call);
  if (addedCount >= 0) call.reply.integer(addedCount);
}

export function hmset(call: Invocation): void {
  if (setPairs(call) >= 0) call.reply.ok();
}

export function hsetNx(call: Invocation): void {
  const { bytes, starts, lengths } = call.request;
  let ref = call.lookupWrite(1);
  if (!isHashKey(call, ref)) return;
  ref = dropEnded(call, ref, 2, 2);
  if (ref !== 0 && hashesOf(call.keyspace).find(ref, bytes, starts[2], lengths[2])) return call.reply.integer(0);
  setField(call, ref, 2, bytes, starts[3], lengths[3]);
  call.notify(NOTIFY_HASH, 'hset', 1);
  call.reply.integer(1);
}

export function hget(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (isHashKey(call, ref)) replyField(call, hashesOf(call.keyspace), dropEnded(call, ref, 2, 2), 2);
}

export function hmget(call: Invocation): void {
  const { argc } = call;
  let ref = call.lookupRead(1);
  if (!isHashKey(call, ref)) return;
  ref = dropEnded(call, ref, 2, argc - 1);
  const hashes = hashesOf(call.keyspace);
  call.reply.array(argc - 2);
  for (let i = 2; i < argc; i++) {
    call.warmItems(hashes, ref, i - 2, i, 1);
    replyField(call, hashes, ref, i);
  }
}

export function hgetAll(call: Invocation): void {
  const { reply } = call;
  const ref = call.lookupRead(1);
  if (!isHashKey(call, ref)) return;
  if (ref === 0) return reply.map(0);
  const hashes = hashesOf(call.keyspace);
  const { cursor } = hashes;
  const count = hashes.liveCount(ref);
  const mark = reply.length;
  reply.map(count);
  cursor.beginLive(ref);
  for (let i = 0; cursor.next(); i++) {
    if (i === SAMPLED_ELEMENTS) reply.reserveRest(mark, i, count);
    replyCursorField(reply, cursor);
    replyCursorValue(reply, cursor);
  }
}

/** Replies with the field that a cursor is at. */
export function replyCursorField(reply: ReplyWriter, { words, bytes, start, length }: HashCursor): void {
  if (words !== null) reply.bulkFrom(words, start, length);
  else reply.bulk(bytes, start, length);
}

/** Replies with the value that a cursor is at. */
export function replyCursorValue(reply: ReplyWriter, { words, valueBytes, valueStart, valueLength }: HashCursor): void {
  if (words !== null) reply.bulkFrom(words, valueStart, valueLength);
  else reply.bulk(valueBytes, valueStart, valueLength);
}

export function hkeys(call: Invocation): void {
  const { reply } = call;
  const ref = call.lookupRead(1);
  if (!isHashKey(call, ref)) return;
  if (ref === 0) return reply.array(0);
  const hashes = hashesOf(call.keyspace);
  const { cursor } = hashes;
  const count = hashes.liveCount(ref);
  const mark = reply.length;
  reply.array(count);
  cursor.beginLive(ref);
  for (let i = 0; cursor.next(); i++) {
    if (i === SAMPLED_ELEMENTS) reply.reserveRest(mark, i, count);
    replyCursorField(reply, cursor);
  }
}

export function hvals(call: Invocation): void {
  const { reply } = call;
  const ref = call.lookupRead(1);
  if (!isHashKey(call, ref)) return;
  if (ref === 0) return reply.array(0);
  const hashes = hashesOf(call.keyspace);
  const { cursor } = hashes;
  const count = hashes.liveCount(ref);
  const mark = reply.length;
  reply.array(count);
  cursor.beginLive(ref);
  for (let i = 0; cursor.next(); i++) {
    if (i === SAMPLED_ELEMENTS) reply.reserveRest(mark, i, count);
    replyCursorValue(reply, cursor);
  }
}

export function hlen(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (isHashKey(call, ref)) call.reply.integer(ref === 0 ? 0 : hashesOf(call.keyspace).count(ref));
}

export function hexists(call: Invocation): void {
  const { bytes, starts, lengths } = call.request;
  let ref = call.lookupRead(1);
  if (!isHashKey(call, ref)) return;
  ref = dropEnded(call, ref, 2, 2);
  call.reply.integer(ref !== 0 && hashesOf(call.keyspace).find(ref, bytes, starts[2], lengths[2]) ? 1 : 0);
}

export function hstrlen(call: Invocation): void {
  const { bytes, starts, lengths } = call.request;
  let ref = call.lookupRead(1);
  if (!isHashKey(call, ref)) return;
  ref = dropEnded(call, ref, 2, 2);
  const hashes = hashesOf(call.keyspace);
  call.reply.integer(ref !== 0 && hashes.find(ref, bytes, starts[2], lengths[2]) ? hashes.valueLength : 0);
}

export function hdel(call: Invocation): void {
  const { argc, db } = call;
  const { bytes, starts, lengths } = call.request;
  let ref = call.lookupWrite(1);
  if (!isHashKey(call, ref)) return;
  ref = dropEnded(call, ref, 2, argc - 1);
  const hashes = hashesOf(call.keyspace);
  let count = 0;
  if (ref !== 0) hashes.table.expectRemovals(hashes.itemTable(ref), argc - 2);
  for (let i = 2; i < argc && ref !== 0; i++) {
    call.warmItems(hashes, ref, i - 2, i, 1);
    const left = hashes.remove(db, ref, bytes, starts[i], lengths[i]);
    if (left === 0) continue;
    count++;
    ref = left;
    if (hashes.count(ref) > 0) continue;
    db.remove(ref);
    ref = 0;
  }
  hashes.table.settle();
  call.keyspace.dirty += count;
  if (count > 0) call.notify(NOTIFY_HASH, 'hdel', 1);
  if (count > 0 && ref === 0) call.notify(NOTIFY_GENERIC, 'del', 1);
  call.reply.integer(count);
}

/** Replies WRONGTYPE unless the key is absent or a hash. */
export function isHashKey(call: Invocation, ref: Ref): boolean {
  if (ref === 0 || call.entries.type(ref) === TYPE_HASH) return true;
  replyWrongType(call);
  return false;
}

/**
 * Sets the field in argument `fieldAt` of the key in argument 1, whose entry is `ref` (0 = none yet).
 * @param keepsTime whether the field's time stays, if it has one
 */
export function setField(
  call: Invocation,
  ref: Ref,
  fieldAt: number,
  value: Uint8Array,
  valueStart: number,
  valueLength: number,
  keepsTime = false,
): void {
  const { bytes, starts, lengths } = call.request;
  const hashes = hashesOf(call.keyspace);
  call.keyspace.dirty++;
  if (ref !== 0) {
    hashes.set(call.db, ref, bytes, starts[fieldAt], lengths[fieldAt], value, valueStart, valueLength, keepsTime);
    return;
  }
  const { builder } = hashes;
  builder.begin();
  builder.set(bytes, starts[fieldAt], lengths[fieldAt], value, valueStart, valueLength);
  builder.finish(call.db, bytes, starts[1], lengths[1], 0);
}

/** Sets all pairs of the request. @returns how many fields are new; −1 after an error reply */
function setPairs(call: Invocation): number {
  const { argc, db, request } = call;
  const { bytes, starts, lengths } = request;
  if ((argc & 1) !== 0) {
    replyWrongArity(call);
    return -1;
  }
  let ref = call.lookupWrite(1);
  if (!isHashKey(call, ref)) return -1;
  ref = dropEnded(call, ref, 2, argc - 2, 2);
  const hashes = hashesOf(call.keyspace);
  let addedCount = 0;
  if (ref === 0) {
    const { builder } = hashes;
    builder.begin(false, (argc - 2) >> 1);
    for (let i = 2; i < argc; i += 2)
      if (builder.set(bytes, starts[i], lengths[i], bytes, starts[i + 1], lengths[i + 1])) addedCount++;
    builder.finish(db, bytes, starts[1], lengths[1], 0);
  } else {
    for (let i = 2; i < argc; i += 2) {
      call.warmItems(hashes, ref, (i - 2) >> 1, i, 2);
      ref = hashes.set(db, ref, bytes, starts[i], lengths[i], bytes, starts[i + 1], lengths[i + 1]);
      if (hashes.wasAdded) addedCount++;
    }
  }
  call.keyspace.dirty += (argc - 2) >> 1;
  call.notify(NOTIFY_HASH, 'hset', 1);
  return addedCount;
}

/** Replies with the value of the field in argument `fieldAt`, or null. */
export function replyField(call: Invocation, hashes: Hashes, ref: Ref, fieldAt: number): void {
  const { bytes, starts, lengths } = call.request;
  if (ref !== 0 && hashes.find(ref, bytes, starts[fieldAt], lengths[fieldAt]))
    call.reply.bulk(hashes.valueBytes, hashes.valueStart, hashes.valueLength);
  else call.reply.null();
}
