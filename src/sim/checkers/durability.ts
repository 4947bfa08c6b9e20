/**
 * No write that every replica acknowledged is lost: whoever becomes the owner of its slot has it.
 * Checked at each election, where a loss begins, and at the end, where it would show.
 */
import type { Effect, Input } from '../../cluster/core/protocol.js';
import { type Branch, hasKeysInSlot, includes } from '../history.js';
import type { Host } from '../host.js';
import type { World, Write } from '../world.js';
import type { Checker } from './checker.js';
import { Violation } from './violation.js';

export class Durability implements Checker {
  readonly name = 'no write that all replicas acknowledged is lost';
  readonly #world: World;
  /** Slot → branch → the latest promised write there; who has that one has the earlier ones of the branch. */
  readonly #promised = new Map<number, Map<Branch, Write>>();
  readonly #lastWrite = new Map<number, Write>();
  checkCount = 0;
  /** Slots whose last write, acknowledged but not promised, was gone when all had settled. */
  unpromisedLost = 0;

  constructor(world: World) {
    this.#world = world;
  }

  wrote(write: Write): void {
    this.#lastWrite.set(write.slot, write);
  }

  promised(write: Write): void {
    const branches = this.#promised.get(write.slot) ?? new Map<Branch, Write>();
    branches.set(write.position.branch, write);
    this.#promised.set(write.slot, branches);
  }

  stepped(host: Host, _input: Input, effects: readonly Effect[]): void {
    if (!effects.some((effect) => effect.kind === 'become-primary')) return;
    const { slotOwners, myId } = host.state!;
    for (const slot of this.#promised.keys()) if (slotOwners[slot] === myId) this.#check(host, slot);
  }

  settled(): void {
    for (const slot of this.#promised.keys()) this.#check(this.#ownerOf(slot), slot);
    for (const [slot, write] of this.#lastWrite) {
      if (!includes(this.#ownerOf(slot).data, write.position)) this.unpromisedLost += 1;
    }
    this.#lastWrite.clear();
  }

  /** All agree, so any node may be asked. */
  #ownerOf(slot: number): Host {
    return this.#world.hostOf(this.#world.hosts[0]!.state!.slotOwners[slot]!)!;
  }

  #check(host: Host, slot: number): void {
    for (const write of this.#promised.get(slot)!.values()) {
      this.checkCount += 1;
      if (includes(host.data, write.position) && hasKeysInSlot(host.data, slot)) continue;
      const detail = `slot ${slot}, written at ${write.atMs} ms by node ${write.host.index}, is not in the data of node ${host.index}`;
      throw new Violation(this.name, detail, this.#world.nowMs);
    }
  }
}
