/**
 * The 16384 registers of a HyperLogLog in their dense form, and what they tell of the number of elements. Source: spec server.md section 22.
 *
 *   register i = bits 6i … 6i + 5, the lowest bit of a byte first: four registers in three bytes, 12288 bytes for all
 */
import { REGISTER_COUNT } from './hll-hash.js';

export const DENSE_REGISTER_BYTES = (REGISTER_COUNT * 6) / 8;

/** The largest count that the hash gives: 50 zeros and the one put above them. */
const COUNT_MAX = 51;
/** The limit of the correction factor for many registers. */
const ALPHA = 1 / (2 * Math.LN2);

/** How many registers have each value; 64, as foreign ones may hold any 6 bits. */
export const histogram = new Int32Array(64);

/** @param start where the registers begin */
export function getRegister(bytes: Uint8Array, start: number, index: number): number {
  const bit = index * 6;
  const at = start + (bit >> 3);
  const shift = bit & 7;
  const next = shift > 2 ? bytes[at + 1] : 0;
  return ((bytes[at] | (next << 8)) >> shift) & 63;
}

export function setRegister(bytes: Uint8Array, start: number, index: number, count: number): void {
  const bit = index * 6;
  const at = start + (bit >> 3);
  const shift = bit & 7;
  bytes[at] = (bytes[at] & ~(63 << shift)) | (count << shift);
  if (shift > 2) bytes[at + 1] = (bytes[at + 1] & ~(63 >> (8 - shift))) | (count >> (8 - shift));
}

/** Raises each of `registers` to the value that it has in the dense form. */
export function mergeDense(bytes: Uint8Array, start: number, registers: Uint8Array): void {
  let at = start;
  for (let i = 0; i < REGISTER_COUNT; i += 4) {
    const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    at += 3;
    raise(registers, i, word & 63);
    raise(registers, i + 1, (word >> 6) & 63);
    raise(registers, i + 2, (word >> 12) & 63);
    raise(registers, i + 3, word >> 18);
  }
}

/** Writes the dense form of values below 64. */
export function writeDense(registers: Uint8Array, bytes: Uint8Array, start: number): void {
  let at = start;
  for (let i = 0; i < REGISTER_COUNT; i += 4) {
    const word = registers[i] | (registers[i + 1] << 6) | (registers[i + 2] << 12) | (registers[i + 3] << 18);
    bytes[at++] = word;
    bytes[at++] = word >> 8;
    bytes[at++] = word >> 16;
  }
}

/** Counts the values of the dense form into `histogram`. */
export function countDense(bytes: Uint8Array, start: number): void {
  histogram.fill(0);
  const end = start + DENSE_REGISTER_BYTES;
  for (let at = start; at < end; at += 3) {
    const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    histogram[word & 63]++;
    histogram[(word >> 6) & 63]++;
    histogram[(word >> 12) & 63]++;
    histogram[word >> 18]++;
  }
}

/** Counts values, one a byte, into `histogram`. */
export function countRegisters(registers: Uint8Array): void {
  histogram.fill(0);
  for (let i = 0; i < REGISTER_COUNT; i++) histogram[registers[i] & 63]++;
}

/** @returns the number of elements that `histogram` tells of */
export function estimate(): number {
  const m = REGISTER_COUNT;
  let z = m * tau((m - histogram[COUNT_MAX]) / m);
  for (let j = COUNT_MAX - 1; j >= 1; j--) z = (z + histogram[j]) * 0.5;
  z += m * sigma(histogram[0] / m);
  // Foreign registers may be such that z is 0.
  return Math.min(Math.round((ALPHA * m * m) / z), Number.MAX_SAFE_INTEGER);
}

function raise(registers: Uint8Array, index: number, count: number): void {
  if (count > registers[index]) registers[index] = count;
}

function sigma(share: number): number {
  if (share === 1) return Number.POSITIVE_INFINITY;
  let x = share;
  let y = 1;
  let z = share;
  let before: number;
  do {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  } while (before !== z);
  return z;
}

function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let x = share;
  let y = 1;
  let z = 1 - share;
  let before: number;
  do {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) ** 2 * y;
  } while (before !== z);
  return z / 3;
}
