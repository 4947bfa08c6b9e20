/**
 * Items on their way into the tree of a sorted set, each with its score: they come in any order and are sorted as a whole. Only their references and scores are
 * here, in flat arrays, of which what a large set took is given back by `clear`.
 */
import type { Ref } from '../memory/arena.js';
import { sortByWeight } from './weight-sort.js';

/** Room that stays between two sets. */
const KEPT = 1024;

export class ScoredItems {
  /** The first `count` of each are good. */
  items: Int32Array = new Int32Array(KEPT);
  scores: Float64Array = new Float64Array(KEPT);
  count = 0;

  /** Makes room for `count` of them at once. */
  reserve(count: number): void {
    if (count > this.items.length) this.resize(count);
  }

  push(item: Ref, score: number): void {
    if (this.count === this.items.length) this.resize(this.count * 2);
    this.scores[this.count] = score;
    this.items[this.count++] = item;
  }

  clear(): void {
    this.count = 0;
    if (this.items.length > KEPT) this.resize(KEPT);
  }

  /** Puts them into the order of a sorted set. Negative zeros may become zeros. @param compare tells the order of two items with the same score */
  sort(compare: (item: Ref, other: Ref) => number): void {
    const { count, items, scores } = this;
    if (this.isDescending(compare)) {
      items.subarray(0, count).reverse();
      scores.subarray(0, count).reverse();
      return;
    }
    const order = new Int32Array(count);
    for (let i = 0; i < count; i++) order[i] = i;
    // Members are looked at only where scores are equal.
    sortByWeight(order, scores, count, (a, b) => compare(items[a], items[b]));
    this.items = new Int32Array(items.length);
    this.scores = new Float64Array(items.length);
    for (let i = 0; i < count; i++) {
      this.items[i] = items[order[i]];
      this.scores[i] = scores[order[i]];
    }
  }

  /** Whether they are in reverse order, as they are in files. */
  private isDescending(compare: (item: Ref, other: Ref) => number): boolean {
    const { count, items, scores } = this;
    for (let i = 1; i < count; i++) {
      if (scores[i] > scores[i - 1]) return false;
      if (scores[i] === scores[i - 1] && compare(items[i], items[i - 1]) > 0) return false;
    }
    return true;
  }

  private resize(length: number): void {
    const { count, items, scores } = this;
    this.items = new Int32Array(length);
    this.scores = new Float64Array(length);
    this.items.set(items.subarray(0, count));
    this.scores.set(scores.subarray(0, count));
  }
}
