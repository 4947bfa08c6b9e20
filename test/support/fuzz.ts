/**
 * Randomness that can be repeated: the seed of all random tests, their length, and a generator that makes the same choices for the same seed.
 *
 * A plain run always takes the same seed, so that a change is judged by what it does and not by luck. `SLOTMESH_FUZZ_SEED=random` looks further: it
 * takes a new one, which a failure tells; `SLOTMESH_FUZZ_SEED=N` repeats a run. `SLOTMESH_FUZZ_ITERATIONS` sets the length of the fuzz tests.
 */

const PLAIN_SEED = 1;

const wanted = process.env['SLOTMESH_FUZZ_SEED'] ?? PLAIN_SEED;
const seed = wanted === 'random' ? 1 + Math.floor(Math.random() * 0x7ffffffe) : Number(wanted);
if (!Number.isInteger(seed)) throw new Error(`SLOTMESH_FUZZ_SEED is a whole number, or "random": not ${wanted}`);

/** The seed of this process's tests, a positive 31-bit integer. */
export function fuzzSeed(): number {
  return seed;
}

/** @param standard what takes a second or two */
export function fuzzIterations(standard: number): number {
  return Number(process.env['SLOTMESH_FUZZ_ITERATIONS'] ?? standard);
}

/** Says in the message of a failure how to repeat the run. */
export function replayable(seed: number, run: () => void): void {
  try {
    run();
  } catch (error) {
    (error as Error).message += `\n(repeat with SLOTMESH_FUZZ_SEED=${seed})`;
    throw error;
  }
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Mulberry32: 32 bits of state, enough for tests. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** @returns an integer from 0 to below `bound` */
  below(bound: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * bound);
  }

  /** @returns true once in `n` times */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  /** Letters and digits, up to `maxLength` of them. */
  text(maxLength: number): string {
    return Array.from({ length: this.below(maxLength + 1) }, () => ALPHABET[this.below(ALPHABET.length)]).join('');
  }
}
