/**
 * What the nodes of a cluster say about themselves and each other, gathered over client connections, and what follows from it: is the cluster healthy,
 * if not why, and what has changed since the last look. Gathering is `viewNodes`; the rest is pure.
 */
import { ClientError } from '../client/client-error.js';
import type { NodeAddress } from '../client/cluster-client.js';
import { type ClusterNodesLine, formatSlots, parseClusterNodes, slotsSignature } from '../client/cluster-nodes.js';
import { messageOf } from './errors.js';
import { NodeClient } from './node-client.js';

export interface LiveView {
  isUp: true;
  address: NodeAddress;
  pid: number;
  /** Path of the configuration file it was started with; empty without. */
  confFile: string;
  isLoading: boolean;
  isClusterOk: boolean;
  keys: number;
  /** On a replica: the link to its primary is up and the first synchronisation done. */
  isReplicationUp: boolean;
  /** Its own line of CLUSTER NODES. */
  self: ClusterNodesLine;
  /** All lines. */
  nodes: ClusterNodesLine[];
}

export interface DeadView {
  isUp: false;
  address: NodeAddress;
  /** Why it cannot be asked: connection refused, wrong password, … */
  reason: string;
}

export type NodeView = LiveView | DeadView;

/** How long a node may take to answer before it counts as down. */
const ANSWER_TIMEOUT_MS = 3000;

export function viewNodes(addresses: readonly NodeAddress[], password: string): Promise<NodeView[]> {
  return Promise.all(addresses.map((address) => viewNode(address, password)));
}

