/**
 * Full synchronisation, the primary's side: when an image is made, for whom, in which form (spec/replication.md section 9).
 *
 *   replica asks → waiting ─┬─ another snapshot runs, or the delay for more replicas is not over → tick
 *                           └─ begin: FULLRESYNC to all that fit together ─┬─ sockets: image streamed to all at once ──▶ online, held until its ACK
 *                                                                          └─ disk: image to a spool file, then to each ▶ online
 *
 * The stream of a replica begins where its image was taken: its cursor is set in the same turn in which the snapshot begins.
 *
 * Invariants: (1) at most one image is being made; (2) a replica is in the transfer, or waiting, or neither; (3) the slowest replica of a transfer by
 * sockets paces all, so what waits in memory is bounded by PACE_BYTES each, plus what writes force out of the snapshot before its turn.
 */
import { join } from 'node:path';
import { nodeFileSystem, strerror } from '../persistence/file-system.js';
import { SnapshotError, SnapshotFile, type SnapshotProducer } from '../persistence/snapshot-file.js';
import type { Backlog } from './backlog.js';
import type { ImageFilter, ImageIdentity, ReplicationHost } from './host.js';
import { CAN_EOF, type Replica } from './replica.js';
import { newId } from './stream-id.js';

/** The pause that a slice of work makes for everybody else. */
const SLICE_MS = 1;
/** No more of an image is made while so much waits for one replica. */
const PACE_BYTES = 1 << 20;
const FILE_CHUNK_BYTES = 256 * 1024;

export interface FullSyncOwner {
  readonly backlog: Backlog | null;
  readonly replicas: readonly Replica[];
  imageIdentity(): ImageIdentity;
  /** The replica has its image; from now on it is sent the stream. */
  imageSent(replica: Replica): void;
}

interface Transfer {
  readonly byDisk: boolean;
  readonly replicas: Replica[];
  /** Stops making the image; its replicas have been closed. */
  cancel(): void;
  /** Something that was sent to a replica is out. */
  goOn(): void;
}

export class FullSync {
  private readonly host: ReplicationHost;
  private readonly owner: FullSyncOwner;
  private transfer: Transfer | null = null;
  /** Replicas that are sent a spool file. */
  private readonly senders = new Map<Replica, FileSender>();
  private spoolCount = 0;

  constructor(host: ReplicationHost, owner: FullSyncOwner) {
    this.host = host;
    this.owner = owner;
  }

  /** Whether the image that is being made goes to disk first, so that its replicas hear nothing meanwhile. */
  get isSpooling(): boolean {
    return this.transfer?.byDisk === true;
  }

  /** The replica needs an image; it is among the owner's replicas. */
  request(replica: Replica, nowMs: number): void {
    replica.state = 'waiting';
    replica.waitingSinceMs = nowMs;
    const { transfer, host } = this;
    if (transfer?.byDisk === true) {
      const leader = transfer.replicas.find(
        (other) => other.state === 'making' && (!other.wantsImageOnly || replica.wantsImageOnly),
      );
      if (leader !== undefined && replica.canShareImageWith(leader)) {
        transfer.replicas.push(replica);
        this.announce(replica, leader.imageOffset);
        replica.cursor = leader.cursor!.copy();
        host.log.notice('Waiting for end of BGSAVE for SYNC');
        return;
      }
    }
    if (transfer !== null || host.isSnapshotRunning) {
      host.log.notice("Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC");
      return;
    }
    const { replDisklessSync, replDisklessSyncDelay } = host.options;
    if (replDisklessSync && (replica.capabilities & CAN_EOF) !== 0 && replDisklessSyncDelay > 0) {
      host.log.notice('Delay next BGSAVE for diskless SYNC');
      this.tick(nowMs);
      return;
    }
    this.begin(replica.filter);
  }

  /** Begins an image if replicas wait for one and it is time. To be called every second, and when a snapshot has ended. */
  tick(nowMs: number): void {
    const { host } = this;
    if (this.transfer !== null || host.isSnapshotRunning) return;
    const waiting = this.owner.replicas.filter((replica) => replica.state === 'waiting');
    if (waiting.length === 0) return;
    const { filter } = waiting[0];
    const together = waiting.filter((replica) => replica.filter === filter);
    const { replDisklessSync, replDisklessSyncDelay, replDisklessSyncMaxReplicas } = host.options;
    const longestMs = Math.max(...together.map((replica) => nowMs - replica.waitingSinceMs));
    const isDue =
      !replDisklessSync ||
      (replDisklessSyncMaxReplicas > 0 && together.length >= replDisklessSyncMaxReplicas) ||
      longestMs >= replDisklessSyncDelay * 1000;
    if (isDue) this.begin(filter);
  }

