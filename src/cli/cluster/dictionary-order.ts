/**
 * The order in which redis-cli walks a set of strings. It lists open slots, and mends them, in the order of its hash table; to print and act the same,
 * that order is computed here: a table of 4, 8, 16 … buckets, SipHash-1-2 with a key of zeros, newest first within a bucket, and after each growth one
 * bucket of the old table is moved with every further insert. The walk goes through the old table, then the new one.
 */

const INITIAL_BUCKETS = 4;
/** How many empty buckets one step of moving passes over. */
const MAX_EMPTY_VISITS = 10;

/** @returns the distinct strings, in the order of the walk after inserting them one after the other */
export function dictionaryOrder(insertions: readonly string[]): string[] {
  const present = new Set<string>();
  let table: string[][] = [];
  let grown: string[][] | null = null;
  let moved = 0;

  const moveOneBucket = (): void => {
    if (grown === null) return;
    for (let visits = 0; moved < table.length && table[moved]!.length === 0; moved++)
      if (++visits > MAX_EMPTY_VISITS) return;
    const target = grown;
    for (const text of table[moved]?.splice(0) ?? []) bucketOf(target, text).unshift(text);
    moved++;
    if (table.some((bucket) => bucket.length > 0)) return;
    table = grown;
    grown = null;
    moved = 0;
  };

  for (const text of insertions) {
    moveOneBucket();
    if (grown === null && present.size >= table.length) {
      if (table.length === 0) table = emptyBuckets(INITIAL_BUCKETS);
      else grown = emptyBuckets(2 * table.length);
    }
    if (present.has(text)) continue;
    present.add(text);
    bucketOf(grown ?? table, text).unshift(text);
  }
  return [...table, ...(grown ?? [])].flat();
}

function emptyBuckets(count: number): string[][] {
  return Array.from({ length: count }, () => []);
}

function bucketOf(table: string[][], text: string): string[] {
  return table[Number(sipHash12(Buffer.from(text)) & BigInt(table.length - 1))]!;
}

const MASK = (1n << 64n) - 1n;

/** SipHash with one round per word and two at the end, key zero. */
function sipHash12(bytes: Buffer): bigint {
  let v0 = 0x736f6d6570736575n;
  let v1 = 0x646f72616e646f6dn;
  let v2 = 0x6c7967656e657261n;
  let v3 = 0x7465646279746573n;
  const round = (): void => {
    v0 = (v0 + v1) & MASK;
    v1 = rotate(v1, 13n) ^ v0;
    v0 = rotate(v0, 32n);
    v2 = (v2 + v3) & MASK;
    v3 = rotate(v3, 16n) ^ v2;
    v0 = (v0 + v3) & MASK;
    v3 = rotate(v3, 21n) ^ v0;
    v2 = (v2 + v1) & MASK;
    v1 = rotate(v1, 17n) ^ v2;
    v2 = rotate(v2, 32n);
  };
  // The last word holds the bytes left over and, on top, the length.
  const padded = Buffer.alloc(8 * (Math.floor(bytes.length / 8) + 1));
  bytes.copy(padded);
  padded[padded.length - 1] = bytes.length & 0xff;
  for (let at = 0; at < padded.length; at += 8) {
    const word = padded.readBigUInt64LE(at);
    v3 ^= word;
    round();
    v0 ^= word;
  }
  v2 ^= 0xffn;
  round();
  round();
  return v0 ^ v1 ^ v2 ^ v3;
}

function rotate(word: bigint, bits: bigint): bigint {
  return ((word << bits) | (word >> (64n - bits))) & MASK;
}
