/**
 * Sorts numbers that stand for something else, stably. The built-in sort of a typed array copies its elements into ordinary objects first, and takes three
 * times as long for 100,000.
 */

/** Runs of this length are made by insertion before they are merged. */
const RUN = 8;

/**
 * @param order   its first `count` elements are sorted
 * @param compare negative if `a` comes before `b`, positive if after it
 */
export function mergeSort(order: Int32Array, count: number, compare: (a: number, b: number) => number): void {
  for (let start = 0; start < count; start += RUN) insertionSort(order, start, Math.min(start + RUN, count), compare);
  if (count <= RUN) return;
  let from = order;
  let to: Int32Array = new Int32Array(count);
  for (let width = RUN; width < count; width *= 2) {
    for (let start = 0; start < count; start += width * 2)
      merge(from, to, start, Math.min(start + width, count), Math.min(start + width * 2, count), compare);
    const swapped = from;
    from = to;
    to = swapped;
  }
  if (from !== order) order.set(from.subarray(0, count));
}

function insertionSort(order: Int32Array, start: number, end: number, compare: (a: number, b: number) => number): void {
  for (let i = start + 1; i < end; i++) {
    const element = order[i];
    let at = i;
    for (; at > start && compare(order[at - 1], element) > 0; at--) order[at] = order[at - 1];
    order[at] = element;
  }
}

function merge(
  from: Int32Array,
  to: Int32Array,
  start: number,
  middle: number,
  end: number,
  compare: (a: number, b: number) => number,
): void {
  if (middle >= end || compare(from[middle - 1], from[middle]) <= 0) {
    to.set(from.subarray(start, end), start);
    return;
  }
  let left = start;
  let right = middle;
  for (let at = start; at < end; at++) {
    if (right >= end || (left < middle && compare(from[left], from[right]) <= 0)) to[at] = from[left++];
    else to[at] = from[right++];
  }
}
