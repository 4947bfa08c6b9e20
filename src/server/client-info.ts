/** One connection as CLIENT LIST, CLIENT INFO and the log describe it. Source: spec server.md section 5.1. */
import { writeInteger } from '../resp/reply-writer.js';
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
  const line = new LineWriter();
  describe(connection, Date.now(), line);
  return Buffer.from(line.written()).toString();
}

/** The lines of CLIENT LIST, each with its LF, as bytes. */
export function describeConnections(connections: Iterable<Connection>): Uint8Array {
  const nowMs = Date.now();
  const lines = new LineWriter();
  for (const connection of connections) {
    describe(connection, nowMs, lines);
    lines.text('\n', '');
  }
  return lines.written();
}

function describe(connection: Connection, nowMs: number, line: LineWriter): void {
  const { transport, transaction, subscriptions, flags } = connection;
  const queued = connection.queuedBytes;
  line.number('id=', connection.id);
  line.text(' addr=', addressOf(connection));
  line.text(' laddr=', localAddressOf(connection));
  line.number(' fd=', transport.descriptor);
  line.text(' name=', connection.name);
  line.number(' age=', Math.floor((nowMs - connection.createdAtMs) / 1000));
  line.number(' idle=', Math.max(0, Math.floor((nowMs - connection.lastActiveMs) / 1000)));
  line.text(' flags=', flagLetters(connection));
  line.number(' db=', connection.databaseIndex);
  line.number(' sub=', subscriptions?.topics[CHANNEL].size ?? 0);
  line.number(' psub=', subscriptions?.topics[PATTERN].size ?? 0);
  line.number(' ssub=', subscriptions?.topics[SHARD_CHANNEL].size ?? 0);
  line.number(' multi=', transaction === null ? -1 : transaction.count);
  line.number(' qbuf=', connection.pendingLength);
  line.number(' qbuf-free=', connection.pending.length - connection.pendingLength);
  line.number(' argv-mem=0 multi-mem=', transaction?.argumentBytes ?? 0);
  line.number(' rbs=0 rbp=0 obl=0 oll=', queued > 0 ? 1 : 0);
  line.number(' omem=', queued);
  line.number(' tot-mem=', connectionBytes(connection));
  line.text(' events=', queued > 0 ? 'rw' : 'r');
  line.text(' cmd=', connection.lastCommand === '' ? 'NULL' : connection.lastCommand);
  line.text(' user=', connection.user);
  line.number(' redir=', (flags & IS_TRACKING) === 0 ? -1 : connection.tracker!.options.redirectId);
  line.number(' resp=', connection.protocol);
  line.text(' lib-name=', connection.libName);
  line.text(' lib-ver=', connection.libVersion);
}

/** Writes lines into growing bytes: there may be thousands, and as strings put together they take five times as long. */
class LineWriter {
  private bytes = new Uint8Array(LINE_BYTES);
  private length = 0;

  written(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** @param label ASCII */
  number(label: string, value: number): void {
    this.reserve(label.length + NUMBER_BYTES_MAX);
    this.ascii(label);
    this.length = writeInteger(this.bytes, this.length, value);
  }

  /** @param label ASCII */
  text(label: string, value: string): void {
    this.reserve(label.length + value.length * UTF8_BYTES_MAX);
    this.ascii(label);
    if (!this.ascii(value)) this.length += encoder.encodeInto(value, this.bytes.subarray(this.length)).written;
  }

  /** Writes text for which there is room, if it is ASCII. @returns whether it is; if not, nothing has been written */
  private ascii(text: string): boolean {
    const { bytes, length } = this;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      bytes[length + i] = code;
    }
    this.length = length + text.length;
    return true;
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.written());
    this.bytes = grown;
  }
}

const encoder = new TextEncoder();
/** A usual line has some 350 bytes. */
const LINE_BYTES = 512;
const NUMBER_BYTES_MAX = 21;
/** Of one UTF-16 unit. */
const UTF8_BYTES_MAX = 3;
