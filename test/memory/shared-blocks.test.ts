/** Blocks that a collection shares with one who reads them as they were. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena, type Ref } from '../../src/memory/arena.js';
import { SharedBlocks } from '../../src/memory/shared-blocks.js';

const COLLECTION = 1;
const OTHER = 2;

function setUp(): { arena: Arena; shared: SharedBlocks; blocks: Ref[]; inUse: () => number } {
  const arena = new Arena();
  const before = arena.blockCount;
  const shared = new SharedBlocks(arena);
  const blocks = Array.from({ length: 100 }, () => arena.allocate(24));
  return { arena, shared, blocks, inUse: () => arena.blockCount - before };
}

test('the blocks of the moment are shared until the reader leaves, later ones and those of others never', () => {
  const { arena, shared, blocks } = setUp();
  const reader = shared.share(COLLECTION);
  const later = arena.allocate(24);
  shared.made(COLLECTION, later);
  assert.ok(shared.has(COLLECTION, blocks[0]!));
  assert.ok(!shared.has(COLLECTION, later));
  assert.ok(!shared.has(OTHER, blocks[0]!));
  reader.leave();
  assert.ok(!shared.has(COLLECTION, blocks[0]!));
});

test('what the collection gives up is freed at once if it is its own, and bit by bit after the reader has left if it was shared', () => {
  const { arena, shared, blocks, inUse } = setUp();
  const reader = shared.share(COLLECTION);
  const later = arena.allocate(24);
  shared.made(COLLECTION, later);
  shared.letGo(COLLECTION, later);
  assert.equal(inUse(), 100);
  for (const block of blocks) shared.letGo(COLLECTION, block);
  assert.equal(inUse(), 100);
  reader.leave();
  assert.equal(reader.keptCount, 100);
  assert.ok(reader.freeSome());
  assert.ok(inUse() > 50, 'one call frees a few');
  while (reader.freeSome());
  assert.equal(inUse(), 0);
});

test('a block whose place in memory is used again for a new one is not shared', () => {
  const { arena, shared } = setUp();
  shared.share(COLLECTION);
  const later = arena.allocate(24);
  shared.made(COLLECTION, later);
  shared.letGo(COLLECTION, later);
  const again = arena.allocate(24);
  shared.made(COLLECTION, again);
  assert.ok(!shared.has(COLLECTION, again));
});

test('a collection that becomes another one, or is given up, leaves its blocks to the reader', () => {
  const { shared, blocks, inUse } = setUp();
  const reader = shared.share(COLLECTION);
  shared.move(COLLECTION, OTHER);
  const forgotten = shared.forget(COLLECTION);
  assert.equal(forgotten, reader);
  for (const block of blocks.slice(0, 50)) forgotten.letGo(block);
  for (const block of blocks.slice(50)) shared.letGo(OTHER, block);
  assert.equal(inUse(), 100);
  assert.ok(!shared.has(COLLECTION, blocks[0]!), 'its name may be that of a new collection');
  reader.leave();
  while (reader.freeSome());
  assert.equal(inUse(), 0);
  assert.ok(!shared.has(OTHER, blocks[0]!));
});

test('after the reader has left, what is let go of for him is freed at once', () => {
  const { shared, blocks, inUse } = setUp();
  const reader = shared.share(COLLECTION);
  shared.forget(COLLECTION);
  reader.leave();
  for (const block of blocks) reader.letGo(block);
  assert.equal(inUse(), 0);
});
