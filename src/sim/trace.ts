/** A fingerprint of a run: 32 bits over every step of every core. Two runs of one seed that differ anywhere differ here. */
import type { Effect, Input } from '../cluster/core/protocol.js';
import type { Host } from './host.js';
import type { Observer, World } from './world.js';

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

export class Trace implements Observer {
  readonly #world: World;
  #hash = FNV_OFFSET | 0;
  stepCount = 0;

  constructor(world: World) {
    this.#world = world;
  }

  get fingerprint(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  stepped(host: Host, input: Input, effects: readonly Effect[]): void {
    this.stepCount += 1;
    this.#number(this.#world.nowMs);
    this.#number(host.index);
    this.#text(input.kind === 'message' ? input.message.type : input.kind);
    this.#number(host.state!.currentEpoch);
    for (const effect of effects) this.#text(effect.kind === 'log' ? effect.text : effect.kind);
  }

  told(text: string): void {
    this.#text(text);
  }

  #text(text: string): void {
    for (let i = 0; i < text.length; i += 1) this.#number(text.charCodeAt(i));
  }

  #number(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, FNV_PRIME);
  }
}
