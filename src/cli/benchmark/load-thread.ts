/**
 * The share of a test that one thread carries: its connections, each busy until all requests are handed out.
 *
 *   pending ──opened──▶ busy ⇄ claims the next batch ──none left──▶ idle        none busy: `onIdle`
 *                         └──a redirection──▶ waiting for the new map ──retarget──▶ busy, or idle
 *
 * Requests come from a counter that all threads share, a batch at a time, so none is left over because one thread is slow. Connections without work stay
 * open until the test is over: the server has as many clients as the user said.
 *
 * Invariants: (1) a batch is claimed before it is sent, and given back as far as it was not executed; (2) after `stop` nothing is reported any more.
 */
import type { ConnectionOptions } from 'node:tls';
import { systemErrorText } from '../connection-settings.js';
import { tlsOptions } from '../tls-settings.js';
import { LoadConnection, type LoadOwner } from './load-connection.js';
import { NumberSource } from './number-source.js';
import { openTarget } from './open-target.js';
import { RequestBatch } from './request-batch.js';
import type { SharedProgress, Target, Workload } from './workload.js';

/** What a thread reports to whoever runs the test. */
export interface LoadEvents {
  /** It has no work (for now): the test is over if all requests are done. */
  onIdle(): void;
  /** The test cannot go on; the text is for stderr. */
  onFailure(text: string): void;
  /** The map of the cluster is not right any more. Connections concerned wait for `retarget`. */
  onStaleMap(reason: StaleMap): void;
}

/** `moved`: a slot is elsewhere. `down`: the cluster does not serve it now; the text is the server's. */
export interface StaleMap {
  readonly kind: 'moved' | 'down';
  readonly text: string;
}

/** Connections being opened at a time: a server's backlog is short, and a SYN that finds it full waits for a second. */
const OPENING_MAX = 64;

export class LoadThread implements LoadOwner {
  private readonly pipeline: number;
  private readonly random: NumberSource;
  /** One batch for all connections if nothing in it differs between them. */
  private readonly sharedBatch: RequestBatch | null;
  private readonly connections = new Set<LoadConnection>();
  /** Those that wait for a new map. */
  private readonly waiting = new Set<LoadConnection>();
  private targets: readonly Target[];
  private tls: ConnectionOptions | null = null;
  private unopened: number;
  private opening = 0;
  private busy = 0;
  private isStopped = false;
  private isMapStale = false;

  constructor(
    private readonly workload: Workload,
    private readonly thread: number,
    private readonly progress: SharedProgress,
    private readonly events: LoadEvents,
  ) {
    const { pipeline, connectionCount, threadCount, targets, seed } = workload;
    this.pipeline = pipeline;
    this.targets = targets;
    this.random = new NumberSource(seed + thread);
    const batch = this.newBatch();
    this.sharedBatch = (batch.hasRandomNumbers && workload.randomRange >= 0) || batch.hasTag ? null : batch;
    // Client i is on thread i mod the number of threads.
    this.unopened = Math.ceil((connectionCount - thread) / threadCount);
  }

  async start(): Promise<void> {
    try {
      if (this.workload.tls !== null) this.tls = await tlsOptions(this.workload.tls);
    } catch (error) {
      this.fail(`Could not negotiate a TLS connection: ${systemErrorText(error)}`);
      return;
    }
    this.openMore();
  }

  /** Connections that are open now. */
  get connectionCount(): number {
    return this.connections.size;
  }

  stop(): void {
    this.isStopped = true;
    for (const connection of this.connections) connection.close();
    this.connections.clear();
  }

  /** The map of the cluster has been fetched again. */
  retarget(targets: readonly Target[]): void {
    this.targets = targets;
    this.isMapStale = false;
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const connection of waiting) {
      const { host, port } = connection.target;
      const target = targets.find((each) => each.host === host && each.port === port);
      if (target === undefined) {
        this.replace(connection);
      } else {
        connection.batch.setTag(target.tag);
        this.next(connection);
      }
    }
  }

  onReplies(count: number, us: number): void {
    const { progress, thread, workload } = this;
    // Of the last batches only as many count as were asked for.
    const wanted = Math.min(count, workload.requestCount - progress.finish(count));
    if (wanted > 0) progress.histograms[thread]!.record(us, wanted);
  }

  onErrorReply(connection: LoadConnection, text: string): boolean {
    const { host, port, path } = connection.target;
    const where = path === '' ? `${host}:${port}` : path;
    if (this.workload.followsMap) {
      if (/^(MOVED|ASK) /.test(text)) return this.reportStaleMap({ kind: 'moved', text });
      if (text.startsWith('CLUSTERDOWN'))
        return this.reportStaleMap({ kind: 'down', text: `Error from server ${where}: ${text}.` });
    }
    const from = this.workload.isCluster ? ` ${where}` : '';
    this.fail(`Error from server${from}: ${text}`);
    return true;
  }

  onIdle(connection: LoadConnection, undoneCount: number): void {
    this.busy--;
    if (undoneCount > 0) {
      this.progress.giveBack(undoneCount);
      if (this.isMapStale) {
        this.waiting.add(connection);
        return;
      }
    }
    if (this.workload.keepAlive) this.next(connection);
    else this.replace(connection);
  }

  onLost(_connection: LoadConnection, reason: string): void {
    this.fail(`Error: ${reason}`);
  }

  /** Lets a connection without work go on, if there is work. */
  private next(connection: LoadConnection): void {
    const { workload, progress } = this;
    if (!progress.claim(this.pipeline, workload.requestCount)) {
      if (this.busy === 0) this.events.onIdle();
      return;
    }
    this.busy++;
    if (workload.randomRange >= 0) connection.batch.randomize(this.random, workload.randomRange);
    connection.send();
  }

  private replace(connection: LoadConnection): void {
    this.connections.delete(connection);
    connection.close();
    this.unopened++;
    this.openMore();
  }

  private openMore(): void {
    while (this.unopened > 0 && this.opening < OPENING_MAX) {
      this.unopened--;
      this.opening++;
      const target = this.targetOf(this.connections.size + this.opening - 1);
      openTarget(target, this.tls, (transport, error) => {
        this.opening--;
        if (transport === null) {
          const where = target.path === '' ? `${target.host}:${target.port}` : target.path;
          this.fail(`Could not connect to Redis at ${where}: ${systemErrorText(error)}`);
          return;
        }
        if (this.isStopped) {
          transport.destroy();
          return;
        }
        const batch = this.sharedBatch ?? this.newBatch();
        if (target.tag !== '') batch.setTag(target.tag);
        const { prefix, prefixReplyCount } = this.workload;
        const connection = new LoadConnection(this, transport, target, batch, this.pipeline, prefix, prefixReplyCount);
        this.connections.add(connection);
        this.next(connection);
        this.openMore();
      });
    }
  }

  /** With fewer threads than nodes each thread talks to all of them, else to one. */
  private targetOf(connectionIndex: number): Target {
    const { targets } = this;
    const index = this.workload.threadCount < targets.length ? connectionIndex : this.thread;
    return targets[index % targets.length]!;
  }

  private newBatch(): RequestBatch {
    return new RequestBatch(this.workload.request, this.pipeline);
  }

  private reportStaleMap(reason: StaleMap): true {
    if (!this.isMapStale) this.events.onStaleMap(reason);
    this.isMapStale = true;
    return true;
  }

  private fail(text: string): void {
    if (this.isStopped) return;
    this.stop();
    this.events.onFailure(text);
  }
}
