/**
 * Random tests that are not properties of fast-check: their length, their seed, and a small generator that makes the same choices for the same seed.
 * `SLOTMESH_FUZZ_ITERATIONS` sets the length of the fuzz tests, `SLOTMESH_FUZZ_SEED` repeats a run.
 */

/** @param standard what takes a second or two */
export function fuzzIterations(standard: number): number {
  return Number(process.env['SLOTMESH_FUZZ_ITERATIONS'] ?? standard);
}

export function fuzzSeed(): number {
  return Number(process.env['SLOTMESH_FUZZ_SEED'] ?? Date.now() & 0x7fffffff);
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
}
