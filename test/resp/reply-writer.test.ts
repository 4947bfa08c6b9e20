/** Texts, and a bulk string whose length is not known while it is written. */
import assert from 'node:assert/strict';
import { constants } from 'node:buffer';
import { test } from 'node:test';
import { ReplyWriter } from '../../src/resp/reply-writer.js';

const textOf = (writer: ReplyWriter): string => Buffer.from(writer.view(0, writer.length)).toString('latin1');

test('a text of any length and any letters is written as UTF-8, in a line as in a bulk string', () => {
  for (const letter of ['x', 'é', '€', '😀'])
    for (const length of [0, 1, 127, 128, 129, 70_000]) {
      for (const text of [letter.repeat(length), 'x'.repeat(length) + letter]) {
        const writer = new ReplyWriter();
        writer.bulkText(text);
        writer.status(text);
        const bytes = Buffer.from(text).toString('latin1');
        assert.ok(textOf(writer) === `$${bytes.length}\r\n${bytes}\r\n+${bytes}\r\n`, `${length} of ${letter}`);
      }
    }
});

test('a text of bytes is written as they are', () => {
  for (const length of [0, 1, 9, 10, 100, 70_000]) {
    const writer = new ReplyWriter();
    writer.bulkLatin1('\xff'.repeat(length));
    writer.ok();
    assert.ok(textOf(writer) === `$${length}\r\n${'\xff'.repeat(length)}\r\n+OK\r\n`, `${length} bytes`);
  }
});

test('what was written into the room of a reply becomes its bulk string, behind the replies before', () => {
  for (const length of [0, 1, 9, 10, 99, 100, 12345, 3_000_000]) {
    const writer = new ReplyWriter();
    writer.ok();
    const text = 'abcdefghijk'.repeat(Math.ceil(length / 11)).slice(0, length);
    let room = writer.bulkRoom(7, 0);
    for (let kept = 0; kept < length; ) {
      if (room.length === kept) room = writer.bulkRoom(kept * 2, kept);
      const end = Math.min(length, room.length);
      room.set(Buffer.from(text.slice(kept, end)), kept);
      kept = end;
    }
    writer.bulkInRoom(length);
    writer.ok();
    assert.ok(textOf(writer) === `+OK\r\n$${length}\r\n${text}\r\n+OK\r\n`, `${length} bytes`);
  }
});

test('a room that nothing becomes of is no part of the reply', () => {
  const writer = new ReplyWriter();
  writer.ok();
  writer.bulkRoom(100_000, 0).fill(0x78);
  writer.ok();
  assert.equal(textOf(writer), '+OK\r\n+OK\r\n');
});

test('there is no room for more than a buffer can hold', () => {
  const writer = new ReplyWriter();
  writer.ok();
  assert.throws(() => writer.bulkRoom(constants.MAX_LENGTH, 0), RangeError);
  writer.ok();
  assert.equal(textOf(writer), '+OK\r\n+OK\r\n');
});
