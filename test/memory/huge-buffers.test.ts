/** Spare buffers of huge blocks, requests and replies: what they fit, how many there may be, and for how long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HugeBuffers } from '../../src/memory/huge-buffers.js';
import { SpareBuffers } from '../../src/memory/spare-buffers.js';

const MIB = 1 << 20;
const buffersOf = (...sizes: number[]): Uint8Array[] => sizes.map((size) => new Uint8Array(size));

test('the smallest spare buffer that fits is taken', () => {
  const spares = new SpareBuffers(100, 10);
  const buffers = buffersOf(4, 2, 8);
  for (const each of buffers) spares.put(each);
  assert.equal(spares.take(5, 7), null);
  assert.equal(spares.take(3, 8), buffers[0]);
  assert.equal(spares.take(3, 8), buffers[2]);
  assert.equal(spares.take(3, 8), null);
  assert.equal(spares.byteCount, 2);
});

test('the oldest spare buffers go when there are too many, or when they are too large together', () => {
  const spares = new SpareBuffers(20, 3);
  const buffers = buffersOf(1, 2, 3, 4, 15, 21);
  for (const each of buffers.slice(0, 4)) spares.put(each);
  assert.deepEqual([spares.byteCount, spares.take(1, 1)], [9, null]);
  spares.put(buffers[4]!);
  assert.equal(spares.byteCount, 19, 'those of 2 and 3 have gone');
  spares.put(buffers[5]!);
  assert.equal(spares.byteCount, 19, 'what is too large alone displaces nothing');
  assert.equal(spares.release(), 1 + 2 + 3 + 21);
});

test('a spare buffer goes when nobody has needed it from one release to the next', () => {
  const spares = new SpareBuffers(100, 10);
  const [first, second, third] = buffersOf(8, 16, 24);
  for (const each of [first!, second!]) spares.put(each);
  assert.equal(spares.release(), 0);
  spares.put(third!);
  assert.equal(spares.take(16, 16), second);
  spares.put(second!);
  assert.equal(spares.release(), 8);
  assert.equal(spares.byteCount, 40);
  assert.equal(spares.release(), 40);
  assert.equal(spares.release(), 0);
});

test('a fresh huge buffer has room for a block of that length to grow, and fits again when it is spare', () => {
  const huge = new HugeBuffers();
  const first = huge.take(40 * MIB);
  const { byteLength } = first.buffer;
  assert.equal(first.length, 50 * MIB);
  huge.put(first);
  assert.equal(huge.spareBytes, byteLength, 'what is before the bytes is kept with them');
  assert.equal(huge.takeSpare(39 * MIB), null, 'it is too long');
  assert.equal(huge.takeSpare(byteLength + 1), null, 'it is too short');
  assert.equal(huge.take(40 * MIB).buffer, first.buffer);
  assert.equal(huge.spareBytes, 0);
});

test('a smaller one is as long as need be, and one that was a block becomes one to read into', () => {
  const huge = new HugeBuffers();
  const first = huge.take(MIB);
  assert.equal(first.length, MIB);
  huge.put(first.subarray(100, 1000));
  const again = huge.take(MIB);
  assert.deepEqual([again.buffer === first.buffer, again.byteOffset, again.length], [true, first.byteOffset, MIB]);
  huge.put(new Uint8Array(MIB + 48));
  assert.notEqual(huge.take(MIB).buffer.byteLength, MIB + 48, 'it is too short for what is before the bytes');
});

test('what is not extended wastes an eighth of its buffer at most', () => {
  const huge = new HugeBuffers();
  const spare = new Uint8Array(9 * MIB);
  huge.put(spare);
  assert.equal(huge.takeSpare(8 * MIB - 1), null);
  assert.equal(huge.takeSpare(8 * MIB), spare);
});

test('fresh buffers make spare ones go, the oldest first, as far as they are as large', () => {
  const huge = new HugeBuffers();
  for (const each of buffersOf(4 * MIB, 2 * MIB, 9 * MIB)) huge.put(each);
  huge.noteFresh(3 * MIB);
  assert.equal(huge.spareBytes, 15 * MIB);
  huge.noteFresh(3 * MIB);
  assert.equal(huge.spareBytes, 9 * MIB, 'those of 4 and 2 have gone');
  huge.noteFresh(9 * MIB);
  assert.equal(huge.spareBytes, 0);
  huge.noteFresh(100 * MIB);
  huge.put(new Uint8Array(MIB));
  huge.noteFresh(MIB / 2);
  assert.equal(huge.spareBytes, MIB, 'what was made while there was no spare one does not count');
  assert.equal(huge.release(), 15 * MIB);
});

test('no more than 256 MiB are spare, nor more than 32 buffers', () => {
  const huge = new HugeBuffers();
  // Nobody writes them: they take no memory.
  for (let i = 0; i < 5; i++) huge.put(new Uint8Array(80 * MIB));
  assert.equal(huge.spareBytes, 240 * MIB);
  huge.put(new Uint8Array(257 * MIB));
  assert.equal(huge.spareBytes, 240 * MIB);
  for (let i = 0; i < 40; i++) huge.put(new Uint8Array(MIB));
  assert.equal(huge.spareBytes, 32 * MIB);
});
