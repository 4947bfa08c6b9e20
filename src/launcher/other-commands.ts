/** `slotmesh cluster status | stop | start-node | clean`: the commands that look at or change a cluster from another terminal. */
import { resolve } from 'node:path';
import { dirOption } from './cluster-folder.js';
import type { CommandLine } from './command-line.js';
import { LauncherError } from './errors.js';
import { startNode } from './local-cluster.js';
import { formatNodeTable } from './node-table.js';
import { formatProblem, isLive, type NodeView, type Problem, problemsOf, viewNode, viewNodes } from './node-view.js';
import { probePort } from './ports.js';
import { addressesOf, openCluster } from './prepare-folder.js';
import { stopNodes } from './stop-nodes.js';
import type { Terminal } from './terminal.js';
import { waitFor } from './wait.js';

/** How long a node that was brought back may need to be healthy again, after it accepts clients. */
const REJOIN_LIMIT_MS = 30_000;
const POLL_MS = 200;

/** The table; exit code 0 when the cluster is healthy. */
export async function statusCommand(line: CommandLine, terminal: Terminal): Promise<number> {
  const views =
    line.port === undefined
      ? await viewFolder(line)
      : await viewFrom(line.host ?? '127.0.0.1', line.port, line.password ?? '');
  if (!views.some(isLive)) {
    throw new LauncherError(
      'NOT_RUNNING',
      `No node of the cluster answers: ${views.map((view) => view.address.port).join(', ')}.`,
      [
        line.port === undefined
          ? `Start it with \`slotmesh cluster start${dirOption(resolve(line.dir))}\`.`
          : 'Check --host and --port.',
      ],
    );
  }
  terminal.print(formatNodeTable(views));
  const problems = problemsOf(views);
  terminal.print(
    problems.length === 0
      ? '\nThe cluster is healthy.'
      : `\nThe cluster is not healthy:\n${problems.map((problem) => `  ${formatProblem(problem)}`).join('\n')}`,
  );
  return problems.length === 0 ? 0 : 1;
}

function viewFolder(line: CommandLine): Promise<NodeView[]> {
  const { settings } = openCluster(line.dir);
  return viewNodes(addressesOf(settings), line.password ?? settings.password);
}

/** Any running cluster, found through one of its nodes. */
async function viewFrom(host: string, port: number, password: string): Promise<NodeView[]> {
  const entry = await viewNode({ host, port }, password);
  if (!entry.isUp)
    throw new LauncherError('NOT_RUNNING', `The node at ${host}:${port} does not answer: ${entry.reason}.`);
  const others = entry.nodes.filter((node) => !node.isMyself && node.port !== 0);
  return [entry, ...(await viewNodes(others, password))];
}

export async function stopCommand(line: CommandLine, terminal: Terminal): Promise<number> {
  const folder = openCluster(line.dir);
  const { stopped, complaints } = await stopNodes(folder, new Map());
  if (stopped.length === 0 && complaints.length === 0) {
    const last = folder.settings.ports.flatMap((port) => folder.lastPid(port) ?? []);
    throw new LauncherError('NOT_RUNNING', `No node of the cluster in ${folder.path} answers.`, [
      last.length === 0 ? 'It is not running.' : `If processes of it hang, they are among: ${last.join(' ')}`,
    ]);
  }
  terminal.print(`Stopped ${stopped.sort((a, b) => a - b).join(', ') || 'nothing'}. The data stays in ${folder.path}.`);
  for (const complaint of complaints) terminal.complain(complaint);
  return complaints.length === 0 ? 0 : 1;
}

export async function startNodeCommand(line: CommandLine, terminal: Terminal): Promise<number> {
  const port = Number(line.positionals[0]);
  if (line.positionals.length !== 1 || !Number.isInteger(port))
    throw new LauncherError('USAGE', 'start-node wants the port of one node.');
  const folder = openCluster(line.dir);
  await startNode(folder, port, line.server);
  terminal.print(`${port} runs; waiting until it has its place in the cluster again …`);
  const { settings } = folder;
  let views: NodeView[] = [];
  let problems: Problem[] = [];
  const hasRejoined = async (): Promise<boolean> => {
    views = await viewNodes(addressesOf(settings), settings.password);
    problems = problemsOf(views);
    return !problems.some((problem) => problem.port === port);
  };
  const isInTime = await waitFor(hasRejoined, { timeoutMs: REJOIN_LIMIT_MS, pollMs: POLL_MS });
  terminal.print(formatNodeTable(views));
  for (const problem of problems) terminal.complain(formatProblem(problem));
  return isInTime ? 0 : 1;
}

/** Removes a cluster's data. Refuses while one of its ports is taken, since then it may well be running. */
export async function cleanCommand(line: CommandLine, terminal: Terminal): Promise<number> {
  const folder = openCluster(line.dir);
  const { host, ports, password } = folder.settings;
  const states = await Promise.all(ports.map((port) => probePort(port, host)));
  for (const port of ports.filter((_, index) => states[index] === 'in-use')) {
    const view = await viewNode({ host, port }, password);
    if (view.isUp && view.confFile !== folder.confFile(port)) continue;
    throw new LauncherError(
      'ALREADY_RUNNING',
      `Port ${port} is in use, so the cluster in ${folder.path} seems to be running.`,
      [`Stop it first: slotmesh cluster stop${dirOption(folder.path)}`],
    );
  }
  const left = folder.remove();
  terminal.print(`Removed the data of ${ports.length} nodes from ${folder.path}.`);
  if (left.length > 0) terminal.print(`Not ours, so left there: ${left.join(', ')}`);
  return 0;
}
