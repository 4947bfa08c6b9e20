/**
 * FAILOVER: hands the role of the primary to a replica without losing a write (spec/replication.md section 19).
 *
 *   no-failover → waiting-for-sync (writes paused) ─replica has everything, or FORCE and time is up→ failover-in-progress (we follow it) → no-failover
 *                        ↳ time is up, ABORT → no-failover              ↳ refused, ABORT → we are primary again → no-failover
 */
import type { ReplicationHost } from './host.js';
import type { Replica } from './replica.js';

export type FailoverState = 'no-failover' | 'waiting-for-sync' | 'failover-in-progress';

export interface FailoverTarget {
  readonly host: string;
  readonly port: number;
}

export interface FailoverRequest {
  /** null: whichever replica is there first. */
  readonly target: FailoverTarget | null;
  readonly isForced: boolean;
  /** 0: none. */
  readonly timeoutMs: number;
}

export interface FailoverOwner {
  readonly replicas: readonly Replica[];
  readonly offset: number;
  /** Follows the target, whose answer to our PSYNC comes in `answered`. */
  handOver(target: FailoverTarget): void;
  /** Becomes a primary again. */
  takeBack(): void;
}

export class Failover {
  state: FailoverState = 'no-failover';
  private readonly host: ReplicationHost;
  private readonly owner: FailoverOwner;
  private request: FailoverRequest | null = null;
  private deadlineMs = 0;

  constructor(host: ReplicationHost, owner: FailoverOwner) {
    this.host = host;
    this.owner = owner;
  }

  get isActive(): boolean {
    return this.state !== 'no-failover';
  }

  begin(request: FailoverRequest): void {
    this.request = request;
    this.deadlineMs = request.timeoutMs > 0 ? Date.now() + request.timeoutMs : Number.POSITIVE_INFINITY;
    this.state = 'waiting-for-sync';
    this.host.log.notice('FAILOVER requested.');
    this.host.pauseWrites();
    this.check();
  }

  abort(): void {
    this.host.log.notice('Failover manually aborted');
    this.cancel();
  }

  /** To be called ten times a second, and when replicas have acknowledged something. */
  check(): void {
    const { request, owner } = this;
    if (this.state !== 'waiting-for-sync' || request === null) return;
    const ready = owner.replicas.find(
      (replica) => this.isWanted(replica) && replica.state === 'online' && replica.ackOffset === owner.offset,
    );
    if (ready !== undefined) {
      this.host.log.notice(`Failover target is synced, failing over.`);
      this.handOver(request.target ?? { host: ready.ip, port: ready.listeningPort });
    } else if (Date.now() >= this.deadlineMs) {
      if (request.isForced && request.target !== null) {
        this.host.log.notice(
          `Failover to ${request.target.host}:${request.target.port} time out exceeded, failing over.`,
        );
        this.handOver(request.target);
      } else {
        this.host.log.notice('Replica never caught up before timeout');
        this.cancel();
      }
    }
  }

  /** The target's answer to our PSYNC. */
  answered(isAccepted: boolean): void {
    if (this.state !== 'failover-in-progress') return;
    if (!isAccepted) {
      this.host.log.warning('Failover target rejected psync request');
      this.cancel();
      return;
    }
    this.clear();
  }

  private isWanted(replica: Replica): boolean {
    const target = this.request?.target ?? null;
    return target === null || matches(replica, target);
  }

  private handOver(target: FailoverTarget): void {
    this.state = 'failover-in-progress';
    this.owner.handOver(target);
  }

  private cancel(): void {
    const wasInProgress = this.state === 'failover-in-progress';
    this.clear();
    if (wasInProgress) this.owner.takeBack();
  }

  private clear(): void {
    this.state = 'no-failover';
    this.request = null;
    this.host.resumeWrites();
  }
}

/** Whether the replica is the one at this address, as it told it or as we see it. */
export function matches(replica: Replica, { host, port }: FailoverTarget): boolean {
  return replica.ip.toLowerCase() === host.toLowerCase() && replica.listeningPort === port;
}
