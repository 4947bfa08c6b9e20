/** Weights of SORT as they are read from elements. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sortWeight } from '../../src/types/sort-weight.js';

function weight(text: string): number {
  const bytes = Buffer.from(`x${text}y`, 'latin1');
  return sortWeight(bytes, 1, text.length);
}

test('what strtod reports as out of range is no weight', () => {
  for (const text of ['1e400', '-1e400', '1e-400', '1e-310', '-1e-310']) assert.ok(Number.isNaN(weight(text)), text);
  assert.equal(weight('2.3e-308'), 2.3e-308);
  assert.equal(weight('1e308'), 1e308);
});

test('leading space, nothing at all, and what follows a NUL do not matter', () => {
  assert.equal(weight(''), 0);
  assert.equal(weight(' \t\n\v\f\r7'), 7);
  assert.equal(weight('7\0 x'), 7);
  assert.ok(Number.isNaN(weight('7 ')));
});
