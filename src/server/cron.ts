/**
 * The server's periodic work, `hz` times a second (spec server.md section 28.7). Parts with a rhythm of their own register with `every`.
 *
 * Long work is cut into slices: what is left after a slice goes on in the next turn of the event loop, not in the next tick.
 */
import { ExpireCycle } from '../keyspace/expire-cycle.js';
import { FieldExpireCycle } from '../keyspace/field-expire-cycle.js';
import { EXPIRY_DELETE } from '../keyspace/keyspace.js';
import type { Config } from './config/config.js';
import type { Server } from './server.js';

/** Work per turn while something is left over: short enough to go unnoticed between two requests. */
const SLICE_MS = 1;
/**
 * How often, and how many at once, buffers of deleted data, and of large requests and replies, are given back to the system: those that nobody has needed
 * for so long. A second would be too short: what replaces a large value some seconds later would find its memory gone, and pay more to get pages and to
 * have garbage collected than for its own work.
 */
const RELEASE_MS = 5000;
const BUFFERS_PER_RELEASE = 320;

interface Task {
  readonly periodMs: number;
  readonly run: () => void;
  nextAtMs: number;
}

export class Cron {
  readonly expireCycle: ExpireCycle;
  private readonly fieldExpireCycle: FieldExpireCycle;
  /** DEBUG SET-ACTIVE-EXPIRE */
  isActiveExpireOn = true;
  /** DEBUG PAUSE-CRON */
  isPaused = false;
  tickCount = 0;
  /** Time spent in the expire cycle. */
  expireCycleMs = 0;
  private readonly server: Server;
  private readonly config: Config;
  private readonly tasks: Task[] = [];
  private timer: NodeJS.Timeout | null = null;
  private isReaping = false;

  constructor(server: Server, config: Config) {
    this.server = server;
    this.config = config;
    this.expireCycle = new ExpireCycle(server.keyspace);
    this.fieldExpireCycle = new FieldExpireCycle(server.keyspace);
    this.every(RELEASE_MS, () => {
      const { arena } = server.keyspace;
      arena.noteDropped(server.reply.buffers.release());
      arena.releaseBuffers(BUFFERS_PER_RELEASE);
    });
  }

  start(): void {
    this.timer = setInterval(() => this.tick(), Math.max(1, Math.round(1000 / this.config.values.hz)));
  }

  /** To be called when `hz` has changed. */
  restart(): void {
    this.stop();
    this.start();
  }

  stop(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  /** Runs `run` at the first tick after each period. */
  every(periodMs: number, run: () => void): void {
    this.tasks.push({ periodMs, run, nextAtMs: Date.now() + periodMs });
  }

  /** Frees flushed databases in slices until nothing is left. */
  reapSoon(): void {
    if (this.isReaping) return;
    this.isReaping = true;
    const slice = (): void => {
      if (this.server.keyspace.reaper.step(SLICE_MS)) setImmediate(slice);
      else this.isReaping = false;
    };
    setImmediate(slice);
  }

  resetStatistics(): void {
    this.expireCycleMs = 0;
    this.expireCycle.stalePercent = 0;
    this.expireCycle.timeCapReachedCount = 0;
  }

  /** Keys first, and fields of hashes in a slice of their own. @returns whether there is more to do */
  private runExpireCycle(budgetMs: number): boolean {
    // The clock takes longer to read than databases without any time to look through.
    if (!this.expireCycle.hasWork && !this.fieldExpireCycle.hasWork) {
      this.expireCycle.skip();
      return false;
    }
    const startedAtMs = performance.now();
    const hasMoreKeys = this.expireCycle.run(budgetMs);
    const hasMore = this.fieldExpireCycle.run(budgetMs) || hasMoreKeys;
    const elapsedMs = performance.now() - startedAtMs;
    this.expireCycleMs += elapsedMs;
    this.server.latency.note('expire-cycle', elapsedMs);
    return hasMore;
  }

  private tick(): void {
    if (this.isPaused) return;
    const { server } = this;
    const nowMs = Date.now();
    this.tickCount++;
    server.keyspace.setNow(nowMs);
    const { keyspace } = server;
    if (this.isActiveExpireOn && keyspace.expiryMode === EXPIRY_DELETE && !server.pause.isActive) {
      // A quarter of the time, and more for a higher effort: the share that Redis takes.
      const share = (25 + 2 * (this.config.values.activeExpireEffort - 1)) / 100;
      if (this.runExpireCycle(Math.min(SLICE_MS * 2, (share * 1000) / this.config.values.hz))) this.expireMore();
    }
    if (keyspace.reaper.pendingCount > 0) this.reapSoon();
    for (const task of this.tasks) {
      if (nowMs < task.nextAtMs) continue;
      task.nextAtMs = nowMs + task.periodMs;
      task.run();
    }
    server.endQuietTurn();
  }

  /** Goes on with the cycle that ran out of its slice, in the next turn: after the requests that wait. */
  private expireMore(): void {
    setImmediate(() => {
      const { server } = this;
      if (!this.isActiveExpireOn || server.keyspace.expiryMode !== EXPIRY_DELETE || server.pause.isActive) return;
      server.keyspace.setNow(Date.now());
      const hasMore = this.runExpireCycle(SLICE_MS);
      server.scheduleTurnEnd();
      if (hasMore) this.expireMore();
    });
  }
}
