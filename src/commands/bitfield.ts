/** BITFIELD and BITFIELD_RO. Source: spec server.md section 21. Records: bitmap-records.ts. */
import type { Ref } from '../memory/arena.js';
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { NOTIFY_STRING } from '../server/notify-classes.js';
import {
  fit,
  fitWide,
  NUMBER_BITS_MAX,
  OVERFLOW_FAIL,
  OVERFLOW_SATURATE,
  OVERFLOW_WRAP,
  outcome,
  readField,
  readWideField,
  writeField,
  writeWideField,
} from '../types/bitfield.js';
import { INT64_MAX, parseInt64, parseSafeInteger } from '../types/number.js';
import { bitOffset, replyBadOffset } from './bitmap.js';
import { replyNotAnInteger, replySyntaxError } from './replies.js';
import { growString, isStringKey } from './string-value.js';

const BAD_TYPE = fixedReply(
  '-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.',
);
const BAD_OVERFLOW = fixedReply('-ERR Invalid OVERFLOW type specified');
const ONLY_GET = fixedReply('-ERR BITFIELD_RO only supports the GET subcommand');

const NO_BYTES = new Uint8Array(0);

const SIGNED = 0x69;
const UNSIGNED = 0x75;

const GET = 0;
const SET = 1;
const INCRBY = 2;
/** Is about the operations behind it. */
const OVERFLOW = 3;

/** Up to this size a number added to a field of `NUMBER_BITS_MAX` bits gives an exact sum. */
const ADDEND_MAX = 2 ** 52;

/** The operation that was read last. */
const operation = {
  kind: GET,
  /** How many arguments it takes. */
  words: 0,
  isSigned: false,
  width: 0,
  offset: 0,
  /** What is set or added: as a number, or NaN if it is beyond `ADDEND_MAX`. */
  number: 0,
};

/** What the arguments ask for as a whole. */
const plan = { replyCount: 0, hasWrite: false, endBit: 0 };

export function bitField(call: Invocation): void {
  if (!readPlan(call)) return;
  if (!plan.hasWrite) return readOnly(call);
  const ref = call.lookupWrite(1);
  if (!isStringKey(call, ref)) return;
  const byteCount = Math.ceil(plan.endBit / 8);
  const isGrown = ref === 0 || byteCount > call.entries.valueLength(ref);
  const changes = perform(call, growString(call, 1, ref, byteCount), isGrown);
  if (changes > 0) call.notify(NOTIFY_STRING, 'setbit', 1);
  // A string that only grew, as all operations failed, is told to replicas too. Redis keeps it to itself, and they differ.
  call.keyspace.dirty += isGrown ? Math.max(1, changes) : changes;
}

export function bitFieldRo(call: Invocation): void {
  if (!readPlan(call)) return;
  if (plan.hasWrite) return call.reply.fixedError(ONLY_GET, 'ERR');
  readOnly(call);
}

function readOnly(call: Invocation): void {
  const ref = call.lookupRead(1);
  if (isStringKey(call, ref)) perform(call, ref, false);
}

/** Reads all operations once, so that an error in the last one changes nothing. @returns false after an error reply */
function readPlan(call: Invocation): boolean {
  plan.replyCount = 0;
  plan.hasWrite = false;
  plan.endBit = 0;
  for (let at = 2; at < call.argc; at += operation.words) {
    if (!readOperation(call, at)) return false;
    if (operation.kind === OVERFLOW) {
      if (overflowOf(call, at + 1) >= 0) continue;
      call.reply.fixedError(BAD_OVERFLOW, 'ERR');
      return false;
    }
    plan.replyCount++;
    if (operation.kind === GET) continue;
    plan.hasWrite = true;
    plan.endBit = Math.max(plan.endBit, operation.offset + operation.width);
  }
  return true;
}

/** Performs the operations, which are right, on the string `ref` (0 for none). @returns how many of them changed it, or were the first to be in it */
function perform(call: Invocation, ref: Ref, isGrown: boolean): number {
  const { entries, reply } = call;
  const view = ref === 0 ? NO_BYTES : entries.view(ref);
  const start = ref === 0 ? 0 : entries.valueStart(ref);
  const end = ref === 0 ? 0 : start + entries.valueLength(ref);
  let overflow = OVERFLOW_WRAP;
  let changes = 0;
  reply.array(plan.replyCount);
  for (let at = 2; at < call.argc; at += operation.words) {
    readOperation(call, at);
    if (operation.kind === OVERFLOW) {
      overflow = overflowOf(call, at + 1);
      continue;
    }
    const isNarrow = operation.width <= NUMBER_BITS_MAX && !Number.isNaN(operation.number);
    const status = isNarrow
      ? performNarrow(call, view, start, end, overflow)
      : performWide(call, at, view, start, end, overflow);
    if (status === CHANGED || (status === WRITTEN && isGrown)) changes++;
  }
  return changes;
}

/** What an operation did: nothing (or it read), wrote what was there, or changed it. */
const NOTHING = 0;
const WRITTEN = 1;
const CHANGED = 2;

