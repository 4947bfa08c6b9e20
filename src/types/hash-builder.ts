/**
 * Builds a hash before its key exists: packed as long as the limits allow, then as a table. For HSET of a new key and for loading: one block of the
 * exact size, no matter how many fields.
 *
 *   begin(); set(…) … or adopt(…); finish(…)             fields without times
 *   begin(true); setTimed(…) … or adopt(…); finish(…)    fields that may have times; what turns out to have none becomes a plain hash
 */
import type { Database } from '../keyspace/database.js';
import {
  HASH_LISTPACK,
  HASH_TABLE,
  HASH_TIMED_LISTPACK,
  HASH_TIMED_TABLE,
  ROOT_BYTES,
  TYPE_HASH,
} from '../keyspace/entry.js';
import { hashBytes } from '../keyspace/key-hash.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import {
  ElementWriter,
  findElement,
  firstElement,
  isListpackEnd,
  LISTPACK_BYTES_MAX,
  listpackCount,
  nextElement,
} from '../memory/listpack.js';
import { encodePackedTime, readPackedTime } from './field-time.js';
import type { Hashes } from './hash.js';
import { HashCursor } from './hash-cursor.js';
import type { HashPair } from './hash-pair.js';
import { ItemBatch } from './item-batch.js';
import { ItemSource } from './item-source.js';
import { PackedBuffer } from './packed-buffer.js';
import { SeenFilter } from './seen-filter.js';
import { TIMED_ROOT_BYTES } from './timed-table.js';

/** Room for what is around texts in a listpack, the time of a field included. */
const AROUND_TEXT_BYTES = 64;

export class HashBuilder {
  /** Where most pairs of `addNew` are; from its `begin` until the hash is finished or discarded. */
  readonly source: ItemSource;
  private readonly batch: ItemBatch;
  private readonly space: Keyspace;
  private readonly hashes: Hashes;
  /** Pairs, or triplets with times in the order in which they came. */
  private packed = new PackedBuffer();
  private other = new PackedBuffer();
  private readonly writer = new ElementWriter();
  private readonly cursor: HashCursor;
  private isTimed = false;
  /** 0 while it is packed. */
  private table: Ref = 0;
  /** Of a table with times. */
  private order: Ref = 0;
  private likely = 0;
  /** Of the fields of `packed`. */
  private readonly seen = new SeenFilter();

  constructor(space: Keyspace, hashes: Hashes) {
    this.space = space;
    this.hashes = hashes;
    this.source = new ItemSource(space.arena);
    this.batch = new ItemBatch(space.arena, hashes.table);
    this.cursor = new HashCursor(space, hashes.table);
  }

  /** @param likely for so many fields a table has room from the beginning; what is not needed is given back at the end */
  begin(isTimed = false, likely = 0): void {
    this.packed.clear();
    this.isTimed = isTimed;
    this.table = 0;
    this.order = 0;
    this.likely = likely;
    this.seen.begin(likely);
  }

  /** Tells that so many different fields come, none of which has a time: it becomes a table at once if a listpack has no room for them. */
  expect(count: number): void {
    if (count > this.space.packing.hashListpackEntries) this.convert();
  }

  /** Sets a field. @returns whether it is new */
  set(
    field: Uint8Array,
    fieldStart: number,
    fieldLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): boolean {
    const { hashes, packed, writer } = this;
    if (!this.staysPacked(fieldLength, valueLength)) {
      hashes.setItem(this.table, field, fieldStart, fieldLength, value, valueStart, valueLength);
      return hashes.wasAdded;
    }
    const mayBeThere = this.seen.note(field, fieldStart, fieldLength);
    const at = mayBeThere ? findElement(packed.bytes, packed.first, 2, field, fieldStart, fieldLength) : -1;
    if (at >= 0) {
      const valueAt = nextElement(packed.bytes, at);
      writer.encode(value, valueStart, valueLength);
      packed.replace(valueAt, nextElement(packed.bytes, valueAt) - valueAt, writer, 0);
      return false;
    }
    this.append(field, fieldStart, fieldLength, value, valueStart, valueLength);
    this.limitCount();
    return true;
  }

  /**
   * Adds a field that must not be there, with its value; between it and `settle` nothing else is called.
   * @returns false if it is there, or one before it was: what was built is to be discarded
   */
  addNew(
    field: Uint8Array,
    start: number,
    length: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): boolean {
    if (this.table === 0) return this.set(field, start, length, value, valueStart, valueLength);
    const { source } = this;
    const isItem =
      source.hasCounted(field, length) && source.hasCounted(value, valueLength) && valueStart === start + length + 1;
    const item = isItem
      ? source.item(start - 1, length + valueLength + 2)
      : this.hashes.createItem(field, start, length, value, valueStart, valueLength);
    return this.batch.add(item, hashBytes(field, start, length));
  }

  /** To be called after the last `addNew`. @returns as `addNew` */
  settle(): boolean {
    return this.batch.flush();
  }

  /** Adds a field that was not added before, with its time: Unix ms, 0 = none. */
  setTimed(pair: HashPair, timeMs: number): void {
    if (!this.staysPacked(pair.length, pair.valueLength)) {
      this.hashes.fieldTimes.table.put(this.table, this.order, pair, timeMs);
      return;
    }
    this.append(pair.bytes, pair.start, pair.length, pair.valueBytes, pair.valueStart, pair.valueLength);
    encodePackedTime(this.writer, timeMs);
    this.packed.append(this.writer);
    this.limitCount();
  }

