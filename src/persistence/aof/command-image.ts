/**
 * Puts the entries of a snapshot into one stream of the commands that build them: an AOF base without RDB preamble. The items of a large value become
 * commands of their own as they come; others may stand in between.
 */
import { TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_STREAM, TYPE_ZSET } from '../../keyspace/entry.js';
import type { Keyspace } from '../../keyspace/keyspace.js';
import type { LargeValueSink, SnapshotSink } from '../../keyspace/snapshot.js';
import type { Ref } from '../../memory/arena.js';
import { RecordBuffer } from '../../resp/record-buffer.js';
import type { ChunkSink } from '../rdb/rdb-writer.js';
import {
  beginEntryCommand,
  beginKeyCommand,
  type CommandWriter,
  type ItemCommandWriter,
  type RestWriter,
  writeChunkCommands,
  writeFieldCommands,
  writeHashCommands,
  writeListCommands,
  writeMemberCommands,
  writeScoreCommands,
  writeSetCommands,
  writeZsetCommands,
} from './base-commands.js';
import { writeNodeCommands, writeStreamCommands, writeStreamRest } from './stream-commands.js';

const CHUNK_BYTES = 64 * 1024;

/** By type id. */
const COMMAND_WRITERS: readonly CommandWriter[] = [
  writeStringCommand,
  writeListCommands,
  writeSetCommands,
  writeZsetCommands,
  writeHashCommands,
  writeStreamCommands,
];

/** Of those types whose large values come in parts. */
const ITEM_WRITERS: Readonly<Record<number, ItemCommandWriter>> = {
  [TYPE_LIST]: writeChunkCommands,
  [TYPE_SET]: writeMemberCommands,
  [TYPE_ZSET]: writeScoreCommands,
  [TYPE_HASH]: writeFieldCommands,
  [TYPE_STREAM]: writeNodeCommands,
};

/** What such values have besides their items, as it is when they are frozen. */
const REST_WRITERS: Readonly<Record<number, RestWriter>> = { [TYPE_STREAM]: writeStreamRest };

export class CommandImage implements SnapshotSink {
  private readonly space: Keyspace;
  private readonly sink: ChunkSink;
  private readonly buffer = new RecordBuffer();
  private selected = -1;

  constructor(space: Keyspace, sink: ChunkSink) {
    this.space = space;
    this.sink = sink;
  }

  entry(index: number, ref: Ref): void {
    const { buffer, space } = this;
    this.select(index);
    COMMAND_WRITERS[space.entries.type(ref)](buffer, space, ref);
    this.expiry(this.keyOf(ref), space.entries.expireAtMs(ref));
    if (buffer.length >= CHUNK_BYTES) this.handOver();
  }

  largeEntry(index: number, ref: Ref): LargeValueSink {
    const { buffer, space } = this;
    const write = ITEM_WRITERS[space.entries.type(ref)];
    const key = this.keyOf(ref);
    const expireAtMs = space.entries.expireAtMs(ref);
    const rest = new RecordBuffer();
    const last = REST_WRITERS[space.entries.type(ref)]?.(rest, space, ref);
    return {
      items: (items, count) => {
        this.select(index);
        write(buffer, space, key, items, count);
        if (buffer.length >= CHUNK_BYTES) this.handOver();
      },
      end: () => {
        this.select(index);
        buffer.raw(rest.bytes, 0, rest.length);
        rest.clear();
        if (last?.writeSome(buffer)) {
          if (buffer.length >= CHUNK_BYTES) this.handOver();
          return false;
        }
        last?.release();
        this.expiry(key, expireAtMs);
        return true;
      },
      abandon: () => last?.release(),
    };
  }

  /** Hands over what there is. */
  handOver(): void {
    const { buffer } = this;
    if (buffer.length > 0) this.sink(buffer.bytes.slice(0, buffer.length), buffer.length);
    buffer.clear();
  }

  private select(index: number): void {
    if (index === this.selected) return;
    this.buffer.begin(2);
    this.buffer.text('SELECT');
    this.buffer.text(String(index));
    this.selected = index;
  }

  private expiry(key: Uint8Array, expireAtMs: number): void {
    if (expireAtMs === 0) return;
    beginKeyCommand(this.buffer, key, 'PEXPIREAT', 1);
    this.buffer.text(String(expireAtMs));
  }

  private keyOf(ref: Ref): Uint8Array {
    const { entries } = this.space;
    const start = entries.keyStart(ref);
    return entries.view(ref).slice(start, start + entries.keyLength(ref));
  }
}

function writeStringCommand(buffer: RecordBuffer, space: Keyspace, ref: Ref): void {
  const { entries } = space;
  const start = entries.valueStart(ref);
  beginEntryCommand(buffer, space, ref, 'SET', 1);
  buffer.word(entries.view(ref), start, entries.valueLength(ref));
}
