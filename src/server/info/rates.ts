/** The `instantaneous_*` fields of INFO: the mean of the last 16 samples of a growing counter, taken every 100 ms. */

const SAMPLE_COUNT = 16;

export class Rate {
  private readonly samples = new Float64Array(SAMPLE_COUNT);
  private next = 0;
  private lastValue = 0;
  private lastAtMs = performance.now();
  /** Computed with each sample: INFO, whose code is hardly ever run often enough to be compiled, reads eight. */
  perSecond = 0;

  sample(value: number): void {
    const nowMs = performance.now();
    const elapsedMs = Math.max(1, nowMs - this.lastAtMs);
    this.samples[this.next] = Math.max(0, ((value - this.lastValue) * 1000) / elapsedMs);
    this.next = (this.next + 1) % SAMPLE_COUNT;
    this.lastValue = value;
    this.lastAtMs = nowMs;
    let sum = 0;
    for (let i = 0; i < SAMPLE_COUNT; i++) sum += this.samples[i];
    this.perSecond = sum / SAMPLE_COUNT;
  }
}
