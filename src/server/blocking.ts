/**
 * Connections that wait for something: WAIT, and every command that blocks. A wait ends by what it waited for (`finish`), by its timeout, by CLIENT
 * UNBLOCK, by a change of role, or with the connection.
 *
 *   block → waiting ─finish, time is up, unblock, endAll→ answer queued ─turn's end→ replied; the connection goes on with its requests
 *              ↳ connection closed → forgotten
 *
 * Answers are given at the end of a turn, outside of any event, so that a wait may be ended from wherever the awaited thing happens.
 *
 * Invariants: (1) `connection.wait` is the wait of a connection that is blocked by `block` and has not been answered, else null; (2) `ended` of a wait is
 * called exactly once.
 */
import { copyBytes } from '../memory/copy.js';
import type { ReplyWriter } from '../resp/reply-writer.js';
import type { Connection } from './connection.js';
import { IS_BLOCKED } from './connection-flags.js';
import { Deadlines } from './deadlines.js';
import type { Server } from './server.js';

export type WriteReply = (reply: ReplyWriter) => void;

/** A command that waits, once. */
export abstract class Wait {
  readonly connection: Connection;
  /** Among the deadlines. */
  place = -1;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Writes its reply when time is up. */
  abstract timedOut(reply: ReplyWriter): void;
  /** The wait is over, whatever ended it: nobody may try to finish it any more. */
  abstract ended(): void;
}

const UNBLOCKED_BY_CLIENT = 'UNBLOCKED client unblocked via CLIENT UNBLOCK';

const BYTES_MIN = 16 * 1024;
/** What grew beyond this is not kept. */
const KEPT_BYTES_MAX = 256 * 1024;
const KEPT_ANSWERS_MAX = 4096;

export class Blocking {
  private readonly server: Server;
  private readonly deadlines = new Deadlines<Wait>((wait) => this.timedOut(wait));
  private answers = new Answers();
  /** Empty: takes turns with the other. */
  private otherAnswers = new Answers();

  constructor(server: Server) {
    this.server = server;
  }

  /**
   * Blocks the connection that is being served.
   * @param timeoutMs 0: for ever
   */
  block(wait: Wait, timeoutMs: number): void {
    const { connection } = wait;
    connection.hold(IS_BLOCKED);
    connection.wait = wait;
    // The ms that has begun does not count: nobody is answered too early.
    if (timeoutMs !== 0) this.deadlines.add(wait, Date.now() + timeoutMs + 1);
  }

  /** What was waited for has happened; nothing happens if the wait is over. @param write is called at the end of the turn */
  finish(wait: Wait, write: WriteReply): void {
    if (!this.end(wait)) return;
    this.answers.add(wait.connection, write);
    this.server.scheduleTurnEnd();
  }

  /** The same with a reply that is there already, `bytes[start … end)`, which are copied. */
  finishWith(wait: Wait, bytes: Uint8Array, start: number, end: number): void {
    if (!this.end(wait)) return;
    this.answers.addBytes(wait.connection, bytes, start, end);
    this.server.scheduleTurnEnd();
  }

  /** CLIENT UNBLOCK: ends the wait as if time were up, or with an error. @returns whether there was one */
  unblock(connection: Connection, isError: boolean): boolean {
    const { wait } = connection;
    if (wait === null) return false;
    if (isError) this.finish(wait, (reply) => reply.error(UNBLOCKED_BY_CLIENT));
    else this.timedOut(wait);
    return true;
  }

  /** Ends all waits with this error (without minus) and closes the connections. */
  endAll(error: string): void {
    for (const { wait } of this.server.connections.values()) {
      if (wait === null) continue;
      this.finish(wait, (reply) => {
        wait.connection.closeAfterReply();
        reply.error(error);
      });
    }
  }

  /** The connection is gone. */
  forget(connection: Connection): void {
    if (connection.wait !== null) this.end(connection.wait);
  }

  /** Gives the answers that are due. To be called at the end of each turn. */
  answer(): void {
    const { answers } = this;
    if (answers.count === 0) return;
    // Whoever goes on with its requests may end the waits of others.
    this.answers = this.otherAnswers;
    for (let i = 0; i < answers.count; i++) this.server.answerBlocked(answers.connection(i), answers.begin(i));
    answers.clear();
    this.otherAnswers = answers;
  }

  private timedOut(wait: Wait): void {
    this.finish(wait, (reply) => wait.timedOut(reply));
  }

  /** @returns false if the wait was over already */
  private end(wait: Wait): boolean {
    const { connection } = wait;
    if (connection.wait !== wait) return false;
    connection.wait = null;
    this.deadlines.remove(wait);
    wait.ended();
    return true;
  }
}

/** Answers that wait for the end of the turn: of most there is nothing but a range of bytes, so that they leave nothing to collect. */
class Answers {
  count = 0;
  private connections: (Connection | null)[] = [];
  /** null: it is `bytes[ends[i − 1] … ends[i])`. */
  private writes: (WriteReply | null)[] = [];
  private ends: number[] = [];
  private bytes = new Uint8Array(BYTES_MIN);
  private length = 0;
  private current = 0;
  private readonly writeCurrent = (reply: ReplyWriter): void =>
    reply.rawRange(this.bytes, this.current === 0 ? 0 : this.ends[this.current - 1]!, this.ends[this.current]!);

  add(connection: Connection, write: WriteReply | null): void {
    this.connections[this.count] = connection;
    this.writes[this.count] = write;
    this.ends[this.count++] = this.length;
  }

  addBytes(connection: Connection, bytes: Uint8Array, start: number, end: number): void {
    const needed = this.length + end - start;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    copyBytes(bytes, start, this.bytes, this.length, end - start);
    this.length = needed;
    this.add(connection, null);
  }

  connection(index: number): Connection {
    return this.connections[index]!;
  }

  /** @returns what writes the answer, until the next call */
  begin(index: number): WriteReply {
    this.current = index;
    return this.writes[index] ?? this.writeCurrent;
  }

  clear(): void {
    this.connections.fill(null, 0, this.count);
    this.writes.fill(null, 0, this.count);
    if (this.connections.length > KEPT_ANSWERS_MAX) {
      this.connections = [];
      this.writes = [];
      this.ends = [];
    }
    if (this.bytes.length > KEPT_BYTES_MAX) this.bytes = new Uint8Array(BYTES_MIN);
    this.count = 0;
    this.length = 0;
  }
}
