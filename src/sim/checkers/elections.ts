/**
 * Elections: one vote per node and epoch, one winner per epoch, and no winner without a majority of votes that were really given.
 *
 * A vote counts from the moment it leaves a node, and for ever: crashes do not take it back. So a vote must be on disk before it leaves, and the disk is
 * looked at when it does.
 *
 * CLUSTER FAILOVER TAKEOVER makes a voter without asking anyone. Two of them, on two sides of a split, make two electorates with a majority each: from
 * then on an epoch may have two winners, of different slots. (Slots are safe even so: they go by the higher epoch, and equal ones part by collision.)
 */
import type { Effect, Input } from '../../cluster/core/protocol.js';
import { quorumOf } from '../../cluster/core/quorum.js';
import { lastVoteEpochIn } from '../disk.js';
import type { Host } from '../host.js';
import type { HostIndex } from '../network.js';
import type { World } from '../world.js';
import type { Checker } from './checker.js';
import { Violation } from './violation.js';

export class Elections implements Checker {
  readonly name = 'no node votes twice in an epoch; no epoch has two winners';
  readonly #world: World;
  /** Epoch → voter → candidate. */
  readonly #votes = new Map<number, Map<HostIndex, HostIndex>>();
  readonly #winners = new Map<number, HostIndex>();
  #hadTakeover = false;
  checkCount = 0;

  constructor(world: World) {
    this.#world = world;
  }

  stepped(host: Host, input: Input, effects: readonly Effect[]): void {
    if (!effects.some((effect) => effect.kind === 'become-primary')) return;
    if (input.kind === 'admin') {
      this.#hadTakeover = true;
      return;
    }
    this.checkCount += 1;
    const { election, size } = host.state!;
    const { epoch } = election;
    const winner = this.#winners.get(epoch);
    if (winner !== undefined && winner !== host.index && !this.#hadTakeover) {
      throw this.#violation('no two nodes win an election in the same epoch', `${winner} and ${host.index}, ${epoch}`);
    }
    this.#winners.set(epoch, host.index);
    let votes = 0;
    for (const candidate of this.#votes.get(epoch)?.values() ?? []) if (candidate === host.index) votes += 1;
    if (votes < quorumOf(size)) {
      const detail = `node ${host.index} won epoch ${epoch} with ${votes} votes, the quorum is ${quorumOf(size)}`;
      throw this.#violation('a winner has the votes of a majority', detail);
    }
  }

  performed(host: Host, effect: Effect): void {
    if (effect.kind !== 'send' || effect.message.type !== 'auth-ack') return;
    this.checkCount += 1;
    const epoch = effect.message.header.currentEpoch;
    const link = host.state!.links.get(effect.links[0]!);
    const candidate = this.#world.hostOf(link?.node ?? '')?.index ?? -1;
    const votes = this.#votes.get(epoch) ?? new Map<HostIndex, HostIndex>();
    this.#votes.set(epoch, votes);
    const former = votes.get(host.index);
    if (former !== undefined) {
      const detail = `node ${host.index} votes for ${candidate} in epoch ${epoch}, and has voted for ${former}`;
      throw this.#violation('a node never votes twice in an epoch', detail);
    }
    votes.set(host.index, candidate);
    if (lastVoteEpochIn(host.disk.durable) < epoch) {
      throw this.#violation('a vote is durable before it leaves', `node ${host.index}, epoch ${epoch}`);
    }
  }

  #violation(invariant: string, detail: string): Violation {
    return new Violation(invariant, detail, this.#world.nowMs);
  }
}