  /** The replica's connection is gone. */
  forget(replica: Replica): void {
    this.senders.get(replica)?.stop();
    this.senders.delete(replica);
    const { transfer } = this;
    const at = transfer?.replicas.indexOf(replica) ?? -1;
    if (transfer === null || at < 0) return;
    transfer.replicas.splice(at, 1);
    if (transfer.replicas.length === 0) {
      this.host.log.notice('The last replica that waited for this image is gone: it is given up.');
      this.transfer = null;
      transfer.cancel();
    } else {
      transfer.goOn();
    }
  }

  /** The kernel took everything that was queued for this replica. */
  drained(replica: Replica): void {
    this.senders.get(replica)?.goOn();
    if (this.transfer?.replicas.includes(replica)) this.transfer.goOn();
  }

  /** Gives the image that is being made up, with the replicas that wait for it. */
  abort(): void {
    const { transfer } = this;
    if (transfer === null) return;
    this.transfer = null;
    transfer.cancel();
    for (const replica of [...transfer.replicas]) replica.peer.close();
  }

  private begin(filter: ImageFilter): void {
    const { host } = this;
    const replicas = this.owner.replicas.filter((replica) => replica.state === 'waiting' && replica.filter === filter);
    const canAllEof = replicas.every((replica) => (replica.capabilities & CAN_EOF) !== 0);
    const byDisk = !((host.options.replDisklessSync || filter !== null) && canAllEof);
    host.log.notice(`Starting BGSAVE for SYNC with target: ${byDisk ? 'disk' : 'replicas sockets'}`);
    const identity = this.owner.imageIdentity();
    for (const replica of replicas) {
      this.announce(replica, identity.offset);
      replica.cursor = this.owner.backlog!.cursor(identity.offset + 1);
    }
    // Whoever starts from here knows no database yet.
    host.forgetSelectedDb();
    this.transfer = byDisk ? this.byDisk(filter, identity, replicas) : this.bySockets(filter, identity, replicas);
  }

  private announce(replica: Replica, offset: number): void {
    replica.state = 'making';
    replica.imageOffset = offset;
    if (!replica.isPrePsync)
      replica.peer.write(Buffer.from(`+FULLRESYNC ${this.owner.imageIdentity().id} ${offset}\r\n`));
  }

  private bySockets(filter: ImageFilter, identity: ImageIdentity, replicas: Replica[]): Transfer {
    const { host } = this;
    const mark = Buffer.from(newId());
    const send = (bytes: Uint8Array): void => {
      for (const replica of [...replicas]) replica.peer.write(bytes);
    };
    send(Buffer.concat([Buffer.from('$EOF:'), mark, Buffer.from('\r\n')]));
    let isEnded = false;
    let isStepping = false;
    // Chunks are never given back for reuse: sockets may hold them for as long as they like.
    const producer = host.beginImage(filter, identity, (chunk, length) => {
      if (!isEnded) send(chunk.subarray(0, length));
    });
    const step = (): void => {
      isStepping = false;
      if (isEnded || replicas.some((replica) => replica.peer.queuedBytes > PACE_BYTES)) return;
      if (!producer.step(SLICE_MS)) {
        goOn();
        return;
      }
      isEnded = true;
      send(mark);
      this.transfer = null;
      for (const replica of [...replicas]) {
        host.log.notice(
          `Streamed replica with replica ${replica.name} succeeded. Waiting for REPLCONF ACK from replica to enable streaming`,
        );
        replica.isHeld = true;
        this.owner.imageSent(replica);
      }
      this.tick(Date.now());
    };
    const goOn = (): void => {
      if (isStepping || isEnded) return;
      isStepping = true;
      setImmediate(step);
    };
    // Beginning an image takes some ms the first time, when nothing of it is compiled: what has come in meanwhile is served before the first step.
    setImmediate(goOn);
    return {
      byDisk: false,
      replicas,
      goOn,
      cancel() {
        isEnded = true;
        producer.cancel();
      },
    };
  }

