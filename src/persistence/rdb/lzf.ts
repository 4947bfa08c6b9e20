/**
 * LZF, the compression inside RDB strings (spec/persistence.md 5). A stream is a sequence of items until the input is used up:
 *
 *   000lllll                      then l+1 literal bytes (1…32)
 *   LLLooooo oooooooo             L = 1…6: copy L+2 bytes (3…8) from `distance` back
 *   111ooooo eeeeeeee oooooooo    copy e+9 bytes (9…264) from `distance` back
 *
 * distance = o + 1 (1…8192), counted from the current end of the output; a copy may overlap what it produces (distance 1 = a run).
 *
 * The compressor is greedy with one candidate per three-byte hash. Its table outlives the call: positions are stored above a base that grows with
 * every input, so entries of earlier inputs are recognised as stale instead of being wiped (64 KiB per short string would cost more than the
 * compression).
 *
 * Matches are compared and copied four bytes at a time through a DataView, which is made where the input is long enough to pay for it (some 100 ns): nodes
 * of lists of 19-byte texts take 1.5 ns a byte to compress and 0.7 to expand, byte by byte 2.7 and 1.1.
 */
const HASH_BITS = 14;
const WINDOW = 8192;
const MATCH_MIN = 3;
const MATCH_MAX = 264;
const LITERAL_RUN_MAX = 32;
/** A 3-byte item expands to 264 bytes at most, so a stated length beyond this factor is a lie, found before memory is taken for it. */
export const LZF_EXPANSION_MAX = 88;
const VIEW_BYTES_MIN = 512;

const candidates = new Int32Array(1 << HASH_BITS);
let base = 1;

function hashOf(threeBytes: number): number {
  return Math.imul(threeBytes, 0x9e3779b1 | 0) >>> (32 - HASH_BITS);
}

/**
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
  if (base > 0x7fffffff - (end - start) - 1) {
    candidates.fill(0);
    base = 1;
  }
  // candidates[hash] = base + position relative to `start`; anything below base belongs to an earlier input.
  const shift = base - start;
  base += end - start;

  const view = viewOf(source, end - start);
  let out = targetStart;
  let literals = start;
  let at = start;
  const lastMatchStart = end - MATCH_MIN;
  let next3 = at <= lastMatchStart ? threeBytesAt(source, at) : 0;
  while (at <= lastMatchStart) {
    const hash = hashOf(next3);
    const candidate = candidates[hash]! - shift;
    candidates[hash] = at + shift;
    if (candidate < start || at - candidate > WINDOW || threeBytesAt(source, candidate) !== next3) {
      at++;
      next3 = (next3 >> 8) | (source[at + 2]! << 16);
      continue;
    }
    const length = matchLength(source, view, candidate, at, Math.min(MATCH_MAX, end - at));
    if (literals < at) out = putLiterals(source, literals, at, target, out, limit);
    if (out < 0 || out + 3 > limit) return -1;
    const offset = at - candidate - 1;
    if (length < 9) {
      target[out++] = ((length - 2) << 5) | (offset >> 8);
    } else {
      target[out++] = 0xe0 | (offset >> 8);
      target[out++] = length - 9;
    }
    target[out++] = offset & 255;

    at += length;
    literals = at;
    if (at > lastMatchStart) break;
    // The last places of the match are remembered as well, so that a repetition is found again right after it.
    next3 = threeBytesAt(source, at - 2);
    candidates[hashOf(next3)] = at - 2 + shift;
    next3 = (next3 >> 8) | (source[at + 1]! << 16);
    candidates[hashOf(next3)] = at - 1 + shift;
    next3 = (next3 >> 8) | (source[at + 2]! << 16);
  }
  return putLiterals(source, literals, end, target, out, limit);
}

/** @returns a view of the bytes, or null if `length` of them are too few for it to pay */
function viewOf(bytes: Uint8Array, length: number): DataView | null {
  return length < VIEW_BYTES_MIN ? null : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function threeBytesAt(source: Uint8Array, at: number): number {
  return source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16);
}

/** @returns how many bytes, up to `longest`, are the same at `candidate` and `at`, where three are known to be */
function matchLength(
  source: Uint8Array,
  view: DataView | null,
  candidate: number,
  at: number,
  longest: number,
): number {
  let length = MATCH_MIN;
  if (view !== null) {
    for (; length + 4 <= longest; length += 4) {
      const difference = view.getInt32(candidate + length, true) ^ view.getInt32(at + length, true);
      if (difference !== 0) return length + ((31 - Math.clz32(difference & -difference)) >> 3);
    }
  }
  while (length < longest && source[candidate + length] === source[at + length]) length++;
  return length;
}

function putLiterals(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
  limit: number,
): number {
  let out = at;
  for (let from = start; from < end; ) {
    const runEnd = Math.min(from + LITERAL_RUN_MAX, end);
    if (out + 1 + runEnd - from > limit) return -1;
    target[out++] = runEnd - from - 1;
    while (from < runEnd) target[out++] = source[from++]!;
  }
  return out;
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
  const view = viewOf(target, targetEnd - targetStart);
  let at = start;
  let out = targetStart;
  while (at < end) {
    const control = source[at++]!;
    if (control < LITERAL_RUN_MAX) {
      const count = control + 1;
      if (at + count > end || out + count > targetEnd) return false;
      for (let i = 0; i < count; i++) target[out++] = source[at++]!;
      continue;
    }
    let length = control >> 5;
    if (length === 7) {
      if (at >= end) return false;
      length += source[at++]!;
    }
    length += 2;
    if (at >= end) return false;
    let from = out - (((control & 31) << 8) | source[at++]!) - 1;
    const next = out + length;
    if (from < targetStart || next > targetEnd) return false;
    if (view !== null && out - from >= 4 && next + 3 <= targetEnd) {
      // What the last step writes too much is written over.
      for (; out < next; out += 4, from += 4) view.setInt32(out, view.getInt32(from));
      out = next;
    } else {
      while (out < next) target[out++] = target[from++]!;
    }
  }
  return out === targetEnd;
}
