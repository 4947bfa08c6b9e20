/**
 * One node: the keyspace, the connections, the command table and the turn of the event loop that binds them. Parts that have a life of their own
 * (persistence, replication, cluster) are attached through interfaces.ts; this file must not know how they work.
 *
 * A turn: sockets deliver bytes (one event each: `beginEvent` … `endEvent`), then `endTurn` runs once, if anything asked for it: commit the
 * append-only file, release held replies, flush what connections were sent by others, run the hooks of the parts.
 *
 * Invariants: (1) replies to a write never leave before the log was committed; (2) `gates` is 0 iff no request needs the full checks because of
 * the server's state; (3) every connection is in `connections` from accept to close.
 */
import { randomBytes } from 'node:crypto';
import { type Command, FAST, SKIP_SLOWLOG } from '../commands/command.js';
import type { CommandTable } from '../commands/command-table.js';
import { forgetHashAhead } from '../keyspace/key-hash.js';
import { EXPIRY_DELETE, EXPIRY_HIDE, EXPIRY_IGNORE, Keyspace } from '../keyspace/keyspace.js';
import { SnapshotMarks } from '../keyspace/snapshot.js';
import { ReplyWriter } from '../resp/reply-writer.js';
import { Request } from '../resp/request.js';
import { AcceptBurst } from './accept-burst.js';
import { Blocking, type WriteReply } from './blocking.js';
import { ClientEviction } from './client-eviction.js';
import { addressOf, describeConnection } from './client-info.js';
import type { Config } from './config/config.js';
import { Connection } from './connection.js';
import { IN_MULTI, IS_BLOCKED, IS_MONITOR, IS_PRIMARY_LINK, IS_REPLICA } from './connection-flags.js';
import { ConnectionList } from './connection-list.js';
import { Cron } from './cron.js';
import { Dispatcher, GATE_MIGRATION, GATE_MONITORS, GATE_PAUSE } from './dispatcher.js';
import { Inbox } from './inbox.js';
import { EventLoopMeter } from './info/event-loop.js';
import { Info } from './info/info.js';
import { MemoryMeter } from './info/memory-usage.js';
import { persistenceText } from './info/persistence-section.js';
import { provideServerSections } from './info/sections.js';
import type { ClusterAudience, ClusterGate, CommitLog, Log, ReplicationGate } from './interfaces.js';
import { KeyWaits } from './key-waits.js';
import { KeyspaceEvents } from './keyspace-events.js';
import { LatencyMonitor } from './latency.js';
import { Listeners } from './listeners.js';
import { Lookahead } from './lookahead.js';
import { MemoryLimit } from './memory-limit.js';
import { Migrations } from './migrations.js';
import { Monitors } from './monitors.js';
import { RangeView } from './outbox.js';
import { exceedsOutputLimit } from './output-limits.js';
import { Pause } from './pause.js';
import { Persistence } from './persistence.js';
import { Propagation } from './propagation.js';
import { NAME_BYTES_MAX, Pubsub, SHARD_CHANNEL } from './pubsub.js';
import { attachReplication } from './replication-gate.js';
import { ReplyHold } from './reply-hold.js';
import { Shutdown } from './shutdown.js';
import { SlowLog } from './slowlog.js';
import { Tracking } from './tracking.js';
import { TransactionPool } from './transaction.js';
import type { Transport } from './transport.js';
import { Watches } from './watches.js';

/**
 * Replies of a batch of inputs leave in between when they come to so much: a buffer that grew beyond what it keeps would be made, and its pages be touched
 * for the first time, again and again (HGETALL of 1000 fields, 50 clients: 2.5 MB a turn).
 */
const BATCH_REPLY_BYTES_MAX = 32 * 1024;

