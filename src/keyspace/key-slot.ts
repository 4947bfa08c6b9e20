/**
 * The hash slot of a key, for everything that is not per-command work on a server: clients, tools, tests.
 *
 *   slot = CRC16(hashed bytes) & 0x3FFF
 *   hashed bytes = what stands between the first `{` and the first `}` after it, unless that is empty or one brace is missing: then the whole key
 *
 * CRC16 is the variant called XMODEM: polynomial 0x1021, initial value 0, nothing reflected, no final XOR. Keys are raw bytes; a string is taken
 * as UTF-8, which is what clients send. Source: spec/cluster.md section 1.
 */

/** Number of hash slots of a cluster. Part of the protocol: nodes exchange bitmaps of exactly this many bits. */
export const SLOT_COUNT = 16384;

/** One step of the CRC by byte; shared with the in-place hash of the hot path. */
export const CRC16_TABLE = new Uint16Array(256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  CRC16_TABLE[byte] = crc;
}

/**
 * The same for a byte that one, two or three others follow, so that four are taken in one step: the CRC of `a b c d` is
 * `CRC16_TABLE_3[a] ^ CRC16_TABLE_2[b] ^ CRC16_TABLE_1[c] ^ CRC16_TABLE[d]`.
 */
export const CRC16_TABLE_1 = followedByOne(CRC16_TABLE);
export const CRC16_TABLE_2 = followedByOne(CRC16_TABLE_1);
export const CRC16_TABLE_3 = followedByOne(CRC16_TABLE_2);

function followedByOne(table: Uint16Array): Uint16Array {
  return table.map((crc) => (crc << 8) ^ CRC16_TABLE[crc >> 8]!);
}

const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** CRC16 (XMODEM) of the bytes `start` (inclusive) to `end` (exclusive). Returns 0–65535; 0 for an empty range. */
export function crc16(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = 0;
  for (let at = start; at < end; at++) crc = ((crc << 8) & 0xffff) ^ CRC16_TABLE[(crc >> 8) ^ bytes[at]!]!;
  return crc;
}

/** The slot of a key or of a shard channel, 0–16383. Never fails: every byte string, the empty one too, has a slot. */
export function keySlot(key: string | Uint8Array): number {
  const bytes = typeof key === 'string' ? Buffer.from(key) : key;
  const open = bytes.indexOf(OPEN_BRACE);
  if (open >= 0) {
    const close = bytes.indexOf(CLOSE_BRACE, open + 1);
    if (close > open + 1) return crc16(bytes, open + 1, close) & (SLOT_COUNT - 1);
  }
  return crc16(bytes) & (SLOT_COUNT - 1);
}
