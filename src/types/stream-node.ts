/**
 * The nodes of streams: listpacks of entries, and the index that finds them. Source: spec persistence.md section 2.12.
 *
 *   index   = IdTree of | master ID | node |
 *   node    = listpack of | live entries | deleted entries | F | F field names | 0 | entries |, the first four groups being its master entry
 *   entry   = | flags | ms − master's | seq − master's | [n, n × (field, value) or, with SAME_FIELDS, F values] | lp-count |
 *
 * lp-count is the number of the entry's elements before it, so that a walk can go backwards. The last node of a stream has room to grow; it gives
 * what is left back when the next one begins. Nodes may be shared with somebody who reads them as they were (`share`), with a copy of the index: a stream
 * that changes one copies it first, a stream that drops one leaves it to the reader.
 *
 * Invariants: (1) master ID = ID of the first entry that the node ever had; (2) the counts of the master entry are those of the entries; (3) numbers are
 * in an integer form; so the bytes are those that Redis has, and RDB files take them as they are; (4) no byte of a node that is shared changes; a node is in
 * exactly one index.
 */
import { Arena, CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../memory/arena.js';
import { copyBytes } from '../memory/copy.js';
import { IdTree } from '../memory/id-tree.js';
import {
  closeListpack,
  ElementWriter,
  firstElement,
  initListpack,
  integer,
  isListpackEnd,
  LISTPACK_EMPTY_BYTES,
  listpackBytes,
  listpackEnd,
  matchElement,
  previousElement,
  readInteger,
  skipElements,
  splice,
  writeSmallInteger,
} from '../memory/listpack.js';
import { type BlockReader, SharedBlocks } from '../memory/shared-blocks.js';
import { compareIds, ID_WORDS, StreamId } from '../memory/stream-id.js';
import type { Request } from '../resp/request.js';

export const FLAG_DELETED = 1;
export const FLAG_SAME_FIELDS = 2;

/** A string takes at most so many bytes beyond its text, an integer so many in all. */
const STRING_OVERHEAD = 10;
const INTEGER_BYTES_MAX = 10;
/** Master entry without names, then an entry without fields: live, deleted, F, 0; flags, two deltas, n, lp-count. */
const FIXED_BYTES_MAX = 9 * INTEGER_BYTES_MAX;
/** Where a node has its first element. */
const FIRST_OFFSET = firstElement(0);

/** Of a node in a copy of the index: | master ID | node |. */
export const NODE_CELL_WORDS = ID_WORDS + 1;

/** Reads the master ID of the cell at `cells[at]`. @returns the node */
export function readNodeCell(cells: ArrayLike<number>, at: number, into: StreamId): Ref {
  into.set(cells[at], cells[at + 1], cells[at + 2], cells[at + 3]);
  return cells[at + ID_WORDS];
}

/** A node's first elements. */
export class MasterEntry {
  live = 0;
  deleted = 0;
  fieldCount = 0;
  /** Positions of the first field name and of the first entry. */
  fieldsAt = 0;
  entriesAt = 0;

  /** @param base where the node's listpack begins */
  read(bytes: Uint8Array, base: number): void {
    this.readCounts(bytes, base);
    this.entriesAt = skipElements(bytes, this.fieldsAt, this.fieldCount + 1);
  }

  /** As `read`, but `entriesAt` stays as it was. */
  readCounts(bytes: Uint8Array, base: number): void {
    const first = firstElement(base);
    if ((bytes[first] | bytes[first + 2] | bytes[first + 4]) < 0x80) {
      // The usual counts take a byte each, and their back-lengths one more.
      this.live = bytes[first];
      this.deleted = bytes[first + 2];
      this.fieldCount = bytes[first + 4];
      this.fieldsAt = first + 6;
      return;
    }
    let at = readInteger(bytes, firstElement(base));
    this.live = integer.low;
    at = readInteger(bytes, at);
    this.deleted = integer.low;
    at = readInteger(bytes, at);
    this.fieldCount = integer.low;
    this.fieldsAt = at;
  }
}

export class StreamNodes {
  readonly index: IdTree;
  private readonly arena: Arena;
  /** Nodes that a reader has a claim to, too. */
  readonly shared: SharedBlocks;
  private readonly writer = new ElementWriter();
  private readonly master = new MasterEntry();
  private readonly masterId = new StreamId();

  constructor(arena: Arena) {
    this.arena = arena;
    this.index = new IdTree(arena, 1);
    this.shared = new SharedBlocks(arena);
  }

  /** The node at the index's place. */
  get node(): Ref {
    return this.index.value(0);
  }

  view(node: Ref): Uint8Array {
    return this.arena.bytes[node >>> CHUNK_INDEX_SHIFT];
  }

  /** @returns where the node's listpack begins in its view */
  base(node: Ref): number {
    return (node & UNIT_MASK) << 3;
  }

  /** Adds a node whose listpack is copied from `bytes`, as a loader has it. */
  adopt(tree: Ref, id: StreamId, bytes: Uint8Array, start: number, length: number): void {
    const node = this.arena.allocateTight(length);
    copyBytes(bytes, start, this.view(node), this.base(node), length);
    this.index.insert(tree, id);
    this.index.setValue(0, node);
    this.shared.made(tree, node);
  }

  /** Frees the node at the index's place, whose master ID is `id`. */
  drop(tree: Ref, id: StreamId): void {
    this.shared.letGo(tree, this.node);
    this.index.remove(tree, id);
  }

  /** Frees the first `count` nodes, leaf by leaf: there must be so many. */
  dropFirst(tree: Ref, count: number): void {
    const { index, masterId } = this;
    for (let rest = count; rest > 0; ) {
      index.seekFirst(tree);
      index.readId(masterId);
      index.find(tree, masterId);
      const { leaf } = index;
      const dropped = Math.min(rest, index.cellCount(leaf));
      for (let cell = 0; cell < dropped; cell++) this.shared.letGo(tree, index.valueAt(leaf, cell, 0));
      index.removeFound(tree, dropped);
      rest -= dropped;
    }
  }

  /**
   * Appends an entry; its fields and values are the arguments of `request` from `firstAt` on.
   * @param textBytes  sum of their lengths
   * @param entriesMax of a node, 0 for any number
   */
  append(
    tree: Ref,
    id: StreamId,
    request: Request,
    firstAt: number,
    textBytes: number,
    entriesMax: number,
    bytesMax: number,
  ): void {
    const { index, master, masterId } = this;
    const { argc } = request;
    const pairCount = (argc - firstAt) >> 1;
    const room = textBytes + pairCount * 2 * STRING_OVERHEAD + FIXED_BYTES_MAX;
    let node = 0;
    let expectedBytes = 0;
    if (index.seekLast(tree)) {
      node = index.value(0);
      const bytes = this.view(node);
      const base = this.base(node);
      master.readCounts(bytes, base);
      const used = listpackBytes(bytes, base);
      const entryCount = master.live + master.deleted;
      if (used + textBytes >= bytesMax || (entriesMax > 0 && entryCount >= entriesMax)) {
        this.trim(tree, node);
        node = 0;
        // The next node will probably be as large.
        expectedBytes = used;
      } else {
        index.readId(masterId);
      }
    }
    const isFirst = node === 0;
    if (isFirst) {
      node = this.begin(tree, id, request, firstAt, pairCount, room, expectedBytes);
      masterId.copy(id);
      master.readCounts(this.view(node), this.base(node));
    } else if (!this.hasRoom(tree, node, room)) {
      node = this.grow(tree, node, room, bytesMax);
      master.readCounts(this.view(node), this.base(node));
    }
    const bytes = this.view(node);
    const base = this.base(node);
    const hasSameFields = isFirst || this.hasFields(bytes, request, firstAt, pairCount);
    let at = writeSmallInteger(bytes, listpackEnd(bytes, base), hasSameFields ? FLAG_SAME_FIELDS : 0);
    at = this.writeDelta(bytes, at, id.msHigh, id.msLow, masterId.msHigh, masterId.msLow);
    at = this.writeDelta(bytes, at, id.seqHigh, id.seqLow, masterId.seqHigh, masterId.seqLow);
    if (!hasSameFields) at = this.writeInteger(bytes, at, 0, pairCount);
    const step = hasSameFields ? 2 : 1;
    for (let i = hasSameFields ? firstAt + 1 : firstAt; i < argc; i += step)
      at = this.writeArgument(bytes, at, request, i);
    const elementCount = hasSameFields ? pairCount + 3 : pairCount * 2 + 4;
    at = this.writeInteger(bytes, at, 0, elementCount);
    closeListpack(bytes, base, at, elementCount + 1);
    const live = master.live + 1;
    if (live < 128) bytes[firstElement(base)] = live;
    else this.setInteger(tree, FIRST_OFFSET, live);
  }

  /** Marks an entry of the node at the index's place as deleted. @param offset of the entry in the node */
  markDeleted(tree: Ref, offset: number): void {
    const { master } = this;
    readInteger(this.view(this.node), this.base(this.node) + offset);
    this.setInteger(tree, offset, integer.low | FLAG_DELETED);
    master.read(this.view(this.node), this.base(this.node));
    this.setCounts(tree, master.live - 1, master.deleted + 1);
  }

  /**
   * Marks entries of the node at the index's place as deleted, from its first on: `count` of them, or those before `id` if there is one.
   * @returns how many it were
   */
  markFirst(tree: Ref, count: number, id: StreamId | null): number {
    const { master, index, masterId } = this;
    master.read(this.view(this.node), this.base(this.node));
    index.readId(masterId);
    let offset = master.entriesAt - this.base(this.node);
    let marked = 0;
    while (marked < count) {
      const { node } = this;
      const bytes = this.view(node);
      const base = this.base(node);
      if (isListpackEnd(bytes, base + offset)) break;
      let at = readInteger(bytes, base + offset);
      const flags = integer.low;
      at = readDeltas(bytes, at, masterId, entryId);
      if (id !== null && compareIds(entryId, id) >= 0) break;
      if ((flags & FLAG_DELETED) === 0) {
        this.setInteger(tree, offset, flags | FLAG_DELETED);
        marked++;
      }
      // The first element may have changed its size, if it was not written here.
      offset = this.entryEnd(offset) - this.base(this.node);
    }
    if (marked > 0) {
      master.read(this.view(this.node), this.base(this.node));
      this.setCounts(tree, master.live - marked, master.deleted + marked);
    }
    return marked;
  }

  /** The ID of the last entry, deleted or not, of the node at the index's place. */
  readLastId(into: StreamId): void {
    const { index, masterId, node } = this;
    index.readId(masterId);
    const bytes = this.view(node);
    const base = this.base(node);
    let at = previousElement(bytes, listpackEnd(bytes, base));
    readInteger(bytes, at);
    for (let rest = integer.low; rest > 0; rest--) at = previousElement(bytes, at);
    readDeltas(bytes, readInteger(bytes, at), masterId, into);
  }

  /** @returns number of live entries in the node at the index's place */
  liveCount(): number {
    readInteger(this.view(this.node), firstElement(this.base(this.node)));
    return integer.low;
  }

  /** @returns number of live entries in all nodes */
  liveTotal(tree: Ref): number {
    const { index } = this;
    let sum = 0;
    for (let isThere = index.seekFirst(tree); isThere; isThere = index.next()) sum += this.liveCount();
    return sum;
  }

  /** @returns an index with nodes of its own that hold the same */
  duplicate(tree: Ref): Ref {
    const { index } = this;
    const copy = index.create();
    const id = new StreamId();
    for (let isThere = index.seekFirst(tree); isThere; isThere = index.next()) {
      const { leaf, index: cell, node } = this.place();
      index.readId(id);
      const bytes = this.view(node);
      const base = this.base(node);
      this.adopt(copy, id, bytes, base, listpackBytes(bytes, base));
      index.leaf = leaf;
      index.index = cell;
    }
    return copy;
  }

  /** Moves the last `count` nodes to an index of their own: the old one, which is to be dissolved, has none in their cells. @returns the new one */
  moveLast(tree: Ref, count: number): Ref {
    const { index } = this;
    const moved = index.create();
    this.shared.move(tree, moved);
    const id = new StreamId();
    if (count === 0) return moved;
    index.seekLast(tree);
    for (let steps = count - 1; steps > 0; steps--) index.previous();
    for (let isThere = true; isThere; isThere = index.next()) {
      const { leaf, index: cell, node } = this.place();
      index.setValue(0, 0);
      index.readId(id);
      index.insert(moved, id);
      index.setValue(0, node);
      index.leaf = leaf;
      index.index = cell;
    }
    return moved;
  }

  /** @returns bytes of all nodes and of the index */
  bytesOf(tree: Ref): number {
    const { index } = this;
    let sum = index.bytesOf(tree);
    for (let isThere = index.seekFirst(tree); isThere; isThere = index.next()) sum += this.arena.blockBytes(this.node);
    return sum;
  }

  /** Frees the nodes in a leaf of a dissolved index, and the leaf. @param reader of the index @returns the next leaf, or 0 */
  dropLeaf(leaf: Ref, reader: BlockReader | null): Ref {
    for (let i = this.index.cellCount(leaf) - 1; i >= 0; i--) {
      const node = this.index.valueAt(leaf, i, 0);
      if (node === 0) continue;
      if (reader === null) this.arena.free(node);
      else reader.letGo(node);
    }
    return this.index.dropLeaf(leaf);
  }

  private place(): { leaf: Ref; index: number; node: Ref } {
    return { leaf: this.index.leaf, index: this.index.index, node: this.node };
  }

  /** Makes a node with a master entry for these fields. @returns the node, where the index's place is now */
  private begin(
    tree: Ref,
    id: StreamId,
    request: Request,
    firstAt: number,
    pairCount: number,
    room: number,
    expectedBytes: number,
  ): Ref {
    let fieldBytes = 0;
    for (let i = firstAt; i < request.argc; i += 2) fieldBytes += request.lengths[i] + STRING_OVERHEAD;
    const roomBytes = Math.max(expectedBytes, LISTPACK_EMPTY_BYTES + fieldBytes + room);
    const node = this.arena.allocate(roomBytes);
    this.index.insert(tree, id);
    this.index.setValue(0, node);
    this.shared.made(tree, node);
    const bytes = this.view(node);
    const base = this.base(node);
    initListpack(bytes, base);
    let at = this.writeInteger(bytes, firstElement(base), 0, 0);
    at = this.writeInteger(bytes, at, 0, 0);
    at = this.writeInteger(bytes, at, 0, pairCount);
    for (let i = firstAt; i < request.argc; i += 2) at = this.writeArgument(bytes, at, request, i);
    at = this.writeInteger(bytes, at, 0, 0);
    closeListpack(bytes, base, at, pairCount + 4);
    return node;
  }

  /** Makes room for `room` more bytes in the node at the index's place. @returns the node */
  private grow(tree: Ref, node: Ref, room: number, bytesMax: number): Ref {
    const used = listpackBytes(this.view(node), this.base(node));
    const needed = used + room;
    const moved = this.arena.allocate(Math.max(needed, Math.min(bytesMax, needed + (needed >> 1))));
    return this.move(tree, node, used, moved);
  }

  /** Gives back the room for growth. */
  private trim(tree: Ref, node: Ref): void {
    const used = listpackBytes(this.view(node), this.base(node));
    if (Arena.tightBytes(used) < this.arena.blockBytes(node))
      this.move(tree, node, used, this.arena.allocateTight(used));
  }

  /** Moves the node at the index's place to the block `moved`. @returns it */
  private move(tree: Ref, node: Ref, usedBytes: number, moved: Ref): Ref {
    copyBytes(this.view(node), this.base(node), this.view(moved), this.base(moved), usedBytes);
    this.shared.letGo(tree, node);
    this.shared.made(tree, moved);
    this.index.setValue(0, moved);
    return moved;
  }

  /** Whether `room` more bytes can be written into the node where it is. */
  private hasRoom(tree: Ref, node: Ref, room: number): boolean {
    return (
      !this.shared.has(tree, node) &&
      listpackBytes(this.view(node), this.base(node)) + room <= this.arena.blockBytes(node)
    );
  }

  /** Whether the entry's fields are those of the master entry, in the same order. */
  private hasFields(bytes: Uint8Array, request: Request, firstAt: number, pairCount: number): boolean {
    const { master } = this;
    const { argc, starts, lengths } = request;
    if (master.fieldCount !== pairCount) return false;
    let at = master.fieldsAt;
    for (let i = firstAt; i < argc && at >= 0; i += 2)
      at = matchElement(bytes, at, request.bytes, starts[i], lengths[i]);
    return at >= 0;
  }

  private setCounts(tree: Ref, live: number, deleted: number): void {
    this.setInteger(tree, FIRST_OFFSET, live);
    const { node } = this;
    const base = this.base(node);
    this.setInteger(tree, skipElements(this.view(node), firstElement(base), 1) - base, deleted);
  }

  /** Replaces the integer at `offset` of the node at the index's place, which may move by that. */
  private setInteger(tree: Ref, offset: number, value: number): void {
    let { node } = this;
    if (this.shared.has(tree, node)) {
      const used = listpackBytes(this.view(node), this.base(node));
      node = this.move(tree, node, used, this.arena.allocate(this.arena.blockBytes(node)));
    }
    let bytes = this.view(node);
    let base = this.base(node);
    const oldBytes = readInteger(bytes, base + offset) - base - offset;
    const newBytes = this.writer.encodeInteger(value >> 31, value);
    if (newBytes !== oldBytes) {
      const used = listpackBytes(bytes, base);
      const needed = used + newBytes - oldBytes;
      if (needed > this.arena.blockBytes(node)) {
        node = this.move(tree, node, used, this.arena.allocate(needed));
        bytes = this.view(node);
        base = this.base(node);
      }
      splice(bytes, base, base + offset, oldBytes, newBytes, 0);
    }
    this.writer.write(bytes, base + offset);
  }

  /** @returns the position after the entry at `offset` of the node at the index's place */
  private entryEnd(offset: number): number {
    const { node, master } = this;
    const bytes = this.view(node);
    let at = readInteger(bytes, this.base(node) + offset);
    const flags = integer.low;
    at = skipElements(bytes, at, 2);
    if ((flags & FLAG_SAME_FIELDS) !== 0) return skipElements(bytes, at, master.fieldCount + 1);
    at = readInteger(bytes, at);
    return skipElements(bytes, at, integer.low * 2 + 1);
  }

  private writeArgument(bytes: Uint8Array, at: number, request: Request, i: number): number {
    this.writer.encode(request.bytes, request.starts[i], request.lengths[i]);
    return this.writer.write(bytes, at);
  }

  private writeInteger(bytes: Uint8Array, at: number, high: number, low: number): number {
    if (high === 0 && low >= 0 && low < 128) return writeSmallInteger(bytes, at, low);
    this.writer.encodeInteger(high, low);
    return this.writer.write(bytes, at);
  }

  /** Writes the difference of two 64-bit numbers, modulo 2^64. */
  private writeDelta(
    bytes: Uint8Array,
    at: number,
    high: number,
    low: number,
    fromHigh: number,
    fromLow: number,
  ): number {
    const borrow = low >>> 0 < fromLow >>> 0 ? 1 : 0;
    return this.writeInteger(bytes, at, (high - fromHigh - borrow) | 0, (low - fromLow) | 0);
  }
}

const entryId = new StreamId();

/** Reads the two deltas of an entry at `at`; its ID is then in `into`. @returns the position after them */
export function readDeltas(bytes: Uint8Array, at: number, master: StreamId, into: StreamId): number {
  const seqAt = readInteger(bytes, at);
  const msLow = (master.msLow + integer.low) | 0;
  const msCarry = msLow >>> 0 < integer.low >>> 0 ? 1 : 0;
  const msHigh = (master.msHigh + integer.high + msCarry) | 0;
  const end = readInteger(bytes, seqAt);
  const seqLow = (master.seqLow + integer.low) | 0;
  const seqCarry = seqLow >>> 0 < integer.low >>> 0 ? 1 : 0;
  into.set(msHigh, msLow, (master.seqHigh + integer.high + seqCarry) | 0, seqLow);
  return end;
}
