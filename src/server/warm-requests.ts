/**
 * Brings what requests are about to need into the cache: the entries of their keys, and the items of their members in large values, all at once
 * (`lookahead.ts` tells why). Nothing depends on it but time.
 */
import type { Database } from '../keyspace/database.js';
import { TYPE_ZSET } from '../keyspace/entry.js';
import { hashBytes, hashKey } from '../keyspace/key-hash.js';
import type { Ref } from '../memory/arena.js';
import { WARM_MAX } from '../memory/bucket-chains.js';

/** Which words of a request are taken for key and member. In a sorted set, of more than three words, the member is the one behind: a score comes first. */
export const KEY_WORD = 1;
export const MEMBER_WORD = 2;
/** Of fewer items most are in some cache, and a look takes longer than it saves: 0.1 µs a request, at a million items 0.3 to 0.8 less in the search. */
const ITEMS_MIN = 262_144;

/** Keys of one call. */
const keyStarts = new Int32Array(WARM_MAX);
const keyLengths = new Int32Array(WARM_MAX);
/** Members of one call: their tables and hashes. */
const itemTables = new Int32Array(WARM_MAX);
const itemHashes = new Int32Array(WARM_MAX);

/**
 * Warms the keys of the requests from number `from` to before `end`, at most WARM_MAX, and their members. All are in `bytes`, which must
 * stay until `forgetHashAhead`.
 * @param firstWords the words of request number i are those from `firstWords[i]` to before `firstWords[i + 1]`
 */
export function warmRequests(
  db: Database,
  bytes: Uint8Array,
  firstWords: Int32Array,
  from: number,
  end: number,
  wordStarts: Int32Array,
  wordLengths: Int32Array,
): void {
  let count = 0;
  for (let i = from; i < end; i++) {
    const word = firstWords[i] + KEY_WORD;
    if (word >= firstWords[i + 1]) continue;
    keyStarts[count] = wordStarts[word];
    keyLengths[count++] = wordLengths[word];
  }
  if (count < 2) return;
  db.warm(bytes, keyStarts, keyLengths, count);
  warmMembers(db, bytes, firstWords, from, end, wordStarts, wordLengths);
}

/** Warms the members that the same requests are about: if the key of the first one is a large hash, set or sorted set, as then many are. */
function warmMembers(
  db: Database,
  bytes: Uint8Array,
  firstWords: Int32Array,
  from: number,
  end: number,
  wordStarts: Int32Array,
  wordLengths: Int32Array,
): void {
  let count = 0;
  let keyHash = 0;
  let table: Ref = 0;
  let isScored = false;
  for (let i = from; i < end; i++) {
    const first = firstWords[i];
    const words = firstWords[i + 1] - first;
    if (words <= MEMBER_WORD) continue;
    const start = wordStarts[first + KEY_WORD];
    const length = wordLengths[first + KEY_WORD];
    // Requests in a row most often have the same key; another one with its hash costs nothing but time.
    const hash = hashKey(bytes, start, length);
    if (i === from || hash !== keyHash) {
      keyHash = hash;
      const ref = db.find(bytes, start, length);
      table = largeTableOf(db, ref);
      if (table !== 0) isScored = db.space.entries.type(ref) === TYPE_ZSET;
      else if (i === from) return;
    }
    if (table === 0) continue;
    const member = first + (isScored && words > MEMBER_WORD + 1 ? MEMBER_WORD + 1 : MEMBER_WORD);
    itemTables[count] = table;
    itemHashes[count++] = hashBytes(bytes, wordStarts[member], wordLengths[member]);
  }
  if (count > 1) db.space.table.warm(itemTables, itemHashes, count);
}

/** @returns the table of an entry's items; 0 if there is none, or it is not large */
export function largeTableOf(db: Database, ref: Ref): Ref {
  if (ref === 0) return 0;
  const { space } = db;
  const table = space.valueTypes[space.entries.type(ref)]?.itemTable?.(ref) ?? 0;
  return table !== 0 && space.table.count(table) >= ITEMS_MIN ? table : 0;
}
