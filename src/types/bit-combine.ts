/**
 * BITOP: strings combined bit by bit; the shorter ones count as filled up with zeros.
 *
 * Strings begin at any byte, so two of them rarely line up as words. The result is made in blocks that stay in the first cache: each source's part is
 * copied to the beginning of a block (a native copy), combined there as words, and the result is copied to its place.
 */
import type { Entries } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';
import { copyBytes } from '../memory/copy.js';

export const BIT_AND = 0;
export const BIT_OR = 1;
export const BIT_XOR = 2;
export const BIT_NOT = 3;

const BLOCK_BYTES = 8192;
const result = new Int32Array(BLOCK_BYTES / 4);
const resultBytes = new Uint8Array(result.buffer);
const operand = new Int32Array(BLOCK_BYTES / 4);
const operandBytes = new Uint8Array(operand.buffer);

/**
 * Writes the combination of strings.
 * @param sources entries of strings, 0 for an empty one; one of them for NOT
 * @param target  for `length` bytes from `targetStart` on, in none of the sources
 * @param length  of the longest source
 */
export function combineBits(
  operation: number,
  entries: Entries,
  sources: readonly Ref[],
  target: Uint8Array,
  targetStart: number,
  length: number,
): void {
  for (let from = 0; from < length; from += BLOCK_BYTES) {
    const count = Math.min(BLOCK_BYTES, length - from);
    const words = (count + 3) >> 2;
    readBlock(entries, sources[0], from, count, resultBytes);
    if (operation === BIT_NOT) invert(words);
    for (let i = 1; i < sources.length; i++) {
      readBlock(entries, sources[i], from, count, operandBytes);
      if (operation === BIT_AND) and(words);
      else if (operation === BIT_OR) or(words);
      else xor(words);
    }
    copyBytes(resultBytes, 0, target, targetStart + from, count);
  }
}

/** Reads `count` bytes from offset `from` of a string on, zeros beyond its end. */
function readBlock(entries: Entries, source: Ref, from: number, count: number, block: Uint8Array): void {
  const length = source === 0 ? 0 : entries.valueLength(source);
  const present = Math.max(0, Math.min(count, length - from));
  if (present > 0) copyBytes(entries.view(source), entries.valueStart(source) + from, block, 0, present);
  if (present < count) block.fill(0, present, count);
}

function invert(words: number): void {
  for (let i = 0; i < words; i++) result[i] = ~result[i];
}

function and(words: number): void {
  for (let i = 0; i < words; i++) result[i] &= operand[i];
}

function or(words: number): void {
  for (let i = 0; i < words; i++) result[i] |= operand[i];
}

function xor(words: number): void {
  for (let i = 0; i < words; i++) result[i] ^= operand[i];
}
