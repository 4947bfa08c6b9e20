/**
 * LZF, the compression inside RDB strings (spec/persistence.md 5). A stream is a sequence of items until the input is used up:
 *
 *   000lllll                      then l+1 literal bytes (1…32)
 *   LLLooooo oooooooo             L = 1…6: copy L+2 bytes (3…8) from `distance` back
 *   111ooooo eeeeeeee oooooooo    copy e+9 bytes (9…264) from `distance` back
 *
 * distance = o + 1 (1…8192), counted from the current end of the output; a copy may overlap what it produces (distance 1 = a run).
 *
 * The loops are WebAssembly (lzf.wat): nodes of lists of 19-byte texts take 0.4 ns a byte to compress and 0.2 to expand. The compressor is greedy with one
 * candidate per four-byte hash, and remembers no places inside of a match: with three bytes and more places it takes a fifth longer, for output that is a
 * few per cent smaller or larger. What is longer than a block is compressed block by block, each for itself; an expansion refers back across blocks.
 */
import { copyBytes } from '../../memory/copy.js';
import { ByteProgram } from '../../wasm/byte-program.js';
import bytes from './lzf.wasm.js';

const WINDOW_BYTES = 8192;
/** What is compressed at once. */
export const LZF_BLOCK_BYTES = 64 * 1024;
/** Of a block that is nothing but literals. */
const COMPRESSED_BLOCK_MAX = LZF_BLOCK_BYTES + LZF_BLOCK_BYTES / 32;
/** An item: at most so many bytes of input, and of output. */
const ITEM_BYTES_MAX = 33;
const ITEM_OUTPUT_MAX = 264;
/** A 3-byte item expands to 264 bytes at most, so a stated length beyond this factor is a lie, found before memory is taken for it. */
export const LZF_EXPANSION_MAX = 88;

/** So much input is copied at once: that of some small texts, as each copy costs 0.2 µs before the first byte, and makes a view. */
const COPIED_BYTES = 8192;

/** Places in the program's memory. */
const INPUT_AT = 0x10000;
/** Where the output of one block is left. */
export const LZF_OUTPUT_AT = 0x22100;
const STOPPED_AT_WORD = 0x32a00 / 4;
const STAGE_AT = 0x32b00;
const LZF_STAGE_BYTES = 128 * 1024;

const program = new ByteProgram<{
  /** @returns the end of the output, or 0 if that would be beyond the limit */
  readonly compress: (end: number, out: number, limit: number) => number;
  /** @returns the end of the output, or 0 if the input is malformed */
  readonly expand: (
    at: number,
    inLimit: number,
    inEnd: number,
    floor: number,
    outLimit: number,
    outEnd: number,
  ) => number;
}>(bytes);

/** What has the memory: what else is to be done with the output of one block is done in it, by programs that share it. */
export const lzfProgram: ByteProgram<object> = program;

/** The memory that the output of one block is left in, from LZF_OUTPUT_AT on, until the next call of any function here. */
export function lzfMemory(): Uint8Array {
  return program.memory;
}

/**
 * Compresses up to LZF_BLOCK_BYTES.
 * @param bytesMax of the output; the attempt is given up when these are too few
 * @returns        the end of the output in `lzfMemory()`, or −1 if it does not fit
 */
export function lzfCompressBlock(source: Uint8Array, start: number, end: number, bytesMax: number): number {
  const inEnd = putInput(source, start, end);
  return program.exports.compress(inEnd, LZF_OUTPUT_AT, LZF_OUTPUT_AT + Math.min(bytesMax, COMPRESSED_BLOCK_MAX)) || -1;
}

let stage: Uint8Array | null = null;

/** LZF_STAGE_BYTES in the same memory, for one at a time who puts a large output together, and writes between its compressed parts what belongs there. */
export function lzfStage(): Uint8Array {
  stage ??= program.memory.subarray(STAGE_AT, STAGE_AT + LZF_STAGE_BYTES);
  return stage;
}

/**
 * As `lzfCompressBlock`, but the output begins at `at` in the stage, where `bytesMax` are left.
 * @returns its end there, or −1
 */
