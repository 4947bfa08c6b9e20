/**
 * The append-only log as a whole: loading and opening it at start, switching it on and off, and rewriting it (spec/persistence.md 7.7, 7.9, 7.10).
 *
 *   off ──enable──▶ enabling ──first rewrite committed──▶ on          `start` goes from off to on directly
 *   on, enabling ──disable──▶ off                                     a failed attempt of `enabling` is repeated by `tick`
 *
 * A rewrite, in this order (no step begins before the one above is done):
 *   1 flush the buffer; create the next incr file                     enabling: temp incr; off: neither
 *   2 list it in the manifest, durably                                on only
 *   3 in one turn: flush into the old file, append to the new one from now on, begin the snapshot
 *   4 write the base under a temporary name, fsync it, rename it into the directory
 *   5 enabling: give the temp incr its real name
 *   6 write the manifest with the new base: the commit point
 *   7 remove what became history
 *
 * So at every moment base + incr files of the manifest on disk hold every command exactly once. What fails before 6 leaves the old manifest and one more
 * incr file; a manifest write that fails after its rename is taken back, and no file of either manifest is removed if it cannot be.
 */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { discardFileSync, type FileSystem, strerror } from '../file-system.js';
import type { RdbTarget } from '../rdb/rdb-loader.js';
import {
  elapsedSeconds,
  SnapshotError,
  SnapshotFile,
  type SnapshotForm,
  type SnapshotSource,
} from '../snapshot-file.js';
import { AofAppender, type AppenderHooks, type AppenderSettings } from './aof-appender.js';
import { AOF_FILE_MODE, AofDirectory, type AofPaths, ManifestError } from './aof-directory.js';
import { type AofExecutor, loadAof } from './aof-loader.js';
import { type AofFile, type AofManifest, isEmptyManifest, rewritten, withBase, withIncr } from './manifest.js';

/** Read live: CONFIG SET takes effect at the next use. */
export interface AofSettings extends AppenderSettings {
  readonly aofLoadTruncated: boolean;
  readonly aofUseRdbPreamble: boolean;
  readonly aofRewriteIncrementalFsync: boolean;
  readonly aofDisableAutoGc: boolean;
  readonly autoAofRewritePercentage: number;
  readonly autoAofRewriteMinSize: number;
  /** For RDB parts: `databases` (1 in cluster mode) and `rdbchecksum`. */
  readonly databases: number;
  readonly rdbchecksum: boolean;
}

export interface AofHooks extends Omit<AppenderHooks, 'onRewriteNeeded'> {
  /** The log was switched on for good: the first rewrite after `enable` is committed. */
  onEnabled: () => void;
}

export type AofState = 'off' | 'enabling' | 'on';

/** `empty`: there is no log, or nothing in it. `failed`: the reasons were logged, a starting server exits with status 1. */
export type AofLoadOutcome = 'loaded' | 'empty' | 'failed';

/** From this many failures in a row on, automatic rewrites wait 1, 2, 4 … 60 minutes. */
const FAILURES_BEFORE_DELAY = 3;
const DELAY_MINUTES_MAX = 60;

export class Aof {
  state: AofState = 'off';
  readonly directory: AofDirectory;
  readonly appender: AofAppender;
  lastRewriteOk = true;
  /** Whole seconds, −1 before the first. */
  lastRewriteDuration = -1;
  rewriteCount = 0;
  consecutiveFailures = 0;
  /** A rewrite is to begin as soon as no other snapshot runs. */
  isRewriteScheduled = false;
  /** Size that growth is measured against. */
  baseBytes = 0;
  /** Bytes in the files before the current incr file. */
  #settledBytes = 0;
  readonly #fileSystem: FileSystem;
  readonly #source: SnapshotSource;
  readonly #settings: AofSettings;
  readonly #hooks: AofHooks;
  #isRewriting = false;
  #snapshot: SnapshotFile | null = null;
  #isCancelled = false;
  #rewriteStartedAtMs = 0;
  #lastAttemptMs = 0;
  #announcedDelayMinutes = 0;
  /** Of the base being written: what `aof-use-rdb-preamble` said when its snapshot began. */
  #suffix: 'rdb' | 'aof' = 'rdb';

