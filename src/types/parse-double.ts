/**
 * Doubles in arguments, as C's strtod reads them over the whole text: decimal, hexadecimal, infinite; no space, no NaN, no overflow, nothing that
 * would become zero. Source: spec server.md section 20.2.
 */
import { parseSafeInteger } from './number.js';

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)(?:\.([\da-f]*))?(?:p([+-]?\d+))?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;
const HAS_NONZERO_DIGIT = /^[+-]?[.\d]*[1-9]/;
const PLUS = 0x2b;
const MINUS = 0x2d;
const POINT = 0x2e;

/** @returns the number, or NaN if the bytes are none */
export function parseDouble(bytes: Uint8Array, start: number, length: number): number {
  const plain = parsePlain(bytes, start, length);
  if (!Number.isNaN(plain)) return plain;
  const integer = parseSafeInteger(bytes, start, length);
  if (!Number.isNaN(integer)) return integer;
  if (length === 0) return Number.NaN;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1');
  if (DECIMAL.test(text)) return inRange(Number(text), HAS_NONZERO_DIGIT.test(text));
  const infinite = INFINITE.exec(text);
  if (infinite !== null) return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const hexadecimal = HEXADECIMAL.exec(text);
  return hexadecimal === null ? Number.NaN : parseHexadecimal(hexadecimal);
}

/** Significant digits with which every integer is a double. */
const EXACT_DIGITS_MAX = 15;
const POWERS_OF_TEN = Array.from({ length: EXACT_DIGITS_MAX + 1 }, (_, exponent) => 10 ** exponent);

/**
 * Reads what scores nearly always are, without making a text of it: up to 15 digits with a point or without, and `inf` with a sign or without. Both the digits
 * as an integer and the power of ten are exact, so their quotient is rounded once, as it must be.
 * @returns NaN for everything else
 */
function parsePlain(bytes: Uint8Array, start: number, length: number): number {
  let at = start;
  const end = start + length;
  const isNegative = length > 1 && bytes[at] === MINUS;
  if (isNegative || (length > 1 && bytes[at] === PLUS)) at++;
  if (
    end - at === 3 &&
    (bytes[at] | 0x20) === 0x69 &&
    (bytes[at + 1] | 0x20) === 0x6e &&
    (bytes[at + 2] | 0x20) === 0x66
  )
    return isNegative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (at === end || end - at > EXACT_DIGITS_MAX + 1) return Number.NaN;
  let digits = 0;
  let digitCount = 0;
  let pointAt = -1;
  for (; at < end; at++) {
    const digit = bytes[at] - 0x30;
    if (digit >= 0 && digit <= 9) {
      digits = digits * 10 + digit;
      digitCount++;
    } else if (bytes[at] === POINT && pointAt < 0) {
      pointAt = at;
    } else {
      return Number.NaN;
    }
  }
  if (digitCount === 0 || digitCount > EXACT_DIGITS_MAX) return Number.NaN;
  const value = pointAt < 0 ? digits : digits / POWERS_OF_TEN[end - 1 - pointAt];
  return isNegative ? -value : value;
}

function parseHexadecimal([, sign, whole, fraction = '', power = '0']: RegExpExecArray): number {
  if (whole === '' && fraction === '') return Number.NaN;
  const digits = BigInt(`0x${whole}${fraction}`);
  let exponent = Number(power) - fraction.length * 4;
  // A bigint is rounded once, to the nearest; the power of two is exact but for the smallest numbers. In steps, as 2^1074 alone is infinite.
  let magnitude = Number(digits);
  if (!Number.isFinite(magnitude)) return Number.NaN;
  for (; exponent < 0 && magnitude !== 0; exponent += 1000) magnitude *= 2 ** Math.max(exponent, -1000);
  for (; exponent > 0 && Number.isFinite(magnitude) && magnitude !== 0; exponent -= 1000)
    magnitude *= 2 ** Math.min(exponent, 1000);
  return inRange(sign === '-' ? -magnitude : magnitude, digits !== 0n);
}

function inRange(value: number, isNonzero: boolean): number {
  return Number.isFinite(value) && (value !== 0 || !isNonzero) ? value : Number.NaN;
}

/**
 * The bound of a range of scores: read as above, but nothing at all is 0, leading space is skipped, and what is out of range is infinite or 0.
 * @returns NaN if the bytes are no number
 */
export function parseScoreBound(bytes: Uint8Array, start: number, length: number): number {
  const value = parseDouble(bytes, start, length);
  if (!Number.isNaN(value)) return value;
  // C sees no further than to a NUL.
  const [text] = Buffer.from(bytes.buffer, bytes.byteOffset + start, length)
    .toString('latin1')
    .split('\0');
  if (text === '') return 0;
  const trimmed = text.replace(/^[ \t-\r]+/, '');
  if (DECIMAL.test(trimmed)) return Number(trimmed);
  if (trimmed === '') return Number.NaN;
  const rest = Buffer.from(trimmed, 'latin1');
  return parseDouble(rest, 0, rest.length);
}

const LEADING_NUMBER =
  /^[ \t-\r]*([+-]?(?:0x(?:[\da-f]+\.?[\da-f]*|\.[\da-f]+)(?:p[+-]?\d+)?|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?))/i;

/** @returns the number that a text begins with, 0 if it begins with none: what C makes of a score in a damaged payload */
export function parseLeadingDouble(bytes: Uint8Array, start: number, length: number): number {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1');
  const number = LEADING_NUMBER.exec(text)?.[1];
  if (number === undefined) return 0;
  return DECIMAL.test(number) ? Number(number) : parseScoreBound(Buffer.from(number, 'latin1'), 0, number.length);
}
