/**
 * What replication needs of the server around it. `server/replication-host.ts` implements it.
 */
import type { Keyspace } from '../keyspace/keyspace.js';
import type { LoadDelay } from '../persistence/load-delay.js';
import type { ChunkSink } from '../persistence/rdb/rdb-writer.js';
import type { SnapshotProducer } from '../persistence/snapshot-file.js';

export interface ReplicationLog {
  debug(text: string): void;
  verbose(text: string): void;
  notice(text: string): void;
  warning(text: string): void;
}

/** Directives, read live. */
export interface ReplicationOptions {
  readonly port: number;
  readonly tlsPort: number;
  readonly tlsReplication: boolean;
  readonly dir: string;
  readonly dbfilename: string;
  readonly databases: number;
  readonly rdbchecksum: boolean;
  readonly rdbDelSyncFiles: boolean;
  readonly loadingProcessEventsIntervalBytes: number;
  readonly save: readonly unknown[];
  readonly appendonly: boolean;
  readonly masteruser: string;
  readonly masterauth: string;
  readonly replicaServeStaleData: boolean;
  readonly replicaReadOnly: boolean;
  readonly replicaPriority: number;
  readonly replicaAnnounced: boolean;
  readonly replicaAnnounceIp: string;
  readonly replicaAnnouncePort: number;
  readonly replicaLazyFlush: boolean;
  readonly replPingReplicaPeriod: number;
  readonly replTimeout: number;
  readonly replDisableTcpNodelay: boolean;
  readonly replBacklogSize: number;
  readonly replBacklogTtl: number;
  readonly replDisklessSync: boolean;
  readonly replDisklessSyncDelay: number;
  readonly replDisklessSyncMaxReplicas: number;
  readonly replDisklessLoad: string;
  readonly minReplicasToWrite: number;
  readonly minReplicasMaxLag: number;
}

/** Which parts of the data set an image has; null: all of it. */
export type ImageFilter = 'functions' | 'nothing' | null;

/** The connection of a replica, seen from its primary. */
export interface ReplicaPeer {
  /** Where it is connected from. */
  readonly ip: string;
  /** Unix ms of the last bytes from there. */
  readonly lastActiveMs: number;
  /** Bytes given to `write` that the kernel has not taken. */
  readonly queuedBytes: number;
  /** Sends bytes, behind everything sent before; they must never change afterwards. */
  write(bytes: Uint8Array): void;
  /** Tells how much of the stream waits for this replica, for its output limit; may close the connection. */
  setBacklogged(bytes: number): void;
  setNoDelay(isOn: boolean): void;
  /** From now on this connection is a replica's: it gets no replies and no commands on data. */
  becomeReplica(): void;
  close(): void;
  /** Closes once everything written is out. */
  closeWhenSent(): void;
}

/** A connection to the primary, before its bytes are a stream of commands. */
export interface PrimarySocket {
  owner: SocketOwner;
  write(bytes: Uint8Array): boolean;
  destroy(): void;
  pause(): void;
  resume(): void;
}

export interface SocketOwner {
  /** The bytes may be used again after the return. */
  onBytes(bytes: Uint8Array, length: number): void;
  /** No more bytes will arrive; `onClosed` follows. */
  onEnding(): void;
  onDrained(): void;
  onClosed(): void;
}

/** The primary's stream of commands while it is being executed. */
export interface PrimaryStream {
  /** Database that the stream has selected. */
  readonly selectedDb: number;
  /** Bytes of whole commands executed since the stream was opened: exact even while a command runs. */
  readonly appliedBytes: number;
  /** Bytes received since then. */
  readonly receivedBytes: number;
  /** Executes bytes that had arrived before the stream was opened. */
  receive(bytes: Uint8Array, length: number): void;
  write(bytes: Uint8Array): void;
  /** Ends the connection; the listener hears nothing more. */
  close(): void;
}

export interface PrimaryStreamListener {
  /** Bytes have arrived. */
  received(count: number): void;
  /** Whole commands, `bytes[start … end)`, have been executed; a transaction counts as one. */
  applied(bytes: Uint8Array, start: number, end: number): void;
  /** The connection is gone, and not by `close`. @param canResume false if it sent what no primary sends */
  closed(canResume: boolean): void;
}

export interface ReplicationHost {
  readonly log: ReplicationLog;
  readonly keyspace: Keyspace;
  readonly options: ReplicationOptions;

  // As a primary.

  /** Whether a snapshot of any purpose is under way: there can be one at a time. */
  readonly isSnapshotRunning: boolean;
  /** Begins an image of this very moment. */
  beginImage(filter: ImageFilter, identity: ImageIdentity, sink: ChunkSink): SnapshotProducer;
  /** Asks for a call of `Replication.turnEnded`. */
  scheduleTurnEnd(): void;
  /** What is propagated goes to replicas, or no longer. */
  propagationChanged(): void;
  /** Adds a command of ours to the stream (PING, REPLCONF GETACK); it belongs to no database. */
  propagate(words: readonly string[]): void;
  /** Makes the next record in the stream begin with SELECT. */
  forgetSelectedDb(): void;
  /** The database that the stream's last SELECT chose; −1 none. */
  readonly streamDb: number;

  // As a replica.

  /** @returns a function that gives up */
  connect(host: string, port: number, listener: ConnectListener): () => void;
  openStream(socket: PrimarySocket, selectedDb: number, listener: PrimaryStreamListener): PrimaryStream;
  /** Stops recording: the data set is about to be replaced. */
  suspendAof(): void;
  /** Records again, from a new base, if recording is configured and not going on. */
  resumeAof(): void;
  /** Stream offset up to which everything executed is durable in the append-only file; −1 without one. */
  readonly fsyncedOffset: number;
  /** Gives a background save of our own up. */
  cancelSaves(): void;
  /** Clients are refused, or, if `isAsync`, served from the data they see until `endLoading`. */
  beginLoading(isAsync: boolean, totalBytes: number): void;
  loadingProgress(loadedBytes: number): void;
  /** Of images. */
  readonly loadDelay: LoadDelay;
  endLoading(): void;
  /** All data is about to be replaced: connections that watch keys are told. */
  dataReplaced(): void;
  /** Frees flushed databases in slices. */
  reapSoon(): void;

  // Role.

  /** The role, or the state of the link to the primary, has changed. */
  stateChanged(): void;
  /** The role has changed; called after `stateChanged`. */
  roleChanged(): void;
  /** Remembers the primary in the configuration; null for none. */
  configurePrimary(address: { host: string; port: number } | null): void;
  /** Ends all waits of blocked clients with this error, and closes them. */
  unblockAll(error: string): void;
  pauseWrites(): void;
  resumeWrites(): void;
  /** Whether writes are held back for a failover: then the stream stands still, too. */
  readonly isPausedForFailover: boolean;
}

export interface ConnectListener {
  connected(socket: PrimarySocket): void;
  failed(reason: string): void;
}

/** Where in which history an image stands. */
export interface ImageIdentity {
  readonly streamDb: number;
  readonly id: string;
  readonly offset: number;
}
