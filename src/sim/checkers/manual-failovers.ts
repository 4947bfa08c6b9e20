/**
 * A failover by hand (without FORCE) loses no acknowledged write, promised or not: the new primary has all that the old one took, and the old one takes
 * no more, as long as the two can talk and neither has stopped since the operator asked.
 */
import { isReplica, myself } from '../../cluster/core/nodes.js';
import type { Effect, Input } from '../../cluster/core/protocol.js';
import { includes } from '../history.js';
import type { Host } from '../host.js';
import type { Process } from '../process.js';
import type { World, Write } from '../world.js';
import type { Checker } from './checker.js';
import { Violation } from './violation.js';

interface Handover {
  from: Process;
  to: Process;
  /** False once the two could not talk for a moment. */
  isUndisturbed: boolean;
  /** The replica has all of the stream and may ask for votes. */
  canStart: boolean;
  isDone: boolean;
}

export class ManualFailovers implements Checker {
  readonly name = 'a failover by hand loses no write';
  readonly #world: World;
  /** By the replica that takes over. */
  readonly #handovers = new Map<Host, Handover>();
  checkCount = 0;

  constructor(world: World) {
    this.#world = world;
  }

  stepping(host: Host): void {
    const handover = this.#handovers.get(host);
    if (handover !== undefined && !handover.isDone) handover.canStart = host.state!.manualFailover.canStart;
  }

  stepped(host: Host, input: Input, effects: readonly Effect[]): void {
    if (isReplica(myself(host.state!))) this.#onLearned(host);
    if (input.kind === 'admin' && input.args[0] === 'failover') this.#onRequest(host, input.args);
    const handover = this.#handovers.get(host);
    if (handover === undefined) return;
    if (handover.isDone && isReplica(myself(host.state!))) {
      // It has been deposed since: the cluster's owner of the slots is another.
      this.#handovers.delete(host);
      return;
    }
    if (effects.some((effect) => effect.kind === 'become-primary')) this.#onTakenOver(host, handover);
    else if (!handover.isDone && host.state!.manualFailover.endsAtMs === Number.NEGATIVE_INFINITY) {
      this.#handovers.delete(host);
    }
  }

  /** The old primary knows that it is one no longer: what it does from now on is another story. */
  #onLearned(host: Host): void {
    for (const [to, { from, isDone }] of this.#handovers) if (isDone && from.host === host) this.#handovers.delete(to);
  }

  ended(host: Host): void {
    for (const [to, { from }] of this.#handovers) {
      if (to === host || from.host === host) this.#handovers.delete(to);
    }
  }

  reachabilityChanged(): void {
    for (const handover of this.#handovers.values()) {
      if (!this.#world.canTalk(handover.from.host, handover.to.host)) handover.isUndisturbed = false;
    }
  }

  wrote({ host, slot, position, atMs }: Write): void {
    for (const [to, { from, isDone, isUndisturbed }] of this.#handovers) {
      if (!isDone || from.host !== host) continue;
      this.checkCount += 1;
      if (!isUndisturbed || includes(to.data, position)) continue;
      const detail = `node ${host.index} takes a write to slot ${slot} after node ${to.index} has taken over`;
      throw new Violation(this.name, detail, atMs);
    }
  }

  #onRequest(host: Host, args: readonly string[]): void {
    this.#handovers.delete(host);
    const { replicaOf } = myself(host.state!);
    const from = replicaOf === null ? undefined : this.#world.hostOf(replicaOf);
    if (args.length > 1 || from === undefined || from.process === null) return;
    const isUndisturbed = this.#world.canTalk(host, from);
    this.#handovers.set(host, { from: from.process, to: host.process!, isUndisturbed, canStart: false, isDone: false });
  }

  #onTakenOver(host: Host, handover: Handover): void {
    if (!handover.canStart) {
      // The primary failed meanwhile: this was an ordinary election.
      this.#handovers.delete(host);
      return;
    }
    this.checkCount += 1;
    handover.isDone = true;
    const { from, isUndisturbed } = handover;
    if (!isUndisturbed || includes(host.data, from.data)) return;
    const missing = from.data.offset - host.data.offset;
    const detail = `node ${host.index} takes over from node ${from.index} with ${missing} bytes missing`;
    throw new Violation(this.name, detail, this.#world.nowMs);
  }
}
