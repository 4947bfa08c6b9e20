/** The look ahead over a pipeline: it finds keys, stops at what is not whole, and changes nothing. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { forgetHashAhead, hashBytes, hashKey, keyHashResult } from '../../src/keyspace/key-hash.js';
import { Keyspace } from '../../src/keyspace/keyspace.js';
import { WARM_MAX } from '../../src/memory/bucket-chains.js';
import { Request } from '../../src/resp/request.js';
import { PARSE_EMPTY, PARSE_REQUEST, parseRequest, RequestState } from '../../src/resp/request-parser.js';
import { Lookahead } from '../../src/server/lookahead.js';
import { setsOf } from '../../src/types/set.js';
import { zsetsOf } from '../../src/types/zset.js';

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

test('members of large collections are brought along with their keys, those of others are not', (t) => {
  const space = keyspaceOf(10);
  const [db] = space.databases;
  const name = (text: string): [Uint8Array, number, number] => [encoder.encode(text), 0, text.length];
  const [sets, zsets] = [setsOf(space), zsetsOf(space)];
  const addSet = (key: string, count: number): void => {
    sets.builder.begin(count);
    for (let i = 0; i < count; i++) sets.builder.add(...name(`m${i}`));
    sets.builder.finish(db, ...name(key), 0);
  };
  addSet('large', 270_000);
  addSet('small', 5000);
  let scores = zsets.create(db, ...name('scores'), 'm'.length);
  for (let i = 0; i < 270_000; i++) {
    zsets.find(scores, ...name(`m${i}`));
    scores = zsets.set(db, scores, ...name(`m${i}`), i);
  }
  const warm = t.mock.method(space.table, 'warm');
  const warmedBy = (...requests: string[]): number[] => {
    warm.mock.resetCalls();
    const bytes = encoder.encode(requests.map((request) => encode(request.split(' '))).join(''));
    assert.equal(new Lookahead().look(bytes, 0, bytes.length, db), bytes.length);
    forgetHashAhead();
    // The first call is for the keys.
    const [, hashes, count] = warm.mock.calls[1]?.arguments ?? [[], new Int32Array(0), 0];
    return [...hashes.subarray(0, count)];
  };
  const hashesOf = (...members: string[]): number[] => members.map((member) => hashBytes(...name(member)));
  assert.deepEqual(warmedBy('SADD large m1', 'SREM large m2', 'SADD large'), hashesOf('m1', 'm2'));
  assert.deepEqual(
    warmedBy('SADD large m1', 'SADD small m2', 'ZADD scores 1 m3', 'ZSCORE scores m4'),
    hashesOf('m1', 'm3', 'm4'),
  );
  assert.deepEqual(warmedBy('SADD small m1', 'SADD large m2', 'SADD large m3'), [], 'the first request tells');
  assert.deepEqual(warmedBy('GET key:1', 'SADD none m2', 'SADD large m3'), []);
});

/** A request as bytes that a client might send: mostly plain, sometimes with a header that is legal but long, or wrong. */
function anyRequest(): string {
  const words = Array.from({ length: randomInt(1, 5) }, () =>
    'x'.repeat(randomInt(10) === 0 ? randomInt(300) : randomInt(12)),
  );
  const plain = encode(words);
  const oddities = ['*01', '*', '*-1', '*0\r\n', '$', '$01', '$1000000', 'PING\r\n', '\r\n', '*3\r\n$3', ':1\r\n'];
  return randomInt(12) === 0 ? oddities[randomInt(oddities.length)] + plain : plain;
}

test('a request that is taken is the one that the parser finds there', () => {
  const db = keyspaceOf(1000).databases[0];
  let takenCount = 0;
  for (let round = 0; round < 2000; round++) {
    const text = Array.from({ length: randomInt(1, 60) }, anyRequest).join('');
    const bytes = encoder.encode(text);
    const end = randomInt(4) === 0 ? randomInt(bytes.length + 1) : bytes.length;
    const lookahead = new Lookahead();
    const state = new RequestState();
    const [taken, parsed] = [new Request(), new Request()];
    let lookedTo = 0;
    for (;;) {
      if (state.position >= lookedTo) lookedTo = lookahead.look(bytes, state.position, end, db);
      const start = state.position;
      const isTaken = lookahead.take(bytes, end, taken, state);
      const behind = state.position;
      state.position = start;
      const outcome = parseRequest(bytes, end, parsed, state);
      if (isTaken) {
        takenCount++;
        const words = (request: Request) => Array.from({ length: request.argc }, (_, i) => request.latin1(i));
        assert.equal(outcome, PARSE_REQUEST, JSON.stringify(text));
        assert.equal(behind, state.position, JSON.stringify(text));
        assert.deepEqual(words(taken), words(parsed), JSON.stringify(text));
      }
      if (outcome !== PARSE_REQUEST && outcome !== PARSE_EMPTY) break;
    }
  }
  assert.ok(takenCount > 10_000, `${takenCount} requests were taken`);
  forgetHashAhead();
});

test('what was seen is given for no other bytes, to nobody who has not authenticated, and not across the end of an input', () => {
  const db = keyspaceOf(1000).databases[0];
  const bytes = encoder.encode(encode(['GET', 'a']) + encode(['GET', 'b']));
  const first = encode(['GET', 'a']).length;
  const lookahead = new Lookahead();
  const request = new Request();
  const takes = (input: Uint8Array, position: number, end: number, isAuthenticated = true): boolean => {
    const state = new RequestState();
    state.position = position;
    state.isAuthenticated = isAuthenticated;
    return lookahead.take(input, end, request, state);
  };
  lookahead.look(bytes, 0, bytes.length, db);
  assert.equal(takes(bytes.slice(), 0, bytes.length), false);
  assert.equal(takes(bytes, 0, first - 1), false);
  assert.equal(takes(bytes, 0, first, false), false);
  assert.equal(takes(bytes, 0, first), true);
  assert.equal(takes(bytes, 0, first), false, 'each is taken once');
  assert.equal(takes(bytes, first, bytes.length), true);
  lookahead.look(bytes, 0, bytes.length, db);
  lookahead.forget();
  assert.equal(takes(bytes, 0, first), false);
  forgetHashAhead();
});
