/**
 * DEBUG DIGEST: a fingerprint of the whole data set, equal on nodes with equal data whatever their insertion order. Source: spec server.md section 16.
 *
 *   mixed(d, b) = sha1(d xor sha1(b))        what must come in order
 *   added(d, b) = d xor sha1(b)              what may come in any order
 *
 * A value's digest depends on its type; each type brings a function, in `valueDigests`, by type id.
 */
import { createHash } from 'node:crypto';
import type { Ref } from '../memory/arena.js';
import type { Database } from './database.js';
import type { Keyspace } from './keyspace.js';

export type Digest = Uint8Array;

/** Continues `digest` with the entry's value. */
export type ValueDigest = (space: Keyspace, ref: Ref, digest: Digest) => Digest;

const DIGEST_BYTES = 20;

function sha1(bytes: Uint8Array): Digest {
  return createHash('sha1').update(bytes).digest();
}

/** Order does not matter. */
export function added(digest: Digest, bytes: Uint8Array): Digest {
  return xor(digest, sha1(bytes));
}

/** Order matters. */
export function mixed(digest: Digest, bytes: Uint8Array): Digest {
  return sha1(xor(digest, sha1(bytes)));
}

function xor(a: Digest, b: Digest): Digest {
  const result = new Uint8Array(DIGEST_BYTES);
  for (let i = 0; i < DIGEST_BYTES; i++) result[i] = a[i] ^ b[i];
  return result;
}

function bigEndian(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Type numbers of the digest, which are not our type ids throughout: modules take 5, streams 6. */
const TYPE_NUMBERS = [0, 1, 2, 3, 4, 6];

/** By type id; a type that has none cannot be in the keyspace. */
export const valueDigests: (ValueDigest | null)[] = [
  (space, ref, digest) => {
    const start = space.entries.valueStart(ref);
    return mixed(digest, space.entries.view(ref).subarray(start, start + space.entries.valueLength(ref)));
  },
  null,
  null,
  null,
  null,
  null,
];

/** The digest of one value, continued from `digest`. */
export function digestValue(space: Keyspace, ref: Ref, digest: Digest): Digest {
  const type = space.entries.type(ref);
  let result = mixed(digest, bigEndian(TYPE_NUMBERS[type]));
  result = valueDigests[type]!(space, ref, result);
  if (space.entries.hasExpiry(ref)) result = added(result, Buffer.from('!!expire!!'));
  return result;
}

export function emptyDigest(): Digest {
  return new Uint8Array(DIGEST_BYTES);
}

/** The digest of all databases. */
export function digestKeyspace(space: Keyspace): Digest {
  let result = emptyDigest();
  for (const db of space.databases)
    if (db.keyCount > 0) result = digestDatabase(space, db, mixed(result, bigEndian(db.index)));
  return result;
}

function digestDatabase(space: Keyspace, db: Database, from: Digest): Digest {
  const { entries } = space;
  let result = from;
  db.forEach((ref) => {
    const start = entries.keyStart(ref);
    const key = entries.view(ref).subarray(start, start + entries.keyLength(ref));
    result = added(result, digestValue(space, ref, mixed(emptyDigest(), key)));
  });
  return result;
}
