/**
 * The `eventloop_*` fields of INFO: how often the event loop turned and how long it was at work, from the engine's own counters.
 *
 * To ask for them takes 20 µs in code that runs as rarely as this: so INFO tells what a sample said, which is a second old at most; only before the
 * first one does it ask itself. The counters run since the process began; `reset` moves the point from which they are told.
 */
import { performance } from 'node:perf_hooks';
import { Rate } from './rates.js';

export const EVENT_LOOP_SAMPLE_MS = 1000;
const SAMPLES = 2;

export class EventLoopMeter {
  private readCycles = 0;
  private readUs = 0;
  private readonly cycles = new Rate(SAMPLES);
  private readonly activeUs = new Rate(SAMPLES);
  private firstCycle = 0;
  private firstActiveUs = 0;

  /** Turns of the loop. */
  get cycleCount(): number {
    if (this.readCycles === 0) this.read();
    return this.readCycles;
  }

  /** Microseconds in which it was not waiting. */
  get durationUs(): number {
    if (this.readUs === 0) this.read();
    return this.readUs;
  }

  get cyclesPerSecond(): number {
    return Math.round(this.cycles.perSecond);
  }

  /** Microseconds of a turn, on average over the last samples. */
  get cycleDurationUs(): number {
    const cycles = this.cycles.perSecond;
    return cycles === 0 ? 0 : Math.round(this.activeUs.perSecond / cycles);
  }

  /** To be called every EVENT_LOOP_SAMPLE_MS. */
  sample(): void {
    const nowMs = performance.now();
    this.read();
    this.cycles.sample(this.readCycles, nowMs);
    this.activeUs.sample(this.readUs, nowMs);
  }

  reset(): void {
    this.read();
    this.firstCycle += this.readCycles;
    this.firstActiveUs += this.readUs;
    this.readCycles = 0;
    this.readUs = 0;
  }

  private read(): void {
    this.readCycles = performance.nodeTiming.uvMetricsInfo.loopCount - this.firstCycle;
    this.readUs = Math.round(performance.eventLoopUtilization().active * 1000 - this.firstActiveUs);
  }
}
