/** Changes of sparse registers whose opcodes are any bytes, among them such that are cut off: what lies around them is not touched. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REGISTER_COUNT } from '../../src/types/hll-hash.js';
import { CHANGED, SPARSE_COUNT_MAX, SparseChange } from '../../src/types/hll-sparse.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';

const GUARD = 0xa5;
const GUARD_BYTES = 8;
const OPCODES_MAX = 40;

test('a change writes nothing before the opcodes and nothing behind the room that it asked for', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const change = new SparseChange();
    const bytes = new Uint8Array(2 * GUARD_BYTES + 2 * OPCODES_MAX);
    let changed = 0;
    const iterations = fuzzIterations(20_000);
    for (let i = 0; i < iterations; i++) {
      bytes.fill(GUARD);
      const start = GUARD_BYTES;
      let end = start;
      for (let left = 1 + random.below(OPCODES_MAX - 1); left > 0; left--) bytes[end++] = random.below(256);
      const register = random.below(REGISTER_COUNT);
      const count = 1 + random.below(SPARSE_COUNT_MAX);
      if (change.plan(bytes, start, end, register, count) !== CHANGED) continue;
      changed++;
      const room = end + Math.max(0, change.addedBytes);
      const newEnd = change.apply(bytes, start, end);
      assert.ok(newEnd <= room, 'it ends within its room');
      assert.ok(
        bytes.subarray(0, start).every((byte) => byte === GUARD),
        'nothing is written before',
      );
      assert.ok(
        bytes.subarray(room).every((byte) => byte === GUARD),
        'nothing is written behind',
      );
    }
    assert.ok(changed > iterations / 10, `${changed} of ${iterations} were changes`);
  });
});