  /** Takes a whole listpack of pairs, or of triplets, of unique fields, of which only the number is held against the limits. */
  adopt(bytes: Uint8Array, start: number): void {
    this.packed.adopt(bytes, start);
    this.limitCount();
  }

  /** Gives what was built to a key that is not there. @returns its entry */
  finish(db: Database, key: Uint8Array, start: number, length: number, expireAtMs: number): Ref {
    this.batch.flush();
    this.source.forget();
    if (this.isTimed) this.settleTimes();
    if (this.table === 0) {
      const { packed } = this;
      const encoding = this.isTimed ? HASH_TIMED_LISTPACK : HASH_LISTPACK;
      const ref = db.add(key, start, length, TYPE_HASH, encoding, packed.length, expireAtMs);
      db.writeValue(ref, packed.bytes, 0, packed.length);
      return ref;
    }
    this.hashes.table.fit(this.table);
    if (this.isTimed) {
      const ref = db.add(key, start, length, TYPE_HASH, HASH_TIMED_TABLE, TIMED_ROOT_BYTES, expireAtMs);
      this.hashes.fieldTimes.table.setRoots(ref, this.table, this.order);
      return ref;
    }
    const ref = db.add(key, start, length, TYPE_HASH, HASH_TABLE, ROOT_BYTES, expireAtMs);
    this.space.entries.setRoot(ref, this.table);
    return ref;
  }

  /** Drops what was built of fields without times. */
  discard(): void {
    this.source.forget();
    this.batch.drop();
    if (this.table !== 0) this.hashes.table.release(this.table);
    this.table = 0;
  }

  /** Makes it a table if the next pair is beyond the limits. @returns whether it is packed still */
  private staysPacked(fieldLength: number, valueLength: number): boolean {
    if (this.table !== 0) return false;
    const bytesAfter = this.packed.length + fieldLength + valueLength + AROUND_TEXT_BYTES;
    if (bytesAfter <= LISTPACK_BYTES_MAX && this.space.packing.allowsHashPair(fieldLength, valueLength)) return true;
    this.convert();
    return false;
  }

  private append(
    field: Uint8Array,
    fieldStart: number,
    fieldLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): void {
    const { packed, writer } = this;
    writer.encode(field, fieldStart, fieldLength);
    packed.append(writer);
    writer.encode(value, valueStart, valueLength);
    packed.append(writer);
  }

  private limitCount(): void {
    const stride = this.isTimed ? 3 : 2;
    if (listpackCount(this.packed.bytes, 0) > this.space.packing.hashListpackEntries * stride) this.convert();
  }

  private convert(): void {
    const { cursor, hashes } = this;
    cursor.beginPacked(this.packed.bytes, 0, this.isTimed);
    this.table = hashes.table.createFor(this.likely);
    this.batch.begin(this.table);
    if (this.isTimed) {
      this.order = hashes.fieldTimes.table.order.create();
      hashes.fieldTimes.table.putAll(this.table, this.order, cursor);
      return;
    }
    hashes.setItems(this.table, cursor);
  }

  /** Brings the times into order; without any it is a plain hash from now on. */
  private settleTimes(): void {
    if (this.table === 0) {
      this.settlePackedTimes();
      return;
    }
    const timed = this.hashes.fieldTimes.table;
    if (timed.order.count(this.order) > 0) return;
    timed.releaseOrder(this.order);
    this.isTimed = false;
  }

  private settlePackedTimes(): void {
    const { bytes } = this.packed;
    const triplets: { at: number; end: number; timeMs: number }[] = [];
    for (let at = firstElement(0); !isListpackEnd(bytes, at); ) {
      const timeAt = nextElement(bytes, nextElement(bytes, at));
      const end = nextElement(bytes, timeAt);
      triplets.push({ at, end, timeMs: readPackedTime(bytes, timeAt) || Number.POSITIVE_INFINITY });
      at = end;
    }
    if (triplets.every(({ timeMs }) => timeMs === Number.POSITIVE_INFINITY)) {
      this.dropTimes();
      return;
    }
    if (triplets.every(({ timeMs }, i) => i === 0 || triplets[i - 1].timeMs <= timeMs)) return;
    triplets.sort((a, b) => (a.timeMs === b.timeMs ? a.at - b.at : a.timeMs < b.timeMs ? -1 : 1));
    this.other.adopt(bytes, 0);
    let out = firstElement(0);
    for (const { at, end } of triplets) {
      this.other.bytes.set(bytes.subarray(at, end), out);
      out += end - at;
    }
    this.swapBuffers();
  }

  private dropTimes(): void {
    const { cursor } = this;
    this.swapBuffers();
    this.begin();
    cursor.beginPacked(this.other.bytes, 0, true);
    while (cursor.next())
      this.set(cursor.bytes, cursor.start, cursor.length, cursor.valueBytes, cursor.valueStart, cursor.valueLength);
  }

  private swapBuffers(): void {
    [this.packed, this.other] = [this.other, this.packed];
  }
}
