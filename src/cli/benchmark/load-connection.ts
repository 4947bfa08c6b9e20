/**
 * One connection under load: sends a batch, reads its replies, sends the next.
 *
 *   new ──send──▶ busy: prefix replies, then batch replies ──the last one──▶ idle ──send──▶ busy …
 *
 * A closed loop: the owner sends the next batch in the turn in which the last reply came. Latency is the time from the sending of a batch to the first byte
 * of its replies, and counts for each of them. Nothing is allocated per batch: the request is one buffer for the whole run, replies are counted in place.
 */
import { performance } from 'node:perf_hooks';
import type { Transport, TransportOwner } from '../../server/transport.js';
import { ReplyScanner } from './reply-scanner.js';
import type { RequestBatch } from './request-batch.js';
import type { Target } from './workload.js';

/** Whom a connection reports to. */
export interface LoadOwner {
  /** `count` requests were answered, `us` microseconds after their batch was sent. */
  onReplies(count: number, us: number): void;
  /** An error reply came. @returns whether it is no answer (a redirection, say), so that the request is still to be done */
  onErrorReply(connection: LoadConnection, text: string): boolean;
  /** The batch is through; so many of its requests are still to be done. */
  onIdle(connection: LoadConnection, undoneCount: number): void;
  /** The peer closed the connection or sent what is no reply. */
  onLost(connection: LoadConnection, reason: string): void;
}

export class LoadConnection implements TransportOwner {
  /** Replies that are still to come: those of the prefix come first, and do not count. */
  private prefixRepliesLeft: number;
  private repliesLeft = 0;
  private undone = 0;
  private sentAtMs = 0;
  /** −1 until the first byte of the replies has come. */
  private latencyUs = -1;
  private isClosed = false;
  private readonly scanner = new ReplyScanner();

  constructor(
    private readonly owner: LoadOwner,
    private readonly transport: Transport,
    readonly target: Target,
    readonly batch: RequestBatch,
    private readonly pipeline: number,
    /** Precedes the first batch. */
    private prefix: Uint8Array,
    prefixReplyCount: number,
  ) {
    this.prefixRepliesLeft = prefixReplyCount;
    transport.owner = this;
  }

  send(): void {
    this.repliesLeft = this.pipeline;
    this.latencyUs = -1;
    this.sentAtMs = performance.now();
    if (this.prefix.length === 0) {
      this.transport.write(this.batch.bytes);
      return;
    }
    this.transport.write(new Uint8Array(Buffer.concat([this.prefix, this.batch.bytes])));
    this.prefix = new Uint8Array(0);
  }

  close(): void {
    this.isClosed = true;
    this.transport.destroy();
  }

  onBytes(bytes: Uint8Array, length: number): void {
    if (this.isClosed) return;
    if (this.latencyUs < 0) this.latencyUs = ((performance.now() - this.sentAtMs) * 1000) | 0;
    const { scanner } = this;
    let answered = 0;
    for (let at = scanner.next(bytes, 0, length); at >= 0; at = scanner.next(bytes, at, length)) {
      const isUndone = scanner.isError && this.owner.onErrorReply(this, scanner.errorText);
      if (this.prefixRepliesLeft > 0) this.prefixRepliesLeft--;
      else if (this.repliesLeft-- === 0) scanner.fault = 'More replies than requests';
      else if (isUndone) this.undone++;
      else answered++;
    }
    if (answered > 0) this.owner.onReplies(answered, this.latencyUs);
    if (scanner.fault !== '') {
      this.owner.onLost(this, scanner.fault);
    } else if (this.repliesLeft === 0 && this.latencyUs >= 0) {
      const { undone } = this;
      this.undone = 0;
      this.owner.onIdle(this, undone);
    }
  }

  onEnding(): void {}

  onDrained(): void {}

  onClosed(): void {
    if (!this.isClosed) this.owner.onLost(this, 'Server closed the connection');
  }
}
