/**
 * Gives replication what it needs of the server (`replication/host.ts`): sockets, snapshots, the execution of the primary's stream, loading, pauses.
 */
import net from 'node:net';
import { LocalExpiries } from '../keyspace/local-expiries.js';
import { strerror } from '../persistence/file-system.js';
import type { RdbImageOptions } from '../persistence/keyspace-snapshot.js';
import type { LoadDelay } from '../persistence/load-delay.js';
import type { ChunkSink } from '../persistence/rdb/rdb-writer.js';
import type { SnapshotProducer } from '../persistence/snapshot-file.js';
import type {
  ConnectListener,
  ImageFilter,
  ImageIdentity,
  PrimarySocket,
  PrimaryStream,
  PrimaryStreamListener,
  ReplicaPeer,
  ReplicationHost,
} from '../replication/host.js';
import type { Primary } from '../replication/primary.js';
import { REDIS_VERSION } from '../version.js';
import type { Config } from './config/config.js';
import type { Connection } from './connection.js';
import { CLOSE_AFTER_REPLY, IS_REPLICA } from './connection-flags.js';
import { GATE_MIN_REPLICAS, GATE_READ_ONLY, GATE_STALE } from './dispatcher.js';
import type { Log } from './interfaces.js';
import { accessAttribute } from './persistence.js';
import { CommandStream } from './primary-stream.js';
import { NO_DATABASE, type PropagationSink, TO_REPLICAS } from './propagation.js';
import type { Server } from './server.js';
import { type Transport, wrapSocket } from './transport.js';

export class ServerHost implements ReplicationHost {
  readonly log: Log;
  readonly keyspace: ReplicationHost['keyspace'];
  readonly options: ReplicationHost['options'];
  readonly sink: StreamSink;
  readonly localExpiries: LocalExpiries;
  /** The primary's stream, while there is one. */
  stream: CommandStream | null = null;
  private readonly server: Server;
  private readonly config: Config;

  constructor(server: Server, config: Config) {
    this.server = server;
    this.config = config;
    this.log = server.log;
    this.keyspace = server.keyspace;
    this.options = Object.create(config.values, {
      databases: { get: () => (config.values.clusterEnabled ? 1 : config.values.databases) },
    });
    this.sink = new StreamSink(server);
    this.localExpiries = new LocalExpiries(server.keyspace);
  }

  // --- as a primary

  get isSnapshotRunning(): boolean {
    return this.server.persistence.isSnapshotRunning;
  }

  beginImage(filter: ImageFilter, identity: ImageIdentity, sink: ChunkSink): SnapshotProducer {
    const { snapshots } = this.server.persistence;
    const { rdbcompression, rdbchecksum, maxmemoryPolicy } = this.config.values;
    const options: RdbImageOptions = {
      redisVersion: REDIS_VERSION,
      unixMs: Date.now(),
      usedBytes: this.server.memoryMeter.used(),
      compression: rdbcompression,
      checksum: rdbchecksum,
      attribute: accessAttribute(maxmemoryPolicy),
      replication: identity,
      isAofBase: false,
      isForReplica: true,
    };
    return filter === null ? snapshots.beginRdb(options, sink) : snapshots.beginWithoutKeys(options, sink);
  }

  scheduleTurnEnd(): void {
    this.server.scheduleTurnEnd();
  }

  propagationChanged(): void {
    this.server.propagation.refresh();
  }

  propagate(words: readonly string[]): void {
    this.server.propagation.command(NO_DATABASE, words, TO_REPLICAS);
  }

  forgetSelectedDb(): void {
    this.sink.selectedDb = -1;
  }

  get streamDb(): number {
    return this.server.isReplica ? (this.stream?.selectedDb ?? -1) : this.sink.selectedDb;
  }

  // --- as a replica

