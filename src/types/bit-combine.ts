/**
 * BITOP: strings combined bit by bit; the shorter ones count as filled up with zeros.
 *
 * Strings begin at any byte, so two of them rarely line up as words. The result is made in blocks that stay in the first cache: each source's part is
 * copied into the program's memory (a native copy), combined there, and the result is copied to its place.
 */
import type { Entries } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';
import { copyBytes } from '../memory/copy.js';
import { ByteProgram } from '../wasm/byte-program.js';
import bytes from './bit-combine.wasm.js';

export const BIT_AND = 0;
export const BIT_OR = 1;
export const BIT_XOR = 2;
export const BIT_NOT = 3;

/** Of the result, at the beginning of the program's memory, and of the operand behind it. */
const BLOCK_BYTES = 16 * 1024;
const OPERAND_AT = BLOCK_BYTES;
/** What the program takes at once. */
const STEP_BYTES = 32;

type Combine = (end: number) => void;

const program = new ByteProgram<{ readonly and: Combine; readonly or: Combine; readonly xor: Combine }>(bytes);

/**
 * Writes the combination of strings.
 * @param sources entries of strings, 0 for an empty one; one of them for NOT
 * @param target  for `length` bytes from `targetStart` on: in none of the sources, or the whole value of one
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
  const { exports, memory } = program;
  // NOT is XOR with ones.
  if (operation === BIT_NOT) memory.fill(0xff, OPERAND_AT, OPERAND_AT + wholeSteps(Math.min(BLOCK_BYTES, length)));
  const combine = operation === BIT_AND ? exports.and : operation === BIT_OR ? exports.or : exports.xor;
  for (let from = 0; from < length; from += BLOCK_BYTES) {
    const count = Math.min(BLOCK_BYTES, length - from);
    const end = wholeSteps(count);
    readBlock(entries, sources[0], from, count, memory, 0);
    if (operation === BIT_NOT) combine(end);
    for (let i = 1; i < sources.length; i++) {
      readBlock(entries, sources[i], from, count, memory, OPERAND_AT);
      combine(end);
    }
    copyBytes(memory, 0, target, targetStart + from, count);
  }
}

/** Reads `count` bytes from offset `from` of a string on, zeros beyond its end, to `at` in the program's memory. */
function readBlock(entries: Entries, source: Ref, from: number, count: number, memory: Uint8Array, at: number): void {
  const length = source === 0 ? 0 : entries.valueLength(source);
  const present = Math.max(0, Math.min(count, length - from));
  if (present > 0) copyBytes(entries.view(source), entries.valueStart(source) + from, memory, at, present);
  if (present < count) memory.fill(0, at + present, at + count);
}

/** @returns the bytes that the program takes for so many; what is behind the last of these is nobody's */
function wholeSteps(count: number): number {
  return Math.ceil(count / STEP_BYTES) * STEP_BYTES;
}
