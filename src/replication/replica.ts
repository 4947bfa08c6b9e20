/**
 * One replica as its primary knows it: what it said of itself, how far it is, and what is still to be sent (spec/replication.md sections 8, 9, 14).
 *
 *   none → waiting ─image begins→ making ─(a file is complete)→ sending ─→ online        in INFO: wait_bgsave (twice), send_bulk, online
 *     ↳ online (partial)             ↳ (to sockets) online                  ↳ sent (one that wanted the image only)
 *
 * Invariant: while it is `making`, `sending` or `online`, `cursor` is at the first byte of the stream that it must still be sent.
 */
import type { BacklogCursor } from './backlog.js';
import type { ImageFilter, ReplicaPeer } from './host.js';

export const CAN_EOF = 1;
export const CAN_PSYNC2 = 2;

export type ReplicaState =
  /** A client that has told something about itself, no more. */
  | 'none'
  /** Waits for an image to begin. */
  | 'waiting'
  /** Its image is being made. */
  | 'making'
  /** A file with its image is being sent. */
  | 'sending'
  | 'online'
  /** Has its image, wants nothing else. */
  | 'sent';

const STATE_NAMES: Record<ReplicaState, string> = {
  none: '',
  waiting: 'wait_bgsave',
  making: 'wait_bgsave',
  sending: 'send_bulk',
  online: 'online',
  sent: '',
};

export class Replica {
  readonly peer: ReplicaPeer;
  state: ReplicaState = 'none';
  listeningPort = 0;
  announcedIp = '';
  capabilities = 0;
  filter: ImageFilter = null;
  wantsImageOnly = false;
  /** It used SYNC: it sends no acknowledgements. */
  isPrePsync = false;
  /** Offset at which its image was taken. */
  imageOffset = 0;
  cursor: BacklogCursor | null = null;
  /** The stream waits for the first acknowledgement, as the image's end mark must be the last thing it sees. */
  isHeld = false;
  /** The highest offsets it acknowledged: executed, and durable in its append-only file. */
  ackOffset = 0;
  fsyncedOffset = 0;
  ackAtMs = 0;
  /** Unix ms since when it waits for an image. */
  waitingSinceMs = 0;
  /** To see whether an image gets on: bytes that waited at the last look, and since when they have not become fewer. */
  private lastQueuedBytes = 0;
  private stalledSinceMs = 0;

  constructor(peer: ReplicaPeer) {
    this.peer = peer;
  }

  get ip(): string {
    return this.announcedIp === '' ? this.peer.ip : this.announcedIp;
  }

  /** For the log: the address under which it can be reached, if it told. */
  get name(): string {
    return this.listeningPort === 0 ? `${this.ip}:<unknown-replica-port>` : `${this.ip}:${this.listeningPort}`;
  }

  get stateName(): string {
    return STATE_NAMES[this.state];
  }

  /** Unix ms of the last sign of life: an acknowledgement, or the newlines that it sends while it loads. */
  get heardAtMs(): number {
    return Math.max(this.ackAtMs, this.peer.lastActiveMs);
  }

  lagSeconds(nowMs: number): number {
    return this.state === 'online' ? Math.max(0, Math.floor((nowMs - this.heardAtMs) / 1000)) : 0;
  }

  /** Whether nothing sent has gone out for `timeoutMs`. To be asked about once a second. */
  isStalled(nowMs: number, timeoutMs: number): boolean {
    const { queuedBytes } = this.peer;
    if (queuedBytes === 0 || queuedBytes < this.lastQueuedBytes || this.stalledSinceMs === 0)
      this.stalledSinceMs = nowMs;
    this.lastQueuedBytes = queuedBytes;
    return nowMs - this.stalledSinceMs > timeoutMs;
  }

  /** Whether an image made for the other is good for this one. */
  canShareImageWith(other: Replica): boolean {
    return (
      this.filter === other.filter &&
      (this.capabilities & other.capabilities) === other.capabilities &&
      (this.wantsImageOnly || !other.wantsImageOnly)
    );
  }

  closeCursor(): void {
    this.cursor?.close();
    this.cursor = null;
  }
}
