/** Clock, chance, disk and data of the virtual world. */
import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { Agenda } from '../../src/sim/agenda.js';
import { Dice } from '../../src/sim/dice.js';
import { Disk, lastVoteEpochIn } from '../../src/sim/disk.js';
import { append, Branch, fork, hasKeysInSlot, includes, type Position } from '../../src/sim/history.js';
import { HostClock } from '../../src/sim/host-clock.js';

test('events happen in order of time, and of being put down where times are equal', () => {
  const agenda = new Agenda();
  const dice = new Dice(3);
  const planned: { atMs: number; number: number }[] = [];
  const happened: typeof planned = [];
  for (let number = 0; number < 500; number += 1) {
    const event = { atMs: dice.below(50), number };
    planned.push(event);
    agenda.at(event.atMs, () => {
      assert.equal(agenda.nowMs, event.atMs);
      happened.push(event);
    });
  }
  agenda.runUntil(100);
  assert.deepEqual(
    happened,
    [...planned].sort((a, b) => a.atMs - b.atMs || a.number - b.number),
  );
  assert.equal(agenda.nowMs, 100);
});

test('dice of the same seed fall alike, of neighbouring seeds not, and fairly', () => {
  const throws = (seed: number): number[] =>
    Array.from(
      { length: 6000 },
      (
        (dice) => () =>
          dice.below(6)
      )(new Dice(seed)),
    );
  assert.deepEqual(throws(7), throws(7));
  assert.notDeepEqual(throws(7), throws(8));
  for (let side = 0; side < 6; side += 1) {
    const count = throws(7).filter((value) => value === side).length;
    assert(count > 850 && count < 1150, `${side} fell ${count} times`);
  }
});

test('power loss leaves the durable file or a later version; a crash leaves the last', () => {
  const kept = new Set<string>();
  for (let seed = 0; seed < 50; seed += 1) {
    const disk = new Disk();
    disk.write('old', true);
    disk.write('durable', true);
    disk.write('later', false);
    disk.write('last', false);
    assert.equal(disk.read(), 'last');
    disk.losePower(new Dice(seed));
    kept.add(disk.read());
  }
  assert.deepEqual([...kept].sort(), ['durable', 'last', 'later']);
});

test('the last vote is read from the last line of nodes.conf', () => {
  assert.equal(lastVoteEpochIn('x lastVoteEpoch 9\nvars currentEpoch 7 lastVoteEpoch 6\n'), 6);
  assert.equal(lastVoteEpochIn(''), 0);
});

test('a data set holds what was written before its position, also on the branches it grew from', () => {
  const root: Position = { branch: new Branch(null, 0), offset: 0 };
  const first = append(root, 5, true);
  const promoted = fork(first);
  const lost = append(first, 6, true);
  const second = append(promoted, 7, true);
  assert(includes(second, first));
  assert(!includes(second, lost));
  assert(!includes(lost, second));
  assert(includes(first, promoted), 'an empty branch holds nothing more');
  assert(hasKeysInSlot(second, 5) && hasKeysInSlot(second, 7) && !hasKeysInSlot(second, 6));
  const deleted = append(second, 5, false);
  assert(!hasKeysInSlot(deleted, 5) && hasKeysInSlot(second, 5));
});

test('a fast clock gains on true time, and a calendar that jumps leaves the monotonic clock alone', () => {
  const agenda = new Agenda();
  const clock = new HostClock(agenda, 10, -5000);
  clock.restart(3);
  const start = clock.now();
  agenda.runUntil(10_000);
  assert.equal(clock.now().monotonicMs - start.monotonicMs, 10_100);
  clock.skewMs += 86_400_000;
  assert.equal(clock.now().monotonicMs - start.monotonicMs, 10_100);
  assert.equal(clock.now().unixMs - start.unixMs, 86_410_000);
});
