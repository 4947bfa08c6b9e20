/** What the commands of hashes and sets send to replicas and the append-only file. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InProcess, propagates } from './in-process.js';

test('a write of a hash or set is propagated as it was received', () => {
  for (const command of [
    'HSET h f v',
    'HMSET h f v g w',
    'hset h f v f v',
    'HSETNX h f v',
    'HINCRBY h n 5',
    'SADD s a b',
  ])
    propagates([], command, [command]);
  propagates(['HSET h f v'], 'HSET h f v', ['HSET h f v']);
  propagates(['HSET h f v'], 'HDEL h none f', ['HDEL h none f']);
  propagates(['SADD s a'], 'SREM s none a', ['SREM s none a']);
  propagates(['SADD s a', 'SADD d a'], 'SMOVE s d a', ['SMOVE s d a']);
  propagates(['SADD s a'], 'SINTERSTORE d s s', ['SINTERSTORE d s s']);
  propagates(['SADD s a'], 'SUNIONSTORE d s', ['SUNIONSTORE d s']);
  propagates(['SADD s a', 'SET d v'], 'SDIFFSTORE d s s', ['SDIFFSTORE d s s']);
});

test('what changed nothing propagates nothing', () => {
  for (const command of ['HDEL h f', 'SREM s a', 'SPOP s', 'SPOP s 3', 'SMOVE s d a', 'SUNIONSTORE d s', 'HGETALL h'])
    propagates([], command, []);
  propagates(['HSET h f v'], 'HSETNX h f w', []);
  propagates(['SADD s a'], 'SADD s a', []);
  propagates(['SADD s a'], 'SMOVE s s a', []);
  propagates(['SADD s a'], 'SPOP s 0', []);
  propagates(['SADD s a'], 'SRANDMEMBER s -3', []);
});

test('sums of floats are propagated as results', () => {
  propagates(['HSET h n 2.1'], 'HINCRBYFLOAT h n 3.0e3', ['HSET h n 3002.10000000000000009']);
});

test('random picks are propagated as the members that were picked', () => {
  const server = new InProcess();
  const members = Array.from({ length: 3000 }, (_, i) => `m${i}`);
  server.run(`SADD s ${members.join(' ')}`);
  server.takePropagated();
  const popped = server.run('SPOP s').split('\r\n')[1];
  assert.deepEqual(server.takePropagated(), [`SREM s ${popped}`]);
  server.run('SPOP s 2500');
  const all = server.takePropagated();
  assert.deepEqual([all.at(0), all.at(-1)], ['MULTI', 'EXEC']);
  const records = all.slice(1, -1);
  assert.deepEqual(
    records.map((record) => record.split(' ').length - 2),
    [1024, 1024, 452],
  );
  const removed = new Set(records.flatMap((record) => record.split(' ').slice(2)));
  assert.equal(removed.size, 2500);
  for (const member of removed) assert.equal(server.run(`SISMEMBER s ${member}`), ':0\r\n');
  assert.equal(server.run('SCARD s'), ':499\r\n');
  server.run('SPOP s 499');
  assert.deepEqual(server.takePropagated(), ['DEL s']);
});

test('what changes nothing does not fail a transaction that watches the key', () => {
  for (const [extra, isTouched] of [
    ['SADD i 1', false],
    ['SADD i 2', true],
    ['SADD l a', false],
    ['SADD l b', true],
    ['SADD t a', false],
    ['SADD t b', true],
    ['SREM t none', false],
    ['SPOP t', true],
    ['HSETNX h f w', false],
    ['HSET h f v', true],
    ['HDEL h none', false],
    ['HDEL h f', true],
    ['HINCRBY h f 1', false],
    ['HINCRBY h n 1', true],
  ] as const) {
    const server = new InProcess();
    for (const line of ['SADD i 1', 'SADD l a', `SADD t a ${'L'.repeat(65)}`, 'HSET h f v']) server.run(line);
    server.run('WATCH i l t h');
    server.run(extra);
    server.run('MULTI');
    server.run('PING');
    assert.equal(server.run('EXEC'), isTouched ? '*-1\r\n' : '*1\r\n+PONG\r\n', extra);
  }
});
