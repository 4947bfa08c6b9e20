/**
 * Streams in RDB: the nodes as they lie in memory, then what the stream remembers, then its consumer groups. Spec persistence.md section 2.12.
 *
 * Written as STREAM_2, which Redis 7.0 knows: it lacks only when a consumer was active last. Older forms lack more, and it is worked out on load.
 */
import type { Database } from '../../keyspace/database.js';
import type { Keyspace } from '../../keyspace/keyspace.js';
import type { Ref } from '../../memory/arena.js';
import { listpackBytes } from '../../memory/listpack.js';
import { ID_WORDS, readIdAt, StreamId } from '../../memory/stream-id.js';
import type { FrozenGroups } from '../../types/frozen-groups.js';
import type { FrozenIds } from '../../types/frozen-ids.js';
import { MIN_ID, type Streams, streamsOf } from '../../types/stream.js';
import { DELIVERIES, deliveredAtMsOf, PENDING_WORDS, type StreamConsumer } from '../../types/stream-group.js';
import { NODE_CELL_WORDS, readNodeCell, type StreamNodes } from '../../types/stream-node.js';
import { entriesReadUpTo } from '../../types/stream-progress.js';
import { RdbType } from './opcodes.js';
import { RdbCursor, RdbString } from './rdb-cursor.js';
import type { RdbRecord } from './rdb-reader.js';
import { type RdbWriter, SAMPLED_NODES } from './rdb-writer.js';
import { RAW_ID_BYTES, readRawId } from './stream-ids.js';
import type { ValueAssembly } from './value-assembly.js';
import type { LongPart, ValueForm } from './value-form.js';

const CELLS_AT_ONCE = 512;
const STREAM_TYPES: ReadonlySet<number> = new Set([RdbType.STREAM, RdbType.STREAM_2, RdbType.STREAM_3]);

const id = new StreamId();
const otherId = new StreamId();
const rawId = new DataView(new ArrayBuffer(RAW_ID_BYTES));
const rawIdBytes = new Uint8Array(rawId.buffer);
/** Pending entries that are written in one go. */
const cells = new Int32Array(CELLS_AT_ONCE * (ID_WORDS + PENDING_WORDS));
const cursor = new RdbCursor();
const string = new RdbString();

export const streamForm: ValueForm = {
  rdbType: () => RdbType.STREAM_2,
  write: writeStream,
  writeItems: writeNodes,
  writeRest,
  reads: (rdbType) => STREAM_TYPES.has(rdbType),
  add: addStream,
  assembly: (space) => new StreamAssembly(streamsOf(space)),
};

function writeStream(writer: RdbWriter, space: Keyspace, ref: Ref): void {
  const streams = streamsOf(space);
  const { nodes } = streams;
  const { index } = nodes;
  const count = streams.nodeCount(ref);
  writer.lengthOf(count);
  const mark = writer.totalBytes;
  let written = 0;
  for (let isThere = index.seekFirst(streams.indexOf(ref)); isThere; isThere = index.next()) {
    if (written++ === SAMPLED_NODES) writer.reserveRest(mark, SAMPLED_NODES, count);
    index.readId(id);
    writeNode(writer, nodes, id, nodes.node);
  }
  writeHistory(writer, streams, ref);
  const groups = new GroupWriter(writer, streams.groups.look(streams.groupsOf(ref)));
  while (groups.writeSome(writer));
}

/** Items are cells of the index of nodes. */
function writeNodes(writer: RdbWriter, space: Keyspace, items: readonly Ref[], count: number): void {
  const { nodes } = streamsOf(space);
  for (let i = 0; i < count; i++) {
    const node = readNodeCell(items, i * NODE_CELL_WORDS, id);
    writeNode(writer, nodes, id, node);
  }
}

function writeNode(writer: RdbWriter, nodes: StreamNodes, masterId: StreamId, node: Ref): void {
  encodeRawId(masterId);
  writer.string(rawIdBytes, 0, RAW_ID_BYTES);
  const bytes = nodes.view(node);
  const base = nodes.base(node);
  writer.string(bytes, base, base + listpackBytes(bytes, base));
}

