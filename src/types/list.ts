/**
 * Lists: how a list lies in memory, and what changes it (list-reading.ts is how it is read). Source: spec server.md section 13, persistence.md section 3.2.
 *
 *   LISTPACK    value = the listpack itself
 *   QUICKLIST   value = reference to a ChunkList
 *
 * A packed list that outgrows list-max-listpack-size becomes a chunk list; one whose single chunk has shrunk to half of that becomes packed again.
 * Both are handled alike as chunks: a packed list is one whose only chunk lies in the entry. So a place in a list is (chunk, offset in its listpack),
 * and only `splice` knows the difference.
 *
 * Invariants: (1) a list in the keyspace has an element; between the steps of one command it may have none; (2) every change calls `beforeWrite` before
 * its first byte.
 */
import type { Database } from '../keyspace/database.js';
import { valueDigests } from '../keyspace/digest.js';
import { ROOT_BYTES, TYPE_LIST } from '../keyspace/entry.js';
import type { FrozenValue, ItemReader, Keyspace, ValueType } from '../keyspace/keyspace.js';
import type { PackingLimits } from '../keyspace/packing-limits.js';
import type { Ref } from '../memory/arena.js';
import { blockStart, CHUNK_CELL_WORDS, type TextRanges, type TextTaker } from '../memory/chunk-list.js';
import { copyBytes } from '../memory/copy.js';
import {
  closeListpack,
  countElements,
  ElementWriter,
  firstElement,
  initListpack,
  isListpackEnd,
  LISTPACK_EMPTY_BYTES,
  LISTPACK_HEADER_BYTES,
  ListpackElement,
  listpackBytes,
  listpackCount,
  listpackEnd,
  nextElement,
  previousElement,
  skipElements,
  splice,
} from '../memory/listpack.js';
import { FrozenBlocks } from './frozen-blocks.js';
import { ListBuilder } from './list-builder.js';
import { LIST_LISTPACK, LIST_QUICKLIST, ListCursor, ListReading } from './list-reading.js';

const PACKED_LIST_FORM = TYPE_LIST | (LIST_LISTPACK << 4);
const CHUNK_LIST_FORM = TYPE_LIST | (LIST_QUICKLIST << 4);

/** What Redis reckons for the header of an element that it adds to a node. */
const ELEMENT_OVERHEAD_BYTES = 8;
const SHORT_TEXT_BYTES_MAX = 64;
/** A list of more chunks is freed in slices. */
const CHUNKS_FREED_AT_ONCE = 256;

/** A list of more chunks is read in parts by a snapshot: to compress one takes some 30 µs. */
const CHUNKS_READ_AT_ONCE = 16;

const NOBODY: TextTaker = { bulk: () => {} };

/** The lists of a keyspace. */
export function listsOf(space: Keyspace): Lists {
  return (space.valueTypes[TYPE_LIST] ??= new Lists(space)) as Lists;
}

export class Lists extends ListReading implements ValueType {
  readonly builder: ListBuilder;
  private readonly space: Keyspace;
  private readonly packing: PackingLimits;
  private readonly writer = new ElementWriter();
  private readonly place = new ListCursor();
  private readonly element = new ListpackElement();

  constructor(space: Keyspace) {
    super(space);
    this.space = space;
    this.packing = space.packing;
    this.builder = new ListBuilder(space, this);
  }

  free(ref: Ref): void {
    if (!this.isPacked(ref)) this.freeChunks(this.entries.root(ref));
  }

  /** Frees a chunk list that no entry has any more. */
  freeChunks(list: Ref): void {
    const { chunks } = this;
    if (chunks.chunkCount(list) <= CHUNKS_FREED_AT_ONCE) return chunks.destroy(list);
    this.space.reaper.addRemains({
      freeSome() {
        if (chunks.dropChunks(list, 16)) return true;
        chunks.destroy(list);
        return false;
      },
    });
  }

