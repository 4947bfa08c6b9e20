/** What others send to a connection leaves whole and in order, whether it lies together or not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox, RangeView } from '../../src/server/outbox.js';

const BYTES = Buffer.from('0123456789');
const views = new RangeView();
const OTHERS = Buffer.from('abcdefghij');

test('ranges that follow one another in the same bytes leave as they lie', () => {
  const outbox = new Outbox();
  assert.equal(outbox.add(BYTES, 2, 4), true);
  assert.equal(outbox.add(BYTES, 4, 7), false);
  assert.equal(outbox.byteCount, 5);
  const taken = outbox.take(views)!;
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
  assert.equal(Buffer.from(outbox.take(views)!).toString(), '01c2355');
});

test('what was taken does not leave again', () => {
  const outbox = new Outbox();
  assert.equal(outbox.take(views), null);
  outbox.add(BYTES, 0, 2);
  outbox.take(views);
  assert.equal(outbox.byteCount, 0);
  assert.equal(outbox.take(views), null);
  assert.equal(outbox.add(BYTES, 2, 4), true);
  assert.equal(Buffer.from(outbox.take(views)!).toString(), '23');
});

test('those who get the same range leave with the same view, until it is forgotten', () => {
  const [first, second] = [new Outbox(), new Outbox()];
  const takenAfter = (outbox: Outbox, start: number, end: number): Uint8Array => {
    outbox.add(BYTES, start, end);
    return outbox.take(views)!;
  };
  const view = takenAfter(first, 1, 4);
  assert.equal(takenAfter(second, 1, 4), view);
  assert.equal(Buffer.from(takenAfter(second, 1, 5)).toString(), '1234');
  assert.equal(Buffer.from(takenAfter(second, 2, 6)).toString(), '2345');
  views.forget();
  assert.equal(Buffer.from(takenAfter(first, 2, 6)).toString(), '2345');
});
