/**
 * What an operator may look at: plain values and texts made from the state, for the replies that `commands/` writes.
 * Source: spec/cluster.md 11.2, 9.3.
 */
import { describeNode } from './describe.js';
import { countFailureReports } from './failure-detection.js';
import { MESSAGE_TYPES, type NodeId } from './message.js';
import { isFailed, isPrimary, isReplica, isSuspected, myself, primaryOf, topmostPrimary } from './nodes.js';
import { type SlotRange, slotRanges } from './slot-bitmap.js';
import { ownerOf } from './slot-table.js';
import { type ClusterNode, type ClusterState, SLOT_COUNT } from './types.js';

/** The text of CLUSTER INFO; each line ends with CR LF. */
export function clusterInfo(state: ClusterState): string {
  let pfail = 0;
  let fail = 0;
  let assigned = 0;
  for (const node of state.nodes.values()) {
    assigned += node.slotCount;
    if (isFailed(node)) fail += node.slotCount;
    else if (isSuspected(node)) pfail += node.slotCount;
  }
  const me = myself(state);
  const lines: [string, string | number][] = [
    ['cluster_state', state.status],
    ['cluster_slots_assigned', assigned],
    ['cluster_slots_ok', assigned - pfail - fail],
    ['cluster_slots_pfail', pfail],
    ['cluster_slots_fail', fail],
    ['cluster_known_nodes', state.nodes.size],
    ['cluster_size', state.size],
    ['cluster_current_epoch', state.currentEpoch],
    ['cluster_my_epoch', (primaryOf(state, me) ?? me).configEpoch],
    ...messageCounts('sent', state.messagesSent),
    ...messageCounts('received', state.messagesReceived),
    ['total_cluster_links_buffer_limit_exceeded', state.linksOverBufferLimit],
  ];
  return lines.map(([name, value]) => `${name}:${value}\r\n`).join('');
}

function messageCounts(direction: string, counts: readonly number[]): [string, number][] {
  const lines: [string, number][] = [];
  let total = 0;
  for (let typeCode = 0; typeCode < counts.length; typeCode += 1) {
    const count = counts[typeCode]!;
    const type = MESSAGE_TYPES[typeCode]!;
    if (count > 0) lines.push([`cluster_stats_messages_${type}_${direction}`, count]);
    total += count;
  }
  return [...lines, [`cluster_stats_messages_${direction}`, total]];
}

/** The text of CLUSTER NODES: one line per node, each with a line feed. */
export function clusterNodes(state: ClusterState, tlsClient: boolean): string {
  let text = '';
  for (const node of state.nodes.values()) text += `${describeNode(state, node, tlsClient)}\n`;
  return text;
}

export interface SlotsEntry extends SlotRange {
  primary: ClusterNode;
  /** Those that can serve reads: not failed, and with data. By id, so that all nodes give the same answer. */
  replicas: ClusterNode[];
}

/** The entries of CLUSTER SLOTS: each maximal run of slots with one owner, ascending. */
export function clusterSlots(state: ClusterState, ownOffset: number): SlotsEntry[] {
  const entries: SlotsEntry[] = [];
  const replicasOf = new Map<ClusterNode, ClusterNode[]>();
  let current: SlotsEntry | null = null;
  for (let slot = 0; slot < SLOT_COUNT; slot += 1) {
    const owner = ownerOf(state, slot);
    if (owner === null) {
      current = null;
    } else if (current !== null && current.primary === owner) {
      current.end = slot;
    } else {
      const replicas: ClusterNode[] = replicasOf.get(owner) ?? servingReplicas(state, owner, ownOffset);
      replicasOf.set(owner, replicas);
      current = { start: slot, end: slot, primary: owner, replicas };
      entries.push(current);
    }
  }
  return entries;
}

function servingReplicas(state: ClusterState, primary: ClusterNode, ownOffset: number): ClusterNode[] {
  return primary.replicas
    .map((id) => state.nodes.get(id)!)
    .filter((node) => !isFailed(node) && offsetOf(state, node, ownOffset) !== 0)
    .sort(byId);
}

/** What others last said of their offset; for this node, what it is. */
export function offsetOf(state: ClusterState, node: ClusterNode, ownOffset: number): number {
  return node.id === state.myId ? ownOffset : node.replicationOffset;
}

export interface Shard {
  slots: SlotRange[];
  /** Primary first, then replicas by id. */
  nodes: ClusterNode[];
}

/** The shards of CLUSTER SHARDS: the nodes that share a shard id, with the slots of their primary. Nodes in handshake are in none. */
export function clusterShards(state: ClusterState): Shard[] {
  const shards = new Map<string, ClusterNode[]>();
  for (const node of state.nodes.values()) {
    if (!isPrimary(node) && !isReplica(node)) continue;
    const members = shards.get(node.shardId);
    if (members === undefined) shards.set(node.shardId, [node]);
    else members.push(node);
  }
  return [...shards.values()].map((nodes) => {
    nodes.sort((a, b) => Number(isReplica(a)) - Number(isReplica(b)) || byId(a, b));
    const owner = nodes.find((node) => node.slotCount > 0) ?? topmostPrimary(state, nodes[0]!);
    return { slots: slotRanges(owner.slots), nodes };
  });
}

/** `fail`, `loading` (a replica without data yet) or `online`. */
export function healthOf(state: ClusterState, node: ClusterNode, ownOffset: number): 'fail' | 'loading' | 'online' {
  if (isFailed(node)) return 'fail';
  return isReplica(node) && offsetOf(state, node, ownOffset) === 0 ? 'loading' : 'online';
}

/** Valid failure reports about a node, for CLUSTER COUNT-FAILURE-REPORTS; null if it is unknown. */
export function failureReportCount(state: ClusterState, id: NodeId): number | null {
  const node = state.nodes.get(id);
  return node === undefined ? null : countFailureReports(state, node);
}

function byId(a: ClusterNode, b: ClusterNode): number {
  return a.id < b.id ? -1 : 1;
}
