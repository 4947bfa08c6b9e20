/**
 * Snapshots of the keyspace in the forms that files and replicas want: RDB, or the commands that build the data set (an AOF base without RDB preamble).
 *
 * One point-in-time pass (keyspace/snapshot.ts) delivers entries; a form turns each into bytes, at once, since the reference is good only then: `RdbImage`
 * or `CommandImage`.
 */
import type { Keyspace } from '../keyspace/keyspace.js';
import { deliverAll, Snapshot, type SnapshotMarks, type SnapshotSink } from '../keyspace/snapshot.js';
import { CommandImage } from './aof/command-image.js';
import type { AccessAttribute } from './rdb/keyspace-rdb.js';
import { RDB_VERSION, RDB_VERSION_FIELD_TIMES } from './rdb/opcodes.js';
import { RdbImage } from './rdb/rdb-image.js';
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
  /** A file of ours may be of the newest version, an image for a replica may not (timed-hash-rdb.ts). */
  readonly isForReplica?: boolean;
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
    const hasFieldTimes = space.databases.some((db) => db.timedHashCount > 0);
    const version = hasFieldTimes && options.isForReplica !== true ? RDB_VERSION_FIELD_TIMES : RDB_VERSION;
    const writer = beginFile(options, sink, version);
    return this.producer(new RdbImage(writer, space, options.attribute), {
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
    const image = new CommandImage(this.space, sink);
    return this.producer(image, { complete: () => image.handOver(), recycle: () => {} });
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
function beginFile(options: RdbImageOptions, sink: ChunkSink, version = RDB_VERSION): RdbWriter {
  const writer = new RdbWriter(sink, { version, compression: options.compression, checksum: options.checksum });
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
