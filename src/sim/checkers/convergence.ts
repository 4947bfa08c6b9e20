/**
 * Liveness and agreement: once nothing is broken any more, all nodes come to the same view within a bounded time, and it is a good one.
 * Agreement means: every slot has one owner, the same for all; roles, shards and config epochs are the same for all, config epochs of primaries are
 * distinct; nobody is suspected; every node says `ok`; every replica is connected to its primary's data.
 */
import { NodeFlag } from '../../cluster/core/message.js';
import { isPrimary, isReplica } from '../../cluster/core/nodes.js';
import { equalSlots } from '../../cluster/core/slot-bitmap.js';
import { SLOT_COUNT } from '../../cluster/core/types.js';
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

/** By bitmaps; that they agree with the table of owners is another checker's business. */
function differentOwners(world: World): string | null {
  const { running } = world;
  for (const { state, index } of running) {
    let owned = 0;
    for (const { me, index: other } of running) {
      const seen = state.nodes.get(me.id)!;
      owned += seen.slotCount;
      if (!equalSlots(seen.slots, me.slots)) return `node ${index} is wrong about the slots of node ${other}`;
    }
    if (owned !== SLOT_COUNT) return `node ${index} knows owners of ${owned} slots`;
  }
  return null;
}
