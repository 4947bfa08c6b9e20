/**
 * CLIENT PAUSE, and the pauses of failover and shutdown: who must wait, until when, and who goes on in which order.
 *
 * Several purposes may pause at once; the strictest mode holds until each has ended. A new pause of a purpose never shortens or loosens the one
 * it has. Postponed connections keep their request unparsed and go on first come, first served. Source: spec server.md section 5.4.
 */
import type { Connection } from './connection.js';
import { IS_PAUSED } from './connection-flags.js';

export type PausePurpose = 'client' | 'failover' | 'shutdown';
export type PauseMode = 'write' | 'all';

interface Period {
  mode: PauseMode;
  endAtMs: number;
}

export class Pause {
  private readonly periods = new Map<PausePurpose, Period>();
  private readonly waiting: Connection[] = [];
  private timer: NodeJS.Timeout | null = null;
  private readonly onChange: () => void;

  /** @param onChange is called whenever a pause begins or the last one ends */
  constructor(onChange: () => void) {
    this.onChange = onChange;
  }

  get isActive(): boolean {
    return this.periods.size > 0;
  }

  isActiveFor(purpose: PausePurpose): boolean {
    return this.periods.has(purpose);
  }

  /** The action that is paused now: for INFO and tests. */
  get mode(): PauseMode | null {
    if (!this.isActive) return null;
    for (const period of this.periods.values()) if (period.mode === 'all') return 'all';
    return 'write';
  }

  begin(purpose: PausePurpose, mode: PauseMode, endAtMs: number): void {
    const old = this.periods.get(purpose);
    const strictest = old?.mode === 'all' ? 'all' : mode;
    this.periods.set(purpose, { mode: strictest, endAtMs: Math.max(endAtMs, old?.endAtMs ?? 0) });
    this.schedule();
    this.onChange();
  }

  end(purpose: PausePurpose): void {
    if (!this.periods.delete(purpose)) return;
    this.schedule();
    this.onChange();
    this.wakeAll();
  }

  /** Whether a command must wait. */
  concerns(mayWrite: boolean): boolean {
    const { mode } = this;
    return mode === 'all' || (mode === 'write' && mayWrite);
  }

  postpone(connection: Connection): void {
    this.waiting.push(connection);
  }

  private schedule(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (!this.isActive) return;
    let next = Number.MAX_SAFE_INTEGER;
    for (const period of this.periods.values()) next = Math.min(next, period.endAtMs);
    this.timer = setTimeout(() => this.expire(), Math.max(1, Math.min(next - Date.now(), 0x7fffffff)));
    this.timer.unref();
  }

  private expire(): void {
    const nowMs = Date.now();
    for (const [purpose, period] of [...this.periods]) if (period.endAtMs <= nowMs) this.periods.delete(purpose);
    this.schedule();
    this.onChange();
    this.wakeAll();
  }

  /** Lets everyone try again; who still has to wait postpones itself anew, behind nobody that came later. */
  private wakeAll(): void {
    const connections = this.waiting.splice(0);
    for (const connection of connections) {
      connection.release(IS_PAUSED);
      setImmediate(() => connection.resume());
    }
  }
}
