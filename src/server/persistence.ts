/**
 * Persistence of a node: binds the snapshot files and the append-only log to the server's keyspace, event loop, configuration and shutdown.
 *
 * Invariants: (1) at most one snapshot runs, whatever it is for (`isSnapshotRunning`); (2) a write is in the log's buffer before its reply can
 * leave, and the buffer is written before the turn's replies do (server.ts holds them); (3) while data is being loaded nothing is recorded,
 * nothing expires, and clients are refused (GATE_LOADING); (4) GATE_DISK_ERROR is on iff writes must be refused.
 */
import net from 'node:net';
import { join } from 'node:path';
import { isReplica, myself } from '../cluster/core/nodes.js';
import type { ClusterState } from '../cluster/core/types.js';
import { Aof } from '../persistence/aof/aof.js';
import type { AofExecutor } from '../persistence/aof/aof-loader.js';
import type { RecordArguments } from '../persistence/aof/record-parser.js';
import { nodeFileSystem, strerror } from '../persistence/file-system.js';
import { type ImageFacts, KeyspaceSnapshots } from '../persistence/keyspace-snapshot.js';
import { LoadDelay } from '../persistence/load-delay.js';
import { KeyspaceTarget } from '../persistence/rdb/keyspace-rdb.js';
import {
  type Log,
  loadFailureLines,
  loadRdbFile,
  loadRdbFileSync,
  RdbLoader,
  type RdbReplicationInfo,
} from '../persistence/rdb/rdb-loader.js';
import { RdbSaver } from '../persistence/rdb-saver.js';
import { standStill } from '../persistence/stand-still.js';
import { Request } from '../resp/request.js';
import { REDIS_VERSION } from '../version.js';
import type { Config } from './config/config.js';
import { Connection } from './connection.js';
import { GATE_DISK_ERROR, GATE_LOADING } from './dispatcher.js';
import type { CommitLog } from './interfaces.js';
import type { PropagationSink } from './propagation.js';
import { TO_AOF } from './propagation.js';
import type { Server } from './server.js';
import type { ShutdownOptions, ShutdownSteps } from './shutdown.js';
import { SocketTransport } from './transport.js';

const RDB_MISCONF =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.";

/** Attempts to begin a new log after a full synchronisation. */
const RESTART_ATTEMPTS = 10;
const RESTART_DELAY_MS = 1000;

/** Between two attempts to write what had to wait: a sync takes a few milliseconds. */
const COMMIT_RETRY_MS = 2;

/** What loading is under way: for INFO and for LOADING replies. */
export interface LoadingProgress {
  readonly startedAtMs: number;
  totalBytes: number;
  loadedBytes: number;
}

/** Thrown when the data set cannot be loaded at start; the reasons are in the log, and the process ends with status 1. */
class LoadError extends Error {
  readonly code = 'SLOTMESH_LOAD';
}

export class Persistence implements CommitLog, ShutdownSteps, PropagationSink {
  readonly target = TO_AOF;
  readonly snapshots: KeyspaceSnapshots;
  readonly rdb: RdbSaver;
  readonly aof: Aof;
  /** DEBUG SET-SKIP-CHECKSUM-VALIDATION turns it off, for RDB files and RESTORE. */
  verifiesChecksums = true;
  /** DEBUG AOF-FLUSH-SLEEP: microseconds to wait before each flush of the log. */
  flushDelayUs = 0;
  /** BGSAVE SCHEDULE: a save begins when no other snapshot runs. */
  isSaveScheduled = false;
  loading: LoadingProgress | null = null;
  readonly loadDelay = new LoadDelay();
  lastLoadedCount = 0;
  lastExpiredCount = 0;
  /** Replication identity of the RDB that was loaded at start, if it had one. */
  loadedReplication: RdbReplicationInfo | null = null;
  /** Keys of that file that were dropped because they had expired: replicas that go on from it have them still. */
  expiredAtLoad: { db: number; key: Uint8Array }[] = [];
  /** What waits for the log to be written, in order. */
  private readonly held: (() => void)[] = [];
  private commitTimer: NodeJS.Timeout | null = null;
  private readonly server: Server;
  private readonly config: Config;
  private readonly log: Log;
  private countedDirty = 0;
  /** Data is being loaded into the live databases: nothing is recorded, nothing expires. */
  isReplaying = false;

