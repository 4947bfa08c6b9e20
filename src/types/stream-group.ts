/**
 * Consumer groups: what a group has delivered, to whom, and what is not acknowledged yet. Source: spec server.md section 24, rules 8 to 13.
 *
 * Groups and consumers are few and are objects; pending entries may be millions and lie in the arena, each twice:
 *
 *   pending entries of the group      IdTree of | ID | owner's number | delivered at, Unix ms : low, high | deliveries : low, high |     36 bytes
 *   entries owned by a consumer       IdTree of | ID |                                                                               16 bytes
 *
 * Invariants: (1) an ID is pending in a group iff exactly one consumer of the group owns it; (2) who changes a group has announced it to the snapshot;
 * (3) while trees are frozen, each cell is noted before it comes, changes or goes: by `beginChange` and `giveTo` before the caller changes one.
 */
import type { Arena, Ref } from '../memory/arena.js';
import type { IdBatch } from '../memory/id-batch.js';
import { IdTree } from '../memory/id-tree.js';
import { StreamId } from '../memory/stream-id.js';
import { FrozenGroups } from './frozen-groups.js';
import { FrozenIds } from './frozen-ids.js';
import { NamedMap } from './named-map.js';

/** `entriesRead` of a group that may have skipped entries. */
export const ENTRIES_READ_UNKNOWN = -1n;

/** Value words of a pending entry. */
const OWNER = 0;
const DELIVERED_AT = 1;
export const DELIVERIES = 3;
export const PENDING_WORDS = 5;
const TWO_32 = 4294967296;
/** From so many IDs on, sorting them costs less than looking for each. */
const SORTED_MIN = 64;

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

/** The groups and consumers of all streams of a keyspace. */
export class GroupStore {
  /** Pending entries, and entries owned: their places are those of the last call here. */
  readonly pending: IdTree;
  readonly owned: IdTree;
  private readonly pendingOverlays: IdTree;
  private readonly ownedOverlays: IdTree;
  /** By tree. */
  private readonly frozen = new Map<Ref, FrozenIds>();

