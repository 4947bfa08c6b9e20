/**
 * Connections that wait for something: WAIT, and every command that blocks. A wait ends by what it waited for (`finish`), by its timeout, by CLIENT
 * UNBLOCK, by a change of role, or with the connection.
 *
 *   block → waiting ─finish, time is up, unblock, endAll→ answer queued ─turn's end→ replied; the connection goes on with its requests
 *              ↳ connection closed → forgotten
 *
 * Answers are given at the end of a turn, outside of any event, so that `finish` may be called from wherever the awaited thing happens.
 *
 * Invariants: (1) a connection is in `waits` iff it is blocked by `block` and has not been answered; (2) `ended` of a wait is called exactly once.
 */
import type { ReplyWriter } from '../resp/reply-writer.js';
import type { Connection } from './connection.js';
import { IS_BLOCKED } from './connection-flags.js';
import type { Server } from './server.js';

export type WriteReply = (reply: ReplyWriter) => void;

/** A command that waits. */
export interface BlockedCommand {
  /** Its reply when time is up. */
  readonly timedOut: WriteReply;
  /** The wait is over, whatever ended it: nobody may try to finish it any more. */
  ended(): void;
}

interface Wait {
  readonly connection: Connection;
  readonly command: BlockedCommand;
  readonly deadlineMs: number;
  timer: NodeJS.Timeout | null;
}

interface Answer {
  readonly connection: Connection;
  readonly write: WriteReply;
  readonly closes: boolean;
}

const TIMER_MS_MAX = 0x7fffffff;
const UNBLOCKED_BY_CLIENT = 'UNBLOCKED client unblocked via CLIENT UNBLOCK';

export class Blocking {
  private readonly server: Server;
  private readonly waits = new Map<Connection, Wait>();
  private answers: Answer[] = [];

  constructor(server: Server) {
    this.server = server;
  }

  get count(): number {
    return this.waits.size;
  }

  /**
   * Blocks the connection that is being served.
   * @param timeoutMs 0: for ever
   */
  block(connection: Connection, timeoutMs: number, command: BlockedCommand): void {
    connection.hold(IS_BLOCKED);
    const deadlineMs = timeoutMs === 0 ? Number.POSITIVE_INFINITY : Date.now() + timeoutMs;
    const wait: Wait = { connection, command, deadlineMs, timer: null };
    this.waits.set(connection, wait);
    if (timeoutMs !== 0) this.schedule(wait);
  }

  /** What was waited for has happened. @param write is called at the end of the turn */
  finish(connection: Connection, write: WriteReply): void {
    this.end(connection, write, false);
  }

  /** CLIENT UNBLOCK: ends the wait as if time were up, or with an error. @returns whether there was one */
  unblock(connection: Connection, isError: boolean): boolean {
    const wait = this.waits.get(connection);
    if (wait === undefined) return false;
    this.end(connection, isError ? (reply) => reply.error(UNBLOCKED_BY_CLIENT) : wait.command.timedOut, false);
    return true;
  }

  /** Ends all waits with this error (without minus) and closes the connections. */
  endAll(error: string): void {
    for (const connection of [...this.waits.keys()]) this.end(connection, (reply) => reply.error(error), true);
  }

  /** The connection is gone. */
  forget(connection: Connection): void {
    const wait = this.waits.get(connection);
    if (wait !== undefined) this.drop(wait);
  }

  /** Gives the answers that are due. To be called at the end of each turn. */
  answer(): void {
    if (this.answers.length === 0) return;
    const answers = this.answers;
    this.answers = [];
    for (const { connection, write, closes } of answers) {
      if (closes) connection.closeAfterReply();
      this.server.answerBlocked(connection, write);
    }
  }

  private end(connection: Connection, write: WriteReply, closes: boolean): void {
    const wait = this.waits.get(connection);
    if (wait === undefined) return;
    this.drop(wait);
    this.answers.push({ connection, write, closes });
    this.server.scheduleTurnEnd();
  }

  private drop(wait: Wait): void {
    this.waits.delete(wait.connection);
    if (wait.timer !== null) clearTimeout(wait.timer);
    wait.command.ended();
  }

  private schedule(wait: Wait): void {
    const restMs = wait.deadlineMs - Date.now();
    wait.timer = setTimeout(
      () => {
        if (Date.now() < wait.deadlineMs) this.schedule(wait);
        else this.end(wait.connection, wait.command.timedOut, false);
      },
      Math.max(1, Math.min(restMs, TIMER_MS_MAX)),
    );
  }
}
