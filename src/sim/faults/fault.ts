/** A kind of fault: how it is made, and how it is undone. Faults know nothing of checkers. */
import type { Dice } from '../dice.js';
import type { World } from '../world.js';

export interface Fault {
  /** What a reader of the transcript is told. */
  text: string;
  /** Undoes it; null if it is over at once. */
  heal: (() => void) | null;
}

/** @returns null if it is not possible now */
export type FaultMaker = (world: World, dice: Dice) => Fault | null;
