/**
 * Consumer groups: what a group has delivered, to whom, and what is not acknowledged yet. Source: spec server.md section 24, rules 8 to 13.
 *
 * Groups and consumers are few and are objects; pending entries may be millions and lie in the arena, each twice:
 *
 *   pending entries of the group      IdTree of | ID | owner's number | delivered at, Unix ms : low, high | deliveries : low, high |     36 bytes
 *   entries owned by a consumer       IdTree of | ID |                                                                               16 bytes
 *
 * Invariants: (1) an ID is pending in a group iff exactly one consumer of the group owns it; (2) who changes a group has announced it to the snapshot.
 */
import type { Arena, Ref } from '../memory/arena.js';
import { IdTree } from '../memory/id-tree.js';
import { ID_WORDS, readIdAt, StreamId } from '../memory/stream-id.js';
import { NamedMap } from './named-map.js';

/** `entriesRead` of a group that may have skipped entries. */
export const ENTRIES_READ_UNKNOWN = -1n;

const OWNER = 0;
const DELIVERED_AT = 1;
const DELIVERIES = 3;
const PENDING_WORDS = 5;
const TWO_32 = 4294967296;

export interface StreamConsumer {
  readonly name: Uint8Array;
  /** In its group, for good. */
  readonly number: number;
  /** When it last tried to get something, Unix ms. */
  seenAtMs: number;
  /** When it last got something; −1 if never. */
  activeAtMs: number;
  /** Entries that it owns. */
  readonly owned: Ref;
}

export interface StreamGroup {
  readonly name: Uint8Array;
  readonly lastId: StreamId;
  /** How many entries the stream had ever had up to `lastId`. */
  entriesRead: bigint;
  readonly pending: Ref;
  readonly consumers: NamedMap<StreamConsumer>;
  readonly consumersByNumber: Map<number, StreamConsumer>;
  lastConsumerNumber: number;
}

export type StreamGroups = NamedMap<StreamGroup>;

/** The pending entries of a group, or the IDs that a consumer owns, as they were when they were copied. */
export class PendingCells {
  readonly count: number;
  private readonly words: Int32Array;
  private readonly cellWords: number;

  constructor(words: Int32Array, valueWords: number) {
    this.words = words;
    this.cellWords = ID_WORDS + valueWords;
    this.count = words.length / this.cellWords;
  }

  readId(index: number, into: StreamId): void {
    readIdAt(this.words, index * this.cellWords, into);
  }

  deliveredAtMs(index: number): number {
    const at = index * this.cellWords + ID_WORDS + DELIVERED_AT;
    return this.words[at + 1] * TWO_32 + (this.words[at] >>> 0);
  }

  deliveriesHigh(index: number): number {
    return this.words[index * this.cellWords + ID_WORDS + DELIVERIES + 1];
  }

  deliveriesLow(index: number): number {
    return this.words[index * this.cellWords + ID_WORDS + DELIVERIES];
  }
}

/** The groups and consumers of all streams of a keyspace. */
export class GroupStore {
  /** Pending entries, and entries owned: their places are those of the last call here. */
  readonly pending: IdTree;
  readonly owned: IdTree;

  constructor(arena: Arena) {
    this.pending = new IdTree(arena, PENDING_WORDS);
    this.owned = new IdTree(arena, 0);
  }

  create(groups: StreamGroups, name: Uint8Array, lastId: StreamId, entriesRead: bigint): StreamGroup {
    const group: StreamGroup = {
      name: Uint8Array.from(name),
      lastId: new StreamId(),
      entriesRead,
      pending: this.pending.create(),
      consumers: new NamedMap(),
      consumersByNumber: new Map(),
      lastConsumerNumber: 0,
    };
    group.lastId.copy(lastId);
    groups.add(group);
    return group;
  }

  /** Adds a consumer whose name is not there. */
  createConsumer(group: StreamGroup, name: Uint8Array, seenAtMs: number): StreamConsumer {
    const number = ++group.lastConsumerNumber;
    const consumer = { name: Uint8Array.from(name), number, seenAtMs, activeAtMs: -1, owned: this.owned.create() };
    group.consumers.add(consumer);
    group.consumersByNumber.set(number, consumer);
    return consumer;
  }

  /** Removes a consumer with all that it owns. @returns how many entries were pending for it */
  removeConsumer(group: StreamGroup, consumer: StreamConsumer): number {
    const { owned, pending } = this;
    const count = owned.count(consumer.owned);
    for (let isThere = owned.seekFirst(consumer.owned); isThere; isThere = owned.next()) {
      owned.readId(scratch);
      pending.remove(group.pending, scratch);
    }
    this.freeLeaves(owned, owned.dissolve(consumer.owned));
    group.consumers.remove(consumer);
    group.consumersByNumber.delete(consumer.number);
    return count;
  }

  /** The consumer that owns the entry at the place in `pending`. */
  owner(group: StreamGroup): StreamConsumer {
    return group.consumersByNumber.get(this.pending.value(OWNER))!;
  }

  /** When the entry at the place in `pending` was delivered last, Unix ms. */
  get deliveredAtMs(): number {
    return this.pending.value(DELIVERED_AT + 1) * TWO_32 + (this.pending.value(DELIVERED_AT) >>> 0);
  }

  set deliveredAtMs(unixMs: number) {
    this.pending.setValue(DELIVERED_AT, unixMs | 0);
    this.pending.setValue(DELIVERED_AT + 1, Math.floor(unixMs / TWO_32));
  }