  /** Items are the chunks. */
  freeze(ref: Ref, read: ItemReader): FrozenValue | null {
    if (this.chunkCount(ref) <= CHUNKS_READ_AT_ONCE) return null;
    const { chunks } = this;
    const list = this.entries.root(ref);
    const reader = chunks.share(list);
    return new FrozenBlocks(this.space.reaper, reader, chunks.cells(list), CHUNK_CELL_WORDS, 1, read);
  }

  duplicate(ref: Ref): void {
    if (!this.isPacked(ref)) this.entries.setRoot(ref, this.chunks.duplicate(this.entries.root(ref)));
  }

  bytes(ref: Ref): number {
    return this.isPacked(ref) ? 0 : this.chunks.bytes(this.entries.root(ref));
  }

  /**
   * Makes an empty list of a key that is not there, for the caller to fill at once.
   * @param roomBytes of the elements that will come, if they are known: they are then added where the list lies
   */
  create(db: Database, key: Uint8Array, start: number, length: number, roomBytes = 0): Ref {
    const { entries } = this;
    const ref = db.add(key, start, length, TYPE_LIST, LIST_LISTPACK, LISTPACK_EMPTY_BYTES + roomBytes, 0);
    entries.setValueLength(ref, LISTPACK_EMPTY_BYTES);
    initListpack(entries.view(ref), entries.valueStart(ref));
    return ref;
  }

  /** @returns bytes that a short text takes as an element; 0 for a long one, which may not go into the entry */
  shortElementBytes(bytes: Uint8Array, start: number, length: number): number {
    return length <= SHORT_TEXT_BYTES_MAX ? this.writer.encode(bytes, start, length) : 0;
  }

  /**
   * To be called before elements are added: a packed list that they would make too large becomes a chunk list. No change that WATCH sees: it also
   * happens where nothing is added in the end.
   * @param addedBytes length of their text
   */
  prepareGrowth(db: Database, ref: Ref, addedBytes: number, addedCount: number): Ref {
    if (!this.isPacked(ref)) return ref;
    const base = this.entries.valueStart(ref);
    const view = this.entries.view(ref);
    if (this.fitsPacked(listpackBytes(view, base) + addedBytes, listpackCount(view, base) + addedCount)) return ref;
    db.beforeQuietWrite(ref);
    const list = this.chunks.create();
    const count = listpackCount(view, base);
    if (count > 0) this.chunks.insertChunk(list, 0, this.copyOut(ref), count);
    const moved = db.resizeQuietly(ref, ROOT_BYTES);
    this.entries.setEncoding(moved, LIST_QUICKLIST);
    this.entries.setRoot(moved, list);
    return moved;
  }

  /** To be called after elements were removed: a chunk list that one small node can hold becomes packed. */
  shrink(db: Database, ref: Ref): Ref {
    return this.packIfWithin(db, ref, 2);
  }

  /** To be called after a list was built as a whole: the same, but up to the full limit. */
  pack(db: Database, ref: Ref): Ref {
    return this.packIfWithin(db, ref, 1);
  }

  /**
   * Adds an element at an end of a list that stays in its form and its blocks: what nearly every push is.
   * @param ref an entry of any type
   * @returns number of elements; 0 if it is no list, or more is to be done: nothing has changed then
   */
  pushWithin(db: Database, ref: Ref, atHead: boolean, bytes: Uint8Array, start: number, length: number): number {
    const { entries, packing, writer } = this;
    const form = entries.form(ref);
    if (form === CHUNK_LIST_FORM) {
      db.beforeWrite(ref);
      writer.encode(bytes, start, length);
      const bytesMax = packing.listNodeBytes - length - ELEMENT_OVERHEAD_BYTES;
      return this.chunks.pushWithin(entries.root(ref), atHead, writer, bytesMax, packing.listNodeElements);
    }
    if (form !== PACKED_LIST_FORM) return 0;
    const view = entries.view(ref);
    const base = entries.valueStart(ref);
    const total = listpackBytes(view, base);
    const count = listpackCount(view, base) + 1;
    if (!this.fitsPacked(total + length, count)) return 0;
    writer.encode(bytes, start, length);
    const { byteCount } = writer;
    if (!this.arena.fits(ref, base - blockStart(ref) + total + byteCount)) return 0;
    db.beforeWrite(ref);
    entries.setValueLength(ref, total + byteCount);
    if (atHead) {
      splice(view, base, firstElement(base), 0, byteCount, 1);
      writer.write(view, firstElement(base));
    } else {
      closeListpack(view, base, writer.write(view, base + total - 1), 1);
    }
    return count;
  }

