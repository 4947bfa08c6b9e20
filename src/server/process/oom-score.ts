/**
 * How willing the kernel is to end this process when memory runs out: `oom-score-adj`, `oom-score-adj-values`. Linux only.
 *
 * `yes` (relative) adds the role's value to the score that the process was started with; `absolute` sets it; `no` gives the old score back.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { strerror } from '../../persistence/file-system.js';

const SCORE_MIN = -1000;
const SCORE_MAX = 1000;

export class OomScore {
  readonly #path: string;
  /** The score before we touched it; null until then. */
  #initial: number | null = null;

  constructor(path = '/proc/self/oom_score_adj') {
    this.#path = path;
  }

  /**
   * @param values  of a primary and of a replica; more are not used
   * @returns       what to log if it cannot be set, else null
   */
  apply(mode: 'no' | 'yes' | 'relative' | 'absolute', values: readonly number[], isReplica: boolean): string | null {
    if (mode === 'no' && this.#initial === null) return null;
    try {
      this.#initial ??= Number(readFileSync(this.#path, 'utf8'));
      const wanted = values[isReplica ? 1 : 0] ?? 0;
      const score = mode === 'no' ? this.#initial : mode === 'absolute' ? wanted : this.#initial + wanted;
      writeFileSync(this.#path, String(Math.min(SCORE_MAX, Math.max(SCORE_MIN, score))));
      return null;
    } catch (error) {
      return `Unable to write oom_score_adj: ${strerror(error)}`;
    }
  }
}
