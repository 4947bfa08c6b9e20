/**
 * WAIT and WAITAOF: clients that wait until enough replicas have acknowledged what they wrote (spec/replication.md section 14).
 *
 * Looked at once per turn of the event loop in which acknowledgements came, or the own append-only file became durable further.
 */
import type { Replication } from '../replication/replication.js';
import type { ReplyWriter } from '../resp/reply-writer.js';
import type { Blocking } from './blocking.js';
import type { Connection } from './connection.js';

export interface ReplicaWait {
  /** Stream offset behind the client's last write. */
  readonly offset: number;
  /** Replicas that must have it. */
  readonly replicaCount: number;
  /** It must be durable on them, and here if `needsLocal`: WAITAOF, whose reply has two numbers. */
  readonly isAof: boolean;
  readonly needsLocal: boolean;
}

interface Waiting {
  readonly connection: Connection;
  readonly wait: ReplicaWait;
}

export const LOCAL_AOF_OFF = 'ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.';

export class ReplicaWaits {
  private readonly waiting = new Set<Waiting>();
  private readonly replication: Replication;
  private readonly blocking: Blocking;
  private readonly fsyncedOffset: () => number;

  /** @param fsyncedOffset up to which stream offset the own append-only file is durable; −1 without one */
  constructor(replication: Replication, blocking: Blocking, fsyncedOffset: () => number) {
    this.replication = replication;
    this.blocking = blocking;
    this.fsyncedOffset = fsyncedOffset;
  }

  isSatisfied(wait: ReplicaWait): boolean {
    const { primary } = this.replication;
    if (wait.needsLocal && this.fsyncedOffset() < wait.offset) return false;
    return primary.countAcknowledged(wait.offset, wait.isAof) >= wait.replicaCount;
  }

  /** Writes the reply as things stand. */
  reply(wait: ReplicaWait, reply: ReplyWriter): void {
    const count = this.replication.primary.countAcknowledged(wait.offset, wait.isAof);
    if (!wait.isAof) return reply.integer(count);
    reply.array(2);
    reply.integer(this.fsyncedOffset() >= wait.offset ? 1 : 0);
    reply.integer(count);
  }

  /** @param timeoutMs 0: for ever */
  block(connection: Connection, timeoutMs: number, wait: ReplicaWait): void {
    const waiting = { connection, wait };
    this.waiting.add(waiting);
    this.blocking.block(connection, timeoutMs, {
      timedOut: (reply) => this.reply(wait, reply),
      ended: () => this.waiting.delete(waiting),
    });
    this.replication.requestAcks();
  }

  /** Ends the waits that are satisfied. */
  check(): void {
    for (const { connection, wait } of [...this.waiting]) {
      if (wait.needsLocal && this.fsyncedOffset() < 0)
        this.blocking.finish(connection, (reply) => reply.error(LOCAL_AOF_OFF));
      else if (this.isSatisfied(wait)) this.blocking.finish(connection, (reply) => this.reply(wait, reply));
    }
  }
}
