/**
 * Hash buckets of objects that bring their own links and know their hash. Nothing is made when one comes, and nothing refers to it when it has gone: a Map whose
 * entries come and go does both (interests.ts).
 *
 * There are as many buckets as items, and one more or less at a time (linear hashing): bucket n comes by a split of the one whose number is n without its
 * highest bit, so nobody waits until all items have moved.
 *
 * Invariants: (1) an item is in the chain of its bucket iff it was put and not removed; (2) `mask` + 1 is the greatest power of two that is not above the
 * number of buckets.
 */

export interface Chained<T> {
  readonly hash: number;
  /** The next one of its bucket. */
  nextInBucket: T | null;
}

const BUCKETS_MIN = 16;
/** With fewer items per bucket each removal merges some. */
const SPARSE = 1 / 2;
const MERGED_PER_REMOVAL = 2;

export class Buckets<T extends Chained<T>> {
  size = 0;
  private readonly heads: (T | null)[] = new Array(BUCKETS_MIN).fill(null);
  private mask = BUCKETS_MIN - 1;

  /** @returns the first of those among which items with this hash are, by `nextInBucket`; others may be there, too */
  chain(hash: number): T | null {
    return this.heads[this.bucketOf(hash)]!;
  }

  put(item: T): void {
    this.link(item);
    if (++this.size > this.heads.length) this.split();
  }

  /** @param item is there */
  remove(item: T): void {
    const { heads } = this;
    const bucket = this.bucketOf(item.hash);
    let before = heads[bucket]!;
    if (before === item) {
      heads[bucket] = item.nextInBucket;
    } else {
      while (before.nextInBucket !== item) before = before.nextInBucket!;
      before.nextInBucket = item.nextInBucket;
    }
    item.nextInBucket = null;
    this.size--;
    for (let i = 0; i < MERGED_PER_REMOVAL; i++)
      if (heads.length > BUCKETS_MIN && this.size < heads.length * SPARSE) this.merge();
  }

  private bucketOf(hash: number): number {
    const bucket = hash & (this.mask * 2 + 1);
    return bucket < this.heads.length ? bucket : hash & this.mask;
  }

  private link(item: T): void {
    const bucket = this.bucketOf(item.hash);
    item.nextInBucket = this.heads[bucket]!;
    this.heads[bucket] = item;
  }

  /** Adds a bucket. */
  private split(): void {
    const { heads, mask } = this;
    const parent = heads.length & mask;
    const chain = heads[parent]!;
    heads[parent] = null;
    heads.push(null);
    if (heads.length > mask * 2 + 1) this.mask = mask * 2 + 1;
    this.linkAll(chain);
  }

  /** Takes the last bucket away. */
  private merge(): void {
    const { heads } = this;
    const chain = heads.pop()!;
    if (heads.length <= this.mask) this.mask >>= 1;
    this.linkAll(chain);
  }

  private linkAll(chain: T | null): void {
    for (let item = chain; item !== null; ) {
      const next: T | null = item.nextInBucket;
      this.link(item);
      item = next;
    }
  }
}
