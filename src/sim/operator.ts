/**
 * What an operator (or a tool on behalf of one) does while things are breaking: failovers by hand, epoch bumps, moving slots that hold no keys.
 * Each operation is one that is allowed at any time and must leave the cluster able to agree.
 */
import { isPrimary, isReplica, isVotingPrimary } from '../cluster/core/nodes.js';
import type { ClusterState } from '../cluster/core/types.js';
import { SLOT_COUNT } from '../cluster/core/types.js';
import { CLIENT_SLOT_STEP } from './clients.js';
import type { Dice } from './dice.js';
import type { Process } from './process.js';
import type { World } from './world.js';

interface Operation {
  /** False: forces a failover to a replica whatever its data, which loses data if that replica has just changed shards. */
  isSafeWithMigration: boolean;
  run(world: World, dice: Dice, process: Process): string | null;
}

const MOVED_AT_ONCE_MAX = 20;

export const OPERATIONS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['failover', { isSafeWithMigration: true, run: (_, __, process) => failover(process) }],
  ['failover force', { isSafeWithMigration: false, run: (_, __, process) => failover(process, 'force') }],
  ['failover takeover', { isSafeWithMigration: false, run: (_, __, process) => failover(process, 'takeover') }],
  ['bump epoch', { isSafeWithMigration: true, run: (_, __, process) => bumpEpoch(process) }],
  ['move slots', { isSafeWithMigration: true, run: (world, dice, process) => moveSlots(world, dice, process) }],
]);

export class Operator {
  readonly #world: World;
  readonly #dice: Dice;
  #isStopped = false;
  readonly #deck: Operation[] = [];

  constructor(world: World, dice: Dice) {
    this.#world = world;
    this.#dice = dice;
    for (const [name, weight] of world.plan.operationWeights) {
      for (let i = 0; i < weight; i += 1) this.#deck.push(OPERATIONS.get(name)!);
    }
  }

  start(): void {
    const { operateEveryMs } = this.#world.plan;
    if (operateEveryMs === 0) return;
    const next = (): void => {
      if (this.#isStopped) return;
      this.#operate();
      this.#world.agenda.after(this.#dice.between(1, 2 * operateEveryMs - 1), next);
    };
    this.#world.agenda.after(this.#dice.between(1, operateEveryMs), next);
  }

  stop(): void {
    this.#isStopped = true;
  }

  #operate(): void {
    const awake = this.#world.running.filter((process) => !process.isFrozen);
    if (awake.length === 0) return;
    const process = this.#dice.pick(awake);
    const done = this.#dice.pick(this.#deck).run(this.#world, this.#dice, process);
    if (done !== null) this.#world.tell(`operator: ${done}`);
  }
}

function failover(process: Process, ...mode: string[]): string | null {
  if (!isReplica(process.me)) return null;
  const reply = process.admin('failover', ...mode);
  return reply.ok ? `CLUSTER FAILOVER ${mode.join(' ').toUpperCase()} at node ${process.index}` : null;
}

function bumpEpoch(process: Process): string | null {
  // A primary without slots would be given an epoch that nobody needs.
  if (!isVotingPrimary(process.me)) return null;
  const reply = process.admin('bumpepoch');
  return reply.ok ? `CLUSTER BUMPEPOCH at node ${process.index}: ${reply.text}` : null;
}

/** Slots without keys, from one primary to another, in the order of `redis-cli --cluster reshard`. */
function moveSlots(world: World, dice: Dice, target: Process): string | null {
  if (!isVotingPrimary(target.me)) return null;
  const sources = world.running.filter((process) => {
    return process !== target && !process.isFrozen && isPrimary(process.me) && process.me.slotCount > 1;
  });
  if (sources.length === 0) return null;
  const source = dice.pick(sources);
  const first = dice.below(SLOT_COUNT);
  let moved = 0;
  for (let slot = first; slot < SLOT_COUNT && moved < MOVED_AT_ONCE_MAX; slot += 1) {
    if (isClients(slot) || !owns(source.state, slot)) continue;
    if (!target.admin('setslot', `${slot}`, 'importing', source.state.myId).ok) break;
    if (!source.admin('setslot', `${slot}`, 'migrating', target.state.myId).ok) break;
    if (!target.admin('setslot', `${slot}`, 'node', target.state.myId).ok) break;
    moved += 1;
    if (world.hosts[source.index]!.process !== source || world.hosts[target.index]!.process !== target) break;
    if (!source.admin('setslot', `${slot}`, 'node', target.state.myId).ok) break;
  }
  return moved === 0 ? null : `moves ${moved} slots from node ${source.index} to node ${target.index}`;
}

function isClients(slot: number): boolean {
  return slot % CLIENT_SLOT_STEP === 0;
}

function owns(state: ClusterState, slot: number): boolean {
  return state.slotOwners[slot] === state.myId;
}
