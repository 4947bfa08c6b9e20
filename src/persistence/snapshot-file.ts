/**
 * Writes one snapshot into a file, beside a server that goes on serving (spec/persistence.md 3.4, without its fork):
 *
 *   open temp → ( serialise ≤ SLICE_MS → let other events run )* → fsync → close → rename to the final name → fsync the directory
 *                       └ chunks → writes, one after the other, fdatasync every 4 MiB
 *
 * The snapshot is taken when the object is made (`source.begin`), in the same turn of the event loop; what follows may take its time. Serialising stops
 * while more than QUEUE_BYTES_MAX wait to be written, so a slow disk costs memory for the queue only.
 *
 * Invariants: (1) the final name is untouched until the temporary file is complete and synced; (2) whatever fails, the temporary file is removed and the
 * producer cancelled; (3) exactly one of success, failure, cancellation is reported.
 */
import { performance } from 'node:perf_hooks';
import {
  discardFileSync,
  type FileSystem,
  strerror,
  syncDirectory,
  syncDirectorySync,
  writeFully,
  writeFullySync,
} from './file-system.js';
import type { ChunkSink } from './rdb/rdb-writer.js';

/**
 * What a snapshot looks like: an RDB as users keep it, the same as the base of an AOF, or the commands that build the data set.
 */
export type SnapshotForm = 'rdb' | 'aof-base-rdb' | 'aof-base-commands';

/** One snapshot under way. */
export interface SnapshotProducer {
  /**
   * Serialises the next part, at least something, for about `budgetMs`.
   * @returns whether the image is complete, its trailer handed over included
   */
  step(budgetMs: number): boolean;
  /** Gives the snapshot up, if it is not complete: nothing is handed over any more. */
  cancel(): void;
  /** A chunk was written and may be filled again. */
  recycle(chunk: Uint8Array): void;
}

/** The data set, as something that snapshots can be taken of. */
export interface SnapshotSource {
  /** Begins a snapshot of this very moment. Chunks may go to the sink during `step`, and whenever a key is about to change. */
  begin(form: SnapshotForm, sink: ChunkSink): SnapshotProducer;
}

export type SnapshotStage = 'open' | 'write' | 'rename' | 'sync-directory' | 'cancelled';

/** A snapshot that did not become a file. `code` is stable; `stage` tells how far it came, `cause` what the file system said. */
export class SnapshotError extends Error {
  readonly code = 'SNAPSHOT_FAILED';

  constructor(
    readonly stage: SnapshotStage,
    /** The operation as log lines name it: `fwrite`, `fsync`, … */
    readonly operation: string,
    cause: unknown,
  ) {
    super(stage === 'cancelled' ? 'snapshot cancelled' : `snapshot failed at ${operation}: ${strerror(cause)}`, {
      cause,
    });
  }
}

export interface SnapshotFileOptions {
  fileSystem: FileSystem;
  source: SnapshotSource;
  form: SnapshotForm;
  /** Full paths; `directory` is the one that holds `finalPath`. */
  tempPath: string;
  finalPath: string;
  directory: string;
  mode: number;
  /** `rdb-save-incremental-fsync`, `aof-rewrite-incremental-fsync`. */
  incrementalFsync: boolean;
}

/** The pause that a slice of work makes for everybody else. */
const SLICE_MS = 1;
const QUEUE_BYTES_MAX = 8 << 20;
const FSYNC_EVERY_BYTES = 4 << 20;

export class SnapshotFile {
  /** Bytes handed over by the producer so far. */
  producedBytes = 0;
  /** Settles when the file is in place, or with a SnapshotError after everything was cleaned up. */
  readonly finished: Promise<void>;
  readonly #options: SnapshotFileOptions;
  readonly #producer: SnapshotProducer;
  #fd = -1;
  #queue: { chunk: Uint8Array; length: number }[] = [];
  #queuedBytes = 0;
  #unsyncedBytes = 0;
  #writer: Promise<void> | null = null;
  #failure: SnapshotError | null = null;

  /** Begins the snapshot now. */
  constructor(options: SnapshotFileOptions) {
    this.#options = options;
    this.#producer = options.source.begin(options.form, (chunk, length) => this.#take(chunk, length));
    this.finished = this.#run();
  }

