/**
 * Buckets of a hash table (table.ts) and the chains that begin in them, as what walks over whole tables sees them: which key is where is not known here.
 *
 *   bucket 0 … n − 1, a cache line each (bucket-array.ts)   → overflow bucket → overflow bucket
 *
 * Invariants: (1) in a chain all buckets but the last are full, and an overflow bucket is never empty; (2) a cell is empty iff its ref is 0.
 */
import { type Arena, CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from './arena.js';
import { BUCKET_WORDS, CELLS, clearBucket, OVERFLOW_WORD } from './bucket.js';
import { BUCKETS, BucketArray, CAPACITY, COUNT, ROOT, SEGMENT_BUCKETS, SEGMENT_SHIFT } from './bucket-array.js';

/** Most keys that `warm` takes at once: their cache lines must still be there when the commands come, and 32 fill the memory's queue anyway. */
export const WARM_MAX = 32;
/** Items a bucket has on average at most. */
export const LOAD_MAX = 8;

export class BucketChains {
  /** The item whose cell is known: the last one found, picked, moved or replaced, until any table of this object changes otherwise. 0 = none. */
  foundItem: Ref = 0;
  /** The bucket that `locate` found. */
  protected bucketChunk = 0;
  protected bucketWord = 0;
  /** How many items the last `collectAhead` has found. */
  aheadCount = 0;
  /** What was read ahead, so that the compiler cannot leave the reads out. */
  warmed = 0;
  protected readonly words: Int32Array[];
  protected readonly arena: Arena;
  protected readonly buckets: BucketArray;

  constructor(arena: Arena) {
    this.arena = arena;
    this.words = arena.words;
    this.buckets = new BucketArray(arena);
  }

  /** @param expectedCount about how many items will come; buckets for them, but not for more than 8,000, are there from the beginning */
  create(expectedCount = 0): Ref {
    return this.buckets.create(Math.max(1, Math.min(SEGMENT_BUCKETS, Math.floor(expectedCount / LOAD_MAX))));
  }

  /** The same with the buckets for `itemCount` items, however many: none has to be split for them, which takes half of an insert's time. */
  createFor(itemCount: number): Ref {
    const table = this.create(itemCount);
    const bucketCount = Math.ceil(itemCount / LOAD_MAX);
    if (bucketCount > SEGMENT_BUCKETS) this.buckets.extend(table, bucketCount);
    return table;
  }

  /** Frees the table's own blocks; the items are the caller's. */
  destroy(table: Ref): void {
    this.foundItem = 0;
    const bucketCount = this.control(table, BUCKETS);
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      this.locate(table, bucket);
      let overflow = this.words[this.bucketChunk][this.bucketWord + OVERFLOW_WORD];
      while (overflow !== 0) {
        const next = this.words[overflow >>> CHUNK_INDEX_SHIFT][((overflow & UNIT_MASK) << 1) + OVERFLOW_WORD];
        this.arena.free(overflow);
        overflow = next;
      }
    }
    this.buckets.destroy(table);
  }

  count(table: Ref): number {
    return this.words[table >>> CHUNK_INDEX_SHIFT][((table & UNIT_MASK) << 1) + COUNT];
  }

  bucketCount(table: Ref): number {
    return this.control(table, BUCKETS);
  }

  /**
   * Visits one bucket, in the reverse-binary order that keeps SCAN's promise while buckets split and merge: an item that is there from the
   * first call to the last is visited at least once.
   * @param cursor 0 to begin
   * @returns the next cursor; 0 when all has been visited
   */
  scan(table: Ref, cursor: number, visit: (item: Ref) => void): number {
    const bucketCount = this.control(table, BUCKETS);
    const low = highestPowerOfTwo(bucketCount);
    const small = cursor & (low - 1);
    const isSplit = small < bucketCount - low;
    const mask = isSplit ? low * 2 - 1 : low - 1;
    this.visitBucket(table, isSplit ? cursor & mask : small, visit);
    return reverseBits(reverseBits(cursor | ~mask) + 1) >>> 0;
  }

  /** Visits all items of bucket `bucket`; the visitor must not insert or remove. */
  visitBucket(table: Ref, bucket: number, visit: (item: Ref) => void): void {
    this.locate(table, bucket);
    let words = this.words[this.bucketChunk];
    let base = this.bucketWord;
    for (;;) {
      for (let cell = 0; cell < CELLS; cell++) {
        const item = words[base + cell];
        if (item !== 0) visit(item);
      }
      const overflow = words[base + OVERFLOW_WORD];
      if (overflow === 0) return;
      words = this.words[overflow >>> CHUNK_INDEX_SHIFT];
      base = (overflow & UNIT_MASK) << 1;
    }
  }

  /**
   * Copies the items of bucket `bucket` into `items`, which is emptied first: for visitors that insert or remove.
   * @returns how many
   */
  collectBucket(table: Ref, bucket: number, items: Ref[]): number {
    items.length = 0;
    this.locate(table, bucket);
    return this.collectChain(items);
  }

  /**
   * Copies the items of the buckets before bucket `end` into `items`, from the last bucket down, until there are some twenty; and has them brought
   * into the cache all at once (SMEMBERS of 300,000 members: 260 ns of CPU each without, 150 with).
   * @param items gets `aheadCount` of them; what is behind these stays, as to make an array shorter takes 100 ns
   * @returns the last bucket copied
   */
  collectAhead(table: Ref, end: number, items: Ref[]): number {
    let count = 0;
    let bucket = end;
    while (bucket > 0 && count < WARM_MAX - CELLS) {
      this.locate(table, --bucket);
      count = this.copyChain(this.bucketChunk, this.bucketWord, items, count);
    }
    this.touchItems(items, count);
    this.aheadCount = count;
    return bucket;
  }

  /**
   * Takes all items of bucket `bucket` out into `items`, without shrinking the table: for emptying it bucket by bucket before `destroy`.
   * @returns how many; they are the caller's
   */
  takeBucket(table: Ref, bucket: number, items: Ref[]): number {
    this.foundItem = 0;
    this.locate(table, bucket);
    const count = this.takeChain(this.bucketChunk, this.bucketWord, items);
    this.setControl(table, COUNT, this.count(table) - count);
    return count;
  }

  /**
   * Takes the last bucket and its items out of a table that is going to be destroyed, and frees what held it: for emptying a table in slices, so that
   * `destroy` finds one bucket only. Such a table must not be searched any more.
   * @returns how many items are in `items`; they are the caller's
   */
  dropBucket(table: Ref, items: Ref[]): number {
    const last = this.control(table, BUCKETS) - 1;
    const count = this.takeBucket(table, last, items);
    if (last === 0) return count;
    this.setControl(table, BUCKETS, last);
    this.buckets.release(table, last);
    return count;
  }

  /** @returns bytes of the table's own blocks, but for overflow buckets: about an eighth more. The items are not counted. */
  bytes(table: Ref): number {
    return this.buckets.bytes(table);
  }

  /** Reads items ahead of what needs them one by one (inserting 2 M keys: 1.0 µs of CPU each without, 0.75 with). */
  protected touchItems(items: readonly Ref[], count: number): void {
    const { words } = this;
    let sum = 0;
    for (let i = 0; i < count; i++) sum ^= touchItem(words, items[i]);
    this.warmed = sum;
  }

  protected control(table: Ref, word: number): number {
    return this.words[table >>> CHUNK_INDEX_SHIFT][((table & UNIT_MASK) << 1) + word];
  }

  private segment(root: Ref, segment: number): Ref {
    return this.words[root >>> CHUNK_INDEX_SHIFT][((root & UNIT_MASK) << 1) + segment];
  }

  protected locate(table: Ref, bucket: number): void {
    this.locateIn(this.control(table, ROOT), this.control(table, CAPACITY), bucket);
  }

  protected locateIn(root: Ref, capacity: number, bucket: number): void {
    if (capacity <= SEGMENT_BUCKETS) {
      this.bucketChunk = root >>> CHUNK_INDEX_SHIFT;
      this.bucketWord = ((root & UNIT_MASK) << 1) + bucket * BUCKET_WORDS;
      return;
    }
    const segment = this.segment(root, bucket >> SEGMENT_SHIFT);
    this.bucketChunk = segment >>> CHUNK_INDEX_SHIFT;
    this.bucketWord = ((segment & UNIT_MASK) << 1) + (bucket & (SEGMENT_BUCKETS - 1)) * BUCKET_WORDS;
  }

  /** Empties a chain into `items` and frees its overflow buckets. @returns how many items */
  protected takeChain(chunk: number, base: number, items: Ref[]): number {
    let count = 0;
    let words = this.words[chunk];
    let current = 0;
    for (;;) {
      for (let cell = 0; cell < CELLS; cell++) {
        const item = words[base + cell];
        if (item !== 0) items[count++] = item;
      }
      const overflow = words[base + OVERFLOW_WORD];
      if (current === 0) clearBucket(words, base);
      else this.arena.free(current);
      if (overflow === 0) return count;
      current = overflow;
      words = this.words[overflow >>> CHUNK_INDEX_SHIFT];
      base = (overflow & UNIT_MASK) << 1;
    }
  }

  protected setControl(table: Ref, word: number, value: number): void {
    this.words[table >>> CHUNK_INDEX_SHIFT][((table & UNIT_MASK) << 1) + word] = value;
  }

  /** Appends the items of the located chain. @returns how many `items` has then */
  protected collectChain(items: Ref[]): number {
    return this.copyChain(this.bucketChunk, this.bucketWord, items, items.length);
  }

  /** Puts the items of a chain into `items` from number `from` on. @returns the number behind the last */
  protected copyChain(chunk: number, firstBase: number, items: Ref[], from: number): number {
    let count = from;
    let words = this.words[chunk];
    let base = firstBase;
    for (;;) {
      for (let cell = 0; cell < CELLS && words[base + cell] !== 0; cell++) items[count++] = words[base + cell];
      const overflow = words[base + OVERFLOW_WORD];
      if (overflow === 0) return count;
      words = this.words[overflow >>> CHUNK_INDEX_SHIFT];
      base = (overflow & UNIT_MASK) << 1;
    }
  }
}

