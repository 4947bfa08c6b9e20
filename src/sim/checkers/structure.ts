/** The invariants of a core's state (`cluster/core/types.ts`), looked at every few seconds of each node's time and when a process ends. */
import type { Input } from '../../cluster/core/protocol.js';
import { hasSlot, NO_SLOTS } from '../../cluster/core/slot-bitmap.js';
import { type ClusterNode, type ClusterState, SLOT_COUNT } from '../../cluster/core/types.js';
import type { Host } from '../host.js';
import type { World } from '../world.js';
import type { Checker } from './checker.js';
import { Violation } from './violation.js';

const TICKS_BETWEEN = 256;

export class Structure implements Checker {
  readonly name = 'the state of a node is consistent';
  readonly #world: World;
  checkCount = 0;

  constructor(world: World) {
    this.#world = world;
  }

  stepped(host: Host, input: Input): void {
    if (input.kind === 'tick' && host.state!.tickCount % TICKS_BETWEEN === host.index % TICKS_BETWEEN)
      this.#check(host);
  }

  ended(host: Host): void {
    this.#check(host);
  }

  settled(): void {
    for (const host of this.#world.hosts) this.#check(host);
  }

  #check(host: Host): void {
    this.checkCount += 1;
    const wrong = wrongAbout(host.state!);
    if (wrong !== null) throw new Violation(this.name, `node ${host.index}: ${wrong}`, this.#world.nowMs);
  }
}

function wrongAbout(state: ClusterState): string | null {
  return wrongAboutSlots(state) ?? wrongAboutNodes(state);
}

function wrongAboutSlots(state: ClusterState): string | null {
  let owned = 0;
  let node: ClusterNode | undefined;
  for (let slot = 0; slot < SLOT_COUNT; slot += 1) {
    const owner = state.slotOwners[slot];
    if (owner === null || owner === undefined) continue;
    owned += 1;
    if (node?.id !== owner) node = state.nodes.get(owner);
    if (node === undefined) return `slot ${slot} belongs to an unknown node`;
    if (!hasSlot(node.slots, slot)) return `slot ${slot} is not in the bitmap of its owner`;
  }
  // Each owned slot is in its owner's bitmap; if the numbers agree, there is no other bit anywhere.
  let bitsOfAll = 0;
  for (const { id, slots, slotCount } of state.nodes.values()) {
    let bits = 0;
    if (slots !== NO_SLOTS) for (const byte of slots) bits += BITS[byte]!;
    if (bits !== slotCount) return `the bitmap of ${id} has ${bits} bits, it counts ${slotCount}`;
    bitsOfAll += bits;
  }
  return bitsOfAll === owned ? null : `${owned} slots have owners, ${bitsOfAll} are in bitmaps`;
}

const BITS = Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length);

function wrongAboutNodes(state: ClusterState): string | null {
  const me = state.nodes.get(state.myId);
  if (me === undefined) return 'it does not know itself';
  if (me.configEpoch > state.currentEpoch) return 'its config epoch is above the current epoch';
  for (const [id, node] of state.nodes) {
    if (node.id !== id) return `the entry of ${id} has another id`;
    if (node.replicaOf !== null && state.nodes.get(node.replicaOf)?.replicas.includes(id) !== true) {
      return `${id} is not in the list of its primary`;
    }
    for (const replica of node.replicas) {
      if (state.nodes.get(replica)?.replicaOf !== id) return `${replica} is in the list of ${id} by mistake`;
    }
    for (const link of [node.outbound, node.inbound]) {
      if (link !== null && state.links.get(link)?.node !== id) return `link ${link} of ${id} is not its own`;
    }
  }
  return null;
}