export class Server {
  readonly keyspace: Keyspace;
  readonly snapshotMarks = new SnapshotMarks();
  readonly reply: ReplyWriter;
  readonly request = new Request();
  readonly propagation = new Propagation();
  readonly commands: CommandTable;
  readonly connections = new ConnectionList();
  readonly dispatcher: Dispatcher;
  readonly lookahead = new Lookahead();
  readonly inbox = new Inbox(this.lookahead);
  readonly monitors = new Monitors();
  readonly pubsub = new Pubsub();
  readonly keyspaceEvents: KeyspaceEvents;
  readonly tracking: Tracking;
  readonly pause: Pause;
  readonly watches: Watches;
  readonly transactions = new TransactionPool();
  readonly migrations: Migrations;
  readonly config: Config;
  readonly cron: Cron;
  readonly shutdown: Shutdown;
  readonly persistence: Persistence;
  readonly slowlog = new SlowLog();
  readonly latency = new LatencyMonitor();
  readonly info = new Info();
  readonly memoryMeter: MemoryMeter;
  readonly eventLoop = new EventLoopMeter();
  /** 40 hexadecimal digits that name this run of the process. */
  readonly runId = randomBytes(20).toString('hex');
  /** Reads from clients so far, and writes to them. */
  readCount = 0;
  writeCount = 0;
  /** Connections whose requests wait: blocked or paused. Connection keeps it. */
  heldConnectionCount = 0;
  /** Lines that a shutdown under way adds to INFO server. */
  shutdownText: () => string = () => '';
  readonly listeners: Listeners;
  readonly acceptBurst = new AcceptBurst(this);
  readonly log: Log;
  /** GATE_ flags of what is special now. */
  gates = 0;
  cluster: ClusterGate | null = null;
  readonly clusterAudience: ClusterAudience = {
    deliver: (channel, payload, sharded) => this.deliver(channel, payload, sharded),
    dropShardSubscriptions: (slots) => this.pubsub.dropShardChannels(slots),
    recheckBlocked: () => this.keyWaits.recheck(),
  };
  readonly replication: ReplicationGate;
  readonly blocking: Blocking;
  readonly keyWaits = new KeyWaits(this);
  /** Connections of the cluster bus: they count towards maxclients. */
  clusterLinkCount: () => number = () => 0;
  commitLog: CommitLog | null = null;
  readonly memory: MemoryLimit;
  readonly clientEviction: ClientEviction;
  isAsyncLoading = false;
  /** The error (without minus) while the disk refuses: set with GATE_DISK_ERROR by persistence. */
  diskErrorText = '';
  timesEachCommand = false;
  /** Whether histograms of durations are kept. */
  tracksLatency = true;
  /** Errors replied, by code. */
  readonly errorCounts = new Map<string, number>();
  outputLimitDisconnectionCount = 0;
  /** Commands of the primary that failed here. */
  unexpectedErrorReplyCount = 0;
  /** Refused passwords. */
  deniedAuthCount = 0;
  netInputBytes = 0;
  netOutputBytes = 0;
  /** The connection whose input is being executed; null between events. */
  speaker: Connection | null = null;
  /** Messages to the speaker that its own command has caused: they follow the command's reply. */
  readonly ownPushes: Uint8Array[] = [];
  /** What outboxes sent last within this turn. */
  readonly sentView = new RangeView();
  private readonly hold = new ReplyHold();
  private readonly flushing: Connection[] = [];
  private readonly turnHooks: (() => void)[] = [];
  private nextConnectionId = 1;
  private isTurnEndScheduled = false;
  /** What commands of the EXEC under way will reply later, by the places where it belongs. */
  private lateReplies: { readonly at: number; readonly outcome: Promise<WriteReply> }[] = [];
  private eventStart = 0;
  private readonly endTurnNow = (): void => this.endTurn();

  constructor(commands: CommandTable, config: Config, log: Log) {
    this.config = config;
    this.keyspace = new Keyspace(config.values.databases);
    this.reply = new ReplyWriter(this.keyspace.arena.hugeBuffers);
    this.watches = new Watches(this.keyspace);
    this.keyspaceEvents = new KeyspaceEvents(this);
    this.tracking = new Tracking(this);
    this.migrations = new Migrations(this.keyspace.entries, this.watches, (isActive) =>
      this.setGate(GATE_MIGRATION, isActive),
    );
    this.commands = commands;
    this.log = log;
    this.pause = new Pause(() => {
      this.setGate(GATE_PAUSE, this.pause.isActive);
      this.refreshExpiryMode();
    });
    this.cron = new Cron(this, config);
    this.listeners = new Listeners(this, config);
    this.shutdown = new Shutdown(this, config);
    this.memoryMeter = new MemoryMeter(this);
    this.memory = new MemoryLimit(this, config);
    this.clientEviction = new ClientEviction(this, config);
    this.persistence = new Persistence(this, config);
    this.info.provide('persistence', () => persistenceText(this, this.persistence));
    this.blocking = new Blocking(this);
    this.replication = attachReplication(this, config);
    this.propagation.addSink(this.replication.sink);
    this.onTurnEnd(() => {
      if (this.keyWaits.hasReady) {
        // A key has expired, or was evicted, outside of any command.
        this.keyspace.setNow(Date.now());
        this.keyWaits.serve();
      }
      this.blocking.answer();
    });
    provideServerSections(this.info, this, this.memoryMeter);
    const anyCommand: Command = commands.byName.values().next().value!;
    this.dispatcher = new Dispatcher(this, this.request, anyCommand, null as never);
  }

