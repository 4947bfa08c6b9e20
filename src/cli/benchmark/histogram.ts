/**
 * Latency histogram with a bounded relative error and a fixed size, after the scheme of HdrHistogram (spec/cli.md 5.4–5.5).
 *
 * Values are whole microseconds from 0 to 3 s. With p significant digits there are B = 2^ceil(log2(2·10^p)) sub-buckets. Values below 8·B lie in
 * buckets 8 µs wide; from there each doubling of the value doubles the width, so that half of B buckets cover it:
 *
 *   p = 3, B = 2048:   [0, 16384) width 8 | [16384, 32768) width 16 | … | [2097152, 4194304) width 2048        10,240 buckets, 40 KiB
 *
 * The counts are one Int32Array over any buffer, so that several threads can fill one each and another can add them up at any time.
 */

/** Larger values count as this much. */
export const LATENCY_MAX_US = 3_000_000;
/** Buckets are at least 2^3 µs wide. */
const UNIT_BITS = 3;

export class LatencyHistogram {
  readonly counts: Int32Array;
  readonly precision: number;
  /** log2 of the number of sub-buckets. */
  private readonly subBucketBits: number;

  /** @param precision  significant digits, 1 to 5 */
  constructor(precision: number, counts: Int32Array = new Int32Array(bucketCount(precision))) {
    this.precision = precision;
    this.counts = counts;
    this.subBucketBits = subBucketBitsOf(precision);
  }

  /** Counts `times` values of `us` microseconds. */
  record(us: number, times: number): void {
    this.counts[this.indexOf(us)]! += times;
  }

  /** Index of the bucket that holds `us`; what is out of range is in the first or last one. */
  indexOf(us: number): number {
    const value = us > LATENCY_MAX_US ? LATENCY_MAX_US : us < 0 ? 0 : us | 0;
    // How often the value doubles beyond the finest part.
    const doublings = Math.max(0, 32 - Math.clz32(value) - this.subBucketBits - UNIT_BITS);
    return (value >> (doublings + UNIT_BITS)) + (doublings << (this.subBucketBits - 1));
  }

  /** Smallest value of a bucket. */
  lowest(index: number): number {
    const half = this.subBucketBits - 1;
    const doublings = Math.max(0, (index >> half) - 1);
    return (index - (doublings << half)) << (doublings + UNIT_BITS);
  }

  /** Largest value of a bucket. */
  highest(index: number): number {
    return this.lowest(index + 1) - 1;
  }

  get total(): number {
    let sum = 0;
    for (const count of this.counts) sum += count;
    return sum;
  }

  /** Middle values of the buckets, weighted. NaN if there are none. */
  get mean(): number {
    let sum = 0;
    let total = 0;
    for (let i = 0; i < this.counts.length; i++) {
      const count = this.counts[i]!;
      if (count === 0) continue;
      const lowest = this.lowest(i);
      sum += (lowest + ((this.lowest(i + 1) - lowest) >> 1)) * count;
      total += count;
    }
    return sum / total;
  }

  /** Lower edge of the first bucket in use; 0 if there is none. */
  get min(): number {
    const first = this.counts.findIndex((count) => count > 0);
    return first < 0 ? 0 : this.lowest(first);
  }

  /** Upper edge of the last bucket in use; 0 if there is none. */
  get max(): number {
    const last = this.counts.findLastIndex((count) => count > 0);
    return last < 0 ? 0 : this.highest(last);
  }

  /** Upper edge of the bucket where so many percent of the values (at least one) have been seen; 0 without values. */
  percentile(percent: number): number {
    const wanted = Math.max(1, Math.floor((percent / 100) * this.total + 0.5));
    let seen = 0;
    for (let i = 0; i < this.counts.length; i++) {
      seen += this.counts[i]!;
      if (seen >= wanted) return this.highest(i);
    }
    return 0;
  }

  /** Adds the counts of a histogram of the same precision. */
  add(other: LatencyHistogram): void {
    for (let i = 0; i < this.counts.length; i++) this.counts[i]! += other.counts[i]!;
  }

  /** What has been recorded since `earlier`, a copy of this histogram at another time. */
  since(earlier: LatencyHistogram): LatencyHistogram {
    return new LatencyHistogram(
      this.precision,
      this.counts.map((count, i) => count - earlier.counts[i]!),
    );
  }
}

function subBucketBitsOf(precision: number): number {
  return Math.ceil(Math.log2(2 * 10 ** precision));
}

/** Number of counts that a histogram of this precision needs. */
export function bucketCount(precision: number): number {
  const bits = subBucketBitsOf(precision);
  const doublings = Math.max(0, 32 - Math.clz32(LATENCY_MAX_US) - bits - UNIT_BITS);
  return (doublings + 2) << (bits - 1);
}

/** One row of a report: so many values, and what percentage of all, are at most `us`. */
export interface LatencyRow {
  percent: number;
  us: number;
  count: number;
}

/** Rows at 0 %, 50 %, 75 %, 87.5 % …: each step halves what is left; the last row is that of 100 %. */
export function percentileRows(histogram: LatencyHistogram): LatencyRow[] {
  const rows: LatencyRow[] = [];
  const { counts, total } = histogram;
  let seen = 0;
  let step = 0;
  for (let i = 0; i < counts.length && seen < total; i++) {
    if (counts[i] === 0) continue;
    seen += counts[i]!;
    const reached = (100 * seen) / total;
    if (step > reached) continue;
    const us = histogram.highest(i);
    // More than one step may end in this bucket: one row shows them.
    rows.push({ percent: step, us, count: seen });
    while (step <= reached && step < 100) step += 100 / 2 ** (Math.floor(Math.log2(100 / (100 - step))) + 1);
    if (seen === total) rows.push({ percent: 100, us, count: seen });
  }
  return rows;
}

/** From this value on (µs) rows are 1 ms apart, before it 100 µs. */
const FINE_STEPS_END_US = 2000;

/** Rows at even steps of the latency, each at the bucket that contains the step; rows that would repeat the count before them are left out. */
export function linearRows(histogram: LatencyHistogram): LatencyRow[] {
  const rows: LatencyRow[] = [];
  const { counts, total } = histogram;
  if (total === 0) return rows;
  let seen = 0;
  let previous = -1;
  let index = 0;
  let stepUs = 100;
  for (let levelUs = 100; ; ) {
    for (const last = histogram.indexOf(levelUs); index <= last; index++) seen += counts[index]!;
    const us = histogram.highest(index - 1);
    if (seen !== previous || seen === total) rows.push({ percent: (100 * seen) / total, us, count: seen });
    previous = seen;
    levelUs += stepUs;
    if (us > FINE_STEPS_END_US) stepUs = 1000;
    if (seen === total && levelUs > us) return rows;
  }
}
