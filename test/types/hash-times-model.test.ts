/** Hashes whose fields have times beside a model of them, with a clock that the test moves: what they hold, in both forms, and that no block is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database } from '../../src/keyspace/database.js';
import { Keyspace } from '../../src/keyspace/keyspace.js';
import type { Ref } from '../../src/memory/arena.js';
import { hashesOf } from '../../src/types/hash.js';
import { NO_FIELD } from '../../src/types/hash-times.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';

interface Field {
  value: string;
  timeMs: number;
}
type Model = Map<string, Map<string, Field>>;

const START_MS = 1_700_000_000_000;
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const textAt = (bytes: Uint8Array, start: number, length: number): string =>
  Buffer.from(bytes.subarray(start, start + length)).toString('latin1');

class World {
  readonly space = new Keyspace(1);
  readonly db: Database = this.space.databases[0];
  readonly hashes = hashesOf(this.space);
  readonly model: Model = new Map();
  /** Fields that the keyspace said to expire, and how many it announced. */
  readonly told: string[] = [];
  announced = 0;

  constructor() {
    this.space.packing.hashListpackEntries = 8;
    this.space.setNow(START_MS);
    this.space.fieldExpiryListener = {
      expiring: (_, __, count) => {
        this.announced += count;
      },
      field: (bytes, start, length) => this.told.push(textAt(bytes, start, length)),
      expired: () => {},
    };
  }

  find(key: string): Ref {
    return this.db.find(bytesOf(key), 0, key.length);
  }

  put(key: string, field: string, value: string, keepsTime: boolean): void {
    const ref = this.find(key);
    const [name, f, v] = [bytesOf(key), bytesOf(field), bytesOf(value)];
    const fields = this.model.get(key) ?? new Map<string, Field>();
    const old = fields.get(field);
    if (ref === 0) {
      const { builder } = this.hashes;
      builder.begin();
      builder.set(f, 0, f.length, v, 0, v.length);
      builder.finish(this.db, name, 0, name.length, 0);
    } else {
      this.hashes.set(this.db, ref, f, 0, f.length, v, 0, v.length, keepsTime);
      assert.equal(this.hashes.wasAdded, old === undefined);
    }
    const isKept = keepsTime && old !== undefined && !this.isOver(old);
    fields.set(field, { value, timeMs: isKept ? old.timeMs : 0 });
    this.model.set(key, fields);
  }

  time(key: string, field: string, timeMs: number): void {
    const f = bytesOf(field);
    const ref = this.find(key);
    const old = this.model.get(key)?.get(field);
    const { fieldTimes } = this.hashes;
    assert.equal(ref === 0 ? NO_FIELD : fieldTimes.timeOf(ref, f, 0, f.length), old?.timeMs ?? NO_FIELD);
    if (old === undefined) return;
    fieldTimes.setTime(this.db, ref, f, 0, f.length, timeMs);
    old.timeMs = timeMs;
  }

  take(key: string, field: string): void {
    const ref = this.find(key);
    if (ref === 0) return;
    const left = this.hashes.remove(this.db, ref, bytesOf(field), 0, field.length);
    assert.equal(left !== 0, this.model.get(key)!.delete(field));
    if (left === 0 || this.hashes.count(left) > 0) return;
    this.db.remove(left);
    this.model.delete(key);
  }

  drop(key: string): void {
    const ref = this.find(key);
    if (ref !== 0) this.db.remove(ref);
    this.model.delete(key);
  }

  expireOne(key: string, field: string): void {
    const ref = this.find(key);
    if (ref === 0) return;
    const fields = this.model.get(key)!;
    const old = fields.get(field);
    const left = this.hashes.fieldTimes.expireField(this.db, ref, bytesOf(field), 0, field.length);
    assert.equal(left !== 0, old !== undefined && this.isOver(old));
    if (left === 0) return;
    assert.equal(this.told.pop(), field);
    fields.delete(field);
    if (fields.size > 0) return;
    this.db.remove(left);
    this.model.delete(key);
  }

  expireSome(key: string, max: number): void {
    const ref = this.find(key);
    if (ref === 0 || !this.space.entries.isTimedHash(ref)) return;
    const fields = this.model.get(key)!;
    const over = [...fields].filter(([, field]) => this.isOver(field)).sort(([, a], [, b]) => a.timeMs - b.timeMs);
    this.told.length = 0;
    this.announced = 0;
    const left = this.hashes.fieldTimes.expireSome(this.db, ref, max);
    assert.equal(this.told.length, Math.min(max, over.length));
    assert.equal(this.announced, this.told.length);
    const times = this.told.map((field) => fields.get(field)!.timeMs);
    assert.deepEqual(
      times,
      over.slice(0, times.length).map(([, { timeMs }]) => timeMs),
    );
    for (const field of this.told) assert.ok(fields.delete(field));
    assert.equal(left === 0, fields.size === 0);
    if (left === 0) this.model.delete(key);
  }

  copy(from: string, to: string): void {
    const origin = this.find(from);
    if (origin === 0 || from === to) return;
    this.drop(to);
    const { entries } = this.space;
    const name = bytesOf(to);
    const length = entries.valueLength(origin);
    const copy = this.db.add(name, 0, name.length, entries.type(origin), entries.encoding(origin), length, 0);
    this.db.writeValue(copy, entries.view(origin), entries.valueStart(origin), length);
    this.space.duplicateValue(copy);
    this.model.set(to, new Map([...this.model.get(from)!].map(([field, of]) => [field, { ...of }])));
  }

  rename(from: string, to: string): void {
    const ref = this.find(from);
    if (ref === 0 || from === to) return;
    this.drop(to);
    this.db.transfer(this.find(from), this.db, bytesOf(to), 0, to.length);
    this.model.set(to, this.model.get(from)!);
    this.model.delete(from);
  }

  isOver({ timeMs }: Field): boolean {
    return timeMs !== 0 && timeMs < this.space.nowMs;
  }

  read(ref: Ref, isLive: boolean): [string, string, number][] {
    const { cursor } = this.hashes;
    const found: [string, string, number][] = [];
    if (isLive) cursor.beginLive(ref);
    else cursor.begin(ref);
    while (cursor.next()) {
      const field = textAt(cursor.bytes, cursor.start, cursor.length);
      found.push([field, textAt(cursor.valueBytes, cursor.valueStart, cursor.valueLength), cursor.timeMs]);
    }
    return found.sort();
  }

  check(): void {
    const { hashes, space, db } = this;
    assert.equal(db.keyCount, this.model.size);
    let timedCount = 0;
    for (const [key, fields] of this.model) {
      const ref = this.find(key);
      const expected = [...fields].map(([f, { value, timeMs }]): [string, string, number] => [f, value, timeMs]).sort();
      assert.deepEqual(this.read(ref, false), expected, key);
      const live = expected.filter(([, , timeMs]) => !this.isOver({ value: '', timeMs }));
      assert.deepEqual(this.read(ref, true), live, key);
      assert.equal(hashes.count(ref), expected.length);
      assert.equal(hashes.liveCount(ref), live.length);
      for (const [field, value, timeMs] of expected) {
        const isFound = hashes.find(ref, bytesOf(field), 0, field.length);
        assert.equal(isFound, !this.isOver({ value, timeMs }));
        if (isFound) assert.equal(textAt(hashes.valueBytes, hashes.valueStart, hashes.valueLength), value);
      }
      const times = expected.map(([, , timeMs]) => timeMs).filter((timeMs) => timeMs !== 0);
      assert.equal(space.entries.isTimedHash(ref), times.length > 0, 'timed iff a field has a time');
      if (times.length === 0) continue;
      timedCount++;
      assert.equal(hashes.fieldTimes.earliest(ref), Math.min(...times));
    }
    assert.equal(db.timedHashCount, timedCount);
  }
}

