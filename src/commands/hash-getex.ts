/** Values of hash fields together with their times: HGETEX, HSETEX and HGETDEL, as in Redis 8.0. Records: hash-expire-records.ts. */
import type { Ref } from '../memory/arena.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_HASH } from '../server/notify-classes.js';
import { MILLISECOND, SECOND_MS } from '../types/expiry-time.js';
import { hashesOf } from '../types/hash.js';
import { isHashKey, replyField, setField } from './hash.js';
import { propagateFieldDeletion, propagateFieldTimes, propagatePairs } from './hash-expire-propagation.js';
import { dropEnded, dropIfEmpty, fieldsAt, fieldTimeArgument } from './hash-fields.js';
import { FieldTimeChange, FOREVER } from './hash-time-change.js';
import { replyWrongArity } from './replies.js';

const NO_COUNT = 'ERR Number of fields must be a positive integer';

/** The greatest number of fields that HSETEX takes. */
const FIELDS_MAX = 0x7fffffff;

/** `numfields field value` */
const PAIR_WORDS = 3;

/** In the place of a time: the fields keep theirs, or have none. */
const UNCHANGED = -2;

const change = new FieldTimeChange();
/** Arguments whose fields HGETDEL has removed. */
const removed: number[] = [];
const single: number[] = [0];

export function hgetDel(call: Invocation): void {
  const { db, keyspace, argc } = call;
  const { bytes, starts, lengths } = call.request;
  let ref = call.lookupWrite(1);
  if (!isHashKey(call, ref)) return;
  const first = fieldsAt(call, 2, NO_COUNT);
  if (first < 0) return;
  ref = dropEnded(call, ref, first, argc - 1);
  const hashes = hashesOf(keyspace);
  removed.length = 0;
  call.reply.array(argc - first);
  for (let i = first; i < argc; i++) {
    replyField(call, hashes, ref, i);
    const left = ref === 0 ? 0 : hashes.remove(db, ref, bytes, starts[i], lengths[i]);
    if (left === 0) continue;
    ref = left;
    removed.push(i);
  }
  if (removed.length === 0) return;
  keyspace.dirty += removed.length;
  call.notify(NOTIFY_HASH, 'hdel', 1);
  propagateFieldDeletion(call, removed);
  dropIfEmpty(call, ref);
}

export function hgetEx(call: Invocation): void {
  const { argc } = call;
  let ref = call.lookupWrite(1);
  if (!isHashKey(call, ref)) return;
  const isPersisting = call.is(2, 'PERSIST');
  const option = isPersisting ? null : timeOptionAt(call, 2);
  let wanted = isPersisting ? FOREVER : UNCHANGED;
  if (option !== null) {
    wanted = readTime(call, option, 3);
    if (wanted < 0) return;
  }
  if (option !== null && argc === 5) return replyWrongArity(call);
  const first = fieldsAt(call, isPersisting ? 3 : option === null ? 2 : 4, NO_COUNT);
  if (first < 0) return;
  ref = dropEnded(call, ref, first, argc - 1);
  const hashes = hashesOf(call.keyspace);
  change.begin(call, wanted);
  call.reply.array(argc - first);
  for (let i = first; i < argc; i++) {
    replyField(call, hashes, ref, i);
    if (ref !== 0 && wanted !== UNCHANGED) ref = changeTime(call, ref, i, wanted);
  }
  call.propagateNothing();
  call.keyspace.dirty += change.count;
  change.finish(call, ref);
}

export function hsetEx(call: Invocation): void {
  const options = setOptions(call);
  if (options === null) return;
  const { db, keyspace } = call;
  const { bytes, starts, lengths } = call.request;
  const { condition, timeMs, first, last } = options;
  let ref = call.lookupWrite(1);
  if (!isHashKey(call, ref)) return;
  ref = dropEnded(call, ref, first, last, 2);
  const hashes = hashesOf(keyspace);
  if (condition !== null && !allFieldsAre(call, ref, options, condition === 'FXX')) return call.reply.integer(0);
  for (let i = first; i <= last; i += 2) {
    setField(call, ref, i, bytes, starts[i + 1], lengths[i + 1], options.keepsTimes);
    // Where the entry is now, or that there is one.
    ref = db.find(bytes, starts[1], lengths[1]);
  }
  call.notify(NOTIFY_HASH, 'hset', 1);
  propagatePairs(call, first, last);
  if (timeMs >= 0) {
    setTimes(call, ref, options);
  } else if (options.keepsTimes) {
    for (let i = first; i <= last; i += 2) {
      const keptMs = hashes.fieldTimes.timeOf(ref, bytes, starts[i], lengths[i]);
      if (keptMs > 0) propagateTime(call, keptMs, i);
    }
  }
  call.reply.integer(1);
}

