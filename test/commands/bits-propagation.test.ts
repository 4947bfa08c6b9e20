import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InProcess } from './in-process.js';

/** Runs commands on a fresh server, and compares what the last one propagated. */
function propagates(setUp: readonly string[], command: string, expected: readonly string[]): void {
  const server = new InProcess();
  for (const line of setUp) server.run(line);
  server.takePropagated();
  const reply = server.run(command);
  assert.ok(!reply.startsWith('-'), `${command}: ${reply}`);
  assert.deepEqual(server.takePropagated(), expected, command);
}

test('a write of bits is propagated as it was received', () => {
  for (const command of ['SETBIT k 7 0', 'setbit k 7 1', 'BITFIELD k GET u8 0 SET u8 #1 3', 'BITFIELD k incrby u8 0 0'])
    propagates([], command, [command]);
  propagates(['SET a x'], 'BITOP NOT d a', ['BITOP NOT d a']);
  propagates(['SET d x'], 'BITOP OR d none', ['BITOP OR d none']);
});

test('bits that are as they were propagate nothing', () => {
  for (const command of ['GETBIT k 1', 'BITCOUNT k', 'BITPOS k 0', 'BITFIELD k GET u8 0', 'BITFIELD k', 'BITOP OR d k'])
    propagates([], command, []);
  propagates(['SETBIT k 7 1'], 'SETBIT k 7 1', []);
  propagates(['SETBIT k 7 1'], 'BITFIELD k SET u8 0 1', []);
  propagates(['SETBIT k 7 1'], 'BITFIELD k OVERFLOW FAIL INCRBY u1 7 1', []);
});

test('a string that only grew, as the fields did not fit, is propagated: replicas must have it, too', () => {
  const command = 'BITFIELD k OVERFLOW FAIL SET u8 0 300';
  propagates([], command, [command]);
});

test('HyperLogLogs: what changed is propagated as it was received, the stored number too', () => {
  for (const command of ['PFADD k', 'pfadd k a b', 'PFMERGE d', 'PFMERGE d none']) propagates([], command, [command]);
  const one = ['PFADD k a'];
  propagates(one, 'PFCOUNT k', ['PFCOUNT k']);
  propagates(one, 'PFDEBUG TODENSE k', ['PFDEBUG TODENSE k']);
  propagates(one, 'PFDEBUG GETREG k', ['PFDEBUG GETREG k']);
});

test('HyperLogLogs: what changed nothing propagates nothing', () => {
  const one = ['PFADD k a'];
  propagates(one, 'PFADD k', []);
  propagates(one, 'PFADD k a', []);
  propagates(one, 'PFCOUNT k k', []);
  propagates(one, 'PFDEBUG DECODE k', []);
  propagates([...one, 'PFCOUNT k'], 'PFCOUNT k', []);
  propagates([], 'PFCOUNT k', []);
  propagates([...one, 'PFDEBUG TODENSE k'], 'PFDEBUG TODENSE k', []);
});