/** @returns whether a `scan` that has come to `cursor` has visited the place of items with this hash, whatever splits and merges were in between */
export function isScanned(hash: number, cursor: number): boolean {
  return reverseBits(hash) >>> 0 < reverseBits(cursor) >>> 0;
}

/** Reads the item's first cache line, and the next one, into which most items of 40 bytes or more reach. @returns anything */
export function touchItem(words: readonly Int32Array[], item: Ref): number {
  const chunk = words[item >>> CHUNK_INDEX_SHIFT];
  const base = (item & UNIT_MASK) << 1;
  return chunk[base] ^ chunk[Math.min(base + 10, chunk.length - 1)];
}

/** @param n positive */
export function highestPowerOfTwo(n: number): number {
  return 1 << (31 - Math.clz32(n));
}

function reverseBits(value: number): number {
  let v = value;
  v = ((v >>> 1) & 0x55555555) | ((v & 0x55555555) << 1);
  v = ((v >>> 2) & 0x33333333) | ((v & 0x33333333) << 2);
  v = ((v >>> 4) & 0x0f0f0f0f) | ((v & 0x0f0f0f0f) << 4);
  v = ((v >>> 8) & 0x00ff00ff) | ((v & 0x00ff00ff) << 8);
  return (v >>> 16) | (v << 16);
}
