/** The hash table against a Map, and the guarantees of its scan. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena, CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../../src/memory/arena.js';
import { WARM_MAX } from '../../src/memory/bucket-chains.js';
import { type ItemKeys, Table } from '../../src/memory/table.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';

/** Items are blocks of 8 bytes that hold a number, which is the key; its hash is as good as random, or as bad as wanted. */
class Numbers implements ItemKeys {
  readonly key = new Uint8Array(4);
  private readonly arena: Arena;
  private readonly hash: (value: number) => number;

  constructor(arena: Arena, hash: (value: number) => number) {
    this.arena = arena;
    this.hash = hash;
  }

  create(value: number): Ref {
    const ref = this.arena.allocate(8);
    this.arena.words[ref >>> CHUNK_INDEX_SHIFT][(ref & UNIT_MASK) << 1] = value;
    return ref;
  }

  valueOf(ref: Ref): number {
    return this.arena.words[ref >>> CHUNK_INDEX_SHIFT][(ref & UNIT_MASK) << 1];
  }

  hashOf(ref: Ref): number {
    return this.hash(this.valueOf(ref));
  }

  hashOfValue(value: number): number {
    return this.hash(value);
  }

  keyOf(value: number): Uint8Array {
    new DataView(this.key.buffer).setInt32(0, value, true);
    return this.key;
  }

  equals(ref: Ref, key: Uint8Array, start: number, length: number): boolean {
    return length === 4 && new DataView(key.buffer, key.byteOffset + start).getInt32(0, true) === this.valueOf(ref);
  }

  haveSameKey(ref: Ref, other: Ref): boolean {
    return this.valueOf(ref) === this.valueOf(other);
  }
}

function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/** A table of numbers beside the plain set that it must equal. */
class Model {
  readonly arena = new Arena();
  readonly numbers: Numbers;
  readonly table: Table;
  readonly ref: Ref;
  readonly expected = new Map<number, Ref>();

  constructor(hash = mixed, expectedCount = 0) {
    this.numbers = new Numbers(this.arena, hash);
    this.table = new Table(this.arena, this.numbers);
    this.ref = this.table.create(expectedCount);
  }

  find(value: number): Ref {
    return this.table.find(this.ref, this.numbers.hashOfValue(value), this.numbers.keyOf(value), 0, 4);
  }

  add(value: number): void {
    if (this.expected.has(value)) return;
    const item = this.numbers.create(value);
    const hash = this.numbers.hashOfValue(value);
    if (value & 1) {
      assert.equal(this.find(value), 0);
      this.table.insertMissing(this.ref, hash, item);
    } else {
      this.table.insert(this.ref, hash, item);
    }
    this.expected.set(value, item);
  }

  remove(value: number): void {
    const item = this.expected.get(value);
    assert.equal(this.find(value), item ?? 0);
    if (item === undefined) return;
    this.table.removeFound(this.ref);
    this.forget(value, item);
  }

  /** Removes by reference, without a lookup before. */
  removeUnfound(value: number): void {
    const item = this.expected.get(value);
    if (item === undefined) return;
    this.table.remove(this.ref, this.numbers.hashOfValue(value), item);
    this.forget(value, item);
  }

  /** Gives the item another block. */
  move(value: number): void {
    const old = this.expected.get(value);
    if (old === undefined) return;
    const item = this.numbers.create(value);
    if (value & 1) {
      this.find(value);
      this.table.replaceFound(item);
    } else {
      this.table.replace(this.ref, this.numbers.hashOfValue(value), old, item);
    }
    this.arena.free(old);
    this.expected.set(value, item);
  }

  check(): void {
    assert.equal(this.table.count(this.ref), this.expected.size);
    const seen = new Set<number>();
    for (let bucket = 0; bucket < this.table.bucketCount(this.ref); bucket++) {
      this.table.visitBucket(this.ref, bucket, (item) => {
        assert.equal(this.expected.get(this.numbers.valueOf(item)), item, 'a visited item is one of the table');
        assert.ok(!seen.has(item), 'no item is visited twice');
        seen.add(item);
      });
    }
    assert.equal(seen.size, this.expected.size);
    for (const [value, item] of this.expected) assert.equal(this.find(value), item);
  }

  private forget(value: number, item: Ref): void {
    this.arena.free(item);
    this.expected.delete(value);
  }
}

