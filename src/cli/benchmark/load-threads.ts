/**
 * Where load threads run: in this thread, or in workers. Both are driven by the same few messages, so that the rest of the benchmark does not know.
 *
 *   start, retarget, stop ──▶                 ◀── idle, failure, stale map
 */
import { parentPort, Worker } from 'node:worker_threads';
import { type LoadEvents, LoadThread, type StaleMap } from './load-thread.js';
import { SharedProgress, type Target, type Workload } from './workload.js';

export interface LoadThreads {
  /** Waits until the threads run, so that their start does not count as part of a test. */
  ready(): Promise<void>;
  start(workload: Workload, progress: SharedProgress, events: LoadEvents): void;
  retarget(targets: readonly Target[]): void;
  /** Ends the test; nothing of it is reported any more. */
  stop(): void;
  /** Ends the threads. */
  close(): void;
}

type Order =
  | {
      readonly kind: 'start';
      readonly run: number;
      readonly workload: Workload;
      readonly thread: number;
      readonly memory: SharedArrayBuffer;
    }
  | { readonly kind: 'retarget'; readonly targets: readonly Target[] }
  | { readonly kind: 'stop' };

/** `run` tells to which test a report belongs: one may be under way when the next test begins. */
type Report = { readonly run: number } & (
  | { readonly kind: 'idle' }
  | { readonly kind: 'failure'; readonly text: string }
  | { readonly kind: 'stale-map'; readonly reason: StaleMap }
);

/** The event loop of this very thread. */
export class OwnThread implements LoadThreads {
  private thread: LoadThread | null = null;

  async ready(): Promise<void> {}

  start(workload: Workload, progress: SharedProgress, events: LoadEvents): void {
    this.thread = new LoadThread(workload, 0, progress, events);
    void this.thread.start();
  }

  retarget(targets: readonly Target[]): void {
    this.thread?.retarget(targets);
  }

  stop(): void {
    this.thread?.stop();
    this.thread = null;
  }

  close(): void {
    this.stop();
  }
}

export class WorkerThreads implements LoadThreads {
  private readonly workers: Worker[];
  private readonly running: Promise<unknown>;
  private run = 0;
  private events: LoadEvents | null = null;

  /** @param entry  module that calls `serveLoadThread` when it is loaded in a worker */
  constructor(entry: URL, count: number) {
    this.workers = Array.from({ length: count }, () => {
      // Its arguments are not for the worker: some of Node's own would be refused.
      const worker = new Worker(entry, { argv: [], execArgv: [] });
      worker.on('message', (report: Report | 'listening') => {
        if (report !== 'listening') this.onReport(report);
      });
      worker.on('error', (error) => this.events?.onFailure(`Error: ${error.message}`));
      return worker;
    });
    // `serveLoadThread` says that it listens.
    this.running = Promise.all(this.workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
  }

  async ready(): Promise<void> {
    await this.running;
  }

  start(workload: Workload, progress: SharedProgress, events: LoadEvents): void {
    this.events = events;
    this.run++;
    const { memory } = progress;
    for (const [thread, worker] of this.workers.entries())
      worker.postMessage({ kind: 'start', run: this.run, workload, thread, memory } satisfies Order);
  }

  retarget(targets: readonly Target[]): void {
    this.order({ kind: 'retarget', targets });
  }

  stop(): void {
    this.events = null;
    this.order({ kind: 'stop' });
  }

  close(): void {
    this.events = null;
    for (const worker of this.workers) void worker.terminate();
  }

  private order(order: Order): void {
    for (const worker of this.workers) worker.postMessage(order);
  }

  private onReport(report: Report): void {
    if (report.run !== this.run) return;
    if (report.kind === 'idle') this.events?.onIdle();
    else if (report.kind === 'failure') this.events?.onFailure(report.text);
    else this.events?.onStaleMap(report.reason);
  }
}

/** The other end of `WorkerThreads`, in the worker: a thread for each test. */
export function serveLoadThread(): void {
  const port = parentPort!;
  let thread: LoadThread | null = null;
  port.on('message', (order: Order) => {
    if (order.kind === 'start') {
      const { run, workload } = order;
      const report = (body: Omit<Report, 'run'>): void => port.postMessage({ run, ...body });
      const progress = new SharedProgress(order.memory, workload.threadCount, workload.precision);
      thread = new LoadThread(workload, order.thread, progress, {
        onIdle: () => report({ kind: 'idle' }),
        onFailure: (text) => report({ kind: 'failure', text } as Report),
        onStaleMap: (reason) => report({ kind: 'stale-map', reason } as Report),
      });
      void thread.start();
    } else if (order.kind === 'retarget') {
      thread?.retarget(order.targets);
    } else {
      thread?.stop();
    }
  });
  port.postMessage('listening');
}
