/** DUMP and RESTORE. Source: spec persistence.md section 6. Records: dump-records.ts. */
import { TYPE_HASH } from '../keyspace/entry.js';
import { EXPIRY_DELETE } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import {
  closeDumpPayload,
  createDumpWriter,
  DUMP_FOOTER_BYTES,
  forEachFieldTimes,
  openDumpPayload,
  sealDumpPayload,
  versionOfDump,
} from '../persistence/dump-payload.js';
import { addRecord, applyAccess, assemblyOf, isLoadable, writeValue } from '../persistence/rdb/keyspace-rdb.js';
import { RDB_VERSION } from '../persistence/rdb/opcodes.js';
import { RdbRecord } from '../persistence/rdb/rdb-reader.js';
import type { RdbWriter } from '../persistence/rdb/rdb-writer.js';
import { addFieldTimes } from '../persistence/rdb/timed-hash-rdb.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_GENERIC } from '../server/notify-classes.js';
import { expiryTime, MILLISECOND, OUT_OF_RANGE } from '../types/expiry-time.js';
import { propagateDeletion } from './expire-propagation.js';
import { replyNotAnInteger, replySyntaxError, replyTooLarge } from './replies.js';

const writers = { plain: createDumpWriter(false), compressing: createDumpWriter(true) };
/** For what is propagated. */
const plainWriter = createDumpWriter(true, RDB_VERSION);
const record = new RdbRecord();

/** What RESTORE was told besides key, time and payload. */
interface RestoreOptions {
  isReplacing: boolean;
  isAbsolute: boolean;
  /** −1 if not given. */
  idleSeconds: number;
  frequency: number;
}

export function dump(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (ref === 0) return call.reply.null();
  const payload = dumpEntry(call, ref);
  if (payload !== null) call.reply.bulkInRoom(payload.length);
}

/**
 * Writes the DUMP payload of an entry into the room that the reply has for a bulk string.
 * @returns it, good until the next reply or payload, or null after an error reply: no buffer is large enough
 */
export function dumpEntry(call: Invocation, ref: Ref): Uint8Array | null {
  try {
    return dumpWith(call.server.config.values.rdbcompression ? writers.compressing : writers.plain, call, ref);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    replyTooLarge(call);
    return null;
  }
}

function dumpWith(writer: RdbWriter, call: Invocation, ref: Ref): Uint8Array {
  const { keyspace, reply } = call;
  writer.reset(reply);
  sealDumpPayload(writer, writeValue(writer, keyspace, ref));
  writer.flush();
  const { totalBytes } = writer;
  return reply.bulkRoom(totalBytes, totalBytes).subarray(0, totalBytes);
}

export function restore(call: Invocation): void {
  const options = parseOptions(call);
  if (options === null) return;
  restorePayload(call, options);
  closeDumpPayload(record);
}

function restorePayload(call: Invocation, options: RestoreOptions): void {
  const { db, keyspace, reply } = call;
  const { bytes, starts, lengths } = call.request;
  if (!options.isReplacing && call.lookupWrite(1) !== 0) return call.error('BUSYKEY Target key name already exists.');
  const ttl = call.roundedInteger(2);
  if (Number.isNaN(ttl)) return replyNotAnInteger(call);
  if (ttl < 0) return call.error('ERR Invalid TTL value, must be >= 0');
  const { verifiesChecksums } = call.server.persistence;
  const fault = openDumpPayload(bytes, starts[3], starts[3] + lengths[3], record, verifiesChecksums, (type) =>
    assemblyOf(keyspace, type),
  );
  if (fault !== null) return call.error(`ERR ${fault}`);
  if (!isLoadable(record.type)) return call.error('ERR Bad data format');
  const old = options.isReplacing ? call.lookupWrite(1) : 0;
  const expireAtMs = ttl === 0 ? 0 : restoredExpiry(call, options);
  if (expireAtMs !== 0 && expireAtMs <= keyspace.nowMs && keyspace.expiryMode === EXPIRY_DELETE) {
    record.assembly?.discard();
    if (old !== 0) {
      db.remove(old);
      call.notify(NOTIFY_GENERIC, 'del', 1);
      keyspace.dirty++;
      propagateDeletion(call, 1, call.server.config.values.lazyfreeLazyServerDel ? 'UNLINK' : 'DEL');
    }
    return reply.ok();
  }
  if (old !== 0) db.remove(old);
  let ref = addRecord(keyspace, db, record, bytes, starts[1], lengths[1], expireAtMs);
  if (call.entries.type(ref) === TYPE_HASH) {
    const bodyEnd = starts[3] + lengths[3] - DUMP_FOOTER_BYTES;
    forEachFieldTimes(record, bodyEnd, (times) => {
      const timed = addFieldTimes(keyspace, db, ref, times);
      ref = timed ?? ref;
      return timed !== null;
    });
  }
  applyAccess(keyspace, ref, options.idleSeconds, options.frequency);
  keyspace.dirty++;
  call.notify(NOTIFY_GENERIC, 'restore', 1);
  if (call.entries.isTimedHash(ref) || isNewerThan7(call) || (ttl !== 0 && !options.isAbsolute))
    propagateRestore(call, ref, options);
  reply.ok();
}

