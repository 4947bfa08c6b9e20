/**
 * Numbers as configuration files spell them: strict integers, memory sizes with a unit, octal modes.
 *
 * They are read as BigInt, because limits reach 2^64 − 1 and a range check on a rounded number would let a neighbour through; the values that the
 * server works with are plain numbers (a limit beyond 2^53 is "no limit" for any machine, so its rounding harms nobody).
 *
 * Source: spec/server.md 6.2, 6.4.10, and the real server's answers.
 */

export const INT32_MIN = -(2n ** 31n);
export const INT32_MAX = 2n ** 31n - 1n;
export const UINT32_MAX = 2n ** 32n - 1n;
export const INT64_MIN = -(2n ** 63n);
export const INT64_MAX = 2n ** 63n - 1n;
export const UINT64_MAX = 2n ** 64n - 1n;

/** An int64 in the one spelling that its decimal form has: no sign `+`, no leading zero, no blank. @returns null for anything else */
export function parseInteger(text: string): bigint | null {
  if (text.length > 20 || !/^(0|-?[1-9][0-9]*)$/.test(text)) return null;
  const value = BigInt(text);
  return value < INT64_MIN || value > INT64_MAX ? null : value;
}

/**
 * An integer as strtoll(3) takes it: leading blanks, a sign and leading zeros are fine, and what is too large stops at the ends of int64.
 * @returns null if it is no number, or if something follows it
 */
export function parseLooseInteger(text: string): bigint | null {
  if (!/^\s*[+-]?[0-9]+$/.test(text)) return null;
  const digits = BigInt(text.trim().replace('+', ''));
  if (digits > INT64_MAX) return INT64_MAX;
  return digits < INT64_MIN ? INT64_MIN : digits;
}

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['', 1n],
  ['b', 1n],
  ['k', 1000n],
  ['kb', 1024n],
  ['m', 1000n ** 2n],
  ['mb', 1024n ** 2n],
  ['g', 1000n ** 3n],
  ['gb', 1024n ** 3n],
]);

/**
 * A memory size in bytes: digits and a unit, whose letters may be of either case. No digits mean 0, as in Redis.
 * A size above 2^64 − 1 becomes 2^64 − 1. (Redis lets the product of digits and unit wrap around; a huge size must not become a small one.)
 * @returns null if it is no memory size
 */
export function parseMemory(text: string): bigint | null {
  const match = /^([0-9]{0,100})([a-zA-Z]*)$/.exec(text);
  if (match === null) return null;
  const unit = UNITS.get(match[2]!.toLowerCase());
  if (unit === undefined) return null;
  const bytes = BigInt(match[1] === '' ? 0 : match[1]!) * unit;
  return bytes > UINT64_MAX ? UINT64_MAX : bytes;
}

/** The largest unit of gb, mb, kb that divides `bytes`, as CONFIG REWRITE writes it; plain bytes if none does. */
export function formatMemory(bytes: bigint): string {
  if (bytes === 0n) return '0';
  for (const unit of ['gb', 'mb', 'kb']) {
    const size = UNITS.get(unit)!;
    if (bytes % size === 0n) return `${bytes / size}${unit}`;
  }
  return bytes.toString();
}

/** An octal number such as a file mode; no digits mean 0. @returns null if it is none */
export function parseOctal(text: string): bigint | null {
  const match = /^(-?)([0-7]{0,20})$/.exec(text);
  if (match === null) return null;
  const value = match[2] === '' ? 0n : BigInt(`0o${match[2]}`);
  return match[1] === '-' ? -value : value;
}

const POWERS: ReadonlyMap<bigint, string> = new Map([
  [INT32_MIN, '-2^31'],
  [INT32_MAX, '2^31-1'],
  [UINT32_MAX, '2^32-1'],
  [INT64_MAX, '2^63-1'],
  [UINT64_MAX, '2^64-1'],
]);

/** A limit for the eyes of a reader. */
export function showLimit(limit: bigint): string {
  return POWERS.get(limit) ?? limit.toString();
}
