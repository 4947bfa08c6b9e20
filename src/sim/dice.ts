/**
 * Where chance comes from in a simulation: the generator sfc32 (128 bits of state, period above 2^64), seeded from one 32-bit number.
 *
 * Everything is integers; probabilities are ratios of integers, so that the same seed gives the same run on every machine.
 * Each concern has a stream of its own (`fork`): a checker or a log line that draws a number less does not change the faults of a seed.
 */
import type { Random } from '../cluster/core/types.js';

export class Dice implements Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed  any number; its low 32 bits count */
  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = 0x9e3779b9 | 0;
    this.#c = 0x243f6a88 | 0;
    // The first numbers still show the seed.
    for (let i = 0; i < 15; i += 1) this.next();
  }

  /** A uniform integer in [0, 2^32). */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + sum) | 0;
    return sum >>> 0;
  }

  below(bound: number): number {
    return this.next() % bound;
  }

  /** A uniform integer in [min, max]. */
  between(min: number, max: number): number {
    return min + this.below(max - min + 1);
  }

  /** True in `numerator` of `denominator` cases. */
  chance(numerator: number, denominator: number): boolean {
    return this.below(denominator) < numerator;
  }

  /** One of the items, of which there is at least one. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** A new array with the same items in random order. */
  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last -= 1) {
      const other = this.below(last + 1);
      [shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!];
    }
    return shuffled;
  }

  /** An independent stream; the streams of one seed are made in a fixed order. */
  fork(): Dice {
    return new Dice(this.next());
  }
}
