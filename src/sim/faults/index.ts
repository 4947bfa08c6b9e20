/**
 * The makers of faults. The schedule draws when something breaks, what, and for how long; all that is still broken at the end is healed at once.
 */
import type { Dice } from '../dice.js';
import type { World } from '../world.js';
import type { Fault, FaultMaker } from './fault.js';
import * as host from './host-faults.js';
import * as network from './network-faults.js';

export const FAULTS: ReadonlyMap<string, FaultMaker> = new Map<string, FaultMaker>([
  ['partition', network.partition],
  ['isolate', network.isolate],
  ['mute some', network.muteSome],
  ['cut pairs', network.cutPairs],
  ['break connections', network.breakConnections],
  ['slow down', network.slowDown],
  ['crash', host.crash],
  ['lose power', host.losePower],
  ['crash within a step', host.crashWithinStep],
  ['crash voters', host.crashVoters],
  ['crash a shard', host.crashShard],
  ['crash many', host.crashMany],
  ['crash a candidate', host.crashCandidate],
  ['move a host', host.moveHost],
  ['freeze', host.freeze],
  ['jump of a clock', host.jumpClock],
]);

export class FaultSchedule {
  readonly #world: World;
  readonly #dice: Dice;
  readonly #deck: string[] = [];
  readonly #open = new Set<() => void>();
  #isStopped = true;
  /** Kind → how often. */
  readonly counts = new Map<string, number>();

  constructor(world: World, dice: Dice) {
    this.#world = world;
    this.#dice = dice;
    for (const [name, weight] of world.plan.faultWeights) for (let i = 0; i < weight; i += 1) this.#deck.push(name);
  }

  start(): void {
    this.#isStopped = false;
    this.#scheduleNext();
  }

  /** No new faults; the present ones are healed, all processes run. */
  stopAndHeal(): void {
    this.#isStopped = true;
    for (const heal of [...this.#open]) heal();
    for (const host of this.#world.hosts) {
      if (host.process !== null) host.process.fuse = -1;
      this.#world.restart(host);
    }
  }

  #scheduleNext(): void {
    const { faultEveryMs } = this.#world.plan;
    this.#world.agenda.after(this.#dice.between(1, 2 * faultEveryMs - 1), () => {
      if (this.#isStopped) return;
      this.#strike();
      this.#scheduleNext();
    });
  }

  #strike(): void {
    const name = this.#dice.pick(this.#deck);
    const fault = FAULTS.get(name)!(this.#world, this.#dice);
    if (fault === null) return;
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
    this.#world.tell(fault.text);
    if (fault.heal !== null) this.#healLater(fault, fault.heal);
  }

  #healLater(fault: Fault, undo: () => void): void {
    const heal = (): void => {
      if (!this.#open.delete(heal)) return;
      this.#world.tell(`healed: ${fault.text}`);
      undo();
    };
    this.#open.add(heal);
    this.#world.agenda.after(this.#drawDurationMs(), heal);
  }

  /** Shorter than a failure detection, about as long, or long enough for everything to settle. */
  #drawDurationMs(): number {
    const { nodeTimeoutMs } = this.#world.plan.options;
    const [min, max] = this.#dice.pick([
      [1, 200],
      [Math.floor(nodeTimeoutMs / 2), 2 * nodeTimeoutMs],
      [2 * nodeTimeoutMs, 6 * nodeTimeoutMs],
      [6 * nodeTimeoutMs, 15 * nodeTimeoutMs],
    ]) as [number, number];
    return this.#dice.between(min, max);
  }
}