  constructor(fileSystem: FileSystem, source: SnapshotSource, paths: AofPaths, settings: AofSettings, hooks: AofHooks) {
    this.#fileSystem = fileSystem;
    this.#source = source;
    this.#settings = settings;
    this.#hooks = hooks;
    this.directory = new AofDirectory(fileSystem, paths, hooks.log);
    this.appender = new AofAppender(fileSystem, settings, {
      ...hooks,
      onRewriteNeeded: () => {
        this.isRewriteScheduled = true;
      },
    });
  }

  get isRewriting(): boolean {
    return this.#isRewriting;
  }

  /** Whether write commands are to be recorded: the log is on, or the attempt to switch it on is under way. */
  get isRecording(): boolean {
    return this.appender.isOpen;
  }

  /** Why writes are to be refused (the text behind `MISCONF Errors writing to the AOF file: `), or null. */
  get refusal(): string | null {
    return this.state === 'on' ? this.appender.refusal : null;
  }

  /** Whole seconds the running rewrite takes already, −1 if there is none. */
  get currentRewriteDuration(): number {
    return this.#isRewriting ? elapsedSeconds(this.#rewriteStartedAtMs) : -1;
  }

  /** Bytes of base and incr files. */
  get currentBytes(): number {
    return this.#settledBytes + this.appender.fileBytes;
  }

