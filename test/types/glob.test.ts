/** Glob patterns: the rules, their cost, and random ones beside redis-server. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { globMatches } from '../../src/types/glob.js';
import { fuzzSeed, Random } from '../support/fuzz.js';
import { ServerProcess } from '../support/server-process.js';
import { needsServers } from '../support/tools.js';

function matches(pattern: string, text: string, isCaseFolded = false): boolean {
  const [p, t] = [pattern, text].map((each) => Uint8Array.from(Buffer.from(each, 'latin1')));
  return globMatches(p, 0, p.length, t, 0, t.length, isCaseFolded);
}

test('stars, question marks, classes and escapes', () => {
  const cases: [pattern: string, matching: string[], others: string[]][] = [
    ['', [''], ['a']],
    ['*', ['a', 'abc'], ['']],
    ['a*c', ['ac', 'abc', 'abcbc'], ['ab', 'cab']],
    ['*b*', ['b', 'abc', 'bb'], ['', 'ac']],
    ['?', ['a'], ['', 'ab']],
    ['h[ae]llo', ['hallo', 'hello'], ['hillo', 'hllo']],
    ['h[^e]llo', ['hallo'], ['hello']],
    ['[a-c]', ['a', 'b', 'c'], ['d', '-']],
    ['[c-a]', ['b'], ['d']],
    ['[a-]', ['a', '^'], ['b', '-']],
    ['[\\]]', [']'], ['\\']],
    ['\\*', ['*'], ['a', '\\*']],
    ['a\\', ['a\\'], ['a']],
    ['[ab', ['a', 'b'], ['c', '[ab']],
    ['[', [], ['[', 'a', '']],
    ['[^', ['a'], ['']],
    ['[]', [], ['a', ']']],
    ['**a**', ['a', 'bab'], ['b']],
  ];
  for (const [pattern, matching, others] of cases) {
    for (const text of matching) assert.equal(matches(pattern, text), true, `${pattern} matches ${text}`);
    for (const text of others) assert.equal(matches(pattern, text), false, `${pattern} does not match ${text}`);
  }
});

test('case folding concerns ASCII letters, in classes and ranges, too', () => {
  assert.equal(matches('MaX[a-C]*', 'maxBxyz', true), true);
  assert.equal(matches('MaX*', 'maxBxyz'), false);
  assert.equal(matches('[@]', '`', true), false);
});

test('many stars cost no more than pattern times text', () => {
  assert.equal(matches(`${'a*'.repeat(40)}b`, 'a'.repeat(20_000)), false);
});

describe('redis-server matches the same', { skip: needsServers('redis') }, () => {
  test('whatever the pattern and the key', async () => {
    const seed = fuzzSeed();
    const random = new Random(seed);
    const server = await ServerProcess.start({ kind: 'redis' });
    const text = (alphabet: string, length: number) =>
      Array.from({ length }, () => random.pick([...alphabet])).join('');
    try {
      const keys = [...new Set(Array.from({ length: 60 }, () => text('abc[]^-\\*?', random.below(5))))];
      const patterns = Array.from({ length: 4000 }, () => text('aabbcc[[]]^--\\**?', random.below(9)));
      const client = await server.connect();
      await client.call('MSET', ...keys.flatMap((key) => [key, '']));
      const replies = await client.pipeline(patterns.map((pattern) => ['KEYS', pattern]));
      client.close();
      patterns.forEach((pattern, at) => {
        const expected = (replies[at] as string[]).sort();
        const actual = keys.filter((key) => pattern === '*' || matches(pattern, key)).sort();
        assert.deepEqual(actual, expected, `pattern ${pattern} (repeat with SLOTMESH_FUZZ_SEED=${seed})`);
      });
    } finally {
      await server.dispose();
    }
  });
});
