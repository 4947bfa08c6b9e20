/**
 * Parses requests in place: multibulk (`*n`, then `$len` and bytes, n times) and inline lines. Source: spec server.md section 1.
 *
 * States of one connection's input (`RequestState`), kept between reads so that a large request is not scanned again with each packet:
 *   at a request's start (remaining = 0)  →  count read (remaining > 0)  ⇄  waiting for a bulk's header or bytes  →  complete, back to the start
 * While a request is incomplete its parsed arguments are remembered: few are copied, many change hands with their arrays, so that a request of a million
 * arguments costs no more for each packet it comes in than a small one.
 *
 * Invariants: (1) nothing is allocated by an announced number, only by bytes that arrived; (2) a complete request leaves the state as new;
 * (3) the two bytes after a bulk are skipped unseen and the byte after a header's CR too, as Redis does.
 */
import { splitWords } from './quoted-words.js';
import { latin1Of, Request } from './request.js';

/** `parse` found no complete request: more bytes are needed. */
export const PARSE_INCOMPLETE = 0;
/** One request is in `request`; `state.position` is behind it. */
export const PARSE_REQUEST = 1;
/** An empty request (`*0`, an empty line) was skipped; go on at `state.position`. */
export const PARSE_EMPTY = 2;
/** The input is broken; `state.error` is the text for the client (without `-ERR `), after which the connection is closed. */
export const PARSE_ERROR = 3;

const INLINE_BYTES_MAX = 64 * 1024;
/** More arguments of an incomplete request are not copied. */
const COPIED_MAX = 64;
const COUNT_MAX = 0x7fffffff;
const UNAUTHENTICATED_COUNT_MAX = 10;
const UNAUTHENTICATED_BULK_MAX = 16384;

const CR = 0x0d;
const LF = 0x0a;
const TAB = 0x09;
const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const ASTERISK = 0x2a;
const DOLLAR = 0x24;
const NOT_A_NUMBER = -0x100000000;

/** Arguments of the incomplete request, relative to its first byte; and the limits that depend on the connection. */
export class RequestState {
  /** Where the next request, or the rest of this one, begins in the bytes. */
  position = 0;
  error = '';
  isAuthenticated = true;
  bulkBytesMax = 512 * 1024 * 1024;
  /** Arguments still to come. */
  remaining = 0;
  /** Length of the bulk whose header has been read, or −1. */
  bulkLength = -1;
  /** How far the incomplete request has been parsed, from its first byte. */
  parsed = 0;
  /** Arguments of the incomplete request so far, if they are few: relative to its first byte. */
  readonly starts: number[] = [];
  readonly lengths: number[] = [];
  /** If they are many: the request that they were parsed into, whose first byte was at `manyStart`. */
  many: Request | null = null;
  manyStart = 0;
  /** Least number of bytes, from the request's first byte, with which parsing can go on: saves scanning while a large bulk arrives. */
  neededBytes = 0;
}

/**
 * Parses one request from `bytes[state.position … end)`.
 * @returns one of the PARSE_ codes. On PARSE_INCOMPLETE the caller keeps `bytes[state.position … end)` and calls again with more behind it.
 */
export function parseRequest(bytes: Uint8Array, end: number, request: Request, state: RequestState): number {
  const start = state.position;
  if (start >= end) return PARSE_INCOMPLETE;
  if (state.remaining !== 0) return resume(bytes, end, request, state);
  if (bytes[start] !== ASTERISK) return parseInline(bytes, end, request, state);
  request.bytes = bytes;
  request.argc = 0;
  const shortCount = shortHeader(bytes, start, end, ASTERISK);
  if (shortCount > 0 && (shortCount <= UNAUTHENTICATED_COUNT_MAX || state.isAuthenticated))
    return parseBulks(bytes, start + shortHeaderBytes(shortCount), end, start, shortCount, -1, request, state);
  const line = findCr(bytes, start + 1, end);
  if (line < 0 || line + 1 >= end) {
    if (line < 0 && end - start > INLINE_BYTES_MAX) return fail(state, 'Protocol error: too big mbulk count string');
    return PARSE_INCOMPLETE;
  }
  const count = parseNumber(bytes, start + 1, line);
  if (count === NOT_A_NUMBER || count > COUNT_MAX) return fail(state, 'Protocol error: invalid multibulk length');
  if (count > UNAUTHENTICATED_COUNT_MAX && !state.isAuthenticated)
    return fail(state, 'Protocol error: unauthenticated multibulk length');
  if (count <= 0) {
    state.position = line + 2;
    return PARSE_EMPTY;
  }
  return parseBulks(bytes, line + 2, end, start, count, -1, request, state);
}

