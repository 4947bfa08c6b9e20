/**
 * The writing end of the append-only log: one buffer per event-loop turn, one write per flush, and the three fsync policies (spec/persistence.md 7.8).
 *
 *   record → buffer → flush: write() → always: fdatasync, before the replies of the turn leave
 *                                      everysec: fdatasync in the background, at most one per second and one at a time
 *                                      no: the kernel decides
 *
 * Postponement: while a background fsync runs, a write to the same file would block in the kernel; so the flush is withheld, for up to two seconds, then done
 * anyway. The same holds for a file that was just replaced: until it is synced, nothing goes to its successor, so that a crash of the machine cannot keep a
 * later command and lose an earlier one.
 *
 * Errors: with `always` nothing may be acknowledged that is not on disk, so the process ends. Otherwise the buffer is kept, a part that was written is cut off
 * again, writes are refused (`refusal`), and the flush is tried again in every turn; commands executed before stay in the buffer and reach the file first.
 * A failed background fsync refuses writes as well, and is repeated; since the kernel may have dropped the pages it could not write, its success is no proof,
 * and a rewrite is asked for (Redis never tries again).
 *
 * Invariants: (1) the file ends at a record boundary after every flush, failed ones too, unless the cut itself failed; (2) `selectedDb` is −1 at the start of each file, so each begins with SELECT;
 * (3) `durableMark` only grows, and everything appended under a mark up to it is on disk; after a failed fsync it stands still until a rewrite vouches for all.
 */
import { strict as assert } from 'node:assert';
import { RecordBuffer } from '../../resp/record-buffer.js';
import { type FileSystem, strerror } from '../file-system.js';
import type { Log } from '../rdb/rdb-loader.js';

export type FsyncPolicy = 'always' | 'everysec' | 'no';

/** Read live: CONFIG SET takes effect at the next flush. */
export interface AppenderSettings {
  readonly appendfsync: FsyncPolicy;
  readonly noAppendfsyncOnRewrite: boolean;
  readonly aofTimestampEnabled: boolean;
}

export interface AppenderHooks {
  log: Log;
  unixMs: () => number;
  /** Whether a snapshot is being written: then `no-appendfsync-on-rewrite` suppresses fsync. */
  isSnapshotRunning: () => boolean;
  /** The log cannot be kept as promised; the reasons were logged. The process is to exit with status 1. */
  onFatal: () => void;
  /** What was written before a failed fsync may be gone: the data set should be written anew. */
  onRewriteNeeded: () => void;
  /** `durableMark` has grown. */
  onDurable: () => void;
}

const POSTPONE_SECONDS_MAX = 2;
const ERROR_LOG_EVERY_MS = 30_000;
const ENOSPC_TEXT = 'No space left on device';

export class AofAppender {
  /** Bytes in the current file. */
  fileBytes = 0;
  /** Times a write had to be done with a background fsync still running. */
  delayedFsyncCount = 0;
  /** Position of the stream of commands up to which records were appended: a number of the owner's, that only grows. */
  mark = 0;
  durableMark = 0;
  /** Records on their way to the file. Who adds one for another database than `selectedDb` puts SELECT in front of it. */
  readonly buffer = new RecordBuffer();
  /** Database of the last record in this file, −1 before the first. */
  selectedDb = -1;
  readonly #fileSystem: FileSystem;
  readonly #settings: AppenderSettings;
  readonly #hooks: AppenderHooks;
  #fd = -1;
  #annotatedSecond = 0;
  /** Whether bytes were written since the last fsync that has begun. */
  #hasUnsynced = false;
  #writtenMark = 0;
  #syncedMark = 0;
  #sync: Promise<void> | null = null;
  #lastSyncSecond = 0;
  /** Replaced files that are not synced yet. */
  #retiring = 0;
  #postponedSinceSecond = 0;
  #writeError: string | null = null;
  #syncError: string | null = null;
  /** An fsync has failed: what was written before may be lost, whatever later ones say. */
  #isSuspect = false;
  #lastErrorLogMs = Number.NEGATIVE_INFINITY;

  constructor(fileSystem: FileSystem, settings: AppenderSettings, hooks: AppenderHooks) {
    this.#fileSystem = fileSystem;
    this.#settings = settings;
    this.#hooks = hooks;
  }

  get isOpen(): boolean {
    return this.#fd >= 0;
  }

  /** Whether everything appended so far is on disk. */
  get isAllDurable(): boolean {
    return (
      this.isOpen &&
      this.buffer.length === 0 &&
      !this.#hasUnsynced &&
      this.#sync === null &&
      this.#retiring === 0 &&
      !this.#isSuspect
    );
  }

