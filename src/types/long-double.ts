/**
 * The 80-bit extended floating-point number of x87, in which INCRBYFLOAT and HINCRBYFLOAT compute: reading, adding and printing exactly as C does
 * on x86-64 (spec server.md sections 20.2 and 20.5).
 *
 *   value = sign × mantissa × 2^exponent,   mantissa < 2^64,   −16445 ≤ exponent,   value < 2^16384
 *
 * Every operation is carried out exactly with BigInt and then rounded once, to the nearest with ties to even. Not for hot loops: some µs per call.
 *
 * Invariants: (1) a finite nonzero value has its mantissa in [2^63, 2^64), or the smallest exponent (denormal); (2) zero has mantissa 0.
 */

export interface LongDouble {
  readonly isNegative: boolean;
  readonly isInfinite: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
}

const MANTISSA_BITS = 64;
/** Exponent of the mantissa's lowest bit, for the smallest and the largest numbers. */
const EXPONENT_MIN = -16445;
const EXPONENT_MAX = 16383 - 63;
/** Text that is as long or longer is refused unread. */
const TEXT_BYTES_MAX = 5 * 1024;
/** Decimal exponents beyond these are infinite, or zero, whatever up to 5,120 digits say. */
const DECIMAL_EXPONENT_LIMIT = 20000;
const FRACTION_DIGITS = 17;
const TIE_SCALE = 2 ** (FRACTION_DIGITS + 1);
const ZERO = 0x30;
const POINT = 0x2e;

const double = new Float64Array(1);
const doubleBits = new BigUint64Array(double.buffer);

const DECIMAL = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:e([+-]?\d+))?$/i;
const HEXADECIMAL = /^([+-]?)0x(?:([\da-f]+)(?:\.([\da-f]*))?|\.([\da-f]+))(?:p([+-]?\d+))?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

/** @returns the number, or null if the bytes are none, too large, or so small that they would become zero */
export function parseLongDouble(bytes: Uint8Array, start: number, length: number): LongDouble | null {
  if (length === 0 || length >= TEXT_BYTES_MAX) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1');
  const decimal = DECIMAL.exec(text);
  if (decimal !== null) return parseDecimal(decimal);
  const hexadecimal = HEXADECIMAL.exec(text);
  if (hexadecimal !== null) return parseHexadecimal(hexadecimal);
  const infinite = INFINITE.exec(text);
  return infinite === null ? null : infinity(infinite[1] === '-');
}

/** @returns the double as it is; it must be finite */
export function longDoubleOf(value: number): LongDouble {
  double[0] = Math.abs(value);
  const bits = doubleBits[0];
  const power = Number(bits >> 52n);
  const fraction = bits & ((1n << 52n) - 1n);
  if (power > 0) return finite(value < 0, ((1n << 52n) | fraction) << 11n, power - 1075 - 11);
  return fraction === 0n ? finite(false, 0n, EXPONENT_MIN) : round(value < 0, fraction, 1n, -1074);
}

/** @returns the sum; null if it is infinite or no number */
export function addLongDoubles(a: LongDouble, b: LongDouble): LongDouble | null {
  if (a.isInfinite || b.isInfinite) return null;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum = signed(a, exponent) + signed(b, exponent);
  if (sum === 0n) return finite(a.isNegative && b.isNegative, 0n, EXPONENT_MIN);
  const rounded = round(sum < 0n, sum < 0n ? -sum : sum, 1n, exponent);
  return rounded.isInfinite ? null : rounded;
}

/** The decimal text with at most 17 digits after the point and no trailing zeros. The number must be finite. */
export function formatLongDouble(value: LongDouble): string {
  const text = formatFixed(value, FRACTION_DIGITS).replace(/\.?0+$/, '');
  return text === '-0' ? '0' : text;
}

/** The same text of a double, in a tenth of the time. It must be finite and below 10^21. */
export function formatDoubleAsLong(value: number): string {
  // In the middle between two texts `toFixed` takes the larger one, C the even one: so it is with 18 bits behind the point, the last of them 1.
  const halves = value * TIE_SCALE;
  if (Number.isInteger(halves) && halves % 2 !== 0) return formatLongDouble(longDoubleOf(value));
  const text = value.toFixed(FRACTION_DIGITS);
  let end = text.length;
  while (text.charCodeAt(end - 1) === ZERO) end--;
  if (text.charCodeAt(end - 1) === POINT) end--;
  const trimmed = text.slice(0, end);
  return trimmed === '-0' ? '0' : trimmed;
}