  setGate(gate: number, isOn: boolean): void {
    this.gates = isOn ? this.gates | gate : this.gates & ~gate;
  }

  accept(transport: Transport): Connection {
    const connection = new Connection(this, transport, this.nextConnectionId++);
    this.connections.add(connection);
    this.memoryMeter.look(connection);
    if (this.clientEviction.isOn) this.clientEviction.note(connection);
    return connection;
  }

  /** Opens an event: input of one connection is about to be executed, `inputBytes` of it just read. */
  beginEvent(connection: Connection, inputBytes: number): void {
    if (inputBytes > 0) {
      this.netInputBytes += inputBytes;
      this.readCount++;
    }
    this.reply.protocol = connection.protocol;
    this.speaker = connection;
    if (!this.inbox.isDraining) {
      this.keyspace.setNow(Date.now());
      this.dispatcher.settle();
    }
    this.eventStart = this.reply.length;
  }

  /** Closes the event: its replies leave, or wait for the log, or for the rest of the inbox. */
  endEvent(connection: Connection): void {
    const { reply } = this;
    const start = this.eventStart;
    this.writeOwnPushes();
    this.speaker = null;
    if (this.clientEviction.isOn) this.clientEviction.note(connection);
    this.netOutputBytes += reply.length - start;
    if (this.inbox.isDraining) {
      this.hold.add(connection, start, reply.length);
      if (reply.length > BATCH_REPLY_BYTES_MAX && !this.commitLog?.hasPending) this.commitHeld();
      return;
    }
    this.dispatcher.settle();
    if (this.commitLog?.hasPending || !this.hold.isEmpty) {
      this.hold.add(connection, start, reply.length);
      this.scheduleTurnEnd();
      return;
    }
    connection.flushOutbox();
    if (reply.length > start) connection.writeReplies(reply.bytes, start, reply.length);
    reply.clear();
    connection.repliesReleased();
  }

  /** Lets go what the event has replied so far; if it must wait for the log, the log is committed now. */
  releaseReplies(connection: Connection): void {
    const { reply } = this;
    if (reply.isOverfull) {
      reply.isOverfull = false;
      reply.rewind(this.eventStart);
      this.log.warning(`Client ${describeConnection(connection)} closed: its replies exceed what a buffer can hold.`);
      connection.close();
    }
    this.endEvent(connection);
    this.commitHeld();
    this.eventStart = reply.length;
    this.speaker = connection;
  }

  /** Writes the messages that the speaker's command has caused, behind its reply. */
  writeOwnPushes(): void {
    const { ownPushes } = this;
    if (ownPushes.length === 0) return;
    for (const bytes of ownPushes) this.reply.raw(bytes);
    ownPushes.length = 0;
  }

  get isReplica(): boolean {
    return this.replication.isReplica;
  }

  /** Decides what becomes of expired keys now: to be called when the role has changed, loading has ended, or a pause begins or ends. */
  refreshExpiryMode(): void {
    const { keyspace, persistence } = this;
    if (persistence.isReplaying) keyspace.expiryMode = EXPIRY_IGNORE;
    else keyspace.expiryMode = this.isReplica || this.pause.isActive ? EXPIRY_HIDE : EXPIRY_DELETE;
  }

  /** Whether replies to this connection have not been handed to the kernel; inside its own event, replies of that event count. */
  hasUnsentReplies(connection: Connection): boolean {
    return this.reply.length > this.eventStart || this.hold.has(connection) || connection.queuedBytes > 0;
  }

  startMonitoring(connection: Connection): void {
    connection.flags |= IS_MONITOR;
    this.monitors.add(connection);
    this.setGate(GATE_MONITORS, true);
  }

  stopMonitoring(connection: Connection): void {
    connection.flags &= ~IS_MONITOR;
    this.monitors.remove(connection);
    this.setGate(GATE_MONITORS, this.monitors.count > 0);
  }

