/** The allocator against a model: no overlap, exact accounts, and the limits of references. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena, CHUNK_BYTES, CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../../src/memory/arena.js';
import {
  CLASS_BYTES,
  PAGE_BYTES,
  SLAB_BLOCK_BYTES_MAX,
  SLAB_PAGES,
  sizeClassOf,
  tightClassOf,
} from '../../src/memory/size-classes.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';

interface Block {
  readonly ref: Ref;
  readonly size: number;
  readonly stamp: number;
}

/** Writes the stamp into the first and last bytes of a block, where an overlap with another would show. */
function stampBlock(arena: Arena, { ref, size, stamp }: Block): void {
  const bytes = arena.bytes[ref >>> CHUNK_INDEX_SHIFT];
  const start = (ref & UNIT_MASK) << 3;
  assert.ok(start + size <= bytes.length, 'a block lies within its chunk');
  for (let i = 0; i < Math.min(4, size >> 1); i++) {
    bytes[start + i] = stamp >>> (i * 8);
    bytes[start + size - 1 - i] = stamp >>> (i * 8);
  }
}

function checkStamp(arena: Arena, { ref, size, stamp }: Block): void {
  const bytes = arena.bytes[ref >>> CHUNK_INDEX_SHIFT];
  const start = (ref & UNIT_MASK) << 3;
  for (let i = 0; i < Math.min(4, size >> 1); i++) {
    assert.equal(bytes[start + i], (stamp >>> (i * 8)) & 0xff, 'the head of a block is as written');
    assert.equal(bytes[start + size - 1 - i], (stamp >>> (i * 8)) & 0xff, 'the tail of a block is as written');
  }
}

function randomSize(random: Random): number {
  switch (random.below(20)) {
    case 0:
      return SLAB_BLOCK_BYTES_MAX + 1 + random.below(400_000);
    case 1:
      return random.oneIn(10) ? 512 * 1024 + random.below(4_000_000) : 1 + random.below(5000);
    case 2:
    case 3:
    case 4:
      return 1 + random.below(SLAB_BLOCK_BYTES_MAX);
    default:
      return 1 + random.below(200);
  }
}

test('blocks handed out never overlap, and the accounts are exact, whatever is allocated and freed', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const arena = new Arena();
    const blocks: Block[] = [];
    let used = 0;
    // Phases of growth and decline, so that slabs and chunks fill up and empty again.
    for (let i = 0; i < fuzzIterations(60_000); i++) {
      const isGrowing = (i >> 12) % 2 === 0;
      if (blocks.length === 0 || random.below(10) < (isGrowing ? 7 : 3)) {
        const size = randomSize(random);
        const ref = arena.allocate(size);
        const block = { ref, size, stamp: random.below(0x7fffffff) };
        assert.notEqual(ref, 0);
        assert.ok(arena.blockBytes(ref) >= size);
        assert.equal(arena.blockBytes(ref), Arena.roundedBytes(size));
        assert.ok(arena.fits(ref, size));
        used += arena.blockBytes(ref);
        stampBlock(arena, block);
        blocks.push(block);
      } else {
        const at = random.below(blocks.length);
        const block = blocks[at];
        blocks[at] = blocks[blocks.length - 1];
        blocks.pop();
        checkStamp(arena, block);
        used -= arena.blockBytes(block.ref);
        arena.free(block.ref);
      }
      assert.equal(arena.usedBytes, used);
      assert.equal(arena.blockCount, blocks.length);
      assert.ok(arena.peakBytes >= used && arena.reservedBytes >= used);
    }
    for (const block of blocks) {
      checkStamp(arena, block);
      arena.free(block.ref);
    }
    assert.equal(arena.usedBytes, 0);
    assert.equal(arena.blockCount, 0);
    // The first time it sees what is needed.
    for (let time = 0; time < 2; time++) arena.releaseBuffers(Number.MAX_SAFE_INTEGER);
    // The first page's chunk, and one spare.
    assert.ok(arena.reservedBytes <= 2 * 1024 * 1024, `${arena.reservedBytes} bytes are kept`);
  });
});