  constructor(arena: Arena) {
    this.pending = new IdTree(arena, PENDING_WORDS);
    this.owned = new IdTree(arena, 0);
    this.pendingOverlays = new IdTree(arena, 1 + PENDING_WORDS);
    this.ownedOverlays = new IdTree(arena, 1);
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
    if (this.frozen.size > 0) this.noteOwned(group, consumer);
    for (let isThere = owned.seekFirst(consumer.owned); isThere; ) {
      owned.readId(scratch);
      pending.find(group.pending, scratch);
      // What was delivered in one go lies side by side in both trees.
      let run = 0;
      do {
        run++;
        isThere = owned.next();
        if (isThere) owned.readId(scratch);
      } while (isThere && pending.hasAhead(run, scratch));
      pending.removeFound(group.pending, run);
    }
    this.freeLeaves(owned, this.giveUp(owned, consumer.owned));
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

  /** Goes to an entry that is about to change. @returns whether it is pending */
  beginChange(group: StreamGroup, id: StreamId): boolean {
    this.note(group.pending, id);
    return this.pending.find(group.pending, id);
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
    this.note(group.pending, id);
    this.note(owner.owned, id);
    this.pending.insert(group.pending, id);
    this.pending.setValue(OWNER, owner.number);
    this.deliveredAtMs = deliveredAtMs;
    this.setDeliveries(0, 0);
    this.owned.insert(owner.owned, id);
  }

  /** Gives the entry at the place in `pending` to a consumer; what else is to change of it may change then. */
  giveTo(group: StreamGroup, id: StreamId, owner: StreamConsumer): void {
    this.note(group.pending, id);
    const before = this.owner(group);
    if (before === owner) return;
    this.note(before.owned, id);
    this.note(owner.owned, id);
    this.owned.remove(before.owned, id);
    this.owned.insert(owner.owned, id);
    this.pending.setValue(OWNER, owner.number);
  }

  /** The entry is acknowledged, or is no more. @returns whether it was pending */
  remove(group: StreamGroup, id: StreamId): boolean {
    if (!this.beginChange(group, id)) return false;
    const { owned } = this.owner(group);
    this.note(owned, id);
    this.owned.remove(owned, id);
    this.pending.removeFound(group.pending);
    return true;
  }

  /** The same of all entries in a batch, which is used up by that. @returns how many were pending */
  removeAll(group: StreamGroup, batch: IdBatch): number {
    // Who reads the trees as they were is told of one ID after the other.
    if (this.frozen.size > 0 || batch.count < (batch.isSorted ? 2 : SORTED_MIN)) {
      let count = 0;
      for (let i = 0; i < batch.count; i++) {
        batch.read(i, scratch);
        if (this.remove(group, scratch)) count++;
      }
      return count;
    }
    batch.sort();
    // Its value words begin with the owner: that is the tag then.
    batch.count = this.pending.removeSorted(group.pending, batch, 0, batch.count);
    batch.sortByTag();
    for (let from = 0; from < batch.count; ) {
      const number = batch.tag(from);
      // Mostly one consumer owns them all.
      let to = batch.tag(batch.count - 1) === number ? batch.count : from + 1;
      while (to < batch.count && batch.tag(to) === number) to++;
      this.owned.removeSorted(group.consumersByNumber.get(number)!.owned, batch, from, to);
      from = to;
    }
    return batch.count;
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

  /** @returns the groups as they are, to be read before anything changes */
  look(groups: StreamGroups): FrozenGroups {
    return new FrozenGroups(
      groups,
      (group) => new FrozenIds(this.pending, this.pendingOverlays, group.pending),
      (consumer) => new FrozenIds(this.owned, this.ownedOverlays, consumer.owned),
    );
  }

  /** @returns the groups as they are, to be read while they change, until `thaw` */
  freeze(groups: StreamGroups): FrozenGroups {
    const view = this.look(groups);
    for (const ids of view.trees()) this.frozen.set(ids.tree, ids);
    return view;
  }

  /** Ends what `freeze` has begun. @returns the first blocks of trees whose leaves are to be dropped */
  thaw(view: FrozenGroups): Ref[] {
    const leaves: Ref[] = [];
    for (const ids of view.trees()) {
      this.frozen.delete(ids.tree);
      leaves.push(...ids.end());
    }
    return leaves.filter((leaf) => leaf !== 0);
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

  /** Frees the trees of groups that nobody refers to any more, but for their leaves, and those that are frozen. @returns the first leaf of each */
  dissolve(groups: Iterable<StreamGroup>): Ref[] {
    const leaves: Ref[] = [];
    for (const group of groups) {
      leaves.push(this.giveUp(this.pending, group.pending));
      for (const consumer of group.consumers.values()) leaves.push(this.giveUp(this.owned, consumer.owned));
    }
    return leaves.filter((leaf) => leaf !== 0);
  }

  /** Frees a leaf of a dissolved tree, of either kind. @returns the next one, or 0 */
  dropLeaf(leaf: Ref): Ref {
    return this.pending.dropLeaf(leaf);
  }

  /** All pending entries of a consumer are about to go. */
  private noteOwned(group: StreamGroup, consumer: StreamConsumer): void {
    const { owned } = this;
    for (let isThere = owned.seekFirst(consumer.owned); isThere; isThere = owned.next()) {
      owned.readId(scratch);
      this.note(group.pending, scratch);
    }
  }

  /** The cell of this ID is about to come, to change or to go. A place there stays where it is. */
  private note(tree: Ref, id: StreamId): void {
    if (this.frozen.size > 0) this.frozen.get(tree)?.note(id);
  }

  /** Nobody refers to the tree any more, but who reads it as it was. @returns its first leaf, or 0 */
  private giveUp(kind: IdTree, tree: Ref): Ref {
    const frozen = this.frozen.size > 0 ? this.frozen.get(tree) : undefined;
    if (frozen === undefined) return kind.dissolve(tree);
    frozen.giveUp();
    return 0;
  }

  private freeLeaves(tree: IdTree, first: Ref): void {
    for (let leaf = first; leaf !== 0; ) leaf = tree.dropLeaf(leaf);
  }
}

/** When the entry whose value words begin at `value` was delivered last, Unix ms. */
export function deliveredAtMsOf(words: Int32Array, value: number): number {
  return words[value + DELIVERED_AT + 1] * TWO_32 + (words[value + DELIVERED_AT] >>> 0);
}

const scratch = new StreamId();
