/** One connection as CLIENT LIST, CLIENT INFO and the log describe it. Source: spec server.md section 5.1. */
import type { ReplyWriter } from '../resp/reply-writer.js';
import type { Connection } from './connection.js';
import {
  CLOSE_AFTER_REPLY,
  CLUSTER_READONLY,
  IN_MULTI,
  IS_BLOCKED,
  IS_MONITOR,
  IS_PAUSED,
  IS_PRIMARY_LINK,
  IS_PUBSUB,
  IS_REPLICA,
  IS_TRACKING,
  IS_UNIX_SOCKET,
  NO_EVICT,
  NO_TOUCH,
} from './connection-flags.js';
import { CHANNEL, PATTERN, SHARD_CHANNEL } from './pubsub.js';

/** What an empty connection object takes: our estimate, as there is no allocator to ask. */
const CONNECTION_BYTES = 1024;

/** Flag letters in the order in which Redis prints them. */
const FLAG_LETTERS: readonly (readonly [number, string])[] = [
  [IS_REPLICA, 'S'],
  [IS_PRIMARY_LINK, 'M'],
  [IS_PUBSUB, 'P'],
  [IN_MULTI, 'x'],
  [IS_BLOCKED | IS_PAUSED, 'b'],
];

/** Without these there is no letter but `d`. */
const SHOWN_FLAGS =
  FLAG_LETTERS.reduce((all, [flag]) => all | flag, 0) |
  IS_MONITOR |
  IS_TRACKING |
  CLOSE_AFTER_REPLY |
  IS_UNIX_SOCKET |
  CLUSTER_READONLY |
  NO_EVICT |
  NO_TOUCH;

function flagLetters(connection: Connection): string {
  const { flags } = connection;
  if ((flags & SHOWN_FLAGS) === 0 && !connection.isWatchDirty) return 'N';
  let letters = (flags & IS_MONITOR) !== 0 ? 'O' : '';
  for (const [flag, letter] of FLAG_LETTERS)
    if ((flags & flag) !== 0 && !(letter === 'S' && letters === 'O')) letters += letter;
  letters += trackingLetters(connection);
  if (connection.isWatchDirty) letters += 'd';
  if ((flags & CLOSE_AFTER_REPLY) !== 0) letters += 'c';
  if ((flags & IS_UNIX_SOCKET) !== 0) letters += 'U';
  if ((flags & CLUSTER_READONLY) !== 0) letters += 'r';
  if ((flags & NO_EVICT) !== 0) letters += 'e';
  if ((flags & NO_TOUCH) !== 0) letters += 'T';
  return letters === '' ? 'N' : letters;
}

function trackingLetters({ flags, tracker }: Connection): string {
  if ((flags & IS_TRACKING) === 0) return '';
  return `t${tracker!.isRedirectBroken ? 'R' : ''}${tracker!.options.isBroadcasting ? 'B' : ''}`;
}

/** Memory that is charged to the connection, in bytes. */
export function connectionBytes(connection: Connection): number {
  return (
    CONNECTION_BYTES +
    connection.pending.length +
    connection.queuedBytes +
    (connection.transaction?.argumentBytes ?? 0) +
    (connection.subscriptions?.bytes ?? 0)
  );
}

/** The peer as `ip:port`, or `path:0` for a Unix socket. */
export function addressOf(connection: Connection): string {
  const { transport } = connection;
  return (connection.flags & IS_UNIX_SOCKET) !== 0 ? `${transport.localPath}:0` : transport.remoteAddress;
}

/** Our side of the connection, in the same form. */
export function localAddressOf(connection: Connection): string {
  const { transport } = connection;
  return (connection.flags & IS_UNIX_SOCKET) !== 0 ? `${transport.localPath}:0` : transport.localAddress;
}

/** The line without its LF. */
export function describeConnection(connection: Connection): string {
  return Buffer.from(new Lines(Date.now()).line(connection), 'latin1').toString();
}

/** Replies with the lines of CLIENT LIST, each with its LF, of `count` connections. */
export function replyConnections(reply: ReplyWriter, connections: Iterable<Connection>, count: number): void {
  // A buffer that grows step by step has twice as many fresh pages.
  reply.reserve(count * LINE_BYTES);
  const lines = new Lines(Date.now());
  let chunk = reply.protocol === 3 ? 'txt:' : '';
  let length = 0;
  for (const connection of connections) {
    chunk += `${lines.line(connection)}\n`;
    if (chunk.length < CHUNK_BYTES) continue;
    length += writeChunk(reply, length, chunk);
    chunk = '';
  }
  length += writeChunk(reply, length, chunk);
  reply.verbatimInRoom(length);
}

/** Writes a byte string behind the first `start` bytes of the reply's room. @returns its length */
function writeChunk(reply: ReplyWriter, start: number, chunk: string): number {
  const { buffer, byteOffset } = reply.bulkRoom(start + chunk.length, start);
  return Buffer.from(buffer, byteOffset + start, chunk.length).write(chunk, 'latin1');
}

