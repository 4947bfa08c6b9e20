/**
 * XCLAIM and XAUTOCLAIM: pending entries change their owner. Source: spec server.md section 24, rule 11; propagation in persistence.md 8.2.
 * Records: stream-group-records.ts.
 */
import type { Ref } from '../memory/arena.js';
import { compareIds, StreamId } from '../memory/stream-id.js';
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { parseInt64 } from '../types/number.js';
import { streamsOf } from '../types/stream.js';
import type { StreamConsumer, StreamGroup } from '../types/stream-group.js';
import { ID_INVALID, ID_WITH_ANY_SEQ, parseStreamId } from '../types/stream-id-text.js';
import { replySyntaxError } from './replies.js';
import { isStream, parseId, parseRangeStart, replyEntry, replyId } from './stream-arguments.js';
import { findGroup, replyNoGroup, seeConsumer } from './stream-group.js';
import { propagateClaim, propagateGroupId } from './stream-propagation.js';

const COUNT_INVALID = fixedReply('-ERR COUNT must be > 0');
const COUNT_DEFAULT = 100;
/** Of the reply's IDs, 16 bytes each. */
const COUNT_MAX = 2n ** 59n - 1n;
/** So many pending entries are looked at for each that is wanted. */
const ATTEMPTS_PER_COUNT = 10;

const id = new StreamId();

/** What XCLAIM was told. */
interface ClaimOptions {
  readonly minIdleMs: number;
  /** Unix ms. */
  readonly deliveredAtMs: number;
  /** null: one more than before, unless only IDs are wanted. */
  readonly deliveries: bigint | null;
  readonly isForced: boolean;
  readonly hasIdsOnly: boolean;
}

export function xclaim(call: Invocation): void {
  const { argc, reply, request, keyspace } = call;
  const ref = call.lookupRead(1);
  if (ref !== 0 && !isStream(call, ref)) return;
  const group = ref === 0 ? null : findGroup(call, ref, 2);
  if (group === null) return replyNoGroup(call, 1, 2);
  const minIdleMs = minIdleArgument(call);
  if (Number.isNaN(minIdleMs)) return;
  let idsEnd = 5;
  for (; idsEnd < argc; idsEnd++) {
    const form = parseStreamId(request.bytes, request.starts[idsEnd], request.lengths[idsEnd], id);
    if (form === ID_INVALID || form === ID_WITH_ANY_SEQ) break;
  }
  const lastId = new StreamId();
  const options = parseOptions(call, idsEnd, minIdleMs, lastId);
  if (options === null) return;
  const { dirty } = keyspace;
  call.db.beforeQuietWrite(ref);
  const hasNewLastId = compareIds(lastId, group.lastId) > 0;
  if (hasNewLastId) {
    group.lastId.copy(lastId);
    keyspace.dirty++;
  }
  const consumer = seeConsumer(call, ref, 1, group, 3);
  const known = keyspace.dirty;
  const mark = reply.length;
  let written = 0;
  for (let i = 5; i < idsEnd; i++) {
    parseId(call, i, id);
    if (claim(call, ref, group, consumer, options, i)) written++;
  }
  reply.insertArrayHeader(mark, written);
  // What has become of the group's last ID stands in the records of the entries; without any it needs one of its own.
  if (hasNewLastId && keyspace.dirty === known) propagateGroupId(call, 1, group);
  if (keyspace.dirty !== dirty) call.propagateNothing();
}

export function xautoclaim(call: Invocation): void {
  const { argc, reply, request, keyspace } = call;
  // A miss counts even if the arguments are wrong.
  const ref = call.lookupRead(1);
  const minIdleMs = minIdleArgument(call);
  if (Number.isNaN(minIdleMs)) return;
  const start = new StreamId();
  if (!parseRangeStart(call, 5, start)) return;
  let count = COUNT_DEFAULT;
  let hasIdsOnly = false;
  for (let i = 6; i < argc; i++) {
    if (i + 1 < argc && call.is(i, 'COUNT')) {
      const value = parseInt64(request.bytes, request.starts[++i], request.lengths[i]);
      if (value === null || value < 1n || value > COUNT_MAX) return reply.fixedError(COUNT_INVALID, 'ERR');
      count = Number(value);
    } else if (call.is(i, 'JUSTID')) {
      hasIdsOnly = true;
    } else {
      return replySyntaxError(call);
    }
  }
  if (ref !== 0 && !isStream(call, ref)) return;
  const group = ref === 0 ? null : findGroup(call, ref, 2);
  if (group === null) return replyNoGroup(call, 1, 2);
  const consumer = seeConsumer(call, ref, 1, group, 3);
  call.propagateNothing();
  const options = { minIdleMs, deliveredAtMs: keyspace.nowMs, deliveries: null, isForced: false, hasIdsOnly };
  claimFrom(call, ref, group, consumer, options, start, count);
}

