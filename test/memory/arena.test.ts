/** The allocator against a model: no overlap, exact accounts, and the limits of references. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena, CHUNK_INDEX_SHIFT, CHUNK_ROOM_BYTES, type Ref, UNIT_MASK } from '../../src/memory/arena.js';
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

/** A huge block may also come in a buffer that somebody else had, be another's that has moved, or begin elsewhere in its buffer than it did. */
function allocateSomehow(arena: Arena, random: Random, size: number): Ref {
  if (!Arena.isHugeSize(size) || random.oneIn(2)) return arena.allocate(size);
  if (random.oneIn(2)) {
    const needed = Arena.roundedBytes(size) + 100;
    const bytes = arena.hugeBuffers.takeSpare(needed) ?? new Uint8Array(needed);
    const adopted = arena.adopt(bytes, 4 * random.below(25), size);
    if (adopted !== 0) return adopted;
    arena.hugeBuffers.put(bytes);
    return arena.allocate(size);
  }
  const delta = 4 * random.below(25) - 48;
  const ref = arena.allocate(size + delta);
  if (!arena.canShift(ref, delta, size)) {
    arena.free(ref);
    return arena.allocate(size);
  }
  arena.shift(ref, delta, size);
  if (random.oneIn(2)) return ref;
  const head = arena.allocateHead(size, 1 + random.below(100));
  arena.exchangeBuffers(ref, head);
  arena.free(ref);
  return head;
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
        const ref = allocateSomehow(arena, random, size);
        const block = { ref, size, stamp: random.below(0x7fffffff) };
        assert.notEqual(ref, 0);
        assert.ok(arena.blockBytes(ref) >= size);
        if (Arena.isHugeSize(size)) assert.ok(arena.blockBytes(ref) <= Arena.roundedBytes(size));
        else assert.equal(arena.blockBytes(ref), Arena.roundedBytes(size));
        assert.ok(arena.fits(ref, size));
        used += arena.blockBytes(ref);
        stampBlock(arena, block);
        blocks.push(block);
      } else if (random.oneIn(200)) {
        blocks.sort((a, b) => (a.ref >>> 0) - (b.ref >>> 0));
        const freed = blocks.splice(random.below(blocks.length), 1 + random.below(100));
        if (random.oneIn(2)) freed.reverse();
        for (const block of freed) {
          checkStamp(arena, block);
          used -= arena.blockBytes(block.ref);
        }
        const stride = 1 + random.below(2);
        const refs = new Int32Array(freed.length * stride);
        for (const [i, block] of freed.entries()) refs[i * stride] = block.ref;
        arena.freeAll(refs, stride);
      } else {
        const at = random.below(blocks.length);
        const block = blocks[at];
        blocks[at] = blocks[blocks.length - 1];
        blocks.pop();
        checkStamp(arena, block);
        used -= arena.blockBytes(block.ref);
        arena.free(block.ref);
      }
      if (random.oneIn(5000)) arena.releaseBuffers(random.below(10));
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
    // The first time it sees what is needed: the bound of spare huge buffers, then nothing.
    for (let time = 0; time < 2; time++) arena.releaseBuffers(Number.MAX_SAFE_INTEGER);
    // The first page's chunk, and one spare.
    assert.ok(arena.reservedBytes <= 2 * CHUNK_ROOM_BYTES, `${arena.reservedBytes} bytes are kept`);
  });
});

