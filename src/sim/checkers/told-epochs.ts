/**
 * A primary never takes back a config epoch that it has told others, not by a crash either: with the lower one it would lose an argument about slots
 * that it has won.
 */
import { NodeFlag } from '../../cluster/core/message.js';
import type { Effect } from '../../cluster/core/protocol.js';
import type { Host } from '../host.js';
import type { World } from '../world.js';
import type { Checker } from './checker.js';
import { Violation } from './violation.js';

export class ToldEpochs implements Checker {
  readonly name = 'the config epoch that a primary tells never falls';
  readonly #world: World;
  readonly #told = new Map<Host, number>();
  checkCount = 0;

  constructor(world: World) {
    this.#world = world;
  }

  performed(host: Host, effect: Effect): void {
    if (effect.kind !== 'send') return;
    const { header } = effect.message;
    if (header.replicaOf !== null || (header.flags & NodeFlag.Primary) === 0) return;
    this.checkCount += 1;
    const before = this.#told.get(host) ?? 0;
    if (header.configEpoch < before) {
      const detail = `node ${host.index} told ${before}, and now ${header.configEpoch}`;
      throw new Violation(this.name, detail, this.#world.nowMs);
    }
    this.#told.set(host, header.configEpoch);
  }
}
