/**
 * Builds a hash before its key exists: packed as long as the limits allow, then as a table. For HSET of a new key and for loading: one block of the
 * exact size, no matter how many fields.
 */
import type { Database } from '../keyspace/database.js';
import { HASH_LISTPACK, HASH_TABLE, ROOT_BYTES, TYPE_HASH } from '../keyspace/entry.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import { ElementWriter, findElement, LISTPACK_BYTES_MAX, listpackCount, nextElement } from '../memory/listpack.js';
import type { Hashes } from './hash.js';
import { HashCursor } from './hash-cursor.js';
import { PackedBuffer } from './packed-buffer.js';

export class HashBuilder {
  private readonly space: Keyspace;
  private readonly hashes: Hashes;
  private readonly packed = new PackedBuffer();
  private readonly writer = new ElementWriter();
  private readonly cursor: HashCursor;
  /** 0 while it is packed. */
  private table: Ref = 0;

  constructor(space: Keyspace, hashes: Hashes) {
    this.space = space;
    this.hashes = hashes;
    this.cursor = new HashCursor(space, hashes.table);
  }

  begin(): void {
    this.packed.clear();
    this.table = 0;
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
    const { packing } = this.space;
    if (this.table === 0) {
      const isFull = packed.length + fieldLength + valueLength > LISTPACK_BYTES_MAX;
      if (isFull || !packing.allowsHashPair(fieldLength, valueLength)) this.convert();
    }
    if (this.table !== 0) {
      hashes.setItem(this.table, field, fieldStart, fieldLength, value, valueStart, valueLength);
      return hashes.wasAdded;
    }
    const at = findElement(packed.bytes, packed.first, 2, field, fieldStart, fieldLength);
    if (at >= 0) {
      const valueAt = nextElement(packed.bytes, at);
      writer.encode(value, valueStart, valueLength);
      packed.replace(valueAt, nextElement(packed.bytes, valueAt) - valueAt, writer, 0);
      return false;
    }
    writer.encode(field, fieldStart, fieldLength);
    packed.append(writer);
    writer.encode(value, valueStart, valueLength);
    packed.append(writer);
    if (listpackCount(packed.bytes, 0) > packing.hashListpackEntries * 2) this.convert();
    return true;
  }

  /** Takes a whole listpack of unique fields with their values, of which only the number is held against the limits. */
  adopt(bytes: Uint8Array, start: number): void {
    this.packed.adopt(bytes, start);
    if (listpackCount(bytes, start) > this.space.packing.hashListpackEntries * 2) this.convert();
  }

  /** Gives what was built to a key that is not there. @returns its entry */
  finish(db: Database, key: Uint8Array, start: number, length: number, expireAtMs: number): Ref {
    const { packed } = this;
    if (this.table === 0) {
      const ref = db.add(key, start, length, TYPE_HASH, HASH_LISTPACK, packed.length, expireAtMs);
      db.writeValue(ref, packed.bytes, 0, packed.length);
      return ref;
    }
    const ref = db.add(key, start, length, TYPE_HASH, HASH_TABLE, ROOT_BYTES, expireAtMs);
    this.space.entries.setRoot(ref, this.table);
    this.table = 0;
    return ref;
  }

  private convert(): void {
    const { cursor } = this;
    cursor.beginPacked(this.packed.bytes, 0);
    this.table = this.hashes.table.create();
    while (cursor.next()) {
      this.hashes.setItem(
        this.table,
        cursor.bytes,
        cursor.start,
        cursor.length,
        cursor.valueBytes,
        cursor.valueStart,
        cursor.valueLength,
      );
    }
  }
}
