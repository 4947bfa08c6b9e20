/**
 * A whole cluster on this machine: server processes, their folder, and the cluster made of them.
 *
 *   start() ──▶ ports free? ──▶ folder new ──▶ processes ──▶ createCluster ──┐
 *                         └──▶ folder known ──▶ processes ──────────────────┴──▶ healthy ──▶ running ──▶ stop()
 *
 * What fails before "running" stops the processes again and throws a LauncherError. A node that ends later is reported through `onNodeEnd` and
 * otherwise left alone: watching a failover is what such a cluster is for. Nothing here prints or ends the program.
 */
import type { NodeAddress } from '../client/cluster-client.js';
import type { ClusterFolder } from './cluster-folder.js';
import { createCluster } from './create-cluster.js';
import { LauncherError, messageOf } from './errors.js';
import { NodeClient } from './node-client.js';
import { describeEnd, NodeProcess, type ProcessEnd } from './node-process.js';
import { formatProblem, type NodeView, problemsOf, viewNodes } from './node-view.js';
import { addressesOf, assertPortsFree, type ClusterRequest, prepareFolder } from './prepare-folder.js';
import { type StopResult, stopNodes } from './stop-nodes.js';
import { sleep, waitFor } from './wait.js';

export interface LocalClusterOptions {
  folder: string;
  request: ClusterRequest;
  /** Program and arguments that run a node; the path of a redis.conf is appended. Default: this package's server. */
  server?: readonly string[] | undefined;
  /** What is being done, for a person who waits. */
  onProgress?: (text: string) => void;
  /** A node has ended by itself, after the cluster was up. */
  onNodeEnd?: (port: number, end: ProcessEnd) => void;
}

/** For a node to accept a connection after its process has started. */
const REACHABLE_LIMIT_MS = 30_000;
/** From all reachable to all healthy; time in which a node loads its data does not count. */
const HEALTHY_LIMIT_MS = 60_000;
const POLL_MS = 100;

export class LocalCluster {
  private readonly children = new Map<number, NodeProcess>();
  private state: 'starting' | 'running' | 'stopping' = 'starting';

  private constructor(
    readonly folder: ClusterFolder,
    private readonly options: LocalClusterOptions,
  ) {}

