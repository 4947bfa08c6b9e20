/**
 * A primary that is cut off from the majority of the voters stops taking writes: before its successor can have many, and however it is cut off.
 *
 * How long it may take, from the core's rules (T = node timeout):
 *   both ways cut: T of silence, and half a second, by which gossip from a clock that is ahead may make a pong younger;
 *   one way cut: what the others still send keeps it calm until their connections to it end, up to 2 T (T/2 until a ping is pending, T/2 more if the
 *   connection is old enough, else when it is T old), and then T of silence.
 * On top: two ticks with their lags, messages that were under way, clocks that run slow. For a frozen process it begins when it goes on.
 */
import { isVotingPrimary } from '../../cluster/core/nodes.js';
import { isQuorum } from '../../cluster/core/quorum.js';
import type { Host } from '../host.js';
import type { Process } from '../process.js';
import type { World, Write } from '../world.js';
import type { Checker } from './checker.js';
import { Violation } from './violation.js';

const POLL_MS = 100;
const GOSSIP_AHEAD_MS = 500;

interface Isolation {
  sinceMs: number;
  /** True once something came through one way only. */
  isOneWay: boolean;
}

export class IsolatedPrimaries implements Checker {
  readonly name = 'a primary without a majority stops taking writes';
  readonly #world: World;
  readonly #isolated = new Map<Host, Isolation>();
  checkCount = 0;
  /** The longest time after which an isolated primary took a write, in thousandths of the node timeout. */
  longest = 0;

  constructor(world: World) {
    this.#world = world;
  }

  start(): void {
    const poll = (): void => {
      this.reachabilityChanged();
      this.#world.agenda.after(POLL_MS, poll);
    };
    poll();
  }

  reachabilityChanged(): void {
    for (const process of this.#world.running) this.#look(process);
  }

  ended(host: Host): void {
    this.#isolated.delete(host);
  }

  wrote({ host, atMs, slot }: Write): void {
    this.checkCount += 1;
    const isolation = this.#isolated.get(host);
    if (isolation === undefined) return;
    const sinceMs = Math.max(isolation.sinceMs, host.process!.thawedAtMs);
    const { nodeTimeoutMs } = this.#world.plan.options;
    this.longest = Math.max(this.longest, Math.floor(((atMs - sinceMs) * 1000) / nodeTimeoutMs));
    const limitMs = this.#limitMs(isolation.isOneWay);
    if (atMs - sinceMs <= limitMs) return;
    const detail = `node ${host.index} took a write to slot ${slot} after ${atMs - sinceMs} ms, the limit is ${limitMs}`;
    throw new Violation(this.name, detail, atMs);
  }

  #look(process: Process): void {
    const { host } = process;
    let voters = 0;
    let reachable = 0;
    let isOneWay = false;
    for (const node of process.state.nodes.values()) {
      if (!isVotingPrimary(node)) continue;
      voters += 1;
      const other = this.#world.hostOf(node.id);
      if (other === host || (other !== undefined && this.#world.canTalk(host, other))) reachable += 1;
      else if (other !== undefined && this.#hears(host, other)) isOneWay = true;
    }
    if (isQuorum(reachable, voters)) {
      this.#isolated.delete(host);
      return;
    }
    const isolation = this.#isolated.get(host);
    if (isolation === undefined) this.#isolated.set(host, { sinceMs: this.#world.nowMs, isOneWay });
    else isolation.isOneWay ||= isOneWay;
  }

  #hears(host: Host, other: Host): boolean {
    return other.process !== null && !this.#world.network.isBlocked(other.index, host.index);
  }

  #limitMs(isOneWay: boolean): number {
    const { options, latency, tickLagMaxMs, driftMaxThousandths } = this.#world.plan;
    const { nodeTimeoutMs } = options;
    const underWayMs = 2 * (latency.baseMs + latency.jitterMs + latency.spikeMs) + this.#world.network.slownessMaxMs;
    const timeoutsMs = isOneWay ? 3 * nodeTimeoutMs : nodeTimeoutMs;
    const exactMs = timeoutsMs + GOSSIP_AHEAD_MS + underWayMs + 3 * (100 + tickLagMaxMs) + POLL_MS;
    return exactMs + Math.ceil((exactMs * driftMaxThousandths) / 1000);
  }
}
