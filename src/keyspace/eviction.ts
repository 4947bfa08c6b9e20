/**
 * Which keys go when memory is full: the policies of maxmemory-policy. Source: spec server.md section 12, rules 2, 4 and 7.
 *
 * The orderly policies (LRU, LFU, TTL) look at `samples` random keys of each database per eviction and keep the best candidates seen so far in a pool,
 * so that a few samples a time come close to the true order. They are taken for some evictions at a time, as the memory's waits for one then overlap with
 * those for the others; and from places with some three keys each: from one place they would be cheaper still, but keys with a common hash tag lie
 * together, and are often used together. A candidate is remembered by its entry and looked for again when its turn comes: if it has gone, or has been used
 * in the meantime, it is passed over. (If another key of the same bucket has got its block, that key is the candidate, by a score of its own.)
 *
 * Invariants: (1) under a volatile policy only a key that has an expiry at that moment is evicted; (2) the pool is sorted by score, the best victim
 * last; (3) keys go only through `Keyspace.evict`, so each is told to the listener.
 */
import type { Ref } from '../memory/arena.js';
import { WARM_MAX } from '../memory/bucket-chains.js';
import { lfuCounter, lfuIdleMinutes, lruIdleSeconds } from './access-clock.js';
import type { Database } from './database.js';
import { hashKey, keyHashResult } from './key-hash.js';
import type { Keyspace } from './keyspace.js';

export type EvictionOrder = 'lru' | 'lfu' | 'ttl' | 'random';

/** A key went. */
export const EVICTED = 0;
/** The policy has no key to give. */
export const NOTHING_TO_EVICT = 1;
/** There are such keys, but this attempt found none: worth another. */
export const NO_VICTIM_FOUND = 2;

const POOL_SIZE = 16;
const KEYS_PER_PLACE = 3;
/** Evictions for which samples are taken at a time. With 1 an eviction takes half as long again; with many the last of them uses old samples. */
const EVICTIONS_AHEAD = 4;
/** Places looked at for a sample before it is given up: where slots have but one key, half of the places are empty. */
const PLACES_PER_SAMPLE = 4;
/** Where there are no more keys than samples, none is missed but once in millions of evictions. */
const SAMPLES_PER_KEY = 16;
const COUNTER_MAX = 255;
/** More than the minutes that the access clock can tell: so these never weigh as much as one step of the counter. */
const MINUTES_SCALE = 2 ** 16;

class Candidate {
  db: Database | null = null;
  score = 0;
  /** Its entry, as long as `db` holds one of this hash and slot there. */
  ref: Ref = 0;
  hash = 0;
  slot = 0;
}

export class Eviction {
  /** Set by maxmemory-policy; null = noeviction. */
  order: EvictionOrder | null = null;
  /** Whether only keys with an expiry are evicted. */
  isVolatile = false;
  /** maxmemory-samples */
  samples = 5;
  private readonly space: Keyspace;
  private readonly pool: Candidate[] = Array.from({ length: POOL_SIZE }, () => new Candidate());
  private poolCount = 0;
  /** For so many evictions samples have been taken. */
  private evictionsAhead = 0;
  private readonly sampled: Ref[] = [];
  /** Database whose turn it is under a random policy. */
  private nextIndex = 0;

  constructor(space: Keyspace) {
    this.space = space;
  }

  /** @param policy value of maxmemory-policy */
  setPolicy(policy: string): void {
    const [range, order] = policy.split('-');
    this.order = order === undefined ? null : (order as EvictionOrder);
    this.isVolatile = range === 'volatile';
    // Scores of another order mean nothing.
    this.poolCount = 0;
  }

  /** Evicts one key. @returns EVICTED, NOTHING_TO_EVICT or NO_VICTIM_FOUND */
  evictOne(): number {
    if (this.order === null) return NOTHING_TO_EVICT;
    return this.order === 'random' ? this.evictRandom() : this.evictBest();
  }

  private evictRandom(): number {
    const { databases } = this.space;
    let hasKeys = false;
    for (let i = 0; i < databases.length; i++) {
      const db = databases[this.nextIndex++ % databases.length];
      if (this.eligibleCount(db) === 0) continue;
      hasKeys = true;
      if (this.isVolatile && db.sampleExpiring(this.sampled, 1) === 0) continue;
      this.space.evict(db, this.isVolatile ? this.sampled[0] : db.randomEntry());
      return EVICTED;
    }
    return hasKeys ? NO_VICTIM_FOUND : NOTHING_TO_EVICT;
  }