  constructor(server: Server, config: Config) {
    this.server = server;
    this.config = config;
    const { values } = config;
    this.log = (level, line) => server.log[level](line);
    const facts: ImageFacts = (form) => ({
      redisVersion: REDIS_VERSION,
      unixMs: Date.now(),
      usedBytes: server.memoryMeter.used(),
      compression: values.rdbcompression,
      checksum: values.rdbchecksum,
      attribute: accessAttribute(values.maxmemoryPolicy),
      replication: form === 'rdb' ? server.replication.imageIdentity() : null,
      isAofBase: form !== 'rdb',
    });
    this.snapshots = new KeyspaceSnapshots(server.keyspace, server.snapshotMarks, facts);
    this.rdb = new RdbSaver(nodeFileSystem, this.snapshots, values, this.log, () => Math.floor(Date.now() / 1000));
    const paths = { dir: values.dir, appenddirname: values.appenddirname, appendfilename: values.appendfilename };
    this.aof = new Aof(nodeFileSystem, this.snapshots, paths, this.aofSettings(), {
      log: this.log,
      unixMs: Date.now,
      isSnapshotRunning: () => this.isSnapshotRunning,
      onFatal: () => process.exit(1),
      onDurable: () => server.onAofDurable(),
      onEnabled: () => server.propagation.refresh(),
    });
    server.commitLog = this;
    server.propagation.addSink(this);
    server.shutdown.steps.push(this);
    server.cron.every(0, () => this.tick());
    config.onChange('appendonly', () => this.switchAof());
    this.loadDelay.microseconds = values.keyLoadDelay;
    config.onChange('key-load-delay', () => {
      this.loadDelay.microseconds = values.keyLoadDelay;
      return null;
    });
    config.onChange(['save', 'stop-writes-on-bgsave-error'], () => {
      this.refreshGate();
      return null;
    });
    server.onFlushAll = () => this.flushedAll();
  }

  get isSnapshotRunning(): boolean {
    return this.snapshots.running !== null || this.rdb.isSaving || this.aof.isRewriting;
  }

  // --- the append-only log as a sink of propagation and as what replies wait for

  get isActive(): boolean {
    return this.aof.isRecording && !this.isReplaying;
  }

  get selectedDb(): number {
    return this.aof.appender.selectedDb;
  }

  set selectedDb(db: number) {
    this.aof.appender.selectedDb = db;
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    const { appender } = this.aof;
    appender.annotate(Math.floor(this.server.keyspace.nowMs / 1000));
    appender.buffer.raw(bytes, start, end);
  }

  get hasPending(): boolean {
    return this.aof.appender.buffer.length > 0;
  }

  get pendingBytes(): number {
    return this.aof.appender.buffer.length;
  }

  commit(released: () => void): void {
    this.held.push(released);
    const startMs = performance.now();
    if (this.flushDelayUs > 0) standStill(this.flushDelayUs / 1000);
    const { appender } = this.aof;
    const isWritten = appender.flush();
    this.server.latency.note('aof-write', performance.now() - startMs);
    this.refreshGate();
    // After a change of files a write waits until the old one is synced. Without `everysec`'s window nobody may hear of a write that is only in memory.
    if (!isWritten && appender.refusal === null && this.config.values.appendfsync !== 'everysec')
      this.commitAgainSoon();
    else for (const release of this.held.splice(0)) release();
  }

  private commitAgainSoon(): void {
    if (this.commitTimer !== null) return;
    this.commitTimer = setTimeout(() => {
      this.commitTimer = null;
      this.commit(() => {});
    }, COMMIT_RETRY_MS);
  }

  // --- commands

  /** SAVE. @returns whether the file is durable */
  save(): boolean {
    this.countChanges();
    const isSaved = this.rdb.save();
    this.refreshGate();
    return isSaved;
  }

