/**
 * The execution pipeline: from a parsed request to its reply. The order of the checks is observable and is that of spec server.md section 7.
 *
 * Most requests meet none of the conditions that the checks are about. `server.gates` (what is special about the server now) and the
 * connection's GATE_FLAGS (what is special about the session) are both 0 then, and a request goes from lookup and arity straight to its handler.
 *
 * Invariants: (1) each request gives exactly one reply, unless the session's reply mode, a postponement or a block says otherwise; (2) a refused
 * request changes nothing but counters and the state of a transaction; (3) what a command propagates reaches the sinks before the next command runs.
 */
import {
  ASKING,
  type Command,
  DENYOOM,
  LOADING,
  MAY_REPLICATE,
  NO_ASYNC_LOADING,
  NO_AUTH,
  NO_MULTI,
  PROTECTED,
  READONLY,
  STALE,
  TOUCHES_ARBITRARY_KEYS,
  WRITE,
} from '../commands/command.js';
import { fixedReply } from '../resp/reply-writer.js';
import type { Request } from '../resp/request.js';
import { describeConnection } from './client-info.js';
import { clockMs } from './clock.js';
import { type Connection, isLocal } from './connection.js';
import {
  CLOSE_AFTER_REPLY,
  CLUSTER_ASKING,
  GATE_FLAGS,
  IN_MULTI,
  IS_BLOCKED,
  IS_MONITOR,
  IS_PAUSED,
  IS_PRIMARY_LINK,
  IS_PUBSUB,
  IS_REPLICA,
  IS_TRACKING,
  NEEDS_AUTH,
  NO_TOUCH,
  REPLY_OFF,
  REPLY_SKIP,
  REPLY_SKIP_NEXT,
} from './connection-flags.js';
import { Invocation } from './invocation.js';
import type { Server } from './server.js';

/** Conditions of the server under which requests need the full set of checks. */
export const GATE_CLUSTER = 1 << 0;
export const GATE_MAXMEMORY = 1 << 1;
export const GATE_DISK_ERROR = 1 << 2;
export const GATE_MIN_REPLICAS = 1 << 3;
export const GATE_READ_ONLY = 1 << 4;
export const GATE_STALE = 1 << 5;
export const GATE_LOADING = 1 << 6;
export const GATE_PAUSE = 1 << 7;
export const GATE_MONITORS = 1 << 8;
/** Keys are on their way to another node. */
export const GATE_MIGRATION = 1 << 9;
/** A slot is being moved away. What concerns other slots, which is nearly everything, must not pay for it. */
const GATES_OF_MOVE = GATE_CLUSTER | GATE_MIGRATION;

/** Names that are acted upon even inside MULTI, instead of being queued. */
const NOT_QUEUED = new Set(['exec', 'discard', 'multi', 'watch', 'quit', 'reset']);
const PUBSUB_CONTEXT = new Set([
  'subscribe',
  'unsubscribe',
  'psubscribe',
  'punsubscribe',
  'ssubscribe',
  'sunsubscribe',
  'ping',
  'quit',
  'reset',
]);

/** What the cluster answers is the reply of EXEC itself: a client follows it. */
const REDIRECTIONS = /^(MOVED|ASK|CROSSSLOT|TRYAGAIN|CLUSTERDOWN) /;
const QUEUED = fixedReply('+QUEUED');
/** Short commands of one kind in a row are timed together, this many at most: reading the clock costs as much as a third of a GET. */
const TIMED_TOGETHER_MAX = 64;
/** Larger requests are timed alone: they may be slow by their size. */
const TIMED_TOGETHER_BYTES = 4096;
/** A command that replied, allocated or freed more than this may have been slow: it ends its run, and the run's time is taken for its own. */
const SHORT_BYTES = 256 * 1024;

const DEBUG_REFUSED =
  'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.';

function isDebugAllowed(connection: Connection): boolean {
  const { enableDebugCommand } = connection.server.config.values;
  return enableDebugCommand === 'yes' || (enableDebugCommand === 'local' && isLocal(connection));
}

