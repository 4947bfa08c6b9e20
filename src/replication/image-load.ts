/**
 * Puts a received image in the place of the data set (spec/replication.md section 6):
 *
 *   'disabled'     image → temporary file → (all there) old data flushed → file loaded, renamed clients: LOADING while it is loaded
 *   'on-empty-db'  image → parser → the databases, which are empty                              clients: LOADING all the time
 *   'swapdb'       image → parser → databases aside → (all there) put in the place of the old   clients: served from the old data if it is of the
 *                                                                                               same history, else LOADING
 *
 * Invariants: (1) with 'swapdb' nothing changes before the image is complete and its checksum right; (2) after a failure no key of the image is left.
 */
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Database } from '../keyspace/database.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import { nodeFileSystem, strerror, syncDirectory, writeFully } from '../persistence/file-system.js';
import { KeyspaceTarget } from '../persistence/rdb/keyspace-rdb.js';
import { loadRdbFile, RdbLoader } from '../persistence/rdb/rdb-loader.js';
import { RDB_DONE, RDB_FAILED, type RdbFault } from '../persistence/rdb/rdb-reader.js';
import type { ReplicationHost } from './host.js';

/** Work on the old data, between which other events run. */
const REAP_SLICE_MS = 2;
const QUEUE_BYTES_MAX = 8 << 20;
const FSYNC_EVERY_BYTES = 8 << 20;

export interface ImageLoad {
  /** Whether the image is parsed as it comes, and not stored first. */
  readonly isParsing: boolean;
  /** Whether so much waits for the disk that the primary must wait; `onReady` is called when it need not any more. */
  readonly isBusy: boolean;
  /** Why it cannot end well, as soon as that is known. */
  readonly failure: string | null;
  /** Takes the next bytes of the image; they may be used again after the call. */
  take(bytes: Uint8Array, start: number, end: number): void;
  /** All bytes were given. @returns the database that the stream has selected, or null: it failed, which is in the log */
  finish(): Promise<number | null>;
  /** Gives up: the rest will not come. Not after `finish`. */
  abort(): void;
}

export interface ImageLoadOptions {
  readonly host: ReplicationHost;
  /** Bytes of the image, −1 if unknown. */
  readonly totalBytes: number;
  /** The image is of the history that our data is of. */
  readonly isSameHistory: boolean;
  /** The old data set ceases to be: replicas of ours have to come again. */
  readonly detach: () => void;
  /** `isBusy` has ended. */
  readonly onReady: () => void;
}

/** Begins a load in the way that repl-diskless-load asks for now. */
export function beginImageLoad(options: ImageLoadOptions): ImageLoad {
  const { host } = options;
  const mode = host.options.replDisklessLoad;
  if (mode === 'swapdb') return new ParsedLoad(options, true);
  if (mode === 'on-empty-db' && host.keyspace.keyCount() === 0) return new ParsedLoad(options, false);
  return new FileLoad(options);
}

function newLoader(host: ReplicationHost, target: KeyspaceTarget, totalBytes: number): RdbLoader {
  const { databases, rdbchecksum } = host.options;
  target.delay = host.loadDelay;
  return new RdbLoader(target, {
    databases,
    // The primary deletes what has expired.
    expiredKeys: 'keep',
    nowMs: Date.now(),
    checksum: rdbchecksum,
    ...(totalBytes >= 0 ? { totalBytes } : {}),
    log: (level, line) => host.log[level](line),
  });
}

function faultText(fault: RdbFault | null): string {
  return fault === null ? 'unexpected end' : `${fault.text} (at offset ${fault.offset})`;
}

/** Hands all databases to the reaper. */
function flushAll(host: ReplicationHost): void {
  const { keyspace } = host;
  host.dataReplaced();
  for (let index = 0; index < keyspace.databases.length; index++) keyspace.flush(index);
  host.reapSoon();
}

/** What is being saved, or recorded, is no longer what is to be kept. After a failure recording stays off: the file has the last good data. */
function replaceData(host: ReplicationHost): void {
  host.suspendAof();
  host.cancelSaves();
}

