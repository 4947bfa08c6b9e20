/**
 * How the latencies of a test went over time: one coarse histogram for each stretch of time, at most so many of them whatever the test takes.
 *
 *   samples (what a test has recorded so far) ─▶ difference to the last one ─▶ stretch 0 | stretch 1 | …      too many: neighbours become one
 */
import { LatencyHistogram } from './histogram.js';

/** Stretches are kept apart up to this number: about the pixels of the drawing. */
const STRETCHES_MAX = 400;
/** Steps of 6 % at least: finer than a line of the drawing. */
const COARSE_PRECISION = 1;

export class Stretch {
  constructor(
    readonly startMs: number,
    readonly endMs: number,
    readonly latencies: LatencyHistogram,
  ) {}

  /** Replies per second. */
  get throughput(): number {
    return this.latencies.total / ((this.endMs - this.startMs) / 1000);
  }
}

export class LatencyTimeline {
  stretches: Stretch[] = [];
  private stretchMs: number;
  private last: LatencyHistogram | null = null;
  private open = new LatencyHistogram(COARSE_PRECISION);
  private openedAtMs = 0;

  /** @param stretchMs  length of a stretch at first, and about the time between two samples */
  constructor(stretchMs: number) {
    this.stretchMs = stretchMs;
  }

  /** @param latencies  all latencies of the test so far; the timeline keeps it */
  sample(latencies: LatencyHistogram, elapsedMs: number): void {
    const recent = this.last === null ? latencies : latencies.since(this.last);
    this.last = latencies;
    recent.counts.forEach((count, index) => {
      if (count > 0) this.open.record(recent.lowest(index), count);
    });
    if (elapsedMs - this.openedAtMs >= this.stretchMs) this.closeStretch(elapsedMs);
  }

  /** @param latencies  all of the test */
  end(latencies: LatencyHistogram, elapsedMs: number): void {
    this.sample(latencies, elapsedMs);
    const openMs = elapsedMs - this.openedAtMs;
    const last = this.stretches.at(-1);
    if (last === undefined || openMs > this.stretchMs / 2) {
      this.closeStretch(Math.max(elapsedMs, 1));
    } else if (openMs > 0) {
      // A rest too short to stand for itself.
      last.latencies.add(this.open);
      this.stretches[this.stretches.length - 1] = new Stretch(last.startMs, elapsedMs, last.latencies);
    }
  }

  private closeStretch(endMs: number): void {
    this.stretches.push(new Stretch(this.openedAtMs, endMs, this.open));
    this.open = new LatencyHistogram(COARSE_PRECISION);
    this.openedAtMs = endMs;
    if (this.stretches.length <= STRETCHES_MAX) return;
    this.stretchMs *= 2;
    const merged: Stretch[] = [];
    for (let i = 0; i < this.stretches.length; i += 2) {
      const [first, second] = [this.stretches[i]!, this.stretches[i + 1]];
      if (second !== undefined) first.latencies.add(second.latencies);
      merged.push(new Stretch(first.startMs, (second ?? first).endMs, first.latencies));
    }
    this.stretches = merged;
  }
}
