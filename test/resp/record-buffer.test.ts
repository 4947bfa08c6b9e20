/** Records under construction: their bytes, what is taken off the front, and the room that they have. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeCommands } from '../../src/client/encode-command.js';
import { RecordBuffer } from '../../src/resp/record-buffer.js';

const KEPT_BYTES_MAX = 1024 * 1024;

function contentOf({ bytes, length }: RecordBuffer): Buffer {
  return Buffer.from(bytes.slice(0, length));
}

test('words of all lengths, texts, numbers and ready-made records are what a client would send', () => {
  const buffer = new RecordBuffer();
  const expected: (string | number | Uint8Array)[][] = [];
  for (const length of [0, 1, 9, 10, 63, 64, 65, 99, 100, 999, 1000, 16_384, 100_000, 3_000_000]) {
    const value = new Uint8Array(length).fill(length);
    for (const number of [0, 7, -1, length, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      buffer.begin(4);
      buffer.text('SET');
      buffer.word(Uint8Array.of(1, 2, 3, 4), 1, 2);
      buffer.word(value, 0, length);
      buffer.integer(number);
      expected.push(['SET', Uint8Array.of(2, 3), value, number]);
    }
  }
  const many = new Array(1234).fill('x');
  buffer.begin(many.length);
  for (const word of many) buffer.text(word);
  const ready = encodeCommands([['PING'], many]);
  buffer.raw(ready, 0, ready.length);
  buffer.raw(ready, 0, ready.length - 5 * many.length);
  assert.deepEqual(
    contentOf(buffer),
    Buffer.concat([encodeCommands([...expected, many]), ready, ready.subarray(0, ready.length - 5 * many.length)]),
  );
});

test('what was written is taken off the front', () => {
  const buffer = new RecordBuffer();
  for (let i = 0; i < 5000; i++) buffer.ascii(`${i}.`);
  const before = contentOf(buffer);
  buffer.dropFront(12_345);
  assert.deepEqual(contentOf(buffer), before.subarray(12_345));
});

test('the bytes are used again, unless one huge word has made them long', () => {
  const buffer = new RecordBuffer();
  const value = new Uint8Array(KEPT_BYTES_MAX / 2);
  buffer.word(value, 0, value.length);
  const { bytes } = buffer;
  buffer.clear();
  assert.equal(buffer.bytes, bytes);
  for (let i = 0; i < 3; i++) buffer.word(value, 0, value.length);
  buffer.clear();
  assert.equal(buffer.length, 0);
  assert.ok(buffer.bytes.length < KEPT_BYTES_MAX);
});

test('what comes behind a huge word finds room beside it', () => {
  const buffer = new RecordBuffer();
  const value = new Uint8Array(32 * KEPT_BYTES_MAX);
  buffer.word(value, 0, value.length);
  const { bytes } = buffer;
  assert.ok(bytes.length < value.length + KEPT_BYTES_MAX);
  buffer.text('REPLACE');
  assert.equal(buffer.bytes, bytes);
});
