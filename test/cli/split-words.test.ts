/** How a line of the shell falls into words: blanks, quotes, escapes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitWords, unquote } from '../../src/cli/split-words.js';

function words(line: string): string[] | null {
  return splitWords(line)?.map((word) => word.toString('latin1')) ?? null;
}

test('blanks separate words, quotes hold them together', () => {
  assert.deepEqual(words('  set  k   v '), ['set', 'k', 'v']);
  assert.deepEqual(words('set "a b" \'c d\''), ['set', 'a b', 'c d']);
  assert.deepEqual(words('key"a b"'), ['keya b']);
  assert.deepEqual(words('"" \'\''), ['', '']);
  assert.deepEqual(words(' \t '), []);
});

test('escapes count in double quotes; in single quotes only that of the quote', () => {
  assert.deepEqual(words('"\\n\\r\\t\\b\\a\\x00\\xFf\\q\\"\\\\"'), ['\n\r\t\b\x07\x00\xffq"\\']);
  assert.deepEqual(words('"\\x0g"'), ['x0g']);
  assert.deepEqual(words("'a\\'b\\n'"), ["a'b\\n"]);
  assert.deepEqual(words('a\\nb'), ['a\\nb']);
});

test('a quote that is not closed, or is followed by more of the word, is refused', () => {
  for (const line of ['"a', "'a", 'a"b', '"a\\"', '"a"b', "'a'b", '""key', '"']) assert.equal(words(line), null, line);
});

test('bytes outside ASCII stay as they are', () => {
  assert.deepEqual(splitWords('é')![0], Buffer.from('é'));
  assert.deepEqual(
    splitWords(Buffer.from([0x61, 0xff, 0x20, 0xfe]))!.map((word) => [...word]),
    [[0x61, 0xff], [0xfe]],
  );
});

test('one quoted argument must be exactly one word', () => {
  assert.deepEqual(unquote('"a b"'), Buffer.from('a b'));
  assert.equal(unquote('a b'), null);
  assert.equal(unquote(''), null);
});
