/**
 * Comes by the items of a sorted set's tree from the highest rank down, while the set changes: what it has passed is told by the last item, of which it
 * keeps score and member, so that nothing depends on the tree's nodes.
 */
import type { Keyspace } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import { compareBytes } from '../memory/copy.js';
import type { RankTree } from '../memory/rank-tree.js';
import type { ItemWalk } from './frozen-items.js';
import { ZsetCursor } from './zset-cursor.js';

const ITEMS_PER_STEP = 64;

export class RankWalk implements ItemWalk {
  isOver = false;
  private readonly trees: RankTree;
  private readonly tree: Ref;
  private readonly cursor: ZsetCursor;
  /** The last item passed. */
  private score = Number.NaN;
  private member: Uint8Array | null = null;

  constructor(space: Keyspace, trees: RankTree, tree: Ref) {
    this.trees = trees;
    this.tree = tree;
    this.cursor = new ZsetCursor(space, trees);
  }

  hasPassed(item: Ref): boolean {
    const { cursor, member } = this;
    if (this.isOver || member === null) return this.isOver;
    cursor.readItem(item);
    if (cursor.score !== this.score) return cursor.score > this.score;
    return compareBytes(cursor.bytes, cursor.start, cursor.length, member, 0, member.length) >= 0;
  }

  next(items: Ref[]): number {
    const { trees, tree, member } = this;
    const before = member === null ? trees.count(tree) : trees.countBefore(tree, this.score, member, 0, member.length);
    const count = Math.min(before, ITEMS_PER_STEP);
    if (count > 0) {
      trees.seekRank(tree, before - 1);
      let { leaf, index } = trees;
      for (let i = 0; i < count; i++) {
        if (index < 0) {
          leaf = trees.previousLeaf(leaf);
          index = trees.cellCount(leaf) - 1;
        }
        items[i] = trees.itemAt(leaf, index--);
      }
      this.keep(items[count - 1]);
    }
    this.isOver = before === count;
    return count;
  }

  private keep(item: Ref): void {
    const { cursor } = this;
    cursor.readItem(item);
    this.score = cursor.score;
    this.member = cursor.bytes.slice(cursor.start, cursor.start + cursor.length);
  }
}
