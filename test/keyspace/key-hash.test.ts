/** The hash of the hot path agrees with the plain functions that tools use, for keys of every length, with and without tags. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import {
  forgetHashAhead,
  hashAhead,
  hashAheadToo,
  hashBytes,
  hashKey,
  keyHashResult,
} from '../../src/keyspace/key-hash.js';
import { keySlot } from '../../src/keyspace/key-slot.js';

/** Letters that make tags likely. */
const LETTERS = [0x7b, 0x7d, 0x61, 0x00, 0xff];

test('slot and table hash of a key are those of the plain functions, wherever the key lies', () => {
  for (let round = 0; round < 4000; round++) {
    const key = Uint8Array.from({ length: round % 41 }, () =>
      round % 3 === 0 ? randomInt(256) : LETTERS[randomInt(5)],
    );
    const start = randomInt(9);
    const bytes = new Uint8Array(64);
    bytes.fill(randomInt(256));
    bytes.set(key, start);
    const hash = hashKey(bytes, start, key.length);
    const shown = `key ${Buffer.from(key).toString('hex')} at ${start}`;
    assert.equal(keyHashResult.slot, keySlot(key), shown);
    assert.equal(hash, hashBytes(key, 0, key.length), shown);
  }
});

test('keys that differ in one byte, or have two bytes swapped, seldom share a bucket of 1024', () => {
  const keys = Array.from({ length: 1024 }, (_, i) => Buffer.from(`key:${String(i).padStart(6, '0')}`));
  const counts = new Int32Array(1024);
  for (const key of keys) counts[hashBytes(key, 0, key.length) & 1023]++;
  // As many in one bucket happen by chance once in 10^7 runs or so.
  assert.ok(Math.max(...counts) < 16, `${Math.max(...counts)} keys in one bucket`);
  const swapped = keys.filter((key) => key[8] !== key[9]);
  const same = swapped.filter((key) => {
    const other = Buffer.from(key);
    [other[8], other[9]] = [key[9], key[8]];
    return hashBytes(key, 0, key.length) === hashBytes(other, 0, other.length);
  });
  assert.ok(same.length < 5, `${same.length} pairs have one hash`);
});

test('a hash is remembered of bytes in which another was hashed ahead, until they are forgotten, and of no others', () => {
  for (const isAhead of [false, true]) {
    const bytes = Buffer.from('first  second');
    if (isAhead) hashAhead(bytes, 0, 5);
    const [second, third] = ['second', 'third!'].map((key) => hashBytes(Buffer.from(key), 0, 6));
    assert.equal(hashAheadToo(bytes, 7, 6), second);
    assert.equal(keyHashResult.slot, keySlot(Buffer.from('second')));
    bytes.write('third!', 7);
    assert.equal(hashKey(bytes, 7, 6), isAhead ? second : third);
    forgetHashAhead();
    assert.equal(hashKey(bytes, 7, 6), third);
  }
});
