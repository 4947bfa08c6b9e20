/**
 * A whole cluster on this machine: server processes, their folder, and the cluster made of them.
 *
 *   start() ──▶ ports free? ──▶ folder new ──▶ processes ──▶ createCluster ──┐
 *                         └──▶ folder known ──▶ processes ──────────────────┴──▶ healthy ──▶ running ──▶ stop()
 *
 * What fails before "running" stops the processes again and throws a LauncherError. A node that ends later is reported through `onNodeEnd` and
 * otherwise left alone: watching a failover is what such a cluster is for. Nothing here prints or ends the program.
 */
import { lookup } from 'node:dns/promises';
import { AllocationError, allocate, type NodeAddress } from './allocation.js';
import { ClusterFolder, type ClusterSettings } from './cluster-folder.js';
import { createCluster } from './create-cluster.js';
import { LauncherError, messageOf } from './errors.js';
import { NodeClient } from './node-client.js';
import { describeEnd, NodeProcess, type ProcessEnd } from './node-process.js';
import { type NodeView, problemsOf, viewNode, viewNodes } from './node-view.js';
import { BUS_PORT_OFFSET, CLUSTER_PORT_MAX, probePort } from './ports.js';
import { type StopResult, stopNodes } from './stop-nodes.js';
import { sleep } from './wait.js';

/** What is asked for; what is left out is taken from the folder if it holds a cluster, else from the defaults. */
export interface ClusterRequest {
  host?: string | undefined;
  /** The first port; the others follow. */
  port?: number | undefined;
  primaries?: number | undefined;
  replicasPerPrimary?: number | undefined;
  nodeTimeoutMs?: number | undefined;
  password?: string | undefined;
}

export interface LocalClusterOptions {
  folder: string;
  request: ClusterRequest;
  /** Program and arguments that run a node; the path of a redis.conf is appended. Default: this package's server. */
  server?: readonly string[] | undefined;
  /** What is being done, for a person who waits. */
  onProgress?: (text: string) => void;
  onNodeEnd?: (port: number, end: ProcessEnd) => void;
}

export const DEFAULTS = {
  host: '127.0.0.1',
  port: 7000,
  primaries: 3,
  replicasPerPrimary: 1,
  nodeTimeoutMs: 5000,
} as const;

/** For a node to accept a connection after its process has started. */
const REACHABLE_LIMIT_MS = 30_000;
/** From all reachable to all healthy; time in which a node loads its data does not count. */
const HEALTHY_LIMIT_MS = 60_000;
const POLL_MS = 100;

export class LocalCluster {
  private readonly children = new Map<number, NodeProcess>();
  private isStopping = false;

  private constructor(
    readonly folder: ClusterFolder,
    private readonly options: LocalClusterOptions,
  ) {}

