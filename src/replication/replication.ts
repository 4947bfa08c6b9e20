/**
 * Replication of one node: which role it has, and what ties its two sides together (spec/replication.md section 17).
 *
 *   primary   writes the stream; `link` is null
 *   replica   follows a primary through `link`, applies its stream and passes the same bytes on to replicas of its own
 *
 * Changes of role: `replicateOf`, `becomePrimary`. They keep the history, so that whoever was on it can go on with a partial resynchronisation.
 */
import { Failover, type FailoverOwner, type FailoverTarget } from './failover.js';
import type { ImageIdentity, ReplicationHost } from './host.js';
import { Primary } from './primary.js';
import { PrimaryLink, type PrimaryLinkOwner } from './primary-link.js';
import type { Replica } from './replica.js';
import { StreamId } from './stream-id.js';

export interface PrimaryAddress {
  readonly host: string;
  readonly port: number;
}

export const ROLE_CHANGED =
  'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)';

const FAILOVER_LOOK_MS = 100;

export class Replication implements PrimaryLinkOwner, FailoverOwner {
  readonly stream = new StreamId();
  readonly primary: Primary;
  readonly failover: Failover;
  link: PrimaryLink | null = null;
  private readonly host: ReplicationHost;
  /** A client waits for acknowledgements that replicas should send now. */
  private wantsAcks = false;
  /** Bytes received over links that have ended. */
  private earlierInputBytes = 0;
  private failoverTimer: NodeJS.Timeout | null = null;
  /** Database that the stream of the history we stand in has selected. */
  private streamDb = 0;

  constructor(host: ReplicationHost) {
    this.host = host;
    this.primary = new Primary(host, this.stream);
    this.failover = new Failover(host, this);
  }

  get isReplica(): boolean {
    return this.link !== null;
  }

  get replicas(): readonly Replica[] {
    return this.primary.replicas;
  }

  /** Bytes of the stream: written by a primary, applied by a replica. */
  get offset(): number {
    return this.link?.appliedOffset ?? this.stream.offset;
  }

  get inputBytes(): number {
    return this.earlierInputBytes + (this.link?.inputBytes ?? 0);
  }

  /** Whether the data set may be older than the primary's because there is no link. */
  get isStale(): boolean {
    return this.link !== null && !this.link.isConnected;
  }

  /** The link to the primary, as the cluster's election wants to know it; monotonic ms. */
  get linkAge(): { state: 'none' | 'down' | 'connected'; sinceMs: number } {
    const { link } = this;
    if (link === null) return { state: 'none', sinceMs: Number.NEGATIVE_INFINITY };
    return link.isConnected
      ? { state: 'connected', sinceMs: link.heardAtMs }
      : { state: 'down', sinceMs: link.downSinceMs };
  }

  // --- role

  /** Follows the primary at this address from now on, whatever the role was. */
  replicateOf(address: PrimaryAddress): void {
    const { link, host } = this;
    const wasPrimary = link === null;
    if (wasPrimary) host.unblockAll(ROLE_CHANGED);
    const resumeDb = wasPrimary ? this.streamDb : this.endLink(link);
    this.link = new PrimaryLink(address, host, this.stream, this, resumeDb, link);
    this.primary.isTop = false;
    host.configurePrimary(address);
    if (wasPrimary) {
      host.log.notice(
        'Before turning into a replica, using my own master parameters to synthesize a cached master: I may be able to synchronize with the new master with just a partial transfer.',
      );
      host.propagationChanged();
      host.stateChanged();
      host.roleChanged();
    } else {
      host.stateChanged();
    }
    this.link.connect();
  }

  /** Stops following and keeps the data. Without effect on a primary. */
  becomePrimary(): void {
    const { link, host, stream, primary } = this;
    if (link === null) return;
    this.endLink(link);
    this.link = null;
    primary.isTop = true;
    stream.shift();
    host.log.notice(
      `Setting secondary replication ID to ${stream.id2}, valid up to offset: ${stream.secondOffset}. New replication ID is ${stream.id}`,
    );
    // They learn the new id when they come again.
    primary.disconnectAll();
    primary.keepBacklog();
    host.forgetSelectedDb();
    host.configurePrimary(null);
    host.propagationChanged();
    host.stateChanged();
    host.roleChanged();
    host.resumeAof();
  }

  /** Takes up what the configuration says, at start: the data set is not loaded yet. Nothing is connected before the first tick. */
  startAsReplicaOf(address: PrimaryAddress): void {
    this.link = new PrimaryLink(address, this.host, this.stream, this, null, null);
    this.primary.isTop = false;
    this.host.stateChanged();
  }

