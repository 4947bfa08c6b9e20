/**
 * Liveness and agreement: once nothing is broken any more, all nodes come to the same view within a bounded time, and it is a good one.
 * Agreement means: every slot has one owner, the same for all; roles, shards and config epochs are the same for all, config epochs of primaries are
 * distinct; nobody is suspected; every node says `ok`; every replica is connected to its primary's data.
 */

import { NodeFlag } from '../../cluster/core/message.js';
import { isPrimary, isReplica } from '../../cluster/core/nodes.js';
import { type ClusterState, SLOT_COUNT } from '../../cluster/core/types.js';
import type { Process } from '../process.js';
import type { World } from '../world.js';

const FAILING = NodeFlag.Suspected | NodeFlag.Failed;

/** Why the running nodes do not agree yet, or null if they do. */
export function disagreement(world: World): string | null {
  const { running } = world;
  for (const process of running) {
    const reason = unfinished(process);
    if (reason !== null) return `node ${process.index} ${reason}`;
  }
  return differentViews(world) ?? sharedEpoch(world) ?? differentOwners(world);
}

/** What this node, for itself, has still to settle. */
function unfinished({ state, me, replication }: Process): string | null {
  if (state.status !== 'ok') return "says that the cluster is 'fail'";
  for (const node of state.nodes.values()) {
    if (node === me) continue;
    if ((node.flags & FAILING) !== 0) return `takes ${node.id} for failing`;
    if ((node.flags & (NodeFlag.Handshake | NodeFlag.NoAddress)) !== 0) return `does not really know ${node.id}`;
    if (node.outbound === null || !state.links.get(node.outbound)!.isUp) return `has no link to ${node.id}`;
  }
  if (isReplica(me)) {
    if (me.replicaOf === null) return 'is a replica of nobody';
    if (me.slotCount > 0) return 'is a replica with slots';
    if (replication.primaryLink().state !== 'connected') return 'is a replica without connection';
  }
  return null;
}

/** Roles, primaries and config epochs: what each says of itself is what the others believe. */
function differentViews(world: World): string | null {
  const { running } = world;
  for (const { state, index } of running) {
    if (state.nodes.size !== running.length) return `node ${index} knows ${state.nodes.size} nodes`;
    for (const other of running) {
      const seen = state.nodes.get(other.state.myId);
      if (seen === undefined) return `node ${index} does not know node ${other.index}`;
      const { me } = other;
      if (isPrimary(seen) !== isPrimary(me)) return `node ${index} is wrong about the role of node ${other.index}`;
      if (seen.replicaOf !== me.replicaOf) return `node ${index} is wrong about the primary of node ${other.index}`;
      if (isPrimary(me) && seen.configEpoch !== me.configEpoch) {
        const epochs = `${seen.configEpoch}, not ${me.configEpoch}`;
        return `node ${index} has config epoch ${epochs} for node ${other.index}`;
      }
    }
  }
  return null;
}

function sharedEpoch(world: World): string | null {
  const owner = new Map<number, number>();
  for (const { me, index } of world.running) {
    if (!isPrimary(me)) continue;
    const other = owner.get(me.configEpoch);
    if (other !== undefined) return `nodes ${other} and ${index} have the same config epoch ${me.configEpoch}`;
    owner.set(me.configEpoch, index);
  }
  return null;
}

function differentOwners(world: World): string | null {
  const [first, ...others] = world.running;
  if (first === undefined) return 'no node runs';
  for (let slot = 0; slot < SLOT_COUNT; slot += 1) {
    const owner = first.state.slotOwners[slot];
    if (owner === null || owner === undefined) return `slot ${slot} has no owner at node ${first.index}`;
    if (world.hostOf(owner)?.state?.slotOwners[slot] !== owner) return `slot ${slot} is not claimed by its owner`;
  }
  for (const { state, index } of others) {
    const slot = firstDifference(first.state, state);
    if (slot >= 0) return `nodes ${first.index} and ${index} name different owners of slot ${slot}`;
  }
  return null;
}

function firstDifference(a: ClusterState, b: ClusterState): number {
  for (let slot = 0; slot < SLOT_COUNT; slot += 1) if (a.slotOwners[slot] !== b.slotOwners[slot]) return slot;
  return -1;
}
