/** The `instantaneous_*` fields of INFO: the mean of the last samples of a growing counter. */

/** With a sample every 100 ms: 1.6 s. */
const SAMPLE_COUNT = 16;

export class Rate {
  /** The mean. */
  perSecond = 0;
  private readonly samples: Float64Array;
  private sum = 0;
  private next = 0;
  private lastValue = 0;
  private lastAtMs = performance.now();

  constructor(sampleCount = SAMPLE_COUNT) {
    this.samples = new Float64Array(sampleCount);
  }

  /** @param nowMs as `performance.now()` tells it */
  sample(value: number, nowMs: number): void {
    const { samples, next } = this;
    const sample = Math.max(0, ((value - this.lastValue) * 1000) / Math.max(1, nowMs - this.lastAtMs));
    this.sum += sample - samples[next];
    samples[next] = sample;
    this.lastValue = value;
    this.lastAtMs = nowMs;
    this.next = next + 1 < samples.length ? next + 1 : 0;
    // Errors of rounding do not add up.
    if (this.next === 0) this.sum = samples.reduce((sum, each) => sum + each, 0);
    this.perSecond = Math.max(0, this.sum / samples.length);
  }
}
