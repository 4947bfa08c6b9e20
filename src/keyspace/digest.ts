/**
 * DEBUG DIGEST: a fingerprint of the whole data set, equal on nodes with equal data whatever their insertion order. Source: spec server.md section 16.
 *
 *   mix(b): d = sha1(d xor sha1(b))        what must come in order
 *   add(b): d = d xor sha1(b)              what may come in any order
 *
 * A value's digest depends on its type; each type brings a function, in `valueDigests`, by type id. A digest changes in place: there are millions of
 * elements to go through.
 */
import type { Ref } from '../memory/arena.js';
import type { Database } from './database.js';
import type { Keyspace } from './keyspace.js';
import { SHA1_WORDS, sha1, sha1OfWords } from './sha1.js';

/** The hash that is mixed in. */
const hashed = new Int32Array(SHA1_WORDS);
const number = new Uint8Array(4);

export class Digest {
  private readonly words = new Int32Array(SHA1_WORDS);

  clear(): void {
    this.words.fill(0);
  }

  /** Order matters. */
  mix(bytes: Uint8Array, start: number, length: number): void {
    this.add(bytes, start, length);
    sha1OfWords(this.words, this.words);
  }

  /** Order does not matter. */
  add(bytes: Uint8Array, start: number, length: number): void {
    sha1(bytes, start, length, hashed);
    this.xorHashed();
  }

  /** `add` of the 20 bytes of another digest. */
  addDigest(other: Digest): void {
    sha1OfWords(other.words, hashed);
    this.xorHashed();
  }

  /** `mix` of four bytes, big-endian. */
  mixNumber(value: number): void {
    for (let i = 0; i < number.length; i++) number[i] = value >>> (24 - 8 * i);
    this.mix(number, 0, number.length);
  }

  /** 40 hex digits. */
  toString(): string {
    return Array.from(this.words, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  }

  private xorHashed(): void {
    const { words } = this;
    for (let i = 0; i < SHA1_WORDS; i++) words[i] ^= hashed[i];
  }
}

/** Continues `digest` with the entry's value. */
export type ValueDigest = (space: Keyspace, ref: Ref, digest: Digest) => void;

/** Type numbers of the digest, which are not our type ids throughout: modules take 5, streams 6. */
const TYPE_NUMBERS = [0, 1, 2, 3, 4, 6];
const EXPIRY_MARK = new TextEncoder().encode('!!expire!!');

/** By type id; a type that has none cannot be in the keyspace. */
export const valueDigests: (ValueDigest | null)[] = [
  ({ entries }, ref, digest) => digest.mix(entries.view(ref), entries.valueStart(ref), entries.valueLength(ref)),
  null,
  null,
  null,
  null,
  null,
];

/** Continues `digest` with one value. */
export function digestValue(space: Keyspace, ref: Ref, digest: Digest): void {
  const type = space.entries.type(ref);
  digest.mixNumber(TYPE_NUMBERS[type]);
  valueDigests[type]!(space, ref, digest);
  if (space.entries.hasExpiry(ref)) digest.add(EXPIRY_MARK, 0, EXPIRY_MARK.length);
}

/** The digest of all databases. */
export function digestKeyspace(space: Keyspace): Digest {
  const result = new Digest();
  for (const db of space.databases) {
    if (db.keyCount === 0) continue;
    result.mixNumber(db.index);
    digestDatabase(space, db, result);
  }
  return result;
}

function digestDatabase(space: Keyspace, db: Database, result: Digest): void {
  const { entries } = space;
  const ofKey = new Digest();
  db.forEach((ref) => {
    ofKey.clear();
    ofKey.mix(entries.view(ref), entries.keyStart(ref), entries.keyLength(ref));
    digestValue(space, ref, ofKey);
    result.addDigest(ofKey);
  });
}
