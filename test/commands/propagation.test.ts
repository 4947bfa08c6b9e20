/** What the commands of strings, keys and expiries send to replicas and the append-only file. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InProcess, NOW_MS, propagates } from './in-process.js';

const AT = NOW_MS + 100_000;
/** A DUMP payload of the string `foo`. */
const FOO = '\x00\x03foo\n\x00sI9\xdbM\xc1\xba\x97';

const WITH_TTL = ['SET k v EX 50'];

test('a write that is deterministic is propagated as it was received', () => {
  for (const command of [
    'set k v',
    'SET k v NX',
    'SET k v KEEPTTL',
    'SETNX k v',
    'MSET a 1 b 2',
    'MSETNX a 1 b 2',
    'APPEND k x',
    'SETRANGE k 3 x',
    'INCR k',
    'DECRBY k 3',
    'INCRBY k -9223372036854775808',
  ])
    propagates([], command, [command]);
  propagates(['SET k v'], 'SET k w XX', ['SET k w XX']);
  propagates(['MSET a 1 b 2'], 'DEL a none b', ['DEL a none b']);
  propagates(['SET a 1'], 'UNLINK a', ['UNLINK a']);
  propagates(['SET a 1'], 'RENAME a b', ['RENAME a b']);
  propagates(['SET a 1'], 'RENAMENX a b', ['RENAMENX a b']);
  propagates(['SET a 1'], 'COPY a b', ['COPY a b']);
  propagates(['SET a 1'], 'MOVE a 2', ['MOVE a 2']);
  propagates([], 'SWAPDB 1 2', ['SWAPDB 1 2']);
  propagates(WITH_TTL, 'PERSIST k', ['PERSIST k']);
});

test('what changed nothing propagates nothing', () => {
  for (const command of [
    'GET k',
    'DEL k',
    'PERSIST k',
    'EXPIRE k 10',
    'GETDEL k',
    'GETEX k EX 10',
    'COPY k l',
    'MOVE k 1',
    'RANDOMKEY',
    'TOUCH k',
    'SCAN 0',
  ])
    propagates([], command, []);
  propagates(['SET k v'], 'SET k w NX', []);
  propagates([], 'SET k w XX', []);
  propagates(['SET k v'], 'SETNX k w', []);
  propagates(['SET k v'], 'MSETNX j w k w', []);
  propagates(['SET k v'], 'RENAME k k', []);
  propagates(['SET k v', 'SET l v'], 'RENAMENX k l', []);
  propagates(['SET k v'], 'SETRANGE k 1 ""', []);
  propagates(['SET k v'], 'GETEX k', []);
  propagates(['SET k v'], 'GETEX k PERSIST', []);
  propagates(WITH_TTL, 'EXPIRE k 100 NX', []);
  propagates(WITH_TTL, 'EXPIRE k 10 GT', []);
});

test('expiries are propagated as absolute times', () => {
  const set = [`SET k w PXAT ${AT}`];
  for (const command of [
    'SET k w EX 100',
    'SET k w PX 100000',
    `SET k w PXAT ${AT}`,
    `SET k w EXAT ${AT / 1000}`,
    'SETEX k 100 w',
    'PSETEX k 100000 w',
  ])
    propagates([], command, set);
  propagates(['SET k v'], 'SET k w XX GET EX 100', set);
  propagates([], 'SET k w PXAT 1', ['SET k w PXAT 1']);
  for (const command of ['EXPIRE k 100', 'PEXPIRE k 100000', `EXPIREAT k ${AT / 1000}`, `PEXPIREAT k ${AT}`])
    propagates(['SET k v'], command, [`PEXPIREAT k ${AT}`]);
  propagates(WITH_TTL, 'EXPIRE k 100 xx gt', [`PEXPIREAT k ${AT} xx gt`]);
  for (const command of ['GETEX k EX 100', 'GETEX k PX 100000', `GETEX k EXAT ${AT / 1000}`, `GETEX k PXAT ${AT}`])
    propagates(['SET k v'], command, [`PEXPIREAT k ${AT}`]);
  propagates(WITH_TTL, 'GETEX k PERSIST', ['PERSIST k']);
});