export class Dispatcher {
  private readonly server: Server;
  private readonly call: Invocation;
  /** The run of equal fast commands that is being timed. */
  private runCommand: Command | null = null;
  private runCount = 0;
  private runStart = 0;
  /** The clock as it was read last within this event; 0 = not yet. A command begins when the one before it ended: that is one reading a command, not two. */
  private clockMs = 0;
  /** Error replies that have been counted for the command that made them, and so not for the EXEC around it. */
  private notedErrorCount = 0;
  commandCount = 0;

  /** The connection whose command runs, or ran last; null before the first. */
  get caller(): Connection | null {
    return this.call.connection;
  }

  constructor(server: Server, request: Request, anyCommand: Command, nobody: Connection) {
    this.server = server;
    this.call = new Invocation(server, request, anyCommand, nobody);
  }

  /**
   * Executes `server.request` for a connection.
   * @returns false if the request was postponed and must be presented again when the connection goes on
   */
  execute(connection: Connection): boolean {
    const { server } = this;
    const { request } = server;
    const command = server.commands.find(request.bytes, request.starts[0], request.lengths[0]);
    if (command === null) {
      this.refuseUnknown(connection, request);
      return true;
    }
    if (command.subcommands !== null) return this.executeSubcommand(connection, request, command);
    return this.executeCommand(connection, request, command);
  }

  /** Ends the timing of a run of fast commands: to be called where an event begins and ends, as what lies between events belongs to no command. */
  settle(): void {
    if (this.runCommand !== null) this.endRun();
    this.clockMs = 0;
  }

  /** `run`, with what concerns special sessions: it is seen by those who MONITOR, and the keys it reads are tracked. */
  runShown(connection: Connection, request: Request, command: Command): void {
    this.run(connection, request, command);
    const { server } = this;
    if ((connection.flags & IS_TRACKING) !== 0) server.tracking.executed(connection, request, command);
    if ((server.gates & GATE_MONITORS) !== 0) server.monitors.feed(connection, request, command);
  }

  /** Runs a command's handler, with all that follows a call: statistics, propagation, slow log. No checks. */
  run(connection: Connection, request: Request, command: Command): void {
    const { call, server } = this;
    const { keyspace, reply, propagation } = server;
    const outerRequest = call.request;
    const outerCommand = call.command;
    call.request = request;
    call.command = command;
    call.connection = connection;
    call.db = keyspace.databases[connection.databaseIndex];
    call.isPropagated = false;
    const isTimedAlone = server.timesEachCommand || !command.isTimedInRuns || sizeOf(request) > TIMED_TOGETHER_BYTES;
    let start = 0;
    if (isTimedAlone) {
      start = this.startTime();
    } else if (this.runCommand !== command || this.runCount >= TIMED_TOGETHER_MAX) {
      this.runStart = this.startTime();
      this.runCommand = command;
    }
    if (!isTimedAlone) this.runCount++;
    const { arena, dirty } = keyspace;
    const replyBytes = reply.length;
    const usedBytes = arena.usedBytes;
    const errorCount = reply.errorCount - this.notedErrorCount;
    propagation.enter();
    command.handler!(call);
    command.callCount++;
    this.commandCount++;
    if (keyspace.dirty !== dirty && !call.isPropagated && propagation.isActive && (command.flags & WRITE) !== 0) {
      propagation.request(call.db.index, request);
    }
    if ((command.flags & TOUCHES_ARBITRARY_KEYS) !== 0) propagation.doNotWrap();
    propagation.leave();
    if (reply.errorCount - this.notedErrorCount !== errorCount) {
      this.notedErrorCount = reply.errorCount - errorCount;
      command.failedCount++;
      server.noteError(reply.lastErrorCode);
    }
    if (isTimedAlone) {
      // A run that EXEC leaves behind ends with it: by the same reading.
      if (this.runCommand !== null) this.endRun();
      else this.clockMs = clockMs();
      const elapsedUs = (this.clockMs - start) * 1000;
      this.noteTime(command, elapsedUs, 1);
      server.noteDuration(connection, request, command, elapsedUs);
    } else if (reply.length - replyBytes > SHORT_BYTES || Math.abs(arena.usedBytes - usedBytes) > SHORT_BYTES) {
      // What the handler itself had run may have ended the run.
      if (this.runCommand === command) server.noteDuration(connection, request, command, this.endRun());
    }
    call.request = outerRequest;
    call.command = outerCommand;
    if (server.keyWaits.hasReady && !connection.isExecuting) {
      server.keyWaits.serve();
      this.settle();
    }
  }