export async function viewNode(address: NodeAddress, password: string): Promise<NodeView> {
  let client: NodeClient | undefined;
  try {
    client = await NodeClient.connect(address, password, ANSWER_TIMEOUT_MS);
    const [info, clusterInfo, clusterNodes] = await Promise.all([
      client.call('INFO', 'everything'),
      client.call('CLUSTER', 'INFO'),
      client.call('CLUSTER', 'NODES'),
    ]);
    const nodes = parseClusterNodes(clusterNodes);
    const self = nodes.find((node) => node.isMyself);
    if (self === undefined) return { isUp: false, address, reason: 'its CLUSTER NODES has no line of its own' };
    return {
      isUp: true,
      address,
      pid: Number(infoField(info, 'process_id')),
      confFile: infoField(info, 'config_file'),
      isLoading: infoField(info, 'loading') === '1',
      isClusterOk: infoField(clusterInfo, 'cluster_state') === 'ok',
      keys: Number(/^db0:keys=(\d+)/m.exec(info)?.[1] ?? 0),
      isReplicationUp:
        infoField(info, 'master_link_status') === 'up' && infoField(info, 'master_sync_in_progress') === '0',
      self,
      nodes,
    };
  } catch (error) {
    return { isUp: false, address, reason: reasonOf(error) };
  } finally {
    client?.close();
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof ClientError ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  return cause?.code === 'ECONNREFUSED' ? 'connection refused' : messageOf(error);
}

/** The value of one `name:value` line; empty when there is none. */
export function infoField(info: string, name: string): string {
  return new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? '';
}

export function isLive(view: NodeView): view is LiveView {
  return view.isUp;
}

export interface Problem {
  /** The node concerned; 0 for the cluster as a whole. */
  port: number;
  text: string;
}

/** Why the cluster is not healthy; empty when it is. */
export function problemsOf(views: readonly NodeView[]): Problem[] {
  const live = views.filter(isLive);
  const problems: Problem[] = [];
  for (const view of views) {
    const text = view.isUp ? problemOf(view, live) : `does not answer (${view.reason})`;
    if (text !== undefined) problems.push({ port: view.address.port, text });
  }
  problems.push(...unreachableNodes(views));
  if (new Set(live.map((view) => slotsSignature(view.nodes))).size > 1) {
    problems.push({ port: 0, text: 'does not agree yet on who serves which slots' });
  }
  return problems;
}

function problemOf(view: LiveView, live: readonly LiveView[]): string | undefined {
  if (view.isLoading) return 'is loading its data';
  if (!view.isClusterOk) return 'reports cluster_state fail';
  const strangers = live.filter((other) => !view.nodes.some((node) => node.id === other.self.id));
  if (strangers.length > 0) return `does not know ${strangers.map((other) => other.address.port).join(', ')} yet`;
  if (view.self.isPrimary) return undefined;
  const primary = view.nodes.find((node) => node.id === view.self.primaryId);
  return view.isReplicationUp ? undefined : `has no replication link to ${primary?.port ?? 'its primary'} yet`;
}

/** Nodes that others cannot reach over the cluster bus; those that do not answer us either are left out, they are reported already. */
function unreachableNodes(views: readonly NodeView[]): Problem[] {
  const dead = new Set(views.filter((view) => !view.isUp).map((view) => view.address.port));
  const observers = new Map<number, number[]>();
  for (const view of views.filter(isLive)) {
    for (const node of view.nodes) {
      if (node.isMyself || (node.isSound && node.isLinkUp) || dead.has(node.port)) continue;
      observers.set(node.port, [...(observers.get(node.port) ?? []), view.address.port]);
    }
  }
  return [...observers].map(([port, by]) => ({
    port,
    text: `is not reached over the cluster bus by ${by.join(', ')}`,
  }));
}

export function formatProblem({ port, text }: Problem): string {
  return `${port === 0 ? 'The cluster' : port} ${text}`;
}

export interface Change {
  kind: 'down' | 'back' | 'role' | 'state';
  /** The node concerned; 0 for the cluster as a whole. */
  port: number;
  text: string;
}

/** What a person watching would want to hear about. */
export function changesBetween(before: readonly NodeView[], after: readonly NodeView[]): Change[] {
  const changes: Change[] = [];
  for (const now of after) {
    const then = before.find((view) => view.address.port === now.address.port);
    const port = now.address.port;
    if (!now.isUp) {
      if (then?.isUp) changes.push({ kind: 'down', port, text: `${port} does not answer any more` });
      continue;
    }
    if (then !== undefined && !then.isUp)
      changes.push({ kind: 'back', port, text: `${port} is back (pid ${now.pid})` });
    const wasPrimary = then?.isUp ? then.self.isPrimary : roleSeenByOthers(before, now);
    if (now.self.isPrimary && wasPrimary === false) {
      changes.push({
        kind: 'role',
        port,
        text: `${port} is a primary now, slots ${formatSlots(now.self.slots) || 'none'}`,
      });
    }
    if (!now.self.isPrimary && wasPrimary === true) {
      changes.push({ kind: 'role', port, text: `${port} is a replica of ${portOf(now, now.self.primaryId)} now` });
    }
  }
  const [okBefore, okAfter] = [isClusterOk(before), isClusterOk(after)];
  if (okBefore && !okAfter)
    changes.push({ kind: 'state', port: 0, text: 'cluster_state is fail: some slots are not served' });
  if (!okBefore && okAfter) changes.push({ kind: 'state', port: 0, text: 'cluster_state is ok: all slots are served' });
  return changes;
}

/** The role that the others ascribed to a node while it was down. */
function roleSeenByOthers(views: readonly NodeView[], node: LiveView): boolean | undefined {
  for (const view of views.filter(isLive)) {
    const line = view.nodes.find((one) => one.id === node.self.id);
    if (line !== undefined) return line.isPrimary;
  }
  return undefined;
}

function portOf(view: LiveView, id: string): string {
  return String(view.nodes.find((node) => node.id === id)?.port ?? id);
}

function isClusterOk(views: readonly NodeView[]): boolean {
  const live = views.filter(isLive);
  return live.length > 0 && live.every((view) => view.isClusterOk);
}