  /** BGSAVE; no snapshot may be running. */
  backgroundSave(): void {
    this.countChanges();
    this.isSaveScheduled = false;
    void this.rdb.backgroundSave().then(() => this.refreshGate());
  }

  /** BGREWRITEAOF; no snapshot may be running. @returns whether it has begun */
  async rewriteAof(): Promise<boolean> {
    const begun = await this.aof.rewrite();
    this.server.propagation.refresh();
    return begun;
  }

  /** Brings the change counter of the save points up to date. */
  countChanges(): void {
    const { keyspace } = this.server;
    this.rdb.changes += keyspace.dirty - this.countedDirty;
    this.countedDirty = keyspace.dirty;
  }

  // --- loading

  /** Loads what there is at start, and opens the log if it is on. @throws LoadError */
  async load(): Promise<void> {
    const { values } = this.config;
    this.beginLoading();
    try {
      if (values.appendonly) await this.loadAof();
      else await this.loadRdb();
      // Only now may clients write: what they wrote before the log is open would be acknowledged and in no file.
      if (values.appendonly && !(await this.aof.open())) throw new LoadError('the append only file cannot be opened');
    } finally {
      this.endLoading();
    }
    this.server.keyspace.dirty = 0;
    this.countedDirty = 0;
    this.server.propagation.refresh();
  }

  /** DEBUG RELOAD. @returns the error, or null */
  reload(options: { nosave: boolean; noflush: boolean; merge: boolean }): string | null {
    const { server, config } = this;
    if (!options.nosave && !this.save()) return 'ERR';
    if (!options.noflush) server.flushAll();
    const target = new KeyspaceTarget(server.keyspace);
    target.replaces = options.merge;
    this.beginLoading();
    try {
      const path = join(config.values.dir, config.values.dbfilename);
      const result = loadRdbFileSync(nodeFileSystem, path, this.newLoader(target));
      return result.ok ? null : 'ERR Error trying to load the RDB dump';
    } catch {
      return 'ERR Error trying to load the RDB dump';
    } finally {
      this.endLoading();
    }
  }

  /** DEBUG LOADAOF: empties the data set and loads the log again. A failure ends the process. */
  async reloadAof(): Promise<void> {
    this.aof.appender.flush(true);
    this.server.flushAll();
    this.beginLoading();
    try {
      await this.loadAof();
    } catch {
      process.exit(1);
    } finally {
      this.endLoading();
    }
    this.server.keyspace.dirty = 0;
    this.countedDirty = 0;
  }

  /**
   * Nothing is recorded and nothing expires until `endLoading`; clients are refused.
   * @param isAsync the data is loaded aside: clients go on with what there is, but for commands that would be in the way
   */
  beginLoading(isAsync = false, totalBytes = 0): void {
    const { server } = this;
    this.isReplaying = !isAsync;
    this.loading = { startedAtMs: Date.now(), totalBytes, loadedBytes: 0 };
    this.config.isLoading = true;
    server.isAsyncLoading = isAsync;
    server.setGate(GATE_LOADING, true);
    server.refreshExpiryMode();
    server.propagation.refresh();
  }

  endLoading(): void {
    const { server } = this;
    this.isReplaying = false;
    this.loading = null;
    this.config.isLoading = false;
    server.isAsyncLoading = false;
    server.setGate(GATE_LOADING, false);
    server.refreshExpiryMode();
    server.propagation.refresh();
  }

  private async loadAof(): Promise<void> {
    const target = new KeyspaceTarget(this.server.keyspace);
    target.delay = this.loadDelay;
    const outcome = await this.aof.load(new Replay(this.server, this.loadDelay), target, (loaded) =>
      this.progress(loaded),
    );
    if (outcome === 'failed') throw new LoadError('the append only file cannot be loaded');
  }

