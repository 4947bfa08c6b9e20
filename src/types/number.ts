/**
 * Integers in text as Redis reads them (spec server.md section 20.1): decimal, an optional minus, no plus, no space, no leading zeros, int64 range.
 */

const MINUS = 0x2d;
const ZERO = 0x30;
export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;

/** @returns the integer, or NaN if the bytes are no integer or one beyond ±(2^53 − 1) */
export function parseSafeInteger(bytes: Uint8Array, start: number, length: number): number {
  if (length === 0 || length > 17) return Number.NaN;
  let at = start;
  const end = start + length;
  const isNegative = bytes[at] === MINUS;
  if (isNegative && ++at === end) return Number.NaN;
  const first = bytes[at] - ZERO;
  if (first === 0) return length === 1 ? 0 : Number.NaN;
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  if (value > Number.MAX_SAFE_INTEGER) return Number.NaN;
  return isNegative ? -value : value;
}

/** @returns the int64, or null if the bytes are none */
export function parseInt64(bytes: Uint8Array, start: number, length: number): bigint | null {
  const safe = parseSafeInteger(bytes, start, length);
  if (!Number.isNaN(safe)) return BigInt(safe);
  if (!isCanonicalDigits(bytes, start, length)) return null;
  const value = BigInt(Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1'));
  return value >= INT64_MIN && value <= INT64_MAX ? value : null;
}

/** @returns the int64, rounded to a double where it is beyond ±(2^53 − 1): for offsets and counts that are clamped anyway; NaN if the bytes are none */
export function parseRoundedInt64(bytes: Uint8Array, start: number, length: number): number {
  const safe = parseSafeInteger(bytes, start, length);
  // Below 16 bytes every integer is safe.
  if (!Number.isNaN(safe) || length < 16) return safe;
  const exact = parseInt64(bytes, start, length);
  return exact === null ? Number.NaN : Number(exact);
}

/** Whether a value is stored with encoding INT: the canonical text of an int64. */
export function isInt64Text(bytes: Uint8Array, start: number, length: number): boolean {
  if (length === 0 || length > 20) return false;
  const first = bytes[start];
  // Nearly all values that are not integers are told from them by their first byte.
  if ((first < ZERO || first > 0x39) && first !== MINUS) return false;
  if (length < 16) return !Number.isNaN(parseSafeInteger(bytes, start, length));
  return parseInt64(bytes, start, length) !== null;
}

function isCanonicalDigits(bytes: Uint8Array, start: number, length: number): boolean {
  if (length === 0 || length > 20) return false;
  let at = start;
  const end = start + length;
  if (bytes[at] === MINUS) at++;
  if (at === end || bytes[at] === ZERO) return false;
  for (; at < end; at++) if (bytes[at] < ZERO || bytes[at] > 0x39) return false;
  return true;
}