/** @returns the options, or null after an error reply */
function parseOptions(call: Invocation): RestoreOptions | null {
  const options: RestoreOptions = { isReplacing: false, isAbsolute: false, idleSeconds: -1, frequency: -1 };
  for (let i = 4; i < call.argc; i++) {
    const hasNext = i + 1 < call.argc;
    if (call.is(i, 'REPLACE')) {
      options.isReplacing = true;
    } else if (call.is(i, 'ABSTTL')) {
      options.isAbsolute = true;
    } else if (call.is(i, 'IDLETIME') && hasNext && options.frequency < 0) {
      options.idleSeconds = numberOption(call, ++i, Number.POSITIVE_INFINITY, 'IDLETIME value, must be >= 0');
      if (options.idleSeconds < 0) return null;
    } else if (call.is(i, 'FREQ') && hasNext && options.idleSeconds < 0) {
      options.frequency = numberOption(call, ++i, 255, 'FREQ value, must be >= 0 and <= 255');
      if (options.frequency < 0) return null;
    } else {
      replySyntaxError(call);
      return null;
    }
  }
  return options;
}

/** @returns the number in argument `at`, or −1 after an error reply */
function numberOption(call: Invocation, at: number, max: number, fault: string): number {
  const value = call.roundedInteger(at);
  if (value >= 0 && value <= max) return value;
  if (Number.isNaN(value)) replyNotAnInteger(call);
  else call.error(`ERR Invalid ${fault}`);
  return -1;
}

/** A relative time that overflows counts as over already, as in Redis, where it wraps around. */
function restoredExpiry(call: Invocation, options: RestoreOptions): number {
  const { bytes, starts, lengths } = call.request;
  const baseMs = options.isAbsolute ? 0 : call.keyspace.nowMs;
  const expireAtMs = expiryTime(bytes, starts[2], lengths[2], MILLISECOND, baseMs);
  return expireAtMs === OUT_OF_RANGE ? 1 : expireAtMs;
}

/** Whether the payload of a RESTORE has a version that Redis 7.0 does not take. */
function isNewerThan7({ request }: Invocation): boolean {
  return versionOfDump(request.bytes, request.starts[3] + request.lengths[3] - DUMP_FOOTER_BYTES) > RDB_VERSION;
}

/** The request with an absolute time, and with a payload of version 10: Redis 7.0 takes no later one. */
function propagateRestore(call: Invocation, ref: Ref, options: RestoreOptions): void {
  const words: (string | Uint8Array)[] = [];
  for (let i = 0; i < call.argc; i++) words.push(call.request.view(i));
  words[2] = String(call.entries.expireAtMs(ref));
  if (call.entries.isTimedHash(ref) || isNewerThan7(call)) words[3] = dumpWith(plainWriter, call, ref);
  if (!options.isAbsolute) words.push('ABSTTL');
  call.propagate(words);
}