  /** Adds an element at an end. `prepareGrowth` was called. */
  push(db: Database, ref: Ref, atHead: boolean, bytes: Uint8Array, start: number, length: number): Ref {
    if (this.pushWithin(db, ref, atHead, bytes, start, length) > 0) return ref;
    const { entries, place, writer } = this;
    writer.encode(bytes, start, length);
    if (this.isPacked(ref)) {
      place.chunk = 0;
      place.offset = atHead ? LISTPACK_HEADER_BYTES : listpackBytes(entries.view(ref), entries.valueStart(ref)) - 1;
    } else {
      this.findPushPlace(entries.root(ref), atHead, length);
    }
    return this.insertEncoded(db, ref, place);
  }

  /** Adds texts number `from` to before `to`, one after the other, at an end. `prepareGrowth` was called. */
  pushMany(db: Database, ref: Ref, atHead: boolean, texts: TextRanges, from: number, to: number): Ref {
    const { chunks, entries, packing, writer } = this;
    const { bytes, starts, lengths } = texts;
    const bytesMax = packing.listNodeBytes - ELEMENT_OVERHEAD_BYTES;
    let list = ref;
    let next = from;
    while (next < to) {
      // The first one that does not fit into the chunk at the end makes the next chunk, or the room.
      list = this.push(db, list, atHead, bytes, starts[next], lengths[next]);
      next++;
      if (next === to || this.isPacked(list)) continue;
      db.beforeWrite(list);
      const root = entries.root(list);
      next = chunks.pushManyWithin(root, atHead, writer, texts, next, to, bytesMax, packing.listNodeElements);
    }
    return list;
  }

  /** Inserts an element before the one at the cursor, or behind it. `prepareGrowth` was called. */
  insert(
    db: Database,
    ref: Ref,
    cursor: ListCursor,
    isBehind: boolean,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): Ref {
    this.writer.encode(bytes, start, length);
    // Before the chunk is looked at: a snapshot may have it moved.
    db.beforeWrite(ref);
    this.load(ref, cursor);
    const at = cursor.base + cursor.offset;
    if (isBehind) cursor.offset = nextElement(cursor.bytes, at) - cursor.base;
    if (this.isPacked(ref) || !this.makeRoom(this.entries.root(ref), cursor, isBehind, length))
      return this.insertEncoded(db, ref, cursor);
    const { chunk } = cursor;
    this.insertEncoded(db, ref, cursor);
    this.joinAround(this.entries.root(ref), isBehind ? chunk - 1 : chunk + 1);
    return ref;
  }

  /** Replaces the element at the cursor. `prepareGrowth` was called. A node is not split for it, whatever its size becomes: as in Redis, whose DUMP shows it. */
  replace(db: Database, ref: Ref, cursor: ListCursor, bytes: Uint8Array, start: number, length: number): Ref {
    const { chunks, writer } = this;
    // Before the chunk is looked at: a snapshot may have it moved.
    db.beforeWrite(ref);
    this.load(ref, cursor);
    const at = cursor.base + cursor.offset;
    const oldBytes = nextElement(cursor.bytes, at) - at;
    const list = this.isPacked(ref) ? 0 : this.entries.root(ref);
    writer.encode(bytes, start, length);
    let moved = ref;
    if (writer.byteCount !== oldBytes) moved = this.splice(db, ref, cursor, oldBytes, writer.byteCount, 0);
    else if (list !== 0 && chunks.own(list, cursor.chunk)) this.loadChunk(list, cursor);
    writer.write(cursor.bytes, cursor.base + cursor.offset);
    return moved;
  }

  /** Removes the element at the cursor, which then is where the next one was: `enter` moves it there. */
  remove(db: Database, ref: Ref, cursor: ListCursor): Ref {
    this.load(ref, cursor);
    const at = cursor.base + cursor.offset;
    return this.splice(db, ref, cursor, nextElement(cursor.bytes, at) - at, 0, -1);
  }

