/**
 * Integers of 1 to 64 bits anywhere in a string, big-endian from bit 0, the highest of the first byte; and what becomes of results that do not fit.
 *
 * Fields of up to 32 bits are numbers, wider ones BigInt: the usual counters allocate nothing. Bits beyond the end of the string read as 0.
 */
export const OVERFLOW_WRAP = 0;
export const OVERFLOW_SATURATE = 1;
export const OVERFLOW_FAIL = 2;

/** Fields up to this width are read and written as numbers: with the bits around them they stay below 2^53. */
export const NUMBER_BITS_MAX = 32;

const BYTE = 256;

/**
 * @param offset in bits
 * @param end    where the string ends in `bytes`
 * @param width  0 to `NUMBER_BITS_MAX`; nothing is 0
 * @returns the field
 */
export function readField(
  bytes: Uint8Array,
  start: number,
  end: number,
  offset: number,
  width: number,
  isSigned: boolean,
): number {
  const first = Math.floor(offset / 8);
  const lastBit = offset - first * 8 + width;
  const byteCount = (lastBit + 7) >> 3;
  if (byteCount < 4 && width > 0) {
    let bits = 0;
    for (let at = start + first, last = at + byteCount; at < last; at++)
      bits = (bits << 8) | (at < end ? bytes[at] : 0);
    const unused = 32 - width;
    bits = (bits >>> ((byteCount << 3) - lastBit)) << unused;
    return isSigned ? bits >> unused : bits >>> unused;
  }
  let value = 0;
  for (let i = 0; i < byteCount; i++) {
    const at = start + first + i;
    value = value * BYTE + (at < end ? bytes[at] : 0);
  }
  const size = 2 ** width;
  value = Math.floor(value / 2 ** ((byteCount << 3) - lastBit)) % size;
  return isSigned && value * 2 >= size ? value - size : value;
}

/** Writes the low bits of `value`, an integer of at most 2^32 in size. The string has room for the field. */
export function writeField(bytes: Uint8Array, start: number, offset: number, width: number, value: number): void {
  const first = Math.floor(offset / 8);
  let rest = value >>> 0;
  let left = width;
  // From the last byte to the first; `end` is the bit after what is still to be written, counted from the first byte.
  let end = offset - first * 8 + width;
  while (left > 0) {
    const at = start + first + ((end - 1) >> 3);
    const behind = -end & 7;
    const count = Math.min(left, 8 - behind);
    const mask = (1 << count) - 1;
    bytes[at] = (bytes[at] & ~(mask << behind)) | ((rest & mask) << behind);
    rest >>>= count;
    left -= count;
    end -= count;
  }
}

/** As `readField`, for any width. */
export function readWideField(
  bytes: Uint8Array,
  start: number,
  end: number,
  offset: number,
  width: number,
  isSigned: boolean,
): bigint {
  const highWidth = Math.max(0, width - NUMBER_BITS_MAX);
  const high = readField(bytes, start, end, offset, highWidth, false);
  const low = readField(bytes, start, end, offset + highWidth, width - highWidth, false);
  const value = (BigInt(high) << BigInt(width - highWidth)) | BigInt(low);
  return isSigned ? BigInt.asIntN(width, value) : value;
}

/** As `writeField`, for any width. */
export function writeWideField(bytes: Uint8Array, start: number, offset: number, width: number, value: bigint): void {
  const highWidth = Math.max(0, width - NUMBER_BITS_MAX);
  const bits = BigInt.asUintN(width, value);
  const lowWidth = width - highWidth;
  writeField(bytes, start, offset, highWidth, Number(bits >> BigInt(lowWidth)));
  writeField(bytes, start, offset + highWidth, lowWidth, Number(BigInt.asUintN(lowWidth, bits)));
}

/** How many numbers a field of each width holds: raising to a power takes as long as everything else in `fit`. */
const POWERS = Float64Array.from({ length: NUMBER_BITS_MAX + 1 }, (_, width) => 2 ** width);

/** What was made of a result by `fit` or `fitWide`. */
export const outcome = { number: 0, wide: 0n };

/**
 * Makes a result fit its field; it is then in `outcome.number`.
 * @param value a safe integer; the field has at most `NUMBER_BITS_MAX` bits
 * @returns false if it does not fit and `overflow` is FAIL
 */
export function fit(value: number, width: number, isSigned: boolean, overflow: number): boolean {
  const size = POWERS[width];
  const min = isSigned ? -size / 2 : 0;
  const max = isSigned ? size / 2 - 1 : size - 1;
  outcome.number = value;
  if (value >= min && value <= max) return true;
  if (overflow === OVERFLOW_FAIL) return false;
  if (overflow === OVERFLOW_SATURATE) {
    outcome.number = value < min ? min : max;
    return true;
  }
  const wrapped = ((value % size) + size) % size;
  outcome.number = wrapped > max ? wrapped - size : wrapped;
  return true;
}

/** As `fit`, for any width and value; the result is in `outcome.wide`. */
export function fitWide(value: bigint, width: number, isSigned: boolean, overflow: number): boolean {
  const min = isSigned ? -(1n << BigInt(width - 1)) : 0n;
  const max = (1n << BigInt(isSigned ? width - 1 : width)) - 1n;
  outcome.wide = value;
  if (value >= min && value <= max) return true;
  if (overflow === OVERFLOW_FAIL) return false;
  if (overflow === OVERFLOW_SATURATE) outcome.wide = value < min ? min : max;
  else outcome.wide = isSigned ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value);
  return true;
}
