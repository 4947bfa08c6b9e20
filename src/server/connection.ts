/**
 * One client connection: its input, its session, and the replies on their way out.
 *
 *   input: bytes of a read are parsed where they are; what is left of an incomplete request is copied to `pending` and goes on with the next read
 *   output: replies of one read event leave in one write at its end (`flush`), or at the end of the turn where they must wait for the append-only file
 *
 * The rest of a large bulk is read straight to its place in `pending`, and no more than that (`readOn`). What is shorter than LONG_READ_BYTES comes in one
 * read from the second time on (`Transport.readsLong`), and is copied once. A bulk of GIVEN_BYTES_MIN or more is not copied at all when it becomes a value:
 * its buffer is given to the value (`inputGiven`). The value's head finds room before the bulk, in a gap that is made when the bulk begins to arrive; the
 * parser does not see it.
 *
 * Invariants: (1) requests are executed in order, and none while the connection is blocked, paused or closing; (2) bytes sent by others (`send`)
 * never split a reply; (3) after `close` nothing is executed or written; (4) all session state dies with the connection through `Server.forget`;
 * (5) while the next read goes to a place in `pending`, the request there is incomplete, and `pending` is neither moved nor given away.
 */
import { entryBytes } from '../keyspace/entry.js';
import { RUN_BYTES_MAX } from '../memory/arena.js';
import { PAGE_BYTES } from '../memory/size-classes.js';
import { PARSE_EMPTY, PARSE_ERROR, PARSE_REQUEST, parseRequest, RequestState } from '../resp/request-parser.js';
import type { Wait } from './blocking.js';
import { describeConnection } from './client-info.js';
import {
  CLOSE_AFTER_REPLY,
  INPUT_IS_GIVEN,
  INPUT_WAITS,
  IS_BLOCKED,
  IS_PAUSED,
  IS_PRIMARY_LINK,
  IS_REPLICA,
  IS_UNIX_SOCKET,
} from './connection-flags.js';
import { COLLECTED_BYTES_MAX } from './inbox.js';
import { Outbox } from './outbox.js';
import type { Subscriptions } from './pubsub.js';
import type { Server } from './server.js';
import type { Tracker } from './tracking.js';
import type { Transaction } from './transaction.js';
import { LONG_READ_BYTES, READ_BYTES, type Transport, type TransportOwner } from './transport.js';
import type { WatchedKeys } from './watches.js';

/** Flags that only `hold` and `release` change: the connections that have one are counted. */
const HOLD_FLAGS = IS_BLOCKED | IS_PAUSED;
/** Flags that stop the execution of further requests. */
const HALT_FLAGS = HOLD_FLAGS | CLOSE_AFTER_REPLY | INPUT_IS_GIVEN | INPUT_WAITS;

/** Fewer bytes are one request, or two that are not worth a look ahead. */
const LOOKAHEAD_BYTES_MIN = 128;

export class Connection implements TransportOwner {
  readonly id: number;
  readonly transport: Transport;
  readonly server: Server;
  readonly state = new RequestState();
  readonly createdAtMs: number = 0;
  flags = 0;
  protocol = 2;
  /** Number of the selected database; its object may be replaced by FLUSHALL or SWAPDB at any time. */
  databaseIndex = 0;
  /** Name of the authenticated user. */
  user = 'default';
  name = '';
  libName = '';
  libVersion = '';
  /** Has its first value here, not in the constructor: a field that was once undefined keeps doubles in objects of their own, 16 bytes a command. */
  lastActiveMs = 0;
  /** Full name of the last command, for CLIENT LIST. */
  lastCommand = '';
  transaction: Transaction | null = null;
  /** Keys under WATCH; null for none. A changed one sets `isWatchDirty`, by which EXEC aborts. */
  watched: WatchedKeys | null = null;
  isWatchDirty = false;
  /** What it is blocked by; null if it is not, or by something else (`Server.replyLater`). */
  wait: Wait | null = null;
  /** What it has subscribed to; null for nothing. */
  subscriptions: Subscriptions | null = null;
  /** How it tracks keys, or has done so; null if it never did. */
  tracker: Tracker | null = null;
  /** Its EXEC is running: commands that would block answer at once, as if timed out. */
  isExecuting = false;
  isClosed = false;
  /** Input not parsed yet: bytes of an incomplete request, or of requests that must wait. */
  pending: Uint8Array = NO_BYTES;
  pendingLength = 0;
  /** Size of the gap in the request that is pending, and where the bulk behind it begins; 0 = there is none. */
  private gapBytes = 0;
  private gapEnd = 0;
  /** Whether it came from the arena's huge buffers, as a huge value may come of it. */
  private pendingIsHuge = false;
  /** The part of `pending` into which the next read goes, if it does. */
  private place: Uint8Array | null = null;
  /** What MemoryMeter has counted for it. */
  chargedBytes = 0;
  /** Since when the soft output limit has been exceeded; 0 = it is not. */
  softLimitSinceMs = 0;
  /** Replication offset behind its last write: what WAIT waits for. */
  writeOffset = 0;
  /** Bytes of the replication stream that wait for it in the backlog, if it is a replica. */
  streamLag = 0;
  /** Ranges of its replies that are held (reply-hold.ts): what is in the outbox comes after them. */
  heldCount = 0;
  /** What others sent: leaves at the turn's end, or before the next replies. Made when they first do. */
  private outbox: Outbox | null = null;
  private isProcessing = false;

