/**
 * The 24-bit access clock of an entry: LRU = seconds of the last access; LFU = minutes of the last decay (16 bits) and a logarithmic counter (8 bits).
 * Which one an entry holds depends on maxmemory-policy alone; after a change of policy the same bits are read the other way, as in Redis.
 * Source: spec server.md section 12, rules 6 and 7.
 */

export const CLOCK_MASK = 0xffffff;
const LFU_INITIAL = 5;

/** LRU clock of a moment: seconds, mod 2^24. */
export function lruClock(unixMs: number): number {
  return Math.floor(unixMs / 1000) & CLOCK_MASK;
}

/** @returns seconds since the last access, at most 2^24 (194 days) */
export function lruIdleSeconds(clock: number, unixMs: number): number {
  return (lruClock(unixMs) - (clock & CLOCK_MASK)) & CLOCK_MASK;
}

export function lfuMinutes(unixMs: number): number {
  return Math.floor(unixMs / 60000) & 0xffff;
}

/** Clock of a new entry under an LFU policy. */
export function lfuBirth(unixMs: number): number {
  return (lfuMinutes(unixMs) << 8) | LFU_INITIAL;
}

/** @returns the counter after decay; `decayMinutes` 0 = none */
export function lfuCounter(clock: number, unixMs: number, decayMinutes: number): number {
  const counter = clock & 0xff;
  if (decayMinutes === 0) return counter;
  return Math.max(0, counter - Math.floor(lfuIdleMinutes(clock, unixMs) / decayMinutes));
}

/** @returns minutes since the counter was last decayed or incremented, at most 2^16 (45 days) */
export function lfuIdleMinutes(clock: number, unixMs: number): number {
  return (lfuMinutes(unixMs) - ((clock >>> 8) & 0xffff)) & 0xffff;
}

/** @returns the clock after one access */
export function lfuAccess(clock: number, unixMs: number, decayMinutes: number, logFactor: number): number {
  let counter = lfuCounter(clock, unixMs, decayMinutes);
  if (counter < 255 && Math.random() < 1 / (Math.max(0, counter - LFU_INITIAL) * logFactor + 1)) counter++;
  return (lfuMinutes(unixMs) << 8) | counter;
}
