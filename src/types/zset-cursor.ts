/** A place in a sorted set: one member with its score, whatever the encoding; and the way to the next and the one before. */
import type { Keyspace } from '../keyspace/keyspace.js';
import { CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../memory/arena.js';
import { readDouble } from '../memory/double-bytes.js';
import {
  elementAt,
  firstElement,
  isListpackEnd,
  LISTPACK_HEADER_BYTES,
  ListpackElement,
  nextElement,
  previousElement,
} from '../memory/listpack.js';
import type { RankTree } from '../memory/rank-tree.js';
import { CountedString } from './counted-keys.js';
import { parseDouble } from './parse-double.js';

export const ZSET_LISTPACK = 0;
export const ZSET_SKIPLIST = 1;

/** Of a score in an item. */
export const SCORE_BYTES = 8;

const NO_VIEW = new DataView(new ArrayBuffer(0));

/** @returns the score that an element of a packed sorted set holds */
export function scoreOf(element: ListpackElement): number {
  if (element.isInteger) return element.number;
  return parseDouble(element.bytes, element.start, element.length);
}

export class ZsetCursor {
  /** The member: `bytes[start, start + length)`, until the set changes or the cursor moves. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;
  /** Of the same bytes as `bytes`, if the set is not packed. */
  words: DataView = NO_VIEW;
  /** Members have no times. */
  readonly isHidden = false;
  /** Where in `bytes` the score is; −1 if it is `element`. */
  private scoreAt = -1;
  /** Packed: the listpack's view, its offset and that of the pair. */
  private view: Uint8Array = new Uint8Array(0);
  private base = 0;
  private at = 0;
  /** In a tree. */
  private leaf: Ref = 0;
  private index = 0;
  private readonly space: Keyspace;
  private readonly trees: RankTree;
  private readonly member = new ListpackElement();
  private readonly element = new ListpackElement();
  private readonly string = new CountedString();

  constructor(space: Keyspace, trees: RankTree) {
    this.space = space;
    this.trees = trees;
  }

  /** Of the member, as long as its bytes are good. Reading it takes as long as the way to the next member, so it is read when it is asked for. */
  get score(): number {
    return this.scoreAt < 0 ? scoreOf(this.element) : readDouble(this.bytes, this.scoreAt);
  }

  /** Goes before the first member, where `next` begins. @param tree of the set; 0 if it is packed */
  begin(ref: Ref, tree: Ref = 0): void {
    this.leaf = 0;
    if (tree === 0) {
      const { entries } = this.space;
      this.view = entries.view(ref);
      this.base = entries.valueStart(ref);
      this.element.next = firstElement(this.base);
    } else {
      this.trees.seekRank(tree, 0);
      this.leaf = this.trees.leaf;
      this.index = -1;
    }
  }

  /** Goes to the member of rank `rank`, 0 to below the count. @param tree of the set; 0 if it is packed */
  seek(ref: Ref, tree: Ref, rank: number): void {
    this.leaf = 0;
    if (tree === 0) {
      const { entries } = this.space;
      this.view = entries.view(ref);
      this.base = entries.valueStart(ref);
      this.at = elementAt(this.view, this.base, rank * 2);
    } else {
      this.trees.seekRank(tree, rank);
      this.leaf = this.trees.leaf;
      this.index = this.trees.index;
    }
    this.read();
  }

  /** @returns whether there is a next one */
  next(): boolean {
    if (this.leaf === 0) {
      this.at = this.element.next;
      if (isListpackEnd(this.view, this.at)) return false;
    } else if (++this.index === this.trees.cellCount(this.leaf)) {
      const next = this.trees.nextLeaf(this.leaf);
      if (next === 0) return false;
      this.leaf = next;
      this.index = 0;
    }
    this.read();
    return true;
  }

  /** @returns whether there is one before */
  previous(): boolean {
    if (this.leaf === 0) {
      if (this.at === this.base + LISTPACK_HEADER_BYTES) return false;
      this.at = previousElement(this.view, previousElement(this.view, this.at));
    } else if (this.index-- === 0) {
      const previous = this.trees.previousLeaf(this.leaf);
      if (previous === 0) return false;
      this.leaf = previous;
      this.index = this.trees.cellCount(previous) - 1;
    }
    this.read();
    return true;
  }

  /** Where the member of a packed set is, for `revisit`. */
  get place(): number {
    return this.at;
  }

  /** Reads a member of the set that the cursor was in last, which has not changed since. @param place of a packed set; else the member's item */
  revisit(place: number): void {
    if (this.leaf !== 0) return this.readItem(place);
    this.at = place;
    this.read();
  }

  /** Reads an item of a set that is not packed. */
  readItem(item: Ref): void {
    this.bytes = this.space.arena.bytes[item >>> CHUNK_INDEX_SHIFT];
    this.words = this.space.arena.views[item >>> CHUNK_INDEX_SHIFT];
    this.string.read(this.bytes, (item & UNIT_MASK) << 3);
    this.start = this.string.start;
    this.length = this.string.length;
    this.scoreAt = this.string.end;
  }

  private read(): void {
    if (this.leaf !== 0) return this.readItem(this.trees.itemAt(this.leaf, this.index));
    this.member.read(this.view, this.at);
    this.bytes = this.member.bytes;
    this.start = this.member.start;
    this.length = this.member.length;
    this.element.read(this.view, nextElement(this.view, this.at));
    this.scoreAt = -1;
  }
}
