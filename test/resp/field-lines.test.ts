/** Texts of field lines: the same as without the tag, whatever has changed since. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fieldLines, sixDecimals, threeDecimals, twoDecimals } from '../../src/resp/field-lines.js';
import { fuzzSeed, Random } from '../support/fuzz.js';

describe('field lines', () => {
  test('say what the values are now, after any changes', () => {
    const random = new Random(fuzzSeed());
    const values: (string | number)[] = ['a', 0, 1.5, 'x\r\n', 2 ** 40, ''];
    for (let round = 0; round < 2000; round++) {
      // At first nothing changes, later one value or another, then back again.
      if (round > 3 && random.below(2) === 0)
        values[random.below(values.length)] = [random.below(3), 'text', '', random.below(1e9) / 7, -1][
          random.below(5)
        ]!;
      const [a, b, c, d, e, f] = values;
      const plain = `first:${a}\r\n${b}\r\nhalf:${c}${d}\r\nbig:${e}\r\n${f}last:1\r\n`;
      assert.equal(fieldLines`first:${a}\r\n${b}\r\nhalf:${c}${d}\r\nbig:${e}\r\n${f}last:1\r\n`, plain);
    }
  });

  test('put a value into words by the format before it', () => {
    for (const value of [1, 1, 2.345, 0, 2.345])
      assert.equal(
        fieldLines`a:${value}\r\nb:${twoDecimals}${value}\r\nc:${value}\r\n`,
        `a:${value}\r\nb:${value.toFixed(2)}\r\nc:${value}\r\n`,
      );
  });

  test('texts of two templates are apart', () => {
    const one = (value: number) => fieldLines`a:${value}\r\n`;
    const other = (value: number) => fieldLines`a:${value}\r\n`;
    assert.deepEqual(
      [one(1), other(2), one(1), other(3), one(4)],
      ['a:1\r\n', 'a:2\r\n', 'a:1\r\n', 'a:3\r\n', 'a:4\r\n'],
    );
  });
});

describe('decimals', () => {
  test('are those of toFixed', () => {
    const random = new Random(fuzzSeed());
    const values = [0, 1, 0.004, 0.05, 0.994, 0.999, 99.999, 1e9, 123_456_789.25, -1, -0.25, -0.001];
    for (let i = 0; i < 2000; i++) values.push(random.below(1e6) / 2 ** (1 + random.below(10)) + 1e-5);
    for (const value of values) {
      assert.equal(twoDecimals(value), value.toFixed(2));
      assert.equal(threeDecimals(value), value.toFixed(3));
      const micros = Math.floor(value * 997);
      assert.equal(sixDecimals(micros / 1e6), (micros / 1e6).toFixed(6));
    }
  });
});
