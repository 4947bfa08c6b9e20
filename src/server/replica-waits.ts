/**
 * WAIT and WAITAOF: clients that wait until enough replicas have acknowledged what they wrote (spec/replication.md section 14).
 *
 * Looked at once per turn of the event loop in which acknowledgements came, or the own append-only file became durable further.
 */
import type { Replication } from '../replication/replication.js';
import type { ReplyWriter } from '../resp/reply-writer.js';
import { type Blocking, Wait } from './blocking.js';
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

class Waiting extends Wait {
  readonly wait: ReplicaWait;
  isOver = false;
  private readonly waits: ReplicaWaits;

  constructor(connection: Connection, wait: ReplicaWait, waits: ReplicaWaits) {
    super(connection);
    this.wait = wait;
    this.waits = waits;
  }

  timedOut(reply: ReplyWriter): void {
    this.waits.reply(this.wait, reply);
  }

  ended(): void {
    this.isOver = true;
    this.waits.noteEnd();
  }
}

/** Waits that are over are taken out when they are more than so many, and than the others. */
const OVER_MAX = 64;

export const LOCAL_AOF_OFF = 'ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.';

export class ReplicaWaits {
  /** In the order in which they came, with some that are over. */
  private readonly waiting: Waiting[] = [];
  private overCount = 0;
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
    if (this.overCount > OVER_MAX && this.overCount * 2 > this.waiting.length) this.closeUp();
    const waiting = new Waiting(connection, wait, this);
    this.waiting.push(waiting);
    this.blocking.block(waiting, timeoutMs);
    this.replication.requestAcks();
  }

  /** Ends the waits that are satisfied. */
  check(): void {
    for (const waiting of this.waiting) {
      const { wait, isOver } = waiting;
      if (isOver) continue;
      if (wait.needsLocal && this.fsyncedOffset() < 0)
        this.blocking.finish(waiting, (reply) => reply.error(LOCAL_AOF_OFF));
      else if (this.isSatisfied(wait)) this.blocking.finish(waiting, (reply) => this.reply(wait, reply));
    }
    if (this.overCount > 0) this.closeUp();
  }

  /** One of the waits is over: called by it. */
  noteEnd(): void {
    this.overCount++;
  }

  private closeUp(): void {
    const { waiting } = this;
    let count = 0;
    for (const one of waiting) if (!one.isOver) waiting[count++] = one;
    waiting.length = count;
    this.overCount = 0;
  }
}
