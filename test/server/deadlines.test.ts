/** Deadlines against a sorted list, and their timer. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Deadlines, type Due } from '../../src/server/deadlines.js';
import { fuzzSeed, Random } from '../support/fuzz.js';

interface Item extends Due {
  readonly atMs: number;
}

/** What is in the heap, by time. */
function drained(deadlines: Deadlines<Item>): number[] {
  const { items } = deadlines as unknown as { items: Item[] };
  const times: number[] = [];
  for (let first = items[0]; first !== undefined; first = items[0]) {
    times.push(first.atMs);
    deadlines.remove(first);
  }
  return times;
}

suite('deadlines', () => {
  test('come in the order of their times, without those that were called off', () => {
    const random = new Random(fuzzSeed());
    const later = Date.now() + 3_600_000;
    for (let round = 0; round < 100; round++) {
      const deadlines = new Deadlines<Item>(() => assert.fail('none is due'));
      const model: Item[] = [];
      for (let step = random.below(200); step > 0; step--) {
        if (model.length === 0 || random.below(3) > 0) {
          const item = { atMs: later + random.below(50), place: -1 };
          deadlines.add(item, item.atMs);
          model.push(item);
        } else {
          const [item] = model.splice(random.below(model.length), 1);
          deadlines.remove(item!);
          deadlines.remove(item!);
          assert.equal(item!.place, -1);
        }
      }
      assert.deepEqual(
        drained(deadlines),
        model.map(({ atMs }) => atMs).sort((a, b) => a - b),
      );
    }
  });

  test('are told when their time has come, and not before', async () => {
    const told: number[] = [];
    let resolve = (): void => {};
    const promise = new Promise<void>((done) => {
      resolve = done;
    });
    const startMs = Date.now();
    const deadlines = new Deadlines<Item>((item) => {
      assert.ok(Date.now() >= item.atMs);
      told.push(item.atMs - startMs);
      // What is due may call off others, and add some.
      if (told.length === 1) deadlines.remove(calledOff);
      if (told.length === 2) add(40);
      if (told.length === 4) resolve();
    });
    const add = (inMs: number): Item => {
      const item = { atMs: startMs + inMs, place: -1 };
      deadlines.add(item, item.atMs);
      return item;
    };
    add(60);
    const calledOff = add(20);
    add(30);
    add(5);
    // The timer does not keep the process.
    const keep = setInterval(() => {}, 1000);
    await promise;
    clearInterval(keep);
    assert.deepEqual(told, [5, 30, 40, 60]);
    assert.ok(Date.now() >= startMs + 60);
  });
});
