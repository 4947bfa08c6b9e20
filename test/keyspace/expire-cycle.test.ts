/** The active cycle: every expired key goes, in pieces, whatever happens to the database meanwhile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExpireCycle } from '../../src/keyspace/expire-cycle.js';
import { fuzzSeed, Random, replayable } from '../support/fuzz.js';
import { KeyspaceModel } from './model.js';
import { randomOperation } from './random-operation.js';

test('the cycle deletes every expired key and no other', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const model = new KeyspaceModel(3);
    const cycle = new ExpireCycle(model.space);
    for (let round = 0; round < 60; round++) {
      for (let i = 0; i < 200; i++) {
        randomOperation(random, model);
        // Cut short at random places, so that visits are resumed between all kinds of changes.
        if (random.oneIn(10)) runCycle(model, cycle, 0);
      }
      // The first run may begin in the middle, and pass what expired since: the next ones come to it.
      for (let i = 0; i < 3; i++) runCycle(model, cycle, 1000);
      for (const db of model.databases)
        for (const [key, { expireAtMs }] of db)
          assert.ok(expireAtMs === 0 || expireAtMs >= model.space.nowMs, `${key} is gone`);
      model.check();
    }
  });
});

/** Runs the cycle, and takes out of the model what it deleted. */
function runCycle(model: KeyspaceModel, cycle: ExpireCycle, budgetMs: number): void {
  model.expired.length = 0;
  cycle.run(budgetMs);
  for (const entry of model.expired) {
    const at = entry.indexOf(':');
    model.databases[Number(entry.slice(0, at))].delete(entry.slice(at + 1));
  }
}

test('a slot with very many keys is visited a piece at a time', () => {
  const model = new KeyspaceModel(1);
  const { space } = model;
  const count = 50_000;
  for (let i = 0; i < count; i++) model.set(0, `{tag}${i}`, '', space.nowMs + (i % 10 === 0 ? 10 : 1_000_000));
  space.setNow(space.nowMs + 11);
  const cycle = new ExpireCycle(space);
  cycle.run(0);
  assert.ok(space.expiredCount > 0 && space.expiredCount < 100, `${space.expiredCount} keys in the first piece`);
  let runs = 1;
  while (space.expiredCount < count / 10) {
    cycle.run(0);
    runs++;
  }
  assert.ok(runs > 100, `${runs} runs`);
  assert.equal(cycle.timeCapReachedCount >= runs - 1, true);
});

test('a key that gets a short life while its slot is being visited is deleted in time', () => {
  const model = new KeyspaceModel(1);
  const { space } = model;
  for (let i = 0; i < 5000; i++) model.set(0, `{tag}${i}`, '', space.nowMs + (i === 0 ? 10 : 1_000_000));
  space.setNow(space.nowMs + 11);
  const cycle = new ExpireCycle(space);
  cycle.run(0);
  for (let i = 1; i < 5000; i += 50) model.expire(0, `{tag}${i}`, space.nowMs + 5);
  for (let i = 0; i < 2000; i++) cycle.run(0);
  space.setNow(space.nowMs + 6);
  for (let i = 0; i < 2000; i++) cycle.run(0);
  assert.equal(space.expiredCount, 101);
});

test('a flush or a swap during a visit loses no key', () => {
  const model = new KeyspaceModel(2);
  const { space } = model;
  for (let index = 0; index < 2; index++)
    for (let i = 0; i < 2000; i++) model.set(index, `{tag}${i}`, '', space.nowMs + 10);
  space.setNow(space.nowMs + 11);
  const cycle = new ExpireCycle(space);
  cycle.run(0);
  model.swap(0, 1);
  cycle.run(0);
  model.flush(0);
  while (cycle.run(10));
  cycle.run(10);
  assert.equal(model.db(0).keyCount + model.db(1).keyCount, 0);
});

test('there is more to do at once only while much of what is seen has expired', () => {
  const model = new KeyspaceModel(1);
  const { space } = model;
  for (let i = 0; i < 20_000; i++) model.set(0, `{tag}${i}`, '', space.nowMs + (i === 0 ? 10 : 1_000_000));
  space.setNow(space.nowMs + 11);
  const cycle = new ExpireCycle(space);
  assert.equal(cycle.run(0), false);
  space.setNow(space.nowMs + 1_000_000);
  let isMore = false;
  for (let i = 0; i < 300 && !isMore; i++) isMore = cycle.run(0);
  assert.equal(isMore, true);
});
