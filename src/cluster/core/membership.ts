/**
 * The node table: adding, removing and renaming nodes, and the list of nodes that were forgotten on purpose.
 * Source: spec/cluster.md 4.2.
 */
import { strict as assert } from 'node:assert';
import { dropLink } from './links.js';
import { NodeFlag } from './message.js';
import { detachReplica, hasFlag, isMyself, makeNode, randomId } from './nodes.js';
import { unassignAllSlots } from './slot-table.js';
import { nowMs, type Turn } from './turn.js';
import type { ClusterNode, NodeId } from './types.js';

/** Seconds for which CLUSTER FORGET keeps gossip from bringing a node back: long enough to send the command to every node of a large cluster. */
export const FORGET_TTL_S = 60;

/**
 * One node per slot would need 16384 primaries; a table beyond that is made of invented nodes. New nodes are then refused, whoever names them.
 */
const NODES_MAX = 16384;

/** Handshakes under way; each MEET from a stranger makes one, and they live for a node timeout. */
const HANDSHAKES_MAX = 4096;

const FORGOTTEN_MAX = 16384;

/** @returns the new node, or null if the table is full */
export function addNode(turn: Turn, id: NodeId, flags: number): ClusterNode | null {
  const { state } = turn;
  assert(!state.nodes.has(id), 'a node is added once');
  if (state.nodes.size >= NODES_MAX) return null;
  const node = makeNode(id, flags, randomId(turn.environment.random), nowMs(turn));
  state.nodes.set(id, node);
  turn.nodeList = null;
  return node;
}

/** A node whose id is not known yet: it gets a random one until its first answer. Null if too many are on their way already. */
export function addHandshake(turn: Turn, extraFlags: number): ClusterNode | null {
  let handshakes = 0;
  for (const node of turn.state.nodes.values()) if (hasFlag(node, NodeFlag.Handshake)) handshakes += 1;
  if (handshakes >= HANDSHAKES_MAX) return null;
  return addNode(turn, randomId(turn.environment.random), NodeFlag.Handshake | extraFlags);
}

/** Removes a node and every trace of it: slots, open slots, reports by it, links, its ties to primary and replicas. */
export function deleteNode(turn: Turn, node: ClusterNode): void {
  const { state } = turn;
  assert(!isMyself(node), 'a node does not delete itself');
  for (const table of [state.migrating, state.importing, state.movedFrom]) {
    for (const [slot, other] of table) if (other === node.id) table.delete(slot);
  }
  unassignAllSlots(turn, node);
  for (const other of state.nodes.values()) other.failureReports.delete(node.id);
  detachReplica(state, node);
  for (const id of node.replicas) state.nodes.get(id)!.replicaOf = null;
  dropLink(turn, node.outbound);
  dropLink(turn, node.inbound);
  state.nodes.delete(node.id);
  turn.nodeList = null;
}

/** Gives a node its real id (end of a handshake), or this node a new one (hard reset). Nothing may own slots or follow it under the old id. */
export function renameNode(turn: Turn, node: ClusterNode, id: NodeId): void {
  const { state } = turn;
  assert(!state.nodes.has(id), 'a new id is not taken');
  assert(node.slotCount === 0 && node.replicas.length === 0 && node.replicaOf === null, 'a renamed node has no ties');
  state.nodes.delete(node.id);
  node.id = id;
  state.nodes.set(id, node);
  for (const linkId of [node.outbound, node.inbound]) if (linkId !== null) state.links.get(linkId)!.node = id;
  turn.nodeList = null;
}

/** Keeps gossip from bringing the node back for `ttlS` seconds. */
export function forgetNode(turn: Turn, id: NodeId, ttlS: number): void {
  const { forgotten } = turn.state;
  sweepForgotten(turn);
  forgotten.set(id, nowMs(turn) + ttlS * 1000);
  if (forgotten.size > FORGOTTEN_MAX) forgotten.delete(forgotten.keys().next().value!);
}

export function isForgotten(turn: Turn, id: NodeId): boolean {
  sweepForgotten(turn);
  return turn.state.forgotten.has(id);
}

function sweepForgotten(turn: Turn): void {
  for (const [id, expiresAtMs] of turn.state.forgotten) {
    if (expiresAtMs <= nowMs(turn)) turn.state.forgotten.delete(id);
  }
}
