/** Integer sets: the bytes of the format, and a sorted array as the model. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as intset from '../../src/memory/intset.js';
import { checkIntset } from '../../src/persistence/rdb/packed-check.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';

const BASE = 5;

/** An intset in a buffer that is large enough, not at its beginning. */
class Packed {
  readonly bytes = new Uint8Array(8192).fill(0xaa);

  constructor() {
    intset.initIntset(this.bytes, BASE);
  }

  search(value: bigint): number {
    return intset.searchIntset(this.bytes, BASE, high(value), low(value));
  }

  add(value: bigint): void {
    const index = this.search(value);
    if (index >= 0) return;
    const expected = intset.intsetBytesWith(this.bytes, BASE, high(value), low(value));
    intset.insertIntset(this.bytes, BASE, -1 - index, high(value), low(value));
    assert.equal(intset.intsetBytes(this.bytes, BASE), expected);
  }

  members(): bigint[] {
    return Array.from({ length: intset.intsetCount(this.bytes, BASE) }, (_, i) => {
      intset.readIntset(this.bytes, BASE, i);
      return (BigInt(intset.intsetMember.high) << 32n) | BigInt(intset.intsetMember.low >>> 0);
    });
  }

  hex(): string {
    return Buffer.from(this.bytes.subarray(BASE, BASE + intset.intsetBytes(this.bytes, BASE))).toString('hex');
  }
}

const high = (value: bigint): number => Number(BigInt.asIntN(32, value >> 32n));
const low = (value: bigint): number => Number(BigInt.asIntN(32, value));

test('the bytes are those of the format, in the smallest width that holds all members', () => {
  const vectors: [bigint[], string][] = [
    [[3n, 1n, 2n], '0200000003000000010002000300'],
    [[40000n, -1n, 5n], '0400000003000000ffffffff05000000409c0000'],
    [[5000000000n, 5n], '0800000002000000050000000000000000f2052a01000000'],
  ];
  for (const [members, hex] of vectors) {
    const packed = new Packed();
    for (const member of members) packed.add(member);
    assert.equal(packed.hex(), hex);
  }
});

test('a random intset equals a sorted set of integers', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    for (let run = 0; run < fuzzIterations(100); run++) {
      const packed = new Packed();
      const model = new Set<bigint>();
      const bits = 4 + random.below(60);
      for (let step = 0; step < 100; step++) {
        const wide = (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32));
        const value = BigInt.asIntN(random.oneIn(4) ? bits : 8, wide);
        if (random.oneIn(3)) {
          const index = packed.search(value);
          assert.equal(index >= 0, model.delete(value));
          if (index >= 0) intset.removeIntset(packed.bytes, BASE, index);
        } else {
          packed.add(value);
          model.add(value);
        }
      }
      const expected = [...model].sort((a, b) => (a < b ? -1 : 1));
      assert.deepEqual(packed.members(), expected);
      const end = BASE + intset.intsetBytes(packed.bytes, BASE);
      if (expected.length > 0) assert.ok(checkIntset(packed.bytes, BASE, end));
    }
  });
});
