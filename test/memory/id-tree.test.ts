/** The tree of stream IDs against a sorted array, in every order of insertion. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../../src/memory/arena.js';
import { BATCH_WORDS, IdBatch, TAG } from '../../src/memory/id-batch.js';
import { IdTree } from '../../src/memory/id-tree.js';
import { compareIds, StreamId } from '../../src/memory/stream-id.js';
import { fuzzSeed, Random, replayable } from '../support/fuzz.js';

const id = new StreamId();

/** IDs of the model are bigints: | ms : 64 | seq : 64 |. */
function setId(value: bigint, into = id): StreamId {
  const word = (shift: bigint): number => Number(BigInt.asIntN(32, value >> shift));
  into.set(word(96n), word(64n), word(32n), word(0n));
  return into;
}

function numberOf({ msHigh, msLow, seqHigh, seqLow }: StreamId): bigint {
  return [msHigh, msLow, seqHigh, seqLow].reduce((sum, word) => (sum << 32n) | BigInt(word >>> 0), 0n);
}

function firstNotBefore(model: readonly bigint[], value: bigint): number {
  const at = model.findIndex((other) => other >= value);
  return at < 0 ? model.length : at;
}

/** IDs that lie together, far apart, and at both ends of all halves. */
function randomId(random: Random): bigint {
  const half = (): bigint => BigInt(random.pick([0, 1, random.below(40), 0x7fffffff, 0x80000000, 0xffffffff]));
  return (half() << 96n) | (half() << 64n) | (half() << 32n) | half();
}

for (const [name, growth] of [
  ['a growing tree', 70],
  ['a shrinking tree', 35],
] as const) {
  test(`${name} answers as a sorted array does`, () => {
    const seed = fuzzSeed();
    replayable(seed, () => {
      const random = new Random(seed);
      const arena = new Arena();
      const before = arena.blockCount;
      const trees = new IdTree(arena, 2);
      const tree = trees.create();
      const model: bigint[] = [];
      const add = (value: bigint): void => {
        const at = firstNotBefore(model, value);
        if (model[at] === value) return;
        model.splice(at, 0, value);
        trees.insert(tree, setId(value));
        trees.setValue(0, Number(BigInt.asIntN(32, value)));
        trees.setValue(1, Number(BigInt.asIntN(32, value >> 64n)));
      };
      const first = growth < 50 ? 3000 : 0;
      for (let i = 0; i < first; i++) add(BigInt(i) << 60n);
      for (let step = 0; step < 5000; step++) {
        const value = random.oneIn(4) && model.length > 0 ? random.pick(model) : randomId(random);
        if (random.below(100) < growth) add(value);
        else if (random.oneIn(20)) removeBatch(trees, tree, model, random);
        else removeSome(trees, tree, model, random);
        check(trees, tree, model, value);
      }
      checkWalk(trees, tree, model);
      const copy = trees.copy(tree);
      for (const each of [tree, copy]) {
        checkWalk(trees, each, model);
        for (let leaf = trees.dissolve(each); leaf !== 0; ) leaf = trees.dropLeaf(leaf);
      }
      assert.equal(arena.blockCount, before, 'all blocks are given back');
    });
  });
}

function removeSome(trees: IdTree, tree: number, model: bigint[], random: Random): void {
  if (model.length === 0) return;
  const at = random.oneIn(2) ? 0 : random.below(model.length);
  const [value] = model.splice(at, 1);
  if (random.oneIn(2)) {
    assert.ok(trees.find(tree, setId(value!)));
    let run = 1;
    while (random.oneIn(2) && at < model.length && trees.hasAhead(run, setId(model[at]!))) {
      model.splice(at, 1);
      run++;
    }
    trees.removeFound(tree, run);
  } else {
    assert.ok(trees.remove(tree, setId(value!)));
  }
  assert.ok(!trees.remove(tree, setId(value!)));
}

/** Removes neighbours, others, some of them named twice, and IDs that are not there. */
function removeBatch(trees: IdTree, tree: number, model: bigint[], random: Random): void {
  if (model.length === 0) return;
  const at = random.below(model.length);
  const named = model.slice(at, at + random.below(100));
  for (let i = random.below(20); i > 0; i--) named.push(random.oneIn(3) ? randomId(random) : random.pick(model));
  const batch = batchOf(named);
  batch.sort();
  const from = random.below(batch.count + 1);
  const gone = new Set(idsOf(batch).slice(from));
  batch.count = trees.removeSorted(tree, batch, from, batch.count);
  const found = model.filter((value) => gone.has(value));
  assert.deepEqual(idsOf(batch).slice(from), found);
  for (const [i, value] of found.entries()) {
    assert.equal(batch.tag(from + i), Number(BigInt.asIntN(32, value)));
    model.splice(model.indexOf(value), 1);
  }
}