  constructor(server: Server, transport: Transport, id: number) {
    this.server = server;
    this.transport = transport;
    this.id = id;
    this.createdAtMs = Date.now();
    this.lastActiveMs = this.createdAtMs;
    transport.owner = this;
  }

  onBytes(bytes: Uint8Array, length: number): void {
    if (this.isClosed || (this.flags & CLOSE_AFTER_REPLY) !== 0) return;
    if (bytes === this.place) return this.onPlaced(length);
    const { server } = this;
    if (server.acceptBurst.isOpen) {
      server.acceptBurst.add(this);
      this.execute(bytes, 0, length);
      return;
    }
    if (length <= COLLECTED_BYTES_MAX && server.inbox.take(this, bytes, length)) {
      server.scheduleTurnEnd();
      return;
    }
    server.executeInbox();
    this.execute(bytes, 0, length);
    server.forgetInput();
    if (this.pendingLength > 0) this.readOn();
  }

  onEnding(): void {
    const { server } = this;
    server.executeInbox();
    if ((this.flags & INPUT_WAITS) !== 0) server.acceptBurst.executeKept();
    // Replies that wait for the end of the turn would be lost: the connection is closed next.
    if (this.heldCount > 0) server.commitHeld();
  }

  /** Executes input: `bytes[start … end)`, which follow what is pending. */
  execute(bytes: Uint8Array, start: number, end: number): void {
    if (this.isClosed || (this.flags & CLOSE_AFTER_REPLY) !== 0) return;
    const { server } = this;
    server.beginEvent(this, end - start);
    this.lastActiveMs = server.keyspace.nowMs;
    if (this.pendingLength === 0 && (this.flags & HALT_FLAGS) === 0) {
      this.state.position = start;
      this.process(bytes, end);
      const rest = end - this.state.position;
      if (rest > 0 && !this.isClosed) this.keep(bytes, this.state.position, rest);
      this.state.position = 0;
    } else {
      this.keep(bytes, start, end - start);
      this.processPending();
    }
    server.endEvent(this);
  }

  /** Has the rest of a large bulk read to where it belongs. */
  private readOn(): void {
    const { state } = this;
    if (state.bulkLength < PLACED_BYTES_MIN || this.isClosed || (this.flags & HALT_FLAGS) !== 0) return;
    if (this.pendingLength === this.pending.length) this.reserve(this.pendingLength + READ_BYTES);
    const place = this.pending.subarray(this.pendingLength, Math.min(state.neededBytes, this.pending.length));
    if (this.transport.readInto(place)) this.place = place;
    this.transport.readsLong = state.bulkLength < LONG_READ_BYTES;
  }

  /** So many bytes arrived at the end of what is pending. */
  private onPlaced(length: number): void {
    const { server } = this;
    this.place = null;
    if (server.acceptBurst.isOpen) server.acceptBurst.add(this);
    else server.executeInbox();
    server.beginEvent(this, length);
    this.lastActiveMs = server.keyspace.nowMs;
    this.pendingLength += length;
    this.processPending();
    server.endEvent(this);
    if (this.pendingLength > 0) this.readOn();
  }

  /** Goes on with requests that had to wait. The caller is not inside another connection's event. */
  resume(): void {
    if (this.isClosed || this.pendingLength === 0) return;
    this.server.beginEvent(this, 0);
    this.processPending();
    this.server.endEvent(this);
  }

  onDrained(): void {
    this.softLimitSinceMs = 0;
    this.server.memoryMeter.look(this);
    if ((this.flags & IS_REPLICA) !== 0) this.server.replication.connectionDrained(this);
  }