  /** Resolves when the cluster is healthy. Throws a LauncherError; no process is left then. */
  static async start(options: LocalClusterOptions, signal?: AbortSignal): Promise<LocalCluster> {
    const folder = await prepareFolder(options.folder, options.request);
    const cluster = new LocalCluster(folder, options);
    try {
      await cluster.bringUp(signal);
      cluster.state = 'running';
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  get addresses(): NodeAddress[] {
    return addressesOf(this.folder.settings);
  }

  /** Whether a process that this object started still runs. */
  get hasRunningChild(): boolean {
    return [...this.children.values()].some((child) => child.isRunning);
  }

  view(): Promise<NodeView[]> {
    return viewNodes(this.addresses, this.folder.settings.password);
  }

  /** Shuts all nodes down, also those that were started again by other means. */
  stop(): Promise<StopResult> {
    this.state = 'stopping';
    return stopNodes(this.folder, this.children);
  }

  /** Kills all nodes of ours at once, unsaved data or not. */
  kill(): void {
    this.state = 'stopping';
    for (const child of this.children.values()) child.kill('SIGKILL');
  }

  private async bringUp(signal: AbortSignal | undefined): Promise<void> {
    const { settings, isCreated } = this.folder;
    this.options.onProgress?.(
      `Starting ${settings.ports.length} nodes on ${settings.host}, ports ${settings.ports[0]}–${settings.ports.at(-1)}`,
    );
    await Promise.all(settings.ports.map((port) => this.startChild(port)));
    await Promise.all(settings.ports.map((port) => this.waitUntilReachable(port, signal)));
    if (!isCreated) {
      // A node that has just begun to listen may still be making its files.
      await waitFor(() => this.isEveryNodeLoaded(), { timeoutMs: REACHABLE_LIMIT_MS, pollMs: POLL_MS });
      this.options.onProgress?.('Creating the cluster');
      const { password, replicasPerPrimary } = settings;
      await createCluster(this.addresses, { password, replicasPerPrimary, timeoutMs: HEALTHY_LIMIT_MS });
    }
    this.options.onProgress?.('Waiting until it is healthy');
    await this.waitUntilHealthy(signal);
    if (!isCreated) this.folder.markCreated();
  }

  private async isEveryNodeLoaded(): Promise<boolean> {
    const views = await viewNodes(this.addresses, this.folder.settings.password);
    return views.every((view) => view.isUp && !view.isLoading);
  }

  private async startChild(port: number): Promise<void> {
    const child = await NodeProcess.start(this.folder, port, this.options.server);
    this.children.set(port, child);
    child.ended.then((end) => {
      if (this.state === 'running') this.options.onNodeEnd?.(port, end);
    });
  }

  private async waitUntilReachable(port: number, signal: AbortSignal | undefined): Promise<void> {
    await waitUntilReachable(this.folder, port, () => this.assertAlive(signal));
  }

  private async waitUntilHealthy(signal: AbortSignal | undefined): Promise<void> {
    let endsAtMs = performance.now() + HEALTHY_LIMIT_MS;
    for (;;) {
      this.assertAlive(signal);
      const views = await this.view();
      const problems = problemsOf(views);
      if (problems.length === 0) return;
      if (views.some((view) => view.isUp && view.isLoading)) endsAtMs = performance.now() + HEALTHY_LIMIT_MS;
      if (performance.now() > endsAtMs) {
        throw new LauncherError(
          'NOT_HEALTHY',
          `The cluster did not become healthy within ${HEALTHY_LIMIT_MS / 1000} s.`,
          [...problems.map(formatProblem), `The logs are ${this.folder.path}/<port>/server.log.`],
        );
      }
      await sleep(POLL_MS);
    }
  }

  /** Throws when a node has ended or the caller has lost interest. */
  private assertAlive(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    for (const child of this.children.values()) {
      if (child.outcome !== undefined) throw nodeDied(this.folder, child.port, child.outcome);
    }
  }
}

/**
 * Starts one node of a cluster whose others run (or not), and leaves it running when this program ends.
 * Resolves when it accepts clients. Throws ALREADY_RUNNING, PORT_IN_USE, NODE_DIED, …
 */
export async function startNode(folder: ClusterFolder, port: number, server?: readonly string[]): Promise<void> {
  if (!folder.settings.ports.includes(port)) {
    throw new LauncherError('USAGE', `The cluster in ${folder.path} has no node ${port}.`, [
      `Its nodes: ${folder.settings.ports.join(', ')}.`,
    ]);
  }
  await assertPortsFree(folder.settings.host, [port], folder);
  const child = await NodeProcess.start(folder, port, server);
  child.release();
  await waitUntilReachable(folder, port, () => {
    if (child.outcome !== undefined) throw nodeDied(folder, port, child.outcome);
  });
}

/** @param check is called between attempts and throws to give up */
async function waitUntilReachable(folder: ClusterFolder, port: number, check: () => void): Promise<void> {
  const { host, password } = folder.settings;
  const endsAtMs = performance.now() + REACHABLE_LIMIT_MS;
  for (;;) {
    check();
    try {
      const client = await NodeClient.connect({ host, port }, password, REACHABLE_LIMIT_MS);
      client.close();
      return;
    } catch (error) {
      if (performance.now() > endsAtMs) {
        throw new LauncherError(
          'NODE_UNREACHABLE',
          `Node ${port} accepts no clients after ${REACHABLE_LIMIT_MS / 1000} s: ${messageOf(error)}`,
          folder.logTail(port),
          {
            cause: error,
          },
        );
      }
      await sleep(POLL_MS);
    }
  }
}

function nodeDied(folder: ClusterFolder, port: number, end: ProcessEnd): LauncherError {
  return new LauncherError('NODE_DIED', `Node ${port} ended while the cluster was starting (${describeEnd(end)}).`, [
    `The last lines of ${folder.logFile(port)}:`,
    ...folder.logTail(port).map((line) => `  ${line}`),
  ]);
}
