/** Hashes and sets beside models of them: what they hold, what they were when a snapshot began, and that no block is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from '../../src/keyspace/database.js';
import { Keyspace } from '../../src/keyspace/keyspace.js';
import { Snapshot, SnapshotMarks } from '../../src/keyspace/snapshot.js';
import type { Ref } from '../../src/memory/arena.js';
import { hashesOf } from '../../src/types/hash.js';
import { setsOf } from '../../src/types/set.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';
import { noLargeEntry } from '../support/snapshot-sink.js';

type Model = Map<string, Map<string, string>>;

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const textOf = ({ bytes, start, length }: { bytes: Uint8Array; start: number; length: number }): string =>
  Buffer.from(bytes.subarray(start, start + length)).toString('latin1');

/** A keyspace with small limits. Keys that begin with h are hashes, others sets; a set's members have empty values in the model. */
class World {
  readonly space = new Keyspace(1);
  readonly db: Database = this.space.databases[0];
  readonly hashes = hashesOf(this.space);
  readonly sets = setsOf(this.space);
  readonly model: Model = new Map();

  constructor() {
    Object.assign(this.space.packing, { hashListpackEntries: 8, setIntsetEntries: 10, setListpackEntries: 6 });
  }

  find(key: string): Ref {
    return this.db.find(bytesOf(key), 0, key.length);
  }

  put(key: string, member: string, value: string): void {
    const ref = this.find(key);
    const old = this.model.get(key) ?? new Map<string, string>();
    const isNew = !old.has(member);
    const [name, field, text] = [bytesOf(key), bytesOf(member), bytesOf(value)];
    const { hashes, sets } = this;
    if (ref === 0) {
      if (key.startsWith('h')) {
        hashes.builder.begin();
        assert.ok(hashes.builder.set(field, 0, field.length, text, 0, text.length));
        hashes.builder.finish(this.db, name, 0, name.length, 0);
      } else {
        sets.builder.begin(1);
        assert.ok(sets.builder.add(field, 0, field.length));
        sets.builder.finish(this.db, name, 0, name.length, 0);
      }
    } else if (key.startsWith('h')) {
      hashes.set(this.db, ref, field, 0, field.length, text, 0, text.length);
      assert.equal(hashes.wasAdded, isNew);
    } else {
      sets.add(this.db, ref, field, 0, field.length);
      assert.equal(sets.wasAdded, isNew);
    }
    this.model.set(key, old.set(member, key.startsWith('h') ? value : ''));
  }

  take(key: string, member: string): void {
    const ref = this.find(key);
    if (ref === 0) return;
    const type = key.startsWith('h') ? this.hashes : this.sets;
    const left = type.remove(this.db, ref, bytesOf(member), 0, member.length);
    const members = this.model.get(key)!;
    assert.equal(left !== 0, members.delete(member));
    if (left === 0 || type.count(left) > 0) return;
    this.db.remove(left);
    this.model.delete(key);
  }

  drop(key: string): void {
    const ref = this.find(key);
    if (ref !== 0) this.db.remove(ref);
    this.model.delete(key);
  }

  read(ref: Ref): Map<string, string> {
    const { hashes, sets } = this;
    const found = new Map<string, string>();
    if (this.space.valueTypes[this.space.entries.type(ref)] === hashes) {
      const { cursor } = hashes;
      cursor.begin(ref);
      while (cursor.next())
        found.set(
          textOf(cursor),
          textOf({ bytes: cursor.valueBytes, start: cursor.valueStart, length: cursor.valueLength }),
        );
      assert.equal(hashes.count(ref), found.size);
    } else {
      sets.cursor.begin(ref);
      while (sets.cursor.next()) found.set(textOf(sets.cursor), '');
      assert.equal(sets.count(ref), found.size);
    }
    return found;
  }

  check(): void {
    assert.equal(this.db.keyCount, this.model.size);
    for (const [key, members] of this.model) assert.deepEqual(sorted(this.read(this.find(key))), sorted(members), key);
  }
}

