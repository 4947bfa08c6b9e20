/** Connection commands: PING, ECHO, SELECT, QUIT, … Source: spec server.md sections 2 and 5. */

import { fixedReply } from '../resp/reply-writer.js';
import { IS_PUBSUB } from '../server/connection-flags.js';
import type { Invocation } from '../server/invocation.js';
import { ALLOW_BUSY, type CommandRecord, FAST, LOADING, NO_AUTH, NOSCRIPT, STALE } from './command.js';
import { replyNotAnInteger } from './replies.js';

const PONG = fixedReply('+PONG');

function ping(call: Invocation): void {
  if (call.argc > 2) return call.error("ERR wrong number of arguments for 'ping' command");
  if ((call.connection.flags & IS_PUBSUB) !== 0 && call.reply.protocol === 2) {
    call.reply.array(2);
    call.reply.bulkText('pong');
    if (call.argc === 2) call.replyArgument(1);
    else call.reply.bulkText('');
    return;
  }
  if (call.argc === 2) call.replyArgument(1);
  else call.reply.raw(PONG);
}

function echo(call: Invocation): void {
  call.replyArgument(1);
}

function select(call: Invocation): void {
  const index = call.integer(1);
  if (Number.isNaN(index)) return replyNotAnInteger(call);
  const db = call.keyspace.databases[index];
  if (db === undefined) return call.error('ERR DB index is out of range');
  call.connection.databaseIndex = index;
  call.reply.ok();
}

function quit(call: Invocation): void {
  call.reply.ok();
  call.connection.closeAfterReply();
}

export const connectionCommands: readonly CommandRecord[] = [
  {
    name: 'ping',
    arity: -1,
    flags: FAST,
    acl: ['connection'],
    tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
    group: 'connection',
    since: '1.0.0',
    summary: "Returns the server's liveliness response.",
    complexity: 'O(1)',
    arguments: [{ name: 'message', type: 'string', flags: ['optional'] }],
    handler: ping,
  },
  {
    name: 'echo',
    arity: 2,
    flags: LOADING | STALE | FAST,
    acl: ['connection'],
    group: 'connection',
    since: '1.0.0',
    summary: 'Returns the given string.',
    complexity: 'O(1)',
    arguments: [{ name: 'message', type: 'string' }],
    handler: echo,
  },
  {
    name: 'select',
    arity: 2,
    flags: LOADING | STALE | FAST,
    acl: ['connection'],
    group: 'connection',
    since: '1.0.0',
    summary: 'Changes the selected database.',
    complexity: 'O(1)',
    arguments: [{ name: 'index', type: 'integer' }],
    handler: select,
  },
  {
    name: 'quit',
    arity: -1,
    flags: NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY,
    acl: ['connection'],
    group: 'connection',
    since: '1.0.0',
    summary: 'Closes the connection.',
    complexity: 'O(1)',
    docFlags: ['deprecated'],
    deprecatedSince: '7.2.0',
    replacedBy: 'just closing the connection',
    handler: quit,
  },
];