  /** Has the outbox of a connection flushed at the end of this turn. */
  flushLater(connection: Connection): void {
    this.flushing.push(connection);
    this.scheduleTurnEnd();
  }

  /** Calls `hook` at the end of every turn that has one. */
  onTurnEnd(hook: () => void): void {
    this.turnHooks.push(hook);
  }

  scheduleTurnEnd(): void {
    if (this.isTurnEndScheduled) return;
    this.isTurnEndScheduled = true;
    setImmediate(this.endTurnNow);
  }

  /** The connection is gone: everything that knows it forgets it. */
  forget(connection: Connection): void {
    this.connections.delete(connection);
    this.memoryMeter.look(connection);
    if (this.clientEviction.isOn) this.clientEviction.forget(connection);
    if ((connection.flags & IS_MONITOR) !== 0) this.stopMonitoring(connection);
    this.pubsub.unsubscribeAll(connection);
    this.tracking.disable(connection);
    if ((connection.flags & IS_BLOCKED) !== 0) this.blocking.forget(connection);
    if ((connection.flags & (IS_REPLICA | IS_PRIMARY_LINK)) !== 0) this.replication.connectionClosed(connection);
    this.discard(connection);
  }

  /** Ends the connection's transaction without executing it. */
  discard(connection: Connection): void {
    connection.transaction = null;
    connection.flags &= ~IN_MULTI;
    this.watches.unwatch(connection);
  }

  /** CLIENT UNBLOCK: ends a blocked command as by timeout, or with an error. @returns whether it was blocked and could be */
  unblock(connection: Connection, isError: boolean): boolean {
    return this.blocking.unblock(connection, isError);
  }

  /**
   * Blocks the connection until the promise settles, then writes its reply and goes on with the connection's requests. Within EXEC the rest of the
   * transaction is executed at once, and EXEC's reply is what waits. The promise must not reject.
   */
  replyLater(connection: Connection, outcome: Promise<WriteReply>): void {
    if (connection.isExecuting) {
      this.lateReplies.push({ at: this.reply.length, outcome });
      return;
    }
    this.block(connection);
    void outcome.then((write) => this.answerBlocked(connection, write));
  }

  /** At the end of EXEC, whose reply begins at `start`: if it lacks replies that come later, it is kept until they are there. */
  completeLater(connection: Connection, start: number): void {
    if (this.lateReplies.length === 0) return;
    const late = this.lateReplies;
    this.lateReplies = [];
    const { reply } = this;
    const bytes = reply.bytes.slice(start, reply.length);
    reply.rewind(start);
    const outcome = Promise.all(late.map((each) => each.outcome)).then((writes) => (writer: ReplyWriter) => {
      let from = 0;
      for (const [i, write] of writes.entries()) {
        const at = late[i].at - start;
        writer.raw(bytes.subarray(from, at));
        write(writer);
        from = at;
      }
      writer.raw(bytes.subarray(from));
    });
    this.replyLater(connection, outcome);
  }

  /** Blocks the connection that is being served, and not within EXEC, until `answerBlocked`. */
  block(connection: Connection): void {
    connection.hold(IS_BLOCKED);
  }

  /** Replies to a blocked connection and lets it go on. To be called outside of any event. */
  answerBlocked(connection: Connection, write: (reply: ReplyWriter) => void): void {
    if (connection.isClosed) return;
    this.beginEvent(connection, 0);
    const { reply } = this;
    const { errorCount } = reply;
    write(reply);
    if (reply.errorCount !== errorCount) this.noteError(reply.lastErrorCode);
    connection.release(IS_BLOCKED);
    this.dispatcher.applyReplyMode(connection, this.eventStart, null);
    this.endEvent(connection);
    connection.resume();
  }

  /** The append-only file is durable up to a later point than before: called by persistence. */
  onAofDurable: () => void = () => {};
  /** The node became a primary or a replica; called by replication. */
  onRoleChanged: () => void = () => {};
  /** FLUSHALL was executed by a client. */
  onFlushAll: () => void = () => {};

  /** A message that was published on another node of the cluster. */
  private deliver(channel: Uint8Array, payload: Uint8Array, isSharded: boolean): void {
    if (channel.length > NAME_BYTES_MAX) return;
    if (isSharded) this.pubsub.publishTo(SHARD_CHANNEL, channel, 0, channel.length, payload, 0, payload.length);
    else this.pubsub.publish(channel, 0, channel.length, payload, 0, payload.length);
  }

