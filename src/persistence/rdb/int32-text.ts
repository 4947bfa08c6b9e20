/**
 * Text of int32s, in bytes. "Canonical" (spec/persistence.md 0.2): `0`, or an optional `-`, a digit 1–9 and digits; only such text may be stored
 * as a number, since only it comes back unchanged.
 */
const MINUS = 0x2d;
const ZERO = 0x30;
/** `-2147483648` is the longest canonical text of an int32. */
const INT32_TEXT_MAX = 11;

export const NOT_INT32 = Number.MIN_SAFE_INTEGER;

/** @returns the number, or `NOT_INT32` if the range is not the canonical text of an int32 */
export function parseInt32Text(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 0 || length > INT32_TEXT_MAX) return NOT_INT32;
  let at = start;
  const isNegative = bytes[at] === MINUS;
  if (isNegative) at++;
  if (at === end) return NOT_INT32;
  if (bytes[at] === ZERO) return length === 1 ? 0 : NOT_INT32;
  let value = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) return NOT_INT32;
    value = value * 10 + digit;
  }
  if (isNegative) value = -value;
  return value >= -2147483648 && value <= 2147483647 ? value : NOT_INT32;
}
