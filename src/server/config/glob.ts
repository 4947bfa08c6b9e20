/**
 * Redis's glob patterns over short strings: `*`, `?`, `[abc]`, `[^a-z]`, `\` before a character to take it literally. An unclosed `[` runs to the
 * end of the pattern. Only the last `*` is ever tried again, so matching costs at most pattern × text steps.
 */

export function isGlob(text: string): boolean {
  return /[[*?]/.test(text);
}

export function globMatches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let starPattern = -1;
  let starText = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      starPattern = ++p;
      starText = t;
      continue;
    }
    const next = p < pattern.length ? matchOne(pattern, p, text[t]!) : 0;
    if (next > 0) {
      p = next;
      t++;
    } else if (starPattern >= 0) {
      p = starPattern;
      t = ++starText;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p++;
  return p >= pattern.length;
}

/** @returns the index after the element at `p` if it matches `character`, else 0 */
function matchOne(pattern: string, p: number, character: string): number {
  switch (pattern[p]) {
    case '?':
      return p + 1;
    case '[':
      return matchClass(pattern, p + 1, character);
    case '\\':
      if (p + 1 < pattern.length) return pattern[p + 1] === character ? p + 2 : 0;
      break;
  }
  return pattern[p] === character ? p + 1 : 0;
}

function matchClass(pattern: string, start: number, character: string): number {
  const negated = pattern[start] === '^';
  let found = false;
  let p = negated ? start + 1 : start;
  for (; p < pattern.length && pattern[p] !== ']'; p++) {
    if (pattern[p] === '\\' && p + 1 < pattern.length) p++;
    const low = pattern[p]!;
    if (pattern[p + 1] === '-' && p + 2 < pattern.length) {
      const high = pattern[p + 2]!;
      if ((low <= character && character <= high) || (high <= character && character <= low)) found = true;
      p += 2;
    } else if (low === character) {
      found = true;
    }
  }
  return found === negated ? 0 : p + 1;
}