  onClosed(): void {
    if (this.isClosed) return;
    if ((this.flags & HOLD_FLAGS) !== 0) this.server.heldConnectionCount--;
    this.isClosed = true;
    this.server.forget(this);
    this.pending = NO_BYTES;
    this.pendingLength = 0;
    this.outbox = null;
  }

  /**
   * Sends what is no reply although a client asked for it: published messages, MONITOR lines. What the connection's own command causes comes after that
   * command's reply. It is `bytes[start … end)`, which may be shared and must not change any more.
   */
  push(bytes: Uint8Array, start = 0, end = bytes.length): void {
    const { server } = this;
    if (this.isClosed || (this.flags & IS_PRIMARY_LINK) !== 0) return;
    if (server.speaker === this) {
      server.ownPushes.push(bytes.subarray(start, end));
      return;
    }
    server.netOutputBytes += end - start;
    this.send(bytes, start, end);
  }

  /** Writes the event's replies, `server.reply.bytes[start … end)`, which the caller reuses unless told otherwise. */
  writeReplies(bytes: Uint8Array, start: number, end: number): void {
    if (this.isClosed) return;
    const { server } = this;
    const { reply } = server;
    const part = bytes === reply.bytes ? reply.view(start, end) : bytes.subarray(start, end);
    server.writeCount++;
    if (!this.transport.write(part, reply.buffers)) {
      // The kernel is full: libuv still points to these bytes, so the shared buffer must go.
      reply.lend(bytes);
      server.checkOutputLimits(this);
    }
  }

  /**
   * Sends bytes that are no reply to the request being served: `bytes[start … end)`, which must not change any more. They leave at the end of the turn, in
   * order.
   */
  send(bytes: Uint8Array, start = 0, end = bytes.length): void {
    if (this.isClosed) return;
    this.outbox ??= new Outbox();
    if (this.outbox.add(bytes, start, end)) this.server.flushLater(this);
    // Whoever is sent much within one turn must not be able to exceed its limits by it.
    if (this.outbox.byteCount > OUTBOX_UNCHECKED_BYTES) this.server.checkOutputLimits(this);
  }

  flushOutbox(): void {
    if (this.outbox === null || this.heldCount > 0 || this.isClosed) return;
    const bytes = this.outbox.take(this.server.sentView);
    if (bytes !== null) this.writeOwn(bytes);
  }

  /** @returns what is in the outbox, which the caller now writes at its place; null for nothing */
  takeOutbox(): Uint8Array | null {
    return this.outbox === null ? null : this.outbox.take(this.server.sentView);
  }

  /** Writes bytes that do not change any more. */
  writeOwn(bytes: Uint8Array): void {
    if (this.isClosed) return;
    this.server.writeCount++;
    if (!this.transport.write(bytes)) this.server.checkOutputLimits(this);
  }

  /** Bytes on their way out that the kernel has not taken, those in the backlog for a replica included. */
  get queuedBytes(): number {
    return this.transport.queuedBytes + this.streamLag + (this.outbox?.byteCount ?? 0);
  }

  /** Closes after what has been replied so far is out; further input is ignored. */
  closeAfterReply(): void {
    this.flags |= CLOSE_AFTER_REPLY;
  }

  /** Closes now: replies not yet written are lost, input is not executed, and the connection is in no list any more when this returns. */
  close(): void {
    this.transport.destroy();
    this.onClosed();
  }

  /** All replies so far have been handed to the transport. */
  repliesReleased(): void {
    if ((this.flags & CLOSE_AFTER_REPLY) === 0 || this.isClosed) return;
    this.flushOutbox();
    this.transport.end();
  }

  /** @returns how many bytes before an argument of the request being executed are nobody's, if its buffer may be taken over; else 0 */
  roomBefore(bytes: Uint8Array, start: number): number {
    return bytes === this.pending && start === this.gapEnd && !this.isExecuting ? this.gapBytes : 0;
  }

  /** The buffer that `roomBefore` told of is another's now. What is in it stays as it is until the request is done. */
  inputGiven(): void {
    this.gapBytes = 0;
    this.flags |= INPUT_IS_GIVEN;
  }

  /** Its requests wait from now on: for what IS_BLOCKED or IS_PAUSED tells. */
  hold(flag: number): void {
    if ((this.flags & HOLD_FLAGS) === 0 && !this.isClosed) this.server.heldConnectionCount++;
    this.flags |= flag;
  }

  /** Ends what `hold` began. The requests go on with `resume`. */
  release(flag: number): void {
    if ((this.flags & HOLD_FLAGS) === 0) return;
    this.flags &= ~flag;
    if ((this.flags & HOLD_FLAGS) === 0 && !this.isClosed) this.server.heldConnectionCount--;
  }

