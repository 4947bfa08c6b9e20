/**
 * SAVE and BGSAVE: one RDB file, its log lines, and the status that INFO persistence, LASTSAVE and MISCONF show (spec/persistence.md 3.4, 9.1–9.5).
 *
 *   idle → (bgsave) saving → idle;  `save` runs from idle to idle in one go
 *
 * Change counter: `changes` grows with every change; a finished background save takes away what it had counted at its beginning.
 */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { type FileSystem, strerror } from './file-system.js';
import type { Log } from './rdb/rdb-loader.js';
import {
  elapsedSeconds,
  SnapshotError,
  SnapshotFile,
  type SnapshotFileOptions,
  type SnapshotSource,
  writeSnapshotFileSync,
} from './snapshot-file.js';

/** Read live: CONFIG SET takes effect at the next save. */
export interface RdbSettings {
  readonly dir: string;
  readonly dbfilename: string;
  readonly rdbSaveIncrementalFsync: boolean;
}

/** `save <seconds> <changes>`. */
export interface SavePoint {
  seconds: number;
  changes: number;
}

/** After a failed background save the next automatic one waits this long. */
const RETRY_AFTER_SECONDS = 5;

export class RdbSaver {
  /** Changes of the data set since the last save. */
  changes = 0;
  /** Unix seconds of the last success; the start of the server before that. */
  lastSaveSeconds: number;
  lastBackgroundSaveOk = true;
  /** Whole seconds, −1 before the first. */
  lastBackgroundSaveDuration = -1;
  /** SAVE and BGSAVE attempts. */
  saveCount = 0;
  readonly #fileSystem: FileSystem;
  readonly #source: SnapshotSource;
  readonly #settings: RdbSettings;
  readonly #log: Log;
  readonly #unixSeconds: () => number;
  #running: SnapshotFile | null = null;
  #startedAtMs = 0;
  #lastAttemptSeconds = 0;

  constructor(
    fileSystem: FileSystem,
    source: SnapshotSource,
    settings: RdbSettings,
    log: Log,
    unixSeconds: () => number,
  ) {
    this.#fileSystem = fileSystem;
    this.#source = source;
    this.#settings = settings;
    this.#log = log;
    this.#unixSeconds = unixSeconds;
    this.lastSaveSeconds = unixSeconds();
  }

  get isSaving(): boolean {
    return this.#running !== null;
  }

  /** Whole seconds the running background save takes already, −1 if there is none. */
  get currentDuration(): number {
    return this.#running === null ? -1 : elapsedSeconds(this.#startedAtMs);
  }

  /** Saves with everybody waiting. @returns whether the file is durable */
  save(): boolean {
    this.saveCount++;
    const options = this.#snapshotOptions(`temp-${process.pid}.rdb`);
    try {
      writeSnapshotFileSync(options);
    } catch (error) {
      this.#logFailure(error, options);
      return false;
    }
    this.#log('notice', 'DB saved on disk');
    this.changes = 0;
    this.lastSaveSeconds = this.#unixSeconds();
    this.lastBackgroundSaveOk = true;
    return true;
  }

  /** Starts a background save of this moment; there must be none. @returns a promise that settles with its outcome and never rejects */
  backgroundSave(): Promise<boolean> {
    this.saveCount++;
    this.#lastAttemptSeconds = this.#unixSeconds();
    this.#startedAtMs = performance.now();
    const changesBefore = this.changes;
    const options = this.#snapshotOptions(`temp-bg-${process.pid}.rdb`);
    this.#log('notice', `Background saving started by pid ${process.pid}`);
    const running = new SnapshotFile(options);
    this.#running = running;
    return running.finished.then(
      () => {
        this.#log('notice', 'DB saved on disk');
        this.#log('notice', 'Background saving terminated with success');
        this.changes -= changesBefore;
        this.lastSaveSeconds = this.#unixSeconds();
        this.#end(true);
        return true;
      },
      (error: unknown) => {
        if (error instanceof SnapshotError && error.stage === 'cancelled') {
          this.#log('warning', 'Background saving cancelled');
          this.#end(this.lastBackgroundSaveOk);
        } else {
          this.#logFailure(error, options);
          this.#log('warning', 'Background saving error');
          this.#end(false);
        }
        return false;
      },
    );
  }

  /** Stops a background save on purpose (FLUSHALL, a full sync): its status does not change. */
  cancel(): void {
    this.#running?.cancel();
  }

  /** For a process about to exit. */
  cancelSync(): void {
    this.#running?.cancelSync();
  }

  /** The save point that asks for a background save now, or null. To be asked in every cron tick without a running snapshot. */
  dueSavePoint(points: readonly SavePoint[]): SavePoint | null {
    const now = this.#unixSeconds();
    if (!this.lastBackgroundSaveOk && now - this.#lastAttemptSeconds <= RETRY_AFTER_SECONDS) return null;
    return (
      points.find(({ seconds, changes }) => this.changes >= changes && now - this.lastSaveSeconds > seconds) ?? null
    );
  }

  #end(isOk: boolean): void {
    this.#running = null;
    this.lastBackgroundSaveDuration = elapsedSeconds(this.#startedAtMs);
    this.lastBackgroundSaveOk = isOk;
  }

  /**
   * The two kinds of save use different names: after `cancel`, a write of the background save may still be in flight while SAVE already fills its file.
   */
  #snapshotOptions(tempName: string): SnapshotFileOptions {
    const { dir, dbfilename, rdbSaveIncrementalFsync } = this.#settings;
    return {
      fileSystem: this.#fileSystem,
      source: this.#source,
      form: 'rdb',
      tempPath: join(dir, tempName),
      finalPath: join(dir, dbfilename),
      directory: dir,
      mode: 0o666,
      incrementalFsync: rdbSaveIncrementalFsync,
    };
  }

  #logFailure(error: unknown, { tempPath, finalPath, directory }: SnapshotFileOptions): void {
    const reason = strerror(error instanceof SnapshotError ? error.cause : error);
    const stage = error instanceof SnapshotError ? error.stage : 'write';
    const name = (path: string) => path.slice(path.lastIndexOf('/') + 1);
    switch (stage) {
      case 'open':
        this.#log(
          'warning',
          `Failed opening the temp RDB file ${name(tempPath)} (in server root dir ${directory}) for saving: ${reason}`,
        );
        return;
      case 'rename':
        this.#log(
          'warning',
          `Error moving temp DB file ${name(tempPath)} on the final destination ${name(finalPath)} (in server root dir ${directory}): ${reason}`,
        );
        return;
      default: {
        const operation = error instanceof SnapshotError ? error.operation : 'write';
        this.#log('warning', `Write error while saving DB to the disk(${operation}): ${reason}`);
      }
    }
  }
}
