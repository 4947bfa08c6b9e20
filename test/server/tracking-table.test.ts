/** The table of client-side caching beside a plain map. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Keyspace } from '../../src/keyspace/keyspace.js';
import { TrackingTable } from '../../src/server/tracking-table.js';
import { fuzzSeed, Random } from '../support/fuzz.js';

test('random additions and removals leave what a map of sets has, and no memory', () => {
  const space = new Keyspace(1);
  const before = space.arena.usedBytes;
  const table = new TrackingTable(space);
  const model = new Map<string, Set<number>>();
  const seed = fuzzSeed();
  const random = new Random(seed);
  const taken = (): [string, number[]] => [Buffer.from(table.key).toString(), table.clients];
  for (let i = 0; i < 50_000; i++) {
    const name = random.below(20) === 0 ? 'hot' : `key:${random.below(500)}${'x'.repeat(random.below(400))}`;
    const key = Buffer.from(name);
    if (random.below(10) < 8) {
      const client = random.below(2) === 0 ? random.below(300) : 0xffffff00 + random.below(200);
      table.add(key, 0, key.length, client);
      const clients = model.get(name);
      if (clients === undefined) model.set(name, new Set([client]));
      else clients.add(client);
    } else if (random.below(10) === 0 && model.size > 0) {
      table.takeAny();
      const [any, clients] = taken();
      assert.deepEqual(
        clients,
        [...model.get(any)!].sort((a, b) => a - b),
        `seed ${seed}`,
      );
      model.delete(any);
    } else {
      assert.equal(table.take(key, 0, key.length), model.has(name), `seed ${seed}`);
      if (model.has(name))
        assert.deepEqual(taken(), [name, [...model.get(name)!].sort((a, b) => a - b)], `seed ${seed}`);
      model.delete(name);
    }
    assert.equal(table.keyCount, model.size, `seed ${seed}`);
  }
  assert.equal(
    table.clientCount,
    [...model.values()].reduce((sum, clients) => sum + clients.size, 0),
  );
  table.clear();
  assert.equal(table.keyCount, 0);
  while (space.reaper.step(10));
  assert.equal(space.arena.usedBytes, before);
});

test('a key that thousands have read costs each of them little', () => {
  const space = new Keyspace(1);
  const table = new TrackingTable(space);
  const key = Buffer.from('popular');
  const before = process.cpuUsage();
  // From the last to the first, which is the worst order.
  for (let client = 50_000; client > 0; client--) table.add(key, 0, key.length, client);
  for (let client = 1; client <= 50_000; client++) table.add(key, 0, key.length, client);
  assert.ok(process.cpuUsage(before).user < 3_000_000);
  assert.ok(table.take(key, 0, key.length));
  assert.equal(table.clients.length, 50_000);
});
