/** The active cycle of hash fields: every field whose time is over goes, in pieces. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FieldExpireCycle } from '../../src/keyspace/field-expire-cycle.js';
import { Keyspace } from '../../src/keyspace/keyspace.js';
import { hashesOf } from '../../src/types/hash.js';
import { fuzzSeed, Random, replayable } from '../support/fuzz.js';

const START_MS = 1_700_000_000_000;
const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

/** A keyspace of hashes with the fields `f0` … of which some have times, and what should be there. */
class World {
  readonly space = new Keyspace(2);
  readonly hashes = hashesOf(this.space);
  readonly cycle = new FieldExpireCycle(this.space);
  /** Times by database, key and field; 0 = none. */
  readonly fields = new Map<string, number>();

  constructor() {
    this.space.setNow(START_MS);
    this.space.packing.hashListpackEntries = 16;
  }

  set(database: number, key: string, field: string, timeMs: number): void {
    const { space, hashes } = this;
    const db = space.databases[database];
    const [name, f] = [bytesOf(key), bytesOf(field)];
    let ref = db.find(name, 0, name.length);
    if (ref === 0) {
      hashes.builder.begin();
      hashes.builder.set(f, 0, f.length, f, 0, f.length);
      ref = hashes.builder.finish(db, name, 0, name.length, 0);
    } else {
      ref = hashes.set(db, ref, f, 0, f.length, f, 0, f.length);
    }
    if (timeMs !== 0) hashes.fieldTimes.setTime(db, ref, f, 0, f.length, timeMs);
    this.fields.set(`${database} ${key} ${field}`, timeMs);
  }

  drop(database: number, key: string): void {
    const db = this.space.databases[database];
    const ref = db.find(bytesOf(key), 0, key.length);
    if (ref !== 0) db.remove(ref);
    for (const id of this.fields.keys()) if (id.startsWith(`${database} ${key} `)) this.fields.delete(id);
  }

  check(): void {
    const { space, hashes } = this;
    for (const [id, timeMs] of this.fields) if (timeMs !== 0 && timeMs < space.nowMs) this.fields.delete(id);
    const found = new Map<string, number>();
    for (const db of space.databases) {
      db.forEach((ref) => {
        const { entries } = space;
        const start = entries.keyStart(ref);
        const key = Buffer.from(entries.view(ref).subarray(start, start + entries.keyLength(ref))).toString();
        const { cursor } = hashes;
        cursor.begin(ref);
        while (cursor.next()) {
          const field = Buffer.from(cursor.bytes.subarray(cursor.start, cursor.start + cursor.length)).toString();
          found.set(`${db.index} ${key} ${field}`, cursor.timeMs);
        }
      });
    }
    assert.deepEqual([...found].sort(), [...this.fields].sort());
  }
}

test('the cycle removes every field whose time is over and no other, and keys whose last field goes', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const world = new World();
    for (let round = 0; round < 60; round++) {
      for (let i = 0; i < 100; i++) {
        const key = `h${random.below(30)}`;
        const time = random.oneIn(3) ? 0 : world.space.nowMs + random.below(300);
        if (random.oneIn(30)) world.drop(random.below(2), key);
        else world.set(random.below(2), key, `f${random.below(40)}`, time);
        // Cut short at random places, so that visits are resumed between all kinds of changes.
        if (random.oneIn(10)) world.cycle.run(0);
      }
      world.space.setNow(world.space.nowMs + random.below(200));
      // The first run may begin in the middle, and pass what ended since: the next ones come to it.
      for (let i = 0; i < 3; i++) assert.equal(world.cycle.run(10_000), false);
      world.check();
    }
  });
});

test('a hash with very many fields that end at once is emptied a piece at a time', () => {
  const world = new World();
  const count = 20_000;
  for (let i = 0; i < count; i++) world.set(0, 'large', `f${i}`, START_MS + 10);
  world.set(0, 'other', 'f', START_MS + 10);
  const { space, cycle } = world;
  space.setNow(START_MS + 11);
  cycle.run(0);
  assert.ok(space.expiredFieldCount > 0 && space.expiredFieldCount < 100, `${space.expiredFieldCount} fields at once`);
  let runs = 1;
  while (space.expiredFieldCount < count + 1) {
    cycle.run(0);
    runs++;
  }
  assert.ok(runs > 100, `${runs} runs`);
  world.check();
  assert.equal(space.databases[0].keyCount, 0);
});

test('a field that gets a short life while its slot is being visited is removed in time', () => {
  const world = new World();
  for (let i = 0; i < 3000; i++) world.set(0, `{tag}${i}`, 'f', START_MS + (i % 5 === 0 ? 10 : 1_000_000));
  const { space, cycle } = world;
  space.setNow(START_MS + 11);
  cycle.run(0);
  for (let i = 0; i < 3000; i += 7) world.set(0, `{tag}${i}`, 'f', START_MS + 20);
  while (cycle.run(0));
  space.setNow(START_MS + 21);
  for (let i = 0; i < 2; i++) while (cycle.run(0));
  world.check();
});

test('no time is lost when databases are exchanged, or hashes get another name', () => {
  const world = new World();
  const { space, cycle } = world;
  world.set(0, 'a', 'f', START_MS + 10);
  world.set(0, 'b', 'f', START_MS + 10);
  space.swap(0, 1);
  const db = space.databases[1];
  db.transfer(db.find(bytesOf('a'), 0, 1), space.databases[0], bytesOf('c'), 0, 1);
  space.setNow(START_MS + 11);
  for (let i = 0; i < 2; i++) cycle.run(1000);
  assert.deepEqual(
    space.databases.map(({ keyCount, timedHashCount }) => [keyCount, timedHashCount]),
    [
      [0, 0],
      [0, 0],
    ],
  );
});