  /** Resolves when the cluster is healthy. Throws a LauncherError; no process is left then. */
  static async start(options: LocalClusterOptions, signal?: AbortSignal): Promise<LocalCluster> {
    const folder = await prepareFolder(options);
    const cluster = new LocalCluster(folder, options);
    try {
      await cluster.bringUp(signal);
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
    this.isStopping = true;
    return stopNodes(this.folder, this.children);
  }

  /** Kills all nodes of ours at once, unsaved data or not. */
  kill(): void {
    this.isStopping = true;
    for (const child of this.children.values()) child.kill('SIGKILL');
  }

  private async bringUp(signal: AbortSignal | undefined): Promise<void> {
    const { settings, isCreated } = this.folder;
    this.options.onProgress?.(`Starting ${settings.ports.length} nodes`);
    await Promise.all(settings.ports.map((port) => this.startChild(port)));
    await Promise.all(settings.ports.map((port) => this.waitUntilReachable(port, signal)));
    if (!isCreated) {
      this.options.onProgress?.('Creating the cluster');
      const { password, replicasPerPrimary } = settings;
      await createCluster(this.addresses, { password, replicasPerPrimary, timeoutMs: HEALTHY_LIMIT_MS });
    }
    this.options.onProgress?.('Waiting until it is healthy');
    await this.waitUntilHealthy(signal);
    if (!isCreated) this.folder.markCreated();
  }

  private async startChild(port: number): Promise<void> {
    const child = await NodeProcess.start(this.folder, port, this.options.server);
    this.children.set(port, child);
    child.ended.then((end) => {
      if (!this.isStopping) this.options.onNodeEnd?.(port, end);
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
          [...problems, `The logs are ${this.folder.path}/<port>/server.log.`],
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

export function addressesOf({ host, ports }: ClusterSettings): NodeAddress[] {
  return ports.map((port) => ({ host, port }));
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

/** The folder to start: the one that is there, if it agrees with the request, or a new one. */
async function prepareFolder({ folder: path, request }: LocalClusterOptions): Promise<ClusterFolder> {
  const found = ClusterFolder.open(path);
  if (found !== undefined) {
    assertSameSettings(found, request);
    await assertPortsFree(found.settings.host, found.settings.ports, found);
    if (found.isCreated) {
      found.assertComplete();
      return found;
    }
    // Left behind by a start that was interrupted before the cluster existed: nothing to keep.
    found.remove();
    return ClusterFolder.create(path, found.settings);
  }
  const settings = await settingsOf(request);
  await assertPortsFree(settings.host, settings.ports);
  return ClusterFolder.create(path, settings);
}

async function settingsOf(request: ClusterRequest): Promise<ClusterSettings> {
  const port = request.port ?? DEFAULTS.port;
  const replicasPerPrimary = request.replicasPerPrimary ?? DEFAULTS.replicasPerPrimary;
  const count = (request.primaries ?? DEFAULTS.primaries) * (1 + replicasPerPrimary);
  const host = await resolveHost(request.host ?? DEFAULTS.host);
  const password = request.password ?? '';
  const settings: ClusterSettings = {
    host,
    ports: Array.from({ length: count }, (_, index) => port + index),
    replicasPerPrimary,
    nodeTimeoutMs: request.nodeTimeoutMs ?? DEFAULTS.nodeTimeoutMs,
    password,
  };
  if (port < 1 || port + count - 1 > CLUSTER_PORT_MAX) {
    throw new LauncherError('USAGE', `The ports ${port}–${port + count - 1} are out of range.`, [
      `A node's cluster bus uses its port + ${BUS_PORT_OFFSET}, so ports go up to ${CLUSTER_PORT_MAX}.`,
    ]);
  }
  if (password === '' && !isLoopback(host)) {
    throw new LauncherError(
      'USAGE',
      `Nodes on ${host} can be reached from other machines and would refuse them without a password (protected mode).`,
      ['Add --password <text>.'],
    );
  }
  try {
    allocate(addressesOf(settings), replicasPerPrimary);
  } catch (error) {
    if (error instanceof AllocationError)
      throw new LauncherError('USAGE', error.message, ['Raise --primaries.'], { cause: error });
    throw error;
  }
  return settings;
}

/** CLUSTER MEET wants an IP address. */
async function resolveHost(host: string): Promise<string> {
  try {
    return (await lookup(host, { family: host === 'localhost' ? 4 : 0 })).address;
  } catch (error) {
    throw new LauncherError(
      'USAGE',
      `The host "${host}" cannot be resolved: ${messageOf(error)}.`,
      ['Give an address of this machine.'],
      { cause: error },
    );
  }
}

function isLoopback(host: string): boolean {
  return host === '::1' || host.startsWith('127.');
}

/** Throws OTHER_SETTINGS when the request names something that this cluster was not made with. */
function assertSameSettings(folder: ClusterFolder, request: ClusterRequest): void {
  const { host, ports, replicasPerPrimary, nodeTimeoutMs, password } = folder.settings;
  const primaries = ports.length / (1 + replicasPerPrimary);
  const present = {
    host,
    port: ports[0]!,
    primaries,
    replicas: replicasPerPrimary,
    'node-timeout': nodeTimeoutMs,
    password,
  };
  const wanted = { ...request, replicas: request.replicasPerPrimary, 'node-timeout': request.nodeTimeoutMs };
  for (const name of Object.keys(present) as (keyof typeof present)[]) {
    if (
      wanted[name] === undefined ||
      wanted[name] === present[name] ||
      (name === 'host' && wanted[name] === 'localhost')
    )
      continue;
    const made = name === 'password' ? 'another password' : `--${name} ${present[name]}`;
    throw new LauncherError('OTHER_SETTINGS', `The cluster in ${folder.path} was made with ${made}.`, [
      `Leave --${name} out to start it as it is; or name another folder with --dir; or remove its data first: slotmesh cluster clean --dir ${folder.path}`,
    ]);
  }
}

/** @param folder whose nodes these are; tells "already running" from "somebody else's" */
async function assertPortsFree(host: string, ports: readonly number[], folder?: ClusterFolder): Promise<void> {
  for (const port of ports) {
    for (const probed of [port, port + BUS_PORT_OFFSET]) {
      const state = await probePort(probed, host);
      if (state === 'free') continue;
      if (state === 'not-here')
        throw new LauncherError('USAGE', `${host} is not an address of this machine.`, ['Choose another --host.']);
      if (state === 'forbidden')
        throw new LauncherError('PORT_IN_USE', `The system does not let you open port ${probed}.`, [
          'Choose ports above 1023 with --port.',
        ]);
      if (folder !== undefined && (await isOurNode(folder, port))) {
        throw new LauncherError(
          'ALREADY_RUNNING',
          `Node ${port} of the cluster in ${folder.path} is running already.`,
          ['See it with `slotmesh cluster status`; stop the cluster with `slotmesh cluster stop`.'],
        );
      }
      throw portInUse(host, probed, port);
    }
  }
}

async function isOurNode(folder: ClusterFolder, port: number): Promise<boolean> {
  const { host, password } = folder.settings;
  const view = await viewNode({ host, port }, password);
  return view.isUp && view.confFile === folder.confFile(port);
}

function portInUse(host: string, probed: number, port: number): LauncherError {
  const use = probed === port ? '' : `, which node ${port} needs for its cluster bus,`;
  const advice = ['Stop the program that uses it, or choose other ports: --port 7100'];
  if (process.platform === 'darwin' && probed === 7000)
    advice.push('(On macOS it is often the AirPlay receiver: System Settings, General, AirDrop & Handoff.)');
  return new LauncherError('PORT_IN_USE', `Port ${probed}${use} is in use on ${host}.`, advice);
}

/** Opens the folder of an existing cluster. Throws NO_CLUSTER when there is none. */
export function openCluster(path: string): ClusterFolder {
  const folder = ClusterFolder.open(path);
  if (folder !== undefined) return folder;
  throw new LauncherError('NO_CLUSTER', `There is no cluster in ${path}.`, [
    'Start one with `slotmesh cluster start`, or name its folder with --dir.',
  ]);
}
