/**
 * Executes the primary's stream of commands (spec/replication.md section 7): parses what arrives, executes it with full privileges on a connection that
 * nobody replies to, counts bytes exactly, and hands whole commands on, byte for byte, to what this node's own replicas are sent.
 *
 *   input: what is not parsed yet, and the commands of an open transaction, are kept in `held`; the rest is executed where it was read
 *
 * Invariants: (1) `appliedBytes` is behind the last complete command outside of a transaction, or behind EXEC; (2) every byte up to there has been given
 * to `applied`, once, at the end of each read; (3) while the stream runs keys do not expire, afterwards as before.
 */
import { EXPIRY_IGNORE } from '../keyspace/keyspace.js';
import type { PrimaryStream, PrimaryStreamListener } from '../replication/host.js';
import { PARSE_EMPTY, PARSE_REQUEST, parseRequest } from '../resp/request-parser.js';
import type { Connection } from './connection.js';
import { CLOSE_AFTER_REPLY, IN_MULTI, IS_PRIMARY_LINK } from './connection-flags.js';
import type { Server } from './server.js';
import type { Transport, TransportOwner } from './transport.js';

const ASTERISK = 0x2a;
const CR = 0x0d;
const LF = 0x0a;
const HELD_KEEP_BYTES = 1 << 20;
/** A primary's bulk may be as long as it likes. */
const BULK_BYTES_MAX = Number.MAX_SAFE_INTEGER;
const NO_BYTES = new Uint8Array(0);

export class CommandStream implements PrimaryStream, TransportOwner {
  receivedBytes = 0;
  readonly connection: Connection;
  private readonly server: Server;
  private readonly listener: PrimaryStreamListener;
  /** Bytes applied before the present read. */
  private appliedBefore = 0;
  /** Bytes of the present read, what was held included, that are applied by now. */
  private appliedNow = 0;
  /** Bytes not applied yet: `held[0 … heldLength)`; the parser goes on at `parsedAt` in them. */
  private held = NO_BYTES as Uint8Array;
  private heldLength = 0;
  private parsedAt = 0;
  private hasLostSync = false;
  /** Nobody wants to hear of the end any more. */
  private isAbandoned = false;

  constructor(server: Server, transport: Transport, selectedDb: number, listener: PrimaryStreamListener) {
    this.server = server;
    this.listener = listener;
    this.connection = server.accept(transport);
    this.connection.flags |= IS_PRIMARY_LINK;
    this.connection.databaseIndex = selectedDb;
    this.connection.state.bulkBytesMax = BULK_BYTES_MAX;
    transport.owner = this;
  }

  get selectedDb(): number {
    return this.connection.databaseIndex;
  }

  get appliedBytes(): number {
    return this.appliedBefore + this.appliedNow;
  }

  receive(bytes: Uint8Array, length: number): void {
    this.onBytes(bytes, length);
  }

  write(bytes: Uint8Array): void {
    this.connection.transport.write(bytes);
  }

  close(): void {
    this.isAbandoned = true;
    this.connection.close();
  }

  onBytes(bytes: Uint8Array, length: number): void {
    if (this.connection.isClosed || this.hasLostSync) return;
    const { server, connection } = this;
    this.receivedBytes += length;
    this.listener.received(length);
    server.beginEvent(connection, length);
    connection.lastActiveMs = server.keyspace.nowMs;
    const { keyspace } = server;
    const mode = keyspace.expiryMode;
    keyspace.expiryMode = EXPIRY_IGNORE;
    if (this.heldLength === 0) {
      this.process(bytes, 0, length);
      this.hold(bytes, this.appliedNow, length);
    } else {
      this.keep(bytes, length);
      this.process(this.held, this.parsedAt, this.heldLength);
      this.letGo(this.appliedNow);
    }
    this.appliedBefore += this.appliedNow;
    this.appliedNow = 0;
    // A command may have changed what this node is.
    if (keyspace.expiryMode === EXPIRY_IGNORE) keyspace.expiryMode = mode;
    server.endEvent(connection);
    if (this.hasLostSync) connection.close();
  }

  onEnding(): void {}

  onDrained(): void {}

  onClosed(): void {
    this.connection.onClosed();
    if (this.isAbandoned) return;
    this.isAbandoned = true;
    this.listener.closed(!this.hasLostSync);
  }

  /** Executes the requests in `bytes[from … end)`; unapplied bytes begin at 0. */
  private process(bytes: Uint8Array, from: number, end: number): void {
    const { server, connection } = this;
    const { state } = connection;
    state.position = from;
    while (state.position < end && !connection.isClosed) {
      const first = bytes[state.position];
      if (state.remaining === 0 && first !== ASTERISK && first !== CR && first !== LF) {
        this.loseSync('Master using the inline protocol. Desync?');
        break;
      }
      const parsed = parseRequest(bytes, end, server.request, state);
      if (parsed === PARSE_REQUEST) this.execute();
      else if (parsed !== PARSE_EMPTY) {
        if (state.error !== '') this.loseSync(`Protocol error from primary: ${state.error}`);
        break;
      }
      if ((connection.flags & IN_MULTI) === 0) this.appliedNow = state.position;
      if ((connection.flags & CLOSE_AFTER_REPLY) !== 0) {
        this.loseSync('The primary sent a command that ends a connection');
        break;
      }
    }
    this.parsedAt = state.position;
    if (this.appliedNow > 0) this.listener.applied(bytes, 0, this.appliedNow);
  }

  private execute(): void {
    const { server, connection } = this;
    const { reply, request } = server;
    const start = reply.length;
    const errorCount = reply.errorCount;
    server.dispatcher.execute(connection);
    if (reply.errorCount !== errorCount) {
      server.replication.noteStreamError(request.latin1(0).slice(0, 128), reply.lastErrorCode);
    }
    reply.rewind(start);
  }

  private loseSync(reason: string): void {
    this.server.log.warning(reason);
    this.hasLostSync = true;
  }

  /** Keeps the unapplied rest of a read. */
  private hold(bytes: Uint8Array, from: number, end: number): void {
    this.parsedAt -= from;
    if (from < end) this.keep(bytes.subarray(from, end), end - from);
  }

  /** Forgets what of the held bytes has been applied. */
  private letGo(from: number): void {
    if (from === 0) return;
    this.held.copyWithin(0, from, this.heldLength);
    this.heldLength -= from;
    this.parsedAt -= from;
    if (this.heldLength === 0 && this.held.length > HELD_KEEP_BYTES) this.held = NO_BYTES;
  }

  private keep(bytes: Uint8Array, length: number): void {
    const needed = this.heldLength + length;
    if (needed > this.held.length) {
      const grown = new Uint8Array(Math.max(needed, Math.min(needed * 2, needed + HELD_KEEP_BYTES * 16), 16 * 1024));
      grown.set(this.held.subarray(0, this.heldLength));
      this.held = grown;
    }
    this.held.set(bytes.subarray(0, length), this.heldLength);
    this.heldLength = needed;
  }
}
