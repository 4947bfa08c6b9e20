/**
 * A score, which is not NaN, as two int32 that compare, high half first, as scores do: so that an order by scores needs no doubles, which are read byte by
 * byte. −0 and 0 are equal.
 */

/** The result of `setScoreKey`. */
export const scoreKey = { high: 0, low: 0 };
const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);

/** Result in `scoreKey`. */
export function setScoreKey(score: number): void {
  // −0 + 0 is 0.
  double[0] = score + 0;
  const high = halves[1];
  const isNegative = high < 0;
  scoreKey.high = isNegative ? high ^ 0x7fffffff : high;
  scoreKey.low = (isNegative ? ~halves[0] : halves[0]) ^ 0x80000000;
}

/** @returns the score of a key; never −0 */
export function scoreOfKey(high: number, low: number): number {
  const isNegative = high < 0;
  halves[1] = isNegative ? high ^ 0x7fffffff : high;
  halves[0] = (isNegative ? ~low : low) ^ 0x80000000;
  return double[0];
}