  private evictBest(): number {
    for (let isFresh = false; ; isFresh = true) {
      if (this.evictionsAhead === 0 || this.poolCount === 0) {
        if (isFresh) return NO_VICTIM_FOUND;
        if (!this.takeSamples()) return NOTHING_TO_EVICT;
        this.evictionsAhead = EVICTIONS_AHEAD;
      }
      while (this.poolCount > 0) {
        const candidate = this.pool[--this.poolCount];
        const { db } = candidate;
        candidate.db = null;
        if (db === null || !this.isStillBest(db, candidate)) continue;
        this.space.evict(db, candidate.ref);
        this.evictionsAhead--;
        return EVICTED;
      }
    }
  }

  /** Takes the samples of the next evictions. @returns false if the policy has no key to give */
  private takeSamples(): boolean {
    let hasKeys = false;
    for (const db of this.space.databases) {
      const count = this.eligibleCount(db);
      if (count === 0) continue;
      hasKeys = true;
      let rest = count > this.samples ? this.samples * EVICTIONS_AHEAD : count * SAMPLES_PER_KEY;
      for (let places = rest * PLACES_PER_SAMPLE; rest > 0 && places > 0; ) {
        const placeCount = this.isVolatile ? 1 : Math.min(Math.ceil(rest / KEYS_PER_PLACE), WARM_MAX, places);
        const found = this.sample(db, rest, placeCount);
        for (let i = 0; i < found; i++) this.consider(db, this.sampled[i]);
        rest -= found;
        places -= placeCount;
      }
    }
    return hasKeys;
  }

  /** @returns how many keys of so many places are in `sampled`; maybe 0 */
  private sample(db: Database, max: number, places: number): number {
    if (!this.isVolatile) return db.sample(this.sampled, places);
    return db.sampleExpiring(this.sampled, Math.min(max, KEYS_PER_PLACE));
  }

  private eligibleCount(db: Database): number {
    return this.isVolatile ? db.expiryCount : db.keyCount;
  }

  /** Puts a key into the pool, if it is a better victim than the worst there or there is room. */
  private consider(db: Database, ref: Ref): void {
    const score = this.scoreOf(ref);
    const { pool } = this;
    if (this.poolCount === POOL_SIZE && score <= pool[0].score) return;
    let at = this.poolCount;
    let spare: Candidate;
    if (this.poolCount === POOL_SIZE) {
      spare = pool[0];
      at = 0;
      while (at + 1 < POOL_SIZE && pool[at + 1].score < score) {
        pool[at] = pool[at + 1];
        at++;
      }
    } else {
      spare = pool[this.poolCount++];
      while (at > 0 && pool[at - 1].score >= score) {
        pool[at] = pool[at - 1];
        at--;
      }
    }
    pool[at] = spare;
    this.fill(spare, db, ref, score);
  }

  private fill(candidate: Candidate, db: Database, ref: Ref, score: number): void {
    const { entries } = this.space;
    candidate.hash = hashKey(entries.view(ref), entries.keyStart(ref), entries.keyLength(ref));
    candidate.slot = keyHashResult.slot;
    candidate.ref = ref;
    candidate.db = db;
    candidate.score = score;
  }

  private isStillBest(db: Database, { ref, hash, slot, score }: Candidate): boolean {
    const { space } = this;
    if (space.databases[db.index] !== db || !db.holds(ref, hash, slot)) return false;
    return (!this.isVolatile || space.entries.hasExpiry(ref)) && this.scoreOf(ref) >= score;
  }

  /** How good a victim the key is: higher is better. */
  private scoreOf(ref: Ref): number {
    const { entries, nowMs, lfuDecayMinutes } = this.space;
    const clock = entries.clockAndMark(ref);
    if (this.order === 'lru') return lruIdleSeconds(clock, nowMs);
    if (this.order === 'ttl') return -entries.expireAtMs(ref);
    // Among keys that are used equally often the one that has rested longest.
    return COUNTER_MAX - lfuCounter(clock, nowMs, lfuDecayMinutes) + lfuIdleMinutes(clock, nowMs) / MINUTES_SCALE;
  }
}
