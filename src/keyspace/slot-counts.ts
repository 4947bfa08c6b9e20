/** A number per hash slot, summed in groups, so that the slot of the n-th thing is found in two walks of 128 steps over adjacent memory. */
import { SLOT_COUNT } from './key-slot.js';
import { randomBelow } from './random.js';

const GROUP_SHIFT = 7;
/** Guesses of `randomSlot` before it walks: enough where no slot has many times more than the others. */
const GUESSES = 4;
/** So many walks later the highest count is taken anew, as it may have fallen; twice as many if it had not, up to as many as there are slots. */
const WALKS_MIN = 64;

export class SlotCounts {
  private readonly counts = new Int32Array(SLOT_COUNT);
  private readonly groups = new Int32Array(SLOT_COUNT >>> GROUP_SHIFT);
  /** No count is higher. */
  private highest = 0;
  private sum = 0;
  /** Until the highest is taken anew. */
  private walksLeft = WALKS_MIN;
  private walksBetween = WALKS_MIN;

  add(slot: number, change: number): void {
    const count = this.counts[slot] + change;
    this.counts[slot] = count;
    this.groups[slot >>> GROUP_SHIFT] += change;
    this.sum += change;
    if (count > this.highest) this.highest = count;
  }

  set(slot: number, count: number): void {
    const change = count - this.counts[slot];
    if (change !== 0) this.add(slot, change);
  }

  /**
   * Most slots are found by guessing: any slot, kept with a chance of its count in the highest one; that takes a tenth of the time of a walk.
   * @returns a slot picked at random, with a chance in proportion to its count; not all counts may be 0
   */
  randomSlot(): number {
    for (let guess = 0; guess < GUESSES; guess++) {
      const place = Math.random() * SLOT_COUNT;
      const slot = Math.floor(place);
      if ((place - slot) * this.highest < this.counts[slot]) return slot;
    }
    if (--this.walksLeft === 0) this.findHighest();
    return this.slotOf(randomBelow(this.sum));
  }

  private findHighest(): void {
    const before = this.highest;
    this.highest = 0;
    for (let slot = 0; slot < SLOT_COUNT; slot++)
      if (this.counts[slot] > this.highest) this.highest = this.counts[slot];
    this.walksBetween = this.highest < before ? WALKS_MIN : Math.min(this.walksBetween * 2, SLOT_COUNT);
    this.walksLeft = this.walksBetween;
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
