/**
 * HyperLogLogs: strings of a fixed form that estimate how many different elements were added. Source: spec server.md section 22.
 *
 *   | HYLL | encoding : 1 | 0 0 0 | cached number of elements : u64 LE | registers: dense (hll-registers.ts) or sparse (hll-sparse.ts) |
 *
 * The cache is void while the highest bit of its last byte is set. New ones are sparse; they become dense, for good, when a register passes 32 or the
 * whole would pass `sparseBytesMax` bytes.
 *
 * Anybody can SET such a string: all that is read here is checked. A dense one has all its bytes or is none; a sparse one may turn out to be corrupt.
 */
import type { Database } from '../keyspace/database.js';
import { ENCODING_RAW, type Entries } from '../keyspace/entry.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import { elementHash, hashElement, REGISTER_COUNT } from './hll-hash.js';
import {
  countDense,
  DENSE_REGISTER_BYTES,
  estimate,
  getRegister,
  histogram,
  mergeDense,
  setRegister,
  writeDense,
} from './hll-registers.js';
import {
  CHANGED,
  CORRUPT,
  leastSparseBytes,
  mergeSparse,
  SPARSE_COUNT_MAX,
  SPARSE_EMPTY,
  SparseChange,
  SparseWalk,
  UNCHANGED,
} from './hll-sparse.js';

export { CHANGED, CORRUPT, UNCHANGED } from './hll-sparse.js';

const MAGIC = Uint8Array.of(0x48, 0x59, 0x4c, 0x4c);
const ENCODING_AT = 4;
const CACHE_AT = 8;
const HEADER_BYTES = 16;
const DENSE = 0;
const SPARSE = 1;
const DENSE_BYTES = HEADER_BYTES + DENSE_REGISTER_BYTES;
const CACHE_VOID = 0x80;

/** What PFADD makes of a key that is not there, before it adds elements. */
export const EMPTY_HYPERLOGLOG = Uint8Array.of(...MAGIC, SPARSE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...SPARSE_EMPTY);

/** The registers of a sparse one on their way to the dense form. */
const unpacked = new Uint8Array(REGISTER_COUNT);

/** @returns whether the string has the form of a HyperLogLog; a sparse one may still be corrupt */
export function isHyperLogLog(entries: Entries, ref: Ref): boolean {
  const bytes = entries.view(ref);
  const start = entries.valueStart(ref);
  const length = entries.valueLength(ref);
  if (length < HEADER_BYTES) return false;
  for (let i = 0; i < MAGIC.length; i++) if (bytes[start + i] !== MAGIC[i]) return false;
  const encoding = bytes[start + ENCODING_AT];
  return encoding === SPARSE || (encoding === DENSE && length === DENSE_BYTES);
}

/** The HyperLogLog of an entry, which may move when it changes. One long-lived object is put on one entry after the other. */
export class HyperLogLog {
  ref: Ref = 0;
  private db: Database;
  /** Where its bytes lie. */
  private bytes: Uint8Array = new Uint8Array(0);
  private start = 0;
  private readonly space: Keyspace;
  private readonly walk = new SparseWalk();
  private readonly change = new SparseChange();

  constructor(space: Keyspace) {
    this.space = space;
    this.db = space.databases[0];
  }

  /** @param ref a string for which `isHyperLogLog` holds */
  attach(db: Database, ref: Ref): void {
    this.db = db;
    this.place(ref);
  }

  get isDense(): boolean {
    return this.bytes[this.start + ENCODING_AT] === DENSE;
  }

  /** @returns CHANGED, UNCHANGED or CORRUPT */
  add(element: Uint8Array, start: number, length: number, sparseBytesMax: number): number {
    hashElement(element, start, length);
    return this.raise(elementHash.register, elementHash.count, sparseBytesMax);
  }

  /** Raises a register to `count` if it is lower. @returns CHANGED, UNCHANGED or CORRUPT */
  raise(register: number, count: number, sparseBytesMax: number): number {
    const { bytes, change, space, start } = this;
    if (bytes[start + ENCODING_AT] === DENSE) return this.raiseDense(bytes, start + HEADER_BYTES, register, count);
    if (count > SPARSE_COUNT_MAX) return this.raiseAsDense(register, count);
    const length = space.entries.valueLength(this.ref);
    const status = change.plan(bytes, start + HEADER_BYTES, start + length, register, count);
    if (status !== CHANGED) return status;
    const { addedBytes } = change;
    if (addedBytes > 0 && length + addedBytes > sparseBytesMax) return this.raiseAsDense(register, count);
    this.resize(length + Math.max(0, addedBytes));
    const newStart = this.start;
    const end = change.apply(this.bytes, newStart + HEADER_BYTES, newStart + length);
    this.resize(end - newStart);
    return CHANGED;
  }

