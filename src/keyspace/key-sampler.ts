/**
 * Entries of a database picked at random: RANDOMKEY, and samples for eviction. A slot is drawn with a chance in proportion to what it holds, then a place in
 * its table.
 *
 * Invariant: each kind of counts, once it is kept, is exact between the operations of the database, which tells what it adds to and takes from a slot. Keys
 * and buckets are counted from the first draw on that needs it, expiries from the first one on.
 */
import type { Ref } from '../memory/arena.js';
import { WARM_MAX } from '../memory/bucket-chains.js';
import { SLOT_COUNT } from './key-slot.js';
import type { Keyspace } from './keyspace.js';
import { randomBelow } from './random.js';
import { SlotCounts } from './slot-counts.js';

/** Buckets looked at for one sample: some 50 µs where only few of the keys have an expiry. */
const SAMPLE_BUCKETS_MAX = 64;

export class KeySampler {
  /** How many keys each slot has. */
  private keys: SlotCounts | null = null;
  /** How many buckets the table of each slot has. */
  private buckets: SlotCounts | null = null;
  /** How many keys with an expiry each slot has. */
  private expiries: SlotCounts | null = null;

  /** @param slots the table of each slot; 0 = no key */
  constructor(
    private readonly space: Keyspace,
    private readonly slots: Int32Array,
  ) {}

  /** A key was added to or removed from a slot. */
  noteKey(slot: number, change: number): void {
    if (this.keys !== null) this.keys.add(slot, change);
    if (this.buckets !== null) this.buckets.set(slot, this.bucketsOf(slot));
  }

  /** A key of a slot has got an expiry or lost it. */
  noteExpiry(slot: number, change: number): void {
    this.expiries ??= new SlotCounts();
    this.expiries.add(slot, change);
  }

  /** @returns an entry picked with equal chance among all, of which there must be one */
  any(): Ref {
    this.keys ??= this.counted((slot) => this.space.table.count(this.slots[slot]));
    return this.space.table.randomItem(this.slots[this.keys.randomSlot()], randomBelow);
  }

  /**
   * Picks entries that lie together in places picked at random, some three in each. A place costs a few cache misses, which overlap with those of the others;
   * keys that lie together have nothing in common but their slot. All entries have the same chance, whether they lie alone or in a crowd. There must be one.
   * @param places at most WARM_MAX
   * @returns how many are in `sampled`; maybe 0, as there are empty places
   */
  some(sampled: Ref[], places: number): number {
    this.buckets ??= this.counted((slot) => this.bucketsOf(slot));
    for (let i = 0; i < places; i++) drawnTables[i] = this.slots[this.buckets.randomSlot()];
    return this.space.table.sampleBuckets(drawnTables, places, randomBelow, sampled);
  }

  /**
   * As `some`, of entries with an expiry. One behind others without has a somewhat greater chance.
   * @param max how many at most
   * @returns how many are in `sampled`; 0 also if none was found with reasonable effort, where few keys of a slot have an expiry
   */
  someExpiring(sampled: Ref[], max: number): number {
    const { entries, table } = this.space;
    const keys = this.slots[this.expiries!.randomSlot()];
    const bucketCount = table.bucketCount(keys);
    let bucket = randomBelow(bucketCount);
    let found = 0;
    for (let rest = Math.min(bucketCount, SAMPLE_BUCKETS_MAX); rest > 0; rest--) {
      const count = table.collectBucket(keys, bucket, collected);
      // From a random one on: each is to have its chance, wherever in its bucket it is.
      for (let i = 0, at = randomBelow(count); i < count; i++, at = at + 1 === count ? 0 : at + 1) {
        if (!entries.hasExpiry(collected[at])) continue;
        sampled[found++] = collected[at];
        if (found === max) return found;
      }
      if (++bucket === bucketCount) bucket = 0;
    }
    return found;
  }

  private counted(countOf: (slot: number) => number): SlotCounts {
    const counts = new SlotCounts();
    for (let slot = 0; slot < SLOT_COUNT; slot++) if (this.slots[slot] !== 0) counts.add(slot, countOf(slot));
    return counts;
  }

  private bucketsOf(slot: number): number {
    const table = this.slots[slot];
    return table === 0 ? 0 : this.space.table.bucketCount(table);
  }
}

/** Tables of the places drawn; used within one call only. */
const drawnTables = new Int32Array(WARM_MAX);

/** Items of the bucket being walked; used within one call only. */
const collected: Ref[] = [];