/** Frees what was flushed, in slices. */
async function reapAll(space: Keyspace): Promise<void> {
  while (space.reaper.step(REAP_SLICE_MS)) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** The image goes through a file in `dir`, which then becomes the node's RDB file. */
class FileLoad implements ImageLoad {
  readonly isParsing = false;
  failure: string | null = null;
  private readonly options: ImageLoadOptions;
  private readonly path: string;
  private readonly opened: Promise<number>;
  private queue: Uint8Array[] = [];
  private queuedBytes = 0;
  private unsyncedBytes = 0;
  private writer: Promise<void> | null = null;
  private isAborted = false;
  private isClosed = false;

  constructor(options: ImageLoadOptions) {
    this.options = options;
    const name = `temp-${Math.floor(Date.now() / 1000)}.${process.pid}.rdb`;
    this.path = join(options.host.options.dir, name);
    this.opened = nodeFileSystem.open(this.path, 'w', 0o644);
    this.opened.catch(() => {});
  }

  get isBusy(): boolean {
    return this.queuedBytes > QUEUE_BYTES_MAX;
  }

  take(bytes: Uint8Array, start: number, end: number): void {
    this.queue.push(bytes.slice(start, end));
    this.queuedBytes += end - start;
    this.writer ??= this.write();
  }

  async finish(): Promise<number | null> {
    const { host, detach } = this.options;
    while (this.writer !== null) await this.writer;
    try {
      if (this.failure !== null) throw new Error(this.failure);
      const fd = await this.opened;
      await nodeFileSystem.fsync(fd);
      this.isClosed = true;
      await nodeFileSystem.close(fd);
    } catch (error) {
      host.log.warning(this.failure ?? `Failed to store the received DB file: ${strerror(error)}`);
      this.remove();
      return null;
    }
    host.log.notice('MASTER <-> REPLICA sync: Flushing old data');
    detach();
    replaceData(host);
    host.beginLoading(false, this.options.totalBytes);
    let selectedDb: number | null = null;
    try {
      flushAll(host);
      if (!host.options.replicaLazyFlush) await reapAll(host.keyspace);
      selectedDb = await this.load();
    } finally {
      host.endLoading();
    }
    if (selectedDb === null) {
      flushAll(host);
      this.remove();
    } else {
      await this.keep();
      host.resumeAof();
    }
    return selectedDb;
  }

  private async load(): Promise<number | null> {
    const { host } = this.options;
    host.log.notice('MASTER <-> REPLICA sync: Loading DB in memory');
    const startedAtMs = performance.now();
    const loader = newLoader(host, new KeyspaceTarget(host.keyspace), -1);
    try {
      // Not under its final name: a background save that could not be stopped any more may be about to take that.
      const result = await loadRdbFile(nodeFileSystem, this.path, loader, {
        eventsEveryBytes: host.options.loadingProcessEventsIntervalBytes,
        onProgress: (loaded) => host.loadingProgress(loaded),
      });
      if (result.ok) {
        host.log.verbose(`DB loaded from the primary in ${((performance.now() - startedAtMs) / 1000).toFixed(3)} s`);
        return Math.max(0, loader.replicationInfo?.db ?? 0);
      }
      host.log.warning(`Failed trying to load the MASTER synchronization DB from disk: ${faultText(result.fault)}`);
    } catch (error) {
      host.log.warning(`Failed trying to load the MASTER synchronization DB from disk: ${strerror(error)}`);
    }
    return null;
  }

  /** Makes the file the node's own, or removes it if the node is to leave nothing on disk. */
  private async keep(): Promise<void> {
    const { host } = this.options;
    const { dir, dbfilename, rdbDelSyncFiles, save, appendonly } = host.options;
    if (rdbDelSyncFiles && save.length === 0 && !appendonly) return this.remove();
    try {
      await nodeFileSystem.rename(this.path, join(dir, dbfilename));
      await syncDirectory(nodeFileSystem, dir);
    } catch (error) {
      host.log.warning(
        `Failed trying to rename the temp DB into ${dbfilename} in MASTER <-> REPLICA synchronization: ${strerror(error)}`,
      );
      this.remove();
    }
  }

  abort(): void {
    this.isAborted = true;
    this.queue = [];
    void (this.writer ?? Promise.resolve()).then(() => this.remove());
  }

  private async write(): Promise<void> {
    try {
      const fd = await this.opened;
      for (let next = this.queue.shift(); next !== undefined && !this.isAborted; next = this.queue.shift()) {
        await writeFully(nodeFileSystem, fd, next, 0, next.length);
        const wasBusy = this.isBusy;
        this.queuedBytes -= next.length;
        if (wasBusy && !this.isBusy) this.options.onReady();
        this.unsyncedBytes += next.length;
        // So that the final fsync has little to do.
        if (this.unsyncedBytes < FSYNC_EVERY_BYTES) continue;
        this.unsyncedBytes = 0;
        await nodeFileSystem.fdatasync(fd);
      }
    } catch (error) {
      this.failure = `Write error or short write writing to the DB dump file needed for MASTER <-> REPLICA synchronization: ${strerror(error)}`;
      this.queue = [];
    }
    this.writer = null;
  }

  private remove(): void {
    if (!this.isClosed) this.opened.then((fd) => nodeFileSystem.close(fd)).catch(() => {});
    this.isClosed = true;
    nodeFileSystem.unlink(this.path).catch(() => {});
  }
}

/** The image goes from the socket through the parser into databases: the live ones, or such that wait aside. */
class ParsedLoad implements ImageLoad {
  readonly isParsing = true;
  readonly isBusy = false;
  failure: string | null = null;
  private readonly options: ImageLoadOptions;
  private readonly loader: RdbLoader;
  /** The databases aside; null if the live ones are filled. */
  private readonly aside: Database[] | null;
  private hasEnded = false;

  constructor(options: ImageLoadOptions, isAside: boolean) {
    const { host, isSameHistory, totalBytes } = options;
    const { keyspace } = host;
    this.options = options;
    // Numbers that no client can select: nobody watches these keys.
    this.aside = isAside ? keyspace.databases.map((_, index) => new Database(keyspace, -1 - index)) : null;
    if (!isAside) {
      options.detach();
      replaceData(host);
    }
    host.log.notice('MASTER <-> REPLICA sync: Loading DB in memory');
    this.loader = newLoader(
      host,
      new KeyspaceTarget(keyspace, undefined, this.aside ?? keyspace.databases),
      totalBytes,
    );
    host.beginLoading(isAside && isSameHistory, totalBytes);
  }

  take(bytes: Uint8Array, start: number, end: number): void {
    const { reader } = this.loader;
    const state = reader.feed(bytes, start, end);
    if (state === RDB_FAILED) this.failure = faultText(reader.fault);
    else if (state === RDB_DONE && reader.remainder().length > 0) this.failure = 'bytes behind the end of the image';
    this.options.host.loadingProgress(reader.offset);
  }

  finish(): Promise<number | null> {
    const { reader } = this.loader;
    const { host } = this.options;
    if (this.failure === null && reader.end() !== RDB_DONE) this.failure = faultText(reader.fault);
    if (this.failure !== null) {
      host.log.warning(`Failed trying to load the MASTER synchronization DB from socket: ${this.failure}`);
      this.abort();
      return Promise.resolve(null);
    }
    this.loader.logSummary();
    this.putInPlace();
    this.end();
    host.resumeAof();
    // For the save points: the data set is another one.
    host.keyspace.dirty++;
    return Promise.resolve(Math.max(0, this.loader.replicationInfo?.db ?? 0));
  }

  abort(): void {
    if (this.hasEnded) return;
    const { host } = this.options;
    if (this.aside === null) flushAll(host);
    else for (const db of this.aside) if (db.keyCount > 0) host.keyspace.reaper.add(db);
    this.end();
    host.reapSoon();
  }

  private putInPlace(): void {
    if (this.aside === null) return;
    const { host, detach } = this.options;
    detach();
    replaceData(host);
    host.dataReplaced();
    host.keyspace.install(this.aside);
    // A watched key that is new here has changed, too.
    host.dataReplaced();
    host.reapSoon();
  }

  private end(): void {
    this.hasEnded = true;
    this.options.host.endLoading();
  }
}
