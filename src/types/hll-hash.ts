/**
 * Which register of a HyperLogLog an element concerns, and what it wants to set there. Source: spec server.md section 22.
 *
 * The hash is the 64-bit MurmurHash2 (variant A) that Redis uses; its values are stored, so it can never change. It is computed in halves of 32 bits.
 * Register = the lowest 14 bits; count = 1 + zeros at the low end of the other 50, with a one put above them.
 */
import { readInt32 } from '../memory/int32-bytes.js';

const REGISTER_BITS = 14;
export const REGISTER_COUNT = 1 << REGISTER_BITS;
const REGISTER_MASK = REGISTER_COUNT - 1;

const SEED = 0xadc83b19 | 0;
/** The multiplier 0xc6a4a7935bd1e995, its lower half also in halves. */
const M_HIGH = 0xc6a4a793 | 0;
const M_LOW = 0x5bd1e995;
const M_LOW_UPPER = M_LOW >>> 16;
const M_LOW_LOWER = M_LOW & 0xffff;

/** The result of `hashElement`. */
export const elementHash = { register: 0, count: 0 };

/** Hashes an element. The results are in `elementHash`. */
export function hashElement(bytes: Uint8Array, start: number, length: number): void {
  multiply(0, length);
  let high = product.high;
  let low = product.low ^ SEED;
  const end = start + length;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    multiply(readInt32(bytes, at + 4), readInt32(bytes, at));
    // k ^= k >> 47
    multiply(product.high, product.low ^ (product.high >>> 15));
    multiply(high ^ product.high, low ^ product.low);
    high = product.high;
    low = product.low;
  }
  if (at < end) {
    for (let i = 0; at + i < end; i++) {
      if (i < 4) low ^= bytes[at + i] << (i << 3);
      else high ^= bytes[at + i] << ((i - 4) << 3);
    }
    multiply(high, low);
    high = product.high;
    low = product.low;
  }
  multiply(high, low ^ (high >>> 15));
  high = product.high;
  low = product.low ^ (high >>> 15);
  elementHash.register = low & REGISTER_MASK;
  const restLow = (low >>> REGISTER_BITS) | (high << (32 - REGISTER_BITS));
  const restHigh = (high >>> REGISTER_BITS) | (1 << (50 - 32));
  elementHash.count = 1 + (restLow !== 0 ? trailingZeros(restLow) : 32 + trailingZeros(restHigh));
}

const product = { high: 0, low: 0 };

/** Multiplies by M, modulo 2^64. */
function multiply(high: number, low: number): void {
  // The upper half of low × M_LOW, by parts of 16 bits: four products below 2^32, of which the middle two overlap both halves.
  const lowUpper = low >>> 16;
  const lowLower = low & 0xffff;
  const first = Math.imul(lowUpper, M_LOW_LOWER);
  const second = Math.imul(lowLower, M_LOW_UPPER);
  const carry = (Math.imul(lowLower, M_LOW_LOWER) >>> 16) + (first & 0xffff) + (second & 0xffff);
  const upper = Math.imul(lowUpper, M_LOW_UPPER) + (first >>> 16) + (second >>> 16) + (carry >>> 16);
  product.high = (upper + Math.imul(high, M_LOW) + Math.imul(low, M_HIGH)) | 0;
  product.low = Math.imul(low, M_LOW);
}

/** @param word not 0 */
function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}