  /** How often the entry at the place in `pending` was delivered: an int64 in two halves. */
  get deliveriesHigh(): number {
    return this.pending.value(DELIVERIES + 1);
  }

  get deliveriesLow(): number {
    return this.pending.value(DELIVERIES);
  }

  setDeliveries(high: number, low: number): void {
    this.pending.setValue(DELIVERIES, low);
    this.pending.setValue(DELIVERIES + 1, high);
  }

  /** One more delivery; the count wraps as an int64 does. */
  countDelivery(): void {
    const low = (this.deliveriesLow + 1) | 0;
    this.setDeliveries(low === 0 ? (this.deliveriesHigh + 1) | 0 : this.deliveriesHigh, low);
  }

  /** Makes an entry pending for a consumer, delivered once, whoever had it before. */
  deliver(group: StreamGroup, id: StreamId, consumer: StreamConsumer, deliveredAtMs: number): void {
    if (this.pending.find(group.pending, id)) {
      this.giveTo(group, id, consumer);
      this.deliveredAtMs = deliveredAtMs;
    } else {
      this.add(group, id, consumer, deliveredAtMs);
    }
    this.setDeliveries(0, 1);
  }

  /** Makes an entry pending that is not, with no deliveries so far; the place in `pending` is there then. */
  add(group: StreamGroup, id: StreamId, owner: StreamConsumer, deliveredAtMs: number): void {
    this.pending.insert(group.pending, id);
    this.pending.setValue(OWNER, owner.number);
    this.deliveredAtMs = deliveredAtMs;
    this.setDeliveries(0, 0);
    this.owned.insert(owner.owned, id);
  }

  /** Gives the entry at the place in `pending` to another consumer. */
  giveTo(group: StreamGroup, id: StreamId, owner: StreamConsumer): void {
    const before = this.owner(group);
    if (before === owner) return;
    this.owned.remove(before.owned, id);
    this.owned.insert(owner.owned, id);
    this.pending.setValue(OWNER, owner.number);
  }

  /** The entry is acknowledged, or is no more. @returns whether it was pending */
  remove(group: StreamGroup, id: StreamId): boolean {
    if (!this.pending.find(group.pending, id)) return false;
    this.owned.remove(this.owner(group).owned, id);
    return this.pending.remove(group.pending, id);
  }

  /** Makes an entry of a group that is being loaded pending; `restoreOwner` follows. */
  restorePending(group: StreamGroup, id: StreamId, deliveredAtMs: number, deliveries: bigint): void {
    this.pending.insert(group.pending, id);
    this.deliveredAtMs = deliveredAtMs;
    this.setDeliveries(Number(BigInt.asIntN(32, deliveries >> 32n)), Number(BigInt.asIntN(32, deliveries)));
  }

  /** Gives a pending entry of a group that is being loaded its owner. */
  restoreOwner(group: StreamGroup, id: StreamId, owner: StreamConsumer): void {
    this.pending.find(group.pending, id);
    this.pending.setValue(OWNER, owner.number);
    this.owned.insert(owner.owned, id);
  }

  /** @returns groups with pending entries of their own that hold the same */
  duplicate(groups: StreamGroups): StreamGroups {
    const copies: StreamGroups = new NamedMap();
    for (const group of groups.values()) {
      const copy: StreamGroup = {
        ...group,
        lastId: new StreamId(),
        pending: this.pending.copy(group.pending),
        consumers: new NamedMap(),
        consumersByNumber: new Map(),
      };
      copy.lastId.copy(group.lastId);
      for (const consumer of group.consumers.values()) {
        const twin = { ...consumer, owned: this.owned.copy(consumer.owned) };
        copy.consumers.add(twin);
        copy.consumersByNumber.set(twin.number, twin);
      }
      copies.add(copy);
    }
    return copies;
  }

  /** @returns a copy of what is pending in the group */
  pendingCells(group: StreamGroup): PendingCells {
    return new PendingCells(this.pending.cells(group.pending), PENDING_WORDS);
  }

  /** @returns a copy of what the consumer owns: IDs only */
  ownedCells(consumer: StreamConsumer): PendingCells {
    return new PendingCells(this.owned.cells(consumer.owned), 0);
  }

  /** Pending entries of all groups. */
  pendingCount(groups: StreamGroups): number {
    let sum = 0;
    for (const group of groups.values()) sum += this.pending.count(group.pending);
    return sum;
  }

  /** @returns bytes of all blocks */
  bytesOf(groups: StreamGroups): number {
    let sum = 0;
    for (const group of groups.values()) {
      sum += this.pending.bytesOf(group.pending);
      for (const consumer of group.consumers.values()) sum += this.owned.bytesOf(consumer.owned);
    }
    return sum;
  }

  /** Frees the trees of groups that nobody refers to any more, but for their leaves. @returns the first leaf of each */
  dissolve(groups: Iterable<StreamGroup>): Ref[] {
    const leaves: Ref[] = [];
    for (const group of groups) {
      leaves.push(this.pending.dissolve(group.pending));
      for (const consumer of group.consumers.values()) leaves.push(this.owned.dissolve(consumer.owned));
    }
    return leaves.filter((leaf) => leaf !== 0);
  }

  /** Frees a leaf of a dissolved tree, of either kind. @returns the next one, or 0 */
  dropLeaf(leaf: Ref): Ref {
    return this.pending.dropLeaf(leaf);
  }

  private freeLeaves(tree: IdTree, first: Ref): void {
    for (let leaf = first; leaf !== 0; ) leaf = tree.dropLeaf(leaf);
  }
}

const scratch = new StreamId();
