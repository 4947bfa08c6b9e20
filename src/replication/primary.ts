/**
 * The primary's side: the backlog, the replicas and what each is sent (spec/replication.md sections 8 to 16). A replica has it, too: for replicas of
 * its own, which it sends its primary's bytes as they are.
 *
 * The stream is appended to the backlog while commands run; once per turn of the event loop each replica is sent what is new, in one write per block.
 *
 * Invariants: (1) the backlog ends at the stream's offset; (2) every connection marked as a replica is in `replicas` until it is closed.
 */
import { Backlog } from './backlog.js';
import { FullSync, type FullSyncOwner } from './full-sync.js';
import type { ImageIdentity, ReplicationHost } from './host.js';
import { CAN_PSYNC2, type Replica } from './replica.js';
import type { StreamId } from './stream-id.js';

const NEWLINE = Buffer.from('\n');

export class Primary implements FullSyncOwner {
  readonly replicas: Replica[] = [];
  backlog: Backlog | null = null;
  fullSyncCount = 0;
  partialSyncCount = 0;
  partialSyncErrorCount = 0;
  /** Bytes sent to replicas. */
  outputBytes = 0;
  /** Replicas that are online and have been heard of lately. */
  goodReplicaCount = 0;
  /** Whether this node writes the stream itself. */
  isTop = true;
  /** An acknowledgement has come since it was last reset. */
  hasNewAcks = false;
  private readonly host: ReplicationHost;
  private readonly stream: StreamId;
  private readonly fullSync: FullSync;
  private withoutReplicasSinceMs = 0;
  private pingTicks = 0;
  private fedOffset = 0;

  constructor(host: ReplicationHost, stream: StreamId) {
    this.host = host;
    this.stream = stream;
    this.fullSync = new FullSync(host, this);
  }

  // --- the stream

  /** Adds commands to the stream. Without a backlog only the offset moves, by one for each. */
  append(bytes: Uint8Array, start: number, end: number): void {
    if (this.backlog === null) {
      this.stream.offset++;
      return;
    }
    this.stream.offset += end - start;
    this.backlog.append(bytes, start, end);
    this.host.scheduleTurnEnd();
  }

  /** Adds bytes of the primary's stream that have been applied. */
  relay(bytes: Uint8Array, start: number, end: number): void {
    this.stream.offset += end - start;
    this.backlog?.append(bytes, start, end);
  }

  /** Makes a backlog that begins at the present offset. */
  createBacklog(): void {
    this.dropBacklog();
    this.backlog = new Backlog(this.stream.offset, this.host.options.replBacklogSize);
    this.withoutReplicasSinceMs = Date.now();
    this.host.propagationChanged();
  }

  /** No replica may be online. */
  dropBacklog(): void {
    this.backlog = null;
    this.host.propagationChanged();
  }

  /** Restarts the time after which a backlog that nobody needs is freed. */
  keepBacklog(): void {
    this.withoutReplicasSinceMs = Date.now();
  }

  imageIdentity(): ImageIdentity {
    const { host, stream } = this;
    return { streamDb: Math.max(0, host.streamDb), id: stream.id, offset: stream.offset };
  }

  /** Sends every replica what is new in the stream. To be called once per turn. */
  feed(): void {
    if (this.fedOffset === this.stream.offset) return;
    this.fedOffset = this.stream.offset;
    for (const replica of [...this.replicas]) this.pump(replica);
  }

  /** The kernel took everything that was queued for this replica. */
  drained(replica: Replica): void {
    this.fullSync.drained(replica);
    this.pump(replica);
  }

  private pump(replica: Replica): void {
    const { cursor, peer } = replica;
    if (cursor === null) return;
    if (replica.state === 'online' && !replica.isHeld) {
      // While the kernel is full the stream waits in its blocks, where it costs nothing per replica.
      while (peer.queuedBytes === 0) {
        const part = cursor.take();
        if (part === null) break;
        this.outputBytes += part.length;
        peer.write(part);
      }
    }
    peer.setBacklogged(this.stream.offset + 1 - cursor.offset);
  }

  // --- replicas coming and going

  /** PSYNC with an id and the first offset that the replica misses. @returns whether it goes on from there; else it must be given an image */
  tryPartial(replica: Replica, id: string, offset: number): boolean {
    const { stream, backlog, host } = this;
    if (!stream.covers(id, offset)) {
      if (id !== '?') {
        host.log.notice(
          `Partial resynchronization not accepted: Replication ID mismatch (Replica asked for '${id}', my replication IDs are '${stream.id}' and '${stream.id2}')`,
        );
      } else {
        host.log.notice(`Full resync requested by replica ${replica.name}`);
      }
      return false;
    }
    if (backlog === null || !backlog.reaches(offset)) {
      host.log.notice(
        `Unable to partial resync with replica ${replica.name} for lack of backlog (Replica request was: ${offset}).`,
      );
      if (offset > stream.offset + 1) {
        host.log.warning(
          `Warning: replica ${replica.name} tried to PSYNC with an offset that is greater than the master replication offset.`,
        );
      }
      return false;
    }
    this.add(replica);
    replica.cursor = backlog.cursor(offset);
    const canPsync2 = (replica.capabilities & CAN_PSYNC2) !== 0;
    replica.peer.write(Buffer.from(canPsync2 ? `+CONTINUE ${stream.id}\r\n` : '+CONTINUE\r\n'));
    this.partialSyncCount++;
    host.log.notice(
      `Partial resynchronization request from ${replica.name} accepted. Sending ${backlog.endOffset - offset} bytes of backlog starting from offset ${offset}.`,
    );
    this.bringOnline(replica);
    return true;
  }