test('an expiry in the past is propagated as a deletion', () => {
  for (const command of ['EXPIRE k 0', 'EXPIRE k -1', 'PEXPIREAT k 1', `PEXPIREAT k ${NOW_MS}`, 'GETEX k PXAT 1'])
    propagates(['SET k v'], command, ['DEL k']);
});

test('reads that write are propagated without their reading part', () => {
  propagates(['SET k v'], 'GETDEL k', ['DEL k']);
  propagates(['SET k v'], 'GETSET k w', ['SET k w']);
  propagates(['SET k v'], 'SET k w get XX', ['SET k w XX']);
  propagates(['SET k v'], 'SET GET GET GET', ['SET GET GET']);
});

test('the sum of INCRBYFLOAT is propagated, not the increment', () => {
  propagates(['SET i 2.1'], 'INCRBYFLOAT i 3.0e3', ['SET i 3002.10000000000000009 KEEPTTL']);
});

test('flushes are propagated even when there is nothing', () => {
  for (const command of ['FLUSHALL', 'FLUSHDB', 'flushdb async', 'FLUSHALL SYNC']) propagates([], command, [command]);
});

test('RESTORE is propagated with an absolute time', () => {
  const show = (...words: string[]) => words.join(' ');
  propagates([], ['RESTORE', 'k', '0', FOO], [show('RESTORE', 'k', '0', FOO)]);
  propagates(
    [],
    ['RESTORE', 'k', '100000', FOO, 'replace'],
    [show('RESTORE', 'k', String(AT), FOO, 'replace', 'ABSTTL')],
  );
  propagates([], ['RESTORE', 'k', String(AT), FOO, 'ABSTTL'], [show('RESTORE', 'k', String(AT), FOO, 'ABSTTL')]);
  propagates([], ['RESTORE', 'k', '1', FOO, 'ABSTTL'], []);
  propagates(['SET k v'], ['RESTORE', 'k', '1', FOO, 'ABSTTL', 'REPLACE'], ['DEL k']);
  propagates([], ['RESTORE', 'k', '9223372036854775807', FOO], []);
});

test('lazy expiry comes before what met it, in one unit; a read yields the bare deletion', () => {
  const expired = (command: string): string[] => {
    const server = new InProcess();
    server.run('SET k v PX 10');
    server.run('SET j v PX 10');
    server.takePropagated();
    server.advance(11);
    server.run(command);
    return server.takePropagated();
  };
  assert.deepEqual(expired('GET k'), ['DEL k']);
  assert.deepEqual(expired('SET k w'), ['MULTI', 'DEL k', 'SET k w', 'EXEC']);
  assert.deepEqual(expired('MGET k j'), ['MULTI', 'DEL k', 'DEL j', 'EXEC']);
  assert.deepEqual(expired('DEL k'), ['DEL k']);
  assert.deepEqual(expired('SCAN 0 COUNT 100').sort(), ['DEL j', 'DEL k']);
});

test('the lazyfree options choose between DEL and UNLINK', () => {
  const server = new InProcess();
  for (const option of ['lazyfree-lazy-expire', 'lazyfree-lazy-server-del']) server.run(`CONFIG SET ${option} yes`);
  const after = (...commands: (readonly string[])[]): string[] => {
    server.run('SET k v');
    server.takePropagated();
    for (const words of commands) server.runWords(words);
    return server.takePropagated();
  };
  assert.deepEqual(after(['EXPIRE', 'k', '0']), ['UNLINK k']);
  assert.deepEqual(after(['GETEX', 'k', 'PXAT', '1']), ['UNLINK k']);
  assert.deepEqual(after(['RESTORE', 'k', '1', FOO, 'ABSTTL', 'REPLACE']), ['UNLINK k']);
  assert.deepEqual(after(['GETDEL', 'k']), ['DEL k']);
});

test('the database of a record is that of the key', () => {
  const server = new InProcess();
  server.run('SELECT 3');
  server.run('SET k v EX 100');
  server.run('SWAPDB 3 4');
  server.run('SET k w');
  assert.deepEqual(server.takePropagated(), ['SELECT 3', `SET k v PXAT ${AT}`, 'SWAPDB 3 4', 'SET k w']);
});
