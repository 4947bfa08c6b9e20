/**
 * XREAD and XREADGROUP: entries behind an ID, of several streams; new to a group, or pending for a consumer; or wait for some.
 * Source: spec server.md sections 9 and 24; propagation in persistence.md 8.2. Records: stream-records.ts, stream-group-records.ts.
 */
import { TYPE_STREAM } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';
import { compareIds, StreamId } from '../memory/stream-id.js';
import { fixedReply } from '../resp/reply-writer.js';
import type { Request } from '../resp/request.js';
import type { Invocation } from '../server/invocation.js';
import { requestOf } from '../server/transaction.js';
import { MAX_ID, streamsOf } from '../types/stream.js';
import type { StreamConsumer, StreamGroup } from '../types/stream-group.js';
import { streamIdText } from '../types/stream-id-text.js';
import { advance } from '../types/stream-progress.js';
import { replyNotAnInteger, replySyntaxError } from './replies.js';
import { isByte, isStream, parseId, replyEntries, replyEntry, replyId } from './stream-arguments.js';
import { findGroup, seeConsumer } from './stream-group.js';
import { propagateClaim, propagateConsumer, propagateGroupId } from './stream-propagation.js';
import { timeoutMsArgument } from './timeout-argument.js';

const ID_OF_GROUPS = fixedReply(
  '-ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.',
);
const LAST_ID_IN_GROUP = fixedReply(
  '-ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.',
);
const GROUP_OF_XREADGROUP = fixedReply(
  '-ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.',
);
const NOACK_OF_XREADGROUP = fixedReply(
  '-ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.',
);
const GROUP_MISSING = fixedReply('-ERR Missing GROUP option for XREADGROUP');

const DOLLAR = 0x24;
const GREATER = 0x3e;

/** What the options said. */
interface ReadOptions {
  /** Of entries of each stream. */
  count: number;
  /** −1: without BLOCK. */
  blockMs: number;
  isNoAck: boolean;
  /** Argument with the group, the consumer behind it; 0 without. */
  groupAt: number;
  /** Arguments with the first key and the first ID. */
  keysAt: number;
  idsAt: number;
}

/** One of the streams to be read. */
interface Source {
  readonly keyAt: number;
  /** 0 if there is no such key. */
  readonly ref: Ref;
  /** Entries behind this one are wanted: of the stream, or pending ones; MAX_ID in a group: what is new to it. */
  readonly after: StreamId;
  readonly group: StreamGroup | null;
}

export function xread(call: Invocation): void {
  read(call, false);
}

export function xreadgroup(call: Invocation): void {
  read(call, true);
}

function read(call: Invocation, isGroup: boolean): void {
  const options = parseOptions(call, isGroup);
  if (options === null) return;
  const sources = findSources(call, options);
  if (sources === null) return;
  const { reply } = call;
  const mark = reply.length;
  let served = 0;
  for (const source of sources) {
    // Redis looks each key up twice, and counts and tells of it twice.
    call.lookupRead(source.keyAt);
    const isServed =
      source.group === null ? readStream(call, source, options) : readGroup(call, source, source.group, options);
    if (isServed) served++;
  }
  if (isGroup) call.propagateNothing();
  if (served > 0) {
    if (reply.protocol === 3) reply.insertMapHeader(mark, served);
    else reply.insertArrayHeader(mark, served);
    return;
  }
  if (options.blockMs < 0 || !block(call, options, sources)) reply.nullArray();
}

