/** The look ahead over a pipeline: it finds keys, stops at what is not whole, and changes nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forgetHashAhead, hashKey, keyHashResult } from '../../src/keyspace/key-hash.js';
import { Keyspace } from '../../src/keyspace/keyspace.js';
import { WARM_MAX } from '../../src/memory/table.js';
import { Lookahead } from '../../src/server/lookahead.js';

const encoder = new TextEncoder();
const encode = (words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`;

function keyspaceOf(keyCount: number): Keyspace {
  const space = new Keyspace(1);
  for (let i = 0; i < keyCount; i++) {
    const key = encoder.encode(`key:${i}`);
    space.databases[0].setString(space.databases[0].find(key, 0, key.length), key, 0, key.length, key, 0, 4, 2, 0);
  }
  return space;
}

test('the look ends behind the last whole request of a batch, and at the end where a request is not whole or not as expected', () => {
  const db = keyspaceOf(1000).databases[0];
  const one = encode(['GET', 'key:7']);
  const whole = encoder.encode(one.repeat(3) + encode(['PING']) + encode(['SET', 'nokey', 'x'.repeat(300)]));
  const lookahead = new Lookahead();
  assert.equal(lookahead.look(whole, 0, whole.length, db), whole.length);
  const batch = encoder.encode(one.repeat(WARM_MAX + 5));
  assert.equal(lookahead.look(batch, 0, batch.length, db), one.length * WARM_MAX);
  for (let length = 0; length < whole.length; length++) assert.equal(lookahead.look(whole, 0, length, db), length);
  for (const text of [
    '',
    '*',
    'PING\r\nGET a\r\n',
    '*-1\r\n',
    '*3\r\n:1\r\n',
    '*99999999999999\r\n',
    '*2\r\n$-1\r\n$x\r\n',
    '*2\r\n$9999999\r\nx\r\n',
  ]) {
    const bytes = encoder.encode(one + text);
    assert.equal(lookahead.look(bytes, 0, bytes.length, db), bytes.length, JSON.stringify(text));
  }
  forgetHashAhead();
  const few = keyspaceOf(100).databases[0];
  assert.equal(
    lookahead.look(batch, 0, batch.length, few),
    batch.length,
    'among few keys there is nothing to look for',
  );
});

test('keys hashed ahead have the hash and slot that they have anyway, and none once the bytes are forgotten', () => {
  const space = keyspaceOf(1000);
  const db = space.databases[0];
  const pipeline = Array.from({ length: 200 }, (_, i) => encode(['GET', i % 3 === 0 ? `{t${i}}x` : `key:${i}`])).join(
    '',
  );
  const bytes = encoder.encode(pipeline);
  const starts = [...pipeline.matchAll(/\$\d+\r\n(key:\d+|\{t\d+\}x)/g)].map((m) => ({
    start: m.index + m[0].indexOf('\n') + 1,
    length: m[1].length,
  }));
  assert.equal(starts.length, 200);
  const results = (): number[][] =>
    starts.map(({ start, length }) => [
      hashKey(bytes, start, length),
      keyHashResult.slot,
      db.find(bytes, start, length),
    ]);
  const plain = results();
  const lookahead = new Lookahead();
  for (let at = 0; at < bytes.length; ) {
    at = lookahead.look(bytes, at, bytes.length, db);
    assert.deepEqual(results(), plain);
  }
  forgetHashAhead();
  bytes.fill(0x61);
  assert.equal(db.find(bytes, starts[1].start, starts[1].length), 0);
});
