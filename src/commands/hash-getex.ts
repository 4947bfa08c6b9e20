/** Values of hash fields together with their times: HGETEX, HSETEX and HGETDEL, as in Redis 8.0. Records: hash-expire-records.ts. */
import type { Ref } from '../memory/arena.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_HASH } from '../server/notify-classes.js';
import { MILLISECOND, SECOND_MS } from '../types/expiry-time.js';
import { hashesOf } from '../types/hash.js';
import { isHashKey, replyField, setField } from './hash.js';
import {
  propagateFieldDeletion,
  propagateFieldTimes,
  propagatePairs,
  splitValueAndTime,
} from './hash-expire-propagation.js';
import { dropEnded, dropIfEmpty, fieldsAt, fieldTimeArgument } from './hash-fields.js';
import { FieldTimeChange, FOREVER } from './hash-time-change.js';
import { replyWrongArity } from './replies.js';

const NO_COUNT = 'ERR Number of fields must be a positive integer';

/** In the place of a time: the fields keep theirs, or have none. */
const UNCHANGED = -2;

const change = new FieldTimeChange();
/** Arguments whose fields HGETDEL has removed. */
const removed: number[] = [];
const single: number[] = [0];

export function hgetDel(call: Invocation): void {
  const { db, keyspace, argc } = call;
  const { bytes, starts, lengths } = call.request;
  const first = fieldsAt(call, 2, NO_COUNT);
  if (first < 0) return;
  let ref = call.lookupWrite(1);
  if (!isHashKey(call, ref)) return;
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
  const isPersisting = call.is(2, 'PERSIST');
  const option = isPersisting ? null : timeOptionAt(call, 2);
  const first = fieldsAt(call, isPersisting ? 3 : option === null ? 2 : 4, NO_COUNT);
  if (first < 0) return;
  let wanted = isPersisting ? FOREVER : UNCHANGED;
  if (option !== null) {
    wanted = readTime(call, option, 3);
    if (wanted < 0) return;
  }
  let ref = call.lookupWrite(1);
  if (!isHashKey(call, ref)) return;
  ref = dropEnded(call, ref, first, argc - 1);
  const hashes = hashesOf(call.keyspace);
  call.reply.array(argc - first);
  for (let i = first; i < argc; i++) replyField(call, hashes, ref, i);
  call.propagateNothing();
  if (ref !== 0 && wanted !== UNCHANGED) changeTimes(call, ref, first, wanted);
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
  splitValueAndTime(call);
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

/** Gives the fields in the arguments from `first` on, as far as they are there, the wanted time. */
function changeTimes(call: Invocation, ref: Ref, first: number, wanted: number): void {
  const { argc, keyspace } = call;
  const { bytes, starts, lengths } = call.request;
  const hashes = hashesOf(keyspace);
  let entry = ref;
  change.begin(call, wanted);
  for (let i = first; i < argc; i++) {
    if (!hashes.find(entry, bytes, starts[i], lengths[i])) continue;
    if (wanted === FOREVER && hashes.fieldTimes.timeOf(entry, bytes, starts[i], lengths[i]) === 0) continue;
    entry = change.apply(call, entry, i);
  }
  keyspace.dirty += change.count;
  change.finish(call, entry);
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
  /** Arguments with the first field and the last value; 0 until FIELDS has come. */
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
      if (options.first !== 0) return fail('ERR FIELDS keyword specified multiple times');
      const count = i + 1 < call.argc ? call.integer(i + 1) : Number.NaN;
      if (!(count >= 1)) return fail('ERR invalid number of fields');
      options.first = i + 2;
      options.last = i + 1 + count * 2;
      if (options.last >= call.argc) {
        replyWrongArity(call);
        return null;
      }
      i = options.last;
    } else if (call.is(i, 'FNX') || call.is(i, 'FXX')) {
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
  if (options.first === 0) return fail('ERR missing FIELDS argument');
  return options;
}
