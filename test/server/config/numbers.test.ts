/** The spellings of numbers and memory sizes in configurations. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatMemory,
  parseInteger,
  parseLooseInteger,
  parseMemory,
  parseOctal,
  UINT64_MAX,
} from '../../../src/server/config/numbers.js';
import { fc } from '../../support/property.js';

test('an integer has one spelling and fits 64 bits', () => {
  for (const text of [
    '',
    '+1',
    '-0',
    '007',
    ' 1',
    '1 ',
    '1.0',
    '0x1',
    'abc',
    '9223372036854775808',
    '-9223372036854775809',
  ]) {
    assert.equal(parseInteger(text), null, text);
  }
  assert.equal(parseInteger('-9223372036854775808'), -(2n ** 63n));
  assert.equal(parseInteger('0'), 0n);
});

test('a loose integer takes signs, zeros and leading blanks, and stops at 64 bits', () => {
  assert.equal(parseLooseInteger(' +007'), 7n);
  assert.equal(parseLooseInteger('-3'), -3n);
  assert.equal(parseLooseInteger('99999999999999999999'), 2n ** 63n - 1n);
  for (const text of ['', '+', '1x', '1 ', 'x']) assert.equal(parseLooseInteger(text), null, text);
});

test('a memory size is digits and a unit, of either case', () => {
  const sizes: [string, bigint][] = [
    ['', 0n],
    ['kb', 0n],
    ['010', 10n],
    ['10B', 10n],
    ['1k', 1000n],
    ['1KB', 1024n],
    ['2m', 2_000_000n],
    ['2Mb', 2_097_152n],
    ['3g', 3_000_000_000n],
    ['3gb', 3_221_225_472n],
    ['18446744073709551616', UINT64_MAX],
    ['99999999999gb', UINT64_MAX],
  ];
  for (const [text, bytes] of sizes) assert.equal(parseMemory(text), bytes, text);
  for (const text of ['-1', '+1', '1.5gb', '1 kb', ' 1', '1x', '1tb', '1%'])
    assert.equal(parseMemory(text), null, text);
});

test('a memory size is written with the largest unit that leaves it whole', () => {
  for (const [bytes, text] of [
    [0n, '0'],
    [1n, '1'],
    [1000n, '1000'],
    [1024n, '1kb'],
    [2n ** 30n + 1024n, '1048577kb'],
    [3n * 2n ** 20n, '3mb'],
    [2n ** 31n, '2gb'],
  ] as const) {
    assert.equal(formatMemory(bytes), text);
  }
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: UINT64_MAX }), (bytes) => parseMemory(formatMemory(bytes)) === bytes),
  );
});

test('an octal number has octal digits only', () => {
  assert.equal(parseOctal('700'), 0o700n);
  assert.equal(parseOctal(''), 0n);
  assert.equal(parseOctal('-1'), -1n);
  for (const text of ['8', '0o7', ' 7', '7x']) assert.equal(parseOctal(text), null, text);
});