  /** Reads the element at an end. */
  readEnd(ref: Ref, atHead: boolean, element: ListpackElement): void {
    const { place } = this;
    place.chunk = atHead ? 0 : this.chunkCount(ref) - 1;
    this.load(ref, place);
    const { bytes, base } = place;
    element.read(bytes, atHead ? firstElement(base) : previousElement(bytes, listpackEnd(bytes, base)));
  }

  /**
   * Removes an element at an end of a list that has more, and stays in its blocks: what nearly every pop is. `shrink` is still to be called.
   * @param ref   an entry of any type
   * @param taker gets the text of the element before it goes
   * @returns whether it was removed; if not, it is no list, or more is to be done: nothing has changed then
   */
  popWithin(db: Database, ref: Ref, atHead: boolean, taker: TextTaker): boolean {
    const { element, entries } = this;
    const form = entries.form(ref);
    if (form === CHUNK_LIST_FORM) {
      db.beforeWrite(ref);
      return this.chunks.popWithin(entries.root(ref), atHead, taker);
    }
    if (form !== PACKED_LIST_FORM) return false;
    const view = entries.view(ref);
    const base = entries.valueStart(ref);
    if (listpackCount(view, base) < 2) return false;
    const end = listpackEnd(view, base);
    const place = atHead ? firstElement(base) : previousElement(view, end);
    const elementBytes = (atHead ? nextElement(view, place) : end) - place;
    const valueLength = end + 1 - base - elementBytes;
    if (!this.arena.fits(ref, base - blockStart(ref) + valueLength)) return false;
    db.beforeWrite(ref);
    element.read(view, place);
    taker.bulk(element.bytes, element.start, element.length);
    if (atHead) splice(view, base, place, elementBytes, 0, -1);
    else closeListpack(view, base, place, -1);
    entries.setValueLength(ref, valueLength);
    return true;
  }

  /** Removes `count` elements from element `index` on; they are there. Whole chunks go without being walked. */
  removeRange(db: Database, ref: Ref, index: number, count: number): Ref {
    if (count === 1 && (index === 0 || index === this.length(ref) - 1) && this.popWithin(db, ref, index === 0, NOBODY))
      return ref;
    const { chunks, place } = this;
    let result = ref;
    let rest = count;
    while (rest > 0) {
      this.seek(result, index, place);
      const isFromStart = place.offset === LISTPACK_HEADER_BYTES;
      if (isFromStart && !this.isPacked(result)) {
        const removed = this.removeWholeChunks(db, result, place.chunk, rest);
        rest -= removed;
        if (removed > 0) continue;
      }
      const elements = this.elementsInChunk(result, place.chunk);
      const before = isFromStart ? 0 : this.isPacked(result) ? index : chunks.foundIndex;
      const removed = Math.min(rest, elements - before);
      const at = place.base + place.offset;
      const end =
        before + removed === elements
          ? place.base + listpackBytes(place.bytes, place.base) - 1
          : skipElements(place.bytes, at, removed);
      result = this.splice(db, result, place, end - at, 0, -removed);
      rest -= removed;
    }
    return result;
  }

  /** Removes the chunks from number `first` on that have no more than `countMax` elements together. @returns how many elements these were */
  private removeWholeChunks(db: Database, ref: Ref, first: number, countMax: number): number {
    const { chunks } = this;
    const list = this.entries.root(ref);
    const count = chunks.chunksWithin(list, first, countMax);
    if (count === 0) return 0;
    db.beforeWrite(ref);
    return chunks.removeChunks(list, first, count);
  }

  /** Whether a list of this size is packed, if it is made as a whole. */
  fitsPacked(byteCount: number, elementCount: number): boolean {
    return elementCount <= this.packing.listNodeElements && byteCount <= this.packing.listNodeBytes;
  }

  /** Whether a node of `nodeBytes` and `nodeCount` elements may get another one of `length` bytes. */
  fitsNode(nodeBytes: number, nodeCount: number, length: number): boolean {
    return this.fitsPacked(nodeBytes + length + ELEMENT_OVERHEAD_BYTES, nodeCount + 1);
  }