  /** To be called before many elements are added: if the first of them are enough to make it dense, it becomes so at once. */
  prepareFor(
    texts: Uint8Array,
    starts: Int32Array,
    lengths: Int32Array,
    from: number,
    to: number,
    sparseBytesMax: number,
  ): void {
    if (this.isDense) return;
    unpacked.fill(0);
    if (!this.mergeInto(unpacked)) return;
    for (let i = from; i < to; i++) {
      hashElement(texts, starts[i], lengths[i]);
      unpacked[elementHash.register] = Math.max(unpacked[elementHash.register], elementHash.count);
    }
    if (this.willOutgrow(unpacked, sparseBytesMax)) this.toDense();
  }

  /** Raises all registers to those of a union that it is part of. */
  raiseAll(registers: Uint8Array, sparseBytesMax: number): void {
    if (this.willOutgrow(registers, sparseBytesMax)) this.toDense();
    if (this.isDense) {
      this.db.beforeWrite(this.ref);
      writeDense(registers, this.bytes, this.start + HEADER_BYTES);
    } else {
      for (let i = 0; i < REGISTER_COUNT; i++) if (registers[i] > 0) this.raise(i, registers[i], sparseBytesMax);
    }
  }

  /** Makes it dense. @returns false if it is corrupt */
  toDense(): boolean {
    if (this.isDense) return true;
    unpacked.fill(0);
    if (!this.mergeInto(unpacked)) return false;
    this.place(this.db.resizeQuietly(this.ref, DENSE_BYTES));
    this.bytes[this.start + ENCODING_AT] = DENSE;
    writeDense(unpacked, this.bytes, this.start + HEADER_BYTES);
    return true;
  }

  /** Raises each of `registers`, one a byte, to the value that it has here. @returns false if it is corrupt; some are raised then */
  mergeInto(registers: Uint8Array): boolean {
    const { bytes, start } = this;
    if (bytes[start + ENCODING_AT] !== DENSE)
      return mergeSparse(bytes, start + HEADER_BYTES, start + this.space.entries.valueLength(this.ref), registers);
    mergeDense(bytes, start + HEADER_BYTES, registers);
    return true;
  }

  /** @returns the number of elements as it was stored, or −1 if that is void. Only one that no count stored may be too large for a double. */
  cachedCount(): number | bigint {
    const { bytes, start } = this;
    if ((bytes[start + CACHE_AT + 7] & CACHE_VOID) !== 0) return -1;
    let count = 0;
    for (let i = 7; i >= 0; i--) count = count * 256 + bytes[start + CACHE_AT + i];
    if (count <= Number.MAX_SAFE_INTEGER) return count;
    return new DataView(bytes.buffer, bytes.byteOffset + start + CACHE_AT).getBigUint64(0, true);
  }

  /** @returns the number of elements that the registers tell of, or −1 if it is corrupt */
  count(): number {
    if (this.isDense) {
      countDense(this.bytes, this.start + HEADER_BYTES);
      return estimate();
    }
    const walk = this.beginWalk();
    histogram.fill(0);
    while (walk.step()) histogram[walk.value] += walk.run;
    return walk.isComplete ? estimate() : -1;
  }

  storeCount(count: number): void {
    this.db.beforeWrite(this.ref);
    let rest = count;
    for (let i = 0; i < 8; i++) {
      this.bytes[this.start + CACHE_AT + i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
  }

  /** Voids the stored number: after a change. */
  forgetCount(): void {
    this.db.beforeWrite(this.ref);
    this.bytes[this.start + CACHE_AT + 7] |= CACHE_VOID;
  }

  /** Has OBJECT ENCODING say that it is no string as it was set, which is so even if nothing changes. */
  makeRaw(): void {
    const { entries } = this.space;
    if (entries.encoding(this.ref) !== ENCODING_RAW) entries.setEncoding(this.ref, ENCODING_RAW);
  }

  /** The register; it is dense. */
  register(index: number): number {
    return getRegister(this.bytes, this.start + HEADER_BYTES, index);
  }

  /** Begins a walk over the opcodes; it is sparse. */
  beginWalk(): SparseWalk {
    const { walk, start } = this;
    walk.begin(this.bytes, start + HEADER_BYTES, start + this.space.entries.valueLength(this.ref));
    return walk;
  }

  /** Whether raising its registers to these makes it dense. To know it before saves the raises, each of which walks the sparse form. */
  private willOutgrow(registers: Uint8Array, sparseBytesMax: number): boolean {
    const bytes = this.space.entries.valueLength(this.ref);
    return bytes <= sparseBytesMax && HEADER_BYTES + leastSparseBytes(registers) > sparseBytesMax;
  }

  private raiseAsDense(register: number, count: number): number {
    return this.toDense() ? this.raiseDense(this.bytes, this.start + HEADER_BYTES, register, count) : CORRUPT;
  }

  /** @param start where the registers begin in `bytes` */
  private raiseDense(bytes: Uint8Array, start: number, register: number, count: number): number {
    if (getRegister(bytes, start, register) >= count) return UNCHANGED;
    this.db.beforeWrite(this.ref);
    setRegister(bytes, start, register, count);
    return CHANGED;
  }

  private resize(length: number): void {
    this.place(this.db.resizeValue(this.ref, length));
  }

  private place(ref: Ref): void {
    const { entries } = this.space;
    this.ref = ref;
    this.bytes = entries.view(ref);
    this.start = entries.valueStart(ref);
  }
}
