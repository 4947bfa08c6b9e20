import { strict as assert } from 'node:assert';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { SHA1_WORDS, sha1, sha1OfWords } from '../../src/keyspace/sha1.js';

function expected(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex');
}

function hex(words: Int32Array): string {
  return bytesOf(words).toString('hex');
}

function bytesOf(words: Int32Array): Buffer {
  const bytes = Buffer.alloc(words.length * 4);
  for (let i = 0; i < words.length; i++) bytes.writeInt32BE(words[i], i * 4);
  return bytes;
}

test('SHA-1 of every length up to nineteen blocks is that of node:crypto, wherever the bytes begin', () => {
  const source = randomBytes(1300);
  const words = new Int32Array(SHA1_WORDS);
  for (let length = 0; length <= 1216; length++) {
    const start = length % 7;
    sha1(source, start, length, words);
    const bytes = source.subarray(start, start + length);
    assert.equal(hex(words), expected(bytes), `of ${bytes.toString('hex')}`);
  }
});

test('SHA-1 of five words, in their own place, is that of their 20 bytes', () => {
  const words = Int32Array.from({ length: SHA1_WORDS }, () => randomBytes(4).readInt32BE());
  const bytes = bytesOf(words);
  sha1OfWords(words, words);
  assert.equal(hex(words), expected(bytes), `of ${bytes.toString('hex')}`);
});