function resume(bytes: Uint8Array, end: number, request: Request, state: RequestState): number {
  const start = state.position;
  if (end - start < state.neededBytes) return PARSE_INCOMPLETE;
  request.bytes = bytes;
  request.argc = 0;
  if (state.many !== null) {
    request.swapArguments(state.many);
    if (start !== state.manyStart) request.moveArguments(start - state.manyStart);
  } else {
    for (let i = 0; i < state.starts.length; i++) request.push(start + state.starts[i], state.lengths[i]);
  }
  return parseBulks(bytes, start + state.parsed, end, start, state.remaining, state.bulkLength, request, state);
}

function parseBulks(
  bytes: Uint8Array,
  from: number,
  end: number,
  start: number,
  count: number,
  knownLength: number,
  request: Request,
  state: RequestState,
): number {
  let at = from;
  let remaining = count;
  let length = knownLength;
  while (remaining > 0) {
    const shortLength = length < 0 ? shortHeader(bytes, at, end, DOLLAR) : -1;
    if (shortLength >= 0) {
      length = shortLength;
      at += shortHeaderBytes(shortLength);
    } else if (length < 0) {
      if (at >= end) return suspend(request, state, start, at, remaining, -1, 1);
      const line = findCr(bytes, at, end);
      if (line < 0 || line + 1 >= end) {
        if (line < 0 && end - at > INLINE_BYTES_MAX) return fail(state, 'Protocol error: too big bulk count string');
        return suspend(request, state, start, at, remaining, -1, end - at + 1);
      }
      if (bytes[at] !== DOLLAR) return fail(state, `Protocol error: expected '$', got '${printable(bytes[at])}'`);
      length = parseNumber(bytes, at + 1, line);
      if (length < 0 || length > state.bulkBytesMax) return fail(state, 'Protocol error: invalid bulk length');
      if (length > UNAUTHENTICATED_BULK_MAX && !state.isAuthenticated)
        return fail(state, 'Protocol error: unauthenticated bulk length');
      at = line + 2;
    }
    if (end - at < length + 2) return suspend(request, state, start, at, remaining, length, length + 2);
    request.push(at, length);
    at += length + 2;
    remaining--;
    length = -1;
  }
  if (state.remaining !== 0) forget(state);
  state.position = at;
  return PARSE_REQUEST;
}

/** Remembers the incomplete request. `wanted`: bytes needed from `at` on to get any further. */
function suspend(
  request: Request,
  state: RequestState,
  start: number,
  at: number,
  remaining: number,
  length: number,
  wanted: number,
): number {
  if (request.argc > COPIED_MAX) {
    state.many ??= new Request();
    state.manyStart = start;
    request.swapArguments(state.many);
  } else {
    for (let i = state.starts.length; i < request.argc; i++) {
      state.starts.push(request.starts[i] - start);
      state.lengths.push(request.lengths[i]);
    }
  }
  state.remaining = remaining;
  state.bulkLength = length;
  state.parsed = at - start;
  state.neededBytes = state.parsed + wanted;
  return PARSE_INCOMPLETE;
}

function forget(state: RequestState): void {
  state.remaining = 0;
  state.bulkLength = -1;
  state.parsed = 0;
  state.neededBytes = 0;
  state.starts.length = 0;
  state.lengths.length = 0;
  state.many = null;
}

