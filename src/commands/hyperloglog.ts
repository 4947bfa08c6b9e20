/** PFADD, PFCOUNT, PFMERGE, PFDEBUG, PFSELFTEST. Source: spec server.md section 22. Records: hyperloglog-records.ts. */
import { ENCODING_RAW, TYPE_STRING } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';
import { fixedReply } from '../resp/reply-writer.js';
import { IS_PRIMARY_LINK } from '../server/connection-flags.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_STRING } from '../server/notify-classes.js';
import { REGISTER_COUNT } from '../types/hll-hash.js';
import { countRegisters, estimate } from '../types/hll-registers.js';
import { testHyperLogLog } from '../types/hll-self-test.js';
import { CHANGED, CORRUPT, EMPTY_HYPERLOGLOG, HyperLogLog, isHyperLogLog } from '../types/hyperloglog.js';
import { replyWrongType } from './replies.js';

const NOT_ONE = fixedReply('-WRONGTYPE Key is not a valid HyperLogLog string value.');
const IS_CORRUPT = fixedReply('-INVALIDOBJ Corrupted HLL object detected');
const NO_SUCH_KEY = fixedReply('-ERR The specified key does not exist');
const NOT_SPARSE = fixedReply('-ERR HLL encoding is not sparse');

/** So many elements may well make a HyperLogLog dense; if fewer do, that is soon done anyway. */
const MANY_ELEMENTS = 1000;
/** So many make it dense unless `hll-sparse-max-bytes` is raised. */
const ENOUGH_ELEMENTS = 4000;

/** Registers of several HyperLogLogs taken together. */
const union = new Uint8Array(REGISTER_COUNT);

export function pfAdd(call: Invocation): void {
  const { bytes, starts, lengths } = call.request;
  let ref = call.lookupWrite(1);
  if (!isHllKey(call, ref)) return;
  let changes = 0;
  if (ref === 0) {
    ref = create(call);
    changes++;
  }
  const hll = attach(call, ref);
  const { hllSparseMaxBytes } = call.server.config.values;
  if (call.argc > MANY_ELEMENTS)
    hll.prepareFor(bytes, starts, lengths, 2, Math.min(call.argc, ENOUGH_ELEMENTS), hllSparseMaxBytes);
  let status = CHANGED;
  for (let i = 2; i < call.argc && status !== CORRUPT; i++) {
    status = hll.add(bytes, starts[i], lengths[i], hllSparseMaxBytes);
    if (status === CHANGED) changes++;
  }
  hll.makeRaw();
  if (changes > 0) {
    hll.forgetCount();
    call.keyspace.dirty += changes;
    if (status !== CORRUPT) call.notify(NOTIFY_STRING, 'pfadd', 1);
  }
  if (status === CORRUPT) replyCorrupt(call);
  else call.reply.integer(changes > 0 ? 1 : 0);
}

export function pfCount(call: Invocation): void {
  if (call.argc > 2) return countUnion(call);
  const ref = call.lookupRead(1);
  if (ref === 0) return call.reply.integer(0);
  if (!isHllKey(call, ref)) return;
  const hll = attach(call, ref);
  hll.makeRaw();
  const cached = hll.cachedCount();
  if (typeof cached === 'bigint') return call.reply.bigInteger(cached);
  let count = cached;
  if (count < 0) {
    count = hll.count();
    if (count < 0) return replyCorrupt(call);
    // A replica's data change by the primary's stream only; there this very command is part of it.
    if (!call.server.isReplica || (call.connection.flags & IS_PRIMARY_LINK) !== 0) {
      hll.storeCount(count);
      call.keyspace.dirty++;
      call.propagateVerbatim();
    }
  }
  call.reply.integer(count);
}

export function pfMerge(call: Invocation): void {
  union.fill(0);
  let isDense = false;
  for (let i = 1; i < call.argc; i++) {
    const ref = call.lookupRead(i);
    if (!isHllKey(call, ref)) return;
    if (ref === 0) continue;
    const hll = attach(call, ref);
    if (hll.isDense) isDense = true;
    if (!hll.mergeInto(union)) return replyCorrupt(call);
  }
  const hll = attach(call, call.lookupWrite(1) || create(call));
  hll.makeRaw();
  if (isDense) hll.toDense();
  hll.raiseAll(union, call.server.config.values.hllSparseMaxBytes);
  hll.forgetCount();
  call.keyspace.dirty++;
  call.notify(NOTIFY_STRING, 'pfadd', 1);
  call.reply.ok();
}