for (const [name, hash] of [
  ['random hashes', mixed],
  ['hashes that agree in most bits', (value: number) => mixed(value) & 0x30000003],
  ['hashes with equal fingerprints', (value: number) => mixed(value) & 0x00ffffff],
] as const) {
  test(`a table equals a Map through random inserts, removals and moves: ${name}`, () => {
    const seed = fuzzSeed();
    replayable(seed, () => {
      const random = new Random(seed);
      const model = new Model(hash);
      const range = name === 'random hashes' ? 30_000 : 400;
      for (let i = 0; i < fuzzIterations(60_000); i++) {
        const value = random.below(range);
        // Long tides of growth and decline make the table cross segment and directory sizes both ways.
        const isGrowing = (i >> 14) % 2 === 0;
        const choice = random.below(10);
        if (choice < (isGrowing ? 7 : 2)) model.add(value);
        else if (choice === 7) model.move(value);
        else if (choice === 8) model.removeUnfound(value);
        else model.remove(value);
        if (random.oneIn(10_000)) model.check();
      }
      model.check();
      for (const value of [...model.expected.keys()]) model.remove(value);
      model.check();
      model.table.destroy(model.ref);
      assert.equal(model.arena.blockCount, 0, 'an empty table that is destroyed leaves no block behind');
    });
  });
}

test('a table of 100,000 items is found, emptied bucket by bucket, and destroyed without a rest', () => {
  const model = new Model();
  for (let value = 0; value < 100_000; value++) model.add(value);
  assert.ok(model.table.bucketCount(model.ref) > 8 * 1024, 'the directory has several segments');
  model.check();
  const items: Ref[] = [];
  let taken = 0;
  for (let bucket = 0; bucket < model.table.bucketCount(model.ref); bucket++) {
    const count = model.table.takeBucket(model.ref, bucket, items);
    taken += count;
    for (let i = 0; i < count; i++) model.arena.free(items[i]);
  }
  assert.equal(taken, 100_000);
  assert.equal(model.table.count(model.ref), 0);
  model.table.destroy(model.ref);
  assert.equal(model.arena.blockCount, 0);
});

test('a table is dropped bucket by bucket, from the last one on', () => {
  for (const count of [0, 1, 50, 9000, 30000]) {
    const model = new Model();
    const { table, ref } = model;
    for (let value = 0; value < count; value++) model.add(value);
    const dropped = new Set<number>();
    const items: Ref[] = [];
    for (let isLast = false; !isLast; ) {
      isLast = table.bucketCount(ref) === 1;
      const found = table.dropBucket(ref, items);
      for (let i = 0; i < found; i++) dropped.add(model.numbers.valueOf(items[i]));
      assert.equal(table.count(ref), count - dropped.size);
    }
    assert.equal(dropped.size, count);
    table.destroy(ref);
    assert.equal(model.arena.blockCount, new Arena().blockCount + count, 'the items are left');
  }
});

for (const [name, hash] of [
  ['random hashes', mixed],
  ['hashes that agree in most bits', (value: number) => mixed(value) & 0x30000003],
] as const) {
  test(`items are removed some at a time, and the table shrinks with them: ${name}`, () => {
    const seed = fuzzSeed();
    replayable(seed, () => {
      const random = new Random(seed);
      const model = new Model(hash);
      for (let value = 0; value < (name === 'random hashes' ? 30_000 : 400); value++) model.add(value);
      const hashes = new Int32Array(WARM_MAX);
      const items = new Int32Array(WARM_MAX);
      while (model.expected.size > 0) {
        const values = [...model.expected.keys()];
        for (let at = 0; at < values.length; ) {
          const removed = values.slice(at, at + random.below(WARM_MAX + 1)).filter(() => random.oneIn(2));
          removed.forEach((value, i) => {
            hashes[i] = model.numbers.hashOfValue(value);
            items[i] = model.expected.get(value)!;
            model.expected.delete(value);
          });
          model.table.removeAll(model.ref, hashes, items, removed.length);
          for (let i = 0; i < removed.length; i++) model.arena.free(items[i]);
          at += WARM_MAX;
        }
        model.check();
      }
      assert.equal(model.table.bucketCount(model.ref), 1);
      model.table.destroy(model.ref);
      assert.equal(model.arena.blockCount, new Arena().blockCount, 'nothing is left');
    });
  });
}

for (const [name, hash] of [
  ['random hashes', mixed],
  ['hashes with equal fingerprints', (value: number) => mixed(value) & 0x00ffffff],
] as const) {
  test(`items are inserted some at a time, up to the first whose key is there: ${name}`, () => {
    const seed = fuzzSeed();
    replayable(seed, () => {
      const random = new Random(seed);
      const model = new Model(hash, random.below(20_000));
      const hashes = new Int32Array(WARM_MAX);
      const items = new Int32Array(WARM_MAX);
      for (let round = 0; round < 1500; round++) {
        const values = Array.from({ length: random.below(WARM_MAX + 1) }, () => random.below(100_000));
        values.forEach((value, i) => {
          hashes[i] = model.numbers.hashOfValue(value);
          items[i] = model.numbers.create(value);
        });
        const isThere = (value: number, i: number) => model.expected.has(value) || values.indexOf(value) < i;
        const first = values.findIndex(isThere);
        const added = model.table.insertNew(model.ref, hashes, items, values.length);
        assert.equal(added, first < 0 ? values.length : first);
        for (let i = 0; i < values.length; i++) {
          if (i < added) model.expected.set(values[i], items[i]);
          else model.arena.free(items[i]);
        }
      }
      model.check();
    });
  });
}

