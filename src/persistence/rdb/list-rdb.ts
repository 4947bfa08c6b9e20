/**
 * Lists in RDB: a node for each chunk, and one for a packed list; and all older forms, on load only. Spec persistence.md sections 2.4, 3.2, 4.3.
 */
import type { Database } from '../../keyspace/database.js';
import type { Keyspace } from '../../keyspace/keyspace.js';
import type { Ref } from '../../memory/arena.js';
import { blockStart } from '../../memory/chunk-list.js';
import { listpackBytes } from '../../memory/listpack.js';
import { listsOf } from '../../types/list.js';
import type { ListBuilder } from '../../types/list-builder.js';
import { visitZiplist } from './old-packed.js';
import { RdbType } from './opcodes.js';
import { RdbCursor, RdbString } from './rdb-cursor.js';
import type { RdbRecord } from './rdb-reader.js';
import { type RdbWriter, SAMPLED_NODES } from './rdb-writer.js';
import { BuilderAssembly } from './value-assembly.js';
import type { ValueForm } from './value-form.js';

/** Containers of a node. */
const PLAIN = 1;
const PACKED = 2;

const LIST_TYPES: ReadonlySet<number> = new Set([
  RdbType.LIST,
  RdbType.LIST_ZIPLIST,
  RdbType.LIST_QUICKLIST,
  RdbType.LIST_QUICKLIST_2,
]);

const cursor = new RdbCursor();
const blob = new RdbString();

export const listForm: ValueForm = {
  rdbType: () => RdbType.LIST_QUICKLIST_2,
  write: writeList,
  writeItems: writeChunks,
  reads: (rdbType) => LIST_TYPES.has(rdbType),
  add: addList,
  assembly: (space, rdbType) =>
    rdbType === RdbType.LIST_QUICKLIST_2 ? new ListAssembly(listsOf(space).builder) : null,
};

function writeList(writer: RdbWriter, space: Keyspace, ref: Ref): void {
  const { entries } = space;
  const lists = listsOf(space);
  if (lists.isPacked(ref)) {
    const start = entries.valueStart(ref);
    writer.lengthOf(1);
    writer.lengthOf(PACKED);
    writer.string(entries.view(ref), start, start + entries.valueLength(ref));
    return;
  }
  const { chunks } = lists;
  const list = entries.root(ref);
  const count = chunks.chunkCount(list);
  writer.lengthOf(count);
  const mark = writer.totalBytes;
  for (let i = 0; i < count; i++) {
    if (i === SAMPLED_NODES) writer.reserveRest(mark, i, count);
    writeNode(writer, chunks.view(chunks.chunk(list, i)), chunks.start(list, i));
  }
}

function writeChunks(writer: RdbWriter, space: Keyspace, items: readonly Ref[], count: number): void {
  const { chunks } = listsOf(space);
  for (let i = 0; i < count; i++) writeNode(writer, chunks.view(items[i]), blockStart(items[i]));
}

function writeNode(writer: RdbWriter, view: Uint8Array, start: number): void {
  writer.lengthOf(PACKED);
  writer.string(view, start, start + listpackBytes(view, start));
}

function addList(
  space: Keyspace,
  db: Database,
  record: RdbRecord,
  key: Uint8Array,
  start: number,
  length: number,
  expireAtMs: number,
): Ref {
  const { builder } = listsOf(space);
  const add = (bytes: Uint8Array, from: number, byteCount: number): void => builder.add(bytes, from, byteCount);
  builder.begin();
  cursor.reset(record.bytes, record.start, record.end);
  const count = record.type === RdbType.LIST_ZIPLIST ? 1 : cursor.length();
  for (let i = 0; i < count; i++) {
    const container = record.type === RdbType.LIST_QUICKLIST_2 ? cursor.length() : PLAIN;
    cursor.blob(blob);
    if (container === PACKED) builder.addNode(blob.bytes, blob.start, blob.end - blob.start);
    else if (record.type === RdbType.LIST_QUICKLIST || record.type === RdbType.LIST_ZIPLIST)
      visitZiplist(blob.bytes, blob.start, add);
    else add(blob.bytes, blob.start, blob.end - blob.start);
  }
  return builder.finish(db, key, start, length, expireAtMs);
}

class ListAssembly extends BuilderAssembly<ListBuilder> {
  begin(): void {
    this.builder.begin();
  }

  element({ bytes, start, end }: RdbString): boolean {
    this.builder.add(bytes, start, end - start);
    return true;
  }

  override node({ bytes, start, end }: RdbString): void {
    this.builder.addNode(bytes, start, end - start);
  }
}