  /**
   * The data set was loaded at start from an image of this history, and is exactly it.
   * @param isReplica whether this node is, or is about to be, a replica
   */
  restore(identity: ImageIdentity, isReplica: boolean): void {
    const { stream } = this;
    this.streamDb = identity.streamDb;
    if (isReplica) {
      stream.adopt(identity.id, identity.offset);
      if (this.link !== null) this.link.resumeDb = identity.streamDb;
      return;
    }
    stream.offset += identity.offset;
    stream.id2 = identity.id;
    stream.secondOffset = stream.offset + 1;
    this.primary.createBacklog();
  }

  /** What an image of this moment should carry; null if nobody could go on from it. */
  imageIdentity(): ImageIdentity | null {
    const { link, primary } = this;
    if (link === null ? primary.backlog === null : link.resumeDb === null) return null;
    return primary.imageIdentity();
  }

  /** DEBUG CHANGE-REPL-ID */
  changeId(): void {
    this.host.log.notice('Changing replication IDs after receiving change-repl-id');
    this.stream.renew();
  }

  private endLink(link: PrimaryLink): number | null {
    const resumeDb = link.stop();
    this.earlierInputBytes += link.inputBytes;
    if (resumeDb !== null) this.streamDb = resumeDb;
    return resumeDb;
  }

  // --- synchronisation requests

  /** @returns the error (without minus) that refuses all replicas now, or null */
  get syncRefusal(): string | null {
    if (this.failover.isActive) return "NOMASTERLINK Can't SYNC while failing over";
    if (this.isStale) return "NOMASTERLINK Can't SYNC while not connected with my master";
    return null;
  }

  /** Serves SYNC, or PSYNC with the history that the replica has and the first offset that it misses. */
  synchronize(replica: Replica, request: { id: string; offset: number } | null): void {
    this.host.log.notice(`Replica ${replica.name} asks for synchronization`);
    if (request !== null) {
      if (this.primary.tryPartial(replica, request.id, request.offset)) return;
      if (!request.id.startsWith('?')) this.primary.partialSyncErrorCount++;
    } else {
      replica.isPrePsync = true;
    }
    this.primary.startFull(replica);
  }

  /** A client waits for acknowledgements: asks replicas for them at the end of this turn. */
  requestAcks(): void {
    this.wantsAcks = true;
    this.host.scheduleTurnEnd();
  }

  // --- rhythm

  /** To be called at the end of a turn of the event loop. @returns whether acknowledgements have come since the last call */
  turnEnded(): boolean {
    const { primary, host } = this;
    if (this.wantsAcks && primary.isTop && !host.isPausedForFailover) {
      this.wantsAcks = false;
      if (primary.replicas.length > 0) host.propagate(['REPLCONF', 'GETACK', '*']);
    }
    primary.feed();
    const { hasNewAcks } = primary;
    primary.hasNewAcks = false;
    if (hasNewAcks) this.failover.check();
    return hasNewAcks;
  }

  /** To be called every second. */
  tick(): void {
    this.failover.check();
    this.link?.tick(this.host.options.replTimeout * 1000);
    this.primary.tick(Date.now());
  }

  /** Ends everything: the process is about to exit. */
  stop(): void {
    if (this.failoverTimer !== null) clearInterval(this.failoverTimer);
    this.failoverTimer = null;
    this.link?.stop();
    this.primary.abortImage();
  }

  // --- what the link tells

  historyRenamed(): void {
    this.primary.disconnectAll();
  }

  detach(): void {
    this.primary.disconnectAll();
    this.primary.dropBacklog();
  }

  imageLoaded(): void {
    this.primary.createBacklog();
  }

  resumed(): void {
    if (this.primary.backlog === null) this.primary.createBacklog();
  }

  relay(bytes: Uint8Array, start: number, end: number): void {
    this.primary.relay(bytes, start, end);
    if (this.primary.replicas.length > 0) this.host.scheduleTurnEnd();
  }

  linkChanged(): void {
    this.host.stateChanged();
  }

  failoverAnswered(isAccepted: boolean): void {
    this.failover.answered(isAccepted);
    if (this.failoverTimer !== null && !this.failover.isActive) this.stopLooking();
  }

  // --- failover

  /** FAILOVER, which has been checked. */
  beginFailover(request: Parameters<Failover['begin']>[0]): void {
    this.failoverTimer ??= setInterval(() => {
      if (this.failover.isActive) this.failover.check();
      else this.stopLooking();
      // The link of a failover is made at once, not with the next second.
      if (this.failover.state === 'failover-in-progress') this.link?.tick(this.host.options.replTimeout * 1000);
    }, FAILOVER_LOOK_MS);
    this.failover.begin(request);
  }

  handOver(target: FailoverTarget): void {
    this.replicateOf(target);
    this.link!.isFailover = true;
  }

  takeBack(): void {
    this.becomePrimary();
  }

  private stopLooking(): void {
    if (this.failoverTimer !== null) clearInterval(this.failoverTimer);
    this.failoverTimer = null;
  }
}
