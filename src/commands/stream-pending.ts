/** XACK and XPENDING: what a group has delivered and nobody has acknowledged. Source: spec server.md section 24. Records: stream-group-records.ts. */
import type { Ref } from '../memory/arena.js';
import { IdBatch } from '../memory/id-batch.js';
import { compareIds, StreamId } from '../memory/stream-id.js';
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { streamsOf } from '../types/stream.js';
import type { StreamConsumer, StreamGroup } from '../types/stream-group.js';
import { replyNotAnInteger, replySyntaxError } from './replies.js';
import { isStream, parseId, parseRange, range, replyId } from './stream-arguments.js';
import { findGroup, lookUp, replyNoGroup } from './stream-group.js';

const EMPTY_ARRAY = fixedReply('*0');
/** Of XPENDING with a range. */
const ARGC_MIN = 6;
const ARGC_MAX = 9;
const TWO_32 = 4294967296n;

const id = new StreamId();
const batch = new IdBatch();

export function xack(call: Invocation): void {
  const { argc, db, keyspace } = call;
  const ref = call.lookupRead(1);
  if (ref !== 0 && !isStream(call, ref)) return;
  const group = ref === 0 ? null : findGroup(call, ref, 2);
  if (group === null) return call.reply.integer(0);
  // All or none: a wrong ID is found before anything is acknowledged.
  batch.begin(argc - 3);
  for (let i = 3; i < argc; i++) {
    if (!parseId(call, i, id)) return batch.end();
    batch.push(id);
  }
  db.beforeQuietWrite(ref);
  const count = streamsOf(keyspace).groups.removeAll(group, batch);
  batch.end();
  keyspace.dirty += count;
  call.reply.integer(count);
}

export function xpending(call: Invocation): void {
  const { argc } = call;
  if (argc === 3) return pendingSummary(call);
  if (argc < ARGC_MIN || argc > ARGC_MAX) return replySyntaxError(call);
  const hasIdle = call.is(3, 'IDLE');
  const at = hasIdle ? 5 : 3;
  const idleMs = hasIdle ? call.roundedInteger(4) : 0;
  if (Number.isNaN(idleMs)) return replyNotAnInteger(call);
  if (argc < at + 3) return replySyntaxError(call);
  const count = call.roundedInteger(at + 2);
  if (Number.isNaN(count)) return replyNotAnInteger(call);
  if (!parseRange(call, at, at + 1)) return;
  const found = find(call);
  if (found === null) return;
  const { group } = found;
  const consumer = argc > at + 3 ? lookUp(call, group.consumers, at + 3) : undefined;
  if (consumer === null) return call.reply.raw(EMPTY_ARRAY);
  replyPending(call, group, consumer ?? null, count, idleMs);
}

/** @returns stream and group that arguments 1 and 2 name; null after an error reply */
function find(call: Invocation): { readonly ref: Ref; readonly group: StreamGroup } | null {
  const ref = call.lookupRead(1);
  if (ref !== 0 && !isStream(call, ref)) return null;
  const group = ref === 0 ? null : findGroup(call, ref, 2);
  if (group !== null) return { ref, group };
  replyNoGroup(call, 1, 2);
  return null;
}

/** Count, first and last ID, and how many each consumer owns. */
function pendingSummary(call: Invocation): void {
  const found = find(call);
  if (found === null) return;
  const { reply } = call;
  const { group } = found;
  const { pending, owned } = streamsOf(call.keyspace).groups;
  const count = pending.count(group.pending);
  reply.array(4);
  reply.integer(count);
  if (count === 0) {
    reply.null();
    reply.null();
    reply.nullArray();
    return;
  }
  pending.seekFirst(group.pending);
  pending.readId(id);
  replyId(reply, id);
  pending.seekLast(group.pending);
  pending.readId(id);
  replyId(reply, id);
  const owners = group.consumers.inOrder().filter((consumer) => owned.count(consumer.owned) > 0);
  reply.array(owners.length);
  for (const { name, owned: tree } of owners) {
    reply.array(2);
    reply.bulkBytes(name);
    reply.bulkText(String(owned.count(tree)));
  }
}

/** Replies with up to `count` pending entries in `range` that were delivered `idleMs` ago or earlier. @param consumer null: of any */
function replyPending(
  call: Invocation,
  group: StreamGroup,
  consumer: StreamConsumer | null,
  count: number,
  idleMs: number,
): void {
  const { reply, keyspace } = call;
  const { groups } = streamsOf(keyspace);
  const { pending, owned } = groups;
  const tree = consumer === null ? pending : owned;
  const mark = reply.length;
  let written = 0;
  let isThere = tree.seekFrom(consumer === null ? group.pending : consumer.owned, range.from);
  // What a consumer owns mostly was delivered to it in runs: neighbours in the group, too.
  if (consumer !== null) pending.seekFirst(group.pending);
  for (; isThere && written < count; isThere = tree.next()) {
    tree.readId(id);
    if (compareIds(id, range.to) > 0) break;
    if (consumer !== null) pending.findOnward(group.pending, id);
    const idle = keyspace.nowMs - groups.deliveredAtMs;
    if (idleMs > 0 && idle < idleMs) continue;
    reply.array(4);
    replyId(reply, id);
    reply.bulkBytes(groups.owner(group).name);
    reply.integer(Math.max(0, idle));
    replyDeliveries(call, groups.deliveriesHigh, groups.deliveriesLow);
    written++;
  }
  reply.insertArrayHeader(mark, written);
}

/** Replies with an int64. */
export function replyDeliveries({ reply }: Invocation, high: number, low: number): void {
  if (high === 0) reply.integer(low >>> 0);
  else reply.bigInteger(BigInt(high) * TWO_32 + BigInt(low >>> 0));
}
