/** The list of connections against a Map, through many comings and goings. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Connection } from '../../src/server/connection.js';
import { ConnectionList } from '../../src/server/connection-list.js';
import { fuzzSeed, Random } from '../support/fuzz.js';

suite('connection list', () => {
  test('holds what a Map would, in the same order', () => {
    const random = new Random(fuzzSeed());
    const list = new ConnectionList();
    const model = new Map<number, Connection>();
    let nextId = 1;
    for (let round = 0; round < 400; round++) {
      const isGrowing = random.oneIn(2);
      for (let step = random.below(100); step > 0; step--) {
        if (model.size === 0 || random.below(3) === (isGrowing ? 0 : 1) || (isGrowing && random.oneIn(2))) {
          const connection = { id: nextId } as Connection;
          nextId += 1 + random.below(2);
          list.add(connection);
          model.set(connection.id, connection);
        } else {
          const connection = random.pick([...model.values()]);
          list.delete(connection);
          list.delete(connection);
          model.delete(connection.id);
        }
      }
      assert.equal(list.size, model.size);
      assert.deepEqual([...list.values()], [...model.values()]);
      for (let i = 0; i < 20; i++) {
        const id = random.below(nextId + 2);
        assert.equal(list.get(id), model.get(id));
        assert.equal(list.has(id), model.has(id));
        assert.deepEqual(
          [...list.after(id)],
          [...model.values()].filter((connection) => connection.id > id),
        );
      }
    }
  });

  test('connections may go while somebody goes through it', () => {
    const list = new ConnectionList();
    for (let id = 1; id <= 10; id++) list.add({ id } as Connection);
    const seen: number[] = [];
    for (const connection of list.values()) {
      seen.push(connection.id);
      for (const id of [connection.id, connection.id + 1]) {
        const one = list.get(id);
        if (one !== undefined) list.delete(one);
      }
    }
    assert.deepEqual(seen, [1, 3, 5, 7, 9]);
    assert.equal(list.size, 0);
    assert.equal(list.get(0), undefined);
  });

  test('takes no more places than twice its connections', () => {
    const list = new ConnectionList();
    for (let id = 1; id <= 100_000; id++) {
      list.add({ id } as Connection);
      if (id > 50) list.delete(list.get(id - 50)!);
    }
    assert.ok((list as unknown as { ids: number[] }).ids.length <= 200);
  });
});
