/** Copies by bytes and by words, of any length from and to any place. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyBytes, copyWords, equalWords } from '../../src/memory/copy.js';

const PLACES = 9;
const COUNT_MAX = 80;

test('bytes are copied from and to any place, and no others are touched', () => {
  const source = new Uint8Array(COUNT_MAX + PLACES).map((_, i) => i + 1);
  for (let count = 0; count <= COUNT_MAX; count++) {
    for (let from = 0; from < PLACES; from++) {
      for (let to = 0; to < PLACES; to++) {
        const expected = new Uint8Array(to + count);
        for (let i = 0; i < count; i++) expected[to + i] = from + i + 1;
        const shown = `${count} bytes from ${from} to ${to}`;
        const byBytes = new Uint8Array(to + count);
        copyBytes(source, from, byBytes, to, count);
        assert.deepEqual(byBytes, expected, shown);
        const byWords = new Uint8Array(5 + to + count + 5).fill(255, 0, 5).fill(255, 5 + to + count);
        // Views that end with the last byte that is copied.
        copyWords(
          new DataView(source.buffer, 0, from + count),
          from,
          new DataView(byWords.buffer, 5, to + count),
          to,
          count,
        );
        assert.deepEqual(byWords.subarray(5, 5 + to + count), expected, shown);
        assert.ok(
          byWords.subarray(0, 5).every((byte) => byte === 255),
          shown,
        );
        assert.ok(
          byWords.subarray(5 + to + count).every((byte) => byte === 255),
          shown,
        );
      }
    }
  }
});

test('many bytes are copied to a place a little further in its page, and to others', () => {
  const source = new Uint8Array(20_000).map((_, i) => (i * 31) >> 3);
  for (const count of [2000, 2048, 2049, 4096, 4100, 12_289]) {
    for (const from of [0, 7, 4090]) {
      for (const distance of [0, 1, 16, 31, 32, 4095]) {
        const to = from + distance;
        const target = new Uint8Array(to + count + 10).fill(255);
        copyBytes(source, from, target, to, count);
        const shown = `${count} bytes from ${from} to ${to}`;
        assert.deepEqual(target.subarray(to, to + count), source.subarray(from, from + count), shown);
        assert.ok(
          target.every((byte, i) => byte === 255 || (i >= to && i < to + count)),
          shown,
        );
      }
    }
  }
});

test('bytes are equal to those at a word if every one of them is, whatever follows', () => {
  const bytes = new Uint8Array(64);
  const words = new Int32Array(bytes.buffer);
  for (let length = 0; length < 24; length++) {
    for (let start = 0; start < 4; start++) {
      const given = Uint8Array.from({ length: 40 }, (_, i) => (i * 37 + length) & 0xff);
      bytes.fill(0x55);
      bytes.set(given.subarray(start, start + length), 12);
      assert.ok(equalWords(given, start, bytes, words, 3, length));
      for (let at = 0; at < length; at++) {
        bytes[12 + at] ^= 0x80;
        assert.ok(!equalWords(given, start, bytes, words, 3, length), `byte ${at} of ${length} differs`);
        bytes[12 + at] ^= 0x80;
      }
    }
  }
});
