/**
 * Byte copies and comparisons for the hot path. Small ones are loops; native calls pay off only above some 64 bytes, as each costs about 50 ns
 * before the first byte (two calls into the engine and a temporary view).
 */

const LOOP_BYTES_MAX = 64;
/** What is longer the C library may copy with `rep movsb`, which is slow to some places (read-buffer.ts): then it is copied in pieces of so much. */
const PIECE_BYTES = 2048;
/** Bytes further in its memory page than the source, less one, up to which a target is such a place. */
const SLOW_DISTANCE = 31;
const PAGE_MASK = 4095;

/** Copies `count` bytes between two views (of different buffers, or without overlap). The caller has reserved the room. */
export function copyBytes(source: Uint8Array, from: number, target: Uint8Array, to: number, count: number): void {
  if (count <= LOOP_BYTES_MAX) {
    copyFewBytes(source, from, target, to, count);
  } else if (count > PIECE_BYTES && betterDistance(source, from, target, to) > 0) {
    const end = from + count;
    for (let at = from; at < end; at += PIECE_BYTES)
      target.set(source.subarray(at, Math.min(at + PIECE_BYTES, end)), to + at - from);
  } else {
    target.set(source.subarray(from, from + count), to);
  }
}

/** Four bytes a turn, the last four perhaps again: what each turn checks of the two arrays takes longer than to copy a byte (19 bytes: 15 ns, 24 one by one). */
function copyFewBytes(source: Uint8Array, from: number, target: Uint8Array, to: number, count: number): void {
  const last = count - 4;
  if (last < 0) {
    for (let i = 0; i < count; i++) target[to + i] = source[from + i];
    return;
  }
  for (let i = 0; i < last; i += 4) copyFourBytes(source, from + i, target, to + i);
  copyFourBytes(source, from + last, target, to + last);
}

function copyFourBytes(source: Uint8Array, from: number, target: Uint8Array, to: number): void {
  target[to] = source[from];
  target[to + 1] = source[from + 1];
  target[to + 2] = source[from + 2];
  target[to + 3] = source[from + 3];
}

/**
 * The C library might copy slowly, if both buffers begin at the same place of a page, as large ones do.
 * @returns by how many bytes, up to SLOW_DISTANCE, the target had better lie further on; 0 if it is well where it is
 */
export function betterDistance(source: Uint8Array, from: number, target: Uint8Array, to: number): number {
  const distance = (target.byteOffset + to - source.byteOffset - from - 1) & PAGE_MASK;
  return distance < SLOW_DISTANCE ? SLOW_DISTANCE - distance : 0;
}

/**
 * The same between views that read and write words: a third of the time (19 bytes: 6 ns, 19 by `copyBytes`). What is behind the last whole word goes with
 * the bytes before it, as a word that overlaps that one: so no other byte is touched.
 */
export function copyWords(source: DataView, from: number, target: DataView, to: number, count: number): void {
  if (count > LOOP_BYTES_MAX) {
    bytesOf(target, to, count).set(bytesOf(source, from, count));
    return;
  }
  const last = count - 4;
  if (last < 0) {
    for (let i = 0; i < count; i++) target.setUint8(to + i, source.getUint8(from + i));
    return;
  }
  for (let i = 0; i < last; i += 4) target.setInt32(to + i, source.getInt32(from + i, true), true);
  target.setInt32(to + last, source.getInt32(from + last, true), true);
}

function bytesOf(view: DataView, start: number, count: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + start, count);
}

/** Four bytes a turn, as `copyBytes` (19 bytes: 13 ns, 21 one by one). */
export function equalBytes(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number, count: number): boolean {
  const last = count - 4;
  if (last < 0) {
    for (let i = 0; i < count; i++) if (a[aStart + i] !== b[bStart + i]) return false;
    return true;
  }
  for (let i = 0; i < last; i += 4) if (differenceOfFour(a, aStart + i, b, bStart + i) !== 0) return false;
  return differenceOfFour(a, aStart + last, b, bStart + last) === 0;
}

/** @returns 0 if four bytes are the same */
function differenceOfFour(a: Uint8Array, at: number, b: Uint8Array, bAt: number): number {
  const low = (a[at] ^ b[bAt]) | (a[at + 1] ^ b[bAt + 1]);
  return low | (a[at + 2] ^ b[bAt + 2]) | (a[at + 3] ^ b[bAt + 3]);
}

/**
 * The same of bytes that begin at a word: `words[word …]` of `b`'s buffer, whose byte 0 is theirs. Half of the time (16 bytes: 5 ns).
 * The machine is little-endian.
 */
export function equalWords(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  words: Int32Array,
  word: number,
  count: number,
): boolean {
  const end = aStart + count;
  let at = aStart;
  let bWord = word;
  for (; at + 3 < end; at += 4, bWord++) {
    if ((a[at] | (a[at + 1] << 8) | (a[at + 2] << 16) | (a[at + 3] << 24)) !== words[bWord]) return false;
  }
  for (let bAt = bWord << 2; at < end; at++, bAt++) if (a[at] !== b[bAt]) return false;
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
  const end = aStart + Math.min(aCount, bCount);
  let at = aStart;
  let bAt = bStart;
  // One branch for four bytes.
  for (; at + 3 < end; at += 4, bAt += 4) if (differenceOfFour(a, at, b, bAt) !== 0) break;
  for (; at < end; at++, bAt++) {
    const difference = a[at] - b[bAt];
    if (difference !== 0) return difference;
  }
  return aCount - bCount;
}
