/** One connection as CLIENT LIST, CLIENT INFO and the log describe it. Source: spec server.md section 5.1. */
import { type ReplyWriter, writeInteger } from '../resp/reply-writer.js';
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
  const room = new LineRoom();
  const line = new LineWriter(room);
  line.describe(connection, Date.now());
  return Buffer.from(room.bytes.subarray(0, line.length)).toString();
}

/** Replies with the lines of CLIENT LIST, each with its LF. */
export function replyConnections(reply: ReplyWriter, connections: Iterable<Connection>): void {
  const nowMs = Date.now();
  const lines = new LineWriter(reply);
  if (reply.protocol === 3) lines.start(VERBATIM);
  for (const connection of connections) {
    lines.describe(connection, nowMs);
    lines.end();
  }
  reply.verbatimInRoom(lines.length);
}

/** What lines are written into. */
interface Room {
  /** @returns `byteCount` bytes or more; the first `kept` are those of the room given last */
  bulkRoom(byteCount: number, kept: number): Uint8Array;
}

/** Room for one line that is no reply. */
class LineRoom implements Room {
  bytes = new Uint8Array(LINE_BYTES);

  bulkRoom(byteCount: number, kept: number): Uint8Array {
    if (byteCount <= this.bytes.length) return this.bytes;
    const grown = new Uint8Array(byteCount);
    grown.set(this.bytes.subarray(0, kept));
    this.bytes = grown;
    return grown;
  }
}

/** Writes lines as bytes: there may be thousands, and as strings put together they take five times as long. */
class LineWriter {
  length = 0;
  private bytes: Uint8Array = new Uint8Array(0);
  private readonly room: Room;

  constructor(room: Room) {
    this.room = room;
  }

  start(prefix: Uint8Array): void {
    this.reserve(prefix.length);
    this.label(prefix);
  }

  describe(connection: Connection, nowMs: number): void {
    const { transport, transaction, subscriptions, flags, name, lastCommand, user, libName, libVersion } = connection;
    const queued = connection.queuedBytes;
    const address = addressOf(connection);
    const localAddress = localAddressOf(connection);
    const letters =
      address.length +
      localAddress.length +
      name.length +
      lastCommand.length +
      user.length +
      libName.length +
      libVersion.length;
    this.reserve(LINE_BYTES + letters * UTF8_BYTES_MAX);
    this.number(ID, connection.id);
    this.text(ADDR, address);
    this.text(LADDR, localAddress);
    this.number(FD, transport.descriptor);
    this.text(NAME, name);
    this.number(AGE, Math.floor((nowMs - connection.createdAtMs) / 1000));
    this.number(IDLE, Math.max(0, Math.floor((nowMs - connection.lastActiveMs) / 1000)));
    this.text(FLAGS, flagLetters(connection));
    this.number(DB, connection.databaseIndex);
    this.number(SUB, subscriptions?.topics[CHANNEL].size ?? 0);
    this.number(PSUB, subscriptions?.topics[PATTERN].size ?? 0);
    this.number(SSUB, subscriptions?.topics[SHARD_CHANNEL].size ?? 0);
    this.number(MULTI, transaction === null ? -1 : transaction.count);
    this.number(QBUF, connection.pendingLength);
    this.number(QBUF_FREE, connection.pending.length - connection.pendingLength);
    this.number(MULTI_MEM, transaction?.argumentBytes ?? 0);
    this.number(OLL, queued > 0 ? 1 : 0);
    this.number(OMEM, queued);
    this.number(TOT_MEM, connectionBytes(connection));
    this.text(EVENTS, queued > 0 ? 'rw' : 'r');
    this.text(CMD, lastCommand === '' ? 'NULL' : lastCommand);
    this.text(USER, user);
    this.number(REDIR, (flags & IS_TRACKING) === 0 ? -1 : connection.tracker!.options.redirectId);
    this.number(RESP, connection.protocol);
    this.text(LIB_NAME, libName);
    this.text(LIB_VER, libVersion);
  }

  /** For the LF there is room behind a line. */
  end(): void {
    this.bytes[this.length++] = LF;
  }

  private number(label: Uint8Array, value: number): void {
    this.label(label);
    this.length = writeInteger(this.bytes, this.length, value);
  }

  private text(label: Uint8Array, value: string): void {
    this.label(label);
    const { bytes, length } = this;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code >= 0x80) {
        this.length += encoder.encodeInto(value, bytes.subarray(length)).written;
        return;
      }
      bytes[length + i] = code;
    }
    this.length = length + value.length;
  }

  private label(label: Uint8Array): void {
    const { bytes, length } = this;
    for (let i = 0; i < label.length; i++) bytes[length + i] = label[i];
    this.length = length + label.length;
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed > this.bytes.length) this.bytes = this.room.bulkRoom(needed, this.length);
  }
}

function label(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}

const ID = label('id=');
const ADDR = label(' addr=');
const LADDR = label(' laddr=');
const FD = label(' fd=');
const NAME = label(' name=');
const AGE = label(' age=');
const IDLE = label(' idle=');
const FLAGS = label(' flags=');
const DB = label(' db=');
const SUB = label(' sub=');
const PSUB = label(' psub=');
const SSUB = label(' ssub=');
const MULTI = label(' multi=');
const QBUF = label(' qbuf=');
const QBUF_FREE = label(' qbuf-free=');
const MULTI_MEM = label(' argv-mem=0 multi-mem=');
const OLL = label(' rbs=0 rbp=0 obl=0 oll=');
const OMEM = label(' omem=');
const TOT_MEM = label(' tot-mem=');
const EVENTS = label(' events=');
const CMD = label(' cmd=');
const USER = label(' user=');
const REDIR = label(' redir=');
const RESP = label(' resp=');
const LIB_NAME = label(' lib-name=');
const LIB_VER = label(' lib-ver=');
const VERBATIM = label('txt:');
const LF = 0x0a;
const encoder = new TextEncoder();
/** More than a line has, its texts apart: 204 bytes of labels, 16 numbers with up to 21, flags, events and the LF. */
const LINE_BYTES = 640;
/** Of one UTF-16 unit. */
const UTF8_BYTES_MAX = 3;
