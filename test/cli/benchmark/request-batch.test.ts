/** What the benchmark sends: batches of a command with their numbers, tags and payloads, and which tests are chosen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tagOfSlot } from '../../../src/cli/benchmark/cluster-map.js';
import { NumberSource } from '../../../src/cli/benchmark/number-source.js';
import { encodeRequest, RequestBatch } from '../../../src/cli/benchmark/request-batch.js';
import { PayloadSource, selectTests } from '../../../src/cli/benchmark/tests.js';
import { keySlot, SLOT_COUNT } from '../../../src/keyspace/key-slot.js';

const textOf = (batch: RequestBatch): string => Buffer.from(batch.bytes).toString();

test('a batch is the command so many times, with a new number of 12 digits at every place', () => {
  const batch = new RequestBatch(encodeRequest({ words: ['SET', 'key:__rand_int__', '__rand_int__'] }), 3);
  assert.ok(textOf(batch).startsWith('*3\r\n$3\r\nSET\r\n$16\r\nkey:__rand_int__\r\n'));
  batch.randomize(new NumberSource(1), 1000);
  const numbers = textOf(batch).match(/\d{12}/g)!;
  assert.equal(numbers.length, 6);
  assert.ok(numbers.every((number) => number.startsWith('000000000')));
  assert.ok(new Set(numbers).size > 3);
});

test('numbers cover their range and nothing else, and depend on the seed alone', () => {
  for (const range of [1, 2, 10, 50, 1e12]) {
    const source = new NumberSource(7);
    const drawn = Array.from({ length: 2000 }, () => source.below(range));
    assert.ok(drawn.every((number) => Number.isInteger(number) && number >= 0 && number < range));
    if (range <= 50) assert.equal(new Set(drawn).size, range);
    else assert.ok(Math.max(...drawn) > 0.9 * range);
    const again = new NumberSource(7);
    assert.deepEqual(
      Array.from({ length: 2000 }, () => again.below(range)),
      drawn,
    );
  }
  assert.equal(new NumberSource(7).below(0), 0);
  const [a, b] = [new NumberSource(1), new NumberSource(2)];
  assert.notDeepEqual(
    Array.from({ length: 10 }, () => a.below(1e6)),
    Array.from({ length: 10 }, () => b.below(1e6)),
  );
});

test('every slot has a tag of three bytes that leads to it', () => {
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const tag = tagOfSlot(slot);
    assert.equal(tag.length, 3);
    assert.equal(keySlot(`key:{${tag}}:000000000001`), slot);
  }
});

test('the tag is written into each key of the command', () => {
  const options = { payload: Buffer.from('xyz'), isCluster: true, hasRange: true };
  const [mset] = selectTests(new Set(['mset']), options);
  const batch = new RequestBatch(encodeRequest(mset!.command), 2);
  assert.ok(batch.hasTag);
  batch.setTag('06S');
  assert.equal(textOf(batch).match(/key:\{06S\}:/g)!.length, 20);
});

test('tests are chosen by their own names and those of their group, in their own order', () => {
  const options = { payload: Buffer.from('xyz'), isCluster: false, hasRange: false };
  const titles = (...names: string[]): string[] => selectTests(new Set(names), options).map(({ title }) => title);
  assert.deepEqual(titles('get', 'set', 'bogus'), ['SET', 'GET']);
  assert.deepEqual(titles('ping'), ['PING_INLINE', 'PING_MBULK']);
  assert.deepEqual(titles('lrange_300'), ['LPUSH (needed to benchmark LRANGE)', 'LRANGE_300 (first 300 elements)']);
  assert.equal(selectTests(null, options).length, 21);
});

test('payloads are those of redis-benchmark, and go on from one loop to the next', () => {
  const source = new PayloadSource();
  assert.equal(
    source.next(40).toString() + source.next(30).toString(),
    'VXKeHogKgJ=[5V9_X^b?48OKF2jGA<f:iR@50o7dS3JV4Q6L68lC[GTA]0DaMg?_oSmcS2',
  );
});