test('a request is rounded up by an eighth at most, beyond 128 bytes', () => {
  for (let size = 1; size <= SLAB_BLOCK_BYTES_MAX; size++) {
    const block = CLASS_BYTES[sizeClassOf(size)];
    assert.ok(block >= size && (size <= 128 ? block < size + 8 : block <= size * 1.125 + 8), `${size} → ${block}`);
  }
});

test('a tight request from 1 to 8 KiB loses a thirty-second at most', () => {
  for (let size = 1; size <= SLAB_BLOCK_BYTES_MAX; size++) {
    const tight = CLASS_BYTES[tightClassOf(size)]!;
    assert.ok(tight >= size && tight <= CLASS_BYTES[sizeClassOf(size)]!);
    if (size > 1024 && size <= 8192) assert.ok(tight <= size * (1 + 1 / 32) + 8, `${size} → ${tight}`);
  }
});

test('blocks of plain and tight requests live side by side', () => {
  const arena = new Arena();
  const before = arena.usedBytes;
  const [plain, tight, huge] = [arena.allocate(1541), arena.allocateTight(1541), arena.allocateTight(100_000)];
  assert.deepEqual(
    [plain, tight, huge].map((ref) => arena.blockBytes(ref!)),
    [1664, 1568, 7 * PAGE_BYTES],
  );
  assert.equal(Arena.tightBytes(1541), 1568);
  for (const ref of [plain, tight, huge]) arena.free(ref!);
  assert.equal(arena.usedBytes, before);
});

test('little is lost at the end of a slab', () => {
  for (const [sizeClass, bytes] of CLASS_BYTES.entries()) {
    const slabBytes = SLAB_PAGES[sizeClass]! * PAGE_BYTES;
    const limit = bytes <= 4096 ? 1 / 64 : 1 / 32;
    if (bytes <= 8192) assert.ok((slabBytes % bytes) / slabBytes <= limit, `${bytes} in ${slabBytes}`);
  }
});

test('a huge block has a buffer of its own, and gives it back', () => {
  const arena = new Arena();
  const before = arena.reservedBytes;
  const refs = [600_000, 3_000_000, 1_048_577].map((size) => arena.allocate(size));
  assert.ok(arena.reservedBytes >= before + 4_648_577);
  assert.equal(arena.blockBytes(refs[1]) % PAGE_BYTES, 0);
  for (const ref of refs) arena.free(ref);
  assert.equal(arena.reservedBytes, before);
});

test('a block of more than 32 MiB grows in place by a quarter, and counts as long as it is', () => {
  const arena = new Arena();
  const before = { used: arena.usedBytes, reserved: arena.reservedBytes };
  const size = 33 << 20;
  const ref = arena.allocate(size);
  const view = arena.bytes[ref >>> CHUNK_INDEX_SHIFT]!;
  view[0] = 1;
  view[size - 1] = 2;
  assert.equal(arena.usedBytes, before.used + size);
  assert.ok(!arena.extend(ref, size), 'it is so long already');
  assert.ok(arena.extend(ref, size + 1));
  assert.equal(arena.blockBytes(ref), size + PAGE_BYTES);
  assert.equal(arena.usedBytes, before.used + size + PAGE_BYTES);
  const longest = size + size / 4;
  assert.ok(arena.extend(ref, longest));
  assert.ok(!arena.extend(ref, longest + 1));
  assert.equal(arena.blockBytes(ref), longest);
  assert.equal(arena.peakBytes, before.used + longest);
  const next = arena.allocate(600_000);
  arena.bytes[next >>> CHUNK_INDEX_SHIFT]!.fill(9);
  assert.ok(view === arena.bytes[ref >>> CHUNK_INDEX_SHIFT] && view[0] === 1 && view[size - 1] === 2);
  arena.free(next);
  arena.free(ref);
  assert.deepEqual({ used: arena.usedBytes, reserved: arena.reservedBytes }, before);
});