  connect(host: string, port: number, listener: ConnectListener): () => void {
    const { bindSourceAddr, tcpKeepalive } = this.config.values;
    const socket = net.connect({ host, port, ...(bindSourceAddr === '' ? {} : { localAddress: bindSourceAddr }) });
    const failed = (error: Error): void => listener.failed(strerror(error));
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      if (tcpKeepalive > 0) socket.setKeepAlive(true, tcpKeepalive * 1000);
      listener.connected(wrapSocket(socket));
    });
    return () => {
      // One that is connected by now belongs to its transport, which has listeners of its own.
      socket.off('error', failed);
      socket.on('error', () => {});
      socket.destroy();
    };
  }

  openStream(socket: PrimarySocket, selectedDb: number, listener: PrimaryStreamListener): PrimaryStream {
    const stream = new CommandStream(this.server, socket as Transport, selectedDb, {
      received: (count) => listener.received(count),
      applied: (bytes, start, end) => {
        listener.applied(bytes, start, end);
        this.server.scheduleTurnEnd();
      },
      closed: (canResume) => {
        if (this.stream === stream) this.stream = null;
        listener.closed(canResume);
      },
    });
    this.stream = stream;
    return stream;
  }

  suspendAof(): void {
    const { persistence, propagation } = this.server;
    if (persistence.aof.state === 'off') return;
    persistence.aof.disable();
    propagation.refresh();
  }

  resumeAof(): void {
    const { persistence } = this.server;
    if (this.config.values.appendonly && persistence.aof.state === 'off') void persistence.restartAof();
  }

  get fsyncedOffset(): number {
    return this.server.replication.fsyncedOffset();
  }

  cancelSaves(): void {
    this.server.persistence.rdb.cancel();
  }

  beginLoading(isAsync: boolean, totalBytes: number): void {
    this.server.persistence.beginLoading(isAsync, Math.max(0, totalBytes));
  }

  loadingProgress(loadedBytes: number): void {
    this.server.persistence.progress(loadedBytes);
  }

  get loadDelay(): LoadDelay {
    return this.server.persistence.loadDelay;
  }

  endLoading(): void {
    this.server.persistence.endLoading();
  }

  dataReplaced(): void {
    this.server.tracking.flushed();
    const { keyspace, watches } = this.server;
    for (let index = 0; index < keyspace.databases.length; index++) watches.flushing(index);
    this.localExpiries.clear();
  }

  reapSoon(): void {
    this.server.cron.reapSoon();
  }

  // --- role

  stateChanged(): void {
    const { server, options } = this;
    const { node, isReplica } = server.replication;
    server.setGate(GATE_READ_ONLY, isReplica && options.replicaReadOnly);
    const isWritable = isReplica && !options.replicaReadOnly;
    this.keyspace.expiryObserver = isWritable ? this.localExpiries : null;
    // A primary finds them with all others.
    if (!isReplica) this.localExpiries.clear();
    server.setGate(GATE_STALE, node.isStale && !options.replicaServeStaleData);
    server.setGate(GATE_MIN_REPLICAS, !node.primary.hasEnoughReplicas);
    server.refreshExpiryMode();
  }

  roleChanged(): void {
    this.server.onRoleChanged();
  }

  configurePrimary(address: { host: string; port: number } | null): void {
    // In a cluster the roles are the cluster's affair, and no directive may name a primary.
    if (this.config.values.clusterEnabled) return;
    if (address === null) this.config.assign('replicaof', 'no', 'one');
    else this.config.assign('replicaof', address.host, String(address.port));
  }

  unblockAll(error: string): void {
    this.server.blocking.endAll(error);
  }

  pauseWrites(): void {
    this.server.pause.begin('failover', 'write', Number.MAX_SAFE_INTEGER);
  }

  resumeWrites(): void {
    this.server.pause.end('failover');
  }

  get isPausedForFailover(): boolean {
    return this.server.pause.isActiveFor('failover');
  }
}

/** Puts what is propagated into the stream. */
class StreamSink implements PropagationSink {
  readonly target = TO_REPLICAS;
  selectedDb = -1;
  private readonly server: Server;

  constructor(server: Server) {
    this.server = server;
  }

  get isActive(): boolean {
    const { replication, persistence } = this.server;
    return (
      !replication.isReplica && !persistence.isReplaying && (this.primary.backlog !== null || persistence.isActive)
    );
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    this.primary.append(bytes, start, end);
    const { caller } = this.server.dispatcher;
    if (caller !== null) caller.writeOffset = this.server.replication.node.stream.offset;
  }

  private get primary(): Primary {
    return this.server.replication.node.primary;
  }
}

/** A replica's connection. */
export class ConnectionPeer implements ReplicaPeer {
  private readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  get ip(): string {
    const address = this.connection.transport.remoteAddress;
    return address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  }

  get lastActiveMs(): number {
    return this.connection.lastActiveMs;
  }

  get queuedBytes(): number {
    return this.connection.transport.queuedBytes;
  }

  write(bytes: Uint8Array): void {
    const { connection } = this;
    connection.flushOutbox();
    connection.writeOwn(bytes);
  }

  setBacklogged(bytes: number): void {
    const { connection } = this;
    connection.streamLag = bytes;
    if (bytes > 0) connection.server.checkOutputLimits(connection);
  }

  setNoDelay(isOn: boolean): void {
    this.connection.transport.setNoDelay(isOn);
  }

  becomeReplica(): void {
    this.connection.flags |= IS_REPLICA;
  }

  close(): void {
    this.connection.close();
  }

  closeWhenSent(): void {
    this.connection.flags |= CLOSE_AFTER_REPLY;
    this.connection.transport.end();
  }
}
