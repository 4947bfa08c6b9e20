/**
 * The blocks of a large value as they were at one moment, read one by one while the value goes on changing: the chunks of a list, the nodes of a stream.
 * Each is shared with the value until it has been read.
 */
import type { FrozenValue, ItemReader } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import type { SharedBlocks } from '../memory/shared-blocks.js';

export class FrozenBlocks implements FrozenValue {
  readonly itemCount: number;
  private readonly shared: SharedBlocks;
  private readonly cells: Int32Array;
  private readonly read: ItemReader;
  private readonly item: Ref[];
  /** Of the next cell to be read. */
  private at = 0;

  /**
   * @param cells     an item each: `cellWords` words, of which the last one is a block in `shared`
   * @param cellWords what the reader gets of an item
   */
  constructor(shared: SharedBlocks, cells: Int32Array, cellWords: number, read: ItemReader) {
    this.itemCount = cells.length / cellWords;
    this.shared = shared;
    this.cells = cells;
    this.read = read;
    this.item = new Array<Ref>(cellWords).fill(0);
  }

  readSome(): boolean {
    const { cells, item } = this;
    if (this.at === cells.length) return false;
    for (let word = 0; word < item.length; word++) item[word] = cells[this.at + word];
    this.read(item, 1);
    this.letGo();
    return this.at < cells.length;
  }

  release(): void {
    while (this.at < this.cells.length) this.letGo();
  }

  private letGo(): void {
    this.at += this.item.length;
    this.shared.letGo(this.cells[this.at - 1]);
  }
}
