/**
 * The commands that build one stream, in an AOF base without RDB preamble (spec persistence.md section 7.9): its entries, what it remembers of others,
 * then its groups. Entries that are pending but were deleted are pending no more afterwards.
 */
import type { Keyspace } from '../../keyspace/keyspace.js';
import type { Ref } from '../../memory/arena.js';
import { StreamId } from '../../memory/stream-id.js';
import { MAX_ID, MIN_ID, type Streams, streamsOf } from '../../types/stream.js';
import type { StreamCursor } from '../../types/stream-cursor.js';
import type { StreamConsumer, StreamGroup } from '../../types/stream-group.js';
import { streamIdText } from '../../types/stream-id-text.js';
import { NODE_CELL_WORDS, readNodeCell } from '../../types/stream-node.js';
import { beginKeyCommand, type ItemCommandWriter } from './base-commands.js';
import type { RecordBuffer } from './record-buffer.js';

type Word = string | Uint8Array;

const id = new StreamId();

export function writeStreamCommands(buffer: RecordBuffer, space: Keyspace, ref: Ref): void {
  const cursor = streamsOf(space).walk(ref, MIN_ID, MAX_ID, false);
  const key = keyOf(space, ref);
  while (cursor.next()) writeEntry(buffer, key, cursor);
  writeStreamRest(buffer, space, ref);
}

/** Items are cells of the index of nodes. */
export const writeNodeCommands: ItemCommandWriter = (buffer, space, key, items, count) => {
  const { cursor } = streamsOf(space);
  for (let i = 0; i < count; i++) {
    const node = readNodeCell(items, i * NODE_CELL_WORDS, id);
    cursor.beginNode(id, node);
    while (cursor.next()) writeEntry(buffer, key, cursor);
  }
};

/** What comes after the entries: what the stream remembers of others, and its groups. */
export function writeStreamRest(buffer: RecordBuffer, space: Keyspace, ref: Ref): void {
  const streams = streamsOf(space);
  const key = keyOf(space, ref);
  // An entry that is trimmed away at once leaves an empty stream.
  if (streams.length(ref) === 0) writeCommand(buffer, key, 'XADD', ['MAXLEN', '0', '0-1', 'x', 'y']);
  streams.lastId(ref, id);
  const lastId = streamIdText(id);
  streams.maxDeletedId(ref, id);
  const history = ['ENTRIESADDED', String(streams.entriesAdded(ref)), 'MAXDELETEDID', streamIdText(id)];
  writeCommand(buffer, key, 'XSETID', [lastId, ...history]);
  for (const group of streams.groupsOf(ref).inOrder()) writeGroup(buffer, key, streams, group);
}

function writeEntry(buffer: RecordBuffer, key: Uint8Array, cursor: StreamCursor): void {
  beginKeyCommand(buffer, key, 'XADD', 1 + cursor.pairCount * 2);
  buffer.text(streamIdText(cursor.id));
  for (let i = 0; i < cursor.pairCount; i++) {
    cursor.nextPair();
    for (const { bytes, start, length } of [cursor.field, cursor.value]) buffer.argument(bytes, start, start + length);
  }
}

function writeGroup(buffer: RecordBuffer, key: Uint8Array, streams: Streams, group: StreamGroup): void {
  const { owned } = streams.groups;
  const progress = [streamIdText(group.lastId), 'ENTRIESREAD', String(group.entriesRead)];
  writeGroupCommand(buffer, key, 'CREATE', group.name, progress);
  for (const consumer of group.consumers.inOrder()) {
    if (owned.count(consumer.owned) > 0) writeClaims(buffer, key, streams, group, consumer);
    else writeGroupCommand(buffer, key, 'CREATECONSUMER', group.name, [consumer.name]);
  }
}

function writeClaims(
  buffer: RecordBuffer,
  key: Uint8Array,
  { groups }: Streams,
  group: StreamGroup,
  consumer: StreamConsumer,
): void {
  const { pending, owned } = groups;
  for (let isThere = owned.seekFirst(consumer.owned); isThere; isThere = owned.next()) {
    owned.readId(id);
    pending.find(group.pending, id);
    const deliveries = (BigInt(groups.deliveriesHigh) << 32n) | BigInt(groups.deliveriesLow >>> 0);
    const times = ['TIME', String(groups.deliveredAtMs), 'RETRYCOUNT', String(deliveries)];
    const words = [group.name, consumer.name, '0', streamIdText(id), ...times, 'JUSTID', 'FORCE'];
    writeCommand(buffer, key, 'XCLAIM', words);
  }
}

/** A command with its key first. */
function writeCommand(buffer: RecordBuffer, key: Uint8Array, name: string, words: readonly Word[]): void {
  beginKeyCommand(buffer, key, name, words.length);
  writeWords(buffer, words);
}

/** A subcommand of XGROUP: its key comes second. */
function writeGroupCommand(
  buffer: RecordBuffer,
  key: Uint8Array,
  name: string,
  groupName: Uint8Array,
  words: readonly Word[],
): void {
  buffer.begin(4 + words.length);
  buffer.text('XGROUP');
  buffer.text(name);
  buffer.argument(key, 0, key.length);
  writeWords(buffer, [groupName, ...words]);
}

function writeWords(buffer: RecordBuffer, words: readonly Word[]): void {
  for (const word of words) {
    if (typeof word === 'string') buffer.text(word);
    else buffer.argument(word, 0, word.length);
  }
}

function keyOf({ entries }: Keyspace, ref: Ref): Uint8Array {
  const start = entries.keyStart(ref);
  return entries.view(ref).subarray(start, start + entries.keyLength(ref));
}
