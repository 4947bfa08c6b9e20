/**
 * The table hash and the hash slot of a key, from one pass over its bytes, for the hot path.
 *
 * Table hash: FNV-1a from random seeds, one for the even and one for the odd bytes, so that two bytes are taken in a step and neither waits for the
 * other; finished with the mixer of MurmurHash3 (its top byte is the fingerprint, its low bits the bucket). The CRC takes two bytes in a step, too
 * (a key of 16 bytes: 24 ns, one byte at a time 34).
 * Slot: CRC16/XMODEM mod 16384 over the key, or over its tag: what stands between the first `{` and the first `}` after it, if not empty
 * (spec cluster.md section 1). `key-slot.ts` has the same slot for strings, for clients and tools.
 */
import { randomBytes } from 'node:crypto';
import { CRC16_PAIR_TABLE, CRC16_TABLE, SLOT_COUNT } from './key-slot.js';

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Differ per process, so that a client cannot prepare keys that share a bucket. */
const EVEN_SEED = randomBytes(4).readInt32LE(0);
const ODD_SEED = randomBytes(4).readInt32LE(0);
const FNV_PRIME = 0x01000193;

/** The second result of `hashKey`: a field, as a pair would have to be allocated. */
export const keyHashResult = { slot: 0 };

/**
 * Results of keys hashed ahead of the commands that work on them: by the lookahead, and for the slot in cluster mode. A key is known by where it
 * lies; its cell is picked by its start, so that neighbours in a pipeline (30–60 bytes each) get cells of their own.
 */
const AHEAD_CELLS = 256;
const AHEAD_SHIFT = 4;
const aheadStamps = new Int32Array(AHEAD_CELLS);
const aheadStarts = new Int32Array(AHEAD_CELLS);
const aheadLengths = new Int32Array(AHEAD_CELLS);
const aheadHashes = new Int32Array(AHEAD_CELLS);
const aheadSlots = new Int32Array(AHEAD_CELLS);
const NO_BYTES = new Uint8Array(0);
/** The bytes in which those keys lie, and the stamp of the cells that are good. */
const ahead = { bytes: NO_BYTES as Uint8Array, stamp: 1 };

/**
 * Hashes a key before a command works on it: `hashKey` of the same bytes then costs next to nothing.
 * The bytes must stay as they are until `forgetHashAhead`.
 * @returns the table hash; the slot is in `keyHashResult.slot`
 */
export function hashAhead(bytes: Uint8Array, start: number, length: number): number {
  if (ahead.bytes !== bytes) {
    forgetHashAhead();
    ahead.bytes = bytes;
  }
  const cell = (start >>> AHEAD_SHIFT) & (AHEAD_CELLS - 1);
  const hash = hashKey(bytes, start, length);
  if (aheadStarts[cell] === start && aheadStamps[cell] === ahead.stamp && aheadLengths[cell] === length) return hash;
  aheadStamps[cell] = ahead.stamp;
  aheadStarts[cell] = start;
  aheadLengths[cell] = length;
  aheadHashes[cell] = hash;
  aheadSlots[cell] = keyHashResult.slot;
  return hash;
}

/** To be called before the bytes of keys hashed ahead change. */
export function forgetHashAhead(): void {
  if (ahead.bytes === NO_BYTES) return;
  ahead.bytes = NO_BYTES;
  ahead.stamp = (ahead.stamp + 1) | 0;
  // A stamp comes round again after 2^32 events: none of its last time may be left.
  if (ahead.stamp === 0) aheadStamps.fill(-1);
}

/** @returns the table hash (int32); the slot is in `keyHashResult.slot` */
export function hashKey(key: Uint8Array, start: number, length: number): number {
  if (ahead.bytes === key) {
    const cell = (start >>> AHEAD_SHIFT) & (AHEAD_CELLS - 1);
    if (aheadStarts[cell] === start && aheadLengths[cell] === length && aheadStamps[cell] === ahead.stamp) {
      keyHashResult.slot = aheadSlots[cell];
      return aheadHashes[cell];
    }
  }
  const end = start + length;
  let evenHash = EVEN_SEED;
  let oddHash = ODD_SEED;
  let crc = 0;
  let hasBrace = false;
  let i = start;
  for (; i + 1 < end; i += 2) {
    const even = key[i];
    const odd = key[i + 1];
    if (even === OPEN_BRACE || odd === OPEN_BRACE) hasBrace = true;
    evenHash = Math.imul(evenHash ^ even, FNV_PRIME);
    oddHash = Math.imul(oddHash ^ odd, FNV_PRIME);
    crc = CRC16_PAIR_TABLE[(crc >>> 8) ^ even] ^ CRC16_TABLE[(crc & 0xff) ^ odd];
  }
  if (i < end) {
    const even = key[i];
    if (even === OPEN_BRACE) hasBrace = true;
    evenHash = Math.imul(evenHash ^ even, FNV_PRIME);
    crc = ((crc << 8) & 0xffff) ^ CRC16_TABLE[(crc >>> 8) ^ even];
  }
  keyHashResult.slot = hasBrace ? slotOfTag(key, start, length, crc) : crc & (SLOT_COUNT - 1);
  return mix(evenHash, oddHash);
}

/** @returns the table hash alone */
export function hashBytes(key: Uint8Array, start: number, length: number): number {
  const end = start + length;
  let evenHash = EVEN_SEED;
  let oddHash = ODD_SEED;
  let i = start;
  for (; i + 1 < end; i += 2) {
    evenHash = Math.imul(evenHash ^ key[i], FNV_PRIME);
    oddHash = Math.imul(oddHash ^ key[i + 1], FNV_PRIME);
  }
  if (i < end) evenHash = Math.imul(evenHash ^ key[i], FNV_PRIME);
  return mix(evenHash, oddHash);
}

/** @returns the slot of a key alone */
export function slotOfKey(key: Uint8Array, start: number, length: number): number {
  hashKey(key, start, length);
  return keyHashResult.slot;
}

function mix(evenHash: number, oddHash: number): number {
  // An odd factor, so that equal lanes do not cancel each other.
  let hash = evenHash ^ Math.imul(oddHash, 0x9e3779b1);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function slotOfTag(key: Uint8Array, start: number, length: number, wholeCrc: number): number {
  const end = start + length;
  let open = start;
  while (key[open] !== OPEN_BRACE) open++;
  let close = open + 1;
  while (close < end && key[close] !== CLOSE_BRACE) close++;
  if (close >= end || close === open + 1) return wholeCrc & (SLOT_COUNT - 1);
  let crc = 0;
  for (let i = open + 1; i < close; i++) crc = ((crc << 8) & 0xffff) ^ CRC16_TABLE[(crc >>> 8) ^ key[i]];
  return crc & (SLOT_COUNT - 1);
}
