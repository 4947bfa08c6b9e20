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
 */
const HASH_BITS = 14;
const WINDOW = 8192;
const MATCH_MIN = 3;
const MATCH_MAX = 264;
const LITERAL_RUN_MAX = 32;
/** A 3-byte item expands to 264 bytes at most, so a stated length beyond this factor is a lie, found before memory is taken for it. */
export const LZF_EXPANSION_MAX = 88;

const candidates = new Int32Array(1 << HASH_BITS);
let base = 1;

function hashAt(source: Uint8Array, at: number): number {
  const word = source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16);
  return Math.imul(word, 0x9e3779b1 | 0) >>> (32 - HASH_BITS);
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

  let out = targetStart;
  let literals = start;
  let at = start;
  const lastMatchStart = end - MATCH_MIN;
  while (at <= lastMatchStart) {
    const hash = hashAt(source, at);
    const candidate = candidates[hash]! - shift;
    candidates[hash] = at + shift;
    if (
      candidate < start ||
      at - candidate > WINDOW ||
      source[candidate] !== source[at] ||
      source[candidate + 1] !== source[at + 1] ||
      source[candidate + 2] !== source[at + 2]
    ) {
      at++;
      continue;
    }
    const longest = Math.min(MATCH_MAX, end - at);
    let length = MATCH_MIN;
    while (length < longest && source[candidate + length] === source[at + length]) length++;

    out = putLiterals(source, literals, at, target, out, limit);
    if (out < 0 || out + 3 > limit) return -1;
    const offset = at - candidate - 1;
    if (length < 9) {
      target[out++] = ((length - 2) << 5) | (offset >> 8);
    } else {
      target[out++] = 0xe0 | (offset >> 8);
      target[out++] = length - 9;
    }
    target[out++] = offset & 255;

    const next = at + length;
    // The last places of the match are remembered as well, so that a repetition is found again right after it.
    for (let inside = Math.max(at + 1, next - 2); inside < next && inside <= lastMatchStart; inside++) {
      candidates[hashAt(source, inside)] = inside + shift;
    }
    at = next;
    literals = next;
  }
  return putLiterals(source, literals, end, target, out, limit);
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
    const count = Math.min(LITERAL_RUN_MAX, end - from);
    if (out + 1 + count > limit) return -1;
    target[out++] = count - 1;
    for (let i = 0; i < count; i++) target[out++] = source[from++]!;
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
    const from = out - (((control & 31) << 8) | source[at++]!) - 1;
    if (from < targetStart || out + length > targetEnd) return false;
    for (let i = 0; i < length; i++) target[out + i] = target[from + i]!;
    out += length;
  }
  return out === targetEnd;
}
