/** XINFO: what streams, groups and consumers look like inside. Source: spec server.md section 24, rules 12 to 14. Records: stream-group-records.ts. */
import type { Ref } from '../memory/arena.js';
import { StreamId } from '../memory/stream-id.js';
import type { Invocation } from '../server/invocation.js';
import { MAX_ID, MIN_ID, streamsOf } from '../types/stream.js';
import { ENTRIES_READ_UNKNOWN, type StreamConsumer, type StreamGroup } from '../types/stream-group.js';
import { lagOf } from '../types/stream-progress.js';
import { helpReply } from './help.js';
import { replyNoSuchKey, replyNotAnInteger } from './replies.js';
import { isStream, replyEntries, replyEntry, replyId } from './stream-arguments.js';
import { findGroup } from './stream-group.js';
import { replyDeliveries } from './stream-pending.js';

const KEY_AT = 2;
const FULL_COUNT_DEFAULT = 10;

const id = new StreamId();

export const xinfoHelp = helpReply('XINFO', [
  'CONSUMERS <key> <groupname>',
  '    Show consumers of <groupname>.',
  'GROUPS <key>',
  '    Show the stream consumer groups.',
  'STREAM <key> [FULL [COUNT <count>]',
  '    Show information about the stream.',
]);

export function xinfoStream(call: Invocation): void {
  const ref = lookup(call);
  if (ref === 0) return;
  if (call.argc === KEY_AT + 1) return describe(call, ref);
  const { argc } = call;
  const isFull = call.is(KEY_AT + 1, 'FULL');
  const hasCount = argc === KEY_AT + 4 && call.is(KEY_AT + 2, 'COUNT');
  if (!isFull || (argc !== KEY_AT + 2 && !hasCount)) {
    const name = call.request.latin1(1);
    return call.reply.byteError(`ERR unknown subcommand or wrong number of arguments for '${name}'. Try XINFO HELP.`);
  }
  let count = hasCount ? call.roundedInteger(KEY_AT + 3) : FULL_COUNT_DEFAULT;
  if (Number.isNaN(count)) return replyNotAnInteger(call);
  if (count < 0) count = FULL_COUNT_DEFAULT;
  describeFully(call, ref, count === 0 ? Number.POSITIVE_INFINITY : count);
}

export function xinfoGroups(call: Invocation): void {
  const ref = lookup(call);
  if (ref === 0) return;
  const { reply } = call;
  const streams = streamsOf(call.keyspace);
  const groups = streams.groupsOf(ref).inOrder();
  reply.array(groups.length);
  for (const group of groups) {
    reply.map(6);
    reply.bulkText('name');
    reply.bulkBytes(group.name);
    number(call, 'consumers', group.consumers.size);
    number(call, 'pending', streams.groups.pending.count(group.pending));
    describeProgress(call, ref, group);
  }
}

export function xinfoConsumers(call: Invocation): void {
  const ref = lookup(call);
  if (ref === 0) return;
  const { reply, request, keyspace } = call;
  const group = findGroup(call, ref, KEY_AT + 1);
  if (group === null) {
    const names = `'${request.cText(KEY_AT + 1)}' for key name '${request.cText(KEY_AT)}'`;
    return reply.byteError(`NOGROUP No such consumer group ${names}`);
  }
  const { owned } = streamsOf(keyspace).groups;
  const consumers = group.consumers.inOrder();
  reply.array(consumers.length);
  for (const consumer of consumers) {
    reply.map(4);
    reply.bulkText('name');
    reply.bulkBytes(consumer.name);
    number(call, 'pending', owned.count(consumer.owned));
    number(call, 'idle', Math.max(0, keyspace.nowMs - consumer.seenAtMs));
    number(call, 'inactive', consumer.activeAtMs < 0 ? -1 : Math.max(0, keyspace.nowMs - consumer.activeAtMs));
  }
}

/** @returns the stream; 0 after an error reply */
function lookup(call: Invocation): Ref {
  const ref = call.lookupRead(KEY_AT);
  if (ref === 0) replyNoSuchKey(call);
  return ref !== 0 && isStream(call, ref) ? ref : 0;
}

function describe(call: Invocation, ref: Ref): void {
  const { reply } = call;
  const streams = streamsOf(call.keyspace);
  reply.map(10);
  describeNodes(call, ref);
  number(call, 'groups', streams.groupsOf(ref).size);
  for (const isReverse of [false, true]) {
    reply.bulkText(isReverse ? 'last-entry' : 'first-entry');
    const cursor = streams.walk(ref, MIN_ID, MAX_ID, isReverse);
    if (cursor.next()) replyEntry(reply, cursor);
    else reply.null();
  }
}

