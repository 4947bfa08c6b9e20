/**
 * The latency monitor: samples of events that took at least `latency-monitor-threshold` milliseconds, and histograms per command.
 *
 * Per event a ring of 160 samples, one per second (the worst). Histograms count microseconds in powers of two. Source: spec server.md section 15.
 */

const SAMPLES_MAX = 160;

export interface LatencySample {
  readonly unixSeconds: number;
  ms: number;
}

export interface LatencyEvent {
  readonly samples: LatencySample[];
  maxMs: number;
}

export class LatencyMonitor {
  /** 0 = off. */
  thresholdMs = 0;
  readonly events = new Map<string, LatencyEvent>();

  /** Notes one occurrence. */
  note(name: string, ms: number): void {
    if (this.thresholdMs === 0 || ms < this.thresholdMs) return;
    let event = this.events.get(name);
    if (event === undefined) {
      event = { samples: [], maxMs: 0 };
      this.events.set(name, event);
    }
    const whole = Math.round(ms);
    event.maxMs = Math.max(event.maxMs, whole);
    const unixSeconds = Math.floor(Date.now() / 1000);
    const last = event.samples.at(-1);
    if (last?.unixSeconds === unixSeconds) {
      last.ms = Math.max(last.ms, whole);
      return;
    }
    event.samples.push({ unixSeconds, ms: whole });
    if (event.samples.length > SAMPLES_MAX) event.samples.shift();
  }

  /** @param names none means all. @returns how many events had samples and have none now */
  reset(names: readonly string[]): number {
    if (names.length === 0) {
      const count = this.events.size;
      this.events.clear();
      return count;
    }
    let count = 0;
    for (const name of names) if (this.events.delete(name)) count++;
    return count;
  }
}

/** Counts by powers of two of microseconds: cell i counts durations of up to 2^i µs. */
export class LatencyHistogram {
  readonly counts = new Float64Array(32);
  total = 0;

  /** @param count how many commands took `microseconds` each */
  add(microseconds: number, count: number): void {
    const whole = Math.max(1, Math.ceil(microseconds));
    const cell = Math.min(31, 32 - Math.clz32(whole - 1));
    this.counts[cell] += count;
    this.total += count;
  }

  /** @returns the duration in µs that the given share (0 to 1) of the commands did not exceed */
  percentile(share: number): number {
    const wanted = Math.ceil(this.total * share);
    let sum = 0;
    for (let cell = 0; cell < this.counts.length; cell++) {
      sum += this.counts[cell];
      if (sum >= wanted && sum > 0) return 2 ** cell;
    }
    return 0;
  }

  clear(): void {
    this.counts.fill(0);
    this.total = 0;
  }
}
