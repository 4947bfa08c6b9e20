/** The maps of free blocks against plain sets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FreeBlocks } from '../../src/memory/free-blocks.js';
import {
  BLOCKS_PER_UNIT,
  BLOCKS_PER_UNIT_SHIFT,
  CLASS_BYTES,
  PAGE_BYTES,
  SLAB_PAGES,
  UNIT_SHIFT,
} from '../../src/memory/size-classes.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';

const blocksOf = (sizeClass: number): number =>
  Math.floor((SLAB_PAGES[sizeClass]! * PAGE_BYTES) / CLASS_BYTES[sizeClass]!);

test('what is taken was put in and not taken since, of slabs of all sizes that come and go', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const free = new FreeBlocks(8);
    const slabs = Array.from({ length: 8 }, () => ({ sizeClass: 0, blocks: new Set<number>() }));
    for (let step = 0; step < fuzzIterations(60_000); step++) {
      if (step === 1000) free.extend(40);
      while (step > 1000 && slabs.length < 40) slabs.push({ sizeClass: 0, blocks: new Set() });
      const number = random.below(slabs.length);
      const slab = slabs[number]!;
      if (random.oneIn(50)) {
        free.close(number, slab.sizeClass);
        slab.blocks.clear();
        slab.sizeClass = random.below(CLASS_BYTES.length);
      }
      const count = 1 + random.below(random.oneIn(4) ? 200 : 2);
      const isPut = random.oneIn(2);
      for (let i = 0; i < count; i++) {
        if (isPut) {
          const block = random.below(blocksOf(slab.sizeClass));
          if (slab.blocks.has(block)) continue;
          slab.blocks.add(block);
          free.put(number, block, slab.sizeClass);
        } else if (slab.blocks.size > 0) {
          assert.ok(slab.blocks.delete(free.take(number, slab.sizeClass)));
        }
      }
    }
    for (const [number, { sizeClass, blocks }] of slabs.entries())
      while (blocks.size > 0) assert.ok(blocks.delete(free.take(number, sizeClass)));
  });
});

test('blocks are handed out as they lie, from the one that was freed last on', () => {
  const free = new FreeBlocks(4);
  const sizeClass = CLASS_BYTES.indexOf(32);
  for (const block of [300, 7, 64, 65, 200, 511, 66]) free.put(2, block, sizeClass);
  const taken = Array.from({ length: 7 }, () => free.take(2, sizeClass));
  assert.deepEqual(taken, [64, 65, 66, 200, 300, 511, 7]);
});

test('a place in a slab gives the number of the block, of every block of every class', () => {
  CLASS_BYTES.forEach((bytes, sizeClass) => {
    for (let block = 0; block < blocksOf(sizeClass); block++) {
      const units = block * (bytes >> UNIT_SHIFT);
      assert.equal(Math.imul(units, BLOCKS_PER_UNIT[sizeClass]!) >>> BLOCKS_PER_UNIT_SHIFT, block);
    }
  });
});
