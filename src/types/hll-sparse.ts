/**
 * The sparse form of a HyperLogLog's registers: runs of equal values. Source: spec server.md section 22.
 *
 *   00xxxxxx           ZERO    x + 1 registers (1–64) are 0
 *   01xxxxxx yyyyyyyy  XZERO   xy + 1 registers (1–16384) are 0
 *   1vvvvvxx           VAL     x + 1 registers (1–4) are v + 1 (1–32)
 *
 * It comes from outside as any string does (SET, RESTORE), so every walk here knows where the bytes end and how many registers there are.
 */
import { REGISTER_COUNT } from './hll-hash.js';

/** The largest value that the form has. */
export const SPARSE_COUNT_MAX = 32;
/** All registers 0: one XZERO. */
export const SPARSE_EMPTY = Uint8Array.of(0x7f, 0xff);

const ZERO_RUN_MAX = 64;
const VALUE_RUN_MAX = 4;
/** Opcodes that are looked at for merging after a change. */
const MERGE_STEPS = 5;

/** What `SparseWalk.plan` finds. */
export const UNCHANGED = 0;
export const CHANGED = 1;
export const CORRUPT = 2;

/** Reads opcode after opcode. */
export class SparseWalk {
  private bytes: Uint8Array = new Uint8Array(0);
  private next = 0;
  private end = 0;
  /** The opcode: where it is, the value of its registers, how many they are, and the first of them. */
  at = 0;
  value = 0;
  run = 0;
  first = 0;

  begin(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.next = start;
    this.end = end;
    this.run = 0;
    this.first = 0;
  }

  /** Goes to the next opcode. @returns false behind the last one, or behind the last register */
  step(): boolean {
    const { bytes, end } = this;
    this.first += this.run;
    this.at = this.next;
    if (this.at >= end || this.first >= REGISTER_COUNT) return false;
    const byte = bytes[this.at];
    this.next++;
    if ((byte & 0x80) !== 0) {
      this.value = ((byte >> 2) & 31) + 1;
      this.run = (byte & 3) + 1;
    } else {
      this.value = 0;
      this.run = (byte & 63) + 1;
      if ((byte & 0x40) !== 0) {
        // A string that is cut off here is corrupt, and read as if a zero followed.
        this.run = (((byte & 63) << 8) | (this.next < end ? bytes[this.next] : 0)) + 1;
        this.next++;
      }
    }
    return true;
  }

  /** Whether the walk, which `step` has ended, came through all registers and all bytes. */
  get isComplete(): boolean {
    return this.at === this.end && this.first === REGISTER_COUNT;
  }

  get opcodeBytes(): number {
    return this.next - this.at;
  }
}

/** A change of one register: which bytes become which. First `plan`, then, with room made for it, `apply`. */
export class SparseChange {
  /** The opcode to be replaced, from the form's start, and how long it is. */
  private at = 0;
  private removedBytes = 0;
  /** What takes its place: up to five bytes. */
  private readonly opcodes = new Uint8Array(5);
  private opcodeBytes = 0;
  /** The opcode before it; itself if it is the first. */
  private mergeAt = 0;

  /** Bytes by which the form grows before neighbours are merged. */
  get addedBytes(): number {
    return this.opcodeBytes - this.removedBytes;
  }

  /**
   * Finds out what raising a register takes.
   * @param count 1 to SPARSE_COUNT_MAX
   */
  plan(bytes: Uint8Array, start: number, end: number, register: number, count: number): number {
    // The one walk that PFADD takes for each element: no opcode is looked at closer than it takes to pass it.
    let at = start;
    let previous = start;
    let first = 0;
    let run = 0;
    let byteCount = 0;
    for (;;) {
      if (at >= end) return CORRUPT;
      const byte = bytes[at];
      byteCount = 1;
      if ((byte & 0x80) !== 0) {
        run = (byte & 3) + 1;
      } else if ((byte & 0x40) === 0) {
        run = byte + 1;
      } else {
        run = (((byte & 63) << 8) | (at + 1 < end ? bytes[at + 1] : 0)) + 1;
        byteCount = 2;
      }
      if (register < first + run) break;
      previous = at;
      first += run;
      at += byteCount;
    }
    const value = (bytes[at] & 0x80) !== 0 ? ((bytes[at] >> 2) & 31) + 1 : 0;
    if (value >= count) return UNCHANGED;
    this.at = at - start;
    this.removedBytes = byteCount;
    this.mergeAt = previous - start;
    this.opcodeBytes = 0;
    this.append(value, register - first);
    this.append(count, 1);
    this.append(value, first + run - 1 - register);
    return CHANGED;
  }

