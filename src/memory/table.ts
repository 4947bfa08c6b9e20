/**
 * Table: a hash table of byte-string keys in the arena, by linear hashing: it grows and shrinks one bucket at a time, so no insert ever stalls.
 *
 *   table           = an array of buckets, one cache line each (bucket-array.ts, bucket.ts)
 *   overflow bucket = a bucket of its own, the next one of a chain that begins in the array (bucket-chains.ts)
 *
 * With n buckets in the array and low = the highest power of two ≤ n, bucket b < n − low has been split already and is addressed with one bit more than the others.
 * An insert that lifts the load above 8 items a bucket splits bucket n − low into itself and bucket n.
 *
 * Bytes per item at the target load: 64 / 8 = 8, and about 1 for overflow buckets (a bucket not yet split holds up to 10.7 on average of 12).
 *
 * Invariants, beside those of the chains: an item is in the bucket that its hash names, nowhere else; positions found are valid until the next insert or
 * removal.
 *
 * What an item is, only `ItemKeys` knows: one Table object serves all tables whose items are laid out alike.
 */
import { type Arena, CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from './arena.js';
import {
  CELLS,
  clearBucket,
  emptyCell,
  FINGERPRINT_WORD,
  fillCell,
  fingerprintOf,
  firstMatch,
  mayHold,
  OVERFLOW_WORD,
  setFingerprint,
} from './bucket.js';
import { BUCKETS, CAPACITY, COUNT, ROOT } from './bucket-array.js';
import { BucketChains, highestPowerOfTwo, LOAD_MAX, touchItem, WARM_MAX } from './bucket-chains.js';

export interface ItemKeys {
  /** @returns the 32-bit hash of the item's key */
  hashOf(item: Ref): number;
  /** @returns whether the item's key is the given bytes */
  equals(item: Ref, key: Uint8Array, start: number, length: number): boolean;
  /** @returns whether two items have the same key */
  haveSameKey(item: Ref, other: Ref): boolean;
}

/** A random item is looked for in so many cells of a chain. Items of longer chains, one in 200, come a little too seldom. */
const PICKED_CELLS = 16;
/** Of the 12 cells of a bucket: 3 items at the usual load. */
const SAMPLE_CELLS = 5;

const LOAD_MIN = 3;
/** Of a table that has just been built. */
const LOAD_FITTED = 6;
/** Of two items that lie next to each other, or nearly so: 256 bytes. */
const NEIGHBOUR_UNITS = 32;

/**
 * Buckets of the keys being warmed, and what is most likely their items; used within one call only. Constants, since what is a field costs so many more
 * instructions that far fewer reads overlap: 220 ns a key instead of 150.
 */
const warmChunks = new Int32Array(WARM_MAX);
const warmBases = new Int32Array(WARM_MAX);
const warmItems = new Int32Array(WARM_MAX);

export class Table extends BucketChains {
  /** Where `foundItem` is: the index of the word view and of the word in it. */
  private cellChunk = 0;
  private cellWord = 0;
  /** First bucket of the chain of the last `find`, for `removeFound`. */
  private homeChunk = 0;
  private homeWord = 0;
  /** Last bucket of that chain if nothing was found, for `insertMissing`. */
  private endChunk = 0;
  private endWord = 0;
  /** A table whose buckets all stay for now, or 0. */
  private held: Ref = 0;
  private readonly keys: ItemKeys;

  constructor(arena: Arena, keys: ItemKeys) {
    super(arena);
    this.keys = keys;
  }

  /** @returns the item, or 0. Its cell is remembered for `replaceFound` and `removeFound`. */
  find(table: Ref, hash: number, key: Uint8Array, start: number, length: number): Ref {
    this.foundItem = 0;
    this.locateHash(table, hash);
    const pattern = Math.imul(hash >>> 24, 0x01010101);
    let chunk = this.bucketChunk;
    let base = this.bucketWord;
    this.homeChunk = chunk;
    this.homeWord = base;
    for (;;) {
      const words = this.words[chunk];
      for (let group = 0; group < 3; group++) {
        const difference = words[base + FINGERPRINT_WORD + group] ^ pattern;
        // A zero byte of the difference is a fingerprint that matches (Mycroft); bytes above it may match falsely, which the key comparison settles.
        let matches = (difference - 0x01010101) & ~difference & 0x80808080;
        while (matches !== 0) {
          const lowest = matches & -matches;
          const cell = base + (group << 2) + ((31 - Math.clz32(lowest)) >> 3);
          const item = words[cell];
          if (item !== 0 && this.keys.equals(item, key, start, length)) {
            this.cellChunk = chunk;
            this.cellWord = cell;
            this.foundItem = item;
            return item;
          }
          matches ^= lowest;
        }
      }
      const overflow = words[base + OVERFLOW_WORD];
      if (overflow === 0) {
        this.endChunk = chunk;
        this.endWord = base;
        return 0;
      }
      chunk = overflow >>> CHUNK_INDEX_SHIFT;
      base = (overflow & UNIT_MASK) << 1;
    }
  }

  /**
   * Reads what `find` will read for `count` keys, without waiting in between: the cache misses of different keys then overlap, where a `find`
   * waits for its bucket before it can ask for the item (1 M items, 32 keys at a time: 440 ns a key without, 150 with). The loops are short and apart, as
   * no more overlaps than what the processor has begun when it first waits.
   * @param tables the table of each key; @param hashes the keys' hashes; at most WARM_MAX
   * @returns how many of the items most likely lie just behind the one before: what is read in its order the processor fetches by itself
   */
  warm(tables: Int32Array, hashes: Int32Array, count: number): number {
    const { words } = this;
    for (let i = 0; i < count; i++) {
      this.locateHash(tables[i], hashes[i]);
      warmChunks[i] = this.bucketChunk;
      warmBases[i] = this.bucketWord;
    }
    let sum = 0;
    for (let i = 0; i < count; i++) sum ^= words[warmChunks[i]][warmBases[i] + FINGERPRINT_WORD];
    for (let i = 0; i < count; i++) warmItems[i] = firstMatch(words[warmChunks[i]], warmBases[i], hashes[i]);
    for (let i = 0; i < count; i++) sum ^= touchItem(words, warmItems[i]);
    this.warmed = sum;
    let neighbours = 0;
    for (let i = 1; i < count; i++) if ((warmItems[i] - warmItems[i - 1]) >>> 0 <= NEIGHBOUR_UNITS) neighbours++;
    return neighbours;
  }

  /**
   * Copies the items of small tables, of one bucket each, into `items`, and has them brought into the cache all at once.
   * @param tables those from number `from` to before `end`, at most WARM_MAX; 0 for none
   * @param items  gets `aheadCount` of them
   * @returns number of the first table that is not small; `end` if there is none
   */
  collectSmall(tables: Int32Array, from: number, end: number, items: Ref[]): number {
    const { words } = this;
    let sum = 0;
    let tableCount = 0;
    let number = from;
    for (; number < end; number++) {
      const table = tables[number];
      if (table === 0) continue;
      if (this.control(table, BUCKETS) > 1) break;
      this.locate(table, 0);
      warmChunks[tableCount] = this.bucketChunk;
      warmBases[tableCount++] = this.bucketWord;
    }
    for (let i = 0; i < tableCount; i++) sum ^= words[warmChunks[i]][warmBases[i]];
    this.warmed = sum;
    let count = 0;
    for (let i = 0; i < tableCount; i++) count = this.copyChain(warmChunks[i], warmBases[i], items, count);
    this.touchItems(items, count);
    this.aheadCount = count;
    return number;
  }

  /** Points the cell of `foundItem` to the item's new block. */
  replaceFound(item: Ref): void {
    this.words[this.cellChunk][this.cellWord] = item;
    this.foundItem = item;
  }

  /** Points the cell that holds `old` to `item`, the same key in another block. `hash` is the key's. */
  replace(table: Ref, hash: number, old: Ref, item: Ref): void {
    this.locateCell(table, hash, old);
    this.replaceFound(item);
  }

  /** @returns whether `item`, which may be any reference, is in the bucket of `hash`; its cell is then remembered as by `find`. */
  holds(table: Ref, hash: number, item: Ref): boolean {
    this.foundItem = 0;
    if (!this.findItem(table, hash, item)) return false;
    this.foundItem = item;
    return true;
  }

  /** Takes `item` out; its block is the caller's. */
  remove(table: Ref, hash: number, item: Ref): void {
    this.locateCell(table, hash, item);
    this.removeFound(table);
  }

  /**
   * Takes items out; their blocks are the caller's. All buckets are read before the first one is searched, so that their cache misses overlap.
   * @param hashes of the items' keys
   * @param count  at most WARM_MAX
   */
  removeAll(table: Ref, hashes: Int32Array, items: Int32Array, count: number): void {
    this.foundItem = 0;
    this.warmBuckets(table, hashes, count);
    for (let i = 0; i < count; i++) {
      this.expectFound(this.findInChain(warmChunks[i], warmBases[i], items[i]));
      this.fillHole();
    }
    // Only now, as it moves items to other buckets.
    this.setControl(table, COUNT, this.count(table) - count);
    this.shrink(table);
  }

  /** Gives back buckets of a table that has become sparse, because items went or did not come. */
  shrink(table: Ref): void {
    this.mergeTo(table, LOAD_MIN);
  }

  /** To be called before many items are removed one by one: buckets are given back by `settle`, and none has to be emptied if no item is left. */
  hold(table: Ref): void {
    this.held = table;
  }

  /** To be called when they have been removed. A table without items is left to whoever takes it apart. */
  settle(): void {
    const { held } = this;
    this.held = 0;
    if (held !== 0 && this.count(held) > 0) this.shrink(held);
  }

  /** To be called before a table is taken apart. */
  protected forget(table: Ref): void {
    if (table === this.held) this.held = 0;
  }

  /** Gives back more of them, of a table that has just been built with room for items that did not come: it takes as long as to build it. */
  fit(table: Ref): void {
    if (this.count(table) >= this.control(table, BUCKETS) * LOAD_FITTED) return;
    this.mergeTo(table, LOAD_FITTED);
    this.buckets.trim(table);
  }

  private mergeTo(table: Ref, load: number): void {
    this.foundItem = 0;
    const count = this.count(table);
    while (count < this.control(table, BUCKETS) * load && this.control(table, BUCKETS) > 1) this.merge(table);
  }

  /** Adds an item whose key is not in the table. */
  insert(table: Ref, hash: number, item: Ref): void {
    this.foundItem = 0;
    this.locateHash(table, hash);
    this.append(this.bucketChunk, this.bucketWord, hash, item);
    this.countOneMore(table);
  }

  /** Adds an item whose key the last `find` of any table of this object has not found: where it was looked for, so that the chain is not walked again. */
  insertMissing(table: Ref, hash: number, item: Ref): void {
    this.put(this.words[this.endChunk], this.endWord, hash, item);
    this.countOneMore(table);
  }

  /**
   * Adds items whose keys may be there. All buckets are read before the first one is searched, so that their cache misses overlap.
   * @param hashes of the items' keys
   * @param count  at most WARM_MAX
   * @returns how many were added before the first whose key is there: `count` if there is none
   */
  insertNew(table: Ref, hashes: Int32Array, items: Int32Array, count: number): number {
    this.foundItem = 0;
    this.warmBuckets(table, hashes, count);
    const words = this.words[table >>> CHUNK_INDEX_SHIFT];
    const base = (table & UNIT_MASK) << 1;
    let added = 0;
    while (added < count && this.appendNew(warmChunks[added], warmBases[added], hashes[added], items[added])) added++;
    words[base + COUNT] += added;
    while (words[base + COUNT] > words[base + BUCKETS] * LOAD_MAX) this.split(table);
    return added;
  }

  /** Reads the buckets of `count` hashes, at most WARM_MAX; they are in `warmChunks` and `warmBases`. */
  private warmBuckets(table: Ref, hashes: Int32Array, count: number): void {
    const words = this.words[table >>> CHUNK_INDEX_SHIFT];
    const base = (table & UNIT_MASK) << 1;
    const bucketCount = words[base + BUCKETS];
    const root = words[base + ROOT];
    const capacity = words[base + CAPACITY];
    let sum = 0;
    for (let i = 0; i < count; i++) {
      this.locateIn(root, capacity, bucketOf(hashes[i], bucketCount));
      warmChunks[i] = this.bucketChunk;
      warmBases[i] = this.bucketWord;
      sum ^= this.words[this.bucketChunk][this.bucketWord + FINGERPRINT_WORD];
    }
    this.warmed = sum;
  }

  /** Puts an item into a chain, unless its key is there. @returns whether it is not */
  private appendNew(homeChunk: number, homeBase: number, hash: number, item: Ref): boolean {
    let words = this.words[homeChunk];
    let base = homeBase;
    for (;;) {
      if (mayHold(words, base, hash) && this.hasKeyOf(words, base, hash, item)) return false;
      const overflow = words[base + OVERFLOW_WORD];
      if (overflow === 0) break;
      words = this.words[overflow >>> CHUNK_INDEX_SHIFT];
      base = (overflow & UNIT_MASK) << 1;
    }
    this.put(words, base, hash, item);
    return true;
  }

  /** @returns whether an item of the bucket has the key of `item` */
  private hasKeyOf(words: Int32Array, base: number, hash: number, item: Ref): boolean {
    for (let cell = 0; cell < CELLS && words[base + cell] !== 0; cell++) {
      if (fingerprintOf(words, base, cell) !== hash >>> 24) continue;
      if (this.keys.haveSameKey(item, words[base + cell])) return true;
    }
    return false;
  }

  private countOneMore(table: Ref): void {
    const words = this.words[table >>> CHUNK_INDEX_SHIFT];
    const base = (table & UNIT_MASK) << 1;
    const count = words[base + COUNT] + 1;
    words[base + COUNT] = count;
    if (count > words[base + BUCKETS] * LOAD_MAX) this.split(table);
  }

  /** Takes `foundItem` out of its table; its block is the caller's. */
  removeFound(table: Ref): void {
    this.foundItem = 0;
    this.fillHole();
    const words = this.words[table >>> CHUNK_INDEX_SHIFT];
    const base = (table & UNIT_MASK) << 1;
    const count = words[base + COUNT] - 1;
    words[base + COUNT] = count;
    if (count < words[base + BUCKETS] * LOAD_MIN && words[base + BUCKETS] > 1 && table !== this.held) this.merge(table);
  }

  /** @returns a random item of a table that is not empty. `random` gives integers from 0 to below its argument. */
  randomItem(table: Ref, random: (below: number) => number): Ref {
    const item = this.pickItem(table, random);
    this.foundItem = 0;
    return item;
  }

  /** As `randomItem`; its cell is remembered for `removeFound`, unless `foundItem` is 0 afterwards. */
  pickItem(table: Ref, random: (below: number) => number): Ref {
    const bucketCount = this.control(table, BUCKETS);
    for (;;) {
      this.locate(table, random(bucketCount));
      let chunk = this.bucketChunk;
      let word = this.bucketWord;
      const overflow = this.words[chunk][word + OVERFLOW_WORD];
      // A cell of a chain of PICKED_CELLS, which few exceed: so items in sparse buckets are not favoured.
      const cell = random(PICKED_CELLS);
      this.homeChunk = chunk;
      this.homeWord = word;
      if (overflow !== 0) {
        const overflowChunk = overflow >>> CHUNK_INDEX_SHIFT;
        const overflowBase = (overflow & UNIT_MASK) << 1;
        if (this.words[overflowChunk][overflowBase + PICKED_CELLS - CELLS] !== 0) return this.randomItemOfChain(random);
        if (cell >= CELLS) {
          chunk = overflowChunk;
          word = overflowBase - CELLS;
        }
      } else if (cell >= CELLS) continue;
      const item = this.words[chunk][word + cell];
      if (item === 0) continue;
      this.cellChunk = chunk;
      this.cellWord = word + cell;
      this.foundItem = item;
      return item;
    }
  }

  /**
   * Takes a sample of a random bucket of each table: the items in SAMPLE_CELLS neighbouring cells, from a random one on, and in the same cells of its
   * overflow buckets. So each item has the same chance, however crowded its bucket is; and the same among many tables, if a table is picked with a chance
   * in proportion to its bucket count. The cache misses of all tables overlap, and so do those of all items, which are read.
   * @param count of the tables; at most WARM_MAX
   * @returns how many items are in `items`; the rest of it means nothing
   */
  sampleBuckets(tables: Int32Array, count: number, random: (below: number) => number, items: Ref[]): number {
    for (let i = 0; i < count; i++) this.warmed ^= this.control(tables[i], BUCKETS);
    for (let i = 0; i < count; i++) {
      this.locate(tables[i], random(this.control(tables[i], BUCKETS)));
      warmChunks[i] = this.bucketChunk;
      warmBases[i] = this.bucketWord;
      this.warmed ^= this.words[this.bucketChunk][this.bucketWord];
    }
    let found = 0;
    for (let i = 0; i < count; i++)
      found = sampleChain(this.words, warmChunks[i], warmBases[i], random(CELLS), items, found);
    this.touchItems(items, found);
    return found;
  }

  /** @returns the hash of an item's key */
  hashOfItem(item: Ref): number {
    return this.keys.hashOf(item);
  }

  private locateHash(table: Ref, hash: number): void {
    const words = this.words[table >>> CHUNK_INDEX_SHIFT];
    const base = (table & UNIT_MASK) << 1;
    this.locateIn(words[base + ROOT], words[base + CAPACITY], bucketOf(hash, words[base + BUCKETS]));
  }

  private locateCell(table: Ref, hash: number, item: Ref): void {
    this.expectFound(this.findItem(table, hash, item));
  }

  private expectFound(isFound: boolean): void {
    if (!isFound) throw new Error('invariant: the item is in the table');
  }

  /** Looks for an item where the hash says. @returns whether it is there; its cell is then known */
  private findItem(table: Ref, hash: number, item: Ref): boolean {
    this.locateHash(table, hash);
    return this.findInChain(this.bucketChunk, this.bucketWord, item);
  }

  /** The same in the chain that begins in a given bucket. */
  private findInChain(homeChunk: number, homeBase: number, item: Ref): boolean {
    let chunk = homeChunk;
    let base = homeBase;
    this.homeChunk = chunk;
    this.homeWord = base;
    for (;;) {
      const words = this.words[chunk];
      for (let cell = 0; cell < CELLS; cell++) {
        if (words[base + cell] === item) {
          this.cellChunk = chunk;
          this.cellWord = base + cell;
          return true;
        }
      }
      const overflow = words[base + OVERFLOW_WORD];
      if (overflow === 0) return false;
      chunk = overflow >>> CHUNK_INDEX_SHIFT;
      base = (overflow & UNIT_MASK) << 1;
    }
  }

  /** Puts an item into the chain's last bucket, which is the only one that may have room. */
  private append(chunk: number, base: number, hash: number, item: Ref): void {
    let words = this.words[chunk];
    let overflow = words[base + OVERFLOW_WORD];
    while (overflow !== 0) {
      words = this.words[overflow >>> CHUNK_INDEX_SHIFT];
      base = (overflow & UNIT_MASK) << 1;
      overflow = words[base + OVERFLOW_WORD];
    }
    this.put(words, base, hash, item);
  }

  /** Puts an item into the last bucket of a chain, or one that is added to it. */
  private put(words: Int32Array, base: number, hash: number, item: Ref): void {
    const cell = emptyCell(words, base);
    if (cell < CELLS) return fillCell(words, base, cell, item, hash);
    const added = this.buckets.allocateEmpty(1);
    words[base + OVERFLOW_WORD] = added;
    fillCell(this.words[added >>> CHUNK_INDEX_SHIFT], (added & UNIT_MASK) << 1, 0, item, hash);
  }

  /** Empties the found cell and moves the chain's last item into it, so that only the last bucket of a chain has room. */
  private fillHole(): void {
    const hole = this.words[this.cellChunk];
    let previousWords: Int32Array | null = null;
    let previousBase = 0;
    let last = 0;
    let words = this.words[this.homeChunk];
    let base = this.homeWord;
    let cellBase = base;
    for (;;) {
      const overflow = words[base + OVERFLOW_WORD];
      if (overflow === 0) break;
      previousWords = words;
      previousBase = base;
      last = overflow;
      words = this.words[overflow >>> CHUNK_INDEX_SHIFT];
      base = (overflow & UNIT_MASK) << 1;
      if (words === hole && this.cellWord >= base && this.cellWord < base + CELLS) cellBase = base;
    }
    const holeCell = this.cellWord - cellBase;
    const mover = emptyCell(words, base) - 1;
    const moved = words[base + mover];
    const fingerprint = fingerprintOf(words, base, mover);
    words[base + mover] = 0;
    setFingerprint(words, base, mover, 0);
    if (words !== hole || base + mover !== this.cellWord) {
      hole[this.cellWord] = moved;
      setFingerprint(hole, cellBase, holeCell, fingerprint);
    }
    if (previousWords !== null && mover === 0) {
      previousWords[previousBase + OVERFLOW_WORD] = 0;
      this.arena.free(last);
    }
  }

  private split(table: Ref): void {
    const bucketCount = this.control(table, BUCKETS);
    this.buckets.reserve(table, bucketCount);
    const low = highestPowerOfTwo(bucketCount);
    this.locate(table, bucketCount);
    const newChunk = this.bucketChunk;
    const newBase = this.bucketWord;
    clearBucket(this.words[newChunk], newBase);
    this.setControl(table, BUCKETS, bucketCount + 1);
    this.locate(table, bucketCount - low);
    const oldChunk = this.bucketChunk;
    const oldBase = this.bucketWord;
    const mask = low * 2 - 1;
    // Empty the old chain into a copy and deal its items out again: short, and the chain invariant holds by construction.
    const items = splitItems;
    const count = this.takeChain(oldChunk, oldBase, items);
    this.touchItems(items, count);
    for (let i = 0; i < count; i++) {
      const hash = this.keys.hashOf(items[i]);
      if ((hash & mask) === bucketCount) this.append(newChunk, newBase, hash, items[i]);
      else this.append(oldChunk, oldBase, hash, items[i]);
    }
  }

  /** Moves the items of the last bucket to the one that it was split from. Of their hashes the fingerprints are enough, so that none is read. */
  private merge(table: Ref): void {
    const last = this.control(table, BUCKETS) - 1;
    const low = highestPowerOfTwo(last);
    this.locate(table, last - low);
    const targetChunk = this.bucketChunk;
    const targetBase = this.bucketWord;
    this.locate(table, last);
    let words = this.words[this.bucketChunk];
    let base = this.bucketWord;
    for (let current = 0; ; ) {
      for (let cell = 0; cell < CELLS && words[base + cell] !== 0; cell++)
        this.append(targetChunk, targetBase, fingerprintOf(words, base, cell) << 24, words[base + cell]);
      const overflow = words[base + OVERFLOW_WORD];
      if (current !== 0) this.arena.free(current);
      if (overflow === 0) break;
      current = overflow;
      words = this.words[overflow >>> CHUNK_INDEX_SHIFT];
      base = (overflow & UNIT_MASK) << 1;
    }
    this.setControl(table, BUCKETS, last);
    this.buckets.release(table, last);
  }

  /** @returns an item of the located chain, each with the same chance */
  private randomItemOfChain(random: (below: number) => number): Ref {
    const items: Ref[] = [];
    this.foundItem = 0;
    return items[random(this.collectChain(items))];
  }
}

/** Puts the items of a chain that lie in a sample's cells into `items` from number `found` on. @returns the number behind the last */
function sampleChain(
  arena: readonly Int32Array[],
  chunk: number,
  bucketBase: number,
  first: number,
  items: Ref[],
  found: number,
): number {
  let words = arena[chunk];
  let base = bucketBase;
  let count = found;
  for (;;) {
    for (let i = 0, cell = first; i < SAMPLE_CELLS; i++, cell = cell + 1 === CELLS ? 0 : cell + 1)
      if (words[base + cell] !== 0) items[count++] = words[base + cell];
    const overflow = words[base + OVERFLOW_WORD];
    if (overflow === 0) return count;
    words = arena[overflow >>> CHUNK_INDEX_SHIFT];
    base = (overflow & UNIT_MASK) << 1;
  }
}

/** Items of the chain being split or merged; used within one call only. */
const splitItems: Ref[] = [];

/** @returns the bucket of a hash among `bucketCount` ones */
function bucketOf(hash: number, bucketCount: number): number {
  const bits = 32 - Math.clz32(bucketCount - 1);
  const bucket = hash & ((1 << bits) - 1);
  return bucket < bucketCount ? bucket : bucket & ((1 << (bits - 1)) - 1);
}
