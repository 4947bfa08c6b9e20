/** XGROUP: consumer groups and their consumers come and go. Source: spec server.md section 24. Records: stream-group-records.ts. */
import type { Ref } from '../memory/arena.js';
import { StreamId } from '../memory/stream-id.js';
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_STREAM } from '../server/notify-classes.js';
import type { Named, NamedMap } from '../types/named-map.js';
import { parseInt64 } from '../types/number.js';
import { streamsOf } from '../types/stream.js';
import { ENTRIES_READ_UNKNOWN, type StreamConsumer, type StreamGroup } from '../types/stream-group.js';
import { helpReply } from './help.js';
import { replyNotAnInteger, replySubcommandSyntax } from './replies.js';
import { isByte, isStream, parseId } from './stream-arguments.js';

const KEY_MISSING = fixedReply(
  '-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.',
);
const GROUP_EXISTS = fixedReply('-BUSYGROUP Consumer Group name already exists');
const ENTRIES_READ_NEGATIVE = fixedReply('-ERR value for ENTRIESREAD must be positive or -1');

const DOLLAR = 0x24;
const KEY_AT = 2;
const GROUP_AT = 3;
/** Options may be repeated, and are read before the key is looked up; that they are too many is found out last. */
const CREATE_ARGC_MAX = 8;
const SETID_ARGC_MAX = 7;

const id = new StreamId();

export const xgroupHelp = helpReply('XGROUP', [
  'CREATE <key> <groupname> <id|$> [option]',
  '    Create a new consumer group. Options are:',
  '    * MKSTREAM',
  '      Create the empty stream if it does not exist.',
  '    * ENTRIESREAD entries_read',
  "      Set the group's entries_read counter (internal use).",
  'CREATECONSUMER <key> <groupname> <consumer>',
  '    Create a new consumer in the specified group.',
  'DELCONSUMER <key> <groupname> <consumer>',
  '    Remove the specified consumer.',
  'DESTROY <key> <groupname>',
  '    Remove the specified group.',
  'SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]',
  '    Set the current group ID and entries_read counter.',
]);

export function xgroupCreate(call: Invocation): void {
  const { reply, request } = call;
  const options = parseOptions(call, 'CREATE');
  if (options === null) return;
  let ref = call.lookupWrite(KEY_AT);
  if (ref === 0 && !options.makesStream) return reply.fixedError(KEY_MISSING, 'ERR');
  if (ref !== 0 && !isStream(call, ref)) return;
  if (call.argc > CREATE_ARGC_MAX) return replySubcommandSyntax(call);
  const streams = streamsOf(call.keyspace);
  if (!parseGroupId(call, ref, id)) return;
  if (ref !== 0 && findGroup(call, ref, GROUP_AT) !== null) return reply.fixedError(GROUP_EXISTS, 'BUSYGROUP');
  if (ref === 0) ref = streams.create(call.db, request.bytes, request.starts[KEY_AT], request.lengths[KEY_AT]);
  else call.db.beforeQuietWrite(ref);
  streams.groups.create(streams.groupsForWrite(ref), request.view(GROUP_AT), id, options.entriesRead);
  call.keyspace.dirty++;
  call.notify(NOTIFY_STREAM, 'xgroup-create', KEY_AT);
  reply.ok();
}

export function xgroupSetId(call: Invocation): void {
  const options = parseOptions(call, 'SETID');
  if (options === null) return;
  const found = findForWrite(call);
  if (found === null) return;
  if (call.argc > SETID_ARGC_MAX) return replySubcommandSyntax(call);
  if (!parseGroupId(call, found.ref, id)) return;
  call.db.beforeQuietWrite(found.ref);
  found.group.lastId.copy(id);
  found.group.entriesRead = options.entriesRead;
  call.keyspace.dirty++;
  call.notify(NOTIFY_STREAM, 'xgroup-setid', KEY_AT);
  call.reply.ok();
}

export function xgroupDestroy(call: Invocation): void {
  const ref = lookupStream(call);
  if (ref === 0) return;
  const group = findGroup(call, ref, GROUP_AT);
  if (group === null) return call.reply.integer(0);
  call.db.beforeQuietWrite(ref);
  streamsOf(call.keyspace).destroyGroup(ref, group);
  // Whoever waits for something new in this group learns that it is no more.
  call.server.keyWaits.signal(call, KEY_AT);
  call.keyspace.dirty++;
  call.notify(NOTIFY_STREAM, 'xgroup-destroy', KEY_AT);
  call.reply.integer(1);
}

export function xgroupCreateConsumer(call: Invocation): void {
  const found = findForWrite(call);
  if (found === null) return;
  const known = found.group.consumers.size;
  findConsumer(call, found.ref, KEY_AT, found.group, GROUP_AT + 1);
  call.reply.integer(found.group.consumers.size - known);
}

