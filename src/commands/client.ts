/** CLIENT and its subcommands. Source: spec server.md section 5. */
import { addressOf, localAddressOf, replyConnections } from '../server/client-info.js';
import type { Connection } from '../server/connection.js';
import {
  IS_PRIMARY_LINK,
  NO_EVICT,
  NO_TOUCH,
  REPLY_OFF,
  REPLY_SKIP,
  REPLY_SKIP_NEXT,
} from '../server/connection-flags.js';
import type { Invocation } from '../server/invocation.js';
import { type ClientClass, classOf } from '../server/output-limits.js';
import { isClientName, NAME_ERROR } from './client-name.js';
import { helpReply } from './help.js';
import { replyNotAnInteger, replySyntaxError } from './replies.js';

type ClientType = ClientClass | 'master';

/** Client types as CLIENT LIST and KILL take them. */
const CLIENT_TYPES: Readonly<Record<string, ClientType>> = {
  normal: 'normal',
  slave: 'replica',
  replica: 'replica',
  pubsub: 'pubsub',
  master: 'master',
};

function typeOf(connection: Connection): ClientType {
  return (connection.flags & IS_PRIMARY_LINK) !== 0 ? 'master' : classOf(connection);
}

export function clientId(call: Invocation): void {
  call.reply.integer(call.connection.id);
}

export function clientInfo(call: Invocation): void {
  replyConnections(call.reply, [call.connection], 1);
}

export function clientList(call: Invocation): void {
  const { connections } = call.server;
  let selected: Connection[];
  if (call.argc === 2) return replyConnections(call.reply, connections.values(), connections.size);
  if (call.argc === 4 && call.is(2, 'TYPE')) {
    const type = CLIENT_TYPES[call.text(3).toLowerCase()];
    if (type === undefined) return call.reply.byteError(`ERR Unknown client type '${call.request.cText(3)}'`);
    selected = [...connections.values()].filter((connection) => typeOf(connection) === type);
  } else if (call.argc > 3 && call.is(2, 'ID')) {
    const named: Connection[] = [];
    for (let i = 3; i < call.argc; i++) {
      const id = call.integer(i);
      if (Number.isNaN(id)) return call.error('ERR Invalid client ID');
      const connection = connections.get(id);
      if (connection !== undefined) named.push(connection);
    }
    selected = named;
  } else {
    return replySyntaxError(call);
  }
  replyConnections(call.reply, selected, selected.length);
}

export function clientGetname(call: Invocation): void {
  if (call.connection.name === '') call.reply.null();
  else call.reply.bulkText(call.connection.name);
}

export function clientSetname(call: Invocation): void {
  const name = call.request.latin1(2);
  if (!isClientName(name)) return call.error(NAME_ERROR);
  call.connection.name = name;
  call.reply.ok();
}

export function clientSetinfo(call: Invocation): void {
  const option = call.text(2).toLowerCase();
  const value = call.request.latin1(3);
  if (option !== 'lib-name' && option !== 'lib-ver')
    return call.reply.byteError(`ERR Unrecognized option '${call.request.cText(2)}'`);
  if (!isClientName(value)) return call.error(`ERR ${option} cannot contain spaces, newlines or special characters.`);
  if (option === 'lib-name') call.connection.libName = value;
  else call.connection.libVersion = value;
  call.reply.ok();
}

export function clientNoEvict(call: Invocation): void {
  setOnOff(call, NO_EVICT);
}

export function clientNoTouch(call: Invocation): void {
  setOnOff(call, NO_TOUCH);
}

function setOnOff(call: Invocation, flag: number): void {
  if (call.is(2, 'ON')) call.connection.flags |= flag;
  else if (call.is(2, 'OFF')) call.connection.flags &= ~flag;
  else return replySyntaxError(call);
  call.reply.ok();
}

export function clientReply(call: Invocation): void {
  const { connection } = call;
  if (call.is(2, 'ON')) {
    connection.flags &= ~(REPLY_OFF | REPLY_SKIP | REPLY_SKIP_NEXT);
    call.reply.ok();
  } else if (call.is(2, 'OFF')) {
    connection.flags |= REPLY_OFF;
  } else if (call.is(2, 'SKIP')) {
    if ((connection.flags & REPLY_OFF) === 0) connection.flags |= REPLY_SKIP_NEXT;
  } else {
    replySyntaxError(call);
  }
}

export function clientPause(call: Invocation): void {
  let mode: 'all' | 'write' = 'all';
  if (call.argc === 4) {
    if (call.is(3, 'WRITE')) mode = 'write';
    else if (!call.is(3, 'ALL')) return call.error('ERR CLIENT PAUSE mode must be WRITE or ALL');
  } else if (call.argc > 4) {
    return replySyntaxError(call);
  }
  const timeoutMs = call.integer(2);
  if (Number.isNaN(timeoutMs)) return call.error('ERR timeout is not an integer or out of range');
  if (timeoutMs < 0) return call.error('ERR timeout is negative');
  call.server.pause.begin('client', mode, Date.now() + timeoutMs);
  call.reply.ok();
}

export function clientUnpause(call: Invocation): void {
  call.server.pause.end('client');
  call.reply.ok();
}

