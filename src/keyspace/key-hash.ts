/**
 * The table hash and the hash slot of a key, from one pass over its bytes, for the hot path.
 *
 * Table hash: FNV-1a over pairs of bytes from random seeds, one for the even and one for the odd pairs, so that four bytes are taken in a step and neither
 * pair waits for the other; finished with the mixer of MurmurHash3 (its top byte is the fingerprint, its low bits the bucket). The CRC takes four bytes in
 * a step, too (a key of 16 bytes: 13 ns, two bytes at a time 24, one 34).
 * Slot: CRC16/XMODEM mod 16384 over the key, or over its tag: what stands between the first `{` and the first `}` after it, if not empty
 * (spec cluster.md section 1). `key-slot.ts` has the same slot for strings, for clients and tools.
 */
import { randomBytes } from 'node:crypto';
import { CRC16_TABLE, CRC16_TABLE_1, CRC16_TABLE_2, CRC16_TABLE_3, SLOT_COUNT } from './key-slot.js';

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

/** As `hashAhead` if other keys in the same bytes have been hashed ahead, so that somebody will forget them; as `hashKey` if not. */
export function hashAheadToo(bytes: Uint8Array, start: number, length: number): number {
  return ahead.bytes === bytes ? hashAhead(bytes, start, length) : hashKey(bytes, start, length);
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
  for (; i + 3 < end; i += 4) {
    const a = key[i];
    const b = key[i + 1];
    const c = key[i + 2];
    const d = key[i + 3];
    if (a === OPEN_BRACE || b === OPEN_BRACE || c === OPEN_BRACE || d === OPEN_BRACE) hasBrace = true;
    evenHash = Math.imul(evenHash ^ (a | (b << 8)), FNV_PRIME);
    oddHash = Math.imul(oddHash ^ (c | (d << 8)), FNV_PRIME);
    crc = CRC16_TABLE_3[(crc >>> 8) ^ a] ^ CRC16_TABLE_2[(crc & 0xff) ^ b] ^ CRC16_TABLE_1[c] ^ CRC16_TABLE[d];
  }
  if (i + 1 < end) {
    const a = key[i++];
    const b = key[i++];
    if (a === OPEN_BRACE || b === OPEN_BRACE) hasBrace = true;
    evenHash = Math.imul(evenHash ^ (a | (b << 8)), FNV_PRIME);
    crc = CRC16_TABLE_1[(crc >>> 8) ^ a] ^ CRC16_TABLE[(crc & 0xff) ^ b];
  }
  if (i < end) {
    const last = key[i];
    if (last === OPEN_BRACE) hasBrace = true;
    oddHash = Math.imul(oddHash ^ last, FNV_PRIME);
    crc = ((crc << 8) & 0xffff) ^ CRC16_TABLE[(crc >>> 8) ^ last];
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
  for (; i + 3 < end; i += 4) {
    evenHash = Math.imul(evenHash ^ (key[i] | (key[i + 1] << 8)), FNV_PRIME);
    oddHash = Math.imul(oddHash ^ (key[i + 2] | (key[i + 3] << 8)), FNV_PRIME);
  }
  if (i + 1 < end) evenHash = Math.imul(evenHash ^ (key[i++] | (key[i++] << 8)), FNV_PRIME);
  if (i < end) oddHash = Math.imul(oddHash ^ key[i], FNV_PRIME);
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
