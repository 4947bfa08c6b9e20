/** What is freed in slices: databases that were flushed, also while a snapshot reads them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyspaceModel } from './model.js';

function filled(databaseCount: number, keyCount: number): KeyspaceModel {
  const model = new KeyspaceModel(databaseCount);
  for (let index = 0; index < databaseCount; index++)
    for (let i = 0; i < keyCount; i++) model.set(index, i % 2 === 0 ? `{tag}${i}` : `key:${i}`, 'value');
  return model;
}

test('a flushed database is empty at once and freed in slices', () => {
  const model = filled(1, 20_000);
  const { reaper, arena } = model.space;
  model.flush(0);
  assert.equal(model.db(0).keyCount, 0);
  assert.equal(reaper.pendingCount, 20_000);
  assert.equal(reaper.step(0), true);
  assert.ok(reaper.pendingCount > 0 && reaper.pendingCount < 20_000, `${reaper.pendingCount} left after one slice`);
  while (reaper.step(1));
  assert.equal(reaper.pendingCount, 0);
  assert.equal(reaper.freedCount, 20_000);
  assert.equal(arena.blockCount, 0);
});

test('a database that a snapshot reads is freed when it is let go, and one begun before is finished first', () => {
  const model = filled(2, 5000);
  const { reaper, arena } = model.space;
  const held = model.db(0);
  reaper.hold(held);
  model.flush(0);
  model.flush(1);
  // The second one is begun while the first one waits.
  reaper.step(0);
  reaper.letGo(held);
  while (reaper.step(1));
  assert.equal(reaper.pendingCount, 0);
  assert.equal(arena.blockCount, 0, 'no entry is left behind');
});

test('while only held databases wait there is nothing to do', () => {
  const model = filled(1, 100);
  const { reaper } = model.space;
  const held = model.db(0);
  reaper.hold(held);
  model.flush(0);
  assert.equal(reaper.step(1), false);
  assert.equal(reaper.pendingCount, 100);
});