  /**
   * Reads the log, if there is one, into the data set, which is empty. Works with the log on or off (DEBUG LOADAOF); no rewrite may be under way.
   */
  async load(
    executor: AofExecutor,
    rdbTarget: RdbTarget,
    onProgress: (loadedBytes: number) => void,
  ): Promise<AofLoadOutcome> {
    const { log } = this.#hooks;
    try {
      if (!this.directory.readManifest()) return 'failed';
      await this.directory.upgrade();
    } catch (error) {
      log('warning', `Fatal error: can't prepare the append only file: ${reasonOf(error)}`);
      return 'failed';
    }
    const result = await loadAof(this.#fileSystem, this.directory, executor, rdbTarget, {
      loadTruncated: this.#settings.aofLoadTruncated,
      databases: this.#settings.databases,
      checksum: this.#settings.rdbchecksum,
      log,
      onProgress,
    });
    if (!result.ok) return 'failed';
    this.baseBytes = result.baseBytes;
    this.#settledBytes = result.totalBytes - (this.state === 'on' ? this.appender.fileBytes : 0);
    return result.isEmpty ? 'empty' : 'loaded';
  }

  /** Opens the log for appending, after `load`, creating what is missing. @returns false if that failed; the reasons were logged */
  async open(): Promise<boolean> {
    const { log } = this.#hooks;
    const { directory } = this;
    try {
      directory.create();
      for (const name of directory.unlistedFiles()) {
        log('warning', `AOF file ${name} is not listed in the manifest. It is left alone and not loaded.`);
      }
      let { manifest } = directory;
      if (isEmptyManifest(manifest)) {
        this.#suffix = this.#settings.aofUseRdbPreamble ? 'rdb' : 'aof';
        const base = directory.nextBase(this.#suffix);
        log('notice', `Creating AOF base file ${base.name} on server start`);
        await this.#writeBase(base);
        manifest = withBase(manifest, base.name, base.seq);
      }
      let current = manifest.incr.at(-1);
      if (current === undefined) {
        current = directory.nextIncr();
        log('notice', `Creating AOF incr file ${current.name} on server start`);
        this.appender.open(this.#createFile(current), 0);
        manifest = withIncr(manifest, current.name, current.seq);
      } else {
        log('notice', `Opening AOF incr file ${current.name} on server start`);
        const path = directory.pathOf(current.name);
        const bytes = this.#fileSystem.sizeSync(path);
        this.appender.open(this.#fileSystem.openSync(path, 'a', AOF_FILE_MODE), bytes);
        this.#settledBytes -= bytes;
      }
      if (manifest !== directory.manifest) await directory.persist(manifest);
    } catch (error) {
      log('warning', `Fatal error: can't open the append-only file for writing: ${reasonOf(error)}`);
      return false;
    }
    this.state = 'on';
    if (!this.#settings.aofDisableAutoGc) await directory.deleteHistory();
    return true;
  }

  /**
   * Switches the log on: it is complete when the first rewrite is. If another snapshot runs, that begins with a later `tick`.
   * @returns false if it cannot begin; the log is off then
   */
  async enable(isSnapshotRunning: boolean): Promise<boolean> {
    if (this.state !== 'off') return true;
    this.state = 'enabling';
    if (isSnapshotRunning || this.#isRewriting) return true;
    try {
      if (!this.directory.readManifest()) throw new Error('the manifest is damaged');
    } catch (error) {
      this.#hooks.log('warning', `The append only file can't be enabled: ${reasonOf(error)}`);
      this.state = 'off';
      return false;
    }
    const begun = await this.rewrite();
    if (!begun) this.state = 'off';
    return begun;
  }

  /** Switches the log off. Its files stay. @returns whether everything was on disk */
  disable(): boolean {
    const wasOn = this.state === 'on';
    this.state = 'off';
    this.cancelRewrite();
    this.isRewriteScheduled = false;
    if (wasOn) return this.appender.closeSync();
    void this.appender.abandon();
    discardFileSync(this.#fileSystem, this.directory.enablingIncrPath);
    return true;
  }

  /**
   * Begins a rewrite; none may be under way, and no other snapshot. What follows runs by itself and ends in `lastRewriteOk`.
   * @returns whether it has begun: the snapshot is taken
   */
  async rewrite(): Promise<boolean> {
    const { log } = this.#hooks;
    this.#isRewriting = true;
    this.#isCancelled = false;
    this.isRewriteScheduled = false;
    this.rewriteCount++;
    this.#rewriteStartedAtMs = performance.now();
    this.#lastAttemptMs = this.#hooks.unixMs();
    const { state } = this;
    let incr: AofFile | null = null;
    try {
      this.directory.create();
      if (state === 'off' && !this.directory.readManifest()) throw new Error('the manifest is damaged');
      if (state === 'on') incr = await this.#beginIncr();
      else if (state === 'enabling') this.#beginEnablingIncr();
      if (state !== 'on') this.#beginSnapshot();
    } catch (error) {
      log('warning', `Can't begin the AOF rewrite: ${reasonOf(error)}`);
      this.#endRewrite(false);
      return false;
    }
    log('notice', `Background append only file rewriting started by pid ${process.pid}`);
    void this.#complete(this.#snapshot!, incr, state === 'enabling');
    return true;
  }

  /** Gives a running rewrite up: SHUTDOWN, `appendonly no`, a full sync. Its status does not change. */
  cancelRewrite(): void {
    this.#isCancelled = true;
    this.#snapshot?.cancel();
  }

  /** For a process about to exit. @returns whether the log is on disk as far as it exists */
  closeSync(): boolean {
    this.#isCancelled = true;
    this.#snapshot?.cancelSync();
    const isDurable = this.state !== 'on' || this.appender.closeSync();
    if (this.state === 'enabling') discardFileSync(this.#fileSystem, this.directory.enablingIncrPath);
    this.state = 'off';
    return isDurable;
  }

  /**
   * To be called in every cron tick: flushes what is left, and begins a rewrite that is scheduled or due.
   * @param isSnapshotRunning  whether another snapshot (a background save, a full sync) is under way
   */
  tick(isSnapshotRunning: boolean): void {
    this.appender.flush();
    if (this.#isRewriting || isSnapshotRunning) return;
    const isAsked = this.isRewriteScheduled || this.state === 'enabling';
    if (isAsked) {
      if (!this.#isDelayed()) void this.rewrite();
      return;
    }
    if (this.state !== 'on' || this.#settings.autoAofRewritePercentage === 0) return;
    if (this.currentBytes <= this.#settings.autoAofRewriteMinSize) return;
    const growth = Math.floor((this.currentBytes * 100) / (this.baseBytes || 1)) - 100;
    if (growth < this.#settings.autoAofRewritePercentage || this.#isDelayed()) return;
    this.#hooks.log('notice', `Starting automatic rewriting of AOF on ${growth}% growth`);
    void this.rewrite();
  }

  #isDelayed(): boolean {
    if (this.consecutiveFailures < FAILURES_BEFORE_DELAY)
      return this.state === 'enabling' && this.#sinceLastAttemptMs() < 1000;
    const minutes = Math.min(DELAY_MINUTES_MAX, 2 ** (this.consecutiveFailures - FAILURES_BEFORE_DELAY));
    if (this.#sinceLastAttemptMs() >= minutes * 60_000) return false;
    if (this.#announcedDelayMinutes !== minutes) {
      this.#announcedDelayMinutes = minutes;
      this.#hooks.log(
        'warning',
        `Background AOF rewrite has repeatedly failed and triggered the limit, will retry in ${minutes} minutes`,
      );
    }
    return true;
  }

  #sinceLastAttemptMs(): number {
    return this.#hooks.unixMs() - this.#lastAttemptMs;
  }

  /** Steps 1 to 3 with the log on. */
  async #beginIncr(): Promise<AofFile> {
    const { directory, appender } = this;
    if (!appender.flush(true)) throw new Error('the current file cannot be written');
    const before = directory.manifest;
    const incr = directory.nextIncr();
    const fd = this.#createFile(incr);
    try {
      await directory.persist(withIncr(before, incr.name, incr.seq));
      // Records that arrived meanwhile belong into the old file: they are in the snapshot, and lean on that file's SELECT.
      if (this.#isCancelled || this.state !== 'on' || !appender.flush(true)) {
        throw new Error(this.#isCancelled ? 'cancelled' : 'the current file cannot be written');
      }
    } catch (error) {
      this.#fileSystem.closeSync(fd);
      await this.#takeBack(before, error, [incr.name]);
      throw error;
    }
    this.#hooks.log('notice', `Creating AOF incr file ${incr.name} on background rewrite`);
    this.#settledBytes += appender.fileBytes;
    // The flush above, these two, and nothing between: a command executed between them would be missing, or be there twice.
    void appender.replaceFile(fd, 0);
    this.#beginSnapshot();
    return incr;
  }

  #beginEnablingIncr(): void {
    const fd = this.#fileSystem.openSync(this.directory.enablingIncrPath, 'w', AOF_FILE_MODE);
    this.#hooks.log('notice', `Creating AOF incr file temp-${this.directory.prefix}.incr on background rewrite`);
    this.appender.open(fd, 0);
  }

  #beginSnapshot(): void {
    this.#suffix = this.#settings.aofUseRdbPreamble ? 'rdb' : 'aof';
    this.#snapshot = new SnapshotFile({
      fileSystem: this.#fileSystem,
      source: this.#source,
      form: this.#form(),
      tempPath: join(this.directory.dir, `temp-rewriteaof-${process.pid}.aof`),
      finalPath: join(this.directory.dir, `temp-rewriteaof-bg-${process.pid}.aof`),
      directory: this.directory.dir,
      mode: AOF_FILE_MODE,
      incrementalFsync: this.#settings.aofRewriteIncrementalFsync,
    });
  }

  /** Steps 4 to 7. */
  async #complete(snapshot: SnapshotFile, incr: AofFile | null, isEnabling: boolean): Promise<void> {
    const { log } = this.#hooks;
    const { directory } = this;
    const imagePath = join(directory.dir, `temp-rewriteaof-bg-${process.pid}.aof`);
    const before = directory.manifest;
    const created: string[] = [];
    let bytes = 0;
    try {
      await snapshot.finished;
      bytes = snapshot.producedBytes;
      log('notice', `Successfully created the temporary AOF base file ${imagePath.slice(directory.dir.length + 1)}`);
      log('notice', 'Background AOF rewrite terminated with success');
      const base = directory.nextBase(this.#suffix);
      await this.#fileSystem.rename(imagePath, directory.pathOf(base.name));
      created.push(base.name);
      log(
        'notice',
        `Successfully renamed the temporary AOF base file ${imagePath.slice(directory.dir.length + 1)} into ${base.name}`,
      );
      const kept = isEnabling ? await this.#settleEnablingIncr(created) : incr;
      if (this.#isCancelled) throw new SnapshotError('cancelled', 'cancel', null);
      await directory.persist(rewritten(before, base, kept === null ? [] : [kept]));
    } catch (error) {
      await this.#onRewriteFailed(error, before, created, imagePath, isEnabling);
      return;
    }
    if (isEnabling && this.state === 'enabling') {
      this.state = 'on';
      this.#hooks.onEnabled();
    }
    this.baseBytes = bytes + this.appender.fileBytes;
    this.#settledBytes = bytes;
    this.appender.onRewritten();
    log('notice', 'Background AOF rewrite finished successfully');
    // Part of the rewrite, as the manifest has one writer at a time.
    if (!this.#settings.aofDisableAutoGc) await directory.deleteHistory();
    this.#endRewrite(true);
  }

  /** Step 5: what was appended while the log was being switched on gets its place in it. */
  async #settleEnablingIncr(created: string[]): Promise<AofFile> {
    const { directory } = this;
    if (!this.appender.flush(true)) throw new Error('the commands since the snapshot cannot be written');
    const incr = directory.nextIncr();
    await this.#fileSystem.rename(directory.enablingIncrPath, directory.pathOf(incr.name));
    created.push(incr.name);
    return incr;
  }

  async #onRewriteFailed(
    error: unknown,
    before: AofManifest,
    created: string[],
    imagePath: string,
    isEnabling: boolean,
  ): Promise<void> {
    const { log } = this.#hooks;
    const isCancelled = this.#isCancelled || (error instanceof SnapshotError && error.stage === 'cancelled');
    if (isCancelled) log('warning', 'Background AOF rewrite cancelled');
    else log('warning', `Background AOF rewrite terminated with error: ${reasonOf(error)}`);
    await this.#fileSystem.unlink(imagePath).catch(() => {});
    if (isEnabling) {
      await this.appender.abandon();
      discardFileSync(this.#fileSystem, this.directory.enablingIncrPath);
    }
    await this.#takeBack(before, error, created);
    if (isCancelled) this.#endRewrite(this.lastRewriteOk);
    else this.#endRewrite(false);
  }

  /**
   * Undoes a manifest that may be on disk although it could not be made durable, and removes the files that only it listed. If the old manifest cannot be
   * restored, everything stays: whichever manifest survives finds its files.
   */
  async #takeBack(before: AofManifest, error: unknown, created: readonly string[]): Promise<void> {
    const mustRestore = (error instanceof ManifestError && error.isReplaced) || this.directory.manifest !== before;
    if (mustRestore) {
      try {
        await this.directory.persist(before);
      } catch (second) {
        this.#hooks.log('warning', reasonOf(second));
        return;
      }
    }
    for (const name of created) await this.#fileSystem.unlink(this.directory.pathOf(name)).catch(() => {});
  }

  #endRewrite(isOk: boolean): void {
    this.#snapshot = null;
    this.#isRewriting = false;
    this.lastRewriteDuration = elapsedSeconds(this.#rewriteStartedAtMs);
    this.lastRewriteOk = isOk;
    if (this.#isCancelled) return;
    this.consecutiveFailures = isOk ? 0 : this.consecutiveFailures + 1;
    if (isOk) this.#announcedDelayMinutes = 0;
  }

  /** Writes a base of the present data set, before anything else happens: at start. */
  async #writeBase(base: AofFile): Promise<void> {
    const { directory } = this;
    const snapshot = new SnapshotFile({
      fileSystem: this.#fileSystem,
      source: this.#source,
      form: this.#form(),
      tempPath: join(directory.dir, `temp-rewriteaof-${process.pid}.aof`),
      finalPath: directory.pathOf(base.name),
      directory: directory.path,
      mode: AOF_FILE_MODE,
      incrementalFsync: this.#settings.aofRewriteIncrementalFsync,
    });
    await snapshot.finished;
    this.#settledBytes = snapshot.producedBytes;
  }

  /** @returns descriptor of a new, empty file; it is an error if there is one of that name */
  #createFile(file: AofFile): number {
    return this.#fileSystem.openSync(this.directory.pathOf(file.name), 'ax', AOF_FILE_MODE);
  }

  #form(): SnapshotForm {
    return this.#suffix === 'rdb' ? 'aof-base-rdb' : 'aof-base-commands';
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof ManifestError || error instanceof SnapshotError) return error.message;
  return strerror(error);
}
