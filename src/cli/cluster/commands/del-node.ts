/**
 * `del-node host:port id`: makes every other node forget one that owns no slots, and resets it. Its replicas are given to another primary first.
 *
 * The node that is removed is no candidate for its own replicas; redis-cli takes it where it is the entry node, and then fails half-way.
 */
import { addressWord, type ManagerContext } from '../context.js';
import { Failure, NodeLost } from '../failure.js';
import { type Cluster, loadCluster, primariesOf } from '../load-cluster.js';
import type { ManagedNode } from '../managed-node.js';

export async function delNode(context: ManagerContext): Promise<number> {
  const { words, output } = context;
  const [entry = '', id = ''] = words;
  const address = addressWord(entry);
  output.info(`>>> Removing node ${id} from cluster ${address.host}:${address.port}`);
  const cluster = await loadCluster(context, address);
  const leaving = nodeById(cluster, id);
  if (leaving === undefined) throw new Failure('error', `[ERR] No such node ID ${id}`);
  if (leaving.slots.size > 0)
    throw new Failure('error', `[ERR] Node ${leaving.address} is not empty! Reshard data away and try again.`);
  await forgetNode(context, cluster, leaving, id);
  const { title, command } = context.dialect.retirement;
  output.info(title);
  try {
    await leaving.request(command);
  } catch (error) {
    // The answer to SHUTDOWN is the end of the connection.
    if (!(error instanceof NodeLost && command[0] === 'SHUTDOWN')) throw error;
  }
  return 0;
}

export function nodeById({ nodes }: Cluster, id: string): ManagedNode | undefined {
  return nodes.find((node) => node.id === id.toLowerCase());
}

/** @param id as the user typed it */
export async function forgetNode(
  { output }: ManagerContext,
  cluster: Cluster,
  leaving: ManagedNode,
  id: string,
): Promise<void> {
  output.info('>>> Sending CLUSTER FORGET messages to the cluster...');
  for (const node of cluster.nodes) {
    if (node === leaving) continue;
    if (node.primaryId === leaving.id) {
      const primary = leastReplicated(primariesOf(cluster).filter((candidate) => candidate !== leaving));
      if (primary !== undefined) {
        output.info(`>>> ${node.address} as replica of ${primary.address}`);
        await node.call('CLUSTER', 'REPLICATE', primary.id);
      }
    }
    await node.call('CLUSTER', 'FORGET', id);
  }
}

/** The first of those with the fewest replicas. */
export function leastReplicated(primaries: readonly ManagedNode[]): ManagedNode | undefined {
  return primaries.reduce<ManagedNode | undefined>(
    (best, node) => (best === undefined || node.replicaCount < best.replicaCount ? node : best),
    undefined,
  );
}
