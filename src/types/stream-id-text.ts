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
  if (parsePlainId(bytes, start, length, into)) return ID_WHOLE;
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

/** Reads the usual text in one pass: two numbers of some digits and a minus. @returns whether it is such; if not, nothing is said of the ID */
function parsePlainId(bytes: Uint8Array, start: number, length: number, into: StreamId): boolean {
  if (length > PLAIN_BYTES_MAX) return false;
  const end = start + length;
  let ms = 0;
  let at = start;
  for (; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) break;
    ms = ms * 10 + digit;
  }
  const seqAt = at + 1;
  if (at === start || at - start > SAFE_DIGITS || seqAt >= end || end - seqAt > SAFE_DIGITS || bytes[at] !== MINUS)
    return false;
  let seq = 0;
  for (at = seqAt; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return false;
    seq = seq * 10 + digit;
  }
  into.set((ms / TWO_32) | 0, ms | 0, (seq / TWO_32) | 0, seq | 0);
  return true;
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
  // The usual text: some digits without a sign or leading zero.
  if (length > 0 && length <= SAFE_DIGITS && bytes[start] !== ZERO) {
    let value = 0;
    let at = start;
    for (; at < start + length; at++) {
      const digit = bytes[at] - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at === start + length) {
      parsed.high = Math.floor(value / TWO_32);
      parsed.low = value | 0;
      return true;
    }
  }
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
