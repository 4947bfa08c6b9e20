/**
 * Expiry times as commands give them: an integer of seconds or milliseconds, relative or absolute, turned into absolute Unix ms.
 * Source: spec server.md section 11.
 *
 * Redis computes in int64. Here an expiry is a safe integer: what lies beyond ±(2^53 − 1) ms (the year 287,396) is held at that bound.
 */
import { INT64_MAX, INT64_MIN, parseInt64, parseSafeInteger } from './number.js';

export const SECOND_MS = 1000;
export const MILLISECOND = 1;

/** The argument is no int64. */
export const NOT_AN_INTEGER = Number.NaN;
/** The time cannot be expressed in int64 ms. */
export const OUT_OF_RANGE = Number.POSITIVE_INFINITY;

/**
 * @param unitMs SECOND_MS or MILLISECOND
 * @param baseMs the time that the argument counts from, Unix ms; 0 if it is absolute
 * @returns      absolute Unix ms, NOT_AN_INTEGER, or OUT_OF_RANGE
 */
export function expiryTime(bytes: Uint8Array, start: number, length: number, unitMs: number, baseMs: number): number {
  const safe = parseSafeInteger(bytes, start, length);
  const atMs = safe * unitMs + baseMs;
  if (atMs <= Number.MAX_SAFE_INTEGER && atMs >= Number.MIN_SAFE_INTEGER) return atMs;
  const exact = parseInt64(bytes, start, length);
  if (exact === null) return NOT_AN_INTEGER;
  const timeMs = exact * BigInt(unitMs);
  if (timeMs > INT64_MAX - BigInt(baseMs) || timeMs < INT64_MIN) return OUT_OF_RANGE;
  return timeMs > 0n ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
}

/** The same for commands that refuse times that are not positive (SET, GETEX, SETEX): OUT_OF_RANGE is what they get. */
export function positiveExpiryTime(
  bytes: Uint8Array,
  start: number,
  length: number,
  unitMs: number,
  baseMs: number,
): number {
  const atMs = expiryTime(bytes, start, length, unitMs, baseMs);
  return atMs <= baseMs ? OUT_OF_RANGE : atMs;
}