  /** Sets `place` to the end of the list where the encoded element goes: in the chunk there, or in a new one if that is full. */
  private findPushPlace(list: Ref, atHead: boolean, length: number): void {
    const { chunks, place, writer } = this;
    const last = chunks.chunkCount(list) - 1;
    place.chunk = atHead ? 0 : last;
    if (last < 0 || !this.hasRoom(list, place.chunk, length)) {
      if (last > 0) chunks.trim(list, place.chunk);
      if (!atHead) place.chunk = last + 1;
      chunks.insertEmptyChunk(list, place.chunk, Math.max(writer.byteCount, this.roomAtEnd(last + 1)));
    }
    place.offset = atHead ? LISTPACK_HEADER_BYTES : chunks.listpackBytesOf(list, place.chunk) - 1;
  }

  /**
   * @returns bytes for the elements of a new chunk at an end of a list of `chunkCount`: at most an eighth of what the list has, and what a node may have. So
   *          a large list grows by whole nodes, without copies, and none gets much more than it needs.
   */
  private roomAtEnd(chunkCount: number): number {
    const { listNodeBytes } = this.packing;
    return Math.min(listNodeBytes, (chunkCount * listNodeBytes) >> 3) - LISTPACK_EMPTY_BYTES;
  }

  /**
   * Makes the cursor's place one where an element of `length` may go: in the node itself, at the end of a neighbour that has room, in a node of its
   * own between two, or in one half of the node, split at the cursor.
   * @returns whether the node was split: the element then goes to the half of the element that it is put beside, whatever its size becomes
   */
  private makeRoom(list: Ref, cursor: ListCursor, isBehind: boolean, length: number): boolean {
    const { chunks, writer } = this;
    if (this.hasRoom(list, cursor.chunk, length)) return false;
    const isStart = cursor.offset === LISTPACK_HEADER_BYTES;
    const isEnd = isListpackEnd(cursor.bytes, cursor.base + cursor.offset);
    const last = chunks.chunkCount(list) - 1;
    if (isEnd && cursor.chunk < last && this.hasRoom(list, cursor.chunk + 1, length)) {
      cursor.chunk++;
      cursor.offset = LISTPACK_HEADER_BYTES;
      return false;
    }
    if (isStart && cursor.chunk > 0 && this.hasRoom(list, cursor.chunk - 1, length)) {
      cursor.chunk--;
      this.loadChunk(list, cursor);
      cursor.offset = listpackBytes(cursor.bytes, cursor.base) - 1;
      return false;
    }
    const isSplit = !isStart && !isEnd;
    if (isSplit) {
      const before = countElements(cursor.bytes, firstElement(cursor.base), cursor.base + cursor.offset);
      chunks.split(list, cursor.chunk, cursor.offset, before);
    }
    if (isSplit ? isBehind : isEnd) {
      cursor.chunk++;
      cursor.offset = LISTPACK_HEADER_BYTES;
    }
    if (!isSplit) chunks.insertEmptyChunk(list, cursor.chunk, writer.byteCount);
    return isSplit;
  }

  /** Joins what a split has left with its neighbours, where two fit into one node: in the order of Redis. @param half number of the half that got no element */
  private joinAround(list: Ref, half: number): void {
    let at = half;
    if (this.joinIfFits(list, at - 2)) at--;
    this.joinIfFits(list, at + 1);
    if (this.joinIfFits(list, at - 1)) at--;
    this.joinIfFits(list, at);
  }

  private joinIfFits(list: Ref, index: number): boolean {
    const { chunks } = this;
    if (index < 0 || index + 1 >= chunks.chunkCount(list)) return false;
    const byteCount =
      chunks.listpackBytesOf(list, index) + chunks.listpackBytesOf(list, index + 1) - LISTPACK_EMPTY_BYTES;
    const count = chunks.elementCountOf(list, index) + chunks.elementCountOf(list, index + 1);
    if (!this.fitsPacked(byteCount, count)) return false;
    chunks.join(list, index);
    return true;
  }