  /** @returns when the command that is about to run begins; the run of others ends then */
  private startTime(): number {
    if (this.runCommand !== null) this.endRun();
    else if (this.clockMs === 0) this.clockMs = clockMs();
    return this.clockMs;
  }

  /** @returns the microseconds that it took */
  private endRun(): number {
    const command = this.runCommand!;
    this.clockMs = clockMs();
    const elapsedUs = (this.clockMs - this.runStart) * 1000;
    this.noteTime(command, elapsedUs, this.runCount);
    this.runCommand = null;
    this.runCount = 0;
    return elapsedUs;
  }

  /** `count` calls took so long together. */
  private noteTime(command: Command, elapsedUs: number, count: number): void {
    const { server } = this;
    if (!command.isUsed) server.commands.noteUse(command);
    command.microseconds += elapsedUs;
    if (server.tracksLatency) command.histogram.add(elapsedUs / count, count);
  }

  private executeSubcommand(connection: Connection, request: Request, container: Command): boolean {
    if (request.argc < 2) {
      if (container.handler !== null) return this.executeCommand(connection, request, container);
      this.reject(connection, container, `ERR wrong number of arguments for '${container.fullName}' command`);
      return true;
    }
    const command = container.subcommands!.get(request.latin1(1).toLowerCase());
    if (command === undefined) {
      if (container.handler !== null && container.subcommands!.size === 0)
        return this.executeCommand(connection, request, container);
      this.reject(
        connection,
        null,
        `ERR unknown subcommand '${request.cText(1).slice(0, 128)}'. Try ${container.fullName.toUpperCase()} HELP.`,
      );
      return true;
    }
    return this.executeCommand(connection, request, command);
  }

  private executeCommand(connection: Connection, request: Request, command: Command): boolean {
    const { server } = this;
    const { arity } = command;
    connection.lastCommand = command.fullName;
    if (arity > 0 ? request.argc !== arity : request.argc < -arity) {
      this.reject(connection, command, `ERR wrong number of arguments for '${command.fullName}' command`);
      return true;
    }
    if ((command.flags & PROTECTED) !== 0 && !isDebugAllowed(connection)) {
      this.reject(connection, command, DEBUG_REFUSED);
      return true;
    }
    const { gates } = server;
    if (
      (connection.flags & GATE_FLAGS) === 0 &&
      (gates === 0 ||
        (gates === GATE_CLUSTER && server.cluster!.serves(request, command)) ||
        (gates === GATES_OF_MOVE &&
          server.migrations.passes(request, command) &&
          server.cluster!.serves(request, command)))
    ) {
      this.run(connection, request, command);
      return true;
    }
    return this.executeGated(connection, request, command);
  }

