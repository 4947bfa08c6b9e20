/**
 * Walks over a hash pair by pair: as the pairs stand in the listpack if it is packed, else by buckets. The hash must not change meanwhile.
 *
 *   cursor.begin(ref); while (cursor.next()) … cursor.bytes … cursor.valueBytes …
 *
 * `begin` is for all fields that are stored, `beginLive` for those that clients may see: fields whose time is over are left out.
 * Nothing is allocated per pair. Texts are good until the next step; those of packed integers lie in buffers of the cursor.
 */
import { HASH_TABLE, HASH_TIMED_LISTPACK, HASH_TIMED_TABLE } from '../keyspace/entry.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import { CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../memory/arena.js';
import { firstElement, isListpackEnd, ListpackElement, nextElement } from '../memory/listpack.js';
import { CountedString } from './counted-keys.js';
import { ITEM_TIME_BYTES, isItemTime, readItemTime, readPackedTime } from './field-time.js';
import type { HashPair } from './hash-pair.js';
import type { MemberTable } from './member-table.js';

export class HashCursor implements HashPair {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;
  valueBytes: Uint8Array = this.bytes;
  valueStart = 0;
  valueLength = 0;
  /** A view of the texts of field and value that reads words; null if one of them is a number, and for what is in no key yet. */
  words: DataView | null = null;
  /** Where the field's time is: in the item of the field, or, with all bits inverted, in the listpack; 0 = nowhere. */
  private timeAt = 0;
  private isTimedPacked = false;
  private isLiveOnly = false;
  private readonly space: Keyspace;
  private readonly tables: MemberTable;
  private readonly field = new ListpackElement();
  private readonly value = new ListpackElement();
  private readonly string = new CountedString();
  private readonly items: Ref[] = [];
  private itemCount = 0;
  /** Of a table: 0 for a packed hash. */
  private table: Ref = 0;
  private bucket = 0;
  private itemAt = 0;
  /** Of a packed hash: where it lies, and the next field. */
  private packed: Uint8Array = this.bytes;
  private packedWords: DataView | null = null;
  private at = 0;

  constructor(space: Keyspace, tables: MemberTable) {
    this.space = space;
    this.tables = tables;
  }

  begin(ref: Ref): void {
    const { entries } = this.space;
    const encoding = entries.encoding(ref);
    this.isLiveOnly = false;
    if (encoding === HASH_TABLE || encoding === HASH_TIMED_TABLE) {
      this.itemCount = 0;
      this.itemAt = 0;
      this.table = entries.root(ref);
      this.bucket = this.tables.bucketCount(this.table);
      return;
    }
    this.beginPacked(entries.view(ref), entries.valueStart(ref), encoding === HASH_TIMED_LISTPACK);
    this.packedWords = this.space.arena.views[ref >>> CHUNK_INDEX_SHIFT];
  }

  /** As `begin`, but leaves out the fields whose time is over. */
  beginLive(ref: Ref): void {
    this.begin(ref);
    this.isLiveOnly = this.space.entries.isTimedHash(ref);
  }

  /** Begins to walk over a listpack of pairs, or of triplets with times. */
  beginPacked(bytes: Uint8Array, base: number, isTimed = false): void {
    this.table = 0;
    this.packed = bytes;
    this.packedWords = null;
    this.isTimedPacked = isTimed;
    this.at = firstElement(base);
  }

  /** When the field ends, Unix ms; 0 = never. */
  get timeMs(): number {
    const { timeAt } = this;
    if (timeAt === 0) return 0;
    return timeAt < 0 ? readPackedTime(this.packed, ~timeAt) : readItemTime(this.valueBytes, timeAt);
  }

  /** Whether the field's time is over, so that clients must not see it. */
  get isHidden(): boolean {
    return this.timeAt !== 0 && this.space.isFieldOver(this.timeMs);
  }

  /** @returns whether there was one more pair */
  next(): boolean {
    do {
      if (this.table === 0) {
        if (isListpackEnd(this.packed, this.at)) return false;
        this.readPair(this.packed, this.at, this.isTimedPacked);
        if (!this.field.isInteger && !this.value.isInteger) this.words = this.packedWords;
        this.at = this.timeAt === 0 ? this.value.next : nextElement(this.packed, this.value.next);
      } else {
        while (this.itemAt === this.itemCount) {
          if (this.bucket === 0) return false;
          this.bucket = this.tables.collectAhead(this.table, this.bucket, this.items);
          this.itemCount = this.tables.aheadCount;
          this.itemAt = 0;
        }
        this.readItem(this.items[this.itemAt++]);
      }
    } while (this.isLiveOnly && this.isHidden);
    return true;
  }

  /** Reads the pair, or triplet, whose field is the listpack element at `at`. */
  readPair(bytes: Uint8Array, at: number, isTimed = false): void {
    this.field.read(bytes, at);
    this.value.read(bytes, this.field.next);
    this.words = null;
    this.timeAt = 0;
    if (isTimed) {
      this.packed = bytes;
      this.timeAt = ~this.value.next;
    }
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
    this.words = this.space.arena.views[item >>> CHUNK_INDEX_SHIFT];
    this.start = this.string.start;
    this.length = this.string.length;
    const { end } = this.string;
    this.timeAt = isItemTime(view, end) ? end : 0;
    this.string.read(view, this.timeAt === 0 ? end : end + ITEM_TIME_BYTES);
    this.valueBytes = view;
    this.valueStart = this.string.start;
    this.valueLength = this.string.length;
  }
}
