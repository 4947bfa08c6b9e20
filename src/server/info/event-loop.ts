/**
 * The `eventloop_*` fields of INFO stats: how often the event loop turned and how long it was at work, from the engine's own counters.
 *
 * The counters run since the process began; `reset` moves the point from which they are told.
 */
import { performance } from 'node:perf_hooks';
import { Rate } from './rates.js';

export class EventLoopMeter {
  private readonly cycles = new Rate();
  private readonly activeUs = new Rate();
  private firstCycle = 0;
  private firstActiveUs = 0;

  /** Turns of the loop. */
  get cycleCount(): number {
    return performance.nodeTiming.uvMetricsInfo.loopCount - this.firstCycle;
  }

  /** Microseconds in which it was not waiting. */
  get durationUs(): number {
    return Math.round(performance.eventLoopUtilization().active * 1000 - this.firstActiveUs);
  }

  get cyclesPerSecond(): number {
    return Math.round(this.cycles.perSecond);
  }

  /** Microseconds of a turn, on average over the last samples. */
  get cycleDurationUs(): number {
    const cycles = this.cycles.perSecond;
    return cycles === 0 ? 0 : Math.round(this.activeUs.perSecond / cycles);
  }

  /** To be called ten times a second. */
  sample(): void {
    this.cycles.sample(this.cycleCount);
    this.activeUs.sample(this.durationUs);
  }

  reset(): void {
    this.firstCycle += this.cycleCount;
    this.firstActiveUs += this.durationUs;
  }
}