/** @returns null after an error reply */
function parseOptions(call: Invocation, isGroup: boolean): ReadOptions | null {
  const { argc, reply } = call;
  const options: ReadOptions = {
    count: Number.POSITIVE_INFINITY,
    blockMs: -1,
    isNoAck: false,
    groupAt: 0,
    keysAt: 0,
    idsAt: 0,
  };
  for (let i = 1; i < argc && options.keysAt === 0; i++) {
    const isLast = i + 1 >= argc;
    if (!isLast && call.is(i, 'BLOCK')) {
      options.blockMs = timeoutMsArgument(call, ++i);
      if (options.blockMs < 0) return null;
    } else if (!isLast && call.is(i, 'COUNT')) {
      const count = call.roundedInteger(++i);
      if (Number.isNaN(count)) {
        replyNotAnInteger(call);
        return null;
      }
      options.count = count <= 0 ? Number.POSITIVE_INFINITY : count;
    } else if (!isLast && call.is(i, 'STREAMS')) {
      options.keysAt = i + 1;
    } else if (i + 2 < argc && call.is(i, 'GROUP')) {
      if (!isGroup) return refuse(call, GROUP_OF_XREADGROUP);
      options.groupAt = i + 1;
      i += 2;
    } else if (call.is(i, 'NOACK')) {
      if (!isGroup) return refuse(call, NOACK_OF_XREADGROUP);
      options.isNoAck = true;
    } else {
      replySyntaxError(call);
      return null;
    }
  }
  if (options.keysAt === 0) {
    replySyntaxError(call);
    return null;
  }
  if ((argc - options.keysAt) % 2 !== 0) {
    reply.error(
      `ERR Unbalanced '${call.command.fullName}' list of streams: for each stream key an ID or '${isGroup ? '>' : '$'}' must be specified.`,
    );
    return null;
  }
  options.idsAt = (options.keysAt + argc) / 2;
  if (isGroup && options.groupAt === 0) return refuse(call, GROUP_MISSING);
  return options;
}

function refuse(call: Invocation, error: Uint8Array): null {
  call.reply.fixedError(error, 'ERR');
  return null;
}

/** Looks the streams and groups up, and reads the IDs. @returns null after an error reply */
function findSources(call: Invocation, { keysAt, idsAt, groupAt }: ReadOptions): Source[] | null {
  const streams = streamsOf(call.keyspace);
  const sources: Source[] = [];
  for (let keyAt = keysAt; keyAt < idsAt; keyAt++) {
    const idAt = idsAt + keyAt - keysAt;
    const ref = call.lookupRead(keyAt);
    if (ref !== 0 && !isStream(call, ref)) return null;
    const group = groupAt === 0 || ref === 0 ? null : findGroup(call, ref, groupAt);
    if (groupAt !== 0 && group === null) {
      call.reply.byteError(
        `NOGROUP No such key '${call.request.cText(keyAt)}' or consumer group '${call.request.cText(groupAt)}' in XREADGROUP with GROUP option`,
      );
      return null;
    }
    const after = new StreamId();
    if (isByte(call, idAt, DOLLAR)) {
      if (group !== null) return refuse(call, LAST_ID_IN_GROUP);
      if (ref !== 0) streams.lastId(ref, after);
    } else if (isByte(call, idAt, GREATER)) {
      if (group === null) return refuse(call, ID_OF_GROUPS);
      after.setMax();
    } else if (!parseId(call, idAt, after)) {
      return null;
    }
    sources.push({ keyAt, ref, after, group });
  }
  return sources;
}

/** @returns whether it had anything, which then is in the reply */
function readStream(call: Invocation, { ref, keyAt, after }: Source, { count }: ReadOptions): boolean {
  from.copy(after);
  if (ref === 0 || !from.increment()) return false;
  const streams = streamsOf(call.keyspace);
  streams.lastId(ref, lastId);
  if (compareIds(lastId, after) <= 0) return false;
  const { reply } = call;
  const mark = beginSource(call, keyAt);
  if (replyEntries(reply, streams.walk(ref, from, MAX_ID, false), count) > 0) return true;
  reply.rewind(mark);
  return false;
}

/** @returns whether the reply has something of this stream */
function readGroup(call: Invocation, source: Source, group: StreamGroup, options: ReadOptions): boolean {
  const { ref, after } = source;
  const isNew = compareIds(after, MAX_ID) === 0;
  const known = group.consumers.size;
  const consumer = seeConsumer(call, ref, source.keyAt, group, options.groupAt + 1);
  // Without it in the pending entries, nothing else would tell a replica of the consumer.
  if (options.isNoAck && group.consumers.size !== known) propagateConsumer(call, source.keyAt, group, consumer);
  return isNew
    ? deliver(call, source, group, consumer, options)
    : replyHistory(call, source, group, consumer, options.count);
}

