/** One connection as CLIENT LIST, CLIENT INFO and the log describe it. Source: spec server.md section 5.1. */
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

/** The line without its LF. One expression, as there may be thousands of lines: put together from parts in an array it takes three times as long. */
export function describeConnection(connection: Connection): string {
  return describeAt(connection, Date.now());
}

/** The lines of CLIENT LIST, each with its LF. */
export function describeConnections(connections: Iterable<Connection>): string {
  const nowMs = Date.now();
  let lines = '';
  for (const connection of connections) lines += `${describeAt(connection, nowMs)}\n`;
  return lines;
}

function describeAt(connection: Connection, nowMs: number): string {
  const { transport, transaction, subscriptions, flags } = connection;
  const queued = connection.queuedBytes;
  const age = Math.floor((nowMs - connection.createdAtMs) / 1000);
  const idle = Math.max(0, Math.floor((nowMs - connection.lastActiveMs) / 1000));
  const redirect = (flags & IS_TRACKING) === 0 ? -1 : connection.tracker!.options.redirectId;
  return (
    `id=${connection.id} addr=${addressOf(connection)} laddr=${localAddressOf(connection)} fd=${transport.descriptor}` +
    ` name=${connection.name} age=${age} idle=${idle} flags=${flagLetters(connection)} db=${connection.databaseIndex}` +
    ` sub=${subscriptions?.topics[CHANNEL].size ?? 0} psub=${subscriptions?.topics[PATTERN].size ?? 0}` +
    ` ssub=${subscriptions?.topics[SHARD_CHANNEL].size ?? 0}` +
    ` multi=${transaction === null ? -1 : transaction.commands.length} qbuf=${connection.pendingLength}` +
    ` qbuf-free=${connection.pending.length - connection.pendingLength} argv-mem=0` +
    ` multi-mem=${transaction?.argumentBytes ?? 0} rbs=0 rbp=0 obl=0 oll=${queued > 0 ? 1 : 0} omem=${queued}` +
    ` tot-mem=${connectionBytes(connection)} events=${queued > 0 ? 'rw' : 'r'}` +
    ` cmd=${connection.lastCommand === '' ? 'NULL' : connection.lastCommand} user=${connection.user} redir=${redirect}` +
    ` resp=${connection.protocol} lib-name=${connection.libName} lib-ver=${connection.libVersion}`
  );
}