  private executeGated(connection: Connection, request: Request, command: Command): boolean {
    const { server } = this;
    const { reply } = server;
    const start = reply.length;
    beginSkip(connection);
    const isPrimaryLink = (connection.flags & IS_PRIMARY_LINK) !== 0;
    const refusal = this.check(connection, request, command);
    if (refusal !== null) {
      this.reject(connection, command, refusal);
    } else if ((server.gates & GATE_PAUSE) !== 0 && !isPrimaryLink && this.mustWait(connection, command)) {
      connection.hold(IS_PAUSED);
      server.pause.postpone(connection);
      return false;
    } else if ((server.gates & GATE_MIGRATION) !== 0 && server.migrations.mustWait(connection, request, command)) {
      server.migrations.postpone(connection);
      return false;
    } else if ((connection.flags & IN_MULTI) !== 0 && !NOT_QUEUED.has(command.fullName)) {
      if (!connection.transaction!.hasFailed) connection.transaction!.queue(command, request);
      reply.raw(QUEUED);
    } else {
      const isTouchOff = (connection.flags & NO_TOUCH) !== 0 && command.fullName !== 'touch';
      if (isTouchOff) server.keyspace.isTouchOff = true;
      this.runShown(connection, request, command);
      if (isTouchOff) server.keyspace.isTouchOff = false;
    }
    // ASKING is good for one command, or for one transaction.
    if ((connection.flags & (CLUSTER_ASKING | IN_MULTI)) === CLUSTER_ASKING && command.fullName !== 'asking')
      connection.flags &= ~CLUSTER_ASKING;
    this.applyReplyMode(connection, start, command);
    server.writeOwnPushes();
    return true;
  }

  /** @returns the error (without minus) that refuses the command, or null */
  private check(connection: Connection, request: Request, command: Command): string | null {
    const { server } = this;
    const { flags } = connection;
    const isExec = command.fullName === 'exec';
    // EXEC is judged by what is queued.
    const queued = isExec ? connection.transaction : null;
    const anyFlags = queued === null ? command.flags : command.flags | queued.anyFlags;
    const allFlags = queued === null || queued.count === 0 ? command.flags : queued.allFlags;
    if ((flags & NEEDS_AUTH) !== 0 && (command.flags & NO_AUTH) === 0) return 'NOAUTH Authentication required.';
    if ((flags & IN_MULTI) !== 0 && (command.flags & NO_MULTI) !== 0)
      return 'ERR Command not allowed inside a transaction';
    const { gates } = server;
    const isPrimaryLink = (flags & IS_PRIMARY_LINK) !== 0;
    if ((gates & GATE_CLUSTER) !== 0 && !isPrimaryLink) {
      const redirection = server.cluster!.redirect(
        connection,
        request,
        command,
        (flags & CLUSTER_ASKING) !== 0 || (command.flags & ASKING) !== 0,
      );
      if (redirection !== null) return redirection;
    }
    if ((gates & GATE_MAXMEMORY) !== 0 && !server.memory.makeRoom() && !isPrimaryLink) {
      const isQueuing = (flags & IN_MULTI) !== 0 && !NOT_QUEUED.has(command.fullName);
      if ((anyFlags & DENYOOM) !== 0 || isQueuing) return "OOM command not allowed when used memory > 'maxmemory'.";
    }
    const isWrite = (anyFlags & WRITE) !== 0;
    if ((gates & GATE_DISK_ERROR) !== 0 && (isWrite || command.fullName === 'ping')) {
      if (!isPrimaryLink) return server.diskErrorText;
      if (isWrite) server.replication.noteUnwritable();
    }
    if ((gates & GATE_MIN_REPLICAS) !== 0 && isWrite && !isPrimaryLink && !server.replication.hasEnoughReplicas()) {
      return 'NOREPLICAS Not enough good replicas to write.';
    }
    if ((gates & GATE_READ_ONLY) !== 0 && isWrite && !isPrimaryLink)
      return "READONLY You can't write against a read only replica.";
    if ((flags & IS_PUBSUB) !== 0 && connection.protocol === 2 && !PUBSUB_CONTEXT.has(command.fullName)) {
      return `ERR Can't execute '${command.fullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`;
    }
    if ((gates & GATE_STALE) !== 0 && !isPrimaryLink && (allFlags & STALE) === 0) {
      return "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
    }
    if ((gates & GATE_LOADING) !== 0 && !isPrimaryLink) {
      const refused = server.isAsyncLoading ? (command.flags & NO_ASYNC_LOADING) !== 0 : (allFlags & LOADING) === 0;
      if (refused) return 'LOADING Redis is loading the dataset in memory';
    }
    if ((flags & (IS_MONITOR | IS_REPLICA)) !== 0 && (command.flags & (WRITE | READONLY | MAY_REPLICATE)) !== 0) {
      return "ERR Replica can't interact with the keyspace";
    }
    return null;
  }