/** What the stream remembers. @returns its groups, which may go on changing while they are being written */
function writeRest(writer: RdbWriter, space: Keyspace, ref: Ref): LongPart {
  const streams = streamsOf(space);
  writeHistory(writer, streams, ref);
  const frozen = streams.freezeGroups(ref);
  const groups = new GroupWriter(writer, frozen);
  return {
    writeSome: (to) => groups.writeSome(to),
    release: () => streams.thawGroups(frozen),
  };
}

function writeHistory(writer: RdbWriter, streams: Streams, ref: Ref): void {
  writer.lengthOf(streams.length(ref));
  streams.lastId(ref, id);
  writeId(writer, id);
  streams.firstId(ref, id);
  writeId(writer, id);
  streams.maxDeletedId(ref, id);
  writeId(writer, id);
  writeUint64(writer, streams.entriesAdded(ref));
}

/** Writes the groups of a stream, of which millions of entries may be pending, in parts. */
class GroupWriter {
  private readonly parts: Generator<void>;
  /** Another one in each part, maybe. */
  private writer: RdbWriter;

  constructor(writer: RdbWriter, frozen: FrozenGroups) {
    this.writer = writer;
    this.parts = this.write(frozen);
  }

  /** @returns whether there is more */
  writeSome(writer: RdbWriter): boolean {
    this.writer = writer;
    return this.parts.next().done !== true;
  }

  private *write({ groups }: FrozenGroups): Generator<void> {
    this.writer.lengthOf(groups.length);
    for (const { name, lastId, entriesRead, pending, consumers } of groups) {
      this.writeName(name);
      writeId(this.writer, lastId);
      writeUint64(this.writer, entriesRead);
      yield* this.writeCells(pending, writePending);
      this.writer.lengthOf(consumers.length);
      for (const consumer of consumers) {
        this.writeName(consumer.name);
        this.writer.int64(consumer.seenAtMs);
        yield* this.writeCells(consumer.owned, writeOwned);
        // A group may have thousands of consumers that own nothing.
        yield;
      }
    }
  }

  private writeName(name: Uint8Array): void {
    this.writer.string(name, 0, name.length);
  }

  private *writeCells(ids: FrozenIds, writeCell: CellWriter): Generator<void> {
    this.writer.lengthOf(ids.count);
    for (let count = ids.read(cells); count > 0; count = ids.read(cells)) {
      const { cellWords } = ids;
      for (let i = 0; i < count; i++) writeCell(this.writer, i * cellWords);
      yield;
    }
  }
}

/** Writes a cell that is in `cells`, from word `at` on. */
type CellWriter = (writer: RdbWriter, at: number) => void;

function writePending(writer: RdbWriter, at: number): void {
  writeOwned(writer, at);
  const value = at + ID_WORDS;
  writer.int64(deliveredAtMsOf(cells, value));
  writer.lengthOfHalves(cells[value + DELIVERIES + 1], cells[value + DELIVERIES]);
}

function writeOwned(writer: RdbWriter, at: number): void {
  readIdAt(cells, at, id);
  writeRawId(writer, id);
}

function addStream(
  space: Keyspace,
  db: Database,
  record: RdbRecord,
  key: Uint8Array,
  start: number,
  length: number,
  expireAtMs: number,
): Ref {
  const streams = streamsOf(space);
  const index = streams.nodes.index.create();
  cursor.reset(record.bytes, record.start, record.end);
  for (let rest = cursor.length(); rest > 0; rest--) {
    cursor.string(string);
    readRawId(string.bytes, string.start, id);
    cursor.blob(string);
    streams.nodes.adopt(index, id, string.bytes, string.start, string.end - string.start);
  }
  const ref = streams.create(db, key, start, length, expireAtMs, index);
  addRest(streams, ref, record.type);
  return ref;
}

