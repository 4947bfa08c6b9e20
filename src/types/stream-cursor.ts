/**
 * A walk over the live entries of a stream, within a range of IDs, either way. One object is used again and again; it is good until the stream's
 * entries change.
 *
 *   cursor.begin(tree, from, to, isReverse)
 *   while (cursor.next()) { cursor.id; for (let i = 0; i < cursor.pairCount; i++) { cursor.nextPair(); cursor.field; cursor.value } }
 *
 * Fields may be left unread.
 */
import type { Ref } from '../memory/arena.js';
import {
  integer,
  isListpackEnd,
  ListpackElement,
  listpackEnd,
  previousElement,
  readInteger,
  skipElements,
} from '../memory/listpack.js';
import { compareIds, StreamId } from '../memory/stream-id.js';
import { FLAG_DELETED, FLAG_SAME_FIELDS, MasterEntry, readDeltas, type StreamNodes } from './stream-node.js';

export class StreamCursor {
  readonly id = new StreamId();
  /** Fields of the entry. */
  pairCount = 0;
  /** The pair that `nextPair` read. */
  readonly field = new ListpackElement();
  readonly value = new ListpackElement();
  private readonly nodes: StreamNodes;
  private readonly from = new StreamId();
  private readonly to = new StreamId();
  private isReverse = false;
  private isOver = true;
  /** The walk ends with its first node. */
  private isAlone = false;
  /** Place of the node in the index. */
  private leaf: Ref = 0;
  private cell = 0;
  private bytes: Uint8Array = new Uint8Array(0);
  private readonly masterId = new StreamId();
  private readonly master = new MasterEntry();
  /** Where the entry begins. */
  private entryAt = 0;
  private isDeleted = false;
  private hasSameFields = false;
  /** The next element of the entry to be read, and the name of its field if that is the master entry's. */
  private at = 0;
  private nameAt = 0;
  private pairsLeft = 0;

  constructor(nodes: StreamNodes) {
    this.nodes = nodes;
  }

  /** Begins a walk over the entries with IDs from `from` to `to`, both included; in reverse it begins at `to`. */
  begin(tree: Ref, from: StreamId, to: StreamId, isReverse: boolean): void {
    const { index } = this.nodes;
    this.from.copy(from);
    this.to.copy(to);
    this.isReverse = isReverse;
    this.isAlone = false;
    // The first entry of the walk cannot be before the last node that does not begin behind it.
    const isThere = index.seekUpTo(tree, isReverse ? to : from);
    this.isOver = !isThere && (isReverse || !index.seekFirst(tree));
    if (!this.isOver) this.openNode();
  }

  /** Begins a walk over all entries of one node, which need not be in an index any more. */
  beginNode(masterId: StreamId, node: Ref): void {
    this.from.setMin();
    this.to.setMax();
    this.isReverse = false;
    this.isOver = false;
    this.isAlone = true;
    this.masterId.copy(masterId);
    this.open(node);
  }

  /** Goes to the next entry. @returns whether there is one */
  next(): boolean {
    while (!this.isOver) {
      if (!(this.isReverse ? this.stepBack() : this.step())) {
        this.nextNode();
        continue;
      }
      this.readEntry();
      const order = this.isReverse ? compareIds(this.from, this.id) : compareIds(this.id, this.to);
      if (order > 0) break;
      if (this.isDeleted) continue;
      if (this.isReverse ? compareIds(this.id, this.to) <= 0 : compareIds(this.id, this.from) >= 0) return true;
    }
    this.isOver = true;
    return false;
  }

  /** Reads the next pair of the entry into `field` and `value`. */
  nextPair(): void {
    this.pairsLeft--;
    if (this.hasSameFields) {
      this.field.read(this.bytes, this.nameAt);
      this.nameAt = this.field.next;
      this.value.read(this.bytes, this.at);
    } else {
      this.field.read(this.bytes, this.at);
      this.value.read(this.bytes, this.field.next);
    }
    this.at = this.value.next;
  }

  /** Sets the place in the index of nodes to the entry's node. @returns the entry's offset in it */
  select(): number {
    const { index } = this.nodes;
    index.leaf = this.leaf;
    index.index = this.cell;
    return this.entryAt - this.nodes.base(this.nodes.node);
  }

  /** Goes to the entry behind. @returns false at the end of the node */
  private step(): boolean {
    if (this.at !== this.master.entriesAt) {
      const rest = this.hasSameFields ? this.pairsLeft : this.pairsLeft * 2;
      this.at = skipElements(this.bytes, this.at, rest + 1);
    }
    this.entryAt = this.at;
    return !isListpackEnd(this.bytes, this.at);
  }

  /** Goes to the entry before. @returns false at the beginning of the node */
  private stepBack(): boolean {
    if (this.entryAt === this.master.entriesAt) return false;
    let at = previousElement(this.bytes, this.entryAt);
    readInteger(this.bytes, at);
    for (let rest = integer.low; rest > 0; rest--) at = previousElement(this.bytes, at);
    this.entryAt = at;
    return true;
  }

  private readEntry(): void {
    const { bytes } = this;
    const deltasAt = readInteger(bytes, this.entryAt);
    const flags = integer.low;
    this.isDeleted = (flags & FLAG_DELETED) !== 0;
    this.hasSameFields = (flags & FLAG_SAME_FIELDS) !== 0;
    this.at = readDeltas(bytes, deltasAt, this.masterId, this.id);
    if (this.hasSameFields) {
      this.pairCount = this.master.fieldCount;
      this.nameAt = this.master.fieldsAt;
    } else {
      this.at = readInteger(bytes, this.at);
      this.pairCount = integer.low;
    }
    this.pairsLeft = this.pairCount;
  }

  private nextNode(): void {
    const { index } = this.nodes;
    this.isOver = this.isAlone;
    if (this.isOver) return;
    this.select();
    this.isOver = !(this.isReverse ? index.previous() : index.next());
    if (!this.isOver) this.openNode();
  }

  /** Enters the node at the index's place. */
  private openNode(): void {
    const { index, node } = this.nodes;
    this.leaf = index.leaf;
    this.cell = index.index;
    index.readId(this.masterId);
    this.open(node);
  }

  /** Goes to the end of a node from which the walk comes. */
  private open(node: Ref): void {
    this.bytes = this.nodes.view(node);
    const base = this.nodes.base(node);
    this.master.read(this.bytes, base);
    this.at = this.master.entriesAt;
    this.entryAt = this.isReverse ? listpackEnd(this.bytes, base) : this.at;
  }
}
