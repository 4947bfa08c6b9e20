/** LZF: the examples of the format, hostile input, and any input there and back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  LZF_OUTPUT_AT,
  lzfCompress,
  lzfDecompress,
  lzfExpandBlock,
  lzfForgetInput,
  lzfMemory,
} from '../../../src/persistence/rdb/lzf.js';
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

test('blocks that lie together are expanded, whatever comes between, and after their bytes have changed', () => {
  const texts = ['aaaaaaaaaaaaaaaaaaaaaaab', 'abcabcabcabcabcabcabcabc', 'aabbaabbaabbaabbaabbaabb'];
  const source = new Uint8Array(1000);
  const ends = [0];
  for (const text of texts) ends.push(lzfCompress(ascii(text), 0, text.length, source, ends.at(-1)!, source.length));
  const expand = (part: number, length: number) => {
    if (!lzfExpandBlock(source, ends[part]!, ends[part + 1]!, length, ends.at(-1)!)) return null;
    return Buffer.from(lzfMemory().slice(LZF_OUTPUT_AT, LZF_OUTPUT_AT + length)).toString('latin1');
  };
  for (const part of [0, 1, 2, 1, 0]) assert.equal(expand(part, 24), texts[part]);
  assert.equal(expand(1, 23), null, 'another length than stated');
  lzfCompress(ascii('other input'.repeat(9)), 0, 99, new Uint8Array(200), 0, 200);
  assert.equal(expand(2, 24), texts[2]);
  lzfDecompress(source, 0, ends[1]!, new Uint8Array(24), 0, 24);
  assert.equal(expand(2, 24), texts[2]);
  lzfForgetInput();
  lzfCompress(ascii('zzzzzzzzzzzzzzzzzzzzzzzy'), 0, 24, source, 0, ends[1]!);
  assert.equal(expand(0, 24), 'zzzzzzzzzzzzzzzzzzzzzzzy');
  lzfForgetInput();
});

/** Item by item and byte by byte, as the format is told. @returns null if the stream is malformed */
function expandPlainly(stream: Uint8Array, length: number): Uint8Array | null {
  const output: number[] = [];
  for (let at = 0; at < stream.length; ) {
    const control = stream[at++]!;
    if (control < 32) {
      if (at + control >= stream.length) return null;
      for (let i = 0; i <= control; i++) output.push(stream[at++]!);
    } else {
      let count = (control >> 5) + 2;
      if (count === 9) count += stream[at++] ?? Number.NaN;
      const distance = ((control & 31) << 8) + (stream[at++] ?? Number.NaN) + 1;
      if (!(distance <= output.length) || Number.isNaN(count)) return null;
      for (; count > 0; count--) output.push(output[output.length - distance]!);
    }
    if (output.length > length) return null;
  }
  return output.length === length ? Uint8Array.from(output) : null;
}

/** A long stream of random items that refer far back; a few bytes of it may be damaged. */
function randomStream(random: Random, itemCount: number): { stream: Uint8Array; length: number } {
  const stream: number[] = [];
  let length = 0;
  for (let item = 0; item < itemCount; item++) {
    if (length === 0 || random.oneIn(3)) {
      const count = 1 + random.below(32);
      stream.push(count - 1, ...Array.from({ length: count }, () => random.below(256)));
      length += count;
    } else {
      const distance = random.oneIn(3)
        ? 1 + random.below(Math.min(length, 12))
        : Math.min(length, 8192 - random.below(9));
      const count = random.oneIn(2) ? 3 + random.below(6) : 9 + random.below(256);
      const high = (distance - 1) >> 8;
      stream.push(...(count < 9 ? [((count - 2) << 5) | high] : [0xe0 | high, count - 9]), (distance - 1) & 255);
      length += count;
    }
  }
  return { stream: Uint8Array.from(stream), length };
}

test('LZF streams of any length expand as the format says, damaged ones too', () => {
  const seed = fuzzSeed();
  const random = new Random(seed);
  for (let round = 0; round < 300; round++) {
    const { stream, length } = randomStream(random, random.below(round % 10 === 0 ? 9000 : 60));
    const isDamaged = round % 3 === 0 && stream.length > 0;
    if (isDamaged) stream[random.below(stream.length)] = random.below(256);
    const stated = random.oneIn(8) ? Math.max(0, length + random.below(9) - 4) : length;
    const target = new Uint8Array(stated + 16).fill(0x2e);
    const isValid = lzfDecompress(stream, 0, stream.length, target, 8, stated + 8);
    const expected = expandPlainly(stream, stated);
    assert.equal(isValid, expected !== null, `round ${round}, seed ${seed}`);
    if (expected !== null) assert.ok(Buffer.from(expected).equals(target.subarray(8, stated + 8)));
    for (const around of [target.subarray(0, 8), target.subarray(stated + 8)])
      assert.ok(around.every((byte) => byte === 0x2e));
  }
});

test('LZF compresses long texts block by block, whatever one of the blocks is like', () => {
  const random = new Random(fuzzSeed());
  for (const length of [65_535, 65_536, 65_537, 300_000]) {
    const input = Buffer.alloc(length, 'all work and no play ');
    for (let at = 65_536; at < 131_072 && at < length; at++) input[at] = random.below(256);
    const output = new Uint8Array(length + length / 16 + 8);
    const end = lzfCompress(input, 0, length, output, 0, output.length);
    assert.ok(end > 0 && end < 90_000, `${length} → ${end}`);
    const back = Buffer.alloc(length);
    assert.ok(lzfDecompress(output, 0, end, back, 0, length));
    assert.ok(back.equals(input));
    assert.deepEqual(expandPlainly(output.subarray(0, end), length), Uint8Array.from(input));
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
