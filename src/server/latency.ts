/**
 * The latency monitor: samples of events that took at least `latency-monitor-threshold` milliseconds, and histograms per command.
 *
 * Per event a ring of 160 samples, one per second (the worst). Source: spec server.md section 15.
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

/** Cells per power of two: a duration is known to one part in 128. */
const CELLS_PER_OCTAVE = 128;
/** Cells of a group: 32. */
const GROUP_BITS = 5;
const NANOSECONDS_MAX = 1e9;
/** Powers of two of nanoseconds in which LATENCY HISTOGRAM reports: 1 µs to 1 s. */
const FIRST_OCTAVE = 10;
const LAST_OCTAVE = 30;
const CELL_COUNT = cellOf(2 ** LAST_OCTAVE) + 1;
const GROUP_COUNT = ((CELL_COUNT - 1) >> GROUP_BITS) + 1;
const NO_COUNTS = new Float64Array(0);

/**
 * Durations from 1 ns to 1 s with two significant digits, in the cells of HdrHistogram, which Redis uses: so both report the same values.
 *
 *   cell = 128 * shift + (ns >> shift), with the shift that brings ns below 256
 *
 * Behind the cells is what each group of them has together. INFO would walk through 3,000 cells of each command else: some milliseconds, as its code is
 * hardly ever run often enough to be compiled.
 */
export class LatencyHistogram {
  private counts = NO_COUNTS;
  total = 0;

  /** @param count how many commands took `microseconds` each */
  add(microseconds: number, count: number): void {
    // 24 KiB: most commands are never used.
    if (this.counts.length === 0) this.counts = new Float64Array(CELL_COUNT + GROUP_COUNT);
    const { counts } = this;
    const nanoseconds = microseconds * 1000;
    const cell = cellOf(nanoseconds < NANOSECONDS_MAX ? nanoseconds | 0 || 1 : NANOSECONDS_MAX);
    counts[cell] += count;
    counts[CELL_COUNT + (cell >> GROUP_BITS)] += count;
    this.total += count;
  }

  /** @returns for each share (0 to 100) the duration in µs that as many of the commands did not exceed */
  percentiles(percents: readonly number[]): number[] {
    const { counts, total } = this;
    if (total === 0) return percents.map(() => 0);
    const found: number[] = [];
    // Commands in the groups before `group`. Shares mostly ascend: then the groups are passed once.
    let sum = 0;
    let group = 0;
    for (let i = 0; i < percents.length; i++) {
      const wanted = Math.max(1, Math.floor((percents[i] / 100) * total + 0.5));
      if (wanted <= sum) {
        sum = 0;
        group = 0;
      }
      let end = sum + counts[CELL_COUNT + group];
      while (end < wanted) {
        sum = end;
        end += counts[CELL_COUNT + ++group];
      }
      let cell = group << GROUP_BITS;
      end = sum + counts[cell];
      while (end < wanted) end += counts[++cell];
      found.push(highestOf(cell) / 1000);
    }
    return found;
  }

  /** @returns per power of two that has some: its upper end in whole µs, and how many took no longer */
  octaves(): [microseconds: number, count: number][] {
    const { counts, total } = this;
    const found: [number, number][] = [];
    let sum = 0;
    let group = 0;
    // Those that took exactly a power of two are in the first cell of a group, but still in what the power reports.
    let inclusive = 0;
    for (let octave = FIRST_OCTAVE; octave <= LAST_OCTAVE && inclusive < total; octave++) {
      const before = inclusive;
      const last = cellOf(2 ** octave);
      while (group < last >> GROUP_BITS) sum += counts[CELL_COUNT + group++];
      inclusive = sum + counts[last];
      if (inclusive > before) found.push([Math.floor(highestOf(last) / 1000), inclusive]);
    }
    return found;
  }

  clear(): void {
    this.counts = NO_COUNTS;
    this.total = 0;
  }
}

/** @param nanoseconds an integer from 1 to 2^30 */
function cellOf(nanoseconds: number): number {
  const shift = Math.max(0, 24 - Math.clz32(nanoseconds));
  return CELLS_PER_OCTAVE * shift + (nanoseconds >> shift);
}

/** The longest duration in ns that falls into the cell. */
function highestOf(cell: number): number {
  const shift = Math.max(0, Math.floor(cell / CELLS_PER_OCTAVE) - 1);
  return (cell - CELLS_PER_OCTAVE * shift + 1) * 2 ** shift - 1;
}
