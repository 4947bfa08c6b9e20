/**
 * The record of one node: how it is made, what can be asked about it, and how it is tied to its primary. Source: spec/cluster.md 0.3, 4.1.
 */
import { NodeFlag } from './message.js';
import { NO_SLOTS } from './slot-bitmap.js';
import { type ClusterNode, type ClusterState, NEVER, type NodeId, type Random } from './types.js';

const ID_LENGTH = 40;

/** 40 random hexadecimal digits, for a node or a shard. */
export function randomId(random: Random): NodeId {
  let id = '';
  while (id.length < ID_LENGTH) id += random.below(0x10000).toString(16).padStart(4, '0');
  return id;
}

/** True for 40 characters of `0-9a-z`: more than hexadecimal, since that is what the original accepts. */
export function isNodeId(text: string): boolean {
  return /^[0-9a-z]{40}$/.test(text);
}

/** A record as yet without address, links, slots or primary. */
export function makeNode(id: NodeId, flags: number, shardId: string, createdAtMs: number): ClusterNode {
  return {
    id,
    flags,
    shardId,
    createdAtMs,
    configEpoch: 0,
    slots: NO_SLOTS,
    slotsShared: true,
    slotCount: 0,
    replicas: [],
    replicaOf: null,
    pingSentAtMs: NEVER,
    pongReceivedAtMs: NEVER,
    dataReceivedAtMs: NEVER,
    failedAtMs: NEVER,
    votedAtMs: NEVER,
    replicationOffset: 0,
    orphanedAtMs: NEVER,
    ip: '',
    tcpPort: 0,
    tlsPort: 0,
    busPort: 0,
    hostname: '',
    humanNodename: '',
    outbound: null,
    inbound: null,
    failureReports: new Map(),
  };
}

export function hasFlag(node: ClusterNode, flag: number): boolean {
  return (node.flags & flag) !== 0;
}

export function isPrimary(node: ClusterNode): boolean {
  return hasFlag(node, NodeFlag.Primary);
}

export function isReplica(node: ClusterNode): boolean {
  return hasFlag(node, NodeFlag.Replica);
}

export function isMyself(node: ClusterNode): boolean {
  return hasFlag(node, NodeFlag.Myself);
}

export function isSuspected(node: ClusterNode): boolean {
  return hasFlag(node, NodeFlag.Suspected);
}

export function isFailed(node: ClusterNode): boolean {
  return hasFlag(node, NodeFlag.Failed);
}

export function isInHandshake(node: ClusterNode): boolean {
  return hasFlag(node, NodeFlag.Handshake);
}

export function hasNoAddress(node: ClusterNode): boolean {
  return hasFlag(node, NodeFlag.NoAddress);
}

/** A primary with slots: only these vote, report failures and count for the quorum. */
export function isVotingPrimary(node: ClusterNode): boolean {
  return isPrimary(node) && node.slotCount > 0;
}

export function isPingPending(node: ClusterNode): boolean {
  return node.pingSentAtMs !== NEVER;
}

export function myself(state: ClusterState): ClusterNode {
  return state.nodes.get(state.myId)!;
}

/** The primary a node replicates; null for a primary, or when that primary is unknown. */
export function primaryOf(state: ClusterState, node: ClusterNode): ClusterNode | null {
  return node.replicaOf === null ? null : state.nodes.get(node.replicaOf)!;
}

/** The node itself if it replicates nobody known, else the end of the chain above it. */
export function topmostPrimary(state: ClusterState, node: ClusterNode): ClusterNode {
  let top = node;
  // Stale records can form a ring; as many hops as there are nodes are enough for any chain without one.
  for (let hops = state.nodes.size; hops > 0; hops -= 1) {
    const next = primaryOf(state, top);
    if (next === null) return top;
    top = next;
  }
  return node;
}

/** A node as it appears in log lines: id and human nodename. */
export function label(node: ClusterNode): string {
  return `${node.id} (${node.humanNodename})`;
}

/** Makes `replica` a member of the primary's list. It must not be in any list. */
export function attachReplica(primary: ClusterNode, replica: ClusterNode): void {
  replica.replicaOf = primary.id;
  primary.replicas.push(replica.id);
  primary.flags |= NodeFlag.MigrateTo;
}

/** Takes the node from its primary's list, if it is in one. */
export function detachReplica(state: ClusterState, replica: ClusterNode): void {
  const primary = primaryOf(state, replica);
  replica.replicaOf = null;
  if (primary === null) return;
  primary.replicas = primary.replicas.filter((id) => id !== replica.id);
  if (primary.replicas.length === 0) primary.flags &= ~NodeFlag.MigrateTo;
}

/** The base client port of a node (the one in headers and CLUSTER NODES) and the other one. */
export function basePort(state: ClusterState, node: ClusterNode): number {
  return state.options.tlsCluster ? node.tlsPort : node.tcpPort;
}

export function secondaryPort(state: ClusterState, node: ClusterNode): number {
  return state.options.tlsCluster ? node.tcpPort : node.tlsPort;
}
