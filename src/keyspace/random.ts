/** Random picks, of RANDOM commands and of samples: fair, but no secret. */

/** @returns an integer from 0 to below `bound` (at most 2^53), each with the same chance */
export function randomBelow(bound: number): number {
  return Math.floor(Math.random() * bound);
}

/**
 * Moves `count` items, picked with equal chance, to the front of `items`, in random order.
 * @param count at most the number of items
 */
export function pickToFront<T>(items: T[], count: number): void {
  for (let i = 0; i < count; i++) {
    const chosen = i + randomBelow(items.length - i);
    const item = items[chosen];
    items[chosen] = items[i];
    items[i] = item;
  }
}
