/** What others send to a connection leaves whole and in order, whether it lies together or not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox } from '../../src/server/outbox.js';

const BYTES = Buffer.from('0123456789');
const OTHERS = Buffer.from('abcdefghij');

test('ranges that follow one another in the same bytes leave as they lie', () => {
  const outbox = new Outbox();
  assert.equal(outbox.add(BYTES, 2, 4), true);
  assert.equal(outbox.add(BYTES, 4, 7), false);
  assert.equal(outbox.byteCount, 5);
  const taken = outbox.take()!;
  assert.equal(Buffer.from(taken).toString(), '23456');
  assert.equal(taken.buffer, BYTES.buffer);
});

test('ranges apart, repeated, or of other bytes leave one behind the other', () => {
  const outbox = new Outbox();
  outbox.add(BYTES, 0, 2);
  outbox.add(OTHERS, 2, 3);
  outbox.add(BYTES, 2, 4);
  outbox.add(BYTES, 5, 6);
  outbox.add(BYTES, 5, 6);
  assert.equal(Buffer.from(outbox.take()!).toString(), '01c2355');
});

test('what was taken does not leave again', () => {
  const outbox = new Outbox();
  assert.equal(outbox.take(), null);
  outbox.add(BYTES, 0, 2);
  outbox.take();
  assert.equal(outbox.byteCount, 0);
  assert.equal(outbox.take(), null);
  assert.equal(outbox.add(BYTES, 2, 4), true);
  assert.equal(Buffer.from(outbox.take()!).toString(), '23');
});