export function lzfCompressInStage(
  source: Uint8Array,
  start: number,
  end: number,
  at: number,
  bytesMax: number,
): number {
  const inEnd = putInput(source, start, end);
  const outEnd = program.exports.compress(inEnd, STAGE_AT + at, STAGE_AT + at + bytesMax);
  return outEnd === 0 ? -1 : outEnd - STAGE_AT;
}

/**
 * Compresses a text of any length.
 * @param limit  end of the room in `target`; the attempt is given up when it is reached
 * @returns      the end of what was written, or −1 if the result does not fit
 */
export function lzfCompress(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  targetStart: number,
  limit: number,
): number {
  let out = targetStart;
  for (let at = start; at < end; at += LZF_BLOCK_BYTES) {
    const blockEnd = lzfCompressBlock(source, at, Math.min(at + LZF_BLOCK_BYTES, end), limit - out);
    if (blockEnd < 0) return -1;
    copyBytes(program.memory, LZF_OUTPUT_AT, target, out, blockEnd - LZF_OUTPUT_AT);
    out += blockEnd - LZF_OUTPUT_AT;
  }
  return out;
}

/**
 * Expands up to LZF_BLOCK_BYTES to as many.
 * @param limit  up to here the source may be copied along, for the next call; until `lzfForgetInput` it stays as it is
 * @returns whether the input is well formed and expands to `length` bytes, which are in `lzfMemory()` from LZF_OUTPUT_AT on then
 */
export function lzfExpandBlock(source: Uint8Array, start: number, end: number, length: number, limit: number): boolean {
  if (source !== inputSource || start < inputStart || end > inputEnd) {
    inputSource = source;
    inputStart = start;
    inputEnd = Math.max(end, Math.min(limit, start + COPIED_BYTES));
    program.put(source, start, inputEnd, INPUT_AT);
  }
  const inEnd = INPUT_AT + end - inputStart;
  const outEnd = LZF_OUTPUT_AT + length;
  const at = INPUT_AT + start - inputStart;
  return program.exports.expand(at, inEnd, inEnd, LZF_OUTPUT_AT, outEnd, outEnd) === outEnd;
}

/** What lies at INPUT_AT, if it is from `lzfExpandBlock`: a copy of `inputSource[inputStart … inputEnd)`. */
let inputSource: Uint8Array | null = null;
let inputStart = 0;
let inputEnd = 0;

/** What was given to `lzfExpandBlock` may change now. */
export function lzfForgetInput(): void {
  inputSource = null;
}

/** Puts other input in the place of that. @returns its end */
function putInput(source: Uint8Array, start: number, end: number): number {
  inputSource = null;
  return program.put(source, start, end, INPUT_AT);
}

/** @returns whether the input is well formed and fills `target[targetStart, targetEnd)` exactly */
export function lzfDecompress(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  targetStart: number,
  targetEnd: number,
): boolean {
  const { exports, memory, words } = program;
  let at = start;
  let out = targetStart;
  /** What was written last lies before the output, from here on. */
  let floor = LZF_OUTPUT_AT;
  while (at < end) {
    const inEnd = putInput(source, at, Math.min(at + LZF_BLOCK_BYTES, end));
    const outEnd = LZF_OUTPUT_AT + Math.min(LZF_BLOCK_BYTES, targetEnd - out);
    const inLimit = end - at > LZF_BLOCK_BYTES ? inEnd - ITEM_BYTES_MAX : inEnd;
    const outLimit = targetEnd - out > LZF_BLOCK_BYTES ? outEnd - ITEM_OUTPUT_MAX : outEnd;
    const written = exports.expand(INPUT_AT, inLimit, inEnd, floor, outLimit, outEnd);
    if (written === 0) return false;
    copyBytes(memory, LZF_OUTPUT_AT, target, out, written - LZF_OUTPUT_AT);
    out += written - LZF_OUTPUT_AT;
    at += words[STOPPED_AT_WORD] - INPUT_AT;
    floor = Math.max(floor - (written - LZF_OUTPUT_AT), LZF_OUTPUT_AT - WINDOW_BYTES);
    if (at < end) memory.copyWithin(LZF_OUTPUT_AT - WINDOW_BYTES, written - WINDOW_BYTES, written);
  }
  return out === targetEnd;
}
