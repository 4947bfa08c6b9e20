/**
 * Clients that wait for a key to hold a list or sorted set, or for a stream to get entries: BLPOP and its kin, XREAD. Source: spec server.md section 9.
 *
 *   block → waiting ─a key of theirs becomes ready─after the command or transaction→ the request is executed again → answered, or waits on
 *
 * A key becomes ready when it is born, by whatever command; a list or sorted set in the keyspace is never empty, so nothing else can make one ready.
 * A stream may be there already: who adds to it tells by `signal`. Readers of a consumer group must also learn that it is no more: for them a key
 * is ready, too, when it is lost, be it deleted or overwritten.
 * Ready keys are served in the order of their first birth, the clients of a key in the order in which they came; what one of them does may make more
 * keys ready. Executing the request again makes its effect a propagation unit of its own.
 *
 * Serving a key costs what those cost who are served: it ends with the first who finds the key gone. A wait ends in O(1) for each of its keys.
 *
 * Invariants: (1) a waiter is in the queue of each of its keys until its wait ends, and then in none; (2) a queue's `needingKeyCount` is the number of its
 * waiters with `needsKey`.
 */
import type { Command } from '../commands/command.js';
import type { Database } from '../keyspace/database.js';
import { TYPE_NAMES } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';
import type { ReplyWriter } from '../resp/reply-writer.js';
import type { Request } from '../resp/request.js';
import { Wait } from './blocking.js';
import { IS_PRIMARY_LINK, IS_TRACKING } from './connection-flags.js';
import { Interests, InterestTable, Subject } from './interests.js';
import type { Invocation } from './invocation.js';
import type { Server } from './server.js';
import { copyRequest } from './transaction.js';

class Waiter extends Wait {
  readonly keys = new Interests<Queue, Waiter>();
  readonly command: Command;
  readonly request: Request;
  /** What its keys must hold. */
  readonly type: number;
  /** It is answered as well when a key is lost, or holds something else. */
  readonly needsKey: boolean;
  private readonly waits: KeyWaits;

  constructor(waits: KeyWaits, call: Invocation, request: Request, type: number, needsKey: boolean) {
    super(call.connection);
    this.waits = waits;
    this.command = call.command;
    this.request = request;
    this.type = type;
    this.needsKey = needsKey;
  }

  timedOut(reply: ReplyWriter): void {
    reply.nullArray();
  }

  ended(): void {
    this.waits.drop(this);
  }
}

/** A key that is waited for, with those who do. */
class Queue extends Subject<Waiter> {
  needingKeyCount = 0;
  /** It is in the list of ready keys. */
  isReady = false;
}

/** What is special about a wait. */
export interface WaitOptions {
  /** Executed again in place of the request as it was received. */
  readonly request: Request;
  readonly needsKey: boolean;
}

const NO_TYPE = -1;

export class KeyWaits {
  private readonly server: Server;
  private readonly queues = new InterestTable<Queue, Waiter>();
  /** Keys to be served, in this order: the first `readyCount`. */
  private readonly ready: (Queue | null)[] = [];
  private readyCount = 0;
  /** How many waiters there are by the type that they wait for, and how many with `needsKey`: nobody else's births and losses are looked at. */
  private readonly waiterCounts = TYPE_NAMES.map(() => 0);
  private needingKeyCount = 0;
  /** The request is being executed again. */
  private isServing = false;
  private blocksAgain = false;

  constructor(server: Server) {
    this.server = server;
  }

  /** Whether `serve` has something to do. */
  get hasReady(): boolean {
    return this.readyCount > 0 && !this.isServing;
  }

  /** Keys that clients wait for. */
  get keyCount(): number {
    return this.queues.size;
  }

  /**
   * Makes the caller wait until one of its keys holds a value of this type.
   * @param firstAt argument of its first key
   * @param timeoutMs 0 for ever
   * @returns false where nobody may wait (in a transaction, in the stream of the primary): then the reply is the caller's to write
   */
  block(
    call: Invocation,
    type: number,
    firstAt: number,
    keyCount: number,
    timeoutMs: number,
    options: WaitOptions | null = null,
  ): boolean {
    const { connection } = call;
    if (this.isServing) {
      this.blocksAgain = true;
      return true;
    }
    if (connection.isExecuting || (connection.flags & IS_PRIMARY_LINK) !== 0) return false;
    const needsKey = options?.needsKey ?? false;
    const waiter = new Waiter(this, call, options?.request ?? copyRequest(call.request), type, needsKey);
    for (let i = firstAt; i < firstAt + keyCount; i++) this.waitFor(waiter, call, i);
    this.waiterCounts[type]++;
    if (needsKey) this.needingKeyCount++;
    this.server.keyspace.setLifeListener(this);
    this.server.blocking.block(waiter, timeoutMs);
    return true;
  }

  /** The key in argument `keyAt`, which holds a stream, got entries or lost a group. */
  signal(call: Invocation, keyAt: number): void {
    const { bytes, starts, lengths } = call.request;
    const queue = this.queues.find(call.db.index, bytes, starts[keyAt], lengths[keyAt]);
    if (queue !== null) this.makeReady(queue);
  }

