/**
 * Walks over a set member by member: an intset in ascending order, a listpack in order of insertion, a table by buckets. The set must not change
 * meanwhile.
 *
 *   cursor.begin(ref); while (cursor.next()) … cursor.bytes …
 *
 * Nothing is allocated per member. Texts are good until the next step; those of integers lie in buffers of the cursor.
 */
import type { Keyspace } from '../keyspace/keyspace.js';
import { CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../memory/arena.js';
import { INT64_TEXT_BYTES_MAX, writeInt64Text } from '../memory/int64-text.js';
import { intsetCount, intsetMember, readIntset } from '../memory/intset.js';
import { firstElement, isListpackEnd, ListpackElement } from '../memory/listpack.js';
import { CountedString } from './counted-keys.js';
import type { MemberTable } from './member-table.js';

/** Encoding ids of sets. */
export const SET_INTSET = 0;
export const SET_LISTPACK = 1;
export const SET_TABLE = 2;

export class SetCursor {
  /** The member: `bytes[start, start + length)`. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;
  /** A view of the member's text that reads words; null for a number, and for what is in no key yet. */
  words: DataView | null = null;
  /** What a member counts where members have scores. */
  readonly score = 1;
  /** Members have no times. */
  readonly isHidden = false;
  private readonly space: Keyspace;
  private readonly tables: MemberTable;
  private readonly element = new ListpackElement();
  private readonly string = new CountedString();
  private readonly digits = new Uint8Array(INT64_TEXT_BYTES_MAX);
  private readonly items: Ref[] = [];
  private itemCount = 0;
  private encoding = SET_INTSET;
  /** Of a packed set: where it lies, and the next member: its index, or its position. */
  private packed: Uint8Array = this.bytes;
  private packedWords: DataView | null = null;
  private base = 0;
  private at = 0;
  /** Of a table. */
  private table: Ref = 0;
  private bucket = 0;
  private itemAt = 0;

  constructor(space: Keyspace, tables: MemberTable) {
    this.space = space;
    this.tables = tables;
  }

  begin(ref: Ref): void {
    const { entries } = this.space;
    const encoding = entries.encoding(ref);
    if (encoding === SET_TABLE) return this.beginTable(entries.root(ref));
    this.beginPacked(encoding, entries.view(ref), entries.valueStart(ref));
    this.packedWords = this.space.arena.views[ref >>> CHUNK_INDEX_SHIFT];
  }

  /** Begins to walk over an intset or listpack. */
  beginPacked(encoding: number, bytes: Uint8Array, base: number): void {
    this.encoding = encoding;
    this.packed = bytes;
    this.packedWords = null;
    this.base = base;
    this.at = encoding === SET_INTSET ? 0 : firstElement(base);
  }

  beginTable(table: Ref): void {
    this.encoding = SET_TABLE;
    this.table = table;
    this.bucket = this.tables.bucketCount(table);
    this.itemCount = 0;
    this.itemAt = 0;
  }

  /** @returns whether there was one more member */
  next(): boolean {
    if (this.encoding === SET_INTSET) {
      if (this.at === intsetCount(this.packed, this.base)) return false;
      this.readInteger(this.packed, this.base, this.at++);
      return true;
    }
    if (this.encoding === SET_LISTPACK) {
      if (isListpackEnd(this.packed, this.at)) return false;
      this.readElement(this.packed, this.at);
      if (!this.element.isInteger) this.words = this.packedWords;
      this.at = this.element.next;
      return true;
    }
    while (this.itemAt === this.itemCount) {
      if (this.bucket === 0) return false;
      this.bucket = this.tables.collectAhead(this.table, this.bucket, this.items);
      this.itemCount = this.tables.aheadCount;
      this.itemAt = 0;
    }
    this.readItem(this.items[this.itemAt++]);
    return true;
  }

  /** Reads member number `index` of an intset. */
  readInteger(bytes: Uint8Array, base: number, index: number): void {
    readIntset(bytes, base, index);
    this.bytes = this.digits;
    this.words = null;
    this.start = 0;
    this.length = writeInt64Text(this.digits, 0, intsetMember.high, intsetMember.low);
  }

  /** Reads the listpack element at `at`. */
  readElement(bytes: Uint8Array, at: number): void {
    this.element.read(bytes, at);
    this.bytes = this.element.bytes;
    this.words = null;
    this.start = this.element.start;
    this.length = this.element.length;
  }

  /** Reads an item of a table. */
  readItem(item: Ref): void {
    const view = this.space.arena.bytes[item >>> CHUNK_INDEX_SHIFT];
    this.string.read(view, (item & UNIT_MASK) << 3);
    this.bytes = view;
    this.words = this.space.arena.views[item >>> CHUNK_INDEX_SHIFT];
    this.start = this.string.start;
    this.length = this.string.length;
  }
}
