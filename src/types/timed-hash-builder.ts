/**
 * Builds a hash whose fields may have times before its key exists: for loading. As HashBuilder, packed as long as the limits allow, then as a table; what
 * turns out to have no times at all becomes a plain hash.
 */
import type { Database } from '../keyspace/database.js';
import { HASH_TABLE, HASH_TIMED_LISTPACK, HASH_TIMED_TABLE, ROOT_BYTES, TYPE_HASH } from '../keyspace/entry.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import {
  ElementWriter,
  firstElement,
  isListpackEnd,
  LISTPACK_BYTES_MAX,
  listpackCount,
  nextElement,
} from '../memory/listpack.js';
import { encodePackedTime, readPackedTime } from './field-time.js';
import type { Hashes } from './hash.js';
import { HashCursor } from './hash-cursor.js';
import { PackedBuffer } from './packed-buffer.js';
import { TIMED_ROOT_BYTES } from './timed-table.js';

/** Room for what is around texts in a listpack. */
const TRIPLET_BYTES = 64;

export class TimedHashBuilder {
  private readonly space: Keyspace;
  private readonly hashes: Hashes;
  private readonly packed = new PackedBuffer();
  private readonly sorted = new PackedBuffer();
  private readonly writer = new ElementWriter();
  private readonly cursor: HashCursor;
  /** 0 while it is packed. */
  private table: Ref = 0;
  private order: Ref = 0;

  constructor(space: Keyspace, hashes: Hashes) {
    this.space = space;
    this.hashes = hashes;
    this.cursor = new HashCursor(space, hashes.table);
  }

  begin(): void {
    this.packed.clear();
    this.table = 0;
    this.order = 0;
  }

  /** Adds a field that was not added before, with its time: Unix ms, 0 = none. */
  add(
    field: Uint8Array,
    fieldStart: number,
    fieldLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
    timeMs: number,
  ): void {
    const { packed, writer } = this;
    const { packing } = this.space;
    if (this.table === 0) {
      const isFull = packed.length + fieldLength + valueLength + TRIPLET_BYTES > LISTPACK_BYTES_MAX;
      if (isFull || !packing.allowsHashPair(fieldLength, valueLength)) this.convert();
    }
    if (this.table !== 0) {
      const { table } = this.hashes.fieldTimes;
      table.put(this.table, this.order, field, fieldStart, fieldLength, value, valueStart, valueLength, timeMs);
      return;
    }
    writer.encode(field, fieldStart, fieldLength);
    packed.append(writer);
    writer.encode(value, valueStart, valueLength);
    packed.append(writer);
    encodePackedTime(writer, timeMs);
    packed.append(writer);
    if (listpackCount(packed.bytes, 0) > packing.hashListpackEntries * 3) this.convert();
  }

  /** Takes a whole listpack of triplets of unique fields, of which only the number is held against the limits. */
  adopt(bytes: Uint8Array, start: number): void {
    this.packed.adopt(bytes, start);
    if (listpackCount(bytes, start) > this.space.packing.hashListpackEntries * 3) this.convert();
  }

  /** Gives what was built to a key that is not there. @returns its entry */
  finish(db: Database, key: Uint8Array, start: number, length: number, expireAtMs: number): Ref {
    return this.table === 0
      ? this.finishPacked(db, key, start, length, expireAtMs)
      : this.finishTable(db, key, start, length, expireAtMs);
  }

  private finishPacked(db: Database, key: Uint8Array, start: number, length: number, expireAtMs: number): Ref {
    const { sorted, cursor } = this;
    if (!this.sort()) {
      const { builder } = this.hashes;
      builder.begin();
      cursor.beginPacked(this.packed.bytes, 0, true);
      while (cursor.next())
        builder.set(
          cursor.bytes,
          cursor.start,
          cursor.length,
          cursor.valueBytes,
          cursor.valueStart,
          cursor.valueLength,
        );
      return builder.finish(db, key, start, length, expireAtMs);
    }
    const ref = db.add(key, start, length, TYPE_HASH, HASH_TIMED_LISTPACK, sorted.length, expireAtMs);
    db.writeValue(ref, sorted.bytes, 0, sorted.length);
    return ref;
  }

  private finishTable(db: Database, key: Uint8Array, start: number, length: number, expireAtMs: number): Ref {
    const { entries } = this.space;
    const timed = this.hashes.fieldTimes.table;
    if (timed.order.count(this.order) === 0) {
      timed.releaseOrder(this.order);
      const plain = db.add(key, start, length, TYPE_HASH, HASH_TABLE, ROOT_BYTES, expireAtMs);
      entries.setRoot(plain, this.table);
      return plain;
    }
    const ref = db.add(key, start, length, TYPE_HASH, HASH_TIMED_TABLE, TIMED_ROOT_BYTES, expireAtMs);
    timed.setRoots(ref, this.table, this.order);
    return ref;
  }

  /** Puts the triplets, in the order of times, into `sorted`. @returns whether there is a time */
  private sort(): boolean {
    const { bytes } = this.packed;
    const triplets: { at: number; end: number; timeMs: number }[] = [];
    let hasTimes = false;
    for (let at = firstElement(0); !isListpackEnd(bytes, at); ) {
      const timeAt = nextElement(bytes, nextElement(bytes, at));
      const end = nextElement(bytes, timeAt);
      const timeMs = readPackedTime(bytes, timeAt) || Number.POSITIVE_INFINITY;
      triplets.push({ at, end, timeMs });
      hasTimes ||= Number.isFinite(timeMs);
      at = end;
    }
    if (!hasTimes) return false;
    const isSorted = triplets.every(({ timeMs }, i) => i === 0 || triplets[i - 1].timeMs <= timeMs);
    this.sorted.adopt(bytes, 0);
    if (isSorted) return true;
    triplets.sort((a, b) => (a.timeMs === b.timeMs ? a.at - b.at : a.timeMs < b.timeMs ? -1 : 1));
    let out = firstElement(0);
    for (const { at, end } of triplets) {
      this.sorted.bytes.set(bytes.subarray(at, end), out);
      out += end - at;
    }
    return true;
  }

  private convert(): void {
    const { cursor, hashes } = this;
    cursor.beginPacked(this.packed.bytes, 0, true);
    this.table = hashes.table.create();
    this.order = hashes.fieldTimes.table.order.create();
    hashes.fieldTimes.table.putAll(this.table, this.order, cursor);
  }
}
