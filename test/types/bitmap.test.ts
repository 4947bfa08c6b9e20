/** Counting and finding bits against a bit-by-bit model. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countBitRange, findInBitRange } from '../../src/types/bitmap.js';
import { Random } from '../support/fuzz.js';

const random = new Random(21);
const BYTES = 100_000;
/** For what goes by strides of many blocks. */
const LONG_BYTES = 1_200_000;
const RANGES = 300;

/** Random ranges of bits, most of them long, in a string that begins anywhere. */
function* ranges(byteCount: number): Generator<{ base: number; first: number; last: number }> {
  for (let i = 0; i < RANGES; i++) {
    const base = random.below(9);
    const bits = (byteCount - base) * 8;
    const first = random.below(i % 3 === 0 ? 3000 : bits);
    yield { base, first, last: first + random.below(i % 2 === 0 ? Math.min(bits - first, 4000) : bits - first) };
  }
}

test('bits are counted wherever a range begins and ends, in blocks and in what is left of them', () => {
  const bytes = Uint8Array.from({ length: BYTES }, () => random.below(256));
  const words = new Int32Array(bytes.buffer);
  // Set bits before each byte.
  const before = new Int32Array(BYTES * 8 + 1);
  for (let bit = 0; bit < BYTES * 8; bit++)
    before[bit + 1] = before[bit]! + ((bytes[bit >> 3]! >> (7 - (bit & 7))) & 1);
  for (const { base, first, last } of ranges(BYTES)) {
    const expected = before[base * 8 + last + 1]! - before[base * 8 + first]!;
    assert.equal(countBitRange(bytes, words, base, first, last), expected, `${base} ${first} ${last}`);
  }
});

for (const bit of [0, 1]) {
  test(`the first ${bit} is found wherever it stands, also behind the range`, () => {
    const bytes = new Uint8Array(LONG_BYTES).fill(bit === 1 ? 0 : 0xff);
    const words = new Int32Array(bytes.buffer);
    for (const { base, first, last } of ranges(LONG_BYTES)) {
      assert.equal(findInBitRange(bytes, words, base, first, last, bit), -1);
      const place = first + random.below(Math.min(last - first + 20, (LONG_BYTES - base) * 8 - first));
      const at = base + (place >> 3);
      bytes[at]! ^= 0x80 >> (place & 7);
      const expected = place <= last ? place : -1;
      assert.equal(findInBitRange(bytes, words, base, first, last, bit), expected, `${base} ${first} ${last} ${place}`);
      bytes[at]! ^= 0x80 >> (place & 7);
    }
  });
  test(`a first ${bit} is found before others that come again with each block`, () => {
    const bytes = new Uint8Array(LONG_BYTES).fill(bit === 1 ? 0 : 0xff);
    const words = new Int32Array(bytes.buffer);
    const first = 20_000 + random.below(4096);
    for (let at = first; at < LONG_BYTES; at += 4096) bytes[at]! ^= 0xff;
    for (let base = 0; base < 9; base++)
      assert.equal(findInBitRange(bytes, words, base, 0, (LONG_BYTES - base) * 8 - 1, bit), (first - base) * 8);
  });
}
