/**
 * Sets of slots as bitmaps of 2048 bytes, in the layout of the bus: slot s is bit `s & 7`, counted from the least significant one, of byte `s >> 3`.
 * Pure functions over bytes; who owns what is `slot-table.ts`.
 */
import { Buffer } from 'node:buffer';
import type { SlotBitmap } from './message.js';
import { SLOT_COUNT } from './types.js';

export const SLOT_BYTES = SLOT_COUNT / 8;

/** The empty set, shared by all nodes without slots. Never changed. */
export const NO_SLOTS: SlotBitmap = new Uint8Array(SLOT_BYTES);

export function hasSlot(bitmap: SlotBitmap, slot: number): boolean {
  return (bitmap[slot >> 3]! & (1 << (slot & 7))) !== 0;
}

export function setSlot(bitmap: SlotBitmap, slot: number): void {
  bitmap[slot >> 3]! |= 1 << (slot & 7);
}

export function clearSlot(bitmap: SlotBitmap, slot: number): void {
  bitmap[slot >> 3]! &= ~(1 << (slot & 7));
}

/** Natively: every ping compares bitmaps, and a loop over them would be most of what a ping costs. */
export function equalSlots(a: SlotBitmap, b: SlotBitmap): boolean {
  return a === b || Buffer.compare(a, b) === 0;
}

/** @returns the first byte from `from` on in which the two differ; SLOT_BYTES if there is none */
export function differentByte(a: SlotBitmap, b: SlotBitmap, from: number): number {
  let i = from;
  while (i < SLOT_BYTES && a[i] === b[i]) i += 1;
  return i;
}

export function isEmpty(bitmap: SlotBitmap): boolean {
  return equalSlots(bitmap, NO_SLOTS);
}

/** A new set: what is in `a` and not in `b`. */
export function withoutSlots(a: SlotBitmap, b: SlotBitmap): SlotBitmap {
  const rest = a.slice();
  for (let i = 0; i < SLOT_BYTES; i += 1) rest[i]! &= ~b[i]!;
  return rest;
}

/** True if the two sets have a slot in common. */
export function intersects(a: SlotBitmap, b: SlotBitmap): boolean {
  if (isEmpty(a) || isEmpty(b)) return false;
  for (let i = 0; i < SLOT_BYTES; i += 1) if ((a[i]! & b[i]!) !== 0) return true;
  return false;
}

/** @returns the slots that are in one of the two sets only, ascending */
export function differentSlots(a: SlotBitmap, b: SlotBitmap): number[] {
  const slots: number[] = [];
  for (let i = differentByte(a, b, 0); i < SLOT_BYTES; i = differentByte(a, b, i + 1)) {
    for (let slot = i << 3; slot < (i << 3) + 8; slot += 1) if (hasSlot(a, slot) !== hasSlot(b, slot)) slots.push(slot);
  }
  return slots;
}

/** Takes out of `target` what is in both other sets. */
export function clearCommonSlots(target: SlotBitmap, a: SlotBitmap, b: SlotBitmap): void {
  if (isEmpty(target)) return;
  for (let i = 0; i < SLOT_BYTES; i += 1) target[i]! &= ~(a[i]! & b[i]!);
}

export function countSlots(bitmap: SlotBitmap): number {
  let count = 0;
  for (let i = 0; i < SLOT_BYTES; i += 1) for (let byte = bitmap[i]!; byte !== 0; byte &= byte - 1) count += 1;
  return count;
}

/** Calls `visit` for each slot of the set, ascending. */
export function forEachSlot(bitmap: SlotBitmap, visit: (slot: number) => void): void {
  for (let i = 0; i < SLOT_BYTES; i += 1) {
    if (bitmap[i] === 0) continue;
    for (let slot = i << 3; slot < (i << 3) + 8; slot += 1) if (hasSlot(bitmap, slot)) visit(slot);
  }
}

export interface SlotRange {
  start: number;
  /** Inclusive. */
  end: number;
}

/** The maximal runs of the set, ascending. */
export function slotRanges(bitmap: SlotBitmap): SlotRange[] {
  const ranges: SlotRange[] = [];
  if (bitmap === NO_SLOTS) return ranges;
  const words = bitmap.byteOffset % 4 === 0 ? new Int32Array(bitmap.buffer, bitmap.byteOffset, SLOT_BYTES / 4) : null;
  /** First slot of the run that the walk is in, −1 between runs. */
  let start = -1;
  for (let i = 0; i < SLOT_BYTES; i += 1) {
    // Nearly all words, and of the others most bytes, are within a run or between two.
    if (words !== null && (i & 3) === 0) {
      const rest = start < 0 ? 0 : -1;
      while (words[i >> 2] === rest) i += 4;
      if (i >= SLOT_BYTES) break;
    }
    if (bitmap[i] === (start < 0 ? 0 : 0xff)) continue;
    for (let slot = i << 3; slot < (i << 3) + 8; slot += 1) {
      const isInRun = start >= 0;
      if (hasSlot(bitmap, slot) === isInRun) continue;
      if (isInRun) ranges.push({ start, end: slot - 1 });
      start = isInRun ? -1 : slot;
    }
  }
  if (start >= 0) ranges.push({ start, end: SLOT_COUNT - 1 });
  return ranges;
}
