/**
 * Glob patterns of KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET and ACL, over bytes (spec server.md section 19, rule 6):
 *
 *   `*` any run   `?` any byte   `[abc]`, `[a-z]`, `[^x]` a class   `\x` the byte x itself
 *
 * A class that is not closed ends with the pattern; a range may be given backwards; a single `\` at the end stands for itself. The empty text
 * matches the empty pattern alone, not even `*`: commands for which `*` means everything ask `isMatchAll` first.
 *
 * Only the last `*` met is ever tried again, since everything between two stars matches best at its first place. So a match costs at most
 * pattern × text steps, where trying every star again would be exponential.
 */

const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const CARET = 0x5e;
const DASH = 0x2d;
const BACKSLASH = 0x5c;

/** @returns whether the whole text matches the whole pattern; letters as given, or case-folded (ASCII) */
export function globMatches(
  pattern: Uint8Array,
  patternStart: number,
  patternEnd: number,
  text: Uint8Array,
  textStart: number,
  textEnd: number,
  isCaseFolded = false,
): boolean {
  if (textStart === textEnd) return patternStart === patternEnd;
  let p = patternStart;
  let t = textStart;
  let afterStar = -1;
  let starText = textStart;
  while (t < textEnd) {
    if (p < patternEnd && pattern[p] === STAR) {
      afterStar = ++p;
      starText = t;
      continue;
    }
    const next = p < patternEnd ? matchOne(pattern, p, patternEnd, text[t], isCaseFolded) : -1;
    if (next >= 0) {
      p = next;
      t++;
    } else if (afterStar >= 0) {
      p = afterStar;
      t = ++starText;
    } else {
      return false;
    }
  }
  while (p < patternEnd && pattern[p] === STAR) p++;
  return p === patternEnd;
}

/** Whether the pattern is `*`. */
export function isMatchAll(pattern: Uint8Array, start: number, end: number): boolean {
  return end - start === 1 && pattern[start] === STAR;
}

/** Matches one byte with the pattern element at `p`, which is no star. @returns the position after the element, or −1 */
function matchOne(pattern: Uint8Array, p: number, end: number, byte: number, isCaseFolded: boolean): number {
  let element = pattern[p];
  if (element === QUESTION) return p + 1;
  if (element === OPEN) return matchClass(pattern, p + 1, end, byte, isCaseFolded);
  let next = p + 1;
  if (element === BACKSLASH && next < end) element = pattern[next++];
  return element === byte || (isCaseFolded && lower(element) === lower(byte)) ? next : -1;
}

/** `p` is behind the opening bracket. */
function matchClass(pattern: Uint8Array, p: number, end: number, byte: number, isCaseFolded: boolean): number {
  const isNegated = p < end && pattern[p] === CARET;
  if (isNegated) p++;
  const wanted = isCaseFolded ? lower(byte) : byte;
  let isFound = false;
  for (; p < end && pattern[p] !== CLOSE; p++) {
    if (pattern[p] === BACKSLASH && p + 1 < end) {
      if (pattern[++p] === byte) isFound = true;
    } else if (p + 2 < end && pattern[p + 1] === DASH) {
      const first = isCaseFolded ? lower(pattern[p]) : pattern[p];
      const last = isCaseFolded ? lower(pattern[p + 2]) : pattern[p + 2];
      if (first <= last ? wanted >= first && wanted <= last : wanted >= last && wanted <= first) isFound = true;
      p += 2;
    } else if (pattern[p] === byte || (isCaseFolded && lower(pattern[p]) === wanted)) {
      isFound = true;
    }
  }
  if (isFound === isNegated) return -1;
  return p < end ? p + 1 : end;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 32 : byte;
}

/** Whether a name is a pattern at all, for those who take both. */
export function isGlob(text: string): boolean {
  return /[[*?]/.test(text);
}

/** `globMatches` for byte strings (one char code per byte), as names of directives and files are. */
export function globMatchesText(pattern: string, text: string): boolean {
  const patternBytes = Buffer.from(pattern, 'latin1');
  const textBytes = Buffer.from(text, 'latin1');
  return globMatches(patternBytes, 0, patternBytes.length, textBytes, 0, textBytes.length);
}
