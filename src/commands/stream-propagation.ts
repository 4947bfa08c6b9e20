/**
 * What stream commands become on their way to the append-only file and to replicas. Source: spec persistence.md section 8.2.
 *
 * The records are written word by word, as one command may make very many of them.
 */
import type { Ref } from '../memory/arena.js';
import { StreamId } from '../memory/stream-id.js';
import type { Invocation } from '../server/invocation.js';
import { MAX_ID, streamsOf } from '../types/stream.js';
import type { StreamConsumer, StreamGroup } from '../types/stream-group.js';
import { STREAM_ID_TEXT_BYTES_MAX, streamIdText, writeStreamId } from '../types/stream-id-text.js';
import type { TrimOptions } from './stream-arguments.js';

const idText = new Uint8Array(STREAM_ID_TEXT_BYTES_MAX);
const EQUALS = Uint8Array.of(0x3d);
const firstId = new StreamId();

/**
 * XADD and XTRIM: as received, but with the ID that the entry got, and cut to what the stream has now where trimming was not exact.
 * @param idAt argument with the ID, 0 for none
 * @param id   null if the argument is the ID as it is
 */
export function propagateAddition(
  call: Invocation,
  ref: Ref,
  trim: TrimOptions,
  idAt: number,
  id: StreamId | null,
): void {
  // What is deterministic as it was received needs no other form.
  if (id === null && !trim.isApproximate) return;
  call.propagateNothing();
  const { propagation } = call.server;
  if (!propagation.isActive) return;
  const { argc, bytes, starts, lengths } = call.request;
  propagation.begin(argc);
  for (let i = 0; i < argc; i++) {
    if (i === idAt && id !== null) writeIdWord(call, id);
    else if (i === trim.operatorAt && trim.isApproximate) propagation.word(EQUALS, 0, 1);
    else if (i === trim.thresholdAt && trim.isApproximate) writeThreshold(call, ref, trim);
    else propagation.word(bytes, starts[i], lengths[i]);
  }
  propagation.end(call.db.index);
}

function writeThreshold(call: Invocation, ref: Ref, trim: TrimOptions): void {
  const streams = streamsOf(call.keyspace);
  if (trim.idMin === null) return call.server.propagation.integerWord(streams.length(ref));
  streams.firstId(ref, firstId);
  writeIdWord(call, streams.length(ref) === 0 ? MAX_ID : firstId);
}

function writeIdWord(call: Invocation, id: StreamId): void {
  call.server.propagation.word(idText, 0, writeStreamId(idText, 0, id));
}

/**
 * The entry has been given to a consumer: by XREADGROUP, XCLAIM or XAUTOCLAIM. It is pending.
 * @param idAt argument with the ID, if it is to be told as it was given; else 0
 */
export function propagateClaim(call: Invocation, keyAt: number, group: StreamGroup, id: StreamId, idAt: number): void {
  call.propagateNothing();
  const { propagation } = call.server;
  if (!propagation.isActive) return;
  const { bytes, starts, lengths } = call.request;
  const { groups } = streamsOf(call.keyspace);
  const { name } = groups.owner(group);
  propagation.begin(14);
  fixedWord(call, WORDS.XCLAIM);
  propagation.word(bytes, starts[keyAt], lengths[keyAt]);
  fixedWord(call, group.name);
  fixedWord(call, name);
  fixedWord(call, WORDS.ZERO);
  if (idAt === 0) writeIdWord(call, id);
  else propagation.word(bytes, starts[idAt], lengths[idAt]);
  fixedWord(call, WORDS.TIME);
  propagation.integerWord(groups.deliveredAtMs);
  fixedWord(call, WORDS.RETRYCOUNT);
  const deliveries = (BigInt(groups.deliveriesHigh) << 32n) | BigInt(groups.deliveriesLow >>> 0);
  fixedWord(call, Buffer.from(deliveries.toString()));
  fixedWord(call, WORDS.FORCE);
  fixedWord(call, WORDS.JUSTID);
  fixedWord(call, WORDS.LASTID);
  writeIdWord(call, group.lastId);
  propagation.end(call.db.index);
}

/** The group went on without anything that would tell of it: by NOACK, or by LASTID alone. */
export function propagateGroupId(call: Invocation, keyAt: number, group: StreamGroup): void {
  const { request } = call;
  const lastId = streamIdText(group.lastId);
  call.propagate([
    'XGROUP',
    'SETID',
    request.view(keyAt),
    group.name,
    lastId,
    'ENTRIESREAD',
    String(group.entriesRead),
  ]);
}

export function propagateConsumer(call: Invocation, keyAt: number, group: StreamGroup, consumer: StreamConsumer): void {
  call.propagate(['XGROUP', 'CREATECONSUMER', call.request.view(keyAt), group.name, consumer.name]);
}

const WORDS = {
  XCLAIM: Buffer.from('XCLAIM'),
  ZERO: Buffer.from('0'),
  TIME: Buffer.from('TIME'),
  RETRYCOUNT: Buffer.from('RETRYCOUNT'),
  FORCE: Buffer.from('FORCE'),
  JUSTID: Buffer.from('JUSTID'),
  LASTID: Buffer.from('LASTID'),
};

function fixedWord(call: Invocation, word: Uint8Array): void {
  call.server.propagation.word(word, 0, word.length);
}
