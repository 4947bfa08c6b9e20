/**
 * The arithmetic of a paired benchmark. Each pair runs both servers one after the other, so that whatever else the machine does in those seconds
 * falls on both; the figure that counts is the median over the pairs of (candidate / baseline), not the ratio of two medians.
 */

/** The middle value, or the mean of the two middle values. Throws on an empty list: a row without samples is a mistake of the caller. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('median of no values');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * The value at or below which `percent` (0–100) of the values lie (nearest rank, no interpolation: the answer is a value that occurred).
 * @param sorted ascending
 */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  if (sorted.length === 0) throw new RangeError('percentile of no values');
  // 99.9 % of 1000 is 999, though not in binary fractions: a little below the product keeps it from being rounded up to 1000.
  const rank = Math.ceil((percent / 100) * sorted.length - 1e-9);
  return sorted[Math.min(sorted.length - 1, Math.max(0, rank - 1))]!;
}

/** What one pair measured of the same quantity. */
export interface Pair {
  candidate: number;
  baseline: number;
}

/** Median over the pairs of candidate / baseline. A pair whose baseline is 0 (below the clock's resolution) tells nothing and is left out. */
export function medianOfRatios(pairs: readonly Pair[]): number {
  const ratios = pairs.filter((pair) => pair.baseline !== 0).map((pair) => pair.candidate / pair.baseline);
  return ratios.length === 0 ? Number.NaN : median(ratios);
}