  /** Writes the encoded element at the place. */
  private insertEncoded(db: Database, ref: Ref, place: ListCursor): Ref {
    const moved = this.splice(db, ref, place, 0, this.writer.byteCount, 1);
    this.writer.write(place.bytes, place.base + place.offset);
    return moved;
  }

  /** Makes a gap, or closes one, at the cursor, which stays there with its view renewed. A chunk that is left without elements goes. */
  private splice(
    db: Database,
    ref: Ref,
    cursor: ListCursor,
    removedBytes: number,
    addedBytes: number,
    countChange: number,
  ): Ref {
    const { entries } = this;
    if (!this.isPacked(ref)) {
      db.beforeWrite(ref);
      const list = entries.root(ref);
      const { listNodeBytes } = this.packing;
      const { chunk, offset } = cursor;
      if (this.chunks.splice(list, chunk, offset, removedBytes, addedBytes, countChange, listNodeBytes))
        this.loadChunk(list, cursor);
      else this.reenter(list, cursor);
      return ref;
    }
    const length = entries.valueLength(ref) + addedBytes - removedBytes;
    let moved = ref;
    if (addedBytes > removedBytes) moved = db.resizeValue(ref, length);
    else db.beforeWrite(ref);
    splice(
      entries.view(moved),
      entries.valueStart(moved),
      entries.valueStart(moved) + cursor.offset,
      removedBytes,
      addedBytes,
      countChange,
    );
    if (addedBytes < removedBytes) moved = db.resizeValue(moved, length);
    cursor.bytes = entries.view(moved);
    cursor.base = entries.valueStart(moved);
    return moved;
  }

  /** The cursor's chunk is gone: it goes on at the one that took its number, or at the end of the last one. */
  private reenter(list: Ref, cursor: ListCursor): void {
    const count = this.chunks.chunkCount(list);
    if (count === 0) {
      cursor.bytes = EMPTY;
      cursor.base = 0;
      cursor.chunk = 0;
      cursor.offset = LISTPACK_HEADER_BYTES;
      return;
    }
    const isAtEnd = cursor.chunk === count;
    if (isAtEnd) cursor.chunk--;
    this.loadChunk(list, cursor);
    cursor.offset = isAtEnd ? listpackBytes(cursor.bytes, cursor.base) - 1 : LISTPACK_HEADER_BYTES;
  }

  private packIfWithin(db: Database, ref: Ref, divisor: number): Ref {
    if (this.isPacked(ref)) return ref;
    const list = this.entries.root(ref);
    if (this.chunks.chunkCount(list) !== 1) return ref;
    const byteCount = this.chunks.listpackBytesOf(list, 0);
    const { listNodeElements, listPackedBytes } = this.packing;
    if (this.chunks.count(list) * divisor > listNodeElements || byteCount * divisor > listPackedBytes) return ref;
    const moved = db.resizeValue(ref, byteCount);
    const { chunks, entries } = this;
    entries.setEncoding(moved, LIST_LISTPACK);
    const source = chunks.view(chunks.chunk(list, 0));
    copyBytes(source, chunks.start(list, 0), entries.view(moved), entries.valueStart(moved), byteCount);
    chunks.destroy(list);
    return moved;
  }

  /** @returns a block with a copy of the packed list */
  private copyOut(ref: Ref): Ref {
    const length = this.entries.valueLength(ref);
    const chunk = this.arena.allocate(length);
    copyBytes(this.entries.view(ref), this.entries.valueStart(ref), this.chunks.view(chunk), blockStart(chunk), length);
    return chunk;
  }

  private hasRoom(list: Ref, index: number, length: number): boolean {
    return this.fitsNode(this.chunks.listpackBytesOf(list, index), this.chunks.elementCountOf(list, index), length);
  }
}

/** What a cursor of a list without elements looks at. */
const EMPTY = new Uint8Array(LISTPACK_EMPTY_BYTES);
initListpack(EMPTY, 0);

valueDigests[TYPE_LIST] = (space, ref, digest) => listsOf(space).digest(ref, digest);