  private async loadRdb(): Promise<void> {
    const { values } = this.config;
    const path = join(values.dir, values.dbfilename);
    const size = nodeFileSystem.sizeSync(path);
    if (size < 0) return;
    this.loading!.totalBytes = size;
    const startedAtMs = performance.now();
    const target = new KeyspaceTarget(this.server.keyspace, ({ db, key }) => {
      if (loader.replicationInfo !== null) this.expiredAtLoad.push({ db, key: key.bytes.slice(key.start, key.end) });
    });
    const loader = this.newLoader(target);
    try {
      const result = await loadRdbFile(nodeFileSystem, path, loader, {
        eventsEveryBytes: values.loadingProcessEventsIntervalBytes,
        onProgress: (loaded) => this.progress(loaded),
      });
      if (!result.ok) {
        for (const line of loadFailureLines(result.fault)) this.server.log.warning(line);
        throw new LoadError('the RDB file cannot be loaded');
      }
    } catch (error) {
      if (error instanceof LoadError) throw error;
      this.server.log.warning(
        `Fatal error: can't open the RDB file ${values.dbfilename} for reading: ${strerror(error)}`,
      );
      throw new LoadError('Fatal error loading the DB, check server logs. Exiting.');
    }
    this.lastLoadedCount = loader.keysLoaded;
    this.lastExpiredCount = loader.keysExpired;
    this.loadedReplication = loader.replicationInfo;
    this.server.log.notice(`DB loaded from disk: ${((performance.now() - startedAtMs) / 1000).toFixed(3)} seconds`);
  }

  /** A loader of files of this node's own. */
  private newLoader(target: KeyspaceTarget): RdbLoader {
    const { values } = this.config;
    const { server } = this;
    target.delay = this.loadDelay;
    // A node of a cluster takes up replication after it has loaded; what it is stands in nodes.conf already.
    const isReplica = server.isReplica || (server.cluster !== null && isClusterReplica(server.cluster.node.state));
    return new RdbLoader(target, {
      databases: values.clusterEnabled ? 1 : values.databases,
      expiredKeys: isReplica ? 'keep' : 'drop',
      nowMs: Date.now(),
      checksum: values.rdbchecksum && this.verifiesChecksums,
      log: this.log,
    });
  }

  progress(loadedBytes: number): void {
    if (this.loading !== null) this.loading.loadedBytes = loadedBytes;
  }

  // --- shutdown

  areReplicasBehind(): boolean {
    return false;
  }

  async finish(options: ShutdownOptions): Promise<boolean> {
    const { server, config } = this;
    if (this.loading !== null) return true;
    if (this.rdb.isSaving) {
      server.log.warning('There is a child saving an .rdb. Killing it!');
      this.rdb.cancelSync();
    }
    if (this.aof.state === 'enabling' && !options.force) {
      server.log.warning("Writing initial AOF, can't exit.");
      return false;
    }
    if (this.aof.state === 'on') server.log.notice('Calling fsync() on the AOF file.');
    const isAofDurable = this.aof.closeSync();
    server.propagation.refresh();
    const isSaveDue = (config.values.save.length > 0 && !options.nosave) || options.save;
    if (!isSaveDue) return isAofDurable;
    server.log.notice('Saving the final RDB snapshot before exiting.');
    this.countChanges();
    if (this.rdb.save()) return isAofDurable;
    server.log.warning("Error trying to save the DB, can't exit.");
    return false;
  }

  // --- periodic

  private tick(): void {
    const { log } = this.server;
    this.countChanges();
    this.aof.tick(this.snapshots.running !== null || this.rdb.isSaving);
    this.server.propagation.refresh();
    if (!this.isSnapshotRunning && this.loading === null) {
      const due = this.rdb.dueSavePoint(this.config.values.save as { seconds: number; changes: number }[]);
      if (due !== null) {
        log.notice(`${due.changes} changes in ${due.seconds} seconds. Saving...`);
        this.backgroundSave();
      } else if (this.isSaveScheduled) {
        this.backgroundSave();
      }
    }
    this.refreshGate();
  }