  private processPending(): void {
    if ((this.flags & HALT_FLAGS) !== 0) {
      this.checkInputLimit();
      return;
    }
    this.state.position = 0;
    this.process(this.pending, this.pendingLength);
    this.server.forgetInput();
    if (this.isClosed) return;
    if ((this.flags & INPUT_IS_GIVEN) !== 0) return this.leaveGivenInput();
    if (this.gapBytes > 0 && (this.state.position > 0 || this.state.remaining === 0)) this.closeGap();
    const rest = this.pendingLength - this.state.position;
    if (rest > 0 && this.state.position > 0) this.pending.copyWithin(0, this.state.position, this.pendingLength);
    this.pendingLength = rest;
    if (rest === 0 && (this.pending.length > PENDING_KEEP_BYTES || this.pending.length === PENDING_BYTES_MIN)) {
      this.giveBack(this.pending, this.pendingIsHuge);
      this.pending = NO_BYTES;
      this.server.memoryMeter.look(this);
    }
    this.state.position = 0;
    this.checkInputLimit();
  }

  private process(bytes: Uint8Array, length: number): void {
    const { state, server } = this;
    const { lookahead, request } = server;
    // A command may run the event loop's work of others, but never this connection's requests again.
    if (this.isProcessing) return;
    this.isProcessing = true;
    let lookedTo = state.remaining === 0 && length - state.position >= LOOKAHEAD_BYTES_MIN ? 0 : length;
    while ((this.flags & HALT_FLAGS) === 0) {
      const start = state.position;
      let isTaken = lookahead.take(bytes, length, request, state);
      if (!isTaken && start >= lookedTo && start < length) {
        lookedTo = lookahead.look(bytes, start, length, server.keyspace.databases[this.databaseIndex]);
        isTaken = lookahead.take(bytes, length, request, state);
      }
      const parsed = isTaken ? PARSE_REQUEST : parseRequest(bytes, length, request, state);
      if (parsed === PARSE_REQUEST) {
        // A postponed request is parsed again when the connection goes on.
        if (!server.dispatcher.execute(this)) state.position = start;
        if (server.reply.length > REPLY_BYTES_MAX) server.releaseReplies(this);
        if (this.isClosed) break;
      } else if (parsed === PARSE_ERROR) {
        server.reply.byteError(`ERR ${state.error}`);
        server.log.verbose(`Protocol error (${state.error}) from client: ${describeConnection(this)}`);
        this.closeAfterReply();
      } else if (parsed !== PARSE_EMPTY) {
        break;
      }
    }
    this.isProcessing = false;
  }

  private keep(bytes: Uint8Array, start: number, length: number): void {
    const gap = this.gapToMake();
    this.reserve(this.pendingLength + length + gap, gap);
    this.pending.set(bytes.subarray(start, start + length), this.pendingLength);
    this.pendingLength += length;
    if (gap > 0) this.makeGap(gap);
  }

  private reserve(needed: number, gap = 0): void {
    if (needed <= this.pending.length) return;
    const old = this.pending;
    const wasHuge = this.pendingIsHuge;
    const grown = this.takeRoom(Math.max(needed, this.expectedBytes(needed) + gap, PENDING_BYTES_MIN));
    grown.set(old.subarray(0, this.pendingLength));
    this.pending = grown;
    this.giveBack(old, wasHuge);
    this.server.memoryMeter.look(this);
  }

  /**
   * @returns how long a gap is to be before the bulk that is arriving, for the head of an entry with the request's first key; 0 for none. Behind the head
   * the bulk's first byte must be as far from a word's beginning as a value is.
   */
  private gapToMake(): number {
    const { bulkLength, lengths, many, parsed } = this.state;
    if (bulkLength < GIVEN_BYTES_MIN || this.gapBytes > 0 || many !== null || lengths.length < 2) return 0;
    const keyLength = lengths[1]!;
    const room = entryBytes(keyLength, 0, true);
    return room + ((keyLength - parsed - room) & 3);
  }

  private makeGap(gap: number): void {
    const { state } = this;
    this.gapBytes = gap;
    this.gapEnd = state.parsed + gap;
    this.pending.copyWithin(this.gapEnd, state.parsed, this.pendingLength);
    this.pendingLength += gap;
    state.parsed += gap;
    state.neededBytes += gap;
  }

