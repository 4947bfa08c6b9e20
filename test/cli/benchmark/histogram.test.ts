/** The histogram against exact sorting: whatever the values, its answers are those of the sorted list, up to the width of a bucket. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bucketCount,
  LATENCY_MAX_US,
  LatencyHistogram,
  linearRows,
  percentileRows,
} from '../../../src/cli/benchmark/histogram.js';
import { fuzzSeed, Random, replayable } from '../../support/fuzz.js';

/** Latencies over all magnitudes, and beyond the range. */
function randomLatency(random: Random): number {
  return random.oneIn(500) ? LATENCY_MAX_US + random.below(1000) : random.below(2 ** random.below(22));
}

test('every value lies in its bucket, and the buckets follow each other without a gap', () => {
  for (const precision of [1, 2, 3, 4]) {
    const histogram = new LatencyHistogram(precision);
    for (let index = 0; index < bucketCount(precision); index++) {
      const [lowest, highest] = [histogram.lowest(index), histogram.highest(index)];
      assert.equal(histogram.lowest(index + 1), highest + 1);
      assert.ok(highest - lowest + 1 <= Math.max(8, lowest / 10 ** precision), `precision ${precision}, ${lowest}`);
      if (highest > LATENCY_MAX_US) break;
      assert.equal(histogram.indexOf(lowest), index);
      assert.equal(histogram.indexOf(highest), index);
    }
    assert.ok(histogram.indexOf(LATENCY_MAX_US) < bucketCount(precision));
  }
});

test('percentiles, minimum, maximum and mean are those of the sorted values, up to the width of a bucket', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    for (let round = 0; round < 40; round++) {
      const histogram = new LatencyHistogram(1 + random.below(4));
      const values: number[] = [];
      for (let count = 1 + random.below(2000); count > 0; count--) {
        const us = randomLatency(random);
        const times = random.oneIn(10) ? 1 + random.below(20) : 1;
        histogram.record(us, times);
        for (let i = 0; i < times; i++) values.push(Math.min(us, LATENCY_MAX_US));
      }
      values.sort((a, b) => a - b);
      const upperEdge = (us: number): number => histogram.highest(histogram.indexOf(us));
      const lowerEdge = (us: number): number => histogram.lowest(histogram.indexOf(us));
      assert.equal(histogram.total, values.length);
      assert.equal(histogram.min, lowerEdge(values[0]!));
      assert.equal(histogram.max, upperEdge(values.at(-1)!));
      for (const percent of [0, 1, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100]) {
        const rank = Math.max(1, Math.floor((percent / 100) * values.length + 0.5));
        assert.equal(histogram.percentile(percent), upperEdge(values[rank - 1]!), `p${percent}`);
      }
      const mean = values.reduce((sum, us) => sum + us, 0) / values.length;
      assert.ok(Math.abs(histogram.mean - mean) <= Math.max(8, mean / 10 ** histogram.precision));
    }
  });
});

test('each row counts the values up to its own, and the last row is that of all', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    for (let round = 0; round < 40; round++) {
      const histogram = new LatencyHistogram(1 + random.below(4));
      const values = Array.from({ length: 1 + random.below(500) }, () => random.below(2 ** (3 + random.below(15))));
      for (const us of values) histogram.record(us, 1);
      for (const rows of [percentileRows(histogram), linearRows(histogram)]) {
        for (const { us, count } of rows) assert.equal(count, values.filter((value) => value <= us).length);
        assert.deepEqual([rows.at(-1)!.percent, rows.at(-1)!.count], [100, values.length]);
        assert.ok(rows.every((row, i) => i === 0 || row.us >= rows[i - 1]!.us));
      }
    }
  });
});

test('rows are those that redis-benchmark printed for the same latencies', () => {
  const of = (...latencies: number[]): LatencyHistogram => {
    const histogram = new LatencyHistogram(3);
    for (const us of latencies) histogram.record(us, 1);
    return histogram;
  };
  const text = (rows: { percent: number; us: number; count: number }[]): string[] =>
    rows.map(({ percent, us, count }) => `${percent.toFixed(3)} ${us} ${count}`);
  assert.deepEqual(text(percentileRows(of(2639, 2640, 2700))), [
    '0.000 2639 1',
    '50.000 2647 2',
    '75.000 2703 3',
    '100.000 2703 3',
  ]);
  assert.deepEqual(text(percentileRows(of(2232, 2233, 2250))), ['0.000 2239 2', '75.000 2255 3', '100.000 2255 3']);
  assert.deepEqual(text(linearRows(of(2232, 2233, 2250))), ['0.000 103 0', '100.000 3103 3']);
  assert.deepEqual(text(linearRows(of(1550, 3910, 3920))), ['0.000 103 0', '33.333 1607 1', '100.000 4103 3']);
  // Two steps of a millisecond end in the last bucket.
  assert.deepEqual(text(linearRows(of(3_300_000, 3_200_000))), [
    '0.000 103 0',
    '100.000 3000319 2',
    '100.000 3000319 2',
  ]);
  assert.deepEqual([of(3_300_000).min, of(3_300_000).mean, of(3_300_000).max], [2998272, 2999296, 3000319]);
});

test('a histogram without values has no rows and no mean', () => {
  const histogram = new LatencyHistogram(3);
  assert.deepEqual([percentileRows(histogram), linearRows(histogram)], [[], []]);
  assert.deepEqual([histogram.min, histogram.max, histogram.percentile(99)], [0, 0, 0]);
  assert.ok(Number.isNaN(histogram.mean));
});

test('what was recorded since a copy was taken is the difference', () => {
  const histogram = new LatencyHistogram(2);
  histogram.record(100, 3);
  const earlier = new LatencyHistogram(2);
  earlier.add(histogram);
  histogram.record(5000, 2);
  const since = histogram.since(earlier);
  assert.deepEqual([since.total, since.min], [2, histogram.lowest(histogram.indexOf(5000))]);
});
