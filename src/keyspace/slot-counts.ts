/** A number per hash slot, summed in groups, so that the slot of the n-th thing is found in two walks of 128 steps over adjacent memory. */
import { SLOT_COUNT } from './key-slot.js';

const GROUP_SHIFT = 7;

export class SlotCounts {
  private readonly counts = new Int32Array(SLOT_COUNT);
  private readonly groups = new Int32Array(SLOT_COUNT >>> GROUP_SHIFT);

  add(slot: number, change: number): void {
    this.counts[slot] += change;
    this.groups[slot >>> GROUP_SHIFT] += change;
  }

  /** @param n from 0 to below the sum of all @returns the slot in which the n-th is, counted from slot 0 on */
  slotOf(n: number): number {
    let rest = n;
    let group = 0;
    while (rest >= this.groups[group]) rest -= this.groups[group++];
    let slot = group << GROUP_SHIFT;
    while (rest >= this.counts[slot]) rest -= this.counts[slot++];
    return slot;
  }
}
