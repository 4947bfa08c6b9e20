/** Doubles as eight bytes, little-endian: in the items of sorted sets and in RDB files. */
import { readInt32, writeInt32 } from './int32-bytes.js';

const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);

/** @returns the double whose eight bytes, little-endian, are at `at` */
export function readDouble(bytes: Uint8Array, at: number): number {
  halves[0] = readInt32(bytes, at);
  halves[1] = readInt32(bytes, at + 4);
  return double[0];
}

export function writeDouble(bytes: Uint8Array, at: number, value: number): void {
  double[0] = value;
  writeInt32(bytes, writeInt32(bytes, at, halves[0]), halves[1]);
}
