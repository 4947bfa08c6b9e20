/** What becomes of the buffers of deleted data. A file of its own, as it looks at the memory of the process. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena, CHUNK_ROOM_BYTES, type Ref } from '../../src/memory/arena.js';
import { BufferPool } from '../../src/memory/buffer-pool.js';
import { PAGE_BYTES } from '../../src/memory/size-classes.js';
import { waitFor } from '../support/wait-for.js';

const PAGES = (20 * CHUNK_ROOM_BYTES) / PAGE_BYTES;

const bytesOfBuffers = (): number => process.memoryUsage().arrayBuffers;

test('emptied chunks make room for new ones, and go back to the system when nobody has needed them for a while', async () => {
  const arena = new Arena();
  const bytesBefore = bytesOfBuffers();
  const fill = (): Ref[] => Array.from({ length: PAGES }, () => arena.allocate(PAGE_BYTES));
  let refs = fill();
  const full = arena.reservedBytes;
  for (let round = 0; round < 3; round++) {
    for (const ref of refs) arena.free(ref);
    assert.equal(arena.reservedBytes, full);
    arena.releaseBuffers(1000);
    assert.equal(arena.reservedBytes, full, 'a moment ago they were in use');
    refs = fill();
    arena.releaseBuffers(1000);
    assert.equal(arena.reservedBytes, full);
  }
  for (const ref of refs) arena.free(ref);
  arena.releaseBuffers(4);
  arena.releaseBuffers(4);
  assert.equal(arena.reservedBytes, full - 4 * CHUNK_ROOM_BYTES);
  arena.releaseBuffers(1000);
  assert.equal(arena.reservedBytes, 2 * CHUNK_ROOM_BYTES);
  await waitFor(() => bytesOfBuffers() - bytesBefore < 4 * CHUNK_ROOM_BYTES, { what: 'the collection' });
});

test('the memory of huge blocks goes back to the system', async () => {
  const arena = new Arena();
  const bytesBefore = bytesOfBuffers();
  const refs = Array.from({ length: 4 }, () => arena.allocate(5 * CHUNK_ROOM_BYTES));
  for (const ref of refs) arena.free(ref);
  // The first time it sees what is needed.
  for (let time = 0; time < 2; time++) arena.releaseBuffers(1);
  await waitFor(() => bytesOfBuffers() - bytesBefore < 2 * CHUNK_ROOM_BYTES, { what: 'the collection' });
});

test('the oldest buffer is taken first, the youngest dropped first', () => {
  const pool = new BufferPool(8);
  const buffers = Array.from({ length: 5 }, () => pool.take());
  for (const at of [3, 0, 4, 1, 2]) pool.put(buffers[at]!);
  assert.equal(pool.release(10, 3), 0);
  assert.equal(pool.release(10, 3), 2);
  assert.deepEqual(
    [pool.take(), pool.take(), pool.take()].map((buffer) => buffers.indexOf(buffer)),
    [0, 1, 2],
  );
  assert.equal(buffers.includes(pool.take()), false);
});

test('only what was not needed since the last time is dropped', () => {
  const pool = new BufferPool(8);
  const buffers = Array.from({ length: 5 }, () => pool.take());
  for (const buffer of buffers) pool.put(buffer);
  pool.release(0, 0);
  const taken = [pool.take(), pool.take()];
  for (const buffer of taken) pool.put(buffer);
  assert.equal(pool.release(10, 1), 2);
  assert.equal(pool.count, 3);
});

test('no buffer is ever detached: code that reads typed arrays would be thrown away', () => {
  const pool = new BufferPool(8);
  const buffers = Array.from({ length: 5 }, () => pool.take());
  for (const buffer of buffers) pool.put(buffer);
  pool.release(10, 0);
  assert.equal(pool.release(10, 0), 5);
  assert.deepEqual(
    buffers.map(({ byteLength }) => byteLength),
    [8, 8, 8, 8, 8],
  );
});
