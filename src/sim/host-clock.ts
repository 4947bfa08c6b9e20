/**
 * The two clocks of a host: a monotonic one that may run a little fast or slow, and a calendar that may be wrong and may jump.
 * Rates are integer ratios, times whole milliseconds.
 */
import type { Now } from '../cluster/core/types.js';
import type { Agenda } from './agenda.js';

/** The calendar at the beginning of a simulation. */
export const UNIX_START_MS = 1_700_000_000_000;

export class HostClock {
  readonly #agenda: Agenda;
  /** How much faster than true time it runs, in thousandths. */
  readonly #drift: number;
  #zeroMs = 0;
  /** How far the calendar is ahead of true time. */
  skewMs: number;

  constructor(agenda: Agenda, driftThousandths: number, skewMs: number) {
    this.#agenda = agenda;
    this.#drift = driftThousandths;
    this.skewMs = skewMs;
  }

  /** A process begins: its monotonic clock starts somewhere near zero. */
  restart(zeroMs: number): void {
    this.#zeroMs = this.#run(this.#agenda.nowMs) - zeroMs;
  }

  now(): Now {
    const { nowMs } = this.#agenda;
    return { monotonicMs: this.#run(nowMs) - this.#zeroMs, unixMs: UNIX_START_MS + nowMs + this.skewMs };
  }

  #run(trueMs: number): number {
    return trueMs + Math.floor((trueMs * this.#drift) / 1000);
  }
}
