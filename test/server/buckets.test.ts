/** Hash buckets against a Set, while items come and go and buckets are split and merged. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Buckets, type Chained } from '../../src/server/buckets.js';
import { fuzzSeed, Random, replayable } from '../support/fuzz.js';

class Item implements Chained<Item> {
  nextInBucket: Item | null = null;
  constructor(readonly hash: number) {}
}

function has(buckets: Buckets<Item>, wanted: Item): boolean {
  for (let item = buckets.chain(wanted.hash); item !== null; item = item.nextInBucket) if (item === wanted) return true;
  return false;
}

test('an item is found from when it is put until it is removed, also beside others of the same hash', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    for (const bits of [32, 6]) {
      const buckets = new Buckets<Item>();
      const items: Item[] = [];
      for (const [count, share] of [
        [3000, 9],
        [6000, 1],
        [2000, 8],
        [4000, 0],
      ] as const) {
        for (let i = 0; i < count; i++) {
          if (random.below(10) < share) {
            const item = new Item(random.below(2 ** bits) | 0);
            buckets.put(item);
            items.push(item);
          } else if (items.length > 0) {
            const [item] = items.splice(random.below(items.length), 1);
            buckets.remove(item!);
            assert.ok(!has(buckets, item!));
            assert.equal(item!.nextInBucket, null);
          }
        }
        assert.equal(buckets.size, items.length);
        for (const item of items) assert.ok(has(buckets, item));
      }
    }
  });
});

test('chains stay short while many items come, and when most have gone', () => {
  const buckets = new Buckets<Item>();
  const items = Array.from({ length: 100_000 }, (_, i) => new Item(Math.imul(i, 0x9e3779b1)));
  const longest = (of: Item[]): number =>
    of.reduce((most, { hash }) => {
      let length = 0;
      for (let item = buckets.chain(hash); item !== null; item = item.nextInBucket) length++;
      return Math.max(most, length);
    }, 0);
  for (const item of items) buckets.put(item);
  assert.ok(longest(items) < 12);
  while (items.length > 1000) buckets.remove(items.pop()!);
  assert.ok(longest(items) < 12);
});