  /** Background fsyncs under way: `aof_pending_bio_fsync`. */
  get pendingFsyncCount(): number {
    return (this.#sync === null ? 0 : 1) + this.#retiring;
  }

  /** Why writes are to be refused (the text behind `MISCONF Errors writing to the AOF file: `), or null. */
  get refusal(): string | null {
    return this.#writeError ?? this.#syncError;
  }

  /** Starts to append to an open file. Its predecessor must have been closed or retired. */
  open(fd: number, fileBytes: number): void {
    this.#fd = fd;
    this.fileBytes = fileBytes;
    this.selectedDb = -1;
  }

  /** A rewrite that began after every failed fsync is durable: nothing depends on what those may have lost. */
  onRewritten(): void {
    this.#isSuspect = false;
    this.#advanceDurable();
  }

  /**
   * Adds the time annotation, if there is to be one and the second is new. To be called before a unit's first bytes go to `buffer`.
   * @param unixSeconds  the server's cached clock, which stands still during an execution unit
   */
  annotate(unixSeconds: number): void {
    if (!this.#settings.aofTimestampEnabled || unixSeconds <= this.#annotatedSecond) return;
    this.#annotatedSecond = unixSeconds;
    this.buffer.ascii(`#TS:${unixSeconds}\r\n`);
  }

  /**
   * Writes what has accumulated. To be called once per event-loop turn, before its replies leave, and once per cron tick.
   * @param isForced  does not wait for a background fsync
   * @returns         whether nothing is left in the buffer
   */
  flush(isForced = false): boolean {
    if (this.#fd < 0) return this.buffer.length === 0;
    if (this.buffer.length === 0) {
      this.#postponedSinceSecond = 0;
      if (this.#hasUnsynced || this.#syncError !== null) this.#syncInBackground();
      return true;
    }
    if (!isForced && this.#isPostponed()) return false;
    if (!this.#write()) return false;
    if (this.#settings.appendfsync === 'always') this.#syncNow();
    else this.#syncInBackground();
    return true;
  }

  /**
   * Goes on in a new file. The old one is synced and closed in the background; the buffer must be empty, since its records lean on the old file's SELECT.
   * @returns settles when the old file is synced or has failed to be
   */
  replaceFile(fd: number, fileBytes: number): Promise<void> {
    assert(this.buffer.length === 0, 'the old file has its records');
    const old = this.#fd;
    const oldMark = this.#writtenMark;
    if (this.#settings.appendfsync === 'always' && this.#hasUnsynced) this.#syncNow();
    this.open(fd, fileBytes);
    this.#hasUnsynced = false;
    return old < 0 ? Promise.resolve() : this.#retire(old, oldMark);
  }

  /** Stops appending and leaves what is in the buffer unwritten. */
  async abandon(): Promise<void> {
    const fd = this.#fd;
    this.#fd = -1;
    this.buffer.clear();
    this.#writeError = null;
    this.#syncError = null;
    await this.#sync;
    if (fd >= 0) await this.#fileSystem.close(fd).catch(() => {});
  }

  /** Writes and syncs everything, then closes: for `appendonly no` and shutdown. @returns whether all of it is on disk */
  closeSync(): boolean {
    if (this.#fd < 0) return true;
    const isWritten = this.flush(true);
    const fd = this.#fd;
    let isSynced = false;
    try {
      this.#fileSystem.fdatasyncSync(fd);
      isSynced = true;
      this.#syncedMark = this.#writtenMark;
      this.#advanceDurable();
    } catch (error) {
      this.#hooks.log('warning', `Fail to fsync the AOF file: ${strerror(error)}`);
    }
    this.#fd = -1;
    // A background fsync may still use the descriptor; it is closed behind it then.
    void (this.#sync ?? Promise.resolve()).then(() => this.#fileSystem.close(fd)).catch(() => {});
    this.buffer.clear();
    this.#writeError = null;
    this.#syncError = null;
    this.#hasUnsynced = false;
    return isWritten && isSynced;
  }

  #isPostponed(): boolean {
    if (this.#settings.appendfsync === 'always') return false;
    const isBusy = this.#retiring > 0 || (this.#sync !== null && this.#settings.appendfsync === 'everysec');
    if (!isBusy) {
      this.#postponedSinceSecond = 0;
      return false;
    }
    const second = this.#second();
    if (this.#postponedSinceSecond === 0) {
      this.#postponedSinceSecond = second;
      return true;
    }
    if (second - this.#postponedSinceSecond < POSTPONE_SECONDS_MAX) return true;
    this.#postponedSinceSecond = 0;
    this.delayedFsyncCount++;
    this.#hooks.log(
      'notice',
      'Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer without waiting for fsync to complete, this may slow down Redis.',
    );
    return false;
  }

  #write(): boolean {
    const { buffer } = this;
    let written = 0;
    try {
      written = this.#fileSystem.writeSync(this.#fd, buffer.bytes, 0, buffer.length);
    } catch (error) {
      this.#onWriteFailed(strerror(error), `Error writing to the AOF file: ${strerror(error)}`);
      return false;
    }
    if (written < buffer.length) {
      const line = `Short write while writing to the AOF file: (nwritten=${written}, expected=${buffer.length})`;
      this.#undoPart(written);
      this.#onWriteFailed(ENOSPC_TEXT, line);
      return false;
    }
    this.fileBytes += written;
    this.#writtenMark = this.mark;
    this.#hasUnsynced = true;
    this.#postponedSinceSecond = 0;
    buffer.clear();
    if (this.#writeError !== null) {
      this.#writeError = null;
      this.#hooks.log('warning', 'AOF write error looks solved, Redis can write again.');
    }
    return true;
  }

  /** Cuts off what a short write has added; if that fails too, the part counts as written and leaves the buffer. */
  #undoPart(written: number): void {
    if (written === 0) return;
    try {
      this.#fileSystem.truncateSync(this.#fd, this.fileBytes);
    } catch (error) {
      this.#hooks.log(
        'warning',
        `Could not remove short write from the append-only file.  Redis may refuse to load the AOF the next time it starts.  ftruncate: ${strerror(error)}`,
      );
      this.fileBytes += written;
      this.#hasUnsynced = true;
      this.buffer.dropFront(written);
    }
  }

  #onWriteFailed(reason: string, line: string): void {
    const now = this.#hooks.unixMs();
    if (now - this.#lastErrorLogMs >= ERROR_LOG_EVERY_MS || this.#settings.appendfsync === 'always') {
      this.#lastErrorLogMs = now;
      this.#hooks.log('warning', line);
    }
    this.#writeError = reason;
    if (this.#settings.appendfsync !== 'always') return;
    this.#hooks.log('warning', "Can't recover from AOF write error when the AOF fsync policy is 'always'. Exiting...");
    this.#hooks.onFatal();
  }

  #syncNow(): void {
    if (this.#isSyncSuppressed()) return;
    try {
      this.#fileSystem.fdatasyncSync(this.#fd);
    } catch (error) {
      this.#hooks.log(
        'warning',
        `Can't persist AOF for fsync error when the AOF fsync policy is 'always': ${strerror(error)}. Exiting...`,
      );
      this.#hooks.onFatal();
      return;
    }
    this.#hasUnsynced = false;
    this.#lastSyncSecond = this.#second();
    this.#syncedMark = this.#writtenMark;
    this.#advanceDurable();
  }

  #syncInBackground(): void {
    if (this.#settings.appendfsync !== 'everysec' && this.#syncError === null) return;
    if (this.#sync !== null || this.#isSyncSuppressed()) return;
    const second = this.#second();
    if (second <= this.#lastSyncSecond) return;
    this.#lastSyncSecond = second;
    this.#hasUnsynced = false;
    const markInFile = this.#writtenMark;
    const fd = this.#fd;
    this.#sync = this.#fileSystem.fdatasync(fd).then(
      () => {
        this.#sync = null;
        this.#syncedMark = Math.max(this.#syncedMark, markInFile);
        this.#advanceDurable();
        if (this.#syncError === null || fd !== this.#fd) return;
        this.#syncError = null;
        this.#hooks.log('warning', 'AOF write error looks solved, Redis can write again.');
        this.#hooks.onRewriteNeeded();
      },
      (error: unknown) => {
        this.#sync = null;
        this.#hooks.log('warning', `Fail to fsync the AOF file: ${strerror(error)}`);
        this.#isSuspect = true;
        if (fd !== this.#fd) return;
        this.#hasUnsynced = true;
        this.#syncError = strerror(error);
      },
    );
  }

  async #retire(fd: number, markInFile: number): Promise<void> {
    this.#retiring++;
    await this.#sync;
    try {
      await this.#fileSystem.fdatasync(fd);
      this.#syncedMark = Math.max(this.#syncedMark, markInFile);
    } catch (error) {
      this.#hooks.log('warning', `Fail to fsync the AOF file: ${strerror(error)}`);
      this.#isSuspect = true;
      this.#syncError = strerror(error);
    }
    await this.#fileSystem.close(fd).catch(() => {});
    this.#retiring--;
    this.#advanceDurable();
  }

  #advanceDurable(): void {
    if (this.#retiring > 0 || this.#isSuspect || this.#syncedMark <= this.durableMark) return;
    this.durableMark = this.#syncedMark;
    this.#hooks.onDurable();
  }

  #isSyncSuppressed(): boolean {
    return this.#settings.noAppendfsyncOnRewrite && this.#hooks.isSnapshotRunning();
  }

  #second(): number {
    return Math.floor(this.#hooks.unixMs() / 1000);
  }
}