export function clientUnblock(call: Invocation): void {
  let isError = false;
  if (call.argc === 4) {
    if (call.is(3, 'ERROR')) isError = true;
    else if (!call.is(3, 'TIMEOUT')) return call.error('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
  }
  const id = call.integer(2);
  if (Number.isNaN(id)) return replyNotAnInteger(call);
  const connection = call.server.connections.get(id);
  call.reply.integer(connection !== undefined && call.server.unblock(connection, isError) ? 1 : 0);
}

interface KillFilter {
  id: number;
  type: ClientType | null;
  address: string | null;
  localAddress: string | null;
  user: string | null;
  skipsMe: boolean;
}

export function clientKill(call: Invocation): void {
  if (call.argc === 3) return killByAddress(call, call.text(2));
  const filter = readKillFilter(call);
  if (filter === null) return;
  let count = 0;
  for (const connection of [...call.server.connections.values()]) {
    if (!matches(connection, filter) || (filter.skipsMe && connection === call.connection)) continue;
    kill(call, connection);
    count++;
  }
  call.reply.integer(count);
}

function killByAddress(call: Invocation, address: string): void {
  for (const connection of call.server.connections.values()) {
    if (addressOf(connection) !== address) continue;
    kill(call, connection);
    return call.reply.ok();
  }
  call.error('ERR No such client');
}

/** The killer itself still gets its reply. */
function kill(call: Invocation, connection: Connection): void {
  if (connection === call.connection) connection.closeAfterReply();
  else connection.close();
}

function matches(connection: Connection, filter: KillFilter): boolean {
  if (filter.id !== 0 && connection.id !== filter.id) return false;
  if (filter.type !== null && typeOf(connection) !== filter.type) return false;
  if (filter.address !== null && addressOf(connection) !== filter.address) return false;
  if (filter.localAddress !== null && localAddressOf(connection) !== filter.localAddress) return false;
  return filter.user === null || connection.user === filter.user;
}

/** @returns null if an error has been replied */
function readKillFilter(call: Invocation): KillFilter | null {
  const filter: KillFilter = { id: 0, type: null, address: null, localAddress: null, user: null, skipsMe: true };
  if (call.argc % 2 !== 0) {
    replySyntaxError(call);
    return null;
  }
  for (let i = 2; i < call.argc; i += 2) {
    const value = call.text(i + 1);
    if (call.is(i, 'ID')) {
      const id = call.integer(i + 1);
      if (Number.isNaN(id) || id < 1) return refuse(call, 'ERR client-id should be greater than 0');
      filter.id = id;
    } else if (call.is(i, 'TYPE')) {
      const type = CLIENT_TYPES[value.toLowerCase()];
      if (type === undefined) return refuse(call, `ERR Unknown client type '${call.request.cText(i + 1)}'`);
      filter.type = type;
    } else if (call.is(i, 'ADDR')) {
      filter.address = value;
    } else if (call.is(i, 'LADDR')) {
      filter.localAddress = value;
    } else if (call.is(i, 'USER')) {
      if (value !== 'default') return refuse(call, `ERR No such user '${value}'`);
      filter.user = value;
    } else if (call.is(i, 'SKIPME') && /^(yes|no)$/i.test(value)) {
      filter.skipsMe = value.toLowerCase() === 'yes';
    } else {
      replySyntaxError(call);
      return null;
    }
  }
  return filter;
}

function refuse(call: Invocation, error: string): null {
  call.reply.byteError(error);
  return null;
}

export const clientHelp = helpReply('CLIENT', [
  'CACHING (YES|NO)',
  '    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.',
  'GETREDIR',
  '    Return the client ID we are redirecting to when tracking is enabled.',
  'GETNAME',
  '    Return the name of the current connection.',
  'ID',
  '    Return the ID of the current connection.',
  'INFO',
  '    Return information about the current client connection.',
  'KILL <ip:port>',
  '    Kill connection made from <ip:port>.',
  'KILL <option> <value> [<option> <value> [...]]',
  '    Kill connections. Options are:',
  '    * ADDR (<ip:port>|<unixsocket>:0)',
  '      Kill connections made from the specified address',
  '    * LADDR (<ip:port>|<unixsocket>:0)',
  '      Kill connections made to specified local address',
  '    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)',
  '      Kill connections by type.',
  '    * USER <username>',
  '      Kill connections authenticated by <username>.',
  '    * SKIPME (YES|NO)',
  '      Skip killing current connection (default: yes).',
  'LIST [options ...]',
  '    Return information about client connections. Options:',
  '    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)',
  '      Return clients of specified type.',
  'UNPAUSE',
  '    Stop the current client pause, resuming traffic.',
  'PAUSE <timeout> [WRITE|ALL]',
  '    Suspend all, or just write, clients for <timeout> milliseconds.',
  'REPLY (ON|OFF|SKIP)',
  '    Control the replies sent to the current connection.',
  'SETNAME <name>',
  '    Assign the name <name> to the current connection.',
  'SETINFO <option> <value>',
  '    Set client meta attr. Options are:',
  '    * LIB-NAME: the client lib name.',
  '    * LIB-VER: the client lib version.',
  'UNBLOCK <clientid> [TIMEOUT|ERROR]',
  '    Unblock the specified blocked client.',
  'TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]',
  '         [OPTIN] [OPTOUT] [NOLOOP]',
  '    Control server assisted client side caching.',
  'TRACKINGINFO',
  '    Report tracking status for the current connection.',
  'NO-EVICT (ON|OFF)',
  '    Protect current client connection from eviction.',
  'NO-TOUCH (ON|OFF)',
  '    Will not touch LRU/LFU stats when this mode is on.',
]);