  /** Gives the replica an image, now or when others wait with it. */
  startFull(replica: Replica): void {
    this.fullSyncCount++;
    const isFirst = this.replicas.length === 0;
    this.add(replica);
    if (isFirst && this.backlog === null) {
      this.stream.renew();
      this.createBacklog();
      this.host.log.notice(
        `Replication backlog created, my new replication IDs are '${this.stream.id}' and '${this.stream.id2}'`,
      );
    }
    this.fullSync.request(replica, Date.now());
  }

  imageSent(replica: Replica): void {
    if (replica.wantsImageOnly) {
      replica.state = 'sent';
      replica.closeCursor();
      replica.peer.closeWhenSent();
      return;
    }
    this.bringOnline(replica);
    this.host.log.notice(`Synchronization with replica ${replica.name} succeeded`);
  }

  /** Only a replica whose image ended in a mark waits for this: the mark had to be the last thing it saw. */
  acknowledged(replica: Replica, offset: number, fsyncedOffset: number): void {
    replica.ackOffset = Math.max(replica.ackOffset, offset);
    replica.fsyncedOffset = Math.max(replica.fsyncedOffset, fsyncedOffset);
    replica.ackAtMs = Date.now();
    this.hasNewAcks = true;
    this.host.scheduleTurnEnd();
    if (!replica.isHeld || replica.state !== 'online') return;
    replica.isHeld = false;
    this.pump(replica);
  }

  /** The replica's connection is gone. */
  remove(replica: Replica): void {
    const at = this.replicas.indexOf(replica);
    if (at < 0) return;
    this.replicas.splice(at, 1);
    if (replica.state !== 'sent') this.host.log.notice(`Connection with replica ${replica.name} lost.`);
    this.fullSync.forget(replica);
    replica.closeCursor();
    if (this.replicas.length === 0) this.withoutReplicasSinceMs = Date.now();
    this.countGood();
  }

  /** Makes all replicas come again: the history they follow is not what it was. */
  disconnectAll(): void {
    for (const replica of [...this.replicas]) {
      this.remove(replica);
      replica.peer.close();
    }
  }

  /** Gives an image that is being made up. */
  abortImage(): void {
    this.fullSync.abort();
  }

  private add(replica: Replica): void {
    const { peer } = replica;
    peer.becomeReplica();
    if (this.host.options.replDisableTcpNodelay) peer.setNoDelay(false);
    this.replicas.push(replica);
  }

  private bringOnline(replica: Replica): void {
    replica.state = 'online';
    replica.ackAtMs = Date.now();
    this.countGood();
    this.pump(replica);
  }

  // --- periodic

  /** @param nowMs Unix ms; to be called every second */
  tick(nowMs: number): void {
    const { host } = this;
    const { replTimeout, replPingReplicaPeriod, replBacklogTtl } = host.options;
    if (this.isTop && this.replicas.length > 0 && ++this.pingTicks >= replPingReplicaPeriod) {
      this.pingTicks = 0;
      if (!host.isPausedForFailover) host.propagate(['ping']);
    }
    for (const replica of [...this.replicas]) this.look(replica, nowMs, replTimeout * 1000);
    const idleMs = nowMs - this.withoutReplicasSinceMs;
    if (
      this.isTop &&
      this.replicas.length === 0 &&
      this.backlog !== null &&
      replBacklogTtl > 0 &&
      idleMs > replBacklogTtl * 1000
    ) {
      this.stream.renew();
      this.dropBacklog();
      host.log.notice(`Replication backlog freed after ${replBacklogTtl} seconds without connected replicas.`);
    }
    this.fullSync.tick(nowMs);
    this.countGood();
  }

  private look(replica: Replica, nowMs: number, timeoutMs: number): void {
    const { state, peer } = replica;
    if (state === 'online') {
      if (!replica.isPrePsync && nowMs - replica.heardAtMs > timeoutMs) {
        this.host.log.warning(`Disconnecting timedout replica (streaming sync): ${replica.name}`);
        peer.close();
      }
      return;
    }
    if (state === 'waiting' || (state === 'making' && peer.queuedBytes === 0 && this.fullSync.isSpooling))
      peer.write(NEWLINE);
    if ((state === 'making' || state === 'sending') && replica.isStalled(nowMs, timeoutMs)) {
      this.host.log.warning(`Disconnecting timedout replica (full sync): ${replica.name}`);
      peer.close();
    }
  }

  /** Counts the replicas that min-replicas-to-write is about. */
  countGood(): void {
    const nowMs = Date.now();
    const lagMax = this.host.options.minReplicasMaxLag;
    let count = 0;
    for (const replica of this.replicas) if (replica.state === 'online' && replica.lagSeconds(nowMs) <= lagMax) count++;
    this.goodReplicaCount = count;
    this.host.stateChanged();
  }

  /** Whether writes may be accepted as far as min-replicas-to-write goes. */
  get hasEnoughReplicas(): boolean {
    const { minReplicasToWrite, minReplicasMaxLag } = this.host.options;
    if (!this.isTop || minReplicasToWrite === 0 || minReplicasMaxLag === 0) return true;
    return this.goodReplicaCount >= minReplicasToWrite;
  }

  /** Replicas that have executed (or, if `fsynced`, made durable) everything before `offset`. */
  countAcknowledged(offset: number, fsynced = false): number {
    let count = 0;
    for (const replica of this.replicas) {
      if (replica.state === 'online' && (fsynced ? replica.fsyncedOffset : replica.ackOffset) >= offset) count++;
    }
    return count;
  }

  /** Whether an online replica has not acknowledged the whole stream. */
  get isAnyBehind(): boolean {
    return this.replicas.some((replica) => replica.state === 'online' && replica.ackOffset !== this.stream.offset);
  }
}