/** Claims pending entries from `start` on, and replies with where to go on, what was claimed, and what was found to be deleted. */
function claimFrom(
  call: Invocation,
  ref: Ref,
  group: StreamGroup,
  consumer: StreamConsumer,
  options: ClaimOptions,
  start: StreamId,
  count: number,
): void {
  const { reply, keyspace } = call;
  const { pending } = streamsOf(keyspace).groups;
  const deleted: StreamId[] = [];
  const mark = reply.length;
  let attempts = count * ATTEMPTS_PER_COUNT;
  let rest = count;
  let claimed = 0;
  let isThere = pending.seekFrom(group.pending, start);
  for (; isThere && attempts > 0 && rest > 0; attempts--) {
    pending.readId(id);
    const wasPending = pending.count(group.pending);
    if (claim(call, ref, group, consumer, options, 0)) {
      claimed++;
      rest--;
    } else if (pending.count(group.pending) < wasPending) {
      const gone = new StreamId();
      gone.copy(id);
      deleted.push(gone);
      rest--;
    }
    // What was done to the entry may have moved the others.
    isThere = pending.seekFrom(group.pending, id);
    if (isThere && pending.compare(id) === 0) isThere = pending.next();
  }
  reply.insertArrayHeader(mark, claimed);
  if (isThere) pending.readId(id);
  else id.setMin();
  const end = reply.length;
  reply.array(3);
  replyId(reply, id);
  reply.moveHeader(mark, end);
  reply.array(deleted.length);
  for (const gone of deleted) replyId(reply, gone);
}

/**
 * Claims the entry `id` for the consumer, and adds it to the reply. An entry that is pending but was deleted is pending no more.
 * @param idAt argument with the ID, 0 for none
 * @returns whether it was claimed
 */
function claim(
  call: Invocation,
  ref: Ref,
  group: StreamGroup,
  consumer: StreamConsumer,
  { minIdleMs, deliveredAtMs, deliveries, isForced, hasIdsOnly }: ClaimOptions,
  idAt: number,
): boolean {
  const { reply, keyspace } = call;
  const streams = streamsOf(keyspace);
  const { groups } = streams;
  const isPending = groups.pending.find(group.pending, id);
  if (!streams.has(ref, id)) {
    if (!isPending) return false;
    // A replica that is told to claim it finds out as well.
    propagateClaim(call, 1, group, id, idAt);
    groups.remove(group, id);
    keyspace.dirty++;
    return false;
  }
  if (!isPending) {
    if (!isForced) return false;
    groups.add(group, id, consumer, keyspace.nowMs);
    groups.countDelivery();
  } else if (minIdleMs > 0 && keyspace.nowMs - groups.deliveredAtMs < minIdleMs) {
    return false;
  }
  groups.giveTo(group, id, consumer);
  groups.deliveredAtMs = deliveredAtMs;
  if (deliveries !== null)
    groups.setDeliveries(Number(BigInt.asIntN(32, deliveries >> 32n)), Number(BigInt.asIntN(32, deliveries)));
  else if (!hasIdsOnly) groups.countDelivery();
  if (hasIdsOnly) replyId(reply, id);
  else replyEntry(reply, streams.cursor);
  consumer.activeAtMs = keyspace.nowMs;
  propagateClaim(call, 1, group, id, idAt);
  keyspace.dirty++;
  return true;
}

/** @returns argument 4, 0 if it is negative; NaN after an error reply */
function minIdleArgument(call: Invocation): number {
  const minIdleMs = call.roundedInteger(4);
  if (Number.isNaN(minIdleMs))
    call.error(`ERR Invalid min-idle-time argument for ${call.command.fullName.toUpperCase()}`);
  return Math.max(0, minIdleMs);
}

/** Reads XCLAIM's options from argument `at` on. @param lastId receives LASTID, 0-0 without; @returns null after an error reply */
function parseOptions(call: Invocation, at: number, minIdleMs: number, lastId: StreamId): ClaimOptions | null {
  const { request, keyspace } = call;
  const { nowMs } = keyspace;
  let deliveredAtMs = nowMs;
  let deliveries: bigint | null = null;
  let isForced = false;
  let hasIdsOnly = false;
  for (let i = at; i < call.argc; i++) {
    const isLast = i + 1 >= call.argc;
    if (call.is(i, 'FORCE')) {
      isForced = true;
    } else if (call.is(i, 'JUSTID')) {
      hasIdsOnly = true;
    } else if (!isLast && (call.is(i, 'IDLE') || call.is(i, 'TIME'))) {
      const value = call.roundedInteger(i + 1);
      if (Number.isNaN(value)) return refuseOption(call, i);
      deliveredAtMs = call.is(i, 'IDLE') ? nowMs - value : value;
      i++;
    } else if (!isLast && call.is(i, 'RETRYCOUNT')) {
      const value = parseInt64(request.bytes, request.starts[i + 1], request.lengths[i + 1]);
      if (value === null) return refuseOption(call, i);
      deliveries = value < 0n ? null : value;
      i++;
    } else if (!isLast && call.is(i, 'LASTID')) {
      if (!parseId(call, ++i, lastId)) return null;
    } else {
      call.reply.byteError(`ERR Unrecognized XCLAIM option '${request.cText(i)}'`);
      return null;
    }
  }
  // Nothing was delivered in the future, or before 1970.
  if (deliveredAtMs < 0 || deliveredAtMs > nowMs) deliveredAtMs = nowMs;
  return { minIdleMs, deliveredAtMs, deliveries, isForced, hasIdsOnly };
}

function refuseOption(call: Invocation, at: number): null {
  call.error(`ERR Invalid ${call.text(at).toUpperCase()} option argument for XCLAIM`);
  return null;
}