/** An operation on a field that is a number. */
function performNarrow(call: Invocation, view: Uint8Array, start: number, end: number, overflow: number): number {
  const { kind, isSigned, width, offset, number } = operation;
  const { reply } = call;
  const old = readField(view, start, end, offset, width, isSigned);
  if (kind === GET) {
    reply.integer(old);
    return NOTHING;
  }
  // An unsigned field is set to the argument's bits: −1 is the largest number.
  const isFromTop = kind === SET && !isSigned && number < 0;
  const wanted = kind === SET ? number : old + number;
  const isFit = isFromTop ? fitFromTop(number, width, overflow) : fit(wanted, width, isSigned, overflow);
  if (!isFit) {
    reply.null();
    return NOTHING;
  }
  writeField(view, start, offset, width, outcome.number);
  reply.integer(kind === SET ? old : outcome.number);
  return outcome.number === old ? WRITTEN : CHANGED;
}

/** As `fit`, of a negative number that counts as the unsigned one with the same 64 bits. */
function fitFromTop(number: number, width: number, overflow: number): boolean {
  if (overflow === OVERFLOW_SATURATE) return fit(2 ** width, width, false, overflow);
  return fit(number, width, false, overflow);
}

/** An operation on a field, or with an argument, that takes a BigInt. */
function performWide(
  call: Invocation,
  at: number,
  view: Uint8Array,
  start: number,
  end: number,
  overflow: number,
): number {
  const { kind, isSigned, width, offset } = operation;
  const { reply } = call;
  const old = readWideField(view, start, end, offset, width, isSigned);
  if (kind === GET) {
    reply.bigInteger(old);
    return NOTHING;
  }
  const argument = largeArgument(call, at + 3)!;
  const wanted = kind === SET ? settable(argument) : old + argument;
  if (!fitWide(wanted, width, isSigned, overflow)) {
    reply.null();
    return NOTHING;
  }
  writeWideField(view, start, offset, width, outcome.wide);
  reply.bigInteger(kind === SET ? old : outcome.wide);
  return outcome.wide === old ? WRITTEN : CHANGED;
}

/**
 * @returns what SET is to make fit. An unsigned field takes the argument's 64 bits as unsigned. A signed one takes a number that is more than an int64
 * below its largest as one above it, so that it saturates there: Redis's difference overflows, and replicas shall hold the same.
 */
function settable(argument: bigint): bigint {
  const { isSigned, width } = operation;
  if (!isSigned) return BigInt.asUintN(64, argument);
  const max = (1n << BigInt(width - 1)) - 1n;
  return width < 64 && max - argument > INT64_MAX ? BigInt.asUintN(64, argument) : argument;
}

/** Reads the operation whose name is argument `at`. @returns false after an error reply */
function readOperation(call: Invocation, at: number): boolean {
  const kind = kindOf(call, at);
  if (kind < 0) {
    replySyntaxError(call);
    return false;
  }
  operation.kind = kind;
  operation.words = kind === OVERFLOW ? 2 : kind === GET ? 3 : 4;
  if (kind === OVERFLOW) return true;
  if (!readType(call, at + 1)) {
    call.reply.fixedError(BAD_TYPE, 'ERR');
    return false;
  }
  operation.offset = bitOffset(call, at + 2, operation.width);
  if (Number.isNaN(operation.offset)) {
    replyBadOffset(call);
    return false;
  }
  operation.number = 0;
  return kind === GET || readNumber(call, at + 3);
}

/** @returns what argument `at` says is to be done, if enough arguments follow; −1 else */
function kindOf(call: Invocation, at: number): number {
  const following = call.argc - at - 1;
  if (following >= 2 && call.is(at, 'GET')) return GET;
  if (following >= 3 && call.is(at, 'SET')) return SET;
  if (following >= 3 && call.is(at, 'INCRBY')) return INCRBY;
  return following >= 1 && call.is(at, 'OVERFLOW') ? OVERFLOW : -1;
}

function readNumber(call: Invocation, at: number): boolean {
  const number = call.integer(at);
  operation.number = Math.abs(number) <= ADDEND_MAX ? number : Number.NaN;
  if (!Number.isNaN(number) || largeArgument(call, at) !== null) return true;
  replyNotAnInteger(call);
  return false;
}

function overflowOf(call: Invocation, at: number): number {
  if (call.is(at, 'WRAP')) return OVERFLOW_WRAP;
  if (call.is(at, 'SAT')) return OVERFLOW_SATURATE;
  return call.is(at, 'FAIL') ? OVERFLOW_FAIL : -1;
}

/** Reads a type such as `i16` or `u8`. @returns whether it is one */
function readType(call: Invocation, at: number): boolean {
  const { bytes, starts, lengths } = call.request;
  const letter = bytes[starts[at]];
  const width = parseSafeInteger(bytes, starts[at] + 1, lengths[at] - 1);
  operation.isSigned = letter === SIGNED;
  operation.width = width;
  if (lengths[at] === 0 || !(width >= 1)) return false;
  return (letter === SIGNED && width <= 64) || (letter === UNSIGNED && width <= 63);
}

function largeArgument(call: Invocation, at: number): bigint | null {
  const { bytes, starts, lengths } = call.request;
  return parseInt64(bytes, starts[at], lengths[at]);
}
