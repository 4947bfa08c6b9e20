/**
 * What the server core asks of its large parts. Each is an interface so that a part can be absent (no cluster) and so that folders below stay unknown here.
 */
import type { Cluster } from '../cluster/cluster.js';
import type { PrimaryLink } from '../cluster/core/types.js';
import type { Command } from '../commands/command.js';
import type { ReplicationAux } from '../persistence/keyspace-snapshot.js';
import type { RdbReplicationInfo } from '../persistence/rdb/rdb-loader.js';
import type { Replica } from '../replication/replica.js';
import type { Replication } from '../replication/replication.js';
import type { Request } from '../resp/request.js';
import type { SlotKeys } from './cluster-keys.js';
import type { Connection } from './connection.js';
import type { PropagationSink } from './propagation.js';
import type { ReplicaWaits } from './replica-waits.js';

/** The cluster's say in each request. */
export interface ClusterGate {
  readonly node: Cluster;
  readonly slotKeys: SlotKeys;
  /** The usual case at little cost: whether every key of the request is served here without a further look. False decides nothing. */
  serves(request: Request, command: Command): boolean;
  /** @returns the error (`MOVED …`, `CROSSSLOT …`, without minus), or null to serve. EXEC is judged by what the connection has queued. */
  redirect(connection: Connection, request: Request, command: Command, isAsking: boolean): string | null;
  /** Whether a connection blocked on a key must stop waiting for it. @returns the error (without minus), or null */
  redirectBlocked(connection: Connection, command: Command, key: Uint8Array): string | null;
}

/** What the cluster does to clients of this server. Each part that holds such clients puts its own function here. */
export interface ClusterAudience {
  /** A message that was published on another node is for local subscribers (shard subscribers if `sharded`). */
  deliver: (channel: Uint8Array, payload: Uint8Array, sharded: boolean) => void;
  /** These slots changed hands: their shard channels lose their local subscribers. */
  dropShardSubscriptions: (slots: readonly number[]) => void;
  /** Who serves which slot has changed: connections blocked on keys are to be checked by `redirectBlocked`. */
  recheckBlocked: () => void;
}

/** What the pipeline must know of replication. */
export interface ReplicationGate {
  /** Replication itself, for its commands. */
  readonly node: Replication;
  readonly waits: ReplicaWaits;
  /** Whether this node follows a primary. */
  readonly isReplica: boolean;
  /** Connections among `Server.connections` that INFO does not count as clients: replicas. */
  readonly linkCount: number;
  readonly backlogBytes: number;
  /** Keys of a writable replica that its own clients let expire. */
  readonly localExpiryCount: number;
  /** What an RDB file of this moment should carry; null if nobody could go on from it. */
  imageIdentity(): ReplicationAux | null;
  /** Bytes of replication traffic. */
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly fullSyncCount: number;
  readonly partialSyncCount: number;
  readonly partialSyncErrorCount: number;
  /** Where propagated commands go in. */
  readonly sink: PropagationSink;
  /** Takes up the role that the configuration says. */
  applyConfiguredRole(address: { host: string; port: number } | null): void;
  /** The data set has been loaded from an RDB file that knew where in which history it stands. */
  restore(info: RdbReplicationInfo, isReplica: boolean): void;
  /** Follows the primary at this address from now on. */
  replicateOf(host: string, port: number): void;
  /** Follows nobody any more; keeps the history, so that others can resync partially. */
  becomePrimary(): void;
  /** Bytes of the stream: written by a primary, applied by a replica. */
  offset(): number;
  /** The link to the primary; times are monotonic. */
  primaryLink(): PrimaryLink;
  stop(): void;
  /** CONFIG RESETSTAT */
  resetStatistics(): void;
  hasEnoughReplicas(): boolean;
  /** A write of the primary has come while the disk refuses ours. Does not return unless the configuration says to go on. */
  noteUnwritable(): void;
  /** A command of the primary has failed. Does not return if the configuration says so. */
  noteStreamError(command: string, code: string): void;
  /** What is known about a client as a replica; made when it is asked for first. */
  replicaOf(connection: Connection): Replica;
  /** A replica's or the primary's connection is gone. */
  connectionClosed(connection: Connection): void;
  /** The kernel took everything that was queued for a replica. */
  connectionDrained(connection: Connection): void;
  /** Stream offset up to which the append-only file is durable; −1 without one. */
  fsyncedOffset(): number;
}

/** The append-only file as the event loop sees it. */
export interface CommitLog {
  /** Whether something was appended that replies must wait for. */
  readonly hasPending: boolean;
  /** Bytes appended and not written yet. */
  readonly pendingBytes: number;
  /**
   * Writes what is pending, at the end of a turn.
   * @param released is called once replies of this turn may leave: at once, or after the fsync with `appendfsync always`
   */
  commit(released: () => void): void;
}

export interface Log {
  debug(text: string): void;
  verbose(text: string): void;
  notice(text: string): void;
  warning(text: string): void;
}
