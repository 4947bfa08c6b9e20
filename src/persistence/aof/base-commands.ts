/** The commands that build one value, in an AOF base without RDB preamble: at most 64 items per command (spec persistence.md section 7.9). */
import type { Keyspace } from '../../keyspace/keyspace.js';
import type { Ref } from '../../memory/arena.js';
import { blockStart } from '../../memory/chunk-list.js';
import { firstElement, ListpackElement, listpackCount } from '../../memory/listpack.js';
import type { RecordBuffer } from '../../resp/record-buffer.js';
import { formatDouble } from '../../types/double.js';
import { hashesOf } from '../../types/hash.js';
import type { HashCursor } from '../../types/hash-cursor.js';
import { listsOf } from '../../types/list.js';
import { ListCursor } from '../../types/list-reading.js';
import { setsOf } from '../../types/set.js';
import { zsetsOf } from '../../types/zset.js';

export type CommandWriter = (buffer: RecordBuffer, space: Keyspace, ref: Ref) => void;

const ITEMS_PER_COMMAND = 64;

/** Writes commands for some of the items of a large value (`ValueType.freeze`). */
export type ItemCommandWriter = (
  buffer: RecordBuffer,
  space: Keyspace,
  key: Uint8Array,
  items: readonly Ref[],
  count: number,
) => void;

/** Writes commands for what a large value has besides its items, as it is when it is frozen. @returns what is too long for one go */
export type RestWriter = (buffer: RecordBuffer, space: Keyspace, ref: Ref) => LongCommands;

/** More commands than are written in one go. */
export interface LongCommands {
  /** Writes some of them. @returns whether there are more */
  writeSome(buffer: RecordBuffer): boolean;
  /** No more of them are written, whether all were or not. */
  release(): void;
}

/** Begins a command on a key; `argumentCount` arguments follow. */
export function beginKeyCommand(buffer: RecordBuffer, key: Uint8Array, name: string, argumentCount: number): void {
  buffer.begin(2 + argumentCount);
  buffer.text(name);
  buffer.word(key, 0, key.length);
}

/** The same on the key of an entry. */
export function beginEntryCommand(
  buffer: RecordBuffer,
  { entries }: Keyspace,
  ref: Ref,
  name: string,
  argumentCount: number,
): void {
  const start = entries.keyStart(ref);
  buffer.begin(2 + argumentCount);
  buffer.text(name);
  buffer.word(entries.view(ref), start, entries.keyLength(ref));
}

export function writeSetCommands(buffer: RecordBuffer, space: Keyspace, ref: Ref): void {
  const sets = setsOf(space);
  const { cursor } = sets;
  const count = sets.count(ref);
  cursor.begin(ref);
  for (let i = 0; cursor.next(); i++) {
    if (beginsCommand(i)) beginEntryCommand(buffer, space, ref, 'SADD', itemsFrom(i, count));
    buffer.word(cursor.bytes, cursor.start, cursor.length);
  }
}

export function writeHashCommands(buffer: RecordBuffer, space: Keyspace, ref: Ref): void {
  const hashes = hashesOf(space);
  const { cursor } = hashes;
  const count = hashes.count(ref);
  cursor.begin(ref);
  for (let i = 0; cursor.next(); i++) {
    if (beginsCommand(i)) beginEntryCommand(buffer, space, ref, 'HMSET', itemsFrom(i, count) * 2);
    buffer.word(cursor.bytes, cursor.start, cursor.length);
    buffer.word(cursor.valueBytes, cursor.valueStart, cursor.valueLength);
  }
  if (!space.entries.isTimedHash(ref)) return;
  cursor.begin(ref);
  while (cursor.next()) {
    if (cursor.timeMs === 0) continue;
    beginEntryCommand(buffer, space, ref, 'HPEXPIREAT', 4);
    writeFieldTime(buffer, cursor);
  }
}

/** The arguments behind the key of an HPEXPIREAT for one field. */
function writeFieldTime(buffer: RecordBuffer, cursor: HashCursor): void {
  buffer.text(String(cursor.timeMs));
  buffer.text('FIELDS');
  buffer.text('1');
  buffer.word(cursor.bytes, cursor.start, cursor.length);
}

