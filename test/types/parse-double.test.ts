/** Doubles as commands read them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDouble, parseLeadingDouble } from '../../src/types/parse-double.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';

const parsed = (text: string): number => {
  const bytes = new TextEncoder().encode(`<${text}>`);
  return parseDouble(bytes, 1, bytes.length - 2);
};

test('plain decimals are read as the nearest double, whatever their signs, points and zeros', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    for (let i = 0; i < fuzzIterations(20_000); i++) {
      const digits = Array.from({ length: 1 + random.below(18) }, () => random.below(10)).join('');
      const pointAt = random.below(digits.length + 1);
      const number = random.oneIn(3) ? digits : `${digits.slice(0, pointAt)}.${digits.slice(pointAt)}`;
      const text = random.pick(['', '', '-', '+']) + number;
      assert.ok(Object.is(parsed(text), Number(text)), text);
    }
  });
});

test('infinity has many names', () => {
  for (const text of ['inf', '+inf', 'INF', '+InF', 'infinity'])
    assert.equal(parsed(text), Number.POSITIVE_INFINITY, text);
  for (const text of ['-inf', '-INF', '-Infinity']) assert.equal(parsed(text), Number.NEGATIVE_INFINITY, text);
});

test('what is no number is NaN', () => {
  for (const text of [
    '',
    '-',
    '+',
    '.',
    '-.',
    '1.2.3',
    '--1',
    '+-1',
    '1 ',
    ' 1',
    'in',
    'infi',
    '-in',
    '1e',
    '0x',
    '1,5',
    'nan',
  ])
    assert.ok(Number.isNaN(parsed(text)), text);
});

test('a text begins with a number, or counts as 0', () => {
  const vectors: [string, number][] = [
    ['2,5', 2],
    ['2.*', 2],
    [' -3.5x', -3.5],
    ['1e', 1],
    ['1e+700', Number.POSITIVE_INFINITY],
    ['-infx', Number.NEGATIVE_INFINITY],
    ['0x1p3q', 8],
    ['0x', 0],
    ['x', 0],
    ['', 0],
    ['.', 0],
  ];
  for (const [text, number] of vectors) {
    const bytes = Buffer.from(text, 'latin1');
    assert.equal(parseLeadingDouble(bytes, 0, bytes.length), number, text);
  }
});
