/** The chunks of a list as they were at one moment, read one by one while the list goes on changing: each is the reader's until it has been read. */
import type { FrozenValue, ItemReader } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import type { ChunkList } from '../memory/chunk-list.js';

export class FrozenChunks implements FrozenValue {
  private readonly lists: ChunkList;
  private readonly chunks: Int32Array;
  private readonly read: ItemReader;
  private at = 0;

  constructor(lists: ChunkList, list: Ref, read: ItemReader) {
    this.lists = lists;
    this.chunks = lists.share(list);
    this.read = read;
  }

  get itemCount(): number {
    return this.chunks.length;
  }

  readSome(): boolean {
    const { chunks } = this;
    const chunk = chunks[this.at++];
    this.read([chunk], 1);
    this.lists.unshare(chunk);
    return this.at < chunks.length;
  }

  release(): void {
    while (this.at < this.chunks.length) this.lists.unshare(this.chunks[this.at++]);
  }
}
