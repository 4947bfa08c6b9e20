import assert from 'node:assert/strict';
import { test } from 'node:test';
import { globMatches } from '../../../src/server/config/glob.js';

const cases: [pattern: string, text: string, matches: boolean][] = [
  ['*', '', true],
  ['*', 'anything', true],
  ['', '', true],
  ['', 'a', false],
  ['max*', 'maxmemory', true],
  ['max*', 'min', false],
  ['*max*', 'hash-max-listpack', true],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['[a-c]x', 'bx', true],
  ['[c-a]x', 'bx', true],
  ['[^a-c]x', 'bx', false],
  ['[^a-c]x', 'dx', true],
  ['[ab', 'a', true],
  ['[ab', 'c', false],
  ['\\*', '*', true],
  ['\\*', 'a', false],
  ['[\\]]', ']', true],
  ['**a', 'bca', true],
  ['a\\', 'a\\', true],
];

test('globs match as in Redis', () => {
  for (const [pattern, text, matches] of cases) assert.equal(globMatches(pattern, text), matches, `${pattern} ${text}`);
});

test('a pattern full of stars is done in no time', () => {
  assert.equal(globMatches(`${'a*'.repeat(1000)}b`, 'a'.repeat(2000)), false);
});
