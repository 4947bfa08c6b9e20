import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFew, selectFirst } from '../../src/types/select-first.js';
import { Random } from '../support/fuzz.js';

test('the first few come out in order, as when all are sorted', () => {
  const random = new Random(7);
  for (const count of [0, 1, 2, 17, 500]) {
    for (const wanted of [0, 1, 2, 3, 16, 100, count].filter((number) => number <= count)) {
      for (const spread of [3, 1_000_000]) {
        const values = Array.from({ length: count }, () => random.below(spread));
        const order = Int32Array.from({ length: count + 3 }, (_, i) => i);
        selectFirst(order, count, wanted, (a, b) => values[a]! - values[b]!);
        const selected = [...order.subarray(0, wanted)];
        const expected = [...values].sort((a, b) => a - b).slice(0, wanted);
        assert.deepEqual(
          selected.map((i) => values[i]),
          expected,
          `${wanted} of ${count}`,
        );
        assert.equal(new Set(selected).size, wanted, 'none comes twice');
      }
    }
  }
});

test('a selection is made of few only', () => {
  assert.ok(isFew(0, 0));
  assert.ok(isFew(10, 160));
  assert.ok(!isFew(11, 160));
  assert.ok(!isFew(1025, 1_000_000));
});
