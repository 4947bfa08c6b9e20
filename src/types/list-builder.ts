/**
 * Builds a list before its key exists, by the same rules as elements that come one by one: for SORT … STORE, and for loading.
 *
 *   begin(); add(…) … or addNode(…) … then finish(…) or discard()
 *
 * The last node is written in a buffer and copied out when it is full: an element is a few bytes behind those of the one before, and nothing else.
 */
import type { Database } from '../keyspace/database.js';
import { ROOT_BYTES, TYPE_LIST } from '../keyspace/entry.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import { blockStart } from '../memory/chunk-list.js';
import { copyBytes } from '../memory/copy.js';
import { closeListpack, ElementWriter, LISTPACK_EMPTY_BYTES, listpackCount } from '../memory/listpack.js';
import type { Lists } from './list.js';
import { LIST_LISTPACK, LIST_QUICKLIST } from './list-reading.js';
import { PackedBuffer } from './packed-buffer.js';

export class ListBuilder {
  private readonly space: Keyspace;
  private readonly lists: Lists;
  private readonly writer = new ElementWriter();
  /** The last node; its header is written when it is full. */
  private readonly node = new PackedBuffer();
  /** Bytes of the node without its terminator, and its elements. */
  private nodeEnd = 0;
  private nodeCount = 0;
  /** The nodes before it: a chunk list; 0 for none. */
  private list: Ref = 0;

  constructor(space: Keyspace, lists: Lists) {
    this.space = space;
    this.lists = lists;
  }

  begin(): void {
    this.list = 0;
    this.clearNode();
  }

  add(bytes: Uint8Array, start: number, length: number): void {
    const { node, writer } = this;
    const byteCount = writer.encode(bytes, start, length);
    if (this.nodeCount > 0 && !this.lists.fitsNode(this.nodeEnd + 1, this.nodeCount, length)) this.closeNode();
    const end = this.nodeEnd + byteCount;
    if (end >= node.bytes.length) node.reserve(end + 1, this.nodeEnd);
    this.nodeEnd = writer.write(node.bytes, this.nodeEnd);
    this.nodeCount++;
  }

  /** Adds the elements of a whole listpack, which becomes a node as it is; it may be empty. */
  addNode(bytes: Uint8Array, start: number, length: number): void {
    if (this.nodeCount > 0) this.closeNode();
    const count = listpackCount(bytes, start);
    if (count > 0) this.append(bytes, start, length, count);
  }

  /** Gives what was built, which has an element, to a key that is not there. @returns its entry */
  finish(db: Database, key: Uint8Array, start: number, length: number, expireAtMs = 0): Ref {
    const { lists, node, nodeCount } = this;
    const byteCount = this.nodeEnd + 1;
    if (this.list === 0 && lists.fitsPacked(byteCount, nodeCount)) {
      closeListpack(node.bytes, 0, this.nodeEnd, nodeCount);
      const ref = db.add(key, start, length, TYPE_LIST, LIST_LISTPACK, byteCount, expireAtMs);
      db.writeValue(ref, node.bytes, 0, byteCount);
      return ref;
    }
    if (nodeCount > 0) this.closeNode();
    const ref = db.add(key, start, length, TYPE_LIST, LIST_QUICKLIST, ROOT_BYTES, expireAtMs);
    this.space.entries.setRoot(ref, this.list);
    return lists.pack(db, ref);
  }

  /** Drops what was built. */
  discard(): void {
    if (this.list !== 0) this.lists.freeChunks(this.list);
    this.begin();
  }

  private closeNode(): void {
    closeListpack(this.node.bytes, 0, this.nodeEnd, this.nodeCount);
    this.append(this.node.bytes, 0, this.nodeEnd + 1, this.nodeCount);
    this.clearNode();
  }

  private append(bytes: Uint8Array, start: number, length: number, count: number): void {
    const { chunks } = this.lists;
    if (this.list === 0) this.list = chunks.create();
    const chunk = this.space.arena.allocate(length);
    copyBytes(bytes, start, chunks.view(chunk), blockStart(chunk), length);
    chunks.insertChunk(this.list, chunks.chunkCount(this.list), chunk, count);
  }

  private clearNode(): void {
    this.node.clear();
    this.nodeEnd = LISTPACK_EMPTY_BYTES - 1;
    this.nodeCount = 0;
  }
}
