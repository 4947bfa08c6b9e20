/**
 * The commands that build one stream, in an AOF base without RDB preamble (spec persistence.md section 7.9): its entries, what it remembers of others,
 * then its groups. Entries that are pending but were deleted are pending no more afterwards.
 */
import type { Keyspace } from '../../keyspace/keyspace.js';
import type { Ref } from '../../memory/arena.js';
import { StreamId } from '../../memory/stream-id.js';
import { MAX_ID, MIN_ID, type Streams, streamsOf } from '../../types/stream.js';
import { inOrder, type StreamConsumer, type StreamGroup } from '../../types/stream-group.js';
import { streamIdText } from '../../types/stream-id-text.js';
import { beginEntryCommand } from './base-commands.js';
import type { RecordBuffer } from './record-buffer.js';

const id = new StreamId();

export function writeStreamCommands(buffer: RecordBuffer, space: Keyspace, ref: Ref): void {
  const streams = streamsOf(space);
  const cursor = streams.walk(ref, MIN_ID, MAX_ID, false);
  let isEmpty = true;
  while (cursor.next()) {
    isEmpty = false;
    beginEntryCommand(buffer, space, ref, 'XADD', 1 + cursor.pairCount * 2);
    buffer.text(streamIdText(cursor.id));
    for (let i = 0; i < cursor.pairCount; i++) {
      cursor.nextPair();
      for (const { bytes, start, length } of [cursor.field, cursor.value])
        buffer.argument(bytes, start, start + length);
    }
  }
  // An entry that is trimmed away at once leaves an empty stream.
  if (isEmpty) writeCommand(buffer, space, ref, 'XADD', ['MAXLEN', '0', '0-1', 'x', 'y']);
  streams.lastId(ref, id);
  const lastId = streamIdText(id);
  streams.maxDeletedId(ref, id);
  const history = ['ENTRIESADDED', String(streams.entriesAdded(ref)), 'MAXDELETEDID', streamIdText(id)];
  writeCommand(buffer, space, ref, 'XSETID', [lastId, ...history]);
  for (const group of inOrder(streams.groupsOf(ref))) writeGroup(buffer, space, ref, streams, group);
}

function writeGroup(buffer: RecordBuffer, space: Keyspace, ref: Ref, streams: Streams, group: StreamGroup): void {
  const { owned } = streams.groups;
  const progress = [streamIdText(group.lastId), 'ENTRIESREAD', String(group.entriesRead)];
  writeGroupCommand(buffer, space, ref, 'CREATE', group.name, progress);
  for (const consumer of inOrder(group.consumers)) {
    if (owned.count(consumer.owned) > 0) writeClaims(buffer, space, ref, streams, group, consumer);
    else writeGroupCommand(buffer, space, ref, 'CREATECONSUMER', group.name, [consumer.name]);
  }
}

function writeClaims(
  buffer: RecordBuffer,
  space: Keyspace,
  ref: Ref,
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
    writeCommand(buffer, space, ref, 'XCLAIM', words);
  }
}

/** A command with its key first. */
function writeCommand(
  buffer: RecordBuffer,
  space: Keyspace,
  ref: Ref,
  name: string,
  words: readonly (string | Uint8Array)[],
): void {
  beginEntryCommand(buffer, space, ref, name, words.length);
  writeWords(buffer, words);
}

/** A subcommand of XGROUP: its key comes second. */
function writeGroupCommand(
  buffer: RecordBuffer,
  { entries }: Keyspace,
  ref: Ref,
  name: string,
  groupName: Uint8Array,
  words: readonly (string | Uint8Array)[],
): void {
  const start = entries.keyStart(ref);
  buffer.begin(4 + words.length);
  buffer.text('XGROUP');
  buffer.text(name);
  buffer.argument(entries.view(ref), start, start + entries.keyLength(ref));
  writeWords(buffer, [groupName, ...words]);
}

function writeWords(buffer: RecordBuffer, words: readonly (string | Uint8Array)[]): void {
  for (const word of words) {
    if (typeof word === 'string') buffer.text(word);
    else buffer.argument(word, 0, word.length);
  }
}
