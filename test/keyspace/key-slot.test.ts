/** Hash slots: CRC16 and hash tags. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc16, keySlot } from '../../src/keyspace/key-slot.js';

const vectors: [key: string, slot: number][] = [
  ['my_name', 12803],
  ['age', 741],
  ['sex', 2584],
  ['height', 8223],
  ['home', 10814],
  ['city', 11479],
  ['name', 5798],
  ['k1', 12706],
  ['k2', 449],
  ['k3', 4576],
  ['aga', 609],
  ['ch3', 1672],
  ['ch7', 1548],
  ['order1', 10479],
  ['key_991803', 1],
  ['key_977613', 0],
  ['x', 16287],
  ['foo', 12182],
  ['foo2', 1044],
  ['hello', 866],
  ['bar', 5061],
  ['a', 15495],
  ['b', 3300],
  ['user1000', 3443],
  ['mychannel', 10059],
  ['channel.0', 7312],
  ['channel.1', 3249],
  ['FOO', 3028],
  ['06S', 0],
  ['key9184688', 10923],
];

const tagVectors: [key: string, slot: number, why: string][] = [
  ['{user1000}.following', 3443, 'the tag alone is hashed'],
  ['{user1000}.followers', 3443, 'the tag alone is hashed'],
  ['foo{tag}', 8338, 'a tag may stand at the end'],
  ['foo{}{bar}', 8363, 'an empty tag means the whole key, later tags do not count'],
  ['foo{{bar}}zap', 4015, 'the tag runs from the first { to the first }: "{bar"'],
  ['foo{bar}{zap}', 5061, 'only the first tag counts'],
  ['foo{bar', 15278, 'no closing brace: whole key'],
  ['foo}bar{', 11073, 'the closing brace comes first: whole key'],
  ['{}', 15257, 'an empty tag means the whole key'],
  ['{', 4092, 'one brace is a key like any other'],
  ['}', 12090, 'one brace is a key like any other'],
  ['}{a}', 15495, 'braces before the first { do not matter'],
];

test('CRC16 is the XMODEM variant', () => {
  const crcOf = (text: string) => crc16(Buffer.from(text));
  assert.equal(crcOf('123456789'), 0x31c3);
  assert.equal(crcOf('foo'), 0xaf96);
  assert.equal(crcOf('hello'), 0xc362);
  assert.equal(crcOf('my_name'), 0x3203);
  assert.equal(crcOf(''), 0);
});

test('a key without a tag is hashed whole', () => {
  for (const [key, slot] of vectors) assert.equal(keySlot(key), slot, key);
});

test('a key with a tag is hashed by its tag', () => {
  for (const [key, slot, why] of tagVectors) assert.equal(keySlot(key), slot, `${key}: ${why}`);
});

test('keys are raw bytes; strings count as UTF-8', () => {
  assert.equal(keySlot(''), 0);
  assert.equal(keySlot(Uint8Array.of(0)), 0);
  assert.equal(keySlot('é'), 10180);
  assert.equal(keySlot(Uint8Array.of(0xc3, 0xa9)), 10180);
});