function batchOf(values: readonly bigint[]): IdBatch {
  const batch = new IdBatch();
  batch.begin(values.length);
  for (const value of values) batch.push(setId(value));
  return batch;
}

function idsOf(batch: IdBatch): bigint[] {
  return Array.from({ length: batch.count }, (_, i) => {
    batch.read(i, id);
    return numberOf(id);
  });
}

test('a batch of IDs is sorted as unsigned numbers, by tag then without another order, and used again', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const batch = new IdBatch();
    for (const count of [0, 1, 2, 100, 3000, 5, 1024, 1025]) {
      const values = Array.from({ length: count }, () => randomId(random));
      batch.begin(count);
      for (const value of values) batch.push(setId(value));
      const inOrder = [...values].sort((a, b) => (a < b ? -1 : Number(a > b)));
      assert.equal(batch.isSorted, values.join() === inOrder.join());
      batch.sort();
      assert.deepEqual(idsOf(batch), inOrder);
      const tags = inOrder.map(() => random.pick([1, 2, 3000, 0x7fffffff]));
      tags.forEach((tag, i) => {
        batch.cells[i * BATCH_WORDS + TAG] = tag;
      });
      batch.sortByTag();
      const byTag = inOrder.map((_, i) => i).sort((a, b) => tags[a]! - tags[b]! || a - b);
      assert.deepEqual(
        idsOf(batch),
        byTag.map((i) => inOrder[i]),
      );
      batch.end();
    }
  });
});

function check(trees: IdTree, tree: number, model: readonly bigint[], value: bigint): void {
  assert.equal(trees.count(tree), model.length);
  const at = firstNotBefore(model, value);
  const isThere = model[at] === value;
  assert.equal(trees.find(tree, setId(value)), isThere);
  assert.equal(trees.seekFrom(tree, setId(value)), at < model.length);
  if (at < model.length) checkPlace(trees, model[at]!);
  const upTo = isThere ? at : at - 1;
  assert.equal(trees.seekUpTo(tree, setId(value)), upTo >= 0);
  if (upTo >= 0) checkPlace(trees, model[upTo]!);
  assert.equal(trees.seekFirst(tree), model.length > 0);
  if (model.length > 0) checkPlace(trees, model[0]!);
  assert.equal(trees.seekLast(tree), model.length > 0);
  if (model.length > 0) checkPlace(trees, model.at(-1)!);
}

function checkPlace(trees: IdTree, value: bigint): void {
  trees.readId(id);
  assert.equal(numberOf(id), value);
  assert.equal(trees.compare(setId(value)), 0);
  assert.equal(trees.value(0), Number(BigInt.asIntN(32, value)));
  assert.equal(trees.value(1), Number(BigInt.asIntN(32, value >> 64n)));
}

function checkWalk(trees: IdTree, tree: number, model: readonly bigint[]): void {
  const seen: bigint[] = [];
  for (let isThere = trees.seekFirst(tree); isThere; isThere = trees.next()) {
    trees.readId(id);
    seen.push(numberOf(id));
  }
  assert.deepEqual(seen, model);
  seen.length = 0;
  for (let isThere = trees.seekLast(tree); isThere; isThere = trees.previous()) {
    trees.readId(id);
    seen.unshift(numberOf(id));
  }
  assert.deepEqual(seen, model);
  // Onward from cell to cell, and over one in three of them.
  trees.seekFirst(tree);
  model.forEach((value, at) => {
    if (at % 3 === 1) return;
    assert.ok(trees.findOnward(tree, setId(value)));
    checkPlace(trees, value);
  });
}

test('IDs count up and down over all their halves, and stop at the ends', () => {
  const other = new StreamId();
  const last = (1n << 128n) - 1n;
  for (const value of [
    0n,
    1n,
    0xffffffffn,
    1n << 32n,
    (1n << 64n) - 1n,
    1n << 64n,
    (1n << 96n) - 1n,
    last - 1n,
    last,
  ]) {
    assert.equal(setId(value).increment(), value < last);
    assert.equal(numberOf(id), value < last ? value + 1n : value);
    assert.equal(setId(value).decrement(), value > 0n);
    assert.equal(numberOf(id), value > 0n ? value - 1n : value);
    assert.equal(
      Math.sign(compareIds(setId(value), setId(1n << 32n, other))),
      Number(value > 1n << 32n) - Number(value < 1n << 32n),
    );
  }
});
