/**
 * Shuts the nodes of a local cluster down: primaries first, so that their replicas still receive the last writes, then the rest. Each is asked with
 * SHUTDOWN (which saves what its configuration says), and killed when it has not ended after a while, if it is a child of ours.
 */
import { readFileSync } from 'node:fs';
import type { ClusterFolder } from './cluster-folder.js';
import { messageOf } from './errors.js';
import { NodeClient } from './node-client.js';
import type { NodeProcess } from './node-process.js';
import { type DeadView, isLive, type LiveView, viewNodes } from './node-view.js';
import { probePort } from './ports.js';
import { waitFor } from './wait.js';

export interface StopResult {
  /** Ports of the nodes that were running and have ended. */
  stopped: number[];
  /** What did not end, or was killed, one sentence each. */
  complaints: string[];
}

/** A primary waits up to 10 s (shutdown-timeout) for replicas that lag behind; then comes the final save. */
const SHUTDOWN_LIMIT_MS = 20_000;
const KILL_LIMIT_MS = 5_000;
const POLL_MS = 20;

/** @param children the nodes that are our own processes, by port; the others are only asked */
export async function stopNodes(
  folder: ClusterFolder,
  children: ReadonlyMap<number, NodeProcess>,
): Promise<StopResult> {
  const { host, ports, password } = folder.settings;
  const views = await viewNodes(
    ports.map((port) => ({ host, port })),
    password,
  );
  const ours = views.filter(isLive).filter((view) => view.confFile === folder.confFile(view.address.port));
  const result: StopResult = { stopped: [], complaints: [] };
  const stopAll = (list: readonly LiveView[]): Promise<unknown> =>
    Promise.all(list.map((view) => stopLiveNode(view, password, children, result)));
  await stopAll(ours.filter((view) => view.self.isPrimary));
  await stopAll(ours.filter((view) => !view.self.isPrimary));
  await Promise.all(
    [...children.values()].filter((child) => child.isRunning).map((child) => stopSilentChild(child, result)),
  );
  for (const view of views) {
    if (view.isUp || result.stopped.includes(view.address.port)) continue;
    if ((await probePort(view.address.port, host)) === 'in-use')
      result.complaints.push(describeSilentNode(folder, view));
  }
  return result;
}

/** Somebody listens there but does not answer: a hung node, or not a node of this cluster. Which, only its user can tell. */
function describeSilentNode(folder: ClusterFolder, { address, reason }: DeadView): string {
  const pid = folder.lastPid(address.port);
  return `${address.port} does not answer (${reason}) and was not stopped${pid === undefined ? '' : `; its process was ${pid}`}.`;
}

async function stopLiveNode(
  view: LiveView,
  password: string,
  children: ReadonlyMap<number, NodeProcess>,
  result: StopResult,
): Promise<void> {
  const { port } = view.address;
  const refusal = await askToShutDown(view, password);
  const hasEnded = await waitFor(() => !isAlive(view.pid), {
    timeoutMs: refusal === undefined ? SHUTDOWN_LIMIT_MS : 0,
    pollMs: POLL_MS,
  });
  if (hasEnded) {
    result.stopped.push(port);
    return;
  }
  const why =
    refusal === undefined
      ? `${port} did not end within ${SHUTDOWN_LIMIT_MS / 1000} s`
      : `${port} refused to shut down (${refusal})`;
  const child = children.get(port);
  if (child?.pid === view.pid) {
    child.kill('SIGKILL');
    await child.ended;
    result.stopped.push(port);
    result.complaints.push(`${why} and was killed.`);
  } else {
    result.complaints.push(`${why}; its process is ${view.pid}.`);
  }
}

/** @returns the refusal, if any */
async function askToShutDown(view: LiveView, password: string): Promise<string | undefined> {
  let client: NodeClient | undefined;
  try {
    client = await NodeClient.connect(view.address, password, KILL_LIMIT_MS);
    await client.shutDown(SHUTDOWN_LIMIT_MS);
    return undefined;
  } catch (error) {
    return messageOf(error);
  } finally {
    client?.close();
  }
}

/** A child that does not answer clients: asked by signal, then killed. */
async function stopSilentChild(child: NodeProcess, result: StopResult): Promise<void> {
  child.kill('SIGTERM');
  const hasEnded = await waitFor(() => !child.isRunning, { timeoutMs: KILL_LIMIT_MS, pollMs: POLL_MS });
  if (!hasEnded) {
    child.kill('SIGKILL');
    await child.ended;
    result.complaints.push(`${child.port} did not answer and was killed.`);
  }
  result.stopped.push(child.port);
}

/** A process that has ended counts as such even if nobody has waited for it yet (in a container without an init process nobody ever does). */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return true;
  }
}
