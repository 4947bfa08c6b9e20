/** The commands that build one value, in an AOF base without RDB preamble: at most 64 items per command (spec persistence.md section 7.9). */
import type { Keyspace } from '../../keyspace/keyspace.js';
import type { Ref } from '../../memory/arena.js';
import { ListpackElement } from '../../memory/listpack.js';
import { formatDouble } from '../../types/double.js';
import { hashesOf } from '../../types/hash.js';
import { ListCursor, listsOf } from '../../types/list.js';
import { setsOf } from '../../types/set.js';
import { zsetsOf } from '../../types/zset.js';
import type { RecordBuffer } from './record-buffer.js';

export type CommandWriter = (buffer: RecordBuffer, space: Keyspace, ref: Ref) => void;

const ITEMS_PER_COMMAND = 64;

/** Begins a command on the entry's key; `argumentCount` arguments follow. */
export function beginKeyCommand(
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
      beginKeyCommand(buffer, space, ref, 'SADD', left);
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
      beginKeyCommand(buffer, space, ref, 'HMSET', left * 2);
    }
    buffer.argument(cursor.bytes, cursor.start, cursor.start + cursor.length);
    buffer.argument(cursor.valueBytes, cursor.valueStart, cursor.valueStart + cursor.valueLength);
    left--;
  }
}

export function writeListCommands(buffer: RecordBuffer, space: Keyspace, ref: Ref): void {
  const lists = listsOf(space);
  const cursor = new ListCursor();
  const element = new ListpackElement();
  lists.seek(ref, 0, cursor);
  for (let rest = lists.length(ref); rest > 0; ) {
    const count = Math.min(rest, ITEMS_PER_COMMAND);
    beginKeyCommand(buffer, space, ref, 'RPUSH', count);
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
    beginKeyCommand(buffer, space, ref, 'ZADD', count * 2);
    for (let i = 0; i < count; i++) {
      buffer.text(formatDouble(cursor.score));
      buffer.argument(cursor.bytes, cursor.start, cursor.start + cursor.length);
      cursor.next();
    }
    rest -= count;
  }
}
