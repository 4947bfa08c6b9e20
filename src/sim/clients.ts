/**
 * Clients that write: a value to one of a few dozen slots, at any node that takes it, often followed by WAIT for all replicas of the shard.
 *
 * A client may be on any side of a split, so a write goes to any node that would execute it, an outdated owner as well. WAIT for *all* replicas is the
 * one promise that survives every failover: whoever is elected has the write. What WAIT for some, or no WAIT, promises is only likelihood (the
 * replica with more data asks first), so such writes count as acknowledged but not as promised.
 */
import { myself } from '../cluster/core/nodes.js';
import { SLOT_COUNT } from '../cluster/core/types.js';
import type { Dice } from './dice.js';
import { includes, type Position } from './history.js';
import type { Host } from './host.js';
import type { HostIndex } from './network.js';
import type { Observer, World, Write } from './world.js';

const SLOTS_WRITTEN = 48;
/** Every slot that is a multiple of this belongs to clients; the others are the operator's to move around. */
export const CLIENT_SLOT_STEP = Math.floor(SLOT_COUNT / SLOTS_WRITTEN);
/** WAITs of one node that have not been answered; older ones are given up. */
const WAITS_MAX = 200;

interface Wait {
  write: Write;
  missing: Set<HostIndex>;
}

export class Clients implements Observer {
  readonly #world: World;
  readonly #dice: Dice;
  readonly #waits = new Map<Host, Wait[]>();
  #isStopped = false;
  writeCount = 0;
  refusedCount = 0;
  promisedCount = 0;

  constructor(world: World, dice: Dice) {
    this.#world = world;
    this.#dice = dice;
  }

  start(): void {
    const { writeEveryMs } = this.#world.plan;
    const next = (): void => {
      if (this.#isStopped) return;
      this.#writeSomewhere();
      this.#world.agenda.after(this.#dice.between(1, 2 * writeEveryMs - 1), next);
    };
    this.#world.agenda.after(this.#dice.between(1, writeEveryMs), next);
  }

  stop(): void {
    this.#isStopped = true;
  }

  ended(host: Host): void {
    this.#waits.delete(host);
  }

  acknowledged(host: Host, by: HostIndex, position: Position): void {
    const waits = this.#waits.get(host);
    if (waits === undefined) return;
    for (const { write, missing } of waits) {
      if (missing.has(by) && includes(position, write.position)) missing.delete(by);
    }
    // Oldest first, and whoever has a write has the older ones of that node too.
    while (waits.length > 0 && waits[0]!.missing.size === 0) {
      this.promisedCount += 1;
      this.#world.promised(waits.shift()!.write);
    }
  }

  #writeSomewhere(): void {
    const write = this.write(this.#dice.below(SLOTS_WRITTEN) * CLIENT_SLOT_STEP);
    if (write === null) this.refusedCount += 1;
  }

  /** Writes to the slot at one of the nodes that take it. @returns null if there is none */
  write(slot: number): Write | null {
    const takers = this.#world.running.filter((process) => process.takesWrites(slot));
    if (takers.length === 0) return null;
    const { host, replication } = this.#dice.pick(takers);
    const write = { host, slot, position: replication.write(slot, true), atMs: this.#world.nowMs };
    this.writeCount += 1;
    this.#world.wrote(write);
    if (this.#dice.chance(1, this.#world.plan.waitOneIn)) this.#wait(write);
    return write;
  }

  #wait(write: Write): void {
    const missing = new Set(othersOfShard(this.#world, write.host));
    if (missing.size === 0) return;
    const waits = this.#waits.get(write.host) ?? [];
    waits.push({ write, missing });
    if (waits.length > WAITS_MAX) waits.shift();
    this.#waits.set(write.host, waits);
  }
}

/** Everyone who could come to own the slots of the host: its replicas by anyone's account, running or not. */
function othersOfShard(world: World, host: Host): HostIndex[] {
  const me = myself(host.state!);
  const others: HostIndex[] = [];
  for (const other of world.hosts) {
    if (other === host || other.state === null) continue;
    const self = myself(other.state);
    if (self.shardId === me.shardId || self.replicaOf === me.id || me.replicas.includes(self.id))
      others.push(other.index);
  }
  return others;
}
