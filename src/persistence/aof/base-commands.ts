/** The commands that build one value, in an AOF base without RDB preamble: at most 64 items per command (spec persistence.md section 7.9). */
import type { Keyspace } from '../../keyspace/keyspace.js';
import type { Ref } from '../../memory/arena.js';
import { blockStart } from '../../memory/chunk-list.js';
import { firstElement, ListpackElement, listpackCount } from '../../memory/listpack.js';
import { formatDouble } from '../../types/double.js';
import { hashesOf } from '../../types/hash.js';
import type { HashCursor } from '../../types/hash-cursor.js';
import { ListCursor, listsOf } from '../../types/list.js';
import { setsOf } from '../../types/set.js';
import { zsetsOf } from '../../types/zset.js';
import type { RecordBuffer } from './record-buffer.js';

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

/** Begins a command on a key; `argumentCount` arguments follow. */
export function beginKeyCommand(buffer: RecordBuffer, key: Uint8Array, name: string, argumentCount: number): void {
  buffer.begin(2 + argumentCount);
  buffer.text(name);
  buffer.argument(key, 0, key.length);
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
  buffer.argument(entries.view(ref), start, start + entries.keyLength(ref));
}

export function writeSetCommands(buffer: RecordBuffer, space: Keyspace, ref: Ref): void {
  const sets = setsOf(space);
  const { cursor } = sets;
  let rest = sets.count(ref);
  let left = 0;
  cursor.begin(ref);
  while (cursor.next()) {
    if (left === 0) {
      left = Math.min(rest, ITEMS_PER_COMMAND);
      rest -= left;
      beginEntryCommand(buffer, space, ref, 'SADD', left);
    }
    buffer.argument(cursor.bytes, cursor.start, cursor.start + cursor.length);
    left--;
  }
}

export function writeHashCommands(buffer: RecordBuffer, space: Keyspace, ref: Ref): void {
  const hashes = hashesOf(space);
  const { cursor } = hashes;
  let rest = hashes.count(ref);
  let left = 0;
  cursor.begin(ref);
  while (cursor.next()) {
    if (left === 0) {
      left = Math.min(rest, ITEMS_PER_COMMAND);
      rest -= left;
      beginEntryCommand(buffer, space, ref, 'HMSET', left * 2);
    }
    buffer.argument(cursor.bytes, cursor.start, cursor.start + cursor.length);
    buffer.argument(cursor.valueBytes, cursor.valueStart, cursor.valueStart + cursor.valueLength);
    left--;
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
  buffer.argument(cursor.bytes, cursor.start, cursor.start + cursor.length);
}

export function writeListCommands(buffer: RecordBuffer, space: Keyspace, ref: Ref): void {
  const lists = listsOf(space);
  const cursor = new ListCursor();
  const element = new ListpackElement();
  lists.seek(ref, 0, cursor);
  for (let rest = lists.length(ref); rest > 0; ) {
    const count = Math.min(rest, ITEMS_PER_COMMAND);
    beginEntryCommand(buffer, space, ref, 'RPUSH', count);
    for (let i = 0; i < count; i++) {
      cursor.read(element);
      buffer.argument(element.bytes, element.start, element.start + element.length);
      lists.next(ref, cursor);
    }
    rest -= count;
  }
}

export function writeZsetCommands(buffer: RecordBuffer, space: Keyspace, ref: Ref): void {
  const zsets = zsetsOf(space);
  const { cursor } = zsets;
  zsets.seek(ref, 0, cursor);
  for (let rest = zsets.count(ref); rest > 0; ) {
    const count = Math.min(rest, ITEMS_PER_COMMAND);
    beginEntryCommand(buffer, space, ref, 'ZADD', count * 2);
    for (let i = 0; i < count; i++) {
      buffer.text(formatDouble(cursor.score));
      buffer.argument(cursor.bytes, cursor.start, cursor.start + cursor.length);
      cursor.next();
    }
    rest -= count;
  }
}

export function writeMemberCommand(
  buffer: RecordBuffer,
  space: Keyspace,
  key: Uint8Array,
  items: readonly Ref[],
  count: number,
): void {
  const { cursor } = setsOf(space);
  forItems(items, count, 1, (item, isFirst, argumentCount) => {
    if (isFirst) beginKeyCommand(buffer, key, 'SADD', argumentCount);
    cursor.readItem(item);
    buffer.argument(cursor.bytes, cursor.start, cursor.start + cursor.length);
  });
}

export function writeFieldCommand(
  buffer: RecordBuffer,
  space: Keyspace,
  key: Uint8Array,
  items: readonly Ref[],
  count: number,
): void {
  const { cursor } = hashesOf(space);
  forItems(items, count, 2, (item, isFirst, argumentCount) => {
    if (isFirst) beginKeyCommand(buffer, key, 'HMSET', argumentCount);
    cursor.readItem(item);
    buffer.argument(cursor.bytes, cursor.start, cursor.start + cursor.length);
    buffer.argument(cursor.valueBytes, cursor.valueStart, cursor.valueStart + cursor.valueLength);
  });
  for (let i = 0; i < count; i++) {
    cursor.readItem(items[i]);
    if (cursor.timeMs === 0) continue;
    beginKeyCommand(buffer, key, 'HPEXPIREAT', 4);
    writeFieldTime(buffer, cursor);
  }
}

export function writeScoreCommand(
  buffer: RecordBuffer,
  space: Keyspace,
  key: Uint8Array,
  items: readonly Ref[],
  count: number,
): void {
  const { cursor } = zsetsOf(space);
  forItems(items, count, 2, (item, isFirst, argumentCount) => {
    if (isFirst) beginKeyCommand(buffer, key, 'ZADD', argumentCount);
    cursor.readItem(item);
    buffer.text(formatDouble(cursor.score));
    buffer.argument(cursor.bytes, cursor.start, cursor.start + cursor.length);
  });
}

/** Items are chunks of a list. */
export function writeChunkCommands(
  buffer: RecordBuffer,
  space: Keyspace,
  key: Uint8Array,
  items: readonly Ref[],
  count: number,
): void {
  const { chunks } = listsOf(space);
  const element = new ListpackElement();
  for (let i = 0; i < count; i++) {
    const bytes = chunks.view(items[i]);
    const base = blockStart(items[i]);
    let at = firstElement(base);
    for (let rest = listpackCount(bytes, base); rest > 0; ) {
      const pushed = Math.min(rest, ITEMS_PER_COMMAND);
      beginKeyCommand(buffer, key, 'RPUSH', pushed);
      for (let j = 0; j < pushed; j++, at = element.next) {
        element.read(bytes, at);
        buffer.argument(element.bytes, element.start, element.start + element.length);
      }
      rest -= pushed;
    }
  }
}

/** Visits items in groups of at most ITEMS_PER_COMMAND; the first of a group is told how many arguments its group makes. */
function forItems(
  items: readonly Ref[],
  count: number,
  argumentsPerItem: number,
  visit: (item: Ref, isFirst: boolean, argumentCount: number) => void,
): void {
  for (let i = 0; i < count; i++) {
    const isFirst = i % ITEMS_PER_COMMAND === 0;
    visit(items[i], isFirst, Math.min(count - i, ITEMS_PER_COMMAND) * argumentsPerItem);
  }
}
