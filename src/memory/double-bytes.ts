/** Doubles as eight bytes, little-endian: in the items of sorted sets and in RDB files. */

const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);

/** @returns the double whose eight bytes, little-endian, are at `at` */
export function readDouble(bytes: Uint8Array, at: number): number {
  halves[0] = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  halves[1] = bytes[at + 4] | (bytes[at + 5] << 8) | (bytes[at + 6] << 16) | (bytes[at + 7] << 24);
  return double[0];
}

export function writeDouble(bytes: Uint8Array, at: number, value: number): void {
  double[0] = value;
  for (let i = 0; i < 4; i++) bytes[at + i] = halves[0] >> (i << 3);
  for (let i = 0; i < 4; i++) bytes[at + 4 + i] = halves[1] >> (i << 3);
}