  private byDisk(filter: ImageFilter, identity: ImageIdentity, replicas: Replica[]): Transfer {
    const { host } = this;
    const directory = host.options.dir;
    const name = `temp-sync-${process.pid}-${++this.spoolCount}`;
    const finalPath = join(directory, `${name}.rdb`);
    const file = new SnapshotFile({
      fileSystem: nodeFileSystem,
      source: { begin: (_form, sink): SnapshotProducer => host.beginImage(filter, identity, sink) },
      form: 'rdb',
      tempPath: join(directory, `${name}.part`),
      finalPath,
      directory,
      mode: 0o600,
      incrementalFsync: false,
    });
    const transfer: Transfer = { byDisk: true, replicas, goOn() {}, cancel: () => file.cancel() };
    file.finished.then(
      () => this.sendFile(transfer, new Spool(finalPath, file.producedBytes, replicas.length)),
      (error: unknown) => {
        if (!(error instanceof SnapshotError && error.stage === 'cancelled'))
          host.log.warning(`SYNC failed. BGSAVE child returned an error: ${(error as Error).message}`);
        this.settle(transfer);
        for (const replica of [...replicas]) replica.peer.close();
        this.tick(Date.now());
      },
    );
    return transfer;
  }

  private settle(transfer: Transfer): void {
    if (this.transfer === transfer) this.transfer = null;
  }

  private sendFile(transfer: Transfer, spool: Spool): void {
    this.settle(transfer);
    if (transfer.replicas.length === 0) spool.remove();
    for (const replica of transfer.replicas) {
      replica.state = 'sending';
      const sender = new FileSender(replica, spool, (error) => {
        this.senders.delete(replica);
        if (error === null) {
          this.owner.imageSent(replica);
        } else {
          this.host.log.warning(`Read error sending DB to replica: ${strerror(error)}`);
          replica.peer.close();
        }
      });
      this.senders.set(replica, sender);
      sender.goOn();
    }
    this.tick(Date.now());
  }
}

/** A finished image on disk; removed when nobody needs it any more. */
class Spool {
  readonly path: string;
  readonly bytes: number;
  private userCount: number;

  constructor(path: string, bytes: number, userCount: number) {
    this.path = path;
    this.bytes = bytes;
    this.userCount = userCount;
  }

  letGo(): void {
    if (--this.userCount === 0) this.remove();
  }

  remove(): void {
    nodeFileSystem.unlink(this.path).catch(() => {});
  }
}

/** Sends a spool file to one replica, a chunk at a time, as fast as that one takes it. */
class FileSender {
  private readonly replica: Replica;
  private readonly spool: Spool;
  private readonly finished: (error: unknown) => void;
  private fd = -1;
  private sentBytes = 0;
  private isReading = false;
  private isStopped = false;
  private hasBegun = false;

  /** @param finished is called once unless `stop` was: with null when the file has been written */
  constructor(replica: Replica, spool: Spool, finished: (error: unknown) => void) {
    this.replica = replica;
    this.spool = spool;
    this.finished = finished;
  }

  goOn(): void {
    if (!this.isReading && !this.isStopped) void this.send();
  }

  stop(): void {
    if (this.isStopped) return;
    this.isStopped = true;
    if (!this.isReading) this.cleanUp();
  }

  private async send(): Promise<void> {
    const { peer } = this.replica;
    this.isReading = true;
    let failure: unknown = null;
    try {
      if (!this.hasBegun) {
        this.hasBegun = true;
        peer.write(Buffer.from(`$${this.spool.bytes}\r\n`));
        this.fd = await nodeFileSystem.open(this.spool.path, 'r');
      }
      while (!this.isStopped && this.sentBytes < this.spool.bytes && peer.queuedBytes === 0) {
        const chunk = new Uint8Array(FILE_CHUNK_BYTES);
        const count = await nodeFileSystem.read(this.fd, chunk, 0, chunk.length, null);
        if (count === 0) throw new Error('the spool file is shorter than it was');
        this.sentBytes += count;
        if (!this.isStopped) peer.write(chunk.subarray(0, count));
      }
    } catch (error) {
      failure = error;
    }
    this.isReading = false;
    if (this.isStopped) return this.cleanUp();
    if (failure === null && this.sentBytes < this.spool.bytes) return;
    this.isStopped = true;
    this.cleanUp();
    this.finished(failure);
  }

  private cleanUp(): void {
    if (this.fd >= 0) nodeFileSystem.close(this.fd).catch(() => {});
    this.fd = -1;
    this.spool.letGo();
  }
}