/** The decimal text with exactly `digits` (1 or more) digits after the point, as C's printf rounds it. The number must be finite. */
export function formatFixed(value: LongDouble, digits: number): string {
  let scaled = value.mantissa * 10n ** BigInt(digits);
  scaled =
    value.exponent >= 0 ? scaled << BigInt(value.exponent) : divideRounded(scaled, 1n << BigInt(-value.exponent));
  const text = scaled.toString().padStart(digits + 1, '0');
  return `${value.isNegative ? '-' : ''}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

function parseDecimal([
  ,
  sign,
  whole = '',
  fraction = '',
  onlyFraction = '',
  power = '0',
]: RegExpExecArray): LongDouble | null {
  const after = fraction || onlyFraction;
  const digits = BigInt(whole + after);
  if (digits === 0n) return finite(sign === '-', 0n, EXPONENT_MIN);
  const exponent = Number(power) - after.length;
  // Far beyond both ends, the power of ten itself would be too large to compute.
  if (Math.abs(exponent) > DECIMAL_EXPONENT_LIMIT) return null;
  const scale = 10n ** BigInt(Math.abs(exponent));
  return inRange(exponent < 0 ? round(sign === '-', digits, scale, 0) : round(sign === '-', digits * scale, 1n, 0));
}

function parseHexadecimal([
  ,
  sign,
  whole = '',
  fraction = '',
  onlyFraction = '',
  power = '0',
]: RegExpExecArray): LongDouble | null {
  const after = fraction || onlyFraction;
  const digits = BigInt(`0x${whole}${after}`);
  if (digits === 0n) return finite(sign === '-', 0n, EXPONENT_MIN);
  const exponent = Number(power) - after.length * 4;
  if (Math.abs(exponent) > 5 * DECIMAL_EXPONENT_LIMIT) return null;
  return inRange(round(sign === '-', digits, 1n, exponent));
}

/** strtold's ERANGE: an overflow, or a number that is not zero but becomes it. */
function inRange(value: LongDouble): LongDouble | null {
  return value.isInfinite || value.mantissa === 0n ? null : value;
}

/** Rounds numerator / denominator × 2^exponent, which is not zero, to the format. */
function round(isNegative: boolean, numerator: bigint, denominator: bigint, exponent: number): LongDouble {
  // A quotient of 64 or 65 bits, then, if it has one too many, one bit less.
  const excess = bitLength(numerator) - bitLength(denominator) - MANTISSA_BITS;
  let shift = Math.max(excess, EXPONENT_MIN - exponent);
  let mantissa = shiftedQuotient(numerator, denominator, shift);
  if (mantissa >> 64n !== 0n) {
    shift++;
    mantissa = shiftedQuotient(numerator, denominator, shift);
    // Rounding up may have carried into a 65th bit: then the lower ones are zero.
    if (mantissa >> 64n !== 0n) {
      mantissa >>= 1n;
      shift++;
    }
  }
  return exponent + shift > EXPONENT_MAX ? infinity(isNegative) : finite(isNegative, mantissa, exponent + shift);
}

/** numerator / denominator / 2^shift, to the nearest integer, ties to even */
function shiftedQuotient(numerator: bigint, denominator: bigint, shift: number): bigint {
  return shift >= 0
    ? divideRounded(numerator, denominator << BigInt(shift))
    : divideRounded(numerator << BigInt(-shift), denominator);
}

function divideRounded(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twiceRest = (numerator - quotient * denominator) * 2n;
  const isUp = twiceRest > denominator || (twiceRest === denominator && (quotient & 1n) === 1n);
  return isUp ? quotient + 1n : quotient;
}

function bitLength(value: bigint): number {
  const hex = value.toString(16);
  return hex.length * 4 - Math.clz32(Number.parseInt(hex[0], 16)) + 28;
}

function signed(value: LongDouble, exponent: number): bigint {
  const shifted = value.mantissa << BigInt(value.exponent - exponent);
  return value.isNegative ? -shifted : shifted;
}

function finite(isNegative: boolean, mantissa: bigint, exponent: number): LongDouble {
  return { isNegative, isInfinite: false, mantissa, exponent };
}

function infinity(isNegative: boolean): LongDouble {
  return { isNegative, isInfinite: true, mantissa: 0n, exponent: 0 };
}