/** `HPEXPIREAT key ms FIELDS 1 field` for the field in argument `at`. */
export function propagateTime(call: Invocation, timeMs: number, at: number): void {
  single[0] = at;
  propagateFieldTimes(call, timeMs, single);
}

/** Gives the field in argument `at`, if it is there, the wanted time. @returns the entry */
function changeTime(call: Invocation, ref: Ref, at: number, wanted: number): Ref {
  const { bytes, starts, lengths } = call.request;
  const hashes = hashesOf(call.keyspace);
  if (!hashes.find(ref, bytes, starts[at], lengths[at])) return ref;
  if (wanted === FOREVER && hashes.fieldTimes.timeOf(ref, bytes, starts[at], lengths[at]) === 0) return ref;
  return change.apply(call, ref, at);
}

/** Gives the fields that HSETEX has just set their time; if that is over already, they go again. */
function setTimes(call: Invocation, ref: Ref, { first, last, timeMs }: SetOptions): void {
  let entry = ref;
  change.begin(call, timeMs);
  for (let i = first; i <= last; i += 2) entry = change.apply(call, entry, i);
  change.finish(call, entry);
}

/** Whether all fields of the pairs are there, or none of them is. */
function allFieldsAre(call: Invocation, ref: Ref, { first, last }: SetOptions, areThere: boolean): boolean {
  const { bytes, starts, lengths } = call.request;
  const hashes = hashesOf(call.keyspace);
  for (let i = first; i <= last; i += 2)
    if ((ref !== 0 && hashes.find(ref, bytes, starts[i], lengths[i])) !== areThere) return false;
  return true;
}

type TimeOption = 'EX' | 'PX' | 'EXAT' | 'PXAT';
const TIME_OPTIONS: readonly TimeOption[] = ['EX', 'PX', 'EXAT', 'PXAT'];

function timeOptionAt(call: Invocation, at: number): TimeOption | null {
  for (const option of TIME_OPTIONS) if (call.is(at, option)) return option;
  return null;
}

/** @returns Unix ms, or −1 after an error reply */
function readTime(call: Invocation, option: TimeOption, at: number): number {
  const isSeconds = option === 'EX' || option === 'EXAT';
  const isAbsolute = option === 'EXAT' || option === 'PXAT';
  return fieldTimeArgument(call, at, isSeconds ? SECOND_MS : MILLISECOND, isAbsolute ? 0 : call.keyspace.nowMs);
}

interface SetOptions {
  condition: 'FNX' | 'FXX' | null;
  /** Unix ms, or UNCHANGED. */
  timeMs: number;
  keepsTimes: boolean;
  /** Arguments with the first field and the last value. */
  first: number;
  last: number;
}

/** @returns the options of HSETEX, or null after an error reply */
function setOptions(call: Invocation): SetOptions | null {
  const options: SetOptions = { condition: null, timeMs: UNCHANGED, keepsTimes: false, first: 0, last: 0 };
  const fail = (text: string): null => {
    call.error(text);
    return null;
  };
  for (let i = 2; i < call.argc; i++) {
    const timeOption = timeOptionAt(call, i);
    if (call.is(i, 'FIELDS')) {
      // They come last, so that a value may look like an option.
      const count = i + PAIR_WORDS < call.argc ? call.integer(i + 1) : 1;
      if (!(count >= 1 && count <= FIELDS_MAX)) return fail('ERR invalid number of fields');
      options.first = i + 2;
      options.last = i + 1 + count * 2;
      if (options.last === call.argc - 1) return options;
      replyWrongArity(call);
      return null;
    }
    if (call.is(i, 'FNX') || call.is(i, 'FXX')) {
      if (options.condition !== null) return fail('ERR Only one of FXX or FNX arguments can be specified');
      options.condition = call.is(i, 'FNX') ? 'FNX' : 'FXX';
    } else if (timeOption !== null || call.is(i, 'KEEPTTL')) {
      if (options.timeMs !== UNCHANGED || options.keepsTimes)
        return fail('ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified');
      options.keepsTimes = timeOption === null;
      if (timeOption === null) continue;
      if (++i >= call.argc) return fail('ERR missing expire time');
      options.timeMs = readTime(call, timeOption, i);
      if (options.timeMs < 0) return null;
    } else {
      return fail(`ERR unknown argument: ${call.text(i)}`);
    }
  }
  return fail('ERR missing FIELDS argument');
}
