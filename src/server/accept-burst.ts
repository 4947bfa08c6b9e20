/**
 * Many clients that connect at once are all accepted before the input of others is executed.
 *
 * The event loop accepts one connection a turn. A turn in which fifty clients' pipelines are executed takes some ms, so of three hundred clients that
 * connect meanwhile the last one would wait for more than a second. While connections come turn after turn, what arrives from clients is therefore only kept;
 * the turns are short then, and it is executed when a turn brought no connection, or after BURST_MS.
 *
 * Invariants: (1) kept input is executed in the order of its arrival, behind what the inbox has collected before, and before any that comes later; (2) none
 * is kept for longer than BURST_MS and a turn; (3) the end of a connection's input does not overtake its input.
 */
import type { Connection } from './connection.js';
import { INPUT_WAITS } from './connection-flags.js';
import type { Server } from './server.js';

/** Some fifty connections: about as long as what all of them ask for takes then. */
const BURST_MS = 5;
/** Connections that follow each other so closely are not kept waiting by others: a turn more for each of them would cost them a fifth of their time. */
const CLOSE_MS = 0.3;

export class AcceptBurst {
  /** Input is to be kept for now. */
  isOpen = false;
  private readonly server: Server;
  private readonly waiting: Connection[] = [];
  private hasAccepted = false;
  private openedAtMs = 0;
  private acceptedAtMs = 0;
  private readonly endTurnNow = (): void => this.endTurn();

  constructor(server: Server) {
    this.server = server;
  }

  /** A connection has been accepted: there may be more. */
  noteAccepted(): void {
    const nowMs = performance.now();
    const isClose = nowMs - this.acceptedAtMs < CLOSE_MS;
    this.acceptedAtMs = nowMs;
    this.hasAccepted = true;
    if (this.isOpen || isClose) return;
    this.isOpen = true;
    this.openedAtMs = nowMs;
    setImmediate(this.endTurnNow);
  }

  /** From now on the connection's input waits. */
  add(connection: Connection): void {
    if ((connection.flags & INPUT_WAITS) !== 0) return;
    connection.flags |= INPUT_WAITS;
    this.waiting.push(connection);
  }

  /** Executes what has been kept so far. */
  executeKept(): void {
    if (this.waiting.length === 0) return;
    this.server.executeInbox();
    for (const connection of this.waiting.splice(0)) {
      connection.flags &= ~INPUT_WAITS;
      connection.resume();
    }
  }

  private endTurn(): void {
    if (this.hasAccepted && performance.now() - this.openedAtMs < BURST_MS) {
      this.hasAccepted = false;
      setImmediate(this.endTurnNow);
    } else {
      this.isOpen = false;
      this.executeKept();
    }
  }
}
