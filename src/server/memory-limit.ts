/**
 * maxmemory: keeps the memory in use below the limit by evicting keys, and refuses commands where that fails. Source: spec server.md section 12, 1 to 5.
 *
 *   within ─(the arena grows beyond its share)→ exceeded: GATE_MAXMEMORY sends every command here first → room was made → within
 *
 * So a server that is below its limit pays nothing for having one. What counts is what MemoryMeter says: the data, exact at any moment, and the rest of the
 * process's memory as it was at the last sample. What large values and flushed databases leave behind is freed before another key is evicted.
 *
 * One run takes no longer than maxmemory-eviction-tenacity allows (0.5 ms by default); what is left is done between the next turns of the event loop.
 * Commands are executed meanwhile: each after a step that gives back more than most of them take, and after a run of its own if memory is far beyond the
 * limit nevertheless. With a run for each of them a few clients would queue up until there is room.
 *
 * Invariants: (1) GATE_MAXMEMORY is on whenever the limit is exceeded, and at most until the next command otherwise; (2) no key is evicted while memory is
 * within the limit, while data is loaded, while writes are paused, or on a replica that leaves this to its primary.
 */
import { EVICTED, Eviction, NOTHING_TO_EVICT } from '../keyspace/eviction.js';
import type { Config } from './config/config.js';
import { GATE_MAXMEMORY } from './dispatcher.js';
import type { Server } from './server.js';

const MEMORY_DIRECTIVES = [
  'maxmemory',
  'maxmemory-policy',
  'maxmemory-samples',
  'lfu-decay-time',
  'lfu-log-factor',
] as const;
/** Keys evicted between two looks at the clock. */
const CLOCK_EVERY_KEYS = 4;
/** Attempts in a row that found no key, after which the rest is left to the next run. */
const MISSES_MAX = 64;
/** Slice of the reaper within a run. */
const REAP_MS = 0.2;
/** Beyond the limit by more than this share of it, clients wait for eviction rather than eviction for them. */
const FAR_BEYOND = 1 / 16;

export class MemoryLimit {
  readonly eviction: Eviction;
  private readonly server: Server;
  private readonly config: Config;
  private isRunScheduled = false;
  /** Since when the limit has been exceeded without a break (monotonic ms); 0 = it is not. */
  private exceededSinceMs = 0;
  private exceededMs = 0;

  constructor(server: Server, config: Config) {
    this.server = server;
    this.config = config;
    this.eviction = new Eviction(server.keyspace);
    server.keyspace.arena.onLimitExceeded = () => server.setGate(GATE_MAXMEMORY, true);
    config.onChange(MEMORY_DIRECTIVES, () => {
      this.configured();
      return null;
    });
    this.applyOptions();
  }

  /** Whether memory is within the limit. */
  hasRoom(): boolean {
    const { maxmemory } = this.config.values;
    return maxmemory === 0 || this.server.memoryMeter.countedBytes <= maxmemory;
  }

  /**
   * Makes room before a command is executed.
   * @returns false if commands that take memory must be refused
   */
  makeRoom(): boolean {
    if (this.hasRoom()) {
      this.endExceeding();
      return true;
    }
    return !this.mayEvict() || this.run();
  }

  /** Tells the arena how much of the limit is left for data: whenever the limit, or the memory used besides the data, has changed. */
  refresh(): void {
    const { maxmemory } = this.config.values;
    const share = maxmemory === 0 ? Number.MAX_SAFE_INTEGER : maxmemory - this.server.memoryMeter.otherBytes;
    this.server.keyspace.arena.setLimit(share);
    if (this.hasRoom()) this.endExceeding();
  }

  /** Milliseconds in which memory was beyond the limit: INFO total_eviction_exceeded_time. */
  get totalExceededMs(): number {
    return this.exceededMs + this.currentExceededMs;
  }

  /** The same of the time that has not ended yet. */
  get currentExceededMs(): number {
    return this.exceededSinceMs === 0 ? 0 : performance.now() - this.exceededSinceMs;
  }

  resetStatistics(): void {
    this.server.keyspace.evictedCount = 0;
    this.exceededMs = 0;
    if (this.exceededSinceMs !== 0) this.exceededSinceMs = performance.now();
  }

