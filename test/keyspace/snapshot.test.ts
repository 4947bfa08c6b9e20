/** The point-in-time snapshot against a model, while everything changes under it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Snapshot, SnapshotMarks, type SnapshotSink } from '../../src/keyspace/snapshot.js';
import type { Ref } from '../../src/memory/arena.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';
import { noLargeEntry } from '../support/snapshot-sink.js';
import { copyOf, KeyspaceModel, type ModelDatabase } from './model.js';
import { randomOperation } from './random-operation.js';

/** Collects an image, and refuses what is delivered twice. */
class Image implements SnapshotSink {
  readonly largeEntry = noLargeEntry;
  readonly databases: ModelDatabase[];
  private readonly model: KeyspaceModel;

  constructor(model: KeyspaceModel) {
    this.model = model;
    this.databases = model.databases.map(() => new Map());
  }

  entry(index: number, ref: Ref): void {
    const key = this.model.keyOf(ref);
    assert.ok(!this.databases[index].has(key), `${key} is delivered once`);
    this.databases[index].set(key, this.model.valueOf(ref));
  }
}

test('the image is the state at the beginning, whatever is written, deleted, flushed and swapped meanwhile', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const model = new KeyspaceModel(3);
    const marks = new SnapshotMarks();
    const rounds = Math.max(1, Math.round(fuzzIterations(60_000) / 200));
    // More rounds than there are marks, so that they are used again.
    for (let round = 0; round < rounds; round++) {
      for (let i = random.below(200); i > 0; i--) randomOperation(random, model);
      const image = new Image(model);
      const expected = copyOf(model.databases);
      const snapshot = new Snapshot(model.space, marks, image);
      assert.equal(
        snapshot.keyCount,
        expected.reduce((sum, db) => sum + db.size, 0),
      );
      while (!snapshot.isDone) {
        snapshot.step(random.oneIn(3) ? 0.05 : 0);
        for (let i = random.below(40); i > 0; i--) randomOperation(random, model);
        if (random.oneIn(3)) model.space.reaper.step(0.1);
        if (random.oneIn(60)) break;
      }
      if (snapshot.isDone) {
        assert.deepEqual(image.databases, expected);
        assert.equal(snapshot.deliveredCount, snapshot.keyCount);
      } else {
        snapshot.abandon();
      }
      assert.equal(model.space.isGuarded, false);
    }
    model.check();
    for (let index = 0; index < 3; index++) model.flush(index);
    while (model.space.reaper.step(100));
    assert.equal(model.space.arena.blockCount, 0);
  });
});

test('the first steps look at the clock after every few keys, later ones less often', () => {
  const model = new KeyspaceModel(1);
  // Of one slot, and so of one table with a few keys in each bucket.
  for (let i = 0; i < 2000; i++) model.set(0, `{slot}${i}`, String(i));
  const snapshot = new Snapshot(model.space, new SnapshotMarks(), new Image(model));
  const delivered: number[] = [];
  while (!snapshot.isDone) {
    const before = snapshot.deliveredCount;
    snapshot.step(0);
    delivered.push(snapshot.deliveredCount - before);
  }
  assert.ok(delivered[0]! <= 16, `${delivered[0]} keys in the first step`);
  assert.ok(delivered.some((count) => count >= 32));
  assert.equal(snapshot.deliveredCount, 2000);
});

test('snapshots that are always abandoned do not make a later one miss keys', () => {
  const model = new KeyspaceModel(1);
  const marks = new SnapshotMarks();
  for (let i = 0; i < 200; i++) model.set(0, `key:${i}`, String(i));
  for (let i = 0; i < 600; i++) {
    const snapshot = new Snapshot(model.space, marks, new Image(model));
    // Some keys get this snapshot's mark by being changed.
    model.set(0, `key:${i % 200}`, String(i));
    snapshot.abandon();
  }
  const image = new Image(model);
  const snapshot = new Snapshot(model.space, marks, image);
  while (!snapshot.step(10));
  assert.deepEqual(image.databases, model.databases);
});

test('a step keeps to its budget even where there is nothing left to deliver', () => {
  const model = new KeyspaceModel(1);
  for (let i = 0; i < 60_000; i++) model.set(0, `{one}${i}`, '');
  const image = new Image(model);
  const snapshot = new Snapshot(model.space, new SnapshotMarks(), image);
  // Every key changes, and is thereby delivered.
  for (let i = 0; i < 60_000; i++) model.set(0, `{one}${i}`, 'new');
  assert.equal(snapshot.deliveredCount, 60_000);
  assert.equal(snapshot.step(0), false, 'one step does not walk the whole table');
  while (!snapshot.step(1));
  assert.equal(image.databases[0].size, 60_000);
});