test('blocks that are all there is of a slab are given back together, before others of it as after', () => {
  const arena = new Arena();
  const before = arena.usedBytes;
  const blocks = Int32Array.from({ length: 100 }, () => arena.allocate(8192));
  arena.free(blocks[0]);
  arena.freeAll(blocks.slice(1, 4), 1);
  arena.freeAll(blocks.slice(10, 11), 1);
  const again = Int32Array.from({ length: 5 }, () => arena.allocate(8192));
  assert.equal(arena.usedBytes, before + 100 * 8192);
  assert.equal(new Set([...again, ...blocks.slice(4, 10), ...blocks.slice(11)]).size, 100);
  arena.freeAll(again, 1);
  arena.freeAll(blocks.slice(4, 10), 1);
  arena.freeAll(blocks.slice(11), 1);
  assert.equal(arena.usedBytes, before);
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

test('a huge block has a buffer of its own, which is kept for a while', () => {
  const arena = new Arena();
  const before = arena.reservedBytes;
  const refs = [600_000, 3_000_000, 1_048_577].map((size) => arena.allocate(size));
  const full = arena.reservedBytes;
  assert.ok(full >= before + 4_648_577);
  assert.equal(arena.blockBytes(refs[1]) % PAGE_BYTES, 0);
  for (const ref of refs) arena.free(ref);
  assert.ok(arena.reservedBytes >= full);
  arena.releaseBuffers(1);
  assert.ok(arena.reservedBytes >= full, 'a moment ago they were in use');
  arena.releaseBuffers(1);
  assert.equal(arena.reservedBytes, before);
});

/** Empties the spare buffers. */
function forgetSpares(arena: Arena): void {
  for (let time = 0; time < 2; time++) arena.releaseBuffers(0);
}

const bufferOf = (arena: Arena, ref: Ref): ArrayBufferLike => arena.bytes[ref >>> CHUNK_INDEX_SHIFT]!.buffer;

test('the buffer of a freed huge block becomes the next one’s that it fits', () => {
  const arena = new Arena();
  const first = arena.allocate(3_000_000);
  const buffer = bufferOf(arena, first);
  const reserved = arena.reservedBytes;
  arena.free(first);
  const larger = arena.allocate(3_100_000);
  const smaller = arena.allocate(2_600_000);
  assert.ok(bufferOf(arena, larger) !== buffer && bufferOf(arena, smaller) !== buffer, 'too short, or too long');
  arena.free(smaller);
  arena.free(larger);
  forgetSpares(arena);
  const again = arena.allocate(3_000_000);
  const againBuffer = bufferOf(arena, again);
  arena.free(again);
  const next = arena.allocate(2_700_000);
  assert.equal(bufferOf(arena, next), againBuffer);
  assert.equal(arena.reservedBytes, reserved);
  assert.equal(arena.blockBytes(next), Arena.roundedBytes(2_700_000));
  assert.ok(arena.extend(next, 3_000_000), 'it may grow into what is left of the buffer');
  assert.equal(arena.reservedBytes, reserved);
  arena.free(next);
});

test('what grows leaves no more behind than it did without spare buffers', () => {
  const arena = new Arena();
  const before = arena.reservedBytes;
  let ref = arena.allocate(1_200_000);
  let peak = 0;
  for (let size = 1_800_000; size < 60_000_000; size *= 1.5) {
    const next = arena.allocate(size);
    peak = Math.max(peak, arena.blockBytes(ref) + arena.blockBytes(next) * 1.25 + 1000);
    arena.free(ref);
    ref = next;
    assert.ok(arena.reservedBytes - before <= peak, `${arena.reservedBytes - before} bytes, ${peak} at once`);
  }
  arena.free(ref);
});

test('many small buffers displace a large spare one, when they are as large together', () => {
  const arena = new Arena();
  const before = arena.reservedBytes;
  const large = arena.allocate(8_000_000);
  const full = arena.reservedBytes;
  arena.free(large);
  const refs: Ref[] = [];
  while (arena.usedBytes < 40_000_000) refs.push(arena.allocate(2_000_000));
  assert.ok(arena.reservedBytes - before < arena.usedBytes + 100_000, `${arena.reservedBytes} for ${arena.usedBytes}`);
  assert.ok(arena.reservedBytes > full);
  for (const ref of refs) arena.free(ref);
});

test('a huge block may be made of a buffer that has the content, and the accounts stay exact', () => {
  const arena = new Arena();
  const before = { used: arena.usedBytes, reserved: arena.reservedBytes };
  const size = 3_000_000;
  const rounded = Arena.roundedBytes(size);
  const bytes = new Uint8Array(rounded + 602).fill(9);
  assert.equal(arena.adopt(bytes, 2, size), 0, 'a word would begin between two');
  assert.equal(arena.adopt(bytes, -4, size), 0, 'the head has no room');
  assert.equal(arena.adopt(bytes, 604, size), 0, 'it is too short');
  assert.equal(arena.adopt(bytes, 0, size * 0.85), 0, 'it is too long');
  assert.equal(arena.adopt(bytes, 0, 500_000), 0, 'such a block has no buffer of its own');
  assert.deepEqual({ used: arena.usedBytes, reserved: arena.reservedBytes }, before);
  const ref = arena.adopt(bytes, 12, size);
  const chunk = ref >>> CHUNK_INDEX_SHIFT;
  assert.equal(arena.usedBytes, before.used + rounded);
  assert.equal(arena.blockBytes(ref), rounded);
  assert.equal(arena.reservedBytes, before.reserved + rounded + 588);
  arena.words[chunk]![0] = 0x04030201;
  assert.deepEqual([...bytes.subarray(11, 17)], [9, 1, 2, 3, 4, 9]);
  assert.equal(arena.views[chunk]!.getUint8(size - 1), 9);
  arena.free(ref);
  const next = arena.allocate(size);
  assert.equal(bufferOf(arena, next), bytes.buffer);
  arena.free(next);
  forgetSpares(arena);
  assert.deepEqual({ used: arena.usedBytes, reserved: arena.reservedBytes }, before);
});

test('a huge block of which only the head is there gets the buffer of another', () => {
  const arena = new Arena();
  const before = { used: arena.usedBytes, reserved: arena.reservedBytes, blocks: arena.blockCount };
  for (const size of [3_000_000, CHUNK_ROOM_BYTES, 600_000]) {
    const ref = arena.allocate(size);
    const reserved = arena.reservedBytes;
    arena.bytes[ref >>> CHUNK_INDEX_SHIFT]!.fill(7);
    const head = arena.allocateHead(size, 100);
    arena.bytes[head >>> CHUNK_INDEX_SHIFT]!.fill(8, 0, 100);
    assert.ok(arena.reservedBytes < reserved + 200);
    assert.equal(arena.blockBytes(head), arena.blockBytes(ref));
    const buffer = bufferOf(arena, ref);
    arena.exchangeBuffers(ref, head);
    arena.free(ref);
    assert.equal(arena.reservedBytes, reserved);
    assert.equal(bufferOf(arena, head), buffer);
    assert.equal(arena.bytes[head >>> CHUNK_INDEX_SHIFT]![size - 1], 7);
    arena.free(head);
    const unused = arena.allocateHead(size, 8);
    arena.free(unused);
  }
  forgetSpares(arena);
  arena.releaseBuffers(10);
  assert.deepEqual({ used: arena.usedBytes, reserved: arena.reservedBytes, blocks: arena.blockCount }, before);
});

test('a huge block begins earlier or later in its buffer, as far as that goes, and its bytes stay where they are', () => {
  const arena = new Arena();
  const size = 3_000_000;
  const before = { used: arena.usedBytes, reserved: arena.reservedBytes };
  const ref = arena.allocate(size);
  const chunk = ref >>> CHUNK_INDEX_SHIFT;
  const rounded = arena.blockBytes(ref);
  arena.bytes[chunk]![100] = 1;
  arena.bytes[chunk]![size - 1] = 2;
  const buffer = bufferOf(arena, ref);
  assert.ok(!arena.canShift(ref, -2, size), 'a word would begin between two');
  assert.ok(!arena.canShift(ref, -100_000, size), 'the buffer begins later');
  assert.ok(!arena.canShift(ref, 20_000, size), 'the buffer ends earlier');
  assert.ok(!arena.canShift(ref, 0, 500_000), 'it would be no huge one');
  for (const [delta, bytes] of [
    [-400, size + 400],
    [500, size - 100],
    [-100, size],
    [100_000, size - 100_000],
    [-100_000, size],
  ] as const) {
    assert.ok(arena.canShift(ref, delta, bytes));
    arena.shift(ref, delta, bytes);
    const { length } = arena.bytes[chunk]!;
    assert.equal(arena.blockBytes(ref), Math.min(Arena.roundedBytes(bytes), length));
    assert.equal(arena.usedBytes, before.used + arena.blockBytes(ref));
    assert.equal(arena.reservedBytes, before.reserved + length);
  }
  assert.deepEqual([arena.bytes[chunk]![100], arena.bytes[chunk]![size - 1]], [1, 2]);
  assert.equal(arena.views[chunk]!.getUint8(100), 1);
  assert.equal(arena.words[chunk]![25], 1);
  assert.equal(bufferOf(arena, ref), buffer);
  assert.equal(arena.bytes[chunk]!.length, rounded);
  arena.free(ref);
  forgetSpares(arena);
  arena.releaseBuffers(10);
  assert.equal(arena.usedBytes, before.used);
});

test('a block that grows in place has no more bytes than its buffer', () => {
  const arena = new Arena();
  const size = 33 << 20;
  const bytes = arena.hugeBuffers.take(size + 20_000);
  const ref = arena.adopt(bytes, 40, size);
  const { length } = arena.bytes[ref >>> CHUNK_INDEX_SHIFT]!;
  assert.ok(length < Arena.roundedBytes(length));
  assert.ok(arena.extend(ref, length - 10));
  assert.equal(arena.blockBytes(ref), length);
  assert.ok(!arena.fits(ref, length + 1) && !arena.extend(ref, length + 1));
  arena.free(ref);
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
  forgetSpares(arena);
  assert.deepEqual({ used: arena.usedBytes, reserved: arena.reservedBytes }, before);
});

test('a block that is said to be zeros is, whatever its size was used for before', () => {
  const arena = new Arena();
  const sizes = [600_000, CHUNK_ROOM_BYTES, 3_000_000, 33 << 20, 100_000];
  const kept = 1000;
  const renewed = sizes.map((size) => {
    const isRenewed: boolean[] = [];
    for (let round = 0; round < 3; round++) {
      const ref = arena.allocate(size);
      arena.bytes[ref >>> CHUNK_INDEX_SHIFT]!.fill(6, 0, kept);
      const used = arena.usedBytes;
      isRenewed.push(arena.renew(ref, kept));
      assert.equal(arena.usedBytes, used);
      const view = arena.bytes[ref >>> CHUNK_INDEX_SHIFT]!;
      assert.ok(view.subarray(0, kept).every((byte) => byte === 6));
      if (isRenewed[round])
        assert.equal(Buffer.compare(view.subarray(kept, size), new Uint8Array(size - kept)), 0, `${size}`);
      view.fill(7, 0, size);
      arena.free(ref);
      assert.ok(arena.reservedBytes < 100 << 20);
    }
    return isRenewed;
  });
  assert.deepEqual(renewed, [
    [true, true, true],
    [true, true, true],
    [true, true, true],
    [true, true, true],
    [false, false, false],
  ]);
  assert.equal(arena.hugeBuffers.spareBytes, 0, 'few of their pages may have been written');
  for (const size of [33 << 20, 3_000_000]) {
    const dense = arena.allocate(size);
    const buffer = bufferOf(arena, dense);
    arena.bytes[dense >>> CHUNK_INDEX_SHIFT]!.fill(7);
    arena.free(dense);
    const ref = arena.allocate(size);
    assert.equal(bufferOf(arena, ref), buffer);
    assert.ok(!arena.renew(ref, 1 << 20), 'so much is not copied');
    assert.equal(arena.renew(ref, kept), size > 32 << 20, 'filling a small one takes no longer');
    const view = arena.bytes[ref >>> CHUNK_INDEX_SHIFT]!;
    assert.deepEqual([view[kept - 1], view[kept]], size > 32 << 20 ? [7, 0] : [7, 7]);
    arena.free(ref);
    assert.equal(bufferOf(arena, arena.allocate(size)), buffer, 'what was replaced is spare');
  }
});

test('smaller blocks do not grow in place', () => {
  const arena = new Arena();
  for (const size of [100, 100_000, CHUNK_ROOM_BYTES, 3_000_000]) {
    const ref = arena.allocate(size);
    assert.ok(!arena.extend(ref, arena.blockBytes(ref) + 1), `${size}`);
    arena.free(ref);
  }
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
