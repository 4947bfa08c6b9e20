/** The hash of HyperLogLog elements, which is computed in halves of 32 bits, beside the same written with 64-bit integers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { elementHash, hashElement, REGISTER_COUNT } from '../../src/types/hll-hash.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';

const M = 0xc6a4a7935bd1e995n;
const SEED = 0xadc83b19n;
const multiply = (a: bigint): bigint => BigInt.asUintN(64, a * M);

function expectedHash(bytes: Uint8Array): bigint {
  let hash = SEED ^ multiply(BigInt(bytes.length));
  const whole = bytes.length & ~7;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = 0; at < whole; at += 8) {
    const k = multiply(view.getBigUint64(at, true));
    hash = multiply(hash ^ multiply(k ^ (k >> 47n)));
  }
  for (let i = whole; i < bytes.length; i++) hash ^= BigInt(bytes[i]!) << BigInt(8 * (i - whole));
  if (whole < bytes.length) hash = multiply(hash);
  hash = multiply(hash ^ (hash >> 47n));
  return hash ^ (hash >> 47n);
}

test('register and count are those of the 64-bit hash, for elements of any bytes and lengths', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const iterations = fuzzIterations(20_000);
    for (let i = 0; i < iterations; i++) {
      const bytes = Uint8Array.from({ length: random.below(40) }, () =>
        random.below(4) === 0 ? 255 : random.below(256),
      );
      const hash = expectedHash(bytes);
      let count = 1;
      for (let rest = (hash >> 14n) | (1n << 50n); (rest & 1n) === 0n; rest >>= 1n) count++;
      hashElement(bytes, 0, bytes.length);
      assert.deepEqual(elementHash, { register: Number(hash % BigInt(REGISTER_COUNT)), count });
    }
  });
});
