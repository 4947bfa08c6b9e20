/** Keys on their way to another node: which requests and changes concern them. The conversation with the target is in test/cluster/migration.test.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashKey } from '../../src/keyspace/key-hash.js';
import { Migrations, type Travel } from '../../src/server/migrations.js';
import { Watches } from '../../src/server/watches.js';
import { bytesOf, KeyspaceModel } from '../keyspace/model.js';

const RESTORE = bytesOf('RESTORE');
const PAYLOAD = bytesOf('payload');

class World {
  readonly model = new KeyspaceModel(2);
  readonly gates: boolean[] = [];
  readonly watches = new Watches(this.model.space);
  readonly migrations = new Migrations(this.model.space.entries, this.watches, (isActive) => this.gates.push(isActive));

  /** Sends keys on their way, which need not be there. */
  depart(databaseIndex: number, names: readonly string[]): Travel {
    const travel = this.migrations.prepare(databaseIndex);
    for (const name of names) {
      // The key lies somewhere in a request.
      const request = bytesOf(`<${name}>`);
      travel.batch.add(RESTORE, request, 1, request.length - 2, 0, PAYLOAD, false);
    }
    this.migrations.depart(travel);
    return travel;
  }
}

function has(travel: Travel, name: string): boolean {
  const key = bytesOf(name);
  return travel.has(hashKey(key, 0, key.length), key, 0, key.length);
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `key:${i}`);

test('exactly the keys of a travel are on their way, however many they are', () => {
  for (const count of [1, 16, 17, 1000, 3]) {
    const world = new World();
    const travel = world.depart(0, names(count));
    for (let i = 0; i < count; i++) assert.ok(has(travel, `key:${i}`), `key:${i} of ${count}`);
    for (let i = count; i < count + 100; i++) assert.ok(!has(travel, `key:${i}`), `key:${i} of ${count}`);
  }
});

test('a travel that is used again knows nothing of its last keys', () => {
  const world = new World();
  const first = world.depart(0, names(1000));
  world.migrations.changed(world.model.space.databases[0], refOf(world, 0, 'key:7'));
  assert.equal(first.isChanged[7], true);
  world.migrations.arrived(first);
  world.migrations.release(first);
  const second = world.depart(0, names(10));
  assert.equal(second, first);
  assert.equal(second.isChanged[7], false);
  assert.ok(has(second, 'key:9'));
  assert.ok(!has(second, 'key:10'));
});

test('a change is noted for its key alone, in its database, each time that it is named', () => {
  const world = new World();
  const here = world.depart(0, ['a', 'b', 'a']);
  const there = world.depart(1, ['a']);
  world.model.set(0, 'a', '1');
  world.model.set(0, 'c', '1');
  assert.deepEqual(here.isChanged.slice(0, 3), [true, false, true]);
  assert.deepEqual(there.isChanged.slice(0, 1), [false]);
  world.migrations.arrived(here);
  world.model.set(0, 'b', '1');
  assert.deepEqual(here.isChanged.slice(0, 3), [true, false, true], 'what changes after the arrival is not noted');
  world.model.set(1, 'a', '1');
  assert.deepEqual(there.isChanged.slice(0, 1), [true]);
  world.migrations.arrived(there);
  assert.deepEqual(world.gates, [true, false]);
});

test('what empties or swaps a database changes all that is on its way from there', () => {
  const world = new World();
  const here = world.depart(0, ['a', 'b']);
  const there = world.depart(1, ['a']);
  world.watches.flushing(0);
  assert.deepEqual([here.isChanged.slice(0, 2), there.isChanged[0]], [[true, true], false]);
  world.watches.swapping(0, 1);
  assert.equal(there.isChanged[0], true);
});

test('WATCH hears of changes while keys travel, and afterwards', () => {
  const world = new World();
  const watcher = { databaseIndex: 0, watched: null, isWatchDirty: false };
  world.watches.watch(watcher, bytesOf('a'));
  const travel = world.depart(0, ['b']);
  world.migrations.arrived(travel);
  world.model.set(0, 'a', '1');
  assert.equal(watcher.isWatchDirty, true);
  world.watches.unwatch(watcher);
  const second = world.depart(0, ['b']);
  world.model.set(0, 'b', '1');
  assert.equal(second.isChanged[0], true);
});

/** An entry of that key, made for it. */
function refOf(world: World, databaseIndex: number, name: string): number {
  world.model.set(databaseIndex, name, 'v');
  const key = bytesOf(name);
  return world.model.space.databases[databaseIndex].find(key, 0, key.length);
}
