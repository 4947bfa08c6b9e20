/**
 * Canonical text of 64-bit integers (spec persistence.md 0.2: `0`, or an optional minus, a digit 1–9 and digits), to and from two 32-bit halves.
 *
 * An int64 is | high : int32 | low : int32 |, two's complement: exact where a double is not, and nothing is allocated, as a bigint would be. IDs of
 * 64 bits are common members of packed collections.
 */

const MINUS = 0x2d;
const ZERO = 0x30;
const TWO_32 = 4294967296;
const INT64_MAX = 2n ** 63n - 1n;
/** `-9223372036854775808` */
export const INT64_TEXT_BYTES_MAX = 20;
/** Up to here a number of so many digits is exact in a double. */
const SAFE_DIGITS = 15;

/** The result of `parseInt64Text`: fields, as a pair would have to be allocated. */
export const parsedInt64 = { high: 0, low: 0 };

/** @returns whether the bytes are the canonical text of an int64, which then is in `parsedInt64` */
export function parseInt64Text(bytes: Uint8Array, start: number, length: number): boolean {
  if (length === 0 || length > INT64_TEXT_BYTES_MAX) return false;
  const end = start + length;
  let at = start;
  const isNegative = bytes[at] === MINUS;
  if (isNegative) at++;
  const first = bytes[at] - ZERO;
  // Also what is no digit at all: most text is told from numbers by its first byte. A lone minus ends here as well.
  if (at === end || !(first >= 0 && first <= 9)) return false;
  if (first === 0) {
    parsedInt64.high = 0;
    parsedInt64.low = 0;
    return length === 1;
  }
  const safeEnd = Math.min(end, at + SAFE_DIGITS);
  let value = 0;
  for (; at < safeEnd; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return false;
    value = value * 10 + digit;
  }
  let high = Math.floor(value / TWO_32);
  let low = value - high * TWO_32;
  for (; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return false;
    const next = low * 10 + digit;
    const carry = Math.floor(next / TWO_32);
    low = next - carry * TWO_32;
    high = high * 10 + carry;
  }
  if (high > 0x7fffffff && !(isNegative && high === 0x80000000 && low === 0)) return false;
  parsedInt64.high = isNegative ? (low === 0 ? -high : ~high) | 0 : high | 0;
  parsedInt64.low = isNegative ? -low | 0 : low | 0;
  return true;
}

/** Writes an int64 as text at `at`; the room (20 bytes) is the caller's. @returns the offset after it */
export function writeInt64Text(target: Uint8Array, at: number, high: number, low: number): number {
  let out = at;
  let top = high;
  let bottom = low >>> 0;
  if (high < 0) {
    target[out++] = MINUS;
    top = bottom === 0 ? -high : ~high;
    bottom = bottom === 0 ? 0 : TWO_32 - bottom;
  }
  top >>>= 0;
  if (top < 0x200000) return writeDigits(target, out, top * TWO_32 + bottom, 1);
  // Long division by 10^9 in limbs of 16 bits: every remainder × 2^16 is exact.
  let rest = top % 1e9;
  let quotient = Math.floor(top / 1e9);
  rest = rest * 65536 + (bottom >>> 16);
  quotient = quotient * 65536 + Math.floor(rest / 1e9);
  rest = (rest % 1e9) * 65536 + (bottom & 0xffff);
  quotient = quotient * 65536 + Math.floor(rest / 1e9);
  return writeDigits(target, writeDigits(target, out, quotient, 1), rest % 1e9, 9);
}

/**
 * Writes an integer at `at`; the room (20 bytes) is the caller's. One that is not safe, as a time in a damaged payload may be, is an int64 that was rounded.
 * @returns the offset after it
 */
export function writeInteger(target: Uint8Array, at: number, value: number): number {
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) return writeRoundedInt64(target, at, value);
  let start = at;
  let rest = value;
  if (rest < 0) {
    target[start++] = MINUS;
    rest = -rest;
  }
  // As in `writeDigits`: through that, one call deeper, the reply with a value of 128 bytes takes 78 ns instead of 72.
  let digits = 1;
  for (let bound = 10; digits < 16 && rest >= bound; bound *= 10) digits++;
  const end = start + digits;
  let i = end - 1;
  while (rest > 0x7fffffff) {
    const tenth = Math.floor(rest / 10);
    target[i--] = ZERO + (rest - tenth * 10);
    rest = tenth;
  }
  let small = rest | 0;
  do {
    const tenth = (small / 10) | 0;
    target[i--] = ZERO + (small - tenth * 10);
    small = tenth;
  } while (i >= start);
  return end;
}

function writeRoundedInt64(target: Uint8Array, at: number, value: number): number {
  const exact = BigInt(value);
  const text = (exact > INT64_MAX ? INT64_MAX : exact).toString();
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** Writes a number from 0 to 2^53 with at least `digitsMin` digits, 1 or 9. @returns the offset after it */
export function writeDigits(target: Uint8Array, at: number, value: number, digitsMin: number): number {
  let digits = digitsMin;
  for (let bound = digitsMin === 1 ? 10 : 1e9; value >= bound; bound *= 10) digits++;
  const end = at + digits;
  let i = end - 1;
  let rest = value;
  while (rest > 0x7fffffff) {
    const tenth = Math.floor(rest / 10);
    target[i--] = ZERO + (rest - tenth * 10);
    rest = tenth;
  }
  let small = rest | 0;
  while (i >= at) {
    const tenth = (small / 10) | 0;
    target[i--] = ZERO + (small - tenth * 10);
    small = tenth;
  }
  return end;
}