const sorted = (members: Map<string, string>): [string, string][] => [...members].sort(([a], [b]) => (a < b ? -1 : 1));

/** One random change. */
function change(world: World, random: Random): void {
  const key = random.pick(['h1', 'h2', 's1', 's2', 's3']);
  const text = (): string => {
    if (random.oneIn(3))
      return random.pick('abcdef'.split('')).repeat(random.oneIn(12) ? random.below(400) : random.below(9));
    return String(random.below(random.oneIn(6) ? 2 ** 50 : 30) - 10);
  };
  const action = random.below(20);
  if (action < 12) world.put(key, text(), text());
  else if (action < 19) world.take(key, text());
  else world.drop(key);
}

test('random changes are those of the model, and every block comes back', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const world = new World();
    for (let round = 0; round < fuzzIterations(60); round++) {
      for (let i = 0; i < 120; i++) change(world, random);
      world.check();
    }
    for (const key of [...world.model.keys()]) world.drop(key);
    while (world.space.reaper.step(10));
    // The first page of the arena is taken by itself.
    assert.equal(world.space.arena.blockCount, new Keyspace(1).arena.blockCount);
  });
});

test('a snapshot has each value as it was when it began', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const marks = new SnapshotMarks();
    const world = new World();
    for (let round = 0; round < fuzzIterations(100); round++) {
      for (let i = 0; i < 40; i++) change(world, random);
      const expected = new Map([...world.model].map(([key, members]) => [key, sorted(members)]));
      const image = new Map<string, [string, string][]>();
      const { entries } = world.space;
      const snapshot = new Snapshot(world.space, marks, {
        entry(_, ref) {
          const key = textOf({
            bytes: entries.view(ref),
            start: entries.keyStart(ref),
            length: entries.keyLength(ref),
          });
          assert.ok(!image.has(key), 'once each');
          image.set(key, sorted(world.read(ref)));
        },
        largeEntry: noLargeEntry,
      });
      for (let i = 0; i < 60; i++) change(world, random);
      while (!snapshot.step(1));
      assert.deepEqual([...image].sort(), [...expected].sort());
      world.check();
    }
  });
});

test('what a large value leaves is freed in slices, and none of it is lost', () => {
  const { space, db, sets, hashes } = new World();
  const blocks = space.arena.blockCount;
  const key = bytesOf('large');
  for (const size of [257, 5000, 40000]) {
    sets.builder.begin(size);
    hashes.builder.begin();
    for (let i = 0; i < size; i++) {
      const text = bytesOf(`member:${i}`);
      sets.builder.add(text, 0, text.length);
      hashes.builder.set(text, 0, text.length, text, 0, text.length);
    }
    db.remove(sets.builder.finish(db, key, 0, key.length, 0));
    db.remove(hashes.builder.finish(db, key, 0, key.length, 0));
    assert.equal(space.reaper.pendingCount, 2);
    assert.ok(space.arena.blockCount > blocks + size);
    let steps = 0;
    do steps++;
    while (space.reaper.step(0));
    assert.ok(size < 5000 || steps > 10, `${steps} steps`);
    assert.equal(space.arena.blockCount, blocks);
    assert.equal(space.reaper.pendingCount, 0);
  }
});

test('a copy is independent of its origin', () => {
  const world = new World();
  const { space, db } = world;
  for (const key of ['h1', 's1']) {
    for (let i = 0; i < 50; i++) world.put(key, `m${i}`, `v${i}`);
    const origin = world.find(key);
    const { entries } = space;
    const name = bytesOf(`${key}-copy`);
    const length = entries.valueLength(origin);
    const copy = db.add(name, 0, name.length, entries.type(origin), entries.encoding(origin), length, 0);
    db.writeValue(copy, entries.view(origin), entries.valueStart(origin), length);
    space.duplicateValue(copy);
    const before = sorted(world.read(copy));
    for (let i = 0; i < 49; i++) world.take(key, `m${i}`);
    assert.deepEqual(sorted(world.read(copy)), before);
    assert.equal(before.length, 50);
    assert.ok(space.valueBytes(copy) > 50 * 8);
  }
});