export function writeListCommands(buffer: RecordBuffer, space: Keyspace, ref: Ref): void {
  const lists = listsOf(space);
  const cursor = new ListCursor();
  const element = new ListpackElement();
  const count = lists.length(ref);
  lists.seek(ref, 0, cursor);
  for (let i = 0; i < count; i++) {
    if (beginsCommand(i)) beginEntryCommand(buffer, space, ref, 'RPUSH', itemsFrom(i, count));
    cursor.read(element);
    buffer.word(element.bytes, element.start, element.length);
    lists.next(ref, cursor);
  }
}

export function writeZsetCommands(buffer: RecordBuffer, space: Keyspace, ref: Ref): void {
  const zsets = zsetsOf(space);
  const { cursor } = zsets;
  const count = zsets.count(ref);
  zsets.seek(ref, 0, cursor);
  for (let i = 0; i < count; i++) {
    if (beginsCommand(i)) beginEntryCommand(buffer, space, ref, 'ZADD', itemsFrom(i, count) * 2);
    buffer.text(formatDouble(cursor.score));
    buffer.word(cursor.bytes, cursor.start, cursor.length);
    cursor.next();
  }
}

export const writeMemberCommands: ItemCommandWriter = (buffer, space, key, items, count) => {
  const { cursor } = setsOf(space);
  for (let i = 0; i < count; i++) {
    if (beginsCommand(i)) beginKeyCommand(buffer, key, 'SADD', itemsFrom(i, count));
    cursor.readItem(items[i]);
    buffer.word(cursor.bytes, cursor.start, cursor.length);
  }
};

export const writeFieldCommands: ItemCommandWriter = (buffer, space, key, items, count) => {
  const { cursor } = hashesOf(space);
  for (let i = 0; i < count; i++) {
    if (beginsCommand(i)) beginKeyCommand(buffer, key, 'HMSET', itemsFrom(i, count) * 2);
    cursor.readItem(items[i]);
    buffer.word(cursor.bytes, cursor.start, cursor.length);
    buffer.word(cursor.valueBytes, cursor.valueStart, cursor.valueLength);
  }
  for (let i = 0; i < count; i++) {
    cursor.readItem(items[i]);
    if (cursor.timeMs === 0) continue;
    beginKeyCommand(buffer, key, 'HPEXPIREAT', 4);
    writeFieldTime(buffer, cursor);
  }
};

export const writeScoreCommands: ItemCommandWriter = (buffer, space, key, items, count) => {
  const { cursor } = zsetsOf(space);
  for (let i = 0; i < count; i++) {
    if (beginsCommand(i)) beginKeyCommand(buffer, key, 'ZADD', itemsFrom(i, count) * 2);
    cursor.readItem(items[i]);
    buffer.text(formatDouble(cursor.score));
    buffer.word(cursor.bytes, cursor.start, cursor.length);
  }
};

/** Items are chunks of a list. */
export const writeChunkCommands: ItemCommandWriter = (buffer, space, key, items, count) => {
  const { chunks } = listsOf(space);
  const element = new ListpackElement();
  for (let i = 0; i < count; i++) {
    const bytes = chunks.view(items[i]);
    const base = blockStart(items[i]);
    const elementCount = listpackCount(bytes, base);
    let at = firstElement(base);
    for (let j = 0; j < elementCount; j++, at = element.next) {
      if (beginsCommand(j)) beginKeyCommand(buffer, key, 'RPUSH', itemsFrom(j, elementCount));
      element.read(bytes, at);
      buffer.word(element.bytes, element.start, element.length);
    }
  }
};

/** Whether item number `index` is the first one of a command. */
function beginsCommand(index: number): boolean {
  return index % ITEMS_PER_COMMAND === 0;
}

/** @returns how many of `count` items the command has that begins with number `first` */
function itemsFrom(first: number, count: number): number {
  return Math.min(count - first, ITEMS_PER_COMMAND);
}