  /** One run, or one step where the next run is scheduled. @returns whether memory is within the limit, or can be expected to be soon */
  private run(): boolean {
    const { server } = this;
    const startedAtMs = performance.now();
    const isStep = this.isRunScheduled && !this.isFarBeyond();
    const isDone = this.evictUntil(isStep ? startedAtMs : startedAtMs + this.runMs());
    server.latency.note('eviction-cycle', performance.now() - startedAtMs);
    if (this.hasRoom()) {
      this.endExceeding();
      return true;
    }
    if (this.exceededSinceMs === 0) this.exceededSinceMs = startedAtMs;
    if (isDone) return false;
    this.runSoon();
    return true;
  }

  private isFarBeyond(): boolean {
    return this.server.memoryMeter.countedBytes > this.config.values.maxmemory * (1 + FAR_BEYOND);
  }

  /** Evicts until there is room or the deadline has come; at least a little. @returns false if time ran out */
  private evictUntil(deadline: number): boolean {
    const { keyspace } = this.server;
    let misses = 0;
    for (let evictedCount = 0; !this.hasRoom(); ) {
      if (keyspace.reaper.hasWork) {
        keyspace.reaper.step(Math.min(REAP_MS, deadline - performance.now()));
      } else {
        const outcome = this.evictOne();
        if (outcome === NOTHING_TO_EVICT) return true;
        misses = outcome === EVICTED ? 0 : misses + 1;
        if (misses === MISSES_MAX) return false;
        if (outcome === EVICTED && ++evictedCount % CLOCK_EVERY_KEYS !== 0) continue;
      }
      if (performance.now() >= deadline) return false;
    }
    return true;
  }

  private evictOne(): number {
    const { latency } = this.server;
    if (latency.thresholdMs === 0) return this.eviction.evictOne();
    const startedAtMs = performance.now();
    const outcome = this.eviction.evictOne();
    latency.note('eviction-del', performance.now() - startedAtMs);
    return outcome;
  }

  /** Goes on in the next turn: after the requests that wait. */
  private runSoon(): void {
    if (this.isRunScheduled) return;
    this.isRunScheduled = true;
    setImmediate(() => {
      this.isRunScheduled = false;
      this.server.keyspace.setNow(Date.now());
      if (!this.hasRoom() && this.mayEvict()) this.run();
      // No command follows that would bring the deletions to file and replicas.
      this.server.scheduleTurnEnd();
    });
  }

  private mayEvict(): boolean {
    const { server } = this;
    if (server.persistence.loading !== null || server.pause.isActive) return false;
    return !server.isReplica || !this.config.values.replicaIgnoreMaxmemory;
  }

  private endExceeding(): void {
    if (this.exceededSinceMs !== 0) this.exceededMs += performance.now() - this.exceededSinceMs;
    this.exceededSinceMs = 0;
    this.server.setGate(GATE_MAXMEMORY, false);
  }

  /** Milliseconds that one run may take: maxmemory-eviction-tenacity. */
  private runMs(): number {
    const tenacity = this.config.values.maxmemoryEvictionTenacity;
    if (tenacity === 100) return Number.POSITIVE_INFINITY;
    return tenacity <= 10 ? tenacity * 0.05 : 0.5 * 1.15 ** (tenacity - 10);
  }

  private configured(): void {
    this.applyOptions();
    const { maxmemory } = this.config.values;
    const used = this.server.memoryMeter.used();
    if (this.hasRoom()) return;
    this.server.log.warning(
      `WARNING: the new maxmemory value set via CONFIG SET (${maxmemory}) is smaller than the current memory usage (${used}). This will result in key eviction and/or the inability to accept new write commands depending on the maxmemory-policy.`,
    );
    this.runSoon();
  }

  private applyOptions(): void {
    const { values } = this.config;
    const { keyspace } = this.server;
    keyspace.usesLfu = values.maxmemoryPolicy.includes('lfu');
    keyspace.lfuDecayMinutes = values.lfuDecayTime;
    keyspace.lfuLogFactor = values.lfuLogFactor;
    this.eviction.setPolicy(values.maxmemoryPolicy);
    this.eviction.samples = values.maxmemorySamples;
    this.refresh();
  }
}
