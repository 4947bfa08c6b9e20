/** The receiver of an image, however its bytes are cut. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ImageReceiver, LineReader, parseImageHeader } from '../../src/replication/image-receiver.js';
import { fc } from '../support/property.js';

const MARK = 'a1'.repeat(20);

/** Feeds `bytes` in pieces of these sizes (repeated), until the image is complete. @returns the image, and how much was consumed */
function receive(
  header: string,
  bytes: Uint8Array,
  sizes: readonly number[],
): { image: Buffer; consumed: number; isComplete: boolean } {
  const parts: Buffer[] = [];
  const receiver = new ImageReceiver(parseImageHeader(header)!, (source, start, end) => {
    parts.push(Buffer.from(source.slice(start, end)));
  });
  let at = 0;
  for (let i = 0; at < bytes.length && !receiver.isComplete; i++) {
    // Each read comes in the same buffer, as from a socket.
    const piece = bytes.slice(at, at + sizes[i % sizes.length]!);
    at += receiver.feed(piece, 0, piece.length);
    piece.fill(0);
  }
  return { image: Buffer.concat(parts), consumed: at, isComplete: receiver.isComplete };
}

test('payload headers are told from other lines', () => {
  assert.deepEqual(parseImageHeader('$176'), { length: 176, mark: null });
  assert.equal(parseImageHeader(`$EOF:${MARK}`)?.length, -1);
  for (const line of ['$', '$x', '$-1', '$EOF:short', '+OK', '$12 ']) assert.equal(parseImageHeader(line), null);
});

test('an image with a length ends there, and what follows is left alone', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ maxLength: 50 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
      (image, rest, sizes) => {
        const bytes = new Uint8Array([...image, ...rest]);
        const received = receive(`$${image.length}`, bytes, sizes);
        assert.deepEqual(received.image, Buffer.from(image));
        assert.equal(received.consumed, image.length);
        assert.ok(received.isComplete);
      },
    ),
  );
});

test('an image with a mark ends before the mark, however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
      (image, sizes) => {
        const bytes = new Uint8Array([...image, ...Buffer.from(MARK)]);
        const received = receive(`$EOF:${MARK}`, bytes, sizes);
        assert.deepEqual(received.image, Buffer.from(image));
        assert.ok(received.isComplete);
      },
    ),
  );
});

test('a part of the mark is image until the whole mark has come', () => {
  const received = receive(`$EOF:${MARK}`, Buffer.from(`${MARK.slice(0, 39)}x${MARK}`), [1]);
  assert.equal(received.image.toString(), `${MARK.slice(0, 39)}x`);
});

test('lines are put together from pieces, with a limit', () => {
  const reader = new LineReader(10);
  assert.equal(reader.read(Buffer.from('+CONT'), 0, 5), -1);
  assert.ok(reader.hasPart);
  const end = Buffer.from('INUE\r\nrest');
  assert.equal(reader.read(end, 0, end.length), 6);
  assert.equal(reader.take(), '+CONTINUE');
  assert.equal(reader.read(Buffer.from('\n'), 0, 1), 1);
  assert.equal(reader.take(), '');
  assert.equal(reader.read(Buffer.from('12345678901'), 0, 11), -2);
});