/** One random change. */
function change(world: World, random: Random): void {
  const key = random.pick(['h1', 'h2', 'h3', 'h4']);
  const field = (): string => (random.oneIn(3) ? `f${random.below(key === 'h1' ? 7 : 40)}` : String(random.below(9)));
  const value = (): string =>
    random.oneIn(40)
      ? 'v'.repeat(random.pick([65, 253, 254, 255, 300]))
      : String(random.below(random.oneIn(6) ? 2 ** 50 : 300));
  const time = (): number => world.space.nowMs + random.below(400) + (random.oneIn(20) ? 2 ** 45 : -80);
  const action = random.below(30);
  if (action < 10) world.put(key, field(), value(), random.oneIn(3));
  else if (action < 19) world.time(key, field(), random.oneIn(8) ? 0 : time());
  else if (action < 22) world.take(key, field());
  else if (action < 24) world.expireSome(key, random.pick([1, 2, 5, 100]));
  else if (action < 26) world.expireOne(key, field());
  else if (action < 27) world.copy(key, random.pick(['h1', 'h2', 'h3']));
  else if (action < 28) world.rename(key, random.pick(['h2', 'h3']));
  else if (random.oneIn(20)) world.drop(key);
  else world.space.setNow(world.space.nowMs + random.below(20));
}

test('random changes of fields and times are those of the model, and every block comes back', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const world = new World();
    for (let round = 0; round < fuzzIterations(300); round++) {
      for (let i = 0; i < 30; i++) change(world, random);
      world.check();
    }
    for (const key of [...world.model.keys()]) world.drop(key);
    assert.equal(world.db.timedHashCount, 0);
    while (world.space.reaper.step(10));
    assert.equal(world.space.arena.blockCount, new Keyspace(1).arena.blockCount);
  });
});

test('the times of a large hash are kept in order, end in order, and are freed in slices', () => {
  const world = new World();
  const { space, db, hashes } = world;
  const blocks = space.arena.blockCount;
  const key = bytesOf('large');
  const size = 5000;
  const begin = (): Ref => {
    hashes.builder.begin();
    for (let i = 0; i < size; i++) {
      const text = bytesOf(`field:${i}`);
      hashes.builder.set(text, 0, text.length, text, 0, text.length);
    }
    let ref = hashes.builder.finish(db, key, 0, key.length, 0);
    for (let i = 0; i < size; i++) {
      const text = bytesOf(`field:${i}`);
      ref = hashes.fieldTimes.setTime(db, ref, text, 0, text.length, START_MS + 1 + ((i * 7919) % size));
    }
    return ref;
  };
  let ref = begin();
  space.setNow(START_MS + 2001);
  assert.equal(hashes.liveCount(ref), size - 2000);
  for (let rest = 2000; rest > 0; rest -= 50) {
    assert.equal(hashes.fieldTimes.hiddenCount(ref), rest);
    ref = hashes.fieldTimes.expireSome(db, ref, 50);
  }
  assert.equal(hashes.fieldTimes.earliest(ref), START_MS + 2001);
  assert.equal(hashes.count(ref), size - 2000);
  db.remove(ref);
  while (space.reaper.step(10));
  assert.equal(space.arena.blockCount, blocks);
});
