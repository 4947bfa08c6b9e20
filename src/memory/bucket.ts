/**
 * A bucket of a Table, one cache line:
 *
 *   64 bytes = | 12 item refs | 12 one-byte fingerprints | overflow ref |
 *
 * The fingerprint of an item is the top byte of its hash: a lookup compares four at once, and reads only items whose fingerprint fits.
 *
 * Invariant: empty cells, with the reference 0 and the fingerprint 0, are behind all others.
 */
import type { Ref } from './arena.js';

export const CELLS = 12;
/** Word of the first four fingerprints, and of the reference to the overflow bucket. */
export const FINGERPRINT_WORD = 12;
export const OVERFLOW_WORD = 15;
export const BUCKET_WORDS = 16;
export const BUCKET_BYTES = 64;

/** @returns the first item of a bucket whose fingerprint fits the hash; 0 for none */
export function firstMatch(words: Int32Array, base: number, hash: number): Ref {
  const pattern = Math.imul(hash >>> 24, 0x01010101);
  for (let group = 0; group < 3; group++) {
    const difference = words[base + FINGERPRINT_WORD + group] ^ pattern;
    const matches = (difference - 0x01010101) & ~difference & 0x80808080;
    if (matches !== 0) return words[base + (group << 2) + ((31 - Math.clz32(matches & -matches)) >> 3)];
  }
  return 0;
}

/** @returns whether a fingerprint may fit the hash; none does if not */
export function mayHold(words: Int32Array, base: number, hash: number): boolean {
  const pattern = Math.imul(hash >>> 24, 0x01010101);
  const first = words[base + FINGERPRINT_WORD] ^ pattern;
  const second = words[base + FINGERPRINT_WORD + 1] ^ pattern;
  const third = words[base + FINGERPRINT_WORD + 2] ^ pattern;
  const zeros = ((first - 0x01010101) & ~first) | ((second - 0x01010101) & ~second) | ((third - 0x01010101) & ~third);
  return (zeros & 0x80808080) !== 0;
}

/** @returns number of the first empty cell; CELLS if there is none */
export function emptyCell(words: Int32Array, base: number): number {
  let cell = words[base + 7] !== 0 ? 8 : words[base + 3] !== 0 ? 4 : 0;
  while (cell < CELLS && words[base + cell] !== 0) cell++;
  return cell;
}

/** Empties a bucket: by a loop, since a call into the engine takes as long as sixty of its turns. */
export function clearBucket(words: Int32Array, base: number): void {
  for (let word = base; word < base + BUCKET_WORDS; word++) words[word] = 0;
}

/** Puts an item into an empty cell. */
export function fillCell(words: Int32Array, base: number, cell: number, item: Ref, hash: number): void {
  words[base + cell] = item;
  words[base + FINGERPRINT_WORD + (cell >> 2)] |= (hash >>> 24) << ((cell & 3) << 3);
}

export function setFingerprint(words: Int32Array, base: number, cell: number, fingerprint: number): void {
  const word = base + FINGERPRINT_WORD + (cell >> 2);
  const shift = (cell & 3) << 3;
  words[word] = (words[word] & ~(0xff << shift)) | (fingerprint << shift);
}

export function fingerprintOf(words: Int32Array, base: number, cell: number): number {
  return (words[base + FINGERPRINT_WORD + (cell >> 2)] >>> ((cell & 3) << 3)) & 0xff;
}
