/**
 * The blocks of a large value as they were at one moment, read one by one while the value goes on changing: the chunks of a list, the nodes of a stream.
 * They are shared with the value until all have been read.
 */
import type { FrozenValue, ItemReader } from '../keyspace/keyspace.js';
import type { Reaper } from '../keyspace/reaper.js';
import type { Ref } from '../memory/arena.js';
import type { BlockReader } from '../memory/shared-blocks.js';

/** More blocks that the value has given up meanwhile are freed by the reaper. */
const FREED_AT_ONCE_MAX = 64;

export class FrozenBlocks implements FrozenValue {
  readonly itemCount: number;
  private readonly reaper: Reaper;
  private readonly blocks: BlockReader;
  private readonly cells: Int32Array;
  private readonly cellWords: number;
  private readonly read: ItemReader;
  private readonly item: Ref[];
  /** Of the next cell to be read. */
  private at = 0;

  /**
   * @param cells     `cellWords` words for each block
   * @param itemWords what the reader gets of a cell: its first words
   */
  constructor(
    reaper: Reaper,
    blocks: BlockReader,
    cells: Int32Array,
    cellWords: number,
    itemWords: number,
    read: ItemReader,
  ) {
    this.itemCount = cells.length / cellWords;
    this.reaper = reaper;
    this.blocks = blocks;
    this.cells = cells;
    this.cellWords = cellWords;
    this.read = read;
    this.item = new Array<Ref>(itemWords).fill(0);
  }

  readSome(): boolean {
    const { cells, item } = this;
    if (this.at === cells.length) return false;
    for (let word = 0; word < item.length; word++) item[word] = cells[this.at + word];
    this.read(item, 1);
    this.at += this.cellWords;
    return this.at < cells.length;
  }

  release(): void {
    const { blocks } = this;
    blocks.leave();
    if (blocks.keptCount > FREED_AT_ONCE_MAX) this.reaper.addRemains(blocks);
    else while (blocks.freeSome());
  }
}
