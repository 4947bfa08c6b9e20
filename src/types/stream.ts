/**
 * Streams: the values of keys of type stream, and the only place that changes their entries. Source: spec server.md section 24, persistence.md 2.12.
 *
 *   value         = reference to a control block
 *   control block = | index of nodes : ref | entries : u64 | entries ever added : u64 | last ID | first ID | largest ID deleted by XDEL |
 *   nodes         = stream-node.ts; groups = stream-group.ts, by control block
 *
 * Bytes per entry beyond its text: about 6 in the node, if it has the fields of the node's first entry; 0.3 for node header, index and rounding.
 *
 * Invariants: (1) a stream may be empty, and stays until its key is deleted; (2) `last ID` is at or above every ID it ever had; (3) every change is
 * announced before its first byte changes: of entries by `Database.beforeWrite`, of groups by `Database.beforeQuietWrite`.
 */
import type { Database } from '../keyspace/database.js';
import { type Digest, valueDigests } from '../keyspace/digest.js';
import { type Entries, ROOT_BYTES, TYPE_STREAM } from '../keyspace/entry.js';
import type { FrozenValue, ItemReader, Keyspace, ValueType } from '../keyspace/keyspace.js';
import type { Remains } from '../keyspace/reaper.js';
import { CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../memory/arena.js';
import { LISTPACK_BYTES_MAX } from '../memory/listpack.js';
import { compareIds, readIdAt, StreamId, writeIdAt } from '../memory/stream-id.js';
import type { Request } from '../resp/request.js';
import { FrozenBlocks } from './frozen-blocks.js';
import type { FrozenGroups } from './frozen-groups.js';
import { NamedMap } from './named-map.js';
import { StreamCursor } from './stream-cursor.js';
import { GroupStore, type StreamGroup, type StreamGroups } from './stream-group.js';
import { STREAM_ID_TEXT_BYTES_MAX, writeStreamId } from './stream-id-text.js';
import { NODE_CELL_WORDS, StreamNodes } from './stream-node.js';

const INDEX = 0;
const LENGTH = 1;
const ENTRIES_ADDED = 3;
const LAST_ID = 5;
const FIRST_ID = 9;
const MAX_DELETED_ID = 13;
const CONTROL_WORDS = 17;

const TWO_32 = 4294967296;
const MINUS = 0x2d;
const DOT = 0x2e;
/** A stream with more nodes and pending entries leaves its blocks to the reaper: one takes about 0.1 µs. */
const FREED_AT_ONCE_MAX = 1024;
/** From so many nodes on that go at once, the rest is moved to an index of its own, if it is less than what goes. */
const MOVED_FROM = 64;
/** A stream of more nodes, or more pending entries, is read in parts by a snapshot: to compress a node takes some 20 µs, to write an entry 0.2 µs. */
const NODES_READ_AT_ONCE = 32;
const PENDING_READ_AT_ONCE = 1024;

const NO_GROUPS: StreamGroups = new NamedMap();

/** What a stream is cut down to: by number of entries, or by ID if there is one. */
export interface Trim {
  readonly lengthMax: number;
  readonly idMin: StreamId | null;
  /** Only whole nodes go. */
  readonly isApproximate: boolean;
  /** With `isApproximate`: entries removed at most, 0 for any number. */
  readonly limit: number;
}

/** @returns the streams of a keyspace */
export function streamsOf(space: Keyspace): Streams {
  space.valueTypes[TYPE_STREAM] ??= new Streams(space);
  return space.valueTypes[TYPE_STREAM] as Streams;
}

export class Streams implements ValueType {
  readonly nodes: StreamNodes;
  readonly groups: GroupStore;
  /** For any walk that ends before something is written. */
  readonly cursor: StreamCursor;
  private readonly space: Keyspace;
  private readonly entries: Entries;
  private readonly words: Int32Array[];
  /** Of streams that have any, by control block. */
  private readonly groupsOfStreams = new Map<Ref, StreamGroups>();
  private readonly id = new StreamId();

  constructor(space: Keyspace) {
    this.space = space;
    this.entries = space.entries;
    this.words = space.arena.words;
    this.nodes = new StreamNodes(space.arena);
    this.groups = new GroupStore(space.arena);
    this.cursor = new StreamCursor(this.nodes);
  }

  /**
   * Makes a stream of a key that is not there.
   * @param index its nodes, of which it takes over the index; by default it is empty
   */
  create(
    db: Database,
    key: Uint8Array,
    start: number,
    length: number,
    expireAtMs = 0,
    index = this.nodes.index.create(),
  ): Ref {
    const { arena } = this.space;
    const control = arena.allocate(CONTROL_WORDS * 4);
    const base = (control & UNIT_MASK) << 1;
    this.words[control >>> CHUNK_INDEX_SHIFT].fill(0, base, base + CONTROL_WORDS);
    this.set(control, INDEX, index);
    const ref = db.add(key, start, length, TYPE_STREAM, 0, ROOT_BYTES, expireAtMs);
    this.entries.setRoot(ref, control);
    return ref;
  }

  /** @returns number of entries */
  length(ref: Ref): number {
    return this.number(this.entries.root(ref), LENGTH);
  }

  /** @returns number of nodes */
  nodeCount(ref: Ref): number {
    return this.nodes.index.count(this.indexOf(ref));
  }

  entriesAdded(ref: Ref): bigint {
    const control = this.entries.root(ref);
    return (BigInt(this.get(control, ENTRIES_ADDED + 1)) << 32n) | BigInt(this.get(control, ENTRIES_ADDED) >>> 0);
  }

  lastId(ref: Ref, into: StreamId): void {
    this.readId(this.entries.root(ref), LAST_ID, into);
  }

  /** 0-0 if the stream is empty. */
  firstId(ref: Ref, into: StreamId): void {
    this.readId(this.entries.root(ref), FIRST_ID, into);
  }

  maxDeletedId(ref: Ref, into: StreamId): void {
    this.readId(this.entries.root(ref), MAX_DELETED_ID, into);
  }

  /** The groups of a stream; not to be changed. */
  groupsOf(ref: Ref): StreamGroups {
    return this.groupsOfStreams.get(this.entries.root(ref)) ?? NO_GROUPS;
  }

  /** The groups of a stream, for a new one. */
  groupsForWrite(ref: Ref): StreamGroups {
    const control = this.entries.root(ref);
    let groups = this.groupsOfStreams.get(control);
    if (groups === undefined) {
      groups = new NamedMap();
      this.groupsOfStreams.set(control, groups);
    }
    return groups;
  }

  /** Removes a group of a stream with all that is pending in it. */
  destroyGroup(ref: Ref, group: StreamGroup): void {
    const control = this.entries.root(ref);
    const groups = this.groupsOfStreams.get(control)!;
    groups.remove(group);
    if (groups.size === 0) this.groupsOfStreams.delete(control);
    this.freeBlocks(0, [group], this.groups.pending.count(group.pending));
  }

  /** Begins a walk of `cursor` over the entries from one ID to another. */
  walk(ref: Ref, from: StreamId, to: StreamId, isReverse: boolean): StreamCursor {
    this.cursor.begin(this.indexOf(ref), from, to, isReverse);
    return this.cursor;
  }

  /** Whether the stream has an entry with this ID; `cursor` is there then. */
  has(ref: Ref, id: StreamId): boolean {
    return this.walk(ref, id, id, false).next();
  }

  /** @returns bytes that the fields and values from argument `firstAt` on have; −1 if they are too many for an entry */
  static textBytes(request: Request, firstAt: number): number {
    let sum = 0;
    for (let i = firstAt; i < request.argc; i++) sum += request.lengths[i];
    return sum > LISTPACK_BYTES_MAX ? -1 : sum;
  }

  /** Appends an entry; `id` is above the last one, and the arguments from `firstAt` on are its fields and values, `textBytes` in all. */
  append(db: Database, ref: Ref, id: StreamId, request: Request, firstAt: number, textBytes: number): void {
    db.beforeWrite(ref);
    const { streamNodeBytes, streamNodeEntries } = this.space.packing;
    const bytesMax =
      streamNodeBytes === 0 || streamNodeBytes > LISTPACK_BYTES_MAX ? LISTPACK_BYTES_MAX : streamNodeBytes;
    const control = this.entries.root(ref);
    const words = this.words[control >>> CHUNK_INDEX_SHIFT];
    const base = (control & UNIT_MASK) << 1;
    this.nodes.append(words[base + INDEX], id, request, firstAt, textBytes, streamNodeEntries, bytesMax);
    if ((words[base + LENGTH] | words[base + LENGTH + 1]) === 0) writeIdAt(words, base + FIRST_ID, id);
    writeIdAt(words, base + LAST_ID, id);
    increment(words, base + LENGTH);
    increment(words, base + ENTRIES_ADDED);
  }

  /** Deletes an entry; the largest ID deleted so is remembered. @returns whether it was there */
  delete(db: Database, ref: Ref, id: StreamId): boolean {
    const { cursor } = this;
    if (!this.has(ref, id)) return false;
    if (this.space.isGuarded) {
      db.beforeWrite(ref);
      // A snapshot that has just read the stream has moved the places in it.
      this.has(ref, id);
    }
    const control = this.entries.root(ref);
    const offset = cursor.select();
    if (this.nodes.liveCount() === 1) this.dropNode(control);
    else this.nodes.markDeleted(this.get(control, INDEX), offset);
    this.setNumber(control, LENGTH, this.number(control, LENGTH) - 1);
    this.readId(control, MAX_DELETED_ID, this.id);
    if (compareIds(id, this.id) > 0) this.writeId(control, MAX_DELETED_ID, id);
    this.readId(control, FIRST_ID, this.id);
    if (compareIds(id, this.id) === 0) this.findFirstId(ref);
    return true;
  }

  /** Removes entries from the beginning until the stream is no larger than it may be. @returns how many */
  trim(db: Database, ref: Ref, trim: Trim): number {
    const { index } = this.nodes;
    const control = this.entries.root(ref);
    const length = this.number(control, LENGTH);
    let removed = 0;
    let dropped = 0;
    let isThere = index.seekFirst(this.get(control, INDEX));
    for (; isThere && this.exceeds(length - removed, trim); isThere = index.next()) {
      const live = this.nodes.liveCount();
      const isWhole = trim.idMin === null ? length - removed - live >= trim.lengthMax : this.isNodeBefore(trim.idMin);
      if (!isWhole || (trim.limit > 0 && removed + live > trim.limit)) break;
      removed += live;
      dropped++;
    }
    const isCut = isThere && !trim.isApproximate && this.exceeds(length - removed, trim);
    if (dropped === 0 && !isCut) return 0;
    db.beforeWrite(ref);
    this.dropFirstNodes(control, dropped);
    if (isCut) {
      const count = trim.idMin === null ? length - removed - trim.lengthMax : Number.POSITIVE_INFINITY;
      const tree = this.get(control, INDEX);
      index.seekFirst(tree);
      removed += this.nodes.markFirst(tree, count, trim.idMin);
    }
    if (removed === 0) return 0;
    this.setNumber(control, LENGTH, length - removed);
    this.findFirstId(ref);
    return removed;
  }

  /** XSETID: sets what a stream remembers of entries that it has no more. */
  setHistory(db: Database, ref: Ref, lastId: StreamId, entriesAdded: bigint, maxDeletedId: StreamId): void {
    db.beforeQuietWrite(ref);
    const control = this.entries.root(ref);
    this.writeId(control, LAST_ID, lastId);
    this.writeId(control, MAX_DELETED_ID, maxDeletedId);
    this.setEntriesAdded(control, entriesAdded);
  }

  /**
   * Fills in what a loader read, or found out, about the nodes that it has added. The length is counted anew: one that does not agree with the nodes would
   * outlast the last of them, and a stream without nodes that has a length is refused by whoever loads it next.
   */
  restoreHistory(ref: Ref, lastId: StreamId, firstId: StreamId | null, maxDeletedId: StreamId): void {
    const control = this.entries.root(ref);
    this.setNumber(control, LENGTH, this.nodes.liveTotal(this.indexOf(ref)));
    this.writeId(control, LAST_ID, lastId);
    this.writeId(control, MAX_DELETED_ID, maxDeletedId);
    if (firstId === null) this.findFirstId(ref);
    else this.writeId(control, FIRST_ID, firstId);
  }

  restoreEntriesAdded(ref: Ref, entriesAdded: bigint): void {
    this.setEntriesAdded(this.entries.root(ref), entriesAdded);
  }

  /** The index of a stream's nodes. */
  indexOf(ref: Ref): Ref {
    return this.get(this.entries.root(ref), INDEX);
  }

  /** Continues the digest with all entries. */
  digest(ref: Ref, digest: Digest): void {
    const text = new Uint8Array(STREAM_ID_TEXT_BYTES_MAX);
    const cursor = this.walk(ref, MIN_ID, MAX_ID, false);
    while (cursor.next()) {
      const length = writeStreamId(text, 0, cursor.id);
      // The digest has a dot in the place of the minus.
      text[text.indexOf(MINUS)] = DOT;
      digest.mix(text, 0, length);
      for (let i = 0; i < cursor.pairCount; i++) {
        cursor.nextPair();
        digest.mix(cursor.field.bytes, cursor.field.start, cursor.field.length);
        digest.mix(cursor.value.bytes, cursor.value.start, cursor.value.length);
      }
    }
  }

  free(ref: Ref): void {
    const control = this.entries.root(ref);
    const groups = this.groupsOf(ref);
    const blocks = this.nodeCount(ref) + this.groups.pendingCount(groups);
    this.groupsOfStreams.delete(control);
    this.freeBlocks(this.get(control, INDEX), [...groups.values()], blocks);
    this.space.arena.free(control);
  }

  /** Frees nodes that no stream has, and their index. */
  freeIndex(tree: Ref): void {
    this.freeBlocks(tree, [], this.nodes.index.count(tree));
  }

  /**
   * Items are the cells of the index, each NODE_CELL_WORDS numbers. What else the stream has is the reader's to take before this returns; its groups, of
   * which millions of entries may be pending, he takes by `freezeGroups`.
   */
  freeze(ref: Ref, read: ItemReader): FrozenValue | null {
    const isSmall = this.nodeCount(ref) <= NODES_READ_AT_ONCE;
    if (isSmall && this.groups.pendingCount(this.groupsOf(ref)) <= PENDING_READ_AT_ONCE) return null;
    const { index, shared } = this.nodes;
    const tree = this.indexOf(ref);
    return new FrozenBlocks(
      this.space.reaper,
      shared.share(tree),
      index.cells(tree),
      NODE_CELL_WORDS,
      NODE_CELL_WORDS,
      read,
    );
  }

  /** The groups of a stream as they are now, to be read while they change; `thawGroups` has to follow. */
  freezeGroups(ref: Ref): FrozenGroups {
    return this.groups.freeze(this.groupsOf(ref));
  }

  thawGroups(view: FrozenGroups): void {
    const { groups } = this;
    const leaves = groups.thaw(view);
    if (leaves.length > 0) this.space.reaper.addRemains({ freeSome: () => dropSome(groups, leaves) });
  }

  duplicate(ref: Ref): void {
    const { arena } = this.space;
    const source = this.entries.root(ref);
    const copy = arena.allocate(CONTROL_WORDS * 4);
    for (let word = 0; word < CONTROL_WORDS; word++) this.set(copy, word, this.get(source, word));
    this.set(copy, INDEX, this.nodes.duplicate(this.get(source, INDEX)));
    const groups = this.groupsOfStreams.get(source);
    if (groups !== undefined) this.groupsOfStreams.set(copy, this.groups.duplicate(groups));
    this.entries.setRoot(ref, copy);
  }

  bytes(ref: Ref): number {
    return CONTROL_WORDS * 4 + this.nodes.bytesOf(this.indexOf(ref)) + this.groups.bytesOf(this.groupsOf(ref));
  }

  /** Frees the nodes and their index (0 = there is none), and all that is pending in the groups; in slices if these are many. */
  private freeBlocks(tree: Ref, ofGroups: readonly StreamGroup[], blockCount: number): void {
    const { nodes, groups } = this;
    const groupLeaves = groups.dissolve(ofGroups);
    const reader = nodes.shared.forget(tree);
    let leaf = tree === 0 ? 0 : nodes.index.dissolve(tree);
    const remains: Remains = {
      freeSome() {
        if (leaf !== 0) leaf = nodes.dropLeaf(leaf, reader);
        else if (groupLeaves.length > 0) dropSome(groups, groupLeaves);
        return leaf !== 0 || groupLeaves.length > 0;
      },
    };
    if (blockCount > FREED_AT_ONCE_MAX) this.space.reaper.addRemains(remains);
    else while (remains.freeSome());
  }

  private exceeds(length: number, { lengthMax, idMin }: Trim): boolean {
    if (idMin === null) return length > lengthMax;
    this.nodes.index.readId(this.id);
    return compareIds(this.id, idMin) < 0;
  }

  private isNodeBefore(id: StreamId): boolean {
    this.nodes.readLastId(this.id);
    return compareIds(this.id, id) < 0;
  }

  private dropFirstNodes(control: Ref, count: number): void {
    const { nodes } = this;
    const tree = this.get(control, INDEX);
    const kept = nodes.index.count(tree) - count;
    if (count >= MOVED_FROM && kept < count) {
      this.set(control, INDEX, nodes.moveLast(tree, kept));
      this.freeIndex(tree);
      return;
    }
    nodes.dropFirst(tree, count);
  }

  /** Removes the node at the index's place. */
  private dropNode(control: Ref): void {
    this.nodes.index.readId(this.id);
    this.nodes.drop(this.get(control, INDEX), this.id);
  }

  private findFirstId(ref: Ref): void {
    const cursor = this.walk(ref, MIN_ID, MAX_ID, false);
    const isThere = this.length(ref) > 0 && cursor.next();
    this.writeId(this.entries.root(ref), FIRST_ID, isThere ? cursor.id : MIN_ID);
  }

  private setEntriesAdded(control: Ref, value: bigint): void {
    this.set(control, ENTRIES_ADDED, Number(BigInt.asIntN(32, value)));
    this.set(control, ENTRIES_ADDED + 1, Number(BigInt.asIntN(32, value >> 32n)));
  }

  private number(control: Ref, word: number): number {
    return this.get(control, word + 1) * TWO_32 + (this.get(control, word) >>> 0);
  }

  private setNumber(control: Ref, word: number, value: number): void {
    this.set(control, word, value | 0);
    this.set(control, word + 1, Math.floor(value / TWO_32));
  }

  private readId(control: Ref, word: number, into: StreamId): void {
    readIdAt(this.words[control >>> CHUNK_INDEX_SHIFT], ((control & UNIT_MASK) << 1) + word, into);
  }

  private writeId(control: Ref, word: number, id: StreamId): void {
    writeIdAt(this.words[control >>> CHUNK_INDEX_SHIFT], ((control & UNIT_MASK) << 1) + word, id);
  }

  private get(block: Ref, word: number): number {
    return this.words[block >>> CHUNK_INDEX_SHIFT][((block & UNIT_MASK) << 1) + word];
  }

  private set(block: Ref, word: number, value: number): void {
    this.words[block >>> CHUNK_INDEX_SHIFT][((block & UNIT_MASK) << 1) + word] = value;
  }
}

/** The ends of every range; not to be changed. */
export const MIN_ID = new StreamId();
export const MAX_ID = new StreamId();
MAX_ID.setMax();

/** A u64 of two words, low one first. */
function increment(words: Int32Array, at: number): void {
  words[at] = (words[at] + 1) | 0;
  if (words[at] === 0) words[at + 1]++;
}

/** Frees the next leaf of the last chain in `leaves`. @returns whether there are more */
function dropSome(groups: GroupStore, leaves: Ref[]): boolean {
  const next = groups.dropLeaf(leaves.pop()!);
  if (next !== 0) leaves.push(next);
  return leaves.length > 0;
}

valueDigests[TYPE_STREAM] = (space, ref, digest) => streamsOf(space).digest(ref, digest);
