/**
 * The items of a large table as they were at one moment, read in parts while the table goes on changing: copy-on-write by item.
 *
 * A walk comes by every item of the table once, in an order in which items keep their places while others come and go. Before an item that it has not
 * passed is changed or removed, the old item is read (`preserve`). An item that is born ahead of the walk, or is there with a new value, is noted
 * (`exempt`), and the walk leaves it out. So a write costs one item, and what is noted is at most what was written since.
 *
 * Invariants: (1) each item of the moment is read exactly once, with its bytes of then; (2) none born later is read; (3) `exempted` holds every
 * item ahead of the walk that must not be read, and of the others at most such as are gone; (4) the blocks of the table live until `release`.
 */
import type { FrozenValue, ItemReader } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';

/** Comes by every item of a table. */
export interface ItemWalk {
  /** All items have been passed. */
  readonly isOver: boolean;
  /** Whether the place that the item has now has been passed. */
  hasPassed(item: Ref): boolean;
  /** Moves past the next items, some ten of them, which are then in `items`. @returns how many */
  next(items: Ref[]): number;
}

export class FrozenItems implements FrozenValue {
  readonly itemCount: number;
  private readonly walk: ItemWalk;
  private readonly read: ItemReader;
  private readonly exempted = new Set<Ref>();
  private readonly items: Ref[] = [];
  private readonly single: Ref[] = [0];
  private readonly onRelease: () => void;
  /** What frees the table, if it was given up meanwhile. */
  private free: (() => void) | null = null;

  constructor(itemCount: number, walk: ItemWalk, read: ItemReader, onRelease: () => void) {
    this.itemCount = itemCount;
    this.walk = walk;
    this.read = read;
    this.onRelease = onRelease;
  }

  readSome(): boolean {
    const { items, exempted } = this;
    const count = this.walk.next(items);
    let kept = 0;
    for (let i = 0; i < count; i++) if (exempted.size === 0 || !exempted.delete(items[i])) items[kept++] = items[i];
    if (kept > 0) this.read(items, kept);
    return !this.walk.isOver;
  }

  /** The item is about to change or to go. */
  preserve(item: Ref): void {
    if (this.walk.hasPassed(item) || this.exempted.has(item)) return;
    this.single[0] = item;
    this.read(this.single, 1);
  }

  /** The item is new, or has changed after it was preserved. */
  exempt(item: Ref): void {
    if (!this.walk.hasPassed(item)) this.exempted.add(item);
  }

  /** Nobody but us refers to the table any more: `free` is called when it has been read. */
  adopt(free: () => void): void {
    this.free = free;
  }

  release(): void {
    this.onRelease();
    this.free?.();
  }
}
