/**
 * BucketArray: the home buckets of a Table, numbered from 0: an array in the arena to which one bucket is added, or from which the last one is taken.
 *
 *   control block (16 bytes) = | item count | bucket count n | root | root capacity in buckets |
 *   root                     = the buckets themselves (up to 1,024), or a directory of refs to segments of 1,024 buckets
 *
 * Never are more than 1,024 buckets (64 KiB) copied, so neither takes long. The control block is the table; the item count is the Table's business.
 *
 * Invariants: (1) n is at least 1 and at most the capacity; (2) with a directory, the segments of buckets 0 to n − 1 are there, and no others.
 */
import { type Arena, CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from './arena.js';
import { BUCKET_BYTES, BUCKET_WORDS, clearBucket } from './bucket.js';

export const SEGMENT_SHIFT = 10;
export const SEGMENT_BUCKETS = 1 << SEGMENT_SHIFT;

/** Words of the control block. */
export const COUNT = 0;
export const BUCKETS = 1;
export const ROOT = 2;
export const CAPACITY = 3;
const CONTROL_BYTES = 16;

/** Segments that fit in the first directory. */
const DIRECTORY_REFS = 16;
const REF_BYTES = 4;

export class BucketArray {
  private readonly words: Int32Array[];
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
    this.words = arena.words;
  }

  /** @returns a new table without items, of so many empty buckets: 1 to SEGMENT_BUCKETS */
  create(bucketCount: number): Ref {
    const table = this.arena.allocate(CONTROL_BYTES);
    const root = this.allocateEmpty(bucketCount);
    const words = this.words[table >>> CHUNK_INDEX_SHIFT];
    const base = (table & UNIT_MASK) << 1;
    words[base + COUNT] = 0;
    words[base + BUCKETS] = bucketCount;
    words[base + ROOT] = root;
    words[base + CAPACITY] = bucketCount;
    return table;
  }

  /** Extends an array of SEGMENT_BUCKETS buckets to `bucketCount` ones, all empty. */
  extend(table: Ref, bucketCount: number): void {
    for (let bucket = SEGMENT_BUCKETS; bucket < bucketCount; bucket += SEGMENT_BUCKETS) {
      this.reserve(table, bucket);
      const segment = this.segment(this.control(table, ROOT), bucket >> SEGMENT_SHIFT);
      const base = (segment & UNIT_MASK) << 1;
      this.words[segment >>> CHUNK_INDEX_SHIFT].fill(0, base, base + SEGMENT_BUCKETS * BUCKET_WORDS);
    }
    this.setControl(table, BUCKETS, bucketCount);
  }

  /** Frees the array and the control block. */
  destroy(table: Ref): void {
    const root = this.control(table, ROOT);
    if (this.control(table, CAPACITY) > SEGMENT_BUCKETS) {
      const bucketCount = this.control(table, BUCKETS);
      for (let segment = 0; segment << SEGMENT_SHIFT < bucketCount; segment++)
        this.arena.free(this.segment(root, segment));
    }
    this.arena.free(root);
    this.arena.free(table);
  }

  /** @returns bytes of the array and the control block */
  bytes(table: Ref): number {
    const capacity = this.control(table, CAPACITY);
    if (capacity <= SEGMENT_BUCKETS) return CONTROL_BYTES + capacity * BUCKET_BYTES;
    const segments = ((this.control(table, BUCKETS) - 1) >> SEGMENT_SHIFT) + 1;
    return CONTROL_BYTES + (capacity >> SEGMENT_SHIFT) * REF_BYTES + segments * SEGMENT_BUCKETS * BUCKET_BYTES;
  }

  /** Makes room for bucket number `bucket`, the next one. Its content is undefined, and it does not count yet. */
  reserve(table: Ref, bucket: number): void {
    const capacity = this.control(table, CAPACITY);
    const root = this.control(table, ROOT);
    if (bucket < SEGMENT_BUCKETS) {
      if (bucket < capacity) return;
      // An eighth more each time, as the size classes have it; copying is 64 bytes per item in the long run.
      const wanted = Math.min(SEGMENT_BUCKETS, bucket + 1 + (bucket >> 3));
      this.moveRoot(table, root, bucket * BUCKET_WORDS, wanted * BUCKET_BYTES, wanted);
      return;
    }
    if ((bucket & (SEGMENT_BUCKETS - 1)) !== 0) return;
    const segment = this.arena.allocate(SEGMENT_BUCKETS * BUCKET_BYTES);
    const segmentCount = bucket >> SEGMENT_SHIFT;
    if (capacity <= SEGMENT_BUCKETS) {
      const directory = this.arena.allocate(DIRECTORY_REFS * REF_BYTES);
      this.words[directory >>> CHUNK_INDEX_SHIFT][(directory & UNIT_MASK) << 1] = root;
      this.setControl(table, ROOT, directory);
      this.setControl(table, CAPACITY, DIRECTORY_REFS * SEGMENT_BUCKETS);
    } else if (bucket >= capacity) {
      this.moveRoot(table, root, segmentCount, segmentCount * 2 * REF_BYTES, capacity * 2);
    }
    const directory = this.control(table, ROOT);
    this.words[directory >>> CHUNK_INDEX_SHIFT][((directory & UNIT_MASK) << 1) + segmentCount] = segment;
  }

  /** Gives back what the first `bucketCount` buckets do not need: one bucket less than before. */
  release(table: Ref, bucketCount: number): void {
    const capacity = this.control(table, CAPACITY);
    const root = this.control(table, ROOT);
    if (capacity > SEGMENT_BUCKETS) {
      if ((bucketCount & (SEGMENT_BUCKETS - 1)) !== 0) return;
      this.arena.free(this.segment(root, bucketCount >> SEGMENT_SHIFT));
      if (bucketCount > SEGMENT_BUCKETS) return;
      this.setControl(table, ROOT, this.segment(root, 0));
      this.setControl(table, CAPACITY, SEGMENT_BUCKETS);
      this.arena.free(root);
    } else if (bucketCount * 3 < capacity * 2 && capacity > 4) {
      this.trim(table);
    }
  }

  /** Gives back all room behind the last bucket, which `release` leaves to those that may come. */
  trim(table: Ref): void {
    const bucketCount = this.control(table, BUCKETS);
    const capacity = this.control(table, CAPACITY);
    if (capacity > SEGMENT_BUCKETS || bucketCount === capacity) return;
    this.moveRoot(
      table,
      this.control(table, ROOT),
      bucketCount * BUCKET_WORDS,
      bucketCount * BUCKET_BYTES,
      bucketCount,
    );
  }

  /** @returns a new block of empty buckets */
  allocateEmpty(bucketCount: number): Ref {
    const ref = this.arena.allocate(bucketCount * BUCKET_BYTES);
    const words = this.words[ref >>> CHUNK_INDEX_SHIFT];
    const base = (ref & UNIT_MASK) << 1;
    // Most tables are those of slots with a few keys.
    if (bucketCount === 1) clearBucket(words, base);
    else words.fill(0, base, base + bucketCount * BUCKET_WORDS);
    return ref;
  }

  private moveRoot(table: Ref, root: Ref, wordCount: number, byteCount: number, capacity: number): void {
    const moved = this.arena.allocate(byteCount);
    const source = this.words[root >>> CHUNK_INDEX_SHIFT];
    const sourceBase = (root & UNIT_MASK) << 1;
    this.words[moved >>> CHUNK_INDEX_SHIFT].set(
      source.subarray(sourceBase, sourceBase + wordCount),
      (moved & UNIT_MASK) << 1,
    );
    this.arena.free(root);
    this.setControl(table, ROOT, moved);
    this.setControl(table, CAPACITY, capacity);
  }

  private segment(root: Ref, segment: number): Ref {
    return this.words[root >>> CHUNK_INDEX_SHIFT][((root & UNIT_MASK) << 1) + segment];
  }

  private control(table: Ref, word: number): number {
    return this.words[table >>> CHUNK_INDEX_SHIFT][((table & UNIT_MASK) << 1) + word];
  }

  private setControl(table: Ref, word: number, value: number): void {
    this.words[table >>> CHUNK_INDEX_SHIFT][((table & UNIT_MASK) << 1) + word] = value;
  }
}
