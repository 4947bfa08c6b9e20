/** Large buffers of replies: used again when nobody reads them any more, dropped when nobody needs them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HugeBuffers } from '../../src/memory/huge-buffers.js';
import { ReplyBuffers } from '../../src/resp/reply-buffers.js';
import { ReplyWriter } from '../../src/resp/reply-writer.js';

const MIB = 1 << 20;
const LARGE = new Uint8Array(3 * MIB).fill(7);

test('the smallest spare buffer that is large enough is taken', () => {
  const buffers = new ReplyBuffers(new HugeBuffers());
  const spares = [4, 2, 8].map((size) => new Uint8Array(size));
  for (const spare of spares) buffers.put(spare);
  assert.equal(buffers.take(3), spares[0]);
  assert.equal(buffers.take(3), spares[2]);
  assert.equal(buffers.take(3).length, 3);
  assert.equal(buffers.take(2), spares[1]);
});

test("the bytes of a fresh buffer begin far from a page's beginning", () => {
  const fresh = new ReplyBuffers(new HugeBuffers()).take(MIB);
  assert.equal(fresh.length, MIB);
  assert.equal(fresh.byteOffset + 16, 2048);
});

test('a buffer that is larger than wanted is not taken', () => {
  const buffers = new ReplyBuffers(new HugeBuffers());
  const spare = new Uint8Array(16);
  buffers.put(spare);
  assert.equal(buffers.take(3, 12).length, 3);
  assert.equal(buffers.take(4, 16), spare);
});

test('a buffer is spare when all transports that read it have given it back', () => {
  const buffers = new ReplyBuffers(new HugeBuffers());
  const bytes = new Uint8Array(8);
  buffers.lend(bytes);
  buffers.lend(bytes);
  buffers.giveBack(bytes.subarray(0, 4));
  assert.notEqual(buffers.take(8), bytes);
  buffers.giveBack(new Uint8Array(8));
  assert.notEqual(buffers.take(8), bytes);
  buffers.giveBack(bytes.subarray(4));
  assert.equal(buffers.take(8), bytes);
  buffers.giveBack(bytes);
  assert.notEqual(buffers.take(8), bytes);
});

test('what has been spare from one release to the next is dropped', () => {
  const buffers = new ReplyBuffers(new HugeBuffers());
  const spares = [8, 16, 24].map((size) => new Uint8Array(size));
  for (const spare of spares) buffers.put(spare);
  assert.equal(buffers.release(), 0);
  assert.equal(buffers.take(16), spares[1]);
  buffers.put(spares[1]!);
  assert.equal(buffers.release(), 8 + 24);
  assert.equal(buffers.release(), 16);
  assert.equal(buffers.take(8).length, 8);
  assert.equal(buffers.release(), 0);
});

test('no more is kept than 32 MiB, and the oldest goes first', () => {
  const buffers = new ReplyBuffers(new HugeBuffers());
  const second = new Uint8Array(20 * MIB);
  buffers.put(new Uint8Array(20 * MIB));
  buffers.put(second);
  assert.equal(buffers.take(MIB), second);
  assert.equal(buffers.take(MIB).length, MIB);
  assert.equal(buffers.release(), 20 * MIB);
});

test('a writer uses the bytes of a large reply again, unless a transport still reads them', () => {
  const writer = new ReplyWriter();
  const write = (): Uint8Array => {
    writer.bulkBytes(LARGE);
    return writer.bytes;
  };
  const first = write();
  writer.clear();
  assert.equal(write(), first);
  writer.lend(first);
  writer.clear();
  const second = write();
  assert.notEqual(second, first);
  writer.buffers.giveBack(first.subarray(0, 10));
  writer.clear();
  assert.equal([first, second].includes(write()), true);
});

test('lending bytes of an earlier batch leaves the writer its own', () => {
  const writer = new ReplyWriter();
  writer.bulkBytes(LARGE);
  const earlier = writer.bytes;
  writer.take();
  writer.ok();
  writer.lend(earlier);
  assert.equal(Buffer.from(writer.view(0, writer.length)).toString(), '+OK\r\n');
});