  private refreshGate(): void {
    const { server, config } = this;
    const { save, stopWritesOnBgsaveError } = config.values;
    const aofRefusal = this.aof.refusal;
    if (stopWritesOnBgsaveError && save.length > 0 && !this.rdb.lastBackgroundSaveOk)
      server.diskErrorText = RDB_MISCONF;
    else if (aofRefusal !== null) server.diskErrorText = `MISCONF Errors writing to the AOF file: ${aofRefusal}`;
    else server.diskErrorText = '';
    server.setGate(GATE_DISK_ERROR, server.diskErrorText !== '');
  }

  /** Begins a new log after the data set was replaced; tries again a few times, as going on without would break the promise of `appendonly yes`. */
  async restartAof(): Promise<void> {
    for (let attempt = 0; attempt < RESTART_ATTEMPTS; attempt++) {
      if (!this.config.values.appendonly || this.aof.state !== 'off') return;
      const begun = await this.aof.enable(this.snapshots.running !== null || this.rdb.isSaving);
      this.server.propagation.refresh();
      if (begun) return;
      this.server.log.warning(
        'Failed enabling the AOF after successful master synchronization! Trying it again in one second.',
      );
      await new Promise((resolve) => setTimeout(resolve, RESTART_DELAY_MS));
    }
    this.server.log.warning(
      "FATAL: this replica instance finished the synchronization with its master, but the AOF can't be turned on. Exiting now.",
    );
    process.exit(1);
  }

  private async switchAof(): Promise<string | null> {
    if (!this.config.values.appendonly) {
      this.aof.disable();
      this.server.propagation.refresh();
      return null;
    }
    const isRunning = this.snapshots.running !== null || this.rdb.isSaving;
    const begun = await this.aof.enable(isRunning);
    this.server.propagation.refresh();
    return begun ? null : 'Unable to turn on AOF. Check server logs.';
  }

  /** FLUSHALL makes a running save worthless, and the file on disk too. */
  private flushedAll(): void {
    if (this.config.values.save.length === 0) return;
    this.rdb.cancel();
    this.countChanges();
    this.rdb.save();
  }

  /** The log's settings, read live. */
  private aofSettings(): ConstructorParameters<typeof Aof>[3] {
    const { values } = this.config;
    return Object.create(values, { databases: { get: () => (values.clusterEnabled ? 1 : values.databases) } });
  }
}

/** Which access attribute images carry under a maxmemory-policy. */
function isClusterReplica(state: ClusterState): boolean {
  return isReplica(myself(state));
}

export function accessAttribute(policy: string): 'none' | 'idle' | 'freq' {
  if (policy.includes('lfu')) return 'freq';
  return policy.includes('lru') ? 'idle' : 'none';
}

/** Executes the log's commands outside the checks for clients, as a client that nobody sees. */
class Replay implements AofExecutor {
  private readonly server: Server;
  private readonly request = new Request();
  private readonly delay: LoadDelay;
  private connection: Connection;

  constructor(server: Server, delay: LoadDelay) {
    this.server = server;
    this.delay = delay;
    this.connection = this.newConnection();
  }

  beginFile(): void {
    this.connection = this.newConnection();
  }

  execute(command: RecordArguments): boolean {
    const { server, request } = this;
    this.delay.pause();
    request.bytes = command.bytes;
    request.argc = command.argumentCount;
    request.starts = command.starts;
    request.lengths = command.lengths;
    let found = server.commands.find(request.bytes, request.starts[0], request.lengths[0]);
    if (found?.subcommands && request.argc > 1) found = found.subcommands.get(request.text(1).toLowerCase()) ?? found;
    if (found === null || found.handler === null) return false;
    const start = server.reply.length;
    const errors = server.reply.errorCount;
    server.dispatcher.run(this.connection, request, found);
    server.dispatcher.settle();
    if (server.reply.errorCount !== errors) {
      const text = Buffer.from(server.reply.bytes.subarray(start, server.reply.length)).toString().trim();
      server.log.warning(`Error replaying '${found.fullName}' from the append only file: ${text}`);
    }
    server.reply.rewind(start);
    return true;
  }

  private newConnection(): Connection {
    return new Connection(this.server, new SocketTransport(new net.Socket()), 0);
  }
}