  /** The request with the gap is done, or will be parsed again. */
  private closeGap(): void {
    if (this.state.position === 0) {
      this.pending.copyWithin(this.gapEnd - this.gapBytes, this.gapEnd, this.pendingLength);
      this.pendingLength -= this.gapBytes;
    }
    this.gapBytes = 0;
  }

  /** Goes on in a buffer of its own with what came behind the request whose buffer was given away. */
  private leaveGivenInput(): void {
    this.flags &= ~INPUT_IS_GIVEN;
    this.pending = this.pending.slice(this.state.position, this.pendingLength);
    this.pendingIsHuge = false;
    this.pendingLength = this.pending.length;
    this.state.position = 0;
    this.server.memoryMeter.look(this);
    this.processPending();
  }

  /**
   * How much will be pending, now that `needed` bytes are. A bulk that is most of the request tells how much is to come, and with its end comes the beginning
   * of what follows it; how many small ones come nobody knows.
   */
  private expectedBytes(needed: number): number {
    const { bulkLength, neededBytes } = this.state;
    const half = needed >> 1;
    if (bulkLength <= half) return Math.max(needed + half, Math.min(needed * 2, PENDING_KEEP_BYTES));
    const reserved = Math.max(needed * BULK_RESERVE_FACTOR, BULK_RESERVED_BYTES);
    return neededBytes <= PENDING_KEEP_BYTES
      ? Math.min(neededBytes + 2, needed * 2)
      : Math.min(neededBytes + BULK_ROOM, reserved);
  }

  /** @returns a buffer of at least that size, with whatever is in it */
  private takeRoom(byteCount: number): Uint8Array {
    this.pendingIsHuge = this.state.bulkLength >= GIVEN_BYTES_MIN;
    if (this.pendingIsHuge) return this.server.keyspace.arena.hugeBuffers.take(byteCount);
    if (byteCount === PENDING_BYTES_MIN) return spareInputs.pop() ?? new Uint8Array(byteCount);
    if (byteCount <= PENDING_KEEP_BYTES) return new Uint8Array(byteCount);
    return this.server.reply.buffers.take(byteCount, byteCount * ROOM_FACTOR_MAX);
  }

  private giveBack(bytes: Uint8Array, isHuge: boolean): void {
    if (isHuge) this.server.keyspace.arena.hugeBuffers.put(bytes);
    else if (bytes.length > PENDING_KEEP_BYTES) this.server.reply.buffers.put(bytes);
    else if (bytes.length === PENDING_BYTES_MIN && spareInputs.length < SPARE_INPUTS_MAX) spareInputs.push(bytes);
  }

  private checkInputLimit(): void {
    const limit = this.server.config.values.clientQueryBufferLimit;
    if (this.pendingLength <= limit) return;
    this.server.log.warning(
      `Closing client that reached max query buffer length: ${describeConnection(this)} (qbuf initial bytes: omitted)`,
    );
    this.close();
  }
}

const NO_BYTES = new Uint8Array(0);
const PENDING_KEEP_BYTES = 64 * 1024;
/** Where input begins to be kept. What was taken for that goes to the next one who needs it: a short connection's input may be kept once. */
const PENDING_BYTES_MIN = 1024;
const SPARE_INPUTS_MAX = 64;
const spareInputs: Uint8Array[] = [];
/**
 * Of what a bulk's header announces so much is reserved at once, and then so many times what has arrived. Pages that are never written take no memory: a
 * peer that lies takes addresses.
 */
const BULK_RESERVED_BYTES = 2 << 20;
const BULK_RESERVE_FACTOR = 64;
/** And so much behind it: the arena's blocks end with a page. */
const BULK_ROOM = PAGE_BYTES;
/** The rest of a bulk from here on is read straight to its place. */
const PLACED_BYTES_MIN = READ_BYTES / 2;
/** Bulks from here on change hands with their buffer: a value as long has one of its own. */
export const GIVEN_BYTES_MIN = RUN_BYTES_MAX;
/** A spare buffer may be so many times as large as need be. */
const ROOM_FACTOR_MAX = 4;
/** Replies of one event beyond this leave in between: a pipeline of large replies is not gathered, and the output limits see it as it grows. */
const REPLY_BYTES_MAX = 1024 * 1024;
/** What others send within one turn is checked against the output limits from here on. */
const OUTBOX_UNCHECKED_BYTES = 64 * 1024;

/** Whether the peer is on this machine: a Unix socket or a loopback address. */
export function isLocal(connection: Connection): boolean {
  return (connection.flags & IS_UNIX_SOCKET) !== 0 || /^(127\.|\[::1\])/.test(connection.transport.remoteAddress);
}