  /**
   * Gives up: the producer is cancelled at once, so that another snapshot may begin in the same turn; `finished` rejects when the temporary file is gone.
   * Too late once the file is complete: then nothing happens.
   */
  cancel(): void {
    if (this.#failure !== null) return;
    this.#failure = new SnapshotError('cancelled', 'cancel', null);
    this.#producer.cancel();
  }

  /** For a process about to exit: gives up and removes the temporary file at once. */
  cancelSync(): void {
    this.cancel();
    discardFileSync(this.#options.fileSystem, this.#options.tempPath);
  }

  #take(chunk: Uint8Array, length: number): void {
    this.producedBytes += length;
    if (this.#failure !== null) return;
    this.#queue.push({ chunk, length });
    this.#queuedBytes += length;
    if (this.#fd >= 0) this.#writer ??= this.#drain();
  }

  async #run(): Promise<void> {
    const { fileSystem, tempPath, finalPath, directory, mode } = this.#options;
    try {
      // What the first snapshot of a process has to compile and to start is for later: whoever asked for it has his answer by then.
      await nextTurn();
      this.#check();
      this.#fd = await attempt('open', 'open', fileSystem.open(tempPath, 'w', mode));
      await this.#produce();
      await attempt('write', 'fsync', fileSystem.fsync(this.#fd));
      this.#check();
      const fd = this.#fd;
      this.#fd = -1;
      await attempt('write', 'fclose', fileSystem.close(fd));
      this.#check();
      await attempt('rename', 'rename', fileSystem.rename(tempPath, finalPath));
    } catch (error) {
      this.#failure ??= error as SnapshotError;
      await this.#cleanUp();
      throw this.#failure;
    }
    await attempt('sync-directory', 'fsync', syncDirectory(fileSystem, directory));
  }

  /** Serialises everything and waits until it is written. */
  async #produce(): Promise<void> {
    for (let isComplete = false; !isComplete; ) {
      this.#check();
      isComplete = this.#producer.step(SLICE_MS);
      if (this.#queuedBytes > QUEUE_BYTES_MAX || isComplete) {
        this.#writer ??= this.#drain();
        await this.#writer;
      } else {
        await nextTurn();
      }
    }
    this.#check();
  }

  /** Writes what is queued until nothing is. A failure is kept for the main loop, which meets it at its next step. */
  async #drain(): Promise<void> {
    const { fileSystem, incrementalFsync } = this.#options;
    try {
      for (let next = this.#queue.shift(); next !== undefined && this.#failure === null; next = this.#queue.shift()) {
        await attempt('write', 'fwrite', writeFully(fileSystem, this.#fd, next.chunk, 0, next.length));
        this.#queuedBytes -= next.length;
        this.#unsyncedBytes += next.length;
        this.#producer.recycle(next.chunk);
        if (incrementalFsync && this.#unsyncedBytes >= FSYNC_EVERY_BYTES) {
          this.#unsyncedBytes = 0;
          await attempt('write', 'fsync', fileSystem.fdatasync(this.#fd));
        }
      }
    } catch (error) {
      this.#failure ??= error as SnapshotError;
    }
    this.#writer = null;
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  async #cleanUp(): Promise<void> {
    const { fileSystem, tempPath } = this.#options;
    if (this.#failure?.stage !== 'cancelled') this.#producer.cancel();
    this.#queue = [];
    await this.#writer;
    if (this.#fd >= 0) await fileSystem.close(this.#fd).catch(() => {});
    this.#fd = -1;
    if (this.#failure?.stage !== 'open') await fileSystem.unlink(tempPath).catch(() => {});
  }
}

/** The same with everybody waiting: for SAVE, SHUTDOWN and DEBUG RELOAD. @throws SnapshotError, after the temporary file was removed */
export function writeSnapshotFileSync(options: SnapshotFileOptions): void {
  const { fileSystem, source, form, tempPath, finalPath, directory, mode } = options;
  const fd = attemptSync('open', 'open', () => fileSystem.openSync(tempPath, 'w', mode));
  let isOpen = true;
  try {
    const producer: SnapshotProducer = source.begin(form, (chunk, length) => {
      attemptSync('write', 'fwrite', () => writeFullySync(fileSystem, fd, chunk, 0, length));
      producer.recycle(chunk);
    });
    try {
      while (!producer.step(Number.POSITIVE_INFINITY));
    } catch (error) {
      producer.cancel();
      throw error;
    }
    attemptSync('write', 'fsync', () => fileSystem.fsyncSync(fd));
    isOpen = false;
    attemptSync('write', 'fclose', () => fileSystem.closeSync(fd));
    attemptSync('rename', 'rename', () => fileSystem.renameSync(tempPath, finalPath));
  } catch (error) {
    if (isOpen) fileSystem.closeSync(fd);
    discardFileSync(fileSystem, tempPath);
    throw error;
  }
  attemptSync('sync-directory', 'fsync', () => syncDirectorySync(fileSystem, directory));
}

async function attempt<T>(stage: SnapshotStage, operation: string, action: Promise<T>): Promise<T> {
  try {
    return await action;
  } catch (error) {
    throw new SnapshotError(stage, operation, error);
  }
}

function attemptSync<T>(stage: SnapshotStage, operation: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new SnapshotError(stage, operation, error);
  }
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** How long a piece of work took, in whole seconds as INFO shows it. */
export function elapsedSeconds(startedAtMs: number): number {
  return Math.floor((performance.now() - startedAtMs) / 1000);
}
