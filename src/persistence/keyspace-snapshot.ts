/**
 * Snapshots of the keyspace in the forms that files and replicas want: RDB, or the commands that build the data set (an AOF base without RDB preamble).
 *
 * One point-in-time pass (keyspace/snapshot.ts) delivers entries; a form turns each into bytes, at once, since the reference is good only then.
 */

import type { Keyspace } from '../keyspace/keyspace.js';
import { deliverAll, Snapshot, type SnapshotMarks, type SnapshotSink } from '../keyspace/snapshot.js';
import type { Ref } from '../memory/arena.js';
import {
  beginKeyCommand,
  type CommandWriter,
  writeHashCommands,
  writeListCommands,
  writeSetCommands,
  writeZsetCommands,
} from './aof/base-commands.js';
import { RecordBuffer } from './aof/record-buffer.js';
import { writeStreamCommands } from './aof/stream-commands.js';
import { type AccessAttribute, writeEntry } from './rdb/keyspace-rdb.js';
import { type ChunkSink, RdbWriter } from './rdb/rdb-writer.js';
import type { SnapshotForm, SnapshotProducer, SnapshotSource } from './snapshot-file.js';

/** Replication identity that an RDB carries, so that a restarted node can go on with a partial resynchronisation. */
export interface ReplicationAux {
  readonly streamDb: number;
  readonly id: string;
  readonly offset: number;
}

export interface RdbImageOptions {
  readonly redisVersion: string;
  readonly unixMs: number;
  readonly usedBytes: number;
  readonly compression: boolean;
  readonly checksum: boolean;
  readonly attribute: AccessAttribute;
  readonly replication: ReplicationAux | null;
  readonly isAofBase: boolean;
}

/** What the source must know of its server at the moment a snapshot begins. */
export type ImageFacts = (form: SnapshotForm) => RdbImageOptions;

export class KeyspaceSnapshots implements SnapshotSource {
  /** The snapshot under way, of whichever purpose; at most one. */
  running: Snapshot | null = null;
  private readonly space: Keyspace;
  private readonly marks: SnapshotMarks;
  private readonly facts: ImageFacts;

  constructor(space: Keyspace, marks: SnapshotMarks, facts: ImageFacts) {
    this.space = space;
    this.marks = marks;
    this.facts = facts;
  }

  /** While a snapshot runs, only one that is made in one step may begin: SAVE. */
  begin(form: SnapshotForm, sink: ChunkSink): SnapshotProducer {
    return form === 'aof-base-commands' ? this.beginCommands(sink) : this.beginRdb(this.facts(form), sink);
  }

  /** Begins an RDB image of this moment: also for full synchronisation. */
  beginRdb(options: RdbImageOptions, sink: ChunkSink): SnapshotProducer {
    const { space } = this;
    const writer = beginFile(options, sink);
    const sizes = space.databases.map((db) => [db.keyCount, db.expiryCount]);
    const announced = new Set<number>();
    let selected = -1;
    const entries: SnapshotSink = {
      entry(index, ref) {
        if (index !== selected) {
          writer.selectDb(index);
          selected = index;
          if (!announced.has(index)) writer.resizeDb(sizes[index][0], sizes[index][1]);
          announced.add(index);
        }
        writeEntry(writer, space, ref, options.attribute);
      },
    };
    return this.producer(entries, {
      complete: () => writer.end(),
      recycle: (chunk) => writer.recycle(chunk),
    });
  }

  /** An RDB image that says where it stands, but has no keys. */
  beginWithoutKeys(options: RdbImageOptions, sink: ChunkSink): SnapshotProducer {
    const writer = beginFile(options, sink);
    return {
      step() {
        writer.end();
        return true;
      },
      cancel() {},
      recycle() {},
    };
  }

  private beginCommands(sink: ChunkSink): SnapshotProducer {
    const { space } = this;
    const buffer = new RecordBuffer();
    let selected = -1;
    const handOver = (): void => {
      if (buffer.length > 0) sink(buffer.bytes.slice(0, buffer.length), buffer.length);
      buffer.clear();
    };
    const entries: SnapshotSink = {
      entry(index, ref) {
        if (index !== selected) {
          buffer.begin(2);
          buffer.text('SELECT');
          buffer.text(String(index));
          selected = index;
        }
        writeCommands(buffer, space, ref);
        if (buffer.length >= COMMAND_CHUNK_BYTES) handOver();
      },
    };
    return this.producer(entries, { complete: handOver, recycle: () => {} });
  }

  private producer(entries: SnapshotSink, form: Form): SnapshotProducer {
    if (this.running !== null) return this.wholeProducer(entries, form);
    const snapshot = new Snapshot(this.space, this.marks, entries);
    this.running = snapshot;
    const end = (): void => {
      if (this.running === snapshot) this.running = null;
    };
    return {
      step(budgetMs) {
        if (!snapshot.step(budgetMs)) return false;
        end();
        form.complete();
        return true;
      },
      cancel() {
        snapshot.abandon();
        end();
      },
      recycle: form.recycle,
    };
  }

  /** Beside the running snapshot: everything in the first step. */
  private wholeProducer(entries: SnapshotSink, form: Form): SnapshotProducer {
    const { space } = this;
    return {
      step() {
        deliverAll(space, entries);
        form.complete();
        return true;
      },
      cancel() {},
      recycle: form.recycle,
    };
  }
}

/** How entries end up in the image. */
interface Form {
  /** All entries were delivered. */
  complete(): void;
  recycle(chunk: Uint8Array): void;
}

/** @returns a writer that has written the header and what the file says of itself */
function beginFile(options: RdbImageOptions, sink: ChunkSink): RdbWriter {
  const writer = new RdbWriter(sink, { compression: options.compression, checksum: options.checksum });
  writer.begin();
  writer.aux('redis-ver', options.redisVersion);
  writer.aux('redis-bits', '64');
  writer.aux('ctime', String(Math.floor(options.unixMs / 1000)));
  writer.aux('used-mem', String(options.usedBytes));
  if (options.replication !== null) {
    writer.aux('repl-stream-db', String(options.replication.streamDb));
    writer.aux('repl-id', options.replication.id);
    writer.aux('repl-offset', String(options.replication.offset));
  }
  writer.aux('aof-base', options.isAofBase ? '1' : '0');
  return writer;
}

const COMMAND_CHUNK_BYTES = 64 * 1024;

/** The commands that build one entry. */
function writeCommands(buffer: RecordBuffer, space: Keyspace, ref: Ref): void {
  const { entries } = space;
  COMMAND_WRITERS[entries.type(ref)](buffer, space, ref);
  const expireAtMs = entries.expireAtMs(ref);
  if (expireAtMs === 0) return;
  beginKeyCommand(buffer, space, ref, 'PEXPIREAT', 1);
  buffer.text(String(expireAtMs));
}

/** By type id. */
const COMMAND_WRITERS: readonly CommandWriter[] = [
  writeStringCommand,
  writeListCommands,
  writeSetCommands,
  writeZsetCommands,
  writeHashCommands,
  writeStreamCommands,
];

function writeStringCommand(buffer: RecordBuffer, space: Keyspace, ref: Ref): void {
  const { entries } = space;
  const start = entries.valueStart(ref);
  beginKeyCommand(buffer, space, ref, 'SET', 1);
  buffer.argument(entries.view(ref), start, start + entries.valueLength(ref));
}
