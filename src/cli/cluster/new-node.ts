/** What create and add-node ask of a node that is to join a cluster, and how it is introduced to it. Source: spec/cli.md sections 2.7 and 2.12. */
import { lookup } from 'node:dns/promises';
import type { ManagerContext } from './context.js';
import { Failure } from './failure.js';
import { infoField, nodeLines, requireClusterMode } from './load-cluster.js';
import type { ManagedNode } from './managed-node.js';

/** Loads what the node says of itself; fails unless it is in cluster mode, knows nobody and holds no key. */
export async function inspectNewNode(node: ManagedNode): Promise<void> {
  await requireClusterMode(node);
  const own = (await nodeLines(node)).find((line) => line.isMyself);
  if (own === undefined) throw new Failure('stderr', 'Error: invalid CLUSTER NODES reply');
  node.describe(own);
  const info = await node.text('INFO');
  const clusterInfo = await node.text('CLUSTER', 'INFO');
  if (infoField(info, 'db0') === '' && infoField(clusterInfo, 'cluster_known_nodes') === '1') return;
  throw new Failure(
    'error',
    `[ERR] Node ${node.address} is not empty. Either the node already knows other nodes (check with CLUSTER NODES) or contains some key in database 0.`,
  );
}

/** Makes `node` meet `member`. Nodes are introduced by IP address: the protocol knows no names. */
export async function introduce({ output }: ManagerContext, node: ManagedNode, member: ManagedNode): Promise<void> {
  const busPort = member.busPort === 0 ? [] : [member.busPort];
  try {
    await node.call('CLUSTER', 'MEET', await addressOf(member.host), member.port, ...busPort);
  } catch (error) {
    if (error instanceof Failure) output.complain('Failed to send CLUSTER MEET command.');
    throw error;
  }
}

async function addressOf(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch {
    throw new Failure('stderr', `Invalid IP address or hostname specified: ${host}`);
  }
}
