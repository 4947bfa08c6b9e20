/** The words of a line, quoted and not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quote, splitWords } from '../../src/resp/quoted-words.js';
import { fc } from '../support/property.js';

const cases: [line: string, words: string[] | null][] = [
  ['', []],
  ['  \t ', []],
  ['port 6379', ['port', '6379']],
  ['  a \t b\r', ['a', 'b']],
  ['a ""', ['a', '']],
  ['a ab"c d"', ['a', 'abc d']],
  ['a "b""c"', null],
  ['a "b"c', null],
  ['a "b', null],
  ["a 'b", null],
  ['a "\\x41\\n\\r\\t\\b\\a\\q\\"\\\\"', ['a', 'A\n\r\t\b\x07q"\\']],
  ['a "\\xzz\\x4"', ['a', 'xzzx4']],
  ["a 'b\\nc\\'d'", ['a', "b\\nc'd"]],
  ['a \\"b', null],
  ['a "b\\"', null],
  ['a\v\f b', ['a\v\f', 'b']],
  ['a\0b c', ['a']],
  ['a \0b', ['a']],
  ['a "b"\0c', ['a', 'b']],
  ['a "b\0"', null],
];

test('a line is split into words at blanks outside quotes, up to a NUL', () => {
  for (const [line, words] of cases) assert.deepEqual(splitWords(line), words, line);
});

test('a quoted string is one word again, whatever bytes it has', () => {
  const bytes = fc.array(fc.integer({ min: 0, max: 255 })).map((codes) => String.fromCharCode(...codes));
  fc.assert(
    fc.property(bytes, (text) => {
      assert.match(quote(text), /^[\x20-\x7e]*$/);
      assert.deepEqual(splitWords(`name ${quote(text)}`), ['name', text]);
    }),
  );
});
