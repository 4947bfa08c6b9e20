/** Which keys each policy evicts, and in which order. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EVICTED, Eviction, NO_VICTIM_FOUND, NOTHING_TO_EVICT } from '../../src/keyspace/eviction.js';
import { fuzzSeed, Random, replayable } from '../support/fuzz.js';
import { KeyspaceModel } from './model.js';
import { randomOperation } from './random-operation.js';

const ORDERS = ['lru', 'lfu', 'random'] as const;
const POLICIES = [...ORDERS.flatMap((order) => [`allkeys-${order}`, `volatile-${order}`]), 'volatile-ttl'];

/** A keyspace, its eviction, and the names of what was evicted, in order. */
function underPolicy(policy: string, databases = 1) {
  const model = new KeyspaceModel(databases);
  const { space } = model;
  const eviction = new Eviction(space);
  eviction.setPolicy(policy);
  space.usesLfu = policy.includes('lfu');
  const evicted: string[] = [];
  space.evictionListener = {
    evicted: (db, ref) => {
      const name = model.keyOf(ref);
      evicted.push(name);
      model.databases[db.index].delete(name);
    },
  };
  /** Evicts `count` keys. */
  const evict = (count: number): void => {
    for (let i = 0; i < count; ) {
      const outcome = eviction.evictOne();
      if (outcome === EVICTED) i++;
      else assert.equal(outcome, NO_VICTIM_FOUND);
    }
  };
  return { model, space, eviction, evicted, evict };
}

describe('eviction', () => {
  for (const policy of POLICIES) {
    test(`${policy} evicts keys of its set only, one at a time, until none is left`, () => {
      const seed = fuzzSeed();
      replayable(seed, () => {
        const random = new Random(seed);
        const { model, space, eviction } = underPolicy(policy, 3);
        const isVolatile = policy.startsWith('volatile');
        let evictedCount = 0;
        const { evicted } = space.evictionListener!;
        space.evictionListener = {
          evicted: (db, ref) => {
            if (isVolatile) assert.ok(space.entries.hasExpiry(ref), 'a key without an expiry was evicted');
            evictedCount++;
            evicted(db, ref);
          },
        };
        for (let i = 0; i < 3000; i++) {
          randomOperation(random, model);
          if (!random.oneIn(20)) continue;
          const before = evictedCount;
          const outcome = eviction.evictOne();
          assert.equal(evictedCount - before, outcome === EVICTED ? 1 : 0);
        }
        model.check();
        for (let outcome = EVICTED; outcome !== NOTHING_TO_EVICT; ) outcome = eviction.evictOne();
        for (const db of space.databases) assert.equal(isVolatile ? db.expiryCount : db.keyCount, 0);
        model.check();
      });
    });
  }

  test('noeviction has nothing to give', () => {
    const { model, eviction } = underPolicy('noeviction');
    model.set(0, 'k', 'v', 0);
    assert.equal(eviction.evictOne(), NOTHING_TO_EVICT);
  });

  test('LRU takes mostly those that have rested longest', () => {
    const { model, space, evict, evicted } = underPolicy('allkeys-lru');
    for (let i = 0; i < 1000; i++) {
      space.setNow(space.nowMs + 1000);
      model.set(0, `k${i}`, 'v', 0);
    }
    evict(300);
    const old = evicted.filter((name) => Number(name.slice(1)) < 500);
    assert.ok(old.length > 270, `only ${old.length} of 300 were of the older half`);
  });

  test('a key that was used since it was seen in the pool is passed over', () => {
    const { model, space, eviction, evict, evicted } = underPolicy('allkeys-lru');
    // So many that the idle key cannot be missed 20 times in a row.
    eviction.samples = 64;
    for (let i = 0; i < 40; i++) model.set(0, `k${i}`, 'v', 0);
    space.setNow(space.nowMs + 10_000);
    evict(1);
    // All that may be in the pool now.
    for (const name of model.databases[0].keys()) space.databases[0].lookupRead(Buffer.from(name), 0, name.length);
    model.set(0, 'idle', 'v', 0);
    const ref = space.databases[0].find(Buffer.from('idle'), 0, 4);
    space.entries.setClockAndMark(ref, space.entries.clockAndMark(ref) - 5);
    evicted.length = 0;
    while (!evicted.includes('idle')) evict(1);
    assert.ok(evicted.length < 20, `${evicted.length} keys that were in use went first`);
  });

  test('LFU spares what is used often, however long ago', () => {
    const { model, space, evict, evicted } = underPolicy('allkeys-lfu');
    for (let i = 0; i < 1000; i++) model.set(0, `k${i}`, 'v', 0);
    const db = space.databases[0];
    for (let round = 0; round < 200; round++)
      for (let i = 0; i < 100; i++) db.lookupRead(Buffer.from(`k${i}`), 0, `k${i}`.length);
    for (let i = 100; i < 1000; i++) db.lookupRead(Buffer.from(`k${i}`), 0, `k${i}`.length);
    evict(600);
    assert.ok(evicted.filter((name) => Number(name.slice(1)) < 100).length <= 3, 'keys in frequent use were evicted');
  });

  test('TTL takes mostly those that end soonest', () => {
    const { model, space, evict, evicted } = underPolicy('volatile-ttl');
    for (let i = 0; i < 1000; i++) model.set(0, `k${i}`, 'v', space.nowMs + 100_000 + i * 1000);
    for (let i = 0; i < 1000; i++) model.set(0, `forever${i}`, 'v', 0);
    evict(300);
    const soon = evicted.filter((name) => Number(name.slice(1)) < 500);
    assert.ok(soon.length > 270, `only ${soon.length} of 300 were of the sooner half`);
  });

  test('every key of a bucket has its chance, and so has the only one in a hundred thousand that expires', () => {
    const { model, space, evict } = underPolicy('volatile-random');
    for (let i = 0; i < 100_000; i++) model.set(0, `{tag}${i}`, 'v', 0);
    model.set(0, '{tag}brief', 'v', space.nowMs + 100_000);
    evict(1);
    assert.equal(space.databases[0].keyCount, 100_000);
  });

  test('a sample has keys that lie alone in their slot as often as those that share it with thousands', () => {
    const { model, space } = underPolicy('allkeys-lru');
    const [loneCount, crowdCount] = [20, 4000];
    const lone = new Set<number>();
    for (let i = 0; i < crowdCount; i++) model.set(0, `{crowd}${i}`, 'v', 0);
    for (let i = 0; i < loneCount; i++) {
      model.set(0, `lone${i}`, 'v', 0);
      lone.add(space.databases[0].find(Buffer.from(`lone${i}`), 0, `lone${i}`.length));
    }
    const sampled: number[] = [];
    const rounds = 100_000;
    let [loneSeen, seen] = [0, 0];
    for (let i = 0; i < rounds; i++) {
      const found = space.databases[0].sample(sampled, 1);
      for (let at = 0; at < found; at++) if (lone.has(sampled[at])) loneSeen++;
      seen += found;
    }
    const expected = (seen * loneCount) / (loneCount + crowdCount);
    // Some 300,000 samples, of which 1,490 are to be lone ones: a quarter off is 9 standard deviations.
    assert.ok(Math.abs(loneSeen - expected) < expected / 4, `${loneSeen} lone keys were seen, ${expected} expected`);
  });
});