test('a huge block may change its buffer for one that has the content, and the accounts stay exact', () => {
  const arena = new Arena();
  const before = { used: arena.usedBytes, reserved: arena.reservedBytes };
  const size = 3_000_000;
  const ref = arena.allocate(size);
  const chunk = ref >>> CHUNK_INDEX_SHIFT;
  arena.bytes[chunk]!.set([1, 2, 3, 4, 5, 6, 7, 8]);
  const used = arena.usedBytes;
  const bytes = new Uint8Array(arena.blockBytes(ref) + 100).fill(9);
  assert.ok(!arena.adopt(ref, bytes, 2, 8), 'a word would begin between two');
  assert.ok(!arena.adopt(ref, bytes, -4, 8), 'the head has no room');
  assert.ok(!arena.adopt(ref, bytes, 104, 8), 'it is too short');
  assert.equal(arena.bytes[chunk]![100], 0, 'nothing has changed');
  assert.ok(arena.adopt(ref, bytes, 12, 6));
  assert.deepEqual([...arena.bytes[chunk]!.subarray(0, 8)], [1, 2, 3, 4, 5, 6, 9, 9]);
  assert.equal(arena.words[chunk]![0], 0x04030201);
  assert.equal(arena.views[chunk]!.getUint8(size - 1), 9);
  assert.equal(bytes[11], 9);
  assert.equal(arena.usedBytes, used);
  assert.ok(arena.bytes[chunk]!.length >= arena.blockBytes(ref));
  arena.free(ref);
  assert.deepEqual({ used: arena.usedBytes, reserved: arena.reservedBytes }, before);
  const chunkLong = arena.allocate(CHUNK_BYTES);
  assert.ok(!arena.adopt(chunkLong, new Uint8Array(CHUNK_BYTES), 0, 8), 'its buffer will be a chunk’s');
});

test('a block that is said to be zeroed is, whatever its size was used for before', () => {
  const arena = new Arena();
  const sizes = [600_000, CHUNK_BYTES, 3_000_000, 33 << 20, 100_000];
  const zeroed = sizes.map((size) => {
    for (let round = 0; round < 3; round++) {
      const ref = arena.allocate(size);
      const view = arena.bytes[ref >>> CHUNK_INDEX_SHIFT]!;
      if (arena.isZeroed(ref)) assert.equal(Buffer.compare(view.subarray(0, size), new Uint8Array(size)), 0, `${size}`);
      view.fill(7);
      arena.free(ref);
    }
    const ref = arena.allocate(size);
    const isZeroed = arena.isZeroed(ref);
    arena.free(ref);
    return isZeroed;
  });
  assert.deepEqual(zeroed, [true, false, true, true, false]);
});

test('smaller blocks do not grow in place', () => {
  const arena = new Arena();
  for (const size of [100, 100_000, CHUNK_BYTES, 3_000_000]) {
    const ref = arena.allocate(size);
    assert.ok(!arena.extend(ref, arena.blockBytes(ref) + 1), `${size}`);
    arena.free(ref);
  }
});

test('a huge block of exactly 1 MiB leaves its buffer to the next chunk', () => {
  const arena = new Arena();
  const block = arena.allocate(CHUNK_BYTES);
  const { buffer } = arena.bytes[block >>> CHUNK_INDEX_SHIFT];
  const reserved = arena.reservedBytes;
  arena.free(block);
  assert.equal(arena.reservedBytes, reserved, 'the pool has it');
  const next = arena.allocate(CHUNK_BYTES);
  assert.equal(arena.bytes[next >>> CHUNK_INDEX_SHIFT].buffer, buffer);
  assert.equal(arena.reservedBytes, reserved);
});

test('references beyond 2^31 work as int32', () => {
  const arena = new Arena();
  // Chunk indexes are taken by blocks of 2 GiB that nobody touches: the system gives no memory for them.
  const big: Ref[] = [];
  try {
    while (arena.bytes.length < 16_384 + 8) big.push(arena.allocate(2 * 1024 * 1024 * 1024 - PAGE_BYTES));
  } catch {
    return;
  }
  // Two do not fit in the first chunk.
  const refs = [1, 2].map(() => arena.allocate(500 * 1024));
  assert.ok(refs[1] < 0, 'the reference has its top bit set');
  for (const ref of refs) {
    stampBlock(arena, { ref, size: 500 * 1024, stamp: 7 });
    checkStamp(arena, { ref, size: 500 * 1024, stamp: 7 });
    arena.free(ref);
  }
  for (const each of big) arena.free(each);
  assert.equal(arena.usedBytes, 0);
});
