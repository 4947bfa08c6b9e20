/**
 * `slotmesh cluster start`: brings the cluster up, then stays in the foreground and tells what happens to it, until it is asked to stop or no node is
 * left. A node that ends does not end the launcher, for killing one and watching the failover is the first thing people do.
 */
import { type ClusterFolder, dirOption, shortPath } from './cluster-folder.js';
import type { CommandLine } from './command-line.js';
import { LocalCluster } from './local-cluster.js';
import { describeEnd, type ProcessEnd } from './node-process.js';
import { formatNodeTable } from './node-table.js';
import { changesBetween, isLive, type NodeView } from './node-view.js';
import type { ClusterRequest } from './prepare-folder.js';
import type { Terminal } from './terminal.js';
import { sleep } from './wait.js';

export interface StopSignals {
  /** Asks for a clean stop. */
  stop: AbortSignal;
  /** Asks to end at once, whatever is lost. */
  force: AbortSignal;
}

const WATCH_INTERVAL_MS = 1000;

/** @returns the exit code. Throws a LauncherError when the cluster does not come up. */
export async function startCommand(line: CommandLine, terminal: Terminal, signals: StopSignals): Promise<number> {
  const startedAtMs = performance.now();
  let ends: NodeEndReporter | undefined;
  let cluster: LocalCluster;
  try {
    cluster = await LocalCluster.start(
      {
        folder: line.dir,
        request: requestOf(line),
        server: line.server,
        onProgress: (text) => terminal.print(`${text} …`),
        onNodeEnd: (port, end) => ends?.report(port, end),
      },
      signals.stop,
    );
  } catch (error) {
    if (!signals.stop.aborted) throw error;
    terminal.print('Stopped before the cluster was up.');
    return 1;
  }
  ends = new NodeEndReporter(terminal, cluster.folder);
  signals.force.addEventListener('abort', () => cluster.kill());
  const views = await cluster.view();
  terminal.print(
    `The cluster is healthy (${((performance.now() - startedAtMs) / 1000).toFixed(1)} s).\n\n${formatNodeTable(views)}\n`,
  );
  terminal.print(whatNext(cluster, views, terminal.toolName));
  await watchCluster(cluster, views, ends, terminal, signals.stop);
  if (!signals.stop.aborted) {
    terminal.print('All nodes have ended.');
    return ends.hasCrashed ? 1 : 0;
  }
  terminal.print('\nStopping the cluster …');
  const { complaints } = await cluster.stop();
  for (const complaint of complaints) terminal.complain(complaint);
  terminal.print(`Stopped. The data stays in ${shortPath(cluster.folder.path)}.`);
  return complaints.length === 0 ? 0 : 1;
}

function requestOf(line: CommandLine): ClusterRequest {
  const { host, port, primaries, replicas, password } = line;
  return { host, port, primaries, replicasPerPrimary: replicas, nodeTimeoutMs: line['node-timeout'], password };
}

/** Until the signal comes or no node answers any more. */
async function watchCluster(
  cluster: LocalCluster,
  first: NodeView[],
  ends: NodeEndReporter,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<void> {
  let views = first;
  while (!stop.aborted && (cluster.hasRunningChild || views.some(isLive))) {
    await abortableSleep(WATCH_INTERVAL_MS, stop);
    if (stop.aborted) return;
    const next = await cluster.view();
    for (const change of changesBetween(views, next)) {
      if (change.kind === 'back') ends.forget(change.port);
      // The end of a process has been told already, with its log.
      if (change.kind !== 'down' || !ends.has(change.port)) terminal.print(`${clock()}  ${change.text}`);
    }
    views = next;
  }
}

/** Tells the end of a node's process, with the last lines of its log unless it was an orderly shutdown. */
class NodeEndReporter {
  /** The nodes whose process has ended and that are not back yet. */
  private readonly ended = new Map<number, ProcessEnd>();

  constructor(
    private readonly terminal: Terminal,
    private readonly folder: ClusterFolder,
  ) {}

  get hasCrashed(): boolean {
    return [...this.ended.values()].some((end) => end.exitCode !== 0);
  }

  report(port: number, end: ProcessEnd): void {
    this.ended.set(port, end);
    const { terminal } = this;
    const advice = `\`${terminal.toolName} cluster start-node ${port}${dirOption(this.folder.path)}\` brings it back`;
    if (end.exitCode === 0) {
      terminal.print(`${clock()}  ${port} was shut down; ${advice}`);
      return;
    }
    terminal.print(`${clock()}  ${port} ended (${describeEnd(end)}); ${advice}. The last lines of its log:`);
    for (const line of this.folder.logTail(port, 5)) terminal.print(`            ${line}`);
  }

  has(port: number): boolean {
    return this.ended.has(port);
  }

  forget(port: number): void {
    this.ended.delete(port);
  }
}

/** What to type next, with ports and process ids that can be copied. */
function whatNext(cluster: LocalCluster, views: readonly NodeView[], toolName: string): string {
  const { host, password } = cluster.folder.settings;
  const live = views.filter(isLive);
  const primary = live.find((view) => view.self.isPrimary)!;
  const victim = live.filter((view) => view.self.isPrimary).at(-1)!;
  const address = `${host === '127.0.0.1' ? '' : ` -h ${host}`} -p ${primary.address.port}`;
  const auth = password === '' ? '' : ` -a ${/^[\w.-]+$/.test(password) ? password : '<password>'}`;
  const dir = dirOption(cluster.folder.path);
  const rows: [string, string][] = [
    [
      `npx slotmesh cli -c${address}${auth} set greeting hello`,
      'or redis-cli: any client will do; -c follows redirections',
    ],
    [`${toolName} cluster status${dir}`, 'this table, at any time'],
    [`kill -9 ${victim.pid}`, `ends primary ${victim.address.port}: watch a replica take over, here`],
    [`${toolName} cluster start-node ${victim.address.port}${dir}`, 'brings it back, as a replica'],
    ['Ctrl-C', `stops the cluster; the next start goes on with the data in ${shortPath(cluster.folder.path)}`],
  ];
  const width = Math.max(...rows.map(([left]) => left.length));
  return `What next:\n${rows.map(([left, right]) => `  ${left.padEnd(width)}   ${right}`).join('\n')}\n`;
}

function clock(): string {
  return new Date().toTimeString().slice(0, 8);
}

async function abortableSleep(ms: number, signal: AbortSignal): Promise<void> {
  let wake = (): void => {};
  const aborted = new Promise<void>((resolve) => {
    wake = resolve;
    signal.addEventListener('abort', wake, { once: true });
  });
  await Promise.race([sleep(ms), aborted]);
  signal.removeEventListener('abort', wake);
}