  private mustWait(connection: Connection, command: Command): boolean {
    if ((connection.flags & IS_REPLICA) !== 0) return false;
    const queued = command.fullName === 'exec' ? (connection.transaction?.anyFlags ?? 0) : 0;
    return this.server.pause.concerns(((command.flags | queued) & (WRITE | MAY_REPLICATE)) !== 0);
  }

  private refuseUnknown(connection: Connection, request: Request): void {
    const first = request.latin1(0);
    if (/^(host:|post)$/i.test(first)) {
      this.server.log.warning(
        'Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. This is likely due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis instance. Connection aborted.',
      );
      connection.close();
      return;
    }
    let args = '';
    for (let i = 1; i < request.argc && args.length < 128; i++)
      args += `'${request.cText(i).slice(0, 128 - args.length)}' `;
    this.reject(
      connection,
      null,
      `ERR unknown command '${request.cText(0).slice(0, 128)}', with args beginning with: ${args}`,
    );
  }

  /** Replies an error before the call. A transaction that is being queued fails by it, one that was to be executed ends. */
  private reject(connection: Connection, command: Command | null, error: string): void {
    const { server } = this;
    const { reply } = server;
    const start = reply.length;
    connection.lastCommand = command === null ? '' : command.fullName;
    if (command !== null) {
      command.rejectedCount++;
      server.commands.noteUse(command);
    }
    let text = error;
    if (command?.fullName === 'exec') {
      server.discard(connection);
      if (!REDIRECTIONS.test(error)) {
        text = `EXECABORT Transaction discarded because of: ${error.replace(/^ERR /, '')}`;
      }
    } else if (connection.transaction !== null) {
      connection.transaction.hasFailed = true;
    }
    reply.byteError(text);
    server.noteError(reply.lastErrorCode);
    beginSkip(connection);
    if ((connection.flags & (REPLY_OFF | REPLY_SKIP)) !== 0) this.applyReplyMode(connection, start, command);
  }

  /** A replica gets nothing but the stream: a command of its that is answered shows that it is none. */
  private refuseReplyToReplica(connection: Connection, start: number, command: Command | null): void {
    this.server.reply.rewind(start);
    this.server.log.warning(
      `Replica generated a reply to command '${command?.fullName ?? '<unknown>'}', disconnecting it: ${describeConnection(connection)}`,
    );
    connection.close();
  }

  /** CLIENT REPLY OFF and SKIP take back what was written; the primary's stream gets no replies at all. */
  applyReplyMode(connection: Connection, start: number, command: Command | null): void {
    const { reply } = this.server;
    const { flags } = connection;
    // Its reply is still to come.
    if ((flags & IS_BLOCKED) !== 0) return;
    if ((flags & IS_REPLICA) !== 0 && reply.length > start)
      return this.refuseReplyToReplica(connection, start, command);
    if ((flags & (REPLY_OFF | REPLY_SKIP | IS_PRIMARY_LINK)) !== 0 && (flags & CLOSE_AFTER_REPLY) === 0)
      reply.rewind(start);
    connection.flags &= ~REPLY_SKIP;
  }
}

/** The command that begins now is the one behind CLIENT REPLY SKIP: its reply will be dropped. */
function beginSkip(connection: Connection): void {
  const { flags } = connection;
  if ((flags & REPLY_SKIP_NEXT) !== 0) connection.flags = (flags & ~REPLY_SKIP_NEXT) | REPLY_SKIP;
}

/** @returns bytes from the first argument to the end of the last */
function sizeOf(request: Request): number {
  const { starts, lengths } = request;
  const last = request.argc - 1;
  return starts[last] + lengths[last] - starts[0];
}