  /**
   * Makes the planned change, and merges equal neighbours.
   * @param start where the form lies now
   * @param end   where it ended so far; behind it there is room for `addedBytes`
   * @returns where it ends now
   */
  apply(bytes: Uint8Array, start: number, end: number): number {
    const { addedBytes } = this;
    const at = start + this.at;
    const from = at + this.removedBytes;
    const newEnd = end + addedBytes;
    if (addedBytes !== 0) bytes.copyWithin(from + addedBytes, from, end);
    // An opcode that was cut off stays so: its missing byte is not made here.
    for (let i = 0; i < this.opcodeBytes && at + i < newEnd; i++) bytes[at + i] = this.opcodes[i];
    return mergeValues(bytes, start + this.mergeAt, newEnd);
  }

  /** Adds an opcode for `run` registers, if there are any. */
  private append(value: number, run: number): void {
    if (run === 0) return;
    if (value > 0) {
      this.opcodes[this.opcodeBytes++] = valueOpcode(value, run);
    } else if (run <= ZERO_RUN_MAX) {
      this.opcodes[this.opcodeBytes++] = run - 1;
    } else {
      this.opcodes[this.opcodeBytes++] = 0x40 | ((run - 1) >> 8);
      this.opcodes[this.opcodeBytes++] = (run - 1) & 0xff;
    }
  }
}

/**
 * Raises each of `registers` to the value that it has in the form. Not by a walk, whose fields cost PFMERGE a fifth.
 * @returns false if the form is corrupt; some are raised then
 */
export function mergeSparse(bytes: Uint8Array, start: number, end: number, registers: Uint8Array): boolean {
  let at = start;
  let first = 0;
  while (at < end && first < REGISTER_COUNT) {
    const byte = bytes[at++];
    if ((byte & 0x80) !== 0) {
      const value = ((byte >> 2) & 31) + 1;
      const last = first + (byte & 3);
      for (; first <= last; first++) if (value > registers[first]) registers[first] = value;
    } else if ((byte & 0x40) === 0) {
      first += byte + 1;
    } else {
      first += (((byte & 63) << 8) | (at < end ? bytes[at] : 0)) + 1;
      at++;
    }
  }
  return at === end && first === REGISTER_COUNT;
}

/** @returns the fewest bytes that the form of these registers can have */
export function leastSparseBytes(registers: Uint8Array): number {
  let byteCount = 0;
  let run = 0;
  for (let first = 0; first < REGISTER_COUNT; first += run) {
    const value = registers[first];
    run = 1;
    while (first + run < REGISTER_COUNT && registers[first + run] === value) run++;
    byteCount += value > 0 ? Math.ceil(run / VALUE_RUN_MAX) : run > ZERO_RUN_MAX ? 2 : 1;
  }
  return byteCount;
}

/** Joins neighbours of one value, from the opcode at `start` on, as far as Redis looks. @returns the new end */
function mergeValues(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  let newEnd = end;
  for (let step = 0; step < MERGE_STEPS && at < newEnd; step++) {
    const byte = bytes[at];
    if ((byte & 0x80) === 0) {
      at += (byte & 0x40) === 0 ? 1 : 2;
      continue;
    }
    const run = at + 1 < newEnd ? (byte & 3) + (bytes[at + 1] & 3) + 2 : VALUE_RUN_MAX + 1;
    // The same value, and a VAL as well.
    if (run > VALUE_RUN_MAX || bytes[at + 1] >> 2 !== byte >> 2) {
      at++;
      continue;
    }
    bytes[at + 1] = (byte & ~3) | (run - 1);
    bytes.copyWithin(at, at + 1, newEnd);
    newEnd--;
  }
  return newEnd;
}

function valueOpcode(value: number, run: number): number {
  return 0x80 | ((value - 1) << 2) | (run - 1);
}