function fail(state: RequestState, error: string): number {
  state.error = error;
  return PARSE_ERROR;
}

/**
 * Reads a header of one or two digits, `*3\r\n` or `$16\r\n`, at `from`: nearly all are such, and this is all that they need.
 * @returns the number, 0 to 99; −1 if it is no such header, or too near the end to tell
 */
export function shortHeader(bytes: Uint8Array, from: number, end: number, type: number): number {
  if (from + 4 >= end || bytes[from] !== type) return -1;
  const first = bytes[from + 1] - 0x30;
  if (first < 0 || first > 9) return -1;
  if (bytes[from + 2] === CR) return first;
  const second = bytes[from + 2] - 0x30;
  return second < 0 || second > 9 || first === 0 || bytes[from + 3] !== CR ? -1 : first * 10 + second;
}

/** @returns how long the header is that `shortHeader` read */
export function shortHeaderBytes(value: number): number {
  return value < 10 ? 4 : 5;
}

function findCr(bytes: Uint8Array, from: number, end: number): number {
  for (let i = from; i < end; i++) if (bytes[i] === CR) return i;
  return -1;
}

/** Strict decimal: an optional minus, no plus, no leading zeros, nothing else. Values beyond 2^31 come back as such or as NOT_A_NUMBER. */
function parseNumber(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  const isNegative = bytes[at] === 0x2d;
  if (isNegative) at++;
  const digits = end - at;
  if (digits < 1 || digits > 15) return NOT_A_NUMBER;
  if (bytes[at] === 0x30 && (digits > 1 || isNegative)) return NOT_A_NUMBER;
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at] - 0x30;
    if (digit < 0 || digit > 9) return NOT_A_NUMBER;
    value = value * 10 + digit;
  }
  return isNegative ? -value : value;
}

function printable(byte: number): string {
  return String.fromCharCode(byte);
}

/**
 * Parses one inline line: its words are named in place, or lie in a buffer of their own if some are quoted. Difference from Redis: a line with a NUL in it
 * has an end.
 */
function parseInline(bytes: Uint8Array, end: number, request: Request, state: RequestState): number {
  const start = state.position;
  let isPlain = true;
  let lineEnd = start;
  for (; lineEnd < end && bytes[lineEnd] !== LF; lineEnd++) {
    const byte = bytes[lineEnd];
    if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE || byte === 0) isPlain = false;
  }
  if (lineEnd === end) {
    if (end - start > INLINE_BYTES_MAX) return fail(state, 'Protocol error: too big inline request');
    return PARSE_INCOMPLETE;
  }
  request.argc = 0;
  if (isPlain) pushPlainWords(bytes, start, lineEnd, request);
  else if (!pushQuotedWords(bytes, start, lineEnd, request))
    return fail(state, 'Protocol error: unbalanced quotes in request');
  state.position = lineEnd + 1;
  return request.argc === 0 ? PARSE_EMPTY : PARSE_REQUEST;
}

/** The words of a line without quotes and NUL: see quoted-words.ts. */
function pushPlainWords(bytes: Uint8Array, start: number, end: number, request: Request): void {
  request.bytes = bytes;
  for (let at = start; at < end; ) {
    const byte = bytes[at];
    if (byte === SPACE || (byte >= TAB && byte <= CR)) {
      at++;
      continue;
    }
    const wordAt = at;
    while (at < end && bytes[at] !== SPACE && bytes[at] !== TAB && bytes[at] !== CR) at++;
    request.push(wordAt, at - wordAt);
  }
}

/** @returns whether the quotes are balanced */
function pushQuotedWords(bytes: Uint8Array, start: number, end: number, request: Request): boolean {
  const words = splitWords(latin1Of(bytes, start, end));
  if (words === null) return false;
  const unquoted = words.join('');
  request.bytes = new Uint8Array(unquoted.length);
  for (let i = 0; i < unquoted.length; i++) request.bytes[i] = unquoted.charCodeAt(i);
  let at = 0;
  for (const word of words) {
    request.push(at, word.length);
    at += word.length;
  }
  return true;
}
