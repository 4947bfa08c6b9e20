/**
 * Packed hashes whose fields have times: what is done to the listpack of a TIMED_LISTPACK hash. The layout is that of Redis 7.4, so that saving is a copy.
 *
 *   field, value, time (field-time.ts), field, value, time …      by time; fields without one come last, in the order in which they lost it or came
 *
 * So the earliest time is found at once, and what is over stands in front. A time costs 10 bytes; a field without one 2, as long as the hash is timed.
 *
 * Every method that changes the hash takes the entry and gives it back, moved or not, announced as a change; the positions of the triplet that was
 * found last are good until then.
 */
import type { Database } from '../keyspace/database.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import { copyBytes } from '../memory/copy.js';
import {
  closeListpack,
  ElementWriter,
  findElement,
  firstElement,
  isListpackEnd,
  LISTPACK_EMPTY_BYTES,
  LISTPACK_HEADER_BYTES,
  listpackBytes,
  listpackCount,
  listpackEnd,
  nextElement,
  previousElement,
  splice,
  writeSmallInteger,
} from '../memory/listpack.js';
import { encodePackedTime, readPackedTime } from './field-time.js';
import type { HashPair } from './hash-pair.js';
import { PackedBuffer } from './packed-buffer.js';

/** Bytes of an element that says: no time. */
const NO_TIME_BYTES = 2;

export class TimedPacked {
  /** The triplet found last: its elements' positions in the entry's view, and what follows it. */
  fieldAt = 0;
  valueAt = 0;
  timeAt = 0;
  private next = 0;
  private readonly space: Keyspace;
  private readonly fieldWriter = new ElementWriter();
  private readonly valueWriter = new ElementWriter();
  private readonly timeWriter = new ElementWriter();
  private readonly buffer = new PackedBuffer();

  constructor(space: Keyspace) {
    this.space = space;
  }

  find(ref: Ref, field: Uint8Array, start: number, length: number): boolean {
    const { entries } = this.space;
    const view = entries.view(ref);
    const at = findElement(view, firstElement(entries.valueStart(ref)), 3, field, start, length);
    if (at >= 0) this.point(view, at);
    return at >= 0;
  }

  /** @returns the time of the triplet found last, Unix ms; 0 = none */
  foundTime(ref: Ref): number {
    return readPackedTime(this.space.entries.view(ref), this.timeAt);
  }

  /** @returns the earliest time, or 0 if no field has one */
  earliest(ref: Ref): number {
    const { entries } = this.space;
    const view = entries.view(ref);
    const first = firstElement(entries.valueStart(ref));
    if (isListpackEnd(view, first)) return 0;
    return readPackedTime(view, nextElement(view, nextElement(view, first)));
  }

  /** @returns how many fields, at most `max`, have a time before `beforeMs` */
  countBefore(ref: Ref, beforeMs: number, max: number): number {
    const { entries } = this.space;
    const view = entries.view(ref);
    let at = firstElement(entries.valueStart(ref));
    for (let count = 0; ; count++, at = this.next) {
      if (count === max || isListpackEnd(view, at)) return count;
      this.point(view, at);
      const timeMs = readPackedTime(view, this.timeAt);
      if (timeMs === 0 || timeMs >= beforeMs) return count;
    }
  }

  /** Adds a field that is not there, without a time. */
  append(db: Database, ref: Ref, pair: HashPair): Ref {
    const { entries } = this.space;
    const fieldBytes = this.fieldWriter.encode(pair.bytes, pair.start, pair.length);
    const valueBytes = this.valueWriter.encode(pair.valueBytes, pair.valueStart, pair.valueLength);
    const entry = db.resizeValue(ref, entries.valueLength(ref) + fieldBytes + valueBytes + NO_TIME_BYTES);
    const view = entries.view(entry);
    const base = entries.valueStart(entry);
    const end = listpackEnd(view, base);
    const afterValue = this.valueWriter.write(view, this.fieldWriter.write(view, end));
    closeListpack(view, base, writeSmallInteger(view, afterValue, 0), 3);
    return entry;
  }

  /** Gives the field found last another value; its time stays. */
  replaceValue(db: Database, ref: Ref, value: Uint8Array, start: number, length: number): Ref {
    this.valueWriter.encode(value, start, length);
    return this.replaceElement(db, ref, this.valueAt, this.timeAt, this.valueWriter);
  }

  /** Removes the field found last. */
  removeFound(db: Database, ref: Ref): Ref {
    return this.cut(db, ref, this.fieldAt, 1);
  }

  /** Removes the first `count` fields. */
  removeFirst(db: Database, ref: Ref, count: number): Ref {
    const { entries } = this.space;
    const view = entries.view(ref);
    const first = firstElement(entries.valueStart(ref));
    this.next = first;
    for (let i = 0; i < count; i++) this.point(view, this.next);
    return this.cut(db, ref, first, count);
  }

  /** Gives the field found last a time (0 = none), and with it another place. */
  setFoundTime(db: Database, ref: Ref, timeMs: number): Ref {
    const { entries } = this.space;
    const { buffer, fieldAt } = this;
    const pairBytes = this.timeAt - fieldAt;
    const removed = this.next - fieldAt;
    const added = pairBytes + encodePackedTime(this.timeWriter, timeMs);
    if (this.staysInPlace(ref, timeMs)) return this.replaceElement(db, ref, this.timeAt, this.next, this.timeWriter);
    const offset = fieldAt - entries.valueStart(ref);
    buffer.copy(entries.view(ref), fieldAt, pairBytes);
    const entry = this.makeRoom(db, ref, removed, added);
    const view = entries.view(entry);
    const base = entries.valueStart(entry);
    splice(view, base, base + offset, removed, 0, -3);
    const at = this.placeOf(view, base, timeMs);
    splice(view, base, at, 0, added, 3);
    copyBytes(buffer.bytes, 0, view, at, pairBytes);
    this.timeWriter.write(view, at + pairBytes);
    return this.giveBack(db, entry, removed, added);
  }

