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
 * Invariants: (1) a waiter is in the queue of each of its keys until its wait ends, and then in none; (2) a queue is never empty, and `needingKeyCount` is
 * the number of its waiters with `needsKey`.
 */
import type { Command } from '../commands/command.js';
import type { Database } from '../keyspace/database.js';
import { TYPE_NAMES } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';
import type { ReplyWriter } from '../resp/reply-writer.js';
import type { Request } from '../resp/request.js';
import type { Connection } from './connection.js';
import { IS_PRIMARY_LINK, IS_TRACKING } from './connection-flags.js';
import type { Invocation } from './invocation.js';
import type { Server } from './server.js';
import { copyRequest } from './transaction.js';

interface Waiter {
  readonly connection: Connection;
  readonly command: Command;
  readonly request: Request;
  /** What its keys must hold. */
  readonly type: number;
  readonly names: ReadonlySet<string>;
  /** It is answered as well when a key is lost, or holds something else. */
  readonly needsKey: boolean;
}

/** Who waits for one key, in the order in which they came. */
interface Queue {
  readonly waiters: Set<Waiter>;
  needingKeyCount: number;
}

/** What is special about a wait. */
export interface WaitOptions {
  /** Executed again in place of the request as it was received. */
  readonly request: Request;
  readonly needsKey: boolean;
}

const NO_TYPE = -1;
const nullArray = (reply: ReplyWriter): void => reply.nullArray();

export class KeyWaits {
  private readonly server: Server;
  /** By database number and key. */
  private readonly queues = new Map<string, Queue>();
  private readonly ready = new Set<string>();
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
    return this.ready.size > 0 && !this.isServing;
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
    const names = new Set<string>();
    for (let i = firstAt; i < firstAt + keyCount; i++) names.add(nameOf(call.db.index, call.request.latin1(i)));
    const { request, needsKey } = options ?? { request: copyRequest(call.request), needsKey: false };
    const waiter: Waiter = { connection, command: call.command, request, type, names, needsKey };
    for (const name of names) {
      let queue = this.queues.get(name);
      if (queue === undefined) {
        queue = { waiters: new Set(), needingKeyCount: 0 };
        this.queues.set(name, queue);
      }
      queue.waiters.add(waiter);
      if (needsKey) queue.needingKeyCount++;
    }
    this.waiterCounts[type]++;
    if (needsKey) this.needingKeyCount++;
    this.server.keyspace.setLifeListener(this);
    this.server.blocking.block(connection, timeoutMs, { timedOut: nullArray, ended: () => this.drop(waiter) });
    return true;
  }

  /** The key in argument `keyAt`, which holds a stream, got entries or lost a group. */
  signal(call: Invocation, keyAt: number): void {
    if (this.queues.size === 0) return;
    const name = nameOf(call.db.index, call.request.latin1(keyAt));
    if (this.queues.has(name)) this.ready.add(name);
  }

  born(db: Database, ref: Ref): void {
    if (this.waiterCounts[this.server.keyspace.entries.type(ref)] === 0) return;
    const name = this.nameAt(db, ref);
    if (this.queues.has(name)) this.ready.add(name);
  }

  lost(db: Database, ref: Ref): void {
    if (this.needingKeyCount === 0) return;
    const name = this.nameAt(db, ref);
    const queue = this.queues.get(name);
    if (queue === undefined || queue.needingKeyCount === 0) return;
    this.ready.add(name);
    // It may have expired outside of any command.
    this.server.scheduleTurnEnd();
  }

  /** Databases have other contents. */
  replaced(): void {
    for (const name of this.queues.keys()) this.ready.add(name);
  }

  /** Serves the clients whose keys have become ready. To be called after a command or transaction. */
  serve(): void {
    for (const name of this.ready) {
      this.ready.delete(name);
      const queue = this.queues.get(name);
      if (queue !== undefined) this.serveQueue(name, queue);
    }
  }

  private serveQueue(name: string, queue: Queue): void {
    const databaseIndex = Number.parseInt(name, 10);
    const key = keyOf(name);
    let type = this.typeOf(databaseIndex, key);
    for (const waiter of queue.waiters) {
      if (waiter.needsKey || waiter.type === type) {
        this.retry(waiter);
        type = this.typeOf(databaseIndex, key);
      } else if (type === NO_TYPE && queue.needingKeyCount === 0) {
        return;
      }
    }
  }

  /** The cluster has changed: who waits for a key that is not served here any more is told so. */
  recheck(): void {
    const { blocking, cluster } = this.server;
    for (const [name, queue] of [...this.queues]) {
      const key = keyOf(name);
      for (const { connection, command } of queue.waiters) {
        const error = cluster!.redirectBlocked(connection, command, key);
        if (error !== null) blocking.finish(connection, (writer) => writer.byteError(error));
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
    const pushes = ownPushes.splice(pushCount);
    if (!this.blocksAgain) for (const bytes of pushes) reply.raw(bytes);
    else for (const bytes of pushes) connection.send(bytes);
    const answer = reply.bytes.slice(length, reply.length);
    reply.rewind(length);
    reply.protocol = protocol;
    if (!this.blocksAgain) blocking.finish(connection, (writer) => writer.raw(answer));
  }

  /** @returns the type of what the key holds, or NO_TYPE */
  private typeOf(databaseIndex: number, key: Uint8Array): number {
    const { keyspace } = this.server;
    const { entries } = keyspace;
    const ref = keyspace.databases[databaseIndex].find(key, 0, key.length);
    if (ref === 0 || (entries.hasExpiry(ref) && keyspace.isExpired(ref))) return NO_TYPE;
    return entries.type(ref);
  }

  private nameAt(db: Database, ref: Ref): string {
    const { entries } = this.server.keyspace;
    const view = entries.view(ref);
    const start = entries.keyStart(ref);
    const key = Buffer.from(view.buffer, view.byteOffset + start, entries.keyLength(ref)).toString('latin1');
    return nameOf(db.index, key);
  }

  private drop(waiter: Waiter): void {
    this.waiterCounts[waiter.type]--;
    if (waiter.needsKey) this.needingKeyCount--;
    for (const name of waiter.names) {
      const queue = this.queues.get(name)!;
      queue.waiters.delete(waiter);
      if (waiter.needsKey) queue.needingKeyCount--;
      if (queue.waiters.size === 0) this.queues.delete(name);
    }
    if (this.queues.size === 0) this.server.keyspace.setLifeListener(null);
  }
}

function keyOf(name: string): Buffer {
  return Buffer.from(name.slice(name.indexOf(':') + 1), 'latin1');
}

function nameOf(database: number, key: string): string {
  return `${database}:${key}`;
}
