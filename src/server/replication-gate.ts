/**
 * Makes replication part of a server: its rhythm, its place in INFO and in a shutdown, and what the pipeline asks it (`ReplicationGate`).
 */
import type { PrimaryLink } from '../cluster/core/types.js';
import type { RdbReplicationInfo } from '../persistence/rdb/rdb-loader.js';
import { replicationText } from '../replication/describe.js';
import type { ImageIdentity } from '../replication/host.js';
import { Replica } from '../replication/replica.js';
import { Replication } from '../replication/replication.js';
import type { Config } from './config/config.js';
import type { Connection } from './connection.js';
import { DurableOffset } from './durable-offset.js';
import type { ReplicationGate } from './interfaces.js';
import type { PropagationSink } from './propagation.js';
import { ReplicaWaits } from './replica-waits.js';
import { ConnectionPeer, ServerHost } from './replication-host.js';
import type { Server } from './server.js';
import type { ShutdownSteps } from './shutdown.js';

const TICK_MS = 1000;
/** How often keys are looked at that clients of a writable replica let expire. */
const EXPIRY_MS = 100;
const UNWRITABLE_LOG_EVERY_MS = 10_000;

export function attachReplication(server: Server, config: Config): AttachedReplication {
  return new AttachedReplication(server, config);
}

class AttachedReplication implements ReplicationGate, ShutdownSteps {
  readonly node: Replication;
  readonly waits: ReplicaWaits;
  private readonly server: Server;
  private readonly host: ServerHost;
  private readonly durable: DurableOffset;
  private readonly replicas = new WeakMap<Connection, Replica>();
  private isDurabilityNews = false;
  private reportedOffset = 0;
  private unwritableLoggedMs = 0;

  constructor(server: Server, config: Config) {
    this.server = server;
    this.host = new ServerHost(server, config);
    this.node = new Replication(this.host);
    this.durable = new DurableOffset(server.persistence.aof);
    this.waits = new ReplicaWaits(this.node, server.blocking, () => this.fsyncedOffset());
    server.info.provide('replication', () => replicationText(this.node, config.values));
    server.onTurnEnd(() => this.turnEnded());
    server.cron.every(TICK_MS, () => this.node.tick());
    server.cron.every(EXPIRY_MS, () => this.host.localExpiries.step());
    // Replicas are to have everything, and image files to be gone, before the last save.
    server.shutdown.steps.unshift(this);
    server.onAofDurable = () => {
      this.isDurabilityNews = true;
      server.scheduleTurnEnd();
    };
    config.onChange(
      ['min-replicas-to-write', 'min-replicas-max-lag', 'replica-read-only', 'replica-serve-stale-data'],
      () => {
        this.node.primary.countGood();
        return null;
      },
    );
    config.onChange('repl-backlog-size', () => {
      this.node.primary.backlog?.resize(config.values.replBacklogSize);
      return null;
    });
    config.onChange('appendonly', () => {
      this.isDurabilityNews = true;
      server.scheduleTurnEnd();
      return null;
    });
  }

  /** Where propagated commands go in. */
  get sink(): PropagationSink {
    return this.host.sink;
  }

  /** Takes up the role that the configuration says; the link is made when the cron runs. */
  applyConfiguredRole(address: { host: string; port: number } | null): void {
    if (address !== null) this.node.startAsReplicaOf(address);
  }

  /** The data set has been loaded from an RDB file that knew where in which history it stands. */
  restore(info: RdbReplicationInfo, isReplica: boolean): void {
    this.node.restore({ streamDb: info.db, id: info.id, offset: info.offset }, isReplica);
  }

  stop(): void {
    this.node.stop();
  }

  // --- what the pipeline asks

  get isReplica(): boolean {
    return this.node.isReplica;
  }

  get linkCount(): number {
    return this.node.replicas.length;
  }

  get localExpiryCount(): number {
    return this.host.localExpiries.count;
  }

  get backlogBytes(): number {
    return this.node.primary.backlog?.length ?? 0;
  }

  imageIdentity(): ImageIdentity | null {
    return this.node.imageIdentity();
  }

  get inputBytes(): number {
    return this.node.inputBytes;
  }

  get outputBytes(): number {
    return this.node.primary.outputBytes;
  }

  get fullSyncCount(): number {
    return this.node.primary.fullSyncCount;
  }

  get partialSyncCount(): number {
    return this.node.primary.partialSyncCount;
  }

  get partialSyncErrorCount(): number {
    return this.node.primary.partialSyncErrorCount;
  }

  resetStatistics(): void {
    const { primary } = this.node;
    primary.fullSyncCount = 0;
    primary.partialSyncCount = 0;
    primary.partialSyncErrorCount = 0;
    primary.outputBytes = 0;
  }

  hasEnoughReplicas(): boolean {
    return this.node.primary.hasEnoughReplicas;
  }

  replicaOf(connection: Connection): Replica {
    let replica = this.replicas.get(connection);
    if (replica === undefined) {
      replica = new Replica(new ConnectionPeer(connection));
      this.replicas.set(connection, replica);
    }
    return replica;
  }

  connectionClosed(connection: Connection): void {
    const replica = this.replicas.get(connection);
    if (replica !== undefined) this.node.primary.remove(replica);
  }

  connectionDrained(connection: Connection): void {
    const replica = this.replicas.get(connection);
    if (replica !== undefined) this.node.primary.drained(replica);
  }

  noteUnwritable(): void {
    const { config, log } = this.server;
    if (!config.values.replicaIgnoreDiskWriteErrors) {
      log.warning('Replica was unable to write command to disk.');
      process.exit(1);
    }
    const nowMs = Date.now();
    if (nowMs - this.unwritableLoggedMs < UNWRITABLE_LOG_EVERY_MS) return;
    this.unwritableLoggedMs = nowMs;
    log.warning('Replica is applying a command it is unable to write to disk.');
  }

  noteStreamError(command: string, code: string): void {
    const { config, log } = this.server;
    this.server.unexpectedErrorReplyCount++;
    log.warning(
      `== CRITICAL == This replica is sending an error to its master: '${code}' after processing the command '${command}'`,
    );
    const { propagationErrorBehavior: behavior, replicaReadOnly } = config.values;
    if (behavior !== 'panic' && !(behavior === 'panic-on-replicas' && replicaReadOnly)) return;
    log.warning(
      'This replica panicked sending an error to its master after processing a command from its replication stream',
    );
    process.exit(1);
  }

  fsyncedOffset(): number {
    return this.durable.value;
  }

  // --- what the cluster asks

  offset(): number {
    return this.node.offset;
  }

  primaryLink(): PrimaryLink {
    return this.node.linkAge;
  }

  becomePrimary(): void {
    this.node.becomePrimary();
  }

  replicateOf(host: string, port: number): void {
    this.node.replicateOf({ host, port });
  }

  // --- rhythm

  private turnEnded(): void {
    const hasNewAcks = this.node.turnEnded();
    const { offset } = this.node;
    this.durable.note(offset);
    if (hasNewAcks || this.isDurabilityNews) {
      this.isDurabilityNews = false;
      this.waits.check();
    }
    if (offset === this.reportedOffset) return;
    this.reportedOffset = offset;
    this.server.cluster?.node.replicationProgressed();
  }

  // --- shutdown

  areReplicasBehind(): boolean {
    const { primary } = this.node;
    if (!primary.isTop || !primary.isAnyBehind) return false;
    this.node.requestAcks();
    return true;
  }

  finish(): Promise<boolean> {
    const { primary } = this.node;
    primary.abortImage();
    primary.feed();
    return Promise.resolve(true);
  }
}
