/** Streams: what adds entries and takes them away. Source: spec server.md section 24. Records: stream-records.ts. */
import { EXPIRY_IGNORE } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import { compareIds, StreamId } from '../memory/stream-id.js';
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_STREAM } from '../server/notify-classes.js';
import { parseInt64 } from '../types/number.js';
import { MAX_ID, MIN_ID, Streams, streamsOf } from '../types/stream.js';
import { ID_INVALID, ID_WITH_ANY_SEQ, parseStreamId } from '../types/stream-id-text.js';
import { replyNoSuchKey, replyNotAnInteger, replySyntaxError, replyWrongArity } from './replies.js';
import { isByte, isStream, parseId, replyId, replyInvalidId, TrimOptions } from './stream-arguments.js';
import { propagateAddition } from './stream-propagation.js';

const ID_ZERO = fixedReply('-ERR The ID specified in XADD must be greater than 0-0');
const ID_TOO_SMALL = fixedReply('-ERR The ID specified in XADD is equal or smaller than the target stream top item');
const IDS_EXHAUSTED = fixedReply('-ERR The stream has exhausted the last possible ID, unable to add more items');
const TOO_LARGE = fixedReply('-ERR Elements are too large to be stored');
const NO_STRATEGY = fixedReply('-ERR syntax error, XTRIM must be called with a trimming strategy');
const SETID_BELOW_TOP = fixedReply('-ERR The ID specified in XSETID is smaller than the target stream top item');
const SETID_BELOW_DELETED = fixedReply(
  '-ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id',
);
const SETID_BELOW_LENGTH = fixedReply(
  '-ERR The entries_added specified in XSETID is smaller than the target stream length',
);
const ENTRIES_ADDED_NEGATIVE = fixedReply('-ERR entries_added must be positive');

const STAR = 0x2a;

/** How an ID was given: in full, by its ms, or not at all. */
const EXPLICIT = 0;
const ANY_SEQ = 1;
const ANY = 2;

const trim = new TrimOptions();
const id = new StreamId();
const lastId = new StreamId();
const maxDeletedId = new StreamId();

export function xadd(call: Invocation): void {
  const { argc, reply, request } = call;
  let isCreating = true;
  let idForm = EXPLICIT;
  let idAt = 2;
  trim.clear();
  for (; idAt < argc; ) {
    if (isByte(call, idAt, STAR)) {
      idForm = ANY;
      break;
    }
    const next = trim.parse(call, idAt);
    if (next < 0) return;
    if (next > idAt) {
      idAt = next;
    } else if (call.is(idAt, 'NOMKSTREAM')) {
      isCreating = false;
      idAt++;
    } else {
      const form = parseStreamId(request.bytes, request.starts[idAt], request.lengths[idAt], id);
      if (form === ID_INVALID) return replyInvalidId(call);
      if (form === ID_WITH_ANY_SEQ) idForm = ANY_SEQ;
      break;
    }
  }
  if (!trim.finish(call)) return;
  const firstAt = idAt + 1;
  if (argc - firstAt < 2 || (argc - firstAt) % 2 !== 0) return replyWrongArity(call);
  if (idForm === EXPLICIT && id.isZero) return reply.fixedError(ID_ZERO, 'ERR');
  let ref = call.lookupWrite(1);
  if (ref !== 0 && !isStream(call, ref)) return;
  if (ref === 0 && !isCreating) return reply.null();
  const streams = streamsOf(call.keyspace);
  const textBytes = Streams.textBytes(request, firstAt);
  if (!chooseId(call, ref, idForm)) return;
  if (textBytes < 0) return reply.fixedError(TOO_LARGE, 'ERR');
  if (ref === 0) ref = streams.create(call.db, request.bytes, request.starts[1], request.lengths[1]);
  streams.append(call.db, ref, id, request, firstAt, textBytes);
  call.keyspace.dirty++;
  replyId(reply, id);
  call.server.keyWaits.signal(call, 1);
  call.notify(NOTIFY_STREAM, 'xadd', 1);
  if (trim.hasStrategy) trimStream(call, ref);
  propagateAddition(call, ref, trim, idAt, idForm === EXPLICIT ? null : id);
}

/** Completes `id`, and compares it with the last one of the stream, if there is a stream. @returns false after an error reply */
function chooseId(call: Invocation, ref: Ref, idForm: number): boolean {
  const { reply } = call;
  if (ref === 0) lastId.setMin();
  else streamsOf(call.keyspace).lastId(ref, lastId);
  if (lastId.isMax) {
    reply.fixedError(IDS_EXHAUSTED, 'ERR');
    return false;
  }
  if (idForm === ANY) {
    id.setMs(call.keyspace.nowMs);
    if (compareIds(id, lastId) <= 0) becomeNext();
    return true;
  }
  const isSameMs = id.msHigh === lastId.msHigh && id.msLow === lastId.msLow;
  if (idForm === ANY_SEQ && isSameMs && !lastId.hasMaxSeq) {
    becomeNext();
    return true;
  }
  if (compareIds(id, lastId) > 0) return true;
  reply.fixedError(ID_TOO_SMALL, 'ERR');
  return false;
}