/** @param count of entries, and of pending entries of each group and consumer */
function describeFully(call: Invocation, ref: Ref, count: number): void {
  const { reply } = call;
  const streams = streamsOf(call.keyspace);
  reply.map(9);
  describeNodes(call, ref);
  reply.bulkText('entries');
  replyEntries(reply, streams.walk(ref, MIN_ID, MAX_ID, false), count);
  reply.bulkText('groups');
  const groups = streams.groupsOf(ref).inOrder();
  reply.array(groups.length);
  for (const group of groups) describeGroup(call, ref, group, count);
}

/** Seven fields. */
function describeNodes(call: Invocation, ref: Ref): void {
  const streams = streamsOf(call.keyspace);
  const nodes = streams.nodeCount(ref);
  number(call, 'length', streams.length(ref));
  number(call, 'radix-tree-keys', nodes);
  // There is no radix tree here: this is what one has whose keys differ in their last byte.
  number(call, 'radix-tree-nodes', nodes + 1);
  streams.lastId(ref, id);
  identifier(call, 'last-generated-id', id);
  streams.maxDeletedId(ref, id);
  identifier(call, 'max-deleted-entry-id', id);
  bigNumber(call, 'entries-added', streams.entriesAdded(ref));
  streams.firstId(ref, id);
  identifier(call, 'recorded-first-entry-id', id);
}

function describeGroup(call: Invocation, ref: Ref, group: StreamGroup, count: number): void {
  const { reply } = call;
  const { groups } = streamsOf(call.keyspace);
  const { pending } = groups;
  reply.map(7);
  reply.bulkText('name');
  reply.bulkBytes(group.name);
  describeProgress(call, ref, group);
  number(call, 'pel-count', pending.count(group.pending));
  reply.bulkText('pending');
  const mark = reply.length;
  let written = 0;
  for (let isThere = pending.seekFirst(group.pending); isThere && written < count; isThere = pending.next()) {
    reply.array(4);
    pending.readId(id);
    replyId(reply, id);
    reply.bulkBytes(groups.owner(group).name);
    replyDelivery(call);
    written++;
  }
  reply.insertArrayHeader(mark, written);
  reply.bulkText('consumers');
  const consumers = group.consumers.inOrder();
  reply.array(consumers.length);
  for (const consumer of consumers) describeConsumer(call, group, consumer, count);
}

function describeConsumer(call: Invocation, group: StreamGroup, consumer: StreamConsumer, count: number): void {
  const { reply } = call;
  const { pending, owned } = streamsOf(call.keyspace).groups;
  reply.map(5);
  reply.bulkText('name');
  reply.bulkBytes(consumer.name);
  number(call, 'seen-time', consumer.seenAtMs);
  number(call, 'active-time', consumer.activeAtMs);
  number(call, 'pel-count', owned.count(consumer.owned));
  reply.bulkText('pending');
  const mark = reply.length;
  let written = 0;
  // What a consumer owns mostly was delivered to it in runs: neighbours in the group, too.
  pending.seekFirst(group.pending);
  for (let isThere = owned.seekFirst(consumer.owned); isThere && written < count; isThere = owned.next()) {
    reply.array(3);
    owned.readId(id);
    replyId(reply, id);
    pending.findOnward(group.pending, id);
    replyDelivery(call);
    written++;
  }
  reply.insertArrayHeader(mark, written);
}

/** When and how often the entry at the place in the pending ones was delivered. */
function replyDelivery(call: Invocation): void {
  const { groups } = streamsOf(call.keyspace);
  call.reply.integer(groups.deliveredAtMs);
  replyDeliveries(call, groups.deliveriesHigh, groups.deliveriesLow);
}

/** Three fields. */
function describeProgress(call: Invocation, ref: Ref, group: StreamGroup): void {
  identifier(call, 'last-delivered-id', group.lastId);
  bigNumber(call, 'entries-read', group.entriesRead === ENTRIES_READ_UNKNOWN ? null : group.entriesRead);
  bigNumber(call, 'lag', lagOf(streamsOf(call.keyspace), ref, group));
}

function number({ reply }: Invocation, name: string, value: number): void {
  reply.bulkText(name);
  reply.integer(value);
}

function bigNumber({ reply }: Invocation, name: string, value: bigint | null): void {
  reply.bulkText(name);
  if (value === null) reply.null();
  else reply.bigInteger(value);
}

function identifier({ reply }: Invocation, name: string, value: StreamId): void {
  reply.bulkText(name);
  replyId(reply, value);
}
