/**
 * Walks over a hash pair by pair: in order of insertion if it is packed, else by buckets. The hash must not change meanwhile.
 *
 *   cursor.begin(ref); while (cursor.next()) … cursor.bytes … cursor.valueBytes …
 *
 * Nothing is allocated per pair. Texts are good until the next step; those of packed integers lie in buffers of the cursor.
 */
import type { Keyspace } from '../keyspace/keyspace.js';
import { CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../memory/arena.js';
import { firstElement, isListpackEnd, ListpackElement } from '../memory/listpack.js';
import { CountedString } from './counted-keys.js';
import type { MemberTable } from './member-table.js';

/** Encoding ids of hashes. */
export const HASH_LISTPACK = 0;
export const HASH_TABLE = 1;

export class HashCursor {
  /** The field: `bytes[start, start + length)`. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;
  valueBytes: Uint8Array = this.bytes;
  valueStart = 0;
  valueLength = 0;
  private readonly space: Keyspace;
  private readonly tables: MemberTable;
  private readonly field = new ListpackElement();
  private readonly value = new ListpackElement();
  private readonly string = new CountedString();
  private readonly items: Ref[] = [];
  /** Of a table: 0 for a packed hash. */
  private table: Ref = 0;
  private bucket = 0;
  private itemAt = 0;
  /** Of a packed hash: where it lies, and the next field. */
  private packed: Uint8Array = this.bytes;
  private at = 0;

  constructor(space: Keyspace, tables: MemberTable) {
    this.space = space;
    this.tables = tables;
  }

  begin(ref: Ref): void {
    const { entries } = this.space;
    this.items.length = 0;
    this.itemAt = 0;
    if (entries.encoding(ref) === HASH_TABLE) {
      this.table = entries.root(ref);
      this.bucket = this.tables.bucketCount(this.table);
      return;
    }
    this.beginPacked(entries.view(ref), entries.valueStart(ref));
  }

  /** Begins to walk over a listpack of pairs. */
  beginPacked(bytes: Uint8Array, base: number): void {
    this.table = 0;
    this.packed = bytes;
    this.at = firstElement(base);
  }

  /** @returns whether there was one more pair */
  next(): boolean {
    if (this.table === 0) {
      if (isListpackEnd(this.packed, this.at)) return false;
      this.readPair(this.packed, this.at);
      this.at = this.value.next;
      return true;
    }
    while (this.itemAt === this.items.length) {
      if (this.bucket === 0) return false;
      this.tables.collectBucket(this.table, --this.bucket, this.items);
      this.itemAt = 0;
    }
    this.readItem(this.items[this.itemAt++]);
    return true;
  }

  /** Reads the pair whose field is the listpack element at `at`. */
  readPair(bytes: Uint8Array, at: number): void {
    this.field.read(bytes, at);
    this.value.read(bytes, this.field.next);
    this.bytes = this.field.bytes;
    this.start = this.field.start;
    this.length = this.field.length;
    this.valueBytes = this.value.bytes;
    this.valueStart = this.value.start;
    this.valueLength = this.value.length;
  }

  /** Reads an item of a table. */
  readItem(item: Ref): void {
    const view = this.space.arena.bytes[item >>> CHUNK_INDEX_SHIFT];
    this.string.read(view, (item & UNIT_MASK) << 3);
    this.bytes = view;
    this.start = this.string.start;
    this.length = this.string.length;
    this.string.read(view, this.string.end);
    this.valueBytes = view;
    this.valueStart = this.string.start;
    this.valueLength = this.string.length;
  }
}
