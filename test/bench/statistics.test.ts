/** The figures of the benchmarks: medians, percentiles, ratios of pairs. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runPairs } from '../../bench/pairing.js';
import { median, medianOfRatios, percentile } from '../../bench/statistics.js';
import { fc } from '../support/property.js';

describe('statistics', () => {
  test('the median is the middle value, or the mean of the two in the middle, in any order', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.equal(median([7]), 7);
    assert.throws(() => median([]), RangeError);
  });

  test('as many values lie below the median as above', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
        const middle = median(values);
        assert.ok(values.filter((value) => value < middle).length <= values.length / 2);
        assert.ok(values.filter((value) => value > middle).length <= values.length / 2);
      }),
    );
  });

  test('a percentile is a value that occurred', () => {
    const sorted = Array.from({ length: 1000 }, (_, index) => index + 1);
    assert.equal(percentile(sorted, 50), 500);
    assert.equal(percentile(sorted, 99.9), 999);
    assert.equal(percentile(sorted, 100), 1000);
    assert.equal(percentile(sorted, 0), 1);
    assert.equal(percentile([5], 99.9), 5);
  });

  test('one disturbed pair does not change the ratio, and a baseline of zero is left out', () => {
    const pairs = [
      { candidate: 12, baseline: 10 },
      { candidate: 12, baseline: 100 },
      { candidate: 24, baseline: 20 },
      { candidate: 1, baseline: 0 },
    ];
    assert.equal(medianOfRatios(pairs), 1.2);
    assert.ok(Number.isNaN(medianOfRatios([{ candidate: 1, baseline: 0 }])));
  });
});

test('pairs run in alternating order, and the results stay with their side', async () => {
  const order: string[] = [];
  const pairs = await runPairs(3, 'ours', 'theirs', async (side) => {
    order.push(side);
    return { speed: side === 'ours' ? 2 : 1 };
  });
  assert.deepEqual(order, ['ours', 'theirs', 'theirs', 'ours', 'ours', 'theirs']);
  assert.deepEqual(pairs.speed, Array(3).fill({ candidate: 2, baseline: 1 }));
});
