/**
 * Strings as bits: counting and finding, at the speed of memory. Bit 0 is the highest of the first byte. Source: spec server.md section 21.
 *
 * The arena has each chunk as bytes and as 32-bit words. A range begins and ends at any byte: its middle is read as words, its two ends as bytes. Many
 * bits are counted by bit-counter.ts.
 */
import { countedEnd, countMostBits } from './bit-counter.js';

/** From here on the counter's call and copy pay off. */
const COUNTER_BYTES_MIN = 128;

const BLOCK_BYTES = 4096;
/** Compared at once where a block was alike: each comparison makes two views. */
const STRIDE_BYTES = 64 * BLOCK_BYTES;
/** A stride is compared with itself, so much before: at most a block. Two places a page apart are slower to read (64 MB: 4.3 ms, not 3.0). */
const LAG_BYTES = 256;
const ZEROS = new Uint8Array(BLOCK_BYTES);
const ONES = new Uint8Array(BLOCK_BYTES).fill(0xff);

/**
 * @param base  where the string begins in `bytes`
 * @param first offset of the first bit in the string that counts
 * @param last  offset of the last one, not before `first`
 * @param words the same buffer as 32-bit words
 * @returns how many bits of the range are set
 */
export function countBitRange(bytes: Uint8Array, words: Int32Array, base: number, first: number, last: number): number {
  const start = base + Math.floor(first / 8);
  const end = base + Math.floor(last / 8);
  const before = bytes[start] & ~(0xff >> (first % 8));
  const behind = bytes[end] & (0x7f >> (last % 8));
  return countBits(bytes, words, start, end + 1) - bitsOf(before) - bitsOf(behind);
}

/** As `countBitRange`. @returns offset in the string of the first bit of the range that is `bit`; −1 if there is none */
export function findInBitRange(
  bytes: Uint8Array,
  words: Int32Array,
  base: number,
  first: number,
  last: number,
  bit: number,
): number {
  const skipped = first % 8;
  let start = base + Math.floor(first / 8);
  const byte = bytes[start] ^ (bit === 1 ? 0 : 0xff);
  let found = -1;
  if (((byte << skipped) & 0xff) !== 0) {
    found = first + leadingBits((byte << skipped) & 0xff);
  } else {
    start++;
    found = findBit(bytes, words, start, base + Math.floor(last / 8) + 1, bit);
    if (found >= 0) found += (start - base) * 8;
  }
  return found > last ? -1 : found;
}

/** @returns how many bits are set in `bytes[start … end)` */
function countBits(bytes: Uint8Array, words: Int32Array, start: number, end: number): number {
  let count = 0;
  let at = start;
  if (end - start >= COUNTER_BYTES_MIN) {
    count = countMostBits(bytes, start, end);
    at = countedEnd(start, end);
  }
  for (; at < end && (at & 3) !== 0; at++) count += bitsOf(bytes[at]);
  for (; at + 4 <= end; at += 4) count += bitsOf(words[at >> 2]);
  for (; at < end; at++) count += bitsOf(bytes[at]);
  return count;
}

/**
 * @param bit 0 or 1
 * @returns offset of the first such bit in `bytes[start … end)`, counted from the first bit at `start`; −1 if there is none
 */
function findBit(bytes: Uint8Array, words: Int32Array, start: number, end: number, bit: number): number {
  const skippedByte = bit === 1 ? 0 : 0xff;
  const skippedWord = bit === 1 ? 0 : -1;
  let at = start;
  while (at < end && bytes[at] === skippedByte) {
    if ((at & 3) !== 0 || at + 4 > end) {
      at++;
      continue;
    }
    const blockEnd = skipBlocks(bytes, at, end, bit);
    if (blockEnd > at) {
      at = blockEnd;
      continue;
    }
    const word = skipWords(words, at >> 2, end >> 2, skippedWord);
    // The word that stopped the search begins with a byte to be skipped, or it is the end: either way bytes tell where.
    if (word << 2 === at) at++;
    else at = word << 2;
  }
  if (at === end) return -1;
  return ((at - start) << 3) + leadingBits(bytes[at] ^ skippedByte);
}

/** @returns the end of the last whole block from `start` on that has no bit of that value: compared by native code, three times as fast as any loop */
function skipBlocks(bytes: Uint8Array, start: number, end: number, bit: number): number {
  const block = bit === 1 ? ZEROS : ONES;
  if (!isBlock(bytes, start, end, block)) return start;
  let at = start + BLOCK_BYTES;
  while (isAsBefore(bytes, at, end)) at += STRIDE_BYTES;
  while (isBlock(bytes, at, end, block)) at += BLOCK_BYTES;
  return at;
}

/** @returns whether the bytes from `at` on are that block; false if fewer are left */
function isBlock(bytes: Uint8Array, at: number, end: number, block: Uint8Array): boolean {
  return at + BLOCK_BYTES <= end && Buffer.compare(bytes.subarray(at, at + BLOCK_BYTES), block) === 0;
}

/** @returns whether each byte of a stride from `at` on is as the one LAG_BYTES before it: if those are alike, so are all; false if fewer are left */
function isAsBefore(bytes: Uint8Array, at: number, end: number): boolean {
  if (at + STRIDE_BYTES > end) return false;
  const before = at - LAG_BYTES;
  return Buffer.compare(bytes.subarray(at, at + STRIDE_BYTES), bytes.subarray(before, before + STRIDE_BYTES)) === 0;
}

/** @returns the first of the words from `start` on that is not `value` (0 or −1), or `end`; eight at a time */
function skipWords(words: Int32Array, start: number, end: number, value: number): number {
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const difference =
      (words[at] ^ value) |
      (words[at + 1] ^ value) |
      (words[at + 2] ^ value) |
      (words[at + 3] ^ value) |
      (words[at + 4] ^ value) |
      (words[at + 5] ^ value) |
      (words[at + 6] ^ value) |
      (words[at + 7] ^ value);
    if (difference !== 0) break;
  }
  while (at < end && words[at] === value) at++;
  return at;
}

/** @returns how many bits of the int32 are set */
function bitsOf(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  bits = (bits + (bits >>> 4)) & 0x0f0f0f0f;
  return Math.imul(bits, 0x01010101) >>> 24;
}

/** @returns zero bits before the first one of a byte that is not 0 */
function leadingBits(byte: number): number {
  return Math.clz32(byte) - 24;
}
