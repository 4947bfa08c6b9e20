/**
 * The commands that build one stream, in an AOF base without RDB preamble (spec persistence.md section 7.9): its entries, what it remembers of others,
 * then its groups. Entries that are pending but were deleted are pending no more afterwards.
 */
import type { Keyspace } from '../../keyspace/keyspace.js';
import type { Ref } from '../../memory/arena.js';
import { ID_WORDS, readIdAt, StreamId } from '../../memory/stream-id.js';
import type { RecordBuffer } from '../../resp/record-buffer.js';
import type { FrozenGroup, FrozenGroups } from '../../types/frozen-groups.js';
import { MAX_ID, MIN_ID, type Streams, streamsOf } from '../../types/stream.js';
import type { StreamCursor } from '../../types/stream-cursor.js';
import { DELIVERIES, deliveredAtMsOf, PENDING_WORDS } from '../../types/stream-group.js';
import { streamIdText } from '../../types/stream-id-text.js';
import { NODE_CELL_WORDS, readNodeCell } from '../../types/stream-node.js';
import { beginKeyCommand, type ItemCommandWriter, type RestWriter } from './base-commands.js';

type Word = string | Uint8Array;

/** Claims that are written in one go. */
const CLAIMS_AT_ONCE = 128;

const id = new StreamId();
const cells = new Int32Array(CLAIMS_AT_ONCE * ID_WORDS);
const value = new Int32Array(PENDING_WORDS);

export function writeStreamCommands(buffer: RecordBuffer, space: Keyspace, ref: Ref): void {
  const streams = streamsOf(space);
  const cursor = streams.walk(ref, MIN_ID, MAX_ID, false);
  const key = keyOf(space, ref);
  while (cursor.next()) writeEntry(buffer, key, cursor);
  writeHistory(buffer, key, streams, ref);
  for (const _ of writeGroups(buffer, key, streams.groups.look(streams.groupsOf(ref))));
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

/** What comes after the entries: what the stream remembers of others; then its groups, which may go on changing while they are being written. */
export const writeStreamRest: RestWriter = (buffer, space, ref) => {
  const streams = streamsOf(space);
  const key = keyOf(space, ref).slice();
  writeHistory(buffer, key, streams, ref);
  const frozen = streams.freezeGroups(ref);
  let parts: Generator<void> | null = null;
  return {
    writeSome(to) {
      parts ??= writeGroups(to, key, frozen);
      return parts.next().done !== true;
    },
    release: () => streams.thawGroups(frozen),
  };
};

function writeHistory(buffer: RecordBuffer, key: Uint8Array, streams: Streams, ref: Ref): void {
  // An entry that is trimmed away at once leaves an empty stream.
  if (streams.length(ref) === 0) writeCommand(buffer, key, 'XADD', ['MAXLEN', '0', '0-1', 'x', 'y']);
  streams.lastId(ref, id);
  const lastId = streamIdText(id);
  streams.maxDeletedId(ref, id);
  const history = ['ENTRIESADDED', String(streams.entriesAdded(ref)), 'MAXDELETEDID', streamIdText(id)];
  writeCommand(buffer, key, 'XSETID', [lastId, ...history]);
}

function writeEntry(buffer: RecordBuffer, key: Uint8Array, cursor: StreamCursor): void {
  beginKeyCommand(buffer, key, 'XADD', 1 + cursor.pairCount * 2);
  buffer.text(streamIdText(cursor.id));
  for (let i = 0; i < cursor.pairCount; i++) {
    cursor.nextPair();
    for (const { bytes, start, length } of [cursor.field, cursor.value]) buffer.word(bytes, start, length);
  }
}

/** Writes the commands that build the groups, part by part. */
function* writeGroups(buffer: RecordBuffer, key: Uint8Array, { groups }: FrozenGroups): Generator<void> {
  for (const group of groups) {
    const progress = [streamIdText(group.lastId), 'ENTRIESREAD', String(group.entriesRead)];
    writeGroupCommand(buffer, key, 'CREATE', group.name, progress);
    for (const { name, owned } of group.consumers) {
      if (owned.count === 0) writeGroupCommand(buffer, key, 'CREATECONSUMER', group.name, [name]);
      for (let count = owned.read(cells); count > 0; count = owned.read(cells)) {
        for (let i = 0; i < count; i++) writeClaim(buffer, key, group, name, i * ID_WORDS);
        yield;
      }
      yield;
    }
  }
}

/** Makes the entry whose ID is in `cells`, from word `at` on, pending for a consumer. */
function writeClaim(
  buffer: RecordBuffer,
  key: Uint8Array,
  { name, pending }: FrozenGroup,
  consumer: Uint8Array,
  at: number,
): void {
  readIdAt(cells, at, id);
  pending.readValue(id, value);
  const deliveries = (BigInt(value[DELIVERIES + 1]) << 32n) | BigInt(value[DELIVERIES] >>> 0);
  const times = ['TIME', String(deliveredAtMsOf(value, 0)), 'RETRYCOUNT', String(deliveries)];
  writeCommand(buffer, key, 'XCLAIM', [name, consumer, '0', streamIdText(id), ...times, 'JUSTID', 'FORCE']);
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
  buffer.word(key, 0, key.length);
  writeWords(buffer, [groupName, ...words]);
}

function writeWords(buffer: RecordBuffer, words: readonly Word[]): void {
  for (const word of words) {
    if (typeof word === 'string') buffer.text(word);
    else buffer.word(word, 0, word.length);
  }
}

function keyOf({ entries }: Keyspace, ref: Ref): Uint8Array {
  const start = entries.keyStart(ref);
  return entries.view(ref).subarray(start, start + entries.keyLength(ref));
}