  /** Empties a database at once; its memory is freed in slices. @returns how many keys it had */
  flushDatabase(index: number): number {
    this.watches.flushing(index);
    const count = this.keyspace.flush(index);
    if (count > 0) this.cron.reapSoon();
    return count;
  }

  /** Empties all databases. @returns how many keys they had */
  flushAll(): number {
    let count = 0;
    for (let index = 0; index < this.keyspace.databases.length; index++) count += this.flushDatabase(index);
    return count;
  }

  /** CONFIG RESETSTAT */
  resetStatistics(): void {
    this.errorCounts.clear();
    this.netInputBytes = 0;
    this.netOutputBytes = 0;
    this.readCount = 0;
    this.writeCount = 0;
    this.deniedAuthCount = 0;
    this.outputLimitDisconnectionCount = 0;
    this.unexpectedErrorReplyCount = 0;
    this.dispatcher.commandCount = 0;
    this.listeners.receivedCount = 0;
    this.listeners.rejectedCount = 0;
    const { keyspace } = this;
    keyspace.hitCount = 0;
    keyspace.missCount = 0;
    keyspace.expiredCount = 0;
    keyspace.expiredFieldCount = 0;
    this.memory.resetStatistics();
    this.clientEviction.resetStatistics();
    this.cron.resetStatistics();
    this.replication.resetStatistics();
    this.eventLoop.reset();
    this.memoryMeter.resetPeak();
    this.commands.resetStatistics();
  }

  noteError(code: string): void {
    this.errorCounts.set(code, (this.errorCounts.get(code) ?? 0) + 1);
  }

  /** Called after each command that was timed alone. */
  noteDuration(connection: Connection, request: Request, command: Command, elapsedUs: number): void {
    const { slowlogLogSlowerThan: slowUs } = this.config.values;
    if (slowUs >= 0 && elapsedUs >= slowUs && (command.flags & SKIP_SLOWLOG) === 0) {
      this.slowlog.add(request, command.fullName, elapsedUs, addressOf(connection), connection.name, this.config);
    }
    this.latency.note((command.flags & FAST) === 0 ? 'command' : 'fast-command', elapsedUs / 1000);
  }

  /** Closes a connection whose output exceeds its class's limit. */
  checkOutputLimits(connection: Connection): void {
    this.memoryMeter.look(connection);
    if (this.clientEviction.isOn) this.clientEviction.note(connection);
    if (!exceedsOutputLimit(connection, this.config, Date.now())) return;
    this.outputLimitDisconnectionCount++;
    this.log.warning(
      `Client ${describeConnection(connection)} scheduled to be closed ASAP for overcoming of output buffer limits.`,
    );
    connection.close();
  }

  /** Ends a turn in which no input was executed, as `scheduleTurnEnd` would do in a moment. To be called outside of any event. */
  endQuietTurn(): void {
    if (!this.isTurnEndScheduled) this.endTurn();
  }

  private endTurn(): void {
    this.executeInbox();
    this.isTurnEndScheduled = false;
    for (const hook of this.turnHooks) hook();
    this.commitHeld();
    if (this.flushing.length === 0) return;
    for (const connection of this.flushing.splice(0)) connection.flushOutbox();
    this.sentView.forget();
  }

  /** Executes the inputs that wait for the end of the turn: before anything that came after them. */
  executeInbox(): void {
    if (this.inbox.isEmpty || this.inbox.isDraining) return;
    this.keyspace.setNow(Date.now());
    this.dispatcher.settle();
    this.inbox.drain(this.keyspace.databases[0]);
    this.forgetInput();
    this.dispatcher.settle();
    if (this.commitLog?.hasPending) this.scheduleTurnEnd();
    else this.commitHeld();
  }

  /** Forgets what was learned about input by looking ahead: to be called before its bytes change. */
  forgetInput(): void {
    this.lookahead.forget();
    forgetHashAhead();
  }

  /** Commits the log if it has anything to commit, and lets the held replies go. */
  commitHeld(): void {
    const { commitLog } = this;
    if (!commitLog?.hasPending) {
      this.hold.release(this.reply.bytes);
      this.reply.clear();
    } else {
      const release = this.hold.seal(this.reply.bytes);
      let isReleased = false;
      commitLog.commit(() => {
        isReleased = true;
        release();
      });
      // A commit that takes longer keeps the buffer; the writer goes on with another.
      if (isReleased) this.reply.clear();
      else this.reply.take();
    }
  }
}
