/** A checker watches the world and throws a `Violation` at the moment an invariant fails. It counts its looks, so that a silent one shows. */
import type { Observer } from '../world.js';

export interface Checker extends Observer {
  /** The invariant, as a statement; a second one after a semicolon. */
  readonly name: string;
  readonly checkCount: number;
  /** Everything has healed and the nodes agree. */
  settled?(): void;
}
