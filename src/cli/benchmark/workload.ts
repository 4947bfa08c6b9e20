/** One test as all threads see it: what to send, how often, to whom, and the memory through which they share their progress. */
import type { TlsSettings } from '../tls-settings.js';
import { bucketCount, LatencyHistogram } from './histogram.js';

/** A server under load. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** Path of a Unix socket, in place of host and port; empty if there is none. */
  readonly path: string;
  /** Three bytes for `{tag}`, so that the key belongs to this node; empty outside of a cluster. */
  readonly tag: string;
}

export interface Workload {
  /** One encoded command. */
  readonly request: Uint8Array;
  /** Replies wanted; a batch under way is finished, so it can become a few more. */
  readonly requestCount: number;
  readonly pipeline: number;
  readonly connectionCount: number;
  readonly keepAlive: boolean;
  /** Numbers in place of `__rand_int__` are below this; −1 leaves the text as it is. */
  readonly randomRange: number;
  readonly seed: number;
  /** Sent first on every connection (AUTH, CLIENT TRACKING, SELECT, HELLO); its replies do not count. */
  readonly prefix: Uint8Array;
  readonly prefixReplyCount: number;
  readonly targets: readonly Target[];
  readonly isCluster: boolean;
  /** Redirections lead to a new map of the cluster. Not so for a command without `{tag}`, which has no right node: for it they are errors like others. */
  readonly followsMap: boolean;
  readonly precision: number;
  readonly tls: TlsSettings | null;
  /** At least 1. */
  readonly threadCount: number;
}

/**
 * Memory of one test: how many requests were handed out and answered, and for each thread how long its replies took. The histograms have one writer each
 * and may be read at any time.
 */
export class SharedProgress {
  readonly histograms: readonly LatencyHistogram[];
  private readonly issued: Int32Array;
  private readonly finished: Int32Array;

  constructor(
    readonly memory: SharedArrayBuffer,
    threadCount: number,
    precision: number,
  ) {
    this.issued = new Int32Array(memory, 0, 1);
    this.finished = new Int32Array(memory, 4, 1);
    const buckets = bucketCount(precision);
    this.histograms = Array.from(
      { length: threadCount },
      (_, thread) => new LatencyHistogram(precision, new Int32Array(memory, 4 * (2 + thread * buckets), buckets)),
    );
  }

  static allocate(threadCount: number, precision: number): SharedProgress {
    const words = 2 + threadCount * bucketCount(precision);
    return new SharedProgress(new SharedArrayBuffer(4 * words), threadCount, precision);
  }

  get finishedCount(): number {
    return Atomics.load(this.finished, 0);
  }

  /** Takes `count` requests out of those that are left. @returns whether there were any */
  claim(count: number, limit: number): boolean {
    if (Atomics.load(this.issued, 0) >= limit) return false;
    return Atomics.add(this.issued, 0, count) < limit;
  }

  /** Gives requests back that were not executed. */
  giveBack(count: number): void {
    Atomics.sub(this.issued, 0, count);
  }

  /** Adds answered requests. @returns how many there were before */
  finish(count: number): number {
    return Atomics.add(this.finished, 0, count);
  }

  /** All latencies so far. */
  latencies(): LatencyHistogram {
    const sum = new LatencyHistogram(this.histograms[0]!.precision);
    for (const histogram of this.histograms) sum.add(histogram);
    return sum;
  }
}
