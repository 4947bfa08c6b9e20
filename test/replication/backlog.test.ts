/** The backlog and its cursors: what is kept, for whom, and that all read the same stream. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backlog, type BacklogCursor } from '../../src/replication/backlog.js';
import { fc } from '../support/property.js';

const KIB = 1024;

/** Byte number `offset` of a stream whose every byte can be told from its neighbours. */
function byteAt(offset: number): number {
  return (offset * 31 + (offset >>> 8)) & 0xff;
}

function streamBytes(first: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => byteAt(first + i));
}

function drain(cursor: BacklogCursor): void {
  for (;;) {
    const at = cursor.offset;
    const part = cursor.take();
    if (part === null) return;
    assert.deepEqual(part, streamBytes(at, part.length));
    assert.equal(cursor.offset, at + part.length);
  }
}

test('a new backlog begins behind the offset it was made at, and is empty', () => {
  const backlog = new Backlog(100, 64 * KIB);
  assert.equal(backlog.firstOffset, 101);
  assert.equal(backlog.length, 0);
  assert.ok(backlog.reaches(101));
  assert.ok(!backlog.reaches(100));
  assert.ok(!backlog.reaches(102));
});

test('a backlog keeps at least its size and at most one block more', () => {
  const backlog = new Backlog(0, 64 * KIB);
  for (let at = 1; at < 1_000_000; at += 1000) backlog.append(streamBytes(at, 1000), 0, 1000);
  assert.ok(backlog.length >= 64 * KIB);
  assert.ok(backlog.length <= 64 * KIB + 16 * KIB);
  drain(backlog.cursor(backlog.firstOffset));
});

test('what a slow replica has not been sent yet is kept, and let go when it has been', () => {
  const backlog = new Backlog(0, 16 * KIB);
  const slow = backlog.cursor(1);
  for (let at = 1; at < 300_000; at += 500) backlog.append(streamBytes(at, 500), 0, 500);
  assert.equal(backlog.firstOffset, 1);
  drain(slow);
  assert.equal(slow.offset, backlog.endOffset);
  backlog.append(streamBytes(backlog.endOffset, 500), 0, 500);
  assert.ok(backlog.length <= 48 * KIB);
  slow.close();
});

test('a part that was taken stays as it is while the stream goes on', () => {
  const backlog = new Backlog(0, 16 * KIB);
  const cursor = backlog.cursor(1);
  backlog.append(streamBytes(1, 100), 0, 100);
  const part = cursor.take()!;
  for (let at = 101; at < 200_000; at += 100) backlog.append(streamBytes(at, 100), 0, 100);
  assert.deepEqual(part, streamBytes(1, 100));
});

test('cursors at any place read the same stream, whatever is appended and trimmed meanwhile', () => {
  const steps = fc.array(
    fc.record({
      kind: fc.constantFrom('append', 'open', 'read', 'close', 'resize'),
      size: fc.integer({ min: 1, max: 60_000 }),
    }),
    { maxLength: 80 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 45 }), steps, (start, todo) => {
      const backlog = new Backlog(start, 32 * KIB);
      const cursors: BacklogCursor[] = [];
      let end = start + 1;
      for (const { kind, size } of todo) {
        if (kind === 'append') {
          backlog.append(streamBytes(end, size), 0, size);
          end += size;
        } else if (kind === 'open') {
          cursors.push(backlog.cursor(backlog.firstOffset + (size % (backlog.length + 1))));
        } else if (kind === 'resize') {
          backlog.resize(16 * KIB + size);
        } else if (cursors.length > 0) {
          const cursor = cursors[size % cursors.length]!;
          if (kind === 'read') drain(cursor);
          else cursors.splice(cursors.indexOf(cursor), 1)[0]!.close();
        }
        assert.equal(backlog.endOffset, end);
        for (const cursor of cursors) assert.ok(cursor.offset >= backlog.firstOffset);
      }
      for (const cursor of cursors) drain(cursor);
    }),
    { numRuns: 150 },
  );
});