/** Reads what stands behind the nodes, from the cursor on. */
function addRest(streams: Streams, ref: Ref, type: number): void {
  cursor.length();
  readId(id);
  if (type === RdbType.STREAM) {
    streams.restoreHistory(ref, id, null, MIN_ID);
    streams.restoreEntriesAdded(ref, BigInt(streams.length(ref)));
  } else {
    const firstId = new StreamId();
    readId(firstId);
    readId(otherId);
    streams.restoreHistory(ref, id, firstId, otherId);
    streams.restoreEntriesAdded(ref, cursor.exactLength());
  }
  for (let rest = cursor.length(); rest > 0; rest--) addGroup(streams, ref, type);
}

class StreamAssembly implements ValueAssembly {
  private readonly streams: Streams;
  private index: Ref = 0;
  private restAt = 0;

  constructor(streams: Streams) {
    this.streams = streams;
  }

  begin(): void {
    this.index = this.streams.nodes.index.create();
  }

  /** A stream comes in nodes. */
  element(): boolean {
    return true;
  }

  endElements(): boolean {
    return true;
  }

  node({ bytes, start, end }: RdbString, masterId: StreamId): void {
    this.streams.nodes.adopt(this.index, masterId, bytes, start, end - start);
  }

  endNodes(at: number): void {
    this.restAt = at;
  }

  finish(db: Database, record: RdbRecord, key: Uint8Array, start: number, length: number, expireAtMs: number): Ref {
    const ref = this.streams.create(db, key, start, length, expireAtMs, this.index);
    cursor.reset(record.bytes, this.restAt, record.end);
    addRest(this.streams, ref, record.type);
    return ref;
  }

  discard(): void {
    if (this.index !== 0) this.streams.freeIndex(this.index);
  }
}

function addGroup(streams: Streams, ref: Ref, type: number): void {
  const { groups } = streams;
  cursor.string(string);
  const name = string.bytes.subarray(string.start, string.end);
  readId(id);
  const entriesRead =
    type === RdbType.STREAM ? entriesReadUpTo(streams, ref, id) : BigInt.asIntN(64, cursor.exactLength());
  const group = groups.create(streams.groupsForWrite(ref), name, id, entriesRead);
  for (let rest = cursor.length(); rest > 0; rest--) {
    takeRawId(id);
    groups.restorePending(group, id, cursor.int64(), cursor.exactLength());
  }
  for (let rest = cursor.length(); rest > 0; rest--) {
    cursor.string(string);
    const consumerName = string.bytes.subarray(string.start, string.end);
    const seenAtMs = cursor.int64();
    const consumer: StreamConsumer = groups.createConsumer(group, consumerName, seenAtMs);
    consumer.activeAtMs = type === RdbType.STREAM_3 ? cursor.int64() : seenAtMs;
    for (let left = cursor.length(); left > 0; left--) {
      takeRawId(id);
      groups.restoreOwner(group, id, consumer);
    }
  }
}

function writeId(writer: RdbWriter, value: StreamId): void {
  writer.lengthOfHalves(value.msHigh, value.msLow);
  writer.lengthOfHalves(value.seqHigh, value.seqLow);
}

/** A u64; −1 counts as 2^64 − 1. */
function writeUint64(writer: RdbWriter, value: bigint): void {
  writer.lengthOfHalves(Number(BigInt.asIntN(32, value >> 32n)), Number(BigInt.asIntN(32, value)));
}

function encodeRawId(value: StreamId): void {
  rawId.setInt32(0, value.msHigh);
  rawId.setInt32(4, value.msLow);
  rawId.setInt32(8, value.seqHigh);
  rawId.setInt32(12, value.seqLow);
}

function writeRawId(writer: RdbWriter, value: StreamId): void {
  encodeRawId(value);
  writer.bytesRange(rawIdBytes, 0, RAW_ID_BYTES);
}

/** Reads the next 16 bytes as an ID. */
function takeRawId(into: StreamId): void {
  readRawId(cursor.bytes, cursor.at, into);
  cursor.skip(RAW_ID_BYTES);
}

/** Reads an ID as two lengths. */
function readId(into: StreamId): void {
  const ms = cursor.exactLength();
  const seq = cursor.exactLength();
  into.set(high(ms), low(ms), high(seq), low(seq));
}

function high(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n));
}

function low(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}