  /** Makes triplets without a time of the pairs of a plain packed hash. */
  addTimes(db: Database, ref: Ref): Ref {
    const { entries } = this.space;
    const view = entries.view(ref);
    const base = entries.valueStart(ref);
    const { buffer } = this;
    buffer.clear();
    buffer.reserve(listpackBytes(view, base) + (listpackCount(view, base) >> 1) * NO_TIME_BYTES, LISTPACK_EMPTY_BYTES);
    let out = LISTPACK_HEADER_BYTES;
    let count = 0;
    for (let at = firstElement(base); !isListpackEnd(view, at); count += 3) {
      const next = nextElement(view, nextElement(view, at));
      copyBytes(view, at, buffer.bytes, out, next - at);
      out = writeSmallInteger(buffer.bytes, out + next - at, 0);
      at = next;
    }
    closeListpack(buffer.bytes, 0, out, count);
    return this.store(db, ref);
  }

  /** Makes plain pairs of the triplets. */
  dropTimes(db: Database, ref: Ref): Ref {
    const { entries } = this.space;
    const view = entries.view(ref);
    const { buffer } = this;
    buffer.clear();
    buffer.reserve(entries.valueLength(ref), LISTPACK_EMPTY_BYTES);
    let out = LISTPACK_HEADER_BYTES;
    let count = 0;
    for (let at = firstElement(entries.valueStart(ref)); !isListpackEnd(view, at); at = this.next, count += 2) {
      this.point(view, at);
      copyBytes(view, at, buffer.bytes, out, this.timeAt - at);
      out += this.timeAt - at;
    }
    closeListpack(buffer.bytes, 0, out, count);
    return this.store(db, ref);
  }

  private point(view: Uint8Array, fieldAt: number): void {
    this.fieldAt = fieldAt;
    this.valueAt = nextElement(view, fieldAt);
    this.timeAt = nextElement(view, this.valueAt);
    this.next = nextElement(view, this.timeAt);
  }

  /** Whether the triplet found last is where it belongs with this time, too: as when times come in the order of the fields. */
  private staysInPlace(ref: Ref, timeMs: number): boolean {
    if (timeMs === 0) return false;
    const { entries } = this.space;
    const view = entries.view(ref);
    if (this.fieldAt !== firstElement(entries.valueStart(ref))) {
      const before = readPackedTime(view, previousElement(view, this.fieldAt));
      if (before === 0 || before > timeMs) return false;
    }
    if (isListpackEnd(view, this.next)) return true;
    const after = readPackedTime(view, nextElement(view, nextElement(view, this.next)));
    return after === 0 || after > timeMs;
  }

  /** Puts what `writer` has encoded in the place of the element from `at` to `end`. */
  private replaceElement(db: Database, ref: Ref, at: number, end: number, writer: ElementWriter): Ref {
    const { entries } = this.space;
    const removed = end - at;
    const added = writer.byteCount;
    const offset = at - entries.valueStart(ref);
    const entry = this.makeRoom(db, ref, removed, added);
    const view = entries.view(entry);
    const base = entries.valueStart(entry);
    splice(view, base, base + offset, removed, added, 0);
    writer.write(view, base + offset);
    return this.giveBack(db, entry, removed, added);
  }

  /** @returns where a triplet with this time belongs: behind those with the same */
  private placeOf(view: Uint8Array, base: number, timeMs: number): number {
    if (timeMs === 0) return listpackEnd(view, base);
    let at = firstElement(base);
    for (; !isListpackEnd(view, at); at = this.next) {
      this.point(view, at);
      const other = readPackedTime(view, this.timeAt);
      if (other === 0 || other > timeMs) break;
    }
    return at;
  }

  /** Removes `count` triplets from `at` on, up to `next`. */
  private cut(db: Database, ref: Ref, at: number, count: number): Ref {
    const { entries } = this.space;
    const removed = this.next - at;
    db.beforeWrite(ref);
    splice(entries.view(ref), entries.valueStart(ref), at, removed, 0, -3 * count);
    return db.resizeValue(ref, entries.valueLength(ref) - removed);
  }

  /** Announces a change, and makes room for it if the value will be longer. */
  private makeRoom(db: Database, ref: Ref, removed: number, added: number): Ref {
    if (added > removed) return db.resizeValue(ref, this.space.entries.valueLength(ref) + added - removed);
    db.beforeWrite(ref);
    return ref;
  }

  /** Gives back what a change has left over, if the value is shorter now. */
  private giveBack(db: Database, ref: Ref, removed: number, added: number): Ref {
    return added < removed ? db.resizeValue(ref, this.space.entries.valueLength(ref) + added - removed) : ref;
  }

  private store(db: Database, ref: Ref): Ref {
    const { buffer } = this;
    const entry = db.resizeValue(ref, buffer.length);
    db.writeValue(entry, buffer.bytes, 0, buffer.length);
    return entry;
  }
}