/** Delivers what is new to the group. @returns whether there was anything, which then is in the reply */
function deliver(
  call: Invocation,
  { ref, keyAt }: Source,
  group: StreamGroup,
  consumer: StreamConsumer,
  { count, isNoAck }: ReadOptions,
): boolean {
  const { reply, keyspace } = call;
  const streams = streamsOf(keyspace);
  const { groups } = streams;
  streams.lastId(ref, lastId);
  from.copy(group.lastId);
  if (compareIds(lastId, group.lastId) <= 0 || !from.increment()) return false;
  const cursor = streams.walk(ref, from, MAX_ID, false);
  if (!cursor.next()) return false;
  beginSource(call, keyAt);
  const mark = reply.length;
  let written = 0;
  do {
    replyEntry(reply, cursor);
    const { id } = cursor;
    advance(streams, ref, group, id);
    if (!isNoAck) {
      groups.deliver(group, id, consumer, keyspace.nowMs);
      propagateClaim(call, keyAt, group, id, 0);
    }
    written++;
  } while (written < count && cursor.next());
  reply.insertArrayHeader(mark, written);
  if (isNoAck) propagateGroupId(call, keyAt, group);
  consumer.activeAtMs = keyspace.nowMs;
  keyspace.dirty += written;
  return true;
}

/** Replies with what is pending for the consumer, which counts as delivered once more; an entry that was deleted has no fields. @returns true */
function replyHistory(
  call: Invocation,
  { ref, keyAt, after }: Source,
  group: StreamGroup,
  consumer: StreamConsumer,
  count: number,
): boolean {
  const { reply, keyspace } = call;
  const streams = streamsOf(keyspace);
  const { owned } = streams.groups;
  beginSource(call, keyAt);
  const mark = reply.length;
  let written = 0;
  from.copy(after);
  from.increment();
  for (let isThere = owned.seekFrom(consumer.owned, from); isThere && written < count; isThere = owned.next()) {
    owned.readId(from);
    if (streams.has(ref, from)) {
      replyEntry(reply, streams.cursor);
      streams.groups.beginChange(group, from);
      streams.groups.deliveredAtMs = keyspace.nowMs;
      streams.groups.countDelivery();
    } else {
      reply.array(2);
      replyId(reply, from);
      reply.nullArray();
    }
    written++;
  }
  reply.insertArrayHeader(mark, written);
  return true;
}

/** Begins the part of one stream: its key. @returns where it begins in the reply */
function beginSource(call: Invocation, keyAt: number): number {
  const { reply } = call;
  const mark = reply.length;
  if (reply.protocol !== 3) reply.array(2);
  call.replyArgument(keyAt);
  return mark;
}

/** Makes the caller wait for entries behind those that are there now. @returns false where nobody may wait */
function block(call: Invocation, options: ReadOptions, sources: readonly Source[]): boolean {
  const { keysAt, blockMs, groupAt } = options;
  const { keyWaits } = call.server;
  return keyWaits.block(call, TYPE_STREAM, keysAt, sources.length, blockMs, {
    request: resolved(call, options, sources),
    needsKey: groupAt !== 0,
  });
}

/** The request to be executed again, with the ID that `$` is now. */
function resolved(call: Invocation, { idsAt, keysAt }: ReadOptions, sources: readonly Source[]): Request {
  const { request } = call;
  const words = Array.from({ length: request.argc }, (_, i) => request.view(i));
  for (const { keyAt, after } of sources) {
    const idAt = idsAt + keyAt - keysAt;
    if (isByte(call, idAt, DOLLAR)) words[idAt] = Buffer.from(streamIdText(after), 'latin1');
  }
  return requestOf(words);
}

const from = new StreamId();
const lastId = new StreamId();
