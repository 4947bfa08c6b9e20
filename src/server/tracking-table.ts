/**
 * Which clients have read which keys: what client-side caching remembers, by the key's name alone, whatever its database.
 *
 *   item = | key, a counted string (counted-keys.ts) | client count : u32 LE | client numbers : u32 LE, ascending |
 *
 * A key costs some 25 bytes besides its name and 4 bytes for each client. To find a client among n takes log n steps; to add one, a move of those behind it.
 *
 * Invariants: (1) a key that is here has been read by at least one client since it was last taken out; (2) `clientCount` is the sum of all items' counts.
 */
import { hashBytes } from '../keyspace/key-hash.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import { randomBelow } from '../keyspace/random.js';
import { type Arena, CHUNK_INDEX_SHIFT, type Ref, UNIT_MASK } from '../memory/arena.js';
import { readInt32, writeInt32 } from '../memory/int32-bytes.js';
import { Table } from '../memory/table.js';
import { CountedKeys, CountedString, countedBytes, writeCounted } from '../types/counted-keys.js';
import { TableRemains } from '../types/member-table.js';

const NUMBER_BYTES = 4;

export class TrackingTable {
  /** Clients of all keys. */
  clientCount = 0;
  /** Of the key that was taken out last: its name, and the numbers of its clients. */
  key: Uint8Array = new Uint8Array(0);
  readonly clients: number[] = [];
  private readonly space: Keyspace;
  private readonly arena: Arena;
  private readonly tables: Table;
  private table: Ref;
  private readonly string = new CountedString();

  constructor(space: Keyspace) {
    this.space = space;
    this.arena = space.arena;
    this.tables = new Table(space.arena, new CountedKeys(space.arena));
    this.table = 0;
  }

  get keyCount(): number {
    return this.table === 0 ? 0 : this.tables.count(this.table);
  }

  /** Remembers that the client with this number (u32) has read a key. */
  add(key: Uint8Array, start: number, length: number, client: number): void {
    const { arena, tables } = this;
    if (this.table === 0) this.table = tables.create();
    const hash = hashBytes(key, start, length);
    const item = tables.find(this.table, hash, key, start, length);
    if (item === 0) {
      const block = arena.allocate(countedBytes(length) + 2 * NUMBER_BYTES);
      const view = arena.bytes[block >>> CHUNK_INDEX_SHIFT];
      const at = writeCounted(view, (block & UNIT_MASK) << 3, key, start, length);
      writeInt32(view, at, 1);
      writeInt32(view, at + NUMBER_BYTES, client);
      tables.insert(this.table, hash, block);
      this.clientCount++;
      return;
    }
    this.addTo(item, client);
  }

  /** Takes a key out. @returns whether it was there; then `key` and `clients` tell of it */
  take(key: Uint8Array, start: number, length: number): boolean {
    if (this.table === 0) return false;
    const item = this.tables.find(this.table, hashBytes(key, start, length), key, start, length);
    if (item === 0) return false;
    this.tables.removeFound(this.table);
    this.release(item);
    return true;
  }

  /** Takes any key out; there must be one. `key` and `clients` tell of it. */
  takeAny(): void {
    const item = this.tables.randomItem(this.table, randomBelow);
    this.tables.remove(this.table, this.tables.hashOfItem(item), item);
    this.release(item);
  }

  /** Forgets all keys; their memory is freed in slices. */
  clear(): void {
    if (this.table === 0) return;
    this.space.reaper.addRemains(new TableRemains(this.tables, this.arena, this.table));
    this.table = 0;
    this.clientCount = 0;
  }

  private addTo(item: Ref, client: number): void {
    const { arena, string } = this;
    let view = arena.bytes[item >>> CHUNK_INDEX_SHIFT];
    const base = (item & UNIT_MASK) << 3;
    string.read(view, base);
    const offset = string.end - base;
    const count = readNumber(view, string.end);
    const place = placeOf(view, string.end + NUMBER_BYTES, count, client);
    if (place < count && readNumber(view, string.end + NUMBER_BYTES * (place + 1)) === client) return;
    const used = offset + NUMBER_BYTES * (count + 1);
    let at = string.end;
    if (!arena.fits(item, used + NUMBER_BYTES)) {
      // Doubled, so that n clients cost O(n) moves of the item.
      const block = arena.allocate(used + NUMBER_BYTES * Math.max(1, count));
      const target = arena.bytes[block >>> CHUNK_INDEX_SHIFT];
      target.set(view.subarray(base, base + used), (block & UNIT_MASK) << 3);
      this.tables.replaceFound(block);
      arena.free(item);
      view = target;
      at = ((block & UNIT_MASK) << 3) + offset;
    }
    const first = at + NUMBER_BYTES;
    view.copyWithin(first + NUMBER_BYTES * (place + 1), first + NUMBER_BYTES * place, first + NUMBER_BYTES * count);
    writeInt32(view, first + NUMBER_BYTES * place, client);
    writeInt32(view, at, count + 1);
    this.clientCount++;
  }

  /** Reads an item that is in no table any more into `key` and `clients`, and frees it. */
  private release(item: Ref): void {
    const { clients, string } = this;
    const view = this.arena.bytes[item >>> CHUNK_INDEX_SHIFT];
    string.read(view, (item & UNIT_MASK) << 3);
    this.key = view.slice(string.start, string.end);
    const count = readNumber(view, string.end);
    clients.length = 0;
    for (let i = 1; i <= count; i++) clients.push(readNumber(view, string.end + NUMBER_BYTES * i));
    this.clientCount -= count;
    this.arena.free(item);
    if (this.tables.count(this.table) > 0) return;
    this.tables.destroy(this.table);
    this.table = 0;
  }
}

/** @returns how many of the `count` ascending numbers at `first` are less than `wanted` */
function placeOf(view: Uint8Array, first: number, count: number, wanted: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (readNumber(view, first + NUMBER_BYTES * middle) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function readNumber(view: Uint8Array, at: number): number {
  return readInt32(view, at) >>> 0;
}
