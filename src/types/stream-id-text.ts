/**
 * Stream IDs as text: `ms-seq`, or `ms` alone. Source: spec server.md section 24, rule 1.
 *
 * Numbers are read as Redis reads them: canonical decimal, and besides that what C's strtoull takes: leading blanks and zeros, a plus, and for `seq` a
 * minus before a leading zero, which counts modulo 2^64. All that comes before a NUL byte counts; the whole has at most 127 bytes.
 */
import { parsedInt64, parseInt64Text, writeInt64Text } from '../memory/int64-text.js';
import type { StreamId } from '../memory/stream-id.js';

const MINUS = 0x2d;
const STAR = 0x2a;
const ZERO = 0x30;
const TEXT_BYTES_MAX = 127;
const UINT64_MAX = 2n ** 64n - 1n;
const TWO_32 = 4294967296;
/** Up to here a number of so many digits is exact in a double. */
const SAFE_DIGITS = 15;
const PLAIN_BYTES_MAX = 2 * SAFE_DIGITS + 1;

/** Two numbers of 20 digits and a minus. */
export const STREAM_ID_TEXT_BYTES_MAX = 41;

/** What `parseStreamId` found. */
export const ID_INVALID = 0;
export const ID_WHOLE = 1;
/** `ms` alone: the ID has seq 0 so far. */
export const ID_WITHOUT_SEQ = 2;
/** `ms-*`: the ID has seq 0 so far. */
export const ID_WITH_ANY_SEQ = 3;

/** Reads an ID into `into`. `-`, `+`, `$`, `>` and `*` are none. @returns one of the results above */
export function parseStreamId(bytes: Uint8Array, start: number, length: number, into: StreamId): number {
  const form = parsePlainId(bytes, start, length, into);
  if (form !== ID_INVALID) return form;
  if (length > TEXT_BYTES_MAX) return ID_INVALID;
  let end = start;
  let minusAt = -1;
  for (const stop = start + length; end < stop && bytes[end] !== 0; end++)
    if (bytes[end] === MINUS && minusAt < 0) minusAt = end;
  if (!parseUint64(bytes, start, (minusAt < 0 ? end : minusAt) - start)) return ID_INVALID;
  into.set(parsed.high, parsed.low, 0, 0);
  if (minusAt < 0) return ID_WITHOUT_SEQ;
  if (end === minusAt + 2 && bytes[minusAt + 1] === STAR) return ID_WITH_ANY_SEQ;
  if (!parseUint64(bytes, minusAt + 1, end - minusAt - 1)) return ID_INVALID;
  into.seqHigh = parsed.high;
  into.seqLow = parsed.low;
  return ID_WHOLE;
}

/**
 * Reads the usual text in one pass: a number of some digits, or two with a minus between.
 * @returns as `parseStreamId`; ID_INVALID says nothing of the ID
 */
function parsePlainId(bytes: Uint8Array, start: number, length: number, into: StreamId): number {
  if (length > PLAIN_BYTES_MAX) return ID_INVALID;
  const end = start + length;
  let ms = 0;
  let number = 0;
  let numberAt = start;
  for (let at = start; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit >= 0 && digit <= 9) {
      number = number * 10 + digit;
      continue;
    }
    if (bytes[at] !== MINUS || numberAt !== start || !isPlain(at - start)) return ID_INVALID;
    ms = number;
    number = 0;
    numberAt = at + 1;
  }
  if (!isPlain(end - numberAt)) return ID_INVALID;
  if (numberAt === start) {
    into.setMs(number);
    return ID_WITHOUT_SEQ;
  }
  into.set((ms / TWO_32) | 0, ms | 0, (number / TWO_32) | 0, number | 0);
  return ID_WHOLE;
}

/** Whether a number of so many digits is there, and exact. */
function isPlain(digits: number): boolean {
  return digits > 0 && digits <= SAFE_DIGITS;
}

/** Writes `ms-seq` at `at`; the room is the caller's. @returns the offset after it */
export function writeStreamId(target: Uint8Array, at: number, id: StreamId): number {
  if (id.msHigh !== msText.high || id.msLow !== msText.low) {
    msText.high = id.msHigh;
    msText.low = id.msLow;
    msText.length = writeUint64(msText.bytes, 0, id.msHigh, id.msLow);
    msText.bytes[msText.length++] = MINUS;
  }
  const { bytes, length } = msText;
  for (let i = 0; i < length; i++) target[at + i] = bytes[i];
  return writeUint64(target, at + length, id.seqHigh, id.seqLow);
}

/** `ms-` of the ID that was written last: many have the same. */
const msText = {
  high: 0,
  low: 0,
  bytes: Uint8Array.of(ZERO, MINUS, ...new Array(STREAM_ID_TEXT_BYTES_MAX).fill(0)),
  length: 2,
};

export function streamIdText(id: StreamId): string {
  const bytes = Buffer.alloc(STREAM_ID_TEXT_BYTES_MAX);
  return bytes.toString('latin1', 0, writeStreamId(bytes, 0, id));
}

/** The result of `parseUint64`. */
const parsed = { high: 0, low: 0 };

function parseUint64(bytes: Uint8Array, start: number, length: number): boolean {
  if (parseInt64Text(bytes, start, length)) {
    parsed.high = parsedInt64.high;
    parsed.low = parsedInt64.low;
    return parsed.high >= 0;
  }
  return parseLoosely(Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1'));
}

function parseLoosely(text: string): boolean {
  const match = /^[ \t\n\v\f\r]*([+-]?)(\d+)$/.exec(text);
  if (match === null) return false;
  const magnitude = BigInt(match[2]);
  if (magnitude > UINT64_MAX) return false;
  const value = match[1] === '-' ? -magnitude : magnitude;
  parsed.high = Number(BigInt.asIntN(32, value >> 32n));
  parsed.low = Number(BigInt.asIntN(32, value));
  return true;
}

function writeUint64(target: Uint8Array, at: number, high: number, low: number): number {
  if (high >= 0) return writeInt64Text(target, at, high, low);
  const digits = ((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString();
  for (let i = 0; i < digits.length; i++) target[at + i] = digits.charCodeAt(i);
  return at + digits.length;
}