export function xgroupDelConsumer(call: Invocation): void {
  const found = findForWrite(call);
  if (found === null) return;
  const consumer = lookUp(call, found.group.consumers, GROUP_AT + 1);
  if (consumer === null) return call.reply.integer(0);
  call.db.beforeQuietWrite(found.ref);
  const count = streamsOf(call.keyspace).groups.removeConsumer(found.group, consumer);
  call.keyspace.dirty++;
  call.notify(NOTIFY_STREAM, 'xgroup-delconsumer', KEY_AT);
  call.reply.integer(count);
}

/** @returns the group named in argument `at`, or null */
export function findGroup(call: Invocation, ref: Ref, at: number): StreamGroup | null {
  return lookUp(call, streamsOf(call.keyspace).groupsOf(ref), at);
}

/** The consumer named in argument `at` tries to get something: from now on it is one of the group's. */
export function seeConsumer(call: Invocation, ref: Ref, keyAt: number, group: StreamGroup, at: number): StreamConsumer {
  call.db.beforeQuietWrite(ref);
  const consumer = findConsumer(call, ref, keyAt, group, at);
  consumer.seenAtMs = call.keyspace.nowMs;
  return consumer;
}

/** @returns the consumer named in argument `at`, which is made if it is not there */
function findConsumer(call: Invocation, ref: Ref, keyAt: number, group: StreamGroup, at: number): StreamConsumer {
  const known = lookUp(call, group.consumers, at);
  if (known !== null) return known;
  call.db.beforeQuietWrite(ref);
  const { groups } = streamsOf(call.keyspace);
  const consumer = groups.createConsumer(group, call.request.view(at), call.keyspace.nowMs);
  call.keyspace.dirty++;
  call.notify(NOTIFY_STREAM, 'xgroup-createconsumer', keyAt);
  return consumer;
}

/** @returns the group or consumer named in argument `at`, or null */
export function lookUp<T extends Named>({ request }: Invocation, named: NamedMap<T>, at: number): T | null {
  return named.find(request.bytes, request.starts[at], request.lengths[at]);
}

export function replyNoGroup(call: Invocation, keyAt: number, groupAt: number): void {
  const { request, reply } = call;
  reply.byteError(`NOGROUP No such key '${request.cText(keyAt)}' or consumer group '${request.cText(groupAt)}'`);
}

/** @returns the stream of an XGROUP subcommand; 0 after an error reply */
function lookupStream(call: Invocation): Ref {
  const ref = call.lookupWrite(KEY_AT);
  if (ref === 0) call.reply.fixedError(KEY_MISSING, 'ERR');
  return ref !== 0 && isStream(call, ref) ? ref : 0;
}

/** @returns stream and group of an XGROUP subcommand; null after an error reply */
function findForWrite(call: Invocation): { readonly ref: Ref; readonly group: StreamGroup } | null {
  const ref = lookupStream(call);
  if (ref === 0) return null;
  const group = findGroup(call, ref, GROUP_AT);
  if (group === null) {
    const { request, reply } = call;
    const names = `'${request.cText(GROUP_AT)}' for key name '${request.cText(KEY_AT)}'`;
    reply.byteError(`NOGROUP No such consumer group ${names}`);
    return null;
  }
  return { ref, group };
}

/** Reads the ID of CREATE and SETID; `$` is the last one of the stream. @returns false after an error reply */
function parseGroupId(call: Invocation, ref: Ref, into: StreamId): boolean {
  if (!isByte(call, GROUP_AT + 1, DOLLAR)) return parseId(call, GROUP_AT + 1, into);
  if (ref === 0) into.setMin();
  else streamsOf(call.keyspace).lastId(ref, into);
  return true;
}

/** @returns null after an error reply */
function parseOptions(
  call: Invocation,
  name: 'CREATE' | 'SETID',
): { readonly makesStream: boolean; readonly entriesRead: bigint } | null {
  let makesStream = false;
  let entriesRead = ENTRIES_READ_UNKNOWN;
  for (let i = GROUP_AT + 2; i < call.argc; i++) {
    if (name === 'CREATE' && call.is(i, 'MKSTREAM')) {
      makesStream = true;
    } else if (i + 1 < call.argc && call.is(i, 'ENTRIESREAD')) {
      const { bytes, starts, lengths } = call.request;
      const value = parseInt64(bytes, starts[++i], lengths[i]);
      if (value === null) {
        replyNotAnInteger(call);
        return null;
      }
      if (value < 0n && value !== ENTRIES_READ_UNKNOWN) {
        call.reply.fixedError(ENTRIES_READ_NEGATIVE, 'ERR');
        return null;
      }
      entriesRead = value;
    } else {
      replySubcommandSyntax(call);
      return null;
    }
  }
  return { makesStream, entriesRead };
}
