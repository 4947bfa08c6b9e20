/**
 * Items on their way into a table that none of them may be in: made already, but looked for and inserted some at a time, so that the cache misses of their
 * buckets overlap. So `add` may tell late that a key was there; `flush` tells at last.
 *
 *   begin … add … flush, or drop
 */
import type { Arena, Ref } from '../memory/arena.js';
import { WARM_MAX } from '../memory/bucket-chains.js';
import type { Table } from '../memory/table.js';

export class ItemBatch {
  private readonly arena: Arena;
  private readonly tables: Table;
  private table: Ref = 0;
  private readonly items = new Int32Array(WARM_MAX);
  private readonly hashes = new Int32Array(WARM_MAX);
  private count = 0;

  constructor(arena: Arena, tables: Table) {
    this.arena = arena;
    this.tables = tables;
  }

  /** The items that come belong into this table, which nobody else changes meanwhile. */
  begin(table: Ref): void {
    this.table = table;
    this.count = 0;
  }

  /** @returns false if the key of this or of an earlier item was there; the table has one of each then, the others are freed */
  add(item: Ref, hash: number): boolean {
    this.items[this.count] = item;
    this.hashes[this.count++] = hash;
    return this.count < WARM_MAX || this.flush();
  }

  /** Inserts what is left. @returns as `add` */
  flush(): boolean {
    const { count } = this;
    const added = count === 0 ? 0 : this.tables.insertNew(this.table, this.hashes, this.items, count);
    for (let i = added; i < count; i++) this.arena.free(this.items[i]);
    this.count = 0;
    return added === count;
  }

  /** Frees the items that are not in the table yet. */
  drop(): void {
    for (let i = 0; i < this.count; i++) this.arena.free(this.items[i]);
    this.count = 0;
  }
}
