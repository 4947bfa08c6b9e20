/** Databases against plain maps, under random operations; what an expired key is to whom. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXPIRY_DELETE, EXPIRY_HIDE, EXPIRY_IGNORE } from '../../src/keyspace/keyspace.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';
import { bytesOf, KeyspaceModel } from './model.js';
import { randomOperation } from './random-operation.js';

test('databases equal plain maps through random operations, and leave no block behind', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const model = new KeyspaceModel(3);
    for (let i = 0; i < fuzzIterations(40_000); i++) {
      randomOperation(random, model);
      if (random.oneIn(4000)) model.check();
      if (random.oneIn(100)) model.space.reaper.step(1);
    }
    model.check();
    for (let index = 0; index < 3; index++) model.flush(index);
    while (model.space.reaper.step(100));
    assert.equal(model.space.reaper.pendingCount, 0);
    assert.equal(model.space.arena.blockCount, 0);
  });
});

test('so do databases of long values: in runs of pages, huge ones, and such as become the one or the other', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const model = new KeyspaceModel(2);
    const keys = ['a', 'bc', 'def', 'key:1234', 'k'.repeat(37), 'l'.repeat(900), 'm'.repeat(66_000)];
    const randomText = (): string =>
      String.fromCharCode(97 + random.below(26)).repeat(random.pick([10, 70_000, 300_000, 520_000, 900_000])) +
      random.below(1e9);
    for (let i = 0; i < fuzzIterations(600); i++) {
      const [index, other] = [random.below(2), random.below(2)];
      const [key, newKey] = [random.pick(keys), random.pick(keys)];
      const expireAtMs = random.oneIn(2) ? 0 : model.space.nowMs + 1e6;
      const choice = random.below(20);
      if (choice < 5) model.set(index, key, randomText(), expireAtMs);
      else if (choice < 9) model.expire(index, key, expireAtMs);
      else if (choice < 11) model.resize(index, key, random.oneIn(3) ? '' : 'z'.repeat(random.below(40_000)));
      else if (choice < 14) model.copy(index, key, other, newKey);
      else if (choice < 15) model.remove(index, key);
      else model.transfer(index, key, other, newKey);
      if (random.oneIn(8)) model.check();
    }
    model.check();
    for (let index = 0; index < 2; index++) model.flush(index);
    while (model.space.reaper.step(100));
    assert.equal(model.space.arena.blockCount, 0);
    assert.equal(model.space.arena.usedBytes, 0);
  });
});

test('a key moves to another database also when the last lookup was there', () => {
  const model = new KeyspaceModel(2);
  for (const key of ['{t}a', '{t}b', '{t}c']) model.set(0, key, key);
  model.set(1, '{t}z', 'z');
  model.transfer(0, '{t}b', 1, '{t}b');
  model.check();
});

test('an expired key is deleted, hidden or live, as the mode says', () => {
  const model = new KeyspaceModel(1);
  const { space } = model;
  model.set(0, 'k', 'v', space.nowMs + 10);
  space.setNow(space.nowMs + 10);
  assert.notEqual(model.lookup(0, 'k'), 0, 'it lives through its last millisecond');
  space.setNow(space.nowMs + 1);
  space.expiryMode = EXPIRY_IGNORE;
  assert.notEqual(model.lookup(0, 'k'), 0);
  space.expiryMode = EXPIRY_HIDE;
  const key = Buffer.from('k');
  assert.equal(model.db(0).lookupRead(key, 0, 1), 0);
  assert.equal(model.db(0).keyCount, 1);
  space.expiryMode = EXPIRY_DELETE;
  assert.equal(model.lookup(0, 'k'), 0);
  assert.equal(model.db(0).keyCount, 0);
  assert.deepEqual(model.expired, ['0:k']);
  assert.equal(space.expiredCount, 1);
});

test('a write takes a hidden key away without telling anyone, as another may take its place', () => {
  const model = new KeyspaceModel(1);
  const { space } = model;
  model.set(0, 'k', 'v', space.nowMs + 10);
  space.setNow(space.nowMs + 11);
  space.expiryMode = EXPIRY_HIDE;
  assert.equal(model.lookup(0, 'k'), 0);
  assert.equal(model.db(0).keyCount, 0);
  assert.deepEqual(model.expired, []);
});

test('n appends to a value copy it only now and then', () => {
  const model = new KeyspaceModel(1);
  model.set(0, 'k', 'x'.repeat(100));
  let ref = model.lookup(0, 'k');
  let moves = 0;
  for (let length = 101; length < 20_000; length++) {
    const resized = model.db(0).resizeValue(ref, length);
    if (resized !== ref) moves++;
    ref = resized;
  }
  assert.ok(moves < 40, `${moves} moves`);
});

test('a random key is any of them with about the same chance, in sparse databases and with one crowded slot', () => {
  const model = new KeyspaceModel(1);
  for (let i = 0; i < 200; i++) model.set(0, `key:${i}`, '');
  for (let i = 0; i < 200; i++) model.set(0, `{tag}${i}`, '');
  const picks = new Map<string, number>();
  for (let i = 0; i < 400 * 200; i++) {
    const key = model.keyOf(model.db(0).randomEntry());
    picks.set(key, (picks.get(key) ?? 0) + 1);
  }
  assert.equal(picks.size, 400);
  for (const [key, times] of picks) assert.ok(times > 60 && times < 400, `${key} was picked ${times} times of 200`);
});

test('a walk comes by every key once: in an empty database, a sparse one, a full one, and with crowded slots', () => {
  for (const [sparse, crowded] of [
    [0, 0],
    [1, 0],
    [300, 500],
    [0, 40],
    [40_000, 3000],
  ] as const) {
    const model = new KeyspaceModel(1);
    const keys = new Set<string>();
    for (let i = 0; i < sparse; i++) keys.add(`key:${i}`);
    for (let i = 0; i < crowded; i++) keys.add(`{${i % 3}}key:${i}`);
    for (const key of keys) model.set(0, key, '');
    const met: string[] = [];
    const walk = model.db(0).walk();
    while (walk.next()) {
      assert.ok(walk.count > 0);
      for (const ref of walk.refs.slice(0, walk.count)) met.push(model.keyOf(ref));
    }
    assert.equal(walk.next(), false);
    assert.deepEqual(met.sort(), [...keys].sort());
  }
});

test('an empty database has no random key', () => {
  const model = new KeyspaceModel(1);
  assert.equal(model.db(0).randomEntry(), 0);
  model.set(0, 'k', 'v');
  model.remove(0, 'k');
  assert.equal(model.db(0).randomEntry(), 0);
});

test('hits and misses are counted for reads, and reads refresh the access clock', () => {
  const model = new KeyspaceModel(1);
  const { space } = model;
  const key = bytesOf('k');
  model.set(0, 'k', 'v');
  const born = space.entries.clockAndMark(model.lookup(0, 'k'));
  space.setNow(space.nowMs + 5000);
  model.db(0).lookupNoTouch(key, 0, 1);
  assert.equal(space.entries.clockAndMark(model.db(0).find(key, 0, 1)), born);
  const ref = model.db(0).lookupRead(key, 0, 1);
  assert.equal(space.entries.clockAndMark(ref), born + 5);
  model.db(0).lookupRead(bytesOf('none'), 0, 4);
  assert.deepEqual([space.hitCount, space.missCount], [2, 1]);
});
