/**
 * Loads a cluster through one of its nodes: that node first, then the others in the order in which it lists them. What is known of each node is what its
 * own line of CLUSTER NODES says; its address is the one by which it is reached. Source: spec/cli.md section 2.4.
 */
import { type ClusterNodesLine, parseClusterNodes } from '../../client/cluster-nodes.js';
import type { Connections } from './connections.js';
import type { Address, ManagerContext } from './context.js';
import { Failure, NodeLost, NodeRefusal } from './failure.js';
import type { ManagedNode } from './managed-node.js';
import type { Output } from './output.js';

export interface Cluster {
  /** The entry node first. This order is that of every loop over nodes. */
  nodes: ManagedNode[];
  unreachablePrimaries: number;
}

export function primariesOf({ nodes }: Cluster): ManagedNode[] {
  return nodes.filter((node) => !node.isReplica);
}

/** The value of one `name:value` line; empty when there is none. */
export function infoField(info: string, name: string): string {
  return new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? '';
}

/** Connects to every node and asks each about itself. Fails when the entry node cannot be used; others are left out. */
export async function loadCluster(context: ManagerContext, entry: Address): Promise<Cluster> {
  const { connections, output } = context;
  const first = await connections.open(entry.host, entry.port);
  await requireClusterMode(first);
  const lines = await nodeLines(first);
  const own = lines.find((line) => line.isMyself);
  if (own === undefined) throw new Failure('stderr', 'Error: invalid CLUSTER NODES reply');
  first.describe(own);
  const cluster: Cluster = { nodes: [first], unreachablePrimaries: 0 };
  const friends = lines.filter((line) => !line.isMyself);
  // All at once, for a large cluster far away; told about in order.
  const loaded = await Promise.all(friends.map((line) => loadFriend(line, connections)));
  for (const [at, friend] of loaded.entries()) {
    if (friend.complaint !== undefined) tell(friend.complaint, output);
    if (friend.node !== undefined) cluster.nodes.push(friend.node);
    else if (!friends[at]!.flags.includes('slave')) cluster.unreachablePrimaries++;
  }
  countReplicas(cluster, output);
  return cluster;
}

/** Fails unless the node is in cluster mode, and says so to us: this is where a password that is missing shows. */
export async function requireClusterMode(node: ManagedNode): Promise<void> {
  const info = await node.text('INFO').catch((error) => {
    throw error instanceof NodeRefusal ? new Failure('error', `[ERR] Node ${node.address} ${error.reply}`) : error;
  });
  if (infoField(info, 'cluster_enabled') !== '1')
    throw new Failure('error', `[ERR] Node ${node.address} is not configured as a cluster node.`);
}

export async function nodeLines(node: ManagedNode): Promise<ClusterNodesLine[]> {
  return parseClusterNodes(await node.text('CLUSTER', 'NODES'));
}

interface LoadedFriend {
  /** Absent: the node is left out. */
  node?: ManagedNode;
  complaint?: Failure;
}

async function loadFriend(seen: ClusterNodesLine, connections: Connections): Promise<LoadedFriend> {
  let node: ManagedNode;
  try {
    node = await connections.open(seen.host, seen.port);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { complaint: error };
  }
  try {
    const own = (await nodeLines(node)).find((line) => line.isMyself);
    if (own !== undefined && !isGone(seen) && !isGone(own)) {
      node.describe(own);
      return { node };
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    node.close();
    const complaint = new Failure('error', `[ERR] Unable to load info for node ${node.address}`);
    return { complaint: error instanceof NodeLost ? error : complaint };
  }
  node.close();
  return {};
}

/** A node that is only suspected (`fail?`) still counts. */
function isGone({ flags, hasFailed, isLinkUp, isMyself }: ClusterNodesLine): boolean {
  return hasFailed || flags.includes('noaddr') || (!isLinkUp && !isMyself);
}

function countReplicas({ nodes }: Cluster, output: Output): void {
  for (const replica of nodes.filter((node) => node.primaryId !== '')) {
    const primary = nodes.find((node) => node.id === replica.primaryId);
    if (primary !== undefined) primary.replicaCount++;
    else output.warn(`*** WARNING: ${replica.address} claims to be slave of unknown node ID ${replica.primaryId}.`);
  }
}

/** Prints why something did not go. */
export function tell(failure: Failure, output: Output): void {
  if (failure.level === 'silent') return;
  if (failure.level === 'stderr') output.complain(failure.message);
  else output.say(failure.level, failure.message);
}