export function pfDebug(call: Invocation): void {
  const ref = call.lookupWrite(2);
  if (ref === 0) return call.reply.fixedError(NO_SUCH_KEY, 'ERR');
  if (!isHllKey(call, ref)) return;
  const hll = attach(call, ref);
  hll.makeRaw();
  if (call.is(1, 'GETREG')) debugRegisters(call, hll);
  else if (call.is(1, 'DECODE')) debugDecode(call, hll);
  else if (call.is(1, 'ENCODING')) call.reply.status(hll.isDense ? 'dense' : 'sparse');
  else if (call.is(1, 'TODENSE')) debugToDense(call, hll);
  else call.reply.byteError(`ERR Unknown PFDEBUG subcommand '${call.request.latin1(1)}'`);
}

export function pfSelfTest(call: Invocation): void {
  const failure = testHyperLogLog();
  if (failure === null) call.reply.ok();
  else call.error(`TESTFAILED ${failure}`);
}

function countUnion(call: Invocation): void {
  union.fill(0);
  for (let i = 1; i < call.argc; i++) {
    const ref = call.lookupRead(i);
    if (!isHllKey(call, ref)) return;
    if (ref !== 0 && !attach(call, ref).mergeInto(union)) return replyCorrupt(call);
  }
  countRegisters(union);
  call.reply.integer(estimate());
}

function debugRegisters(call: Invocation, hll: HyperLogLog): void {
  if (!makeDense(call, hll)) return replyCorrupt(call);
  call.reply.array(REGISTER_COUNT);
  for (let i = 0; i < REGISTER_COUNT; i++) call.reply.integer(hll.register(i));
}

function debugDecode(call: Invocation, hll: HyperLogLog): void {
  if (hll.isDense) return call.reply.fixedError(NOT_SPARSE, 'ERR');
  const walk = hll.beginWalk();
  const words: string[] = [];
  while (walk.step()) {
    if (walk.value > 0) words.push(`v:${walk.value},${walk.run}`);
    else words.push(`${walk.opcodeBytes === 1 ? 'z' : 'Z'}:${walk.run}`);
  }
  call.reply.bulkText(words.join(' '));
}

function debugToDense(call: Invocation, hll: HyperLogLog): void {
  const wasDense = hll.isDense;
  if (!makeDense(call, hll)) return replyCorrupt(call);
  call.reply.integer(wasDense ? 0 : 1);
}

/** Makes it dense, for replicas too. @returns false if it is corrupt */
function makeDense(call: Invocation, hll: HyperLogLog): boolean {
  if (hll.isDense) return true;
  if (!hll.toDense()) return false;
  call.keyspace.dirty++;
  return true;
}

/** Gives the key in argument 1, which is not there, an empty one. @returns its entry */
function create(call: Invocation): Ref {
  const { bytes, starts, lengths } = call.request;
  const { length } = EMPTY_HYPERLOGLOG;
  const ref = call.db.add(bytes, starts[1], lengths[1], TYPE_STRING, ENCODING_RAW, length, 0);
  call.db.writeValue(ref, EMPTY_HYPERLOGLOG, 0, length);
  return ref;
}

/** @returns whether the entry is none (0) or a HyperLogLog; false after the error reply */
function isHllKey(call: Invocation, ref: Ref): boolean {
  if (ref === 0) return true;
  if (call.entries.type(ref) !== TYPE_STRING) replyWrongType(call);
  else if (!isHyperLogLog(call.entries, ref)) call.reply.fixedError(NOT_ONE, 'WRONGTYPE');
  else return true;
  return false;
}

function replyCorrupt(call: Invocation): void {
  call.reply.fixedError(IS_CORRUPT, 'INVALIDOBJ');
}

/** One for each keyspace. */
const instances = new WeakMap<object, HyperLogLog>();

function attach(call: Invocation, ref: Ref): HyperLogLog {
  let hll = instances.get(call.keyspace);
  if (hll === undefined) {
    hll = new HyperLogLog(call.keyspace);
    instances.set(call.keyspace, hll);
  }
  hll.attach(call.db, ref);
  return hll;
}
