/** SORT by numbers: the order, also of equal ones. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sortByWeight } from '../../src/types/weight-sort.js';
import { Random } from '../support/fuzz.js';

const random = new Random(16);
const WEIGHTS: Record<string, () => number> = {
  'small integers, many equal': () => random.below(50) - 25,
  'large integers': () => random.below(2 ** 31) * 4096 - 2 ** 42,
  fractions: () => (random.below(2 ** 31) - 2 ** 30) / 997,
  'all exponents': () => (random.below(2) === 0 ? -1 : 1) * 2 ** (random.below(2000) - 1000),
  'zeros of both signs and infinities': () =>
    [0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][random.below(4)]!,
};

for (const [name, weightOf] of Object.entries(WEIGHTS)) {
  test(`numbers come out by weight, equal ones as they are compared: ${name}`, () => {
    for (const count of [0, 1, 2, 100, 511, 512, 2000]) {
      const weights = Float64Array.from({ length: count }, weightOf);
      const order = Int32Array.from({ length: count + 3 }, (_, i) => i);
      // Larger numbers first where weights are equal.
      const expected = Array.from({ length: count }, (_, i) => i).sort((a, b) =>
        weights[a]! < weights[b]! ? -1 : weights[a]! > weights[b]! ? 1 : b - a,
      );
      sortByWeight(order, weights, count, (a, b) => b - a);
      assert.deepEqual([...order.subarray(0, count)], expected, `${count} numbers`);
    }
  });
}
