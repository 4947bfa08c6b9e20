/**
 * Byte copies and comparisons for the hot path. Small ones are loops; native calls pay off only above some 64 bytes, as each costs about 50 ns
 * before the first byte (two calls into the engine and a temporary view).
 */

const LOOP_BYTES_MAX = 64;

/** Copies `count` bytes between two views (of different buffers, or without overlap). The caller has reserved the room. */
export function copyBytes(source: Uint8Array, from: number, target: Uint8Array, to: number, count: number): void {
  if (count > LOOP_BYTES_MAX) {
    target.set(source.subarray(from, from + count), to);
    return;
  }
  for (let i = 0; i < count; i++) target[to + i] = source[from + i];
}

export function equalBytes(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, count: number): boolean {
  for (let i = 0; i < count; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}

/** @returns negative, 0 or positive: the order of the two ranges as unsigned bytes (memcmp), a shorter prefix first. */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aCount: number,
  b: Uint8Array,
  bStart: number,
  bCount: number,
): number {
  const common = Math.min(aCount, bCount);
  for (let i = 0; i < common; i++) {
    const difference = a[aStart + i] - b[bStart + i];
    if (difference !== 0) return difference;
  }
  return aCount - bCount;
}
