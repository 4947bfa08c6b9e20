/** What SORT reads as a number: as C's strtod does it, leading space and nothing at all included. Source: spec server.md section 19. */
import { parseSafeInteger } from './number.js';
import { parseDouble } from './parse-double.js';

/** Smaller numbers but 0 lose digits, which strtod reports as an error. */
const NORMAL_MIN = 2 ** -1022;

/** @returns the weight, NaN if the bytes are none */
export function sortWeight(bytes: Uint8Array, start: number, length: number): number {
  const integer = parseSafeInteger(bytes, start, length);
  if (!Number.isNaN(integer)) return integer;
  let end = start;
  while (end < start + length && bytes[end] !== 0) end++;
  // A C string ends at the first NUL.
  if (end === start) return 0;
  let at = start;
  while (at < end && isSpace(bytes[at])) at++;
  const weight = parseDouble(bytes, at, end - at);
  return weight === 0 || Math.abs(weight) >= NORMAL_MIN ? weight : Number.NaN;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
