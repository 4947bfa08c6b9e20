/** Which histories a node accepts: after a promotion, and after a new beginning. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_ID, StreamId } from '../../src/replication/stream-id.js';

test('a promoted replica accepts its old history up to where it left it, and its new one', () => {
  const stream = new StreamId();
  stream.adopt('a'.repeat(40), 50);
  stream.shift();
  stream.offset = 80;
  assert.equal(stream.id2, 'a'.repeat(40));
  assert.equal(stream.secondOffset, 51);
  assert.ok(stream.covers('a'.repeat(40), 51));
  assert.ok(stream.covers('A'.repeat(40), 1), 'letter case does not matter');
  assert.ok(!stream.covers('a'.repeat(40), 52));
  assert.ok(stream.covers(stream.id, 81));
  assert.ok(!stream.covers('?', -1));
});

test('a renewed history knows no other', () => {
  const stream = new StreamId();
  const old = stream.id;
  stream.shift();
  stream.renew();
  assert.equal(stream.id2, NO_ID);
  assert.equal(stream.secondOffset, -1);
  assert.ok(!stream.covers(old, 1));
  assert.ok(!stream.covers(NO_ID, -1));
});