/**
 * Makes lines, as byte strings. There may be thousands, and the code is hardly ever run often enough to be compiled: so what a line says in its middle and
 * at its end is put together once for a row of connections of which it is true, as it is of most.
 */
class Lines {
  private readonly nowMs: number;
  /** What `state` said of the connection before, and why. */
  private stateText = '';
  private flags = -1;
  private isWatchDirty = false;
  private databaseIndex = 0;
  private channelCount = 0;
  private patternCount = 0;
  private shardChannelCount = 0;
  private queuedCount = 0;
  private inputBytes = 0;
  private freeBytes = 0;
  private argumentBytes = 0;
  private outputBytes = 0;
  private allBytes = 0;
  /** The same of `session`. */
  private sessionText = '';
  private user: string | null = null;
  private redirectId = 0;
  private protocol = 0;
  private libName = '';
  private libVersion = '';

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  line(connection: Connection): string {
    const { nowMs } = this;
    const { transport, lastCommand, createdAtMs, lastActiveMs } = connection;
    let address = addressOf(connection);
    let localAddress = localAddressOf(connection);
    if ((connection.flags & IS_UNIX_SOCKET) !== 0) {
      address = byteString(address);
      localAddress = byteString(localAddress);
    }
    const age = Math.floor((nowMs - createdAtMs) / 1000);
    const idle = Math.max(0, Math.floor((nowMs - lastActiveMs) / 1000));
    const command = lastCommand === '' ? 'NULL' : lastCommand;
    return `id=${connection.id} addr=${address} laddr=${localAddress} fd=${transport.descriptor} name=${connection.name} age=${age} idle=${idle}${this.state(connection)}${command}${this.session(connection)}`;
  }

  private state(connection: Connection): string {
    const { flags, isWatchDirty, databaseIndex, subscriptions, transaction, pending, pendingLength } = connection;
    let channelCount = 0;
    let patternCount = 0;
    let shardChannelCount = 0;
    if (subscriptions !== null) {
      const { topics } = subscriptions;
      channelCount = topics[CHANNEL].count;
      patternCount = topics[PATTERN].count;
      shardChannelCount = topics[SHARD_CHANNEL].count;
    }
    const queuedCount = transaction === null ? -1 : transaction.count;
    const argumentBytes = transaction === null ? 0 : transaction.argumentBytes;
    const freeBytes = pending.length - pendingLength;
    const outputBytes = connection.queuedBytes;
    const allBytes = connectionBytes(connection);
    if (
      flags === this.flags &&
      isWatchDirty === this.isWatchDirty &&
      databaseIndex === this.databaseIndex &&
      channelCount === this.channelCount &&
      patternCount === this.patternCount &&
      shardChannelCount === this.shardChannelCount &&
      queuedCount === this.queuedCount &&
      pendingLength === this.inputBytes &&
      freeBytes === this.freeBytes &&
      argumentBytes === this.argumentBytes &&
      outputBytes === this.outputBytes &&
      allBytes === this.allBytes &&
      (flags & IS_TRACKING) === 0
    )
      return this.stateText;
    this.flags = flags;
    this.isWatchDirty = isWatchDirty;
    this.databaseIndex = databaseIndex;
    this.channelCount = channelCount;
    this.patternCount = patternCount;
    this.shardChannelCount = shardChannelCount;
    this.queuedCount = queuedCount;
    this.inputBytes = pendingLength;
    this.freeBytes = freeBytes;
    this.argumentBytes = argumentBytes;
    this.outputBytes = outputBytes;
    this.allBytes = allBytes;
    const isSending = outputBytes > 0;
    this.stateText = ` flags=${flagLetters(connection)} db=${databaseIndex} sub=${channelCount} psub=${patternCount} ssub=${shardChannelCount} multi=${queuedCount} qbuf=${pendingLength} qbuf-free=${freeBytes} argv-mem=0 multi-mem=${argumentBytes} rbs=0 rbp=0 obl=0 oll=${isSending ? 1 : 0} omem=${outputBytes} tot-mem=${allBytes} events=${isSending ? 'rw' : 'r'} cmd=`;
    return this.stateText;
  }

  private session({ user, flags, tracker, protocol, libName, libVersion }: Connection): string {
    const redirectId = (flags & IS_TRACKING) === 0 ? -1 : tracker!.options.redirectId;
    if (
      user === this.user &&
      redirectId === this.redirectId &&
      protocol === this.protocol &&
      libName === this.libName &&
      libVersion === this.libVersion
    )
      return this.sessionText;
    this.user = user;
    this.redirectId = redirectId;
    this.protocol = protocol;
    this.libName = libName;
    this.libVersion = libVersion;
    this.sessionText = ` user=${user} redir=${redirectId} resp=${protocol} lib-name=${libName} lib-ver=${libVersion}`;
    return this.sessionText;
  }
}

/** A text's UTF-8, one character a byte. */
function byteString(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** Of so many together the engine makes flat bytes at once. */
const CHUNK_BYTES = 16 * 1024;
/** A line mostly has less. */
const LINE_BYTES = 352;
