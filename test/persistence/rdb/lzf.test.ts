/** LZF: the examples of the format, hostile input, and any input there and back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lzfCompress, lzfDecompress } from '../../../src/persistence/rdb/lzf.js';
import { fuzzSeed, Random } from '../../support/fuzz.js';
import { ascii, hex } from '../support.js';

function decompress(bytes: Uint8Array, length: number): string | null {
  const target = new Uint8Array(length + 2).fill(0x2e);
  const isValid = lzfDecompress(bytes, 0, bytes.length, target, 1, length + 1);
  assert.equal(target[0], 0x2e, 'nothing before the output');
  assert.equal(target[length + 1], 0x2e, 'nothing behind the output');
  return isValid ? Buffer.from(target.subarray(1, length + 1)).toString('latin1') : null;
}

test('LZF decodes the examples of the format', () => {
  assert.equal(decompress(hex('01 61 61 e0 0a 00'), 21), 'a'.repeat(21));
  assert.equal(decompress(hex('03 61 62 63 61 e0 0a 02 00 63'), 24), 'abc'.repeat(8));
  assert.equal(
    decompress(hex('0a 74 68 65 20 71 75 69 63 6b 20 74 e0 07 09 01 63 6b'), 29),
    'the quick the quick the quick',
  );
});

test('LZF refuses input that ends inside an item, looks back too far, or has another length than stated', () => {
  assert.equal(decompress(hex('05 61 61'), 6), null);
  assert.equal(decompress(hex('01 61 61 e0 0a'), 21), null);
  assert.equal(decompress(hex('01 61 61 e0'), 21), null);
  assert.equal(decompress(hex('01 61 61 20'), 5), null);
  assert.equal(decompress(hex('01 61 61 20 05'), 5), null);
  assert.equal(decompress(hex('01 61 61 e0 0a 00'), 20), null);
  assert.equal(decompress(hex('01 61 61 e0 0a 00'), 22), null);
  assert.equal(decompress(hex('20 00'), 3), null);
});

test('LZF output of any input decodes to the input', () => {
  const seed = fuzzSeed();
  console.log(`SLOTMESH_FUZZ_SEED=${seed}`);
  const random = new Random(seed);
  for (let round = 0; round < 2000; round++) {
    const length = random.below(round % 50 === 0 ? 30_000 : 400);
    const letters = 1 + random.below(round % 3 === 0 ? 256 : 4);
    const input = Uint8Array.from({ length }, () => random.below(letters));
    const output = new Uint8Array(length + length / 16 + 8);
    const end = lzfCompress(input, 0, length, output, 3, output.length);
    assert.ok(end >= 3, 'room was enough');
    const back = new Uint8Array(length);
    assert.ok(lzfDecompress(output, 3, end, back, 0, length));
    assert.deepEqual(back, input);
  }
});

test('LZF gives up when the result would not fit, and never writes beyond the limit', () => {
  const input = ascii('the quick brown fox the quick brown fox the lazy dog');
  for (let limit = 0; limit < input.length + 4; limit++) {
    const output = new Uint8Array(input.length + 8).fill(0x2e);
    const end = lzfCompress(input, 0, input.length, output, 0, limit);
    assert.ok(end <= limit);
    assert.ok(
      output.subarray(limit).every((byte) => byte === 0x2e),
      `limit ${limit}`,
    );
  }
});