  born(db: Database, ref: Ref): void {
    if (this.waiterCounts[this.server.keyspace.entries.type(ref)] === 0) return;
    const queue = this.queueOf(db, ref);
    if (queue !== null) this.makeReady(queue);
  }

  lost(db: Database, ref: Ref): void {
    if (this.needingKeyCount === 0) return;
    const queue = this.queueOf(db, ref);
    if (queue === null || queue.needingKeyCount === 0) return;
    this.makeReady(queue);
    // It may have expired outside of any command.
    this.server.scheduleTurnEnd();
  }

  /** Databases have other contents. */
  replaced(): void {
    for (let queue = this.queues.begin(); queue !== null; queue = this.queues.advance()) this.makeReady(queue);
  }

  /** Serves the clients whose keys have become ready. To be called after a command or transaction. */
  serve(): void {
    const { ready } = this;
    for (let i = 0; i < this.readyCount; i++) {
      const queue = ready[i]!;
      ready[i] = null;
      queue.isReady = false;
      this.serveQueue(queue);
    }
    this.readyCount = 0;
  }

  private makeReady(queue: Queue): void {
    if (queue.isReady) return;
    queue.isReady = true;
    this.ready[this.readyCount++] = queue;
  }

  private serveQueue(queue: Queue): void {
    let type = this.typeOf(queue);
    for (let interest = queue.begin(); interest !== null; interest = queue.advance()) {
      const waiter = interest.owner;
      if (waiter.needsKey || waiter.type === type) {
        this.retry(waiter);
        type = this.typeOf(queue);
      } else if (type === NO_TYPE && queue.needingKeyCount === 0) {
        return;
      }
    }
  }

  /** The cluster has changed: who waits for a key that is not served here any more is told so. */
  recheck(): void {
    const { blocking, cluster } = this.server;
    for (let queue = this.queues.begin(); queue !== null; queue = this.queues.advance()) {
      for (let interest = queue.begin(); interest !== null; interest = queue.advance()) {
        const waiter = interest.owner;
        const error = cluster!.redirectBlocked(waiter.connection, waiter.command, queue.name);
        if (error !== null) blocking.finish(waiter, (writer) => writer.byteError(error));
      }
    }
  }

  /** Executes a waiter's request again; its reply leaves at the end of the turn, and behind it what the command sends to its own connection. */
  private retry(waiter: Waiter): void {
    const { server } = this;
    const { blocking, dispatcher, ownPushes, reply, speaker } = server;
    const { connection, request, command } = waiter;
    const { length, protocol } = reply;
    const pushCount = ownPushes.length;
    reply.protocol = connection.protocol;
    server.speaker = connection;
    this.isServing = true;
    this.blocksAgain = false;
    dispatcher.run(connection, request, command);
    if ((connection.flags & IS_TRACKING) !== 0) server.tracking.executed(connection, request, command);
    this.isServing = false;
    server.speaker = speaker;
    for (let i = pushCount; i < ownPushes.length; i++) {
      if (this.blocksAgain) connection.send(ownPushes[i]!);
      else reply.raw(ownPushes[i]!);
    }
    if (ownPushes.length > pushCount) ownPushes.length = pushCount;
    if (!this.blocksAgain) blocking.finishWith(waiter, reply.bytes, length, reply.length);
    reply.rewind(length);
    reply.protocol = protocol;
  }

  private waitFor(waiter: Waiter, call: Invocation, keyAt: number): void {
    const { queues } = this;
    const { index } = call.db;
    const { bytes, starts, lengths } = call.request;
    let queue = queues.find(index, bytes, starts[keyAt], lengths[keyAt]);
    if (queue === null) {
      queue = new Queue(index, call.request.copy(keyAt));
      queues.add(queue);
    } else if (queues.interestIn(queue, waiter, waiter.keys) !== null) {
      return;
    }
    queues.join(queue, waiter, waiter.keys);
    if (waiter.needsKey) queue.needingKeyCount++;
  }

  /** @returns the type of what the key holds, or NO_TYPE */
  private typeOf({ space, name }: Queue): number {
    const { keyspace } = this.server;
    const { entries } = keyspace;
    const ref = keyspace.databases[space].find(name, 0, name.length);
    if (ref === 0 || (entries.hasExpiry(ref) && keyspace.isExpired(ref))) return NO_TYPE;
    return entries.type(ref);
  }

  private queueOf(db: Database, ref: Ref): Queue | null {
    const { entries } = this.server.keyspace;
    return this.queues.find(db.index, entries.view(ref), entries.keyStart(ref), entries.keyLength(ref));
  }

  /** The wait is over: called by the waiter. */
  drop(waiter: Waiter): void {
    this.waiterCounts[waiter.type]--;
    const { keys } = waiter;
    if (waiter.needsKey) {
      this.needingKeyCount--;
      for (let interest = keys.first; interest !== null; interest = interest.nextOfOwner)
        interest.subject.needingKeyCount--;
    }
    this.queues.leaveAll(keys);
    if (this.queues.size === 0) this.server.keyspace.setLifeListener(null);
  }
}
