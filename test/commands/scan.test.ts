/** SCAN: its guarantees while tables grow and shrink, what COUNT costs, and its filters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Reply, ReplyReader } from '../../src/resp/reply-reader.js';
import { fuzzSeed, Random, replayable } from '../support/fuzz.js';
import { InProcess } from './in-process.js';

function scan(server: InProcess, cursor: string, ...options: string[]): [cursor: string, keys: string[]] {
  const reader = new ReplyReader({ bulk: 'text' });
  reader.feed(Buffer.from(server.runWords(['SCAN', cursor, ...options]), 'latin1'));
  const result = reader.next();
  assert.ok(result !== null && result.kind !== 'malformed');
  const [next, keys] = result.value as [Reply, Reply];
  return [String(next), keys as string[]];
}

/** Calls SCAN until the cursor is 0 again. */
function scanAll(server: InProcess, options: string[], between: () => void = () => {}): string[] {
  const keys: string[] = [];
  let cursor = '0';
  do {
    const [next, found] = scan(server, cursor, ...options);
    keys.push(...found);
    cursor = next;
    between();
  } while (cursor !== '0');
  return keys;
}

test('SCAN returns what is there all the time, while slots grow and shrink under it', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const server = new InProcess();
    const stable = Array.from({ length: 1500 }, (_, i) => (i % 2 === 0 ? `{tag}${i}` : `key:${i}`));
    for (const key of stable) server.run(`SET ${key} v`);
    for (const isGrowing of [true, false]) {
      const keys = scanAll(server, ['COUNT', String(1 + random.below(50))], () => {
        for (let i = random.below(100); i > 0; i--) {
          const key = `${random.oneIn(2) ? '{tag}' : ''}other:${random.below(20_000)}`;
          server.run(isGrowing ? `SET ${key} v` : `DEL ${key}`);
        }
      });
      const returned = new Set(keys);
      for (const key of stable) assert.ok(returned.has(key), key);
    }
  });
});

test('without changes each key is returned once', () => {
  const server = new InProcess();
  for (let i = 0; i < 1000; i++) server.run(`SET ${i % 3 === 0 ? '{tag}' : ''}${i} v`);
  for (const count of ['1', '10', '999', '9223372036854775807']) {
    const keys = scanAll(server, ['COUNT', count]);
    assert.equal(keys.length, 1000);
    assert.equal(new Set(keys).size, 1000);
  }
});

test('a call returns about COUNT keys, and ends soon where there are none', () => {
  const server = new InProcess();
  for (let i = 0; i < 2000; i++) server.run(`SET {tag}${i} v`);
  const [cursor, keys] = scan(server, '0', 'COUNT', '20');
  assert.ok(keys.length >= 20 && keys.length < 60, `${keys.length} keys`);
  assert.notEqual(cursor, '0');
  server.run('FLUSHALL');
  server.run('SET k v');
  assert.deepEqual(scanAll(server, []), ['k']);
});

test('any cursor a client may send is some position', () => {
  const server = new InProcess();
  for (let i = 0; i < 500; i++) server.run(`SET {tag}${i} v`);
  for (const cursor of ['18446744073709551615', '-1', '123456789012345678', '16383', '70368744177663', '+7', '']) {
    let at = cursor;
    let calls = 0;
    do {
      [at] = scan(server, at);
      assert.ok(++calls < 1000, `a scan from ${cursor} ends`);
    } while (at !== '0');
  }
});

test('MATCH and TYPE filter; an expired key is deleted, not returned', () => {
  const server = new InProcess();
  for (let i = 0; i < 100; i++) server.run(`SET key:${i} v`);
  server.run('SET short v PX 10');
  server.advance(11);
  assert.equal(scanAll(server, ['MATCH', 'key:1*']).length, 11);
  assert.equal(scanAll(server, ['TYPE', 'STRING', 'MATCH', '*']).length, 100);
  assert.equal(scanAll(server, ['TYPE', 'list']).length, 0);
  assert.equal(server.run('DBSIZE'), ':100\r\n');
});
