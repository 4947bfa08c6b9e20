/**
 * Waits until all nodes tell of the same slots, one dot a second. When that takes suspiciously long, the links that do not come up are named: bus ports
 * that are blocked are the usual reason. Waits for ever, as redis-cli does. Source: spec/cli.md section 2.8.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isAgreed } from './check-cluster.js';
import type { ManagerContext } from './context.js';
import { Failure } from './failure.js';
import { nodeLines } from './load-cluster.js';
import type { ManagedNode } from './managed-node.js';

const POLL_MS = 1000;
const PATIENCE_DOTS = 20;
/** More nodes need longer to get to know each other. */
const PATIENCE_DOTS_PER_NODE = 0.15;

export async function waitForJoin({ output, dialect }: ManagerContext, nodes: readonly ManagedNode[]): Promise<void> {
  output.write(dialect.joining);
  const patience = PATIENCE_DOTS + Math.floor(nodes.length * PATIENCE_DOTS_PER_NODE);
  let dots = 0;
  while (!(await isAgreed({ nodes: [...nodes] }))) {
    output.write('.');
    await sleep(POLL_MS);
    if (++dots <= patience) continue;
    const warning = formatBadLinks(await findBadLinks(nodes));
    if (warning === null) continue;
    output.write('\n');
    for (const line of warning) output.error(line);
    dots = 0;
  }
  output.write('\n');
}

interface BadLinks {
  host: string;
  /** 0: not known. */
  busPort: number;
  /** Addresses of those who have no link to it. */
  seenBy: string[];
}

async function findBadLinks(nodes: readonly ManagedNode[]): Promise<BadLinks[]> {
  const byTarget = new Map<string, BadLinks>();
  for (const node of nodes) {
    for (const line of await linesOrNone(node)) {
      if (line.isMyself || (line.isLinkUp && !line.flags.includes('handshake'))) continue;
      const key = `${line.host}:${line.port}`;
      const target = byTarget.get(key) ?? { host: line.host, busPort: line.busPort, seenBy: [] };
      target.seenBy.push(node.address);
      byTarget.set(key, target);
    }
  }
  return [...byTarget.values()];
}

async function linesOrNone(node: ManagedNode): ReturnType<typeof nodeLines> {
  try {
    return await nodeLines(node);
  } catch (error) {
    if (error instanceof Failure) return [];
    throw error;
  }
}

function formatBadLinks(targets: readonly BadLinks[]): string[] | null {
  if (targets.length === 0) return null;
  return [
    `Warning: ${targets.length} node(s) may be unreachable`,
    ...targets.flatMap(({ host, busPort, seenBy }) => [
      busPort === 0
        ? ` - Node ${host} may be unreachable from:`
        : ` - The port ${busPort} of node ${host} may be unreachable from:`,
      ...seenBy.map((address) => `   ${address}`),
    ]),
    'Cluster bus ports must be reachable by every node.',
    'Remember that cluster bus ports are different from standard instance ports.',
  ];
}