test('a scan returns what is there all the time, however the table grows and shrinks meanwhile', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    for (let round = 0; round < 40; round++) {
      const model = new Model();
      const stable = random.below(3000);
      for (let value = 0; value < stable; value++) model.add(value);
      const others = random.below(20_000);
      if (random.oneIn(2)) for (let value = 0; value < others; value++) model.add(1_000_000 + value);
      const returned = new Set<number>();
      let cursor = 0;
      let calls = 0;
      do {
        cursor = model.table.scan(model.ref, cursor, (item) => returned.add(model.numbers.valueOf(item)));
        assert.ok(cursor >= 0 && cursor < 2 ** 32);
        assert.ok(++calls < 100_000, 'a scan ends');
        const changes = random.below(30);
        for (let i = 0; i < changes; i++) {
          const value = 1_000_000 + random.below(others + 1);
          if (round % 2 === 0) model.add(value);
          else model.remove(value);
        }
      } while (cursor !== 0);
      for (let value = 0; value < stable; value++) assert.ok(returned.has(value), `${value} of ${stable} was returned`);
    }
  });
});

test('a scan from any cursor ends', () => {
  const random = new Random(1);
  const model = new Model();
  for (let value = 0; value < 1000; value++) model.add(value);
  for (let round = 0; round < 500; round++) {
    let cursor = random.below(2 ** 32);
    let calls = 0;
    do {
      cursor = model.table.scan(model.ref, cursor, () => {});
      calls++;
    } while (cursor !== 0);
    assert.ok(calls <= 256, `${calls} calls`);
  }
});

test('a random item is any of the items with about the same chance', () => {
  for (const count of [1, 2, 7, 100, 1000]) {
    const random = new Random(count);
    const model = new Model();
    for (let value = 0; value < count; value++) model.add(value);
    const picks = new Array(count).fill(0);
    const perItem = 300;
    for (let i = 0; i < count * perItem; i++)
      picks[model.numbers.valueOf(model.table.randomItem(model.ref, (below) => random.below(below)))]++;
    for (const times of picks) {
      // Six standard deviations.
      assert.ok(Math.abs(times - perItem) < 6 * Math.sqrt(perItem), `${times} of ${perItem} picks`);
    }
  }
});

test('picked items are taken out one by one, until none is left', () => {
  for (const count of [1, 13, 100, 5000]) {
    const random = new Random(count);
    const model = new Model();
    for (let value = 0; value < count; value++) model.add(value);
    for (let left = count; left > 0; left--) {
      const item = model.table.pickItem(model.ref, (below) => random.below(below));
      const value = model.numbers.valueOf(item);
      if (model.table.foundItem === item) model.table.removeFound(model.ref);
      else model.table.remove(model.ref, mixed(value), item);
      assert.equal(model.find(value), 0);
      assert.equal(model.table.count(model.ref), left - 1);
    }
  }
});

test('a table made for many items holds fewer and more of them, and shrinks with them', () => {
  for (const expectedCount of [1, 7, 8, 100, 3000, 1e9]) {
    const model = new Model(mixed, expectedCount);
    for (const count of [3, 500, 12_000]) {
      for (let value = 0; value < count; value++) model.add(value);
      assert.equal(model.table.count(model.ref), count);
      for (const [value, item] of model.expected) assert.equal(model.find(value), item);
      const seen = new Set<Ref>();
      let cursor = 0;
      do cursor = model.table.scan(model.ref, cursor, (item) => seen.add(item));
      while (cursor !== 0);
      assert.equal(seen.size, count);
    }
    for (const [value, item] of model.expected) {
      model.find(value);
      model.table.removeFound(model.ref);
      model.arena.free(item);
    }
    assert.equal(model.table.count(model.ref), 0);
    assert.ok(model.table.bucketCount(model.ref) <= 1, `${model.table.bucketCount(model.ref)} buckets are left`);
    model.table.destroy(model.ref);
    assert.equal(model.arena.blockCount, new Arena().blockCount);
  }
});

test('an item is held until it is removed, whatever has been split and merged in between, and a stale reference is not', () => {
  const model = new Model();
  for (let value = 1; value <= 2000; value++) model.add(value);
  const refs = new Map(model.expected);
  const holds = (value: number) => model.table.holds(model.ref, mixed(value), refs.get(value)!);
  for (const value of refs.keys()) assert.ok(holds(value));
  for (let value = 1; value <= 1900; value++) {
    assert.ok(holds(value));
    assert.equal(model.table.foundItem, refs.get(value));
    model.table.removeFound(model.ref);
  }
  for (const value of refs.keys()) {
    assert.equal(holds(value), value > 1900);
    assert.equal(model.table.foundItem, value > 1900 ? refs.get(value) : 0);
  }
  assert.equal(model.table.count(model.ref), 100);
});
