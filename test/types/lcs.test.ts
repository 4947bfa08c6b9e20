/** The longest common subsequence against a search of all subsequences. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LcsMatch, lcsLength, longestCommonSubsequence } from '../../src/types/lcs.js';
import { fc } from '../support/property.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 12 });

function isSubsequence(part: string, whole: string): boolean {
  let at = 0;
  for (const letter of whole) if (letter === part[at]) at++;
  return at === part.length;
}

/** By trying all subsequences of the shorter word. */
function bestLength(a: string, b: string): number {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  let best = 0;
  for (let mask = 0; mask < 1 << short.length; mask++) {
    const part = [...short].filter((_, i) => mask & (1 << i)).join('');
    if (part.length > best && isSubsequence(part, long)) best = part.length;
  }
  return best;
}

/** By the table of lengths, cell by cell; the way back is Redis's. */
function matchesByTable(a: Uint8Array, b: Uint8Array): LcsMatch[] {
  const table = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++)
      table[i][j] = a[i - 1] === b[j - 1] ? table[i - 1][j - 1] + 1 : Math.max(table[i - 1][j], table[i][j - 1]);
  const matches: LcsMatch[] = [];
  let i = a.length;
  let j = b.length;
  while (table[i][j] > 0) {
    const [aEnd, bEnd] = [i - 1, j - 1];
    for (; i > 0 && j > 0 && a[i - 1] === b[j - 1]; i--) j--;
    if (i <= aEnd) matches.push({ aStart: i, aEnd, bStart: j, bEnd });
    else if (table[i - 1][j] > table[i][j - 1]) i--;
    else j--;
  }
  return matches;
}

test('the result is a common subsequence, and none is longer', () => {
  fc.assert(
    fc.property(word, word, (a, b) => {
      const { length, text } = longestCommonSubsequence(bytes(a), bytes(b));
      const found = new TextDecoder().decode(text);
      assert.equal(found.length, length);
      assert.equal(lcsLength(bytes(a), bytes(b)), length);
      assert.ok(isSubsequence(found, a) && isSubsequence(found, b));
      assert.equal(length, bestLength(a, b));
    }),
    { numRuns: 300 },
  );
});

test('the matches are the subsequence, from its end to its beginning', () => {
  fc.assert(
    fc.property(word, word, (a, b) => {
      const { matches, text } = longestCommonSubsequence(bytes(a), bytes(b));
      const runs = matches.map(({ aStart, aEnd, bStart, bEnd }) => {
        assert.equal(a.slice(aStart, aEnd + 1), b.slice(bStart, bEnd + 1));
        return a.slice(aStart, aEnd + 1);
      });
      assert.equal(runs.reverse().join(''), new TextDecoder().decode(text));
    }),
  );
});

test('where two ways are equally long, the step back goes in the second string', () => {
  const { matches } = longestCommonSubsequence(bytes('ohmytext'), bytes('mynewtext'));
  assert.deepEqual(matches, [
    { aStart: 4, aEnd: 7, bStart: 5, bEnd: 8 },
    { aStart: 2, aEnd: 3, bStart: 0, bEnd: 1 },
  ]);
});

test('strings of any length and of any bytes have the matches that the table of lengths gives', () => {
  const letters = fc.uint8Array({ max: 3, maxLength: 200 });
  const any = fc.uint8Array({ maxLength: 200 });
  const check = (a: Uint8Array, b: Uint8Array) => {
    const expected = matchesByTable(a, b);
    const { length, matches } = longestCommonSubsequence(a, b);
    assert.deepEqual(matches, expected);
    assert.equal(
      length,
      expected.reduce((sum, { aStart, aEnd }) => sum + aEnd - aStart + 1, 0),
    );
    assert.equal(lcsLength(a, b), length);
  };
  fc.assert(fc.property(letters, letters, check), { numRuns: 300 });
  fc.assert(fc.property(any, any, check));
});
