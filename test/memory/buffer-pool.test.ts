/** What becomes of the buffers of deleted data. A file of its own, as it looks at the memory of the process. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena, CHUNK_BYTES, type Ref } from '../../src/memory/arena.js';
import { BufferPool } from '../../src/memory/buffer-pool.js';
import { PAGE_BYTES } from '../../src/memory/size-classes.js';

const PAGES = (20 * CHUNK_BYTES) / PAGE_BYTES;

const bytesOfBuffers = (): number => process.memoryUsage().arrayBuffers;

test('emptied chunks make room for new ones, and go back to the system when they are released', () => {
  const arena = new Arena();
  const bytesBefore = bytesOfBuffers();
  const fill = (): Ref[] => Array.from({ length: PAGES }, () => arena.allocate(PAGE_BYTES));
  let refs = fill();
  const full = arena.reservedBytes;
  for (let round = 0; round < 3; round++) {
    for (const ref of refs) arena.free(ref);
    assert.equal(arena.reservedBytes, full);
    refs = fill();
    assert.equal(arena.reservedBytes, full);
  }
  for (const ref of refs) arena.free(ref);
  arena.free(arena.allocate(5 * CHUNK_BYTES));
  arena.releaseBuffers(4);
  assert.equal(arena.reservedBytes, full - 3 * CHUNK_BYTES, 'the huge one is among the four');
  arena.releaseBuffers(1000);
  assert.equal(arena.reservedBytes, 2 * CHUNK_BYTES);
  assert.ok(bytesOfBuffers() - bytesBefore < 4 * CHUNK_BYTES, 'they are freed without the garbage collector');
});

test('the oldest buffer is taken first, the youngest given back first', () => {
  const pool = new BufferPool(8);
  const buffers = Array.from({ length: 5 }, () => pool.take());
  for (const at of [3, 0, 4, 1, 2]) pool.put(buffers[at]!);
  assert.equal(pool.release(10, 3), 2);
  assert.deepEqual(
    buffers.map(({ byteLength }) => byteLength),
    [8, 8, 8, 0, 0],
  );
  assert.deepEqual(
    [pool.take(), pool.take(), pool.take()].map((buffer) => buffers.indexOf(buffer)),
    [0, 1, 2],
  );
  assert.equal(pool.take().byteLength, 8);
});

test('a retired buffer can be read until it is released', () => {
  const pool = new BufferPool(8);
  const buffer = new ArrayBuffer(100);
  pool.retire(buffer);
  assert.equal(buffer.byteLength, 100);
  assert.equal(pool.release(1, 0), 0);
  assert.equal(buffer.byteLength, 0);
});
