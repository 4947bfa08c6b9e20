/**
 * How many keys go into one MIGRATE. While it runs, the source serves nobody else: it sends the keys, waits for the target's answers and deletes them. So a
 * batch is bounded by the bytes in it as well as by its keys, and both bounds follow what the last batches took: a MIGRATE shall take about 5 ms.
 *
 * redis-cli's ten keys are many where values are large, and few where they are small: half the time of moving small keys goes into round trips then.
 */

const TARGET_MS = 5;
const MIN_KEYS = 10;
/** Bytes that go with MIN_KEYS: the values of most data sets are far smaller than 2 KiB. */
const MIN_BYTES = 16 * 1024;
/** At most 1000 keys or 1.6 MB: at the speed of a slow network still well below a second. */
const MAX_SCALE = 100;
const FIRST_SCALE = 8;

export class BatchSize {
  #scale = FIRST_SCALE;

  /**
   * How many of the keys, from `start` on, make the next batch: at least one.
   * @param sizes bytes of each key with its value
   */
  next(sizes: readonly number[], start: number): number {
    const maxKeys = MIN_KEYS * this.#scale;
    const maxBytes = MIN_BYTES * this.#scale;
    let count = 0;
    for (let bytes = 0; start + count < sizes.length && count < maxKeys; count++) {
      bytes += sizes[start + count]!;
      if (count > 0 && bytes > maxBytes) break;
    }
    return count;
  }

  /** Learns what a batch took. A single key has no smaller form: only larger batches make the scale fall. */
  learn(elapsedMs: number, keyCount: number): void {
    if (elapsedMs > 2 * TARGET_MS && keyCount > 1) this.#scale = Math.max(1, this.#scale / 2);
    else if (elapsedMs < TARGET_MS / 2) this.#scale = Math.min(MAX_SCALE, this.#scale * 1.25);
  }
}
