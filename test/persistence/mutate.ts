/** Damage for fuzz tests: flipped bits, interesting bytes, cuts, and pieces of the input put elsewhere. */
import type { Random } from '../support/fuzz.js';

/** Bytes that begin or bound something in a length, a string or an integer. */
const INTERESTING = [0, 1, 2, 0x3f, 0x40, 0x7f, 0x80, 0x81, 0xc0, 0xc3, 0xfe, 0xff];

/** @returns a damaged copy, never empty */
export function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let mutated = Uint8Array.from(bytes);
  for (let count = 1 + random.below(4); count > 0; count--) {
    const at = random.below(mutated.length);
    switch (random.below(6)) {
      case 0:
        mutated[at] = random.below(256);
        break;
      case 1:
        mutated[at] = INTERESTING[random.below(INTERESTING.length)]!;
        break;
      case 2:
        mutated[at]! ^= 1 << random.below(8);
        break;
      case 3:
        mutated = mutated.slice(0, at + 1);
        break;
      case 4: {
        const length = random.below(12);
        mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(Math.min(mutated.length, at + length))]);
        if (mutated.length === 0) return Uint8Array.of(0x52);
        break;
      }
      default: {
        const from = random.below(mutated.length);
        const piece = mutated.slice(from, from + random.below(40));
        mutated = Buffer.concat([mutated.subarray(0, at), piece, mutated.subarray(at)]);
      }
    }
  }
  return mutated;
}
