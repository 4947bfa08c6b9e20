/** When a list of nodes becomes packed again: after its elements were taken away, and by a move within it, as in Redis 7.2. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InProcess } from './in-process.js';

const LARGE = 'x'.repeat(5000);

/** @returns the encoding of the list `l` that these commands leave */
function formAfter(commands: readonly string[]): string {
  const server = new InProcess();
  for (const command of commands) assert.doesNotMatch(server.run(command), /^-/, command);
  return server.run('OBJECT ENCODING l').split('\r\n')[1]!;
}

const twoNodes = [`RPUSH l ${LARGE} ${LARGE} a b`];

test('a list of one small node is packed after a pop, a trim, a removal', () => {
  assert.equal(formAfter(twoNodes), 'quicklist');
  assert.equal(formAfter([...twoNodes, 'LPOP l']), 'quicklist');
  for (const command of ['LPOP l 2', 'LTRIM l 2 -1', `LREM l 0 ${LARGE}`])
    assert.equal(formAfter([...twoNodes, command]), 'listpack', command);
});

test('so it is by a move from one end to the other, which takes the last element out of a node', () => {
  const moves = ['LMOVE l l RIGHT LEFT', 'RPOPLPUSH l l', 'BLMOVE l l RIGHT LEFT 0', 'BRPOPLPUSH l l 0'];
  // The last element does not fit into the first node any more, and is alone in the second.
  const half = 'x'.repeat(4000);
  const commands = [`RPUSH l ${half} ${half} a b ${'y'.repeat(200)}`, 'LPOP l 2'];
  assert.equal(formAfter(commands), 'quicklist');
  for (const move of moves) assert.equal(formAfter([...commands, move]), 'listpack', move);
});

test('and by a move of the only element, if the limits have changed', () => {
  const single = [
    'CONFIG SET list-max-listpack-size 1',
    'RPUSH l x y',
    'RPOP l',
    'CONFIG SET list-max-listpack-size -2',
  ];
  assert.equal(formAfter(single), 'quicklist');
  for (const move of ['LMOVE l l LEFT RIGHT', 'RPOPLPUSH l l'])
    assert.equal(formAfter([...single, move]), 'listpack', move);
});