function becomeNext(): void {
  id.copy(lastId);
  id.increment();
}

export function xlen(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (ref === 0) return call.reply.integer(0);
  if (isStream(call, ref)) call.reply.integer(streamsOf(call.keyspace).length(ref));
}

export function xdel(call: Invocation): void {
  const { argc, db, keyspace } = call;
  const ref = call.lookupWrite(1);
  if (ref === 0) return call.reply.integer(0);
  if (!isStream(call, ref)) return;
  // All or none: a wrong ID is found before anything is deleted.
  for (let i = 2; i < argc; i++) if (!parseId(call, i, id)) return;
  const streams = streamsOf(keyspace);
  let count = 0;
  for (let i = 2; i < argc; i++) {
    parseId(call, i, id);
    if (streams.delete(db, ref, id)) count++;
  }
  keyspace.dirty += count;
  if (count > 0) call.notify(NOTIFY_STREAM, 'xdel', 1);
  call.reply.integer(count);
}

export function xtrim(call: Invocation): void {
  trim.clear();
  for (let i = 2; i < call.argc; ) {
    const next = trim.parse(call, i);
    if (next < 0) return;
    if (next === i) return replySyntaxError(call);
    i = next;
  }
  if (!trim.finish(call)) return;
  if (!trim.hasStrategy) return call.reply.fixedError(NO_STRATEGY, 'ERR');
  const ref = call.lookupWrite(1);
  if (ref === 0) return call.reply.integer(0);
  if (!isStream(call, ref)) return;
  const removed = trimStream(call, ref);
  if (removed > 0) propagateAddition(call, ref, trim, 0, null);
  call.reply.integer(removed);
}

/** Trims as `trim` says. @returns how many entries it removed */
function trimStream(call: Invocation, ref: Ref): number {
  const removed = streamsOf(call.keyspace).trim(call.db, ref, trim);
  if (removed === 0) return 0;
  call.keyspace.dirty += removed;
  call.notify(NOTIFY_STREAM, 'xtrim', 1);
  return removed;
}

export function xsetId(call: Invocation): void {
  const { argc, reply } = call;
  if (!parseId(call, 2, id)) return;
  let entriesAdded: bigint | null = null;
  let hasMaxDeleted = false;
  for (let i = 3; i < argc; i += 2) {
    if (i + 1 < argc && call.is(i, 'ENTRIESADDED')) {
      entriesAdded = parseInt64(call.request.bytes, call.request.starts[i + 1], call.request.lengths[i + 1]);
      if (entriesAdded === null) return replyNotAnInteger(call);
      if (entriesAdded < 0n) return reply.fixedError(ENTRIES_ADDED_NEGATIVE, 'ERR');
    } else if (i + 1 < argc && call.is(i, 'MAXDELETEDID')) {
      if (!parseId(call, i + 1, maxDeletedId)) return;
      const isRebuilt = call.keyspace.expiryMode === EXPIRY_IGNORE;
      if (compareIds(id, maxDeletedId) < 0 && !isRebuilt) return reply.fixedError(SETID_BELOW_DELETED, 'ERR');
      hasMaxDeleted = true;
    } else {
      return replySyntaxError(call);
    }
  }
  const ref = call.lookupWrite(1);
  if (ref === 0) return replyNoSuchKey(call);
  if (!isStream(call, ref)) return;
  const streams = streamsOf(call.keyspace);
  if (!hasMaxDeleted) streams.maxDeletedId(ref, maxDeletedId);
  const length = streams.length(ref);
  // What a stream really was is not doubted when it is rebuilt.
  if (length > 0 && call.keyspace.expiryMode !== EXPIRY_IGNORE) {
    if (compareIds(id, topId(call, ref)) < 0) return reply.fixedError(SETID_BELOW_TOP, 'ERR');
    if (entriesAdded !== null && entriesAdded < BigInt(length)) return reply.fixedError(SETID_BELOW_LENGTH, 'ERR');
  }
  streams.setHistory(call.db, ref, id, entriesAdded ?? streams.entriesAdded(ref), maxDeletedId);
  call.keyspace.dirty++;
  call.notify(NOTIFY_STREAM, 'xsetid', 1);
  reply.ok();
}

/** @returns the ID of the last entry that is there */
function topId(call: Invocation, ref: Ref): StreamId {
  const cursor = streamsOf(call.keyspace).walk(ref, MIN_ID, MAX_ID, true);
  cursor.next();
  return cursor.id;
}
