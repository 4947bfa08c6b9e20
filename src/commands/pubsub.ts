/** Pub/sub: SUBSCRIBE and its kin, PUBLISH, SPUBLISH, PUBSUB. Source: spec server.md 2.7 to 2.9 and 10, cluster.md 9.8. */
import { ReplyWriter } from '../resp/reply-writer.js';
import { REPLY_OFF, REPLY_SKIP } from '../server/connection-flags.js';
import type { Invocation } from '../server/invocation.js';
import { NO_DATABASE, TO_REPLICAS } from '../server/propagation.js';
import { CHANNEL, NAME_BYTES_MAX, PATTERN, SHARD_CHANNEL, type TopicKind } from '../server/pubsub.js';
import { globMatches, isMatchAll } from '../types/glob.js';
import type { Handler } from './command.js';
import { helpReply } from './help.js';
import { replySubcommandSyntax } from './replies.js';

const NAME_TOO_LONG = 'ERR channel name is too long';

function subscribing(kind: TopicKind): Handler {
  return (call) => {
    const { connection, request, server } = call;
    const { pubsub } = server;
    // A transaction must not end up subscribed to channels of a slot that has moved meanwhile.
    if (kind === SHARD_CHANNEL && connection.isExecuting) {
      return call.error("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");
    }
    if (hasLongName(call)) return call.error(NAME_TOO_LONG);
    for (let i = 1; i < call.argc; i++) {
      const name = request.view(i);
      pubsub.subscribe(connection, kind, name);
      confirm(call, kind, '', name);
    }
  };
}

function unsubscribing(kind: TopicKind): Handler {
  return (call) => {
    const { connection, request, server } = call;
    const { pubsub } = server;
    if (call.argc === 1) {
      const topics = pubsub.topicsOf(connection, kind);
      for (const { name } of topics) {
        pubsub.unsubscribe(connection, kind, name);
        confirm(call, kind, 'un', name);
      }
      if (topics.length === 0) confirm(call, kind, 'un', null);
      return;
    }
    if (hasLongName(call)) return call.error(NAME_TOO_LONG);
    for (let i = 1; i < call.argc; i++) {
      const name = request.view(i);
      pubsub.unsubscribe(connection, kind, name);
      confirm(call, kind, 'un', name);
    }
  };
}

export const subscribe = subscribing(CHANNEL);
export const psubscribe = subscribing(PATTERN);
export const ssubscribe = subscribing(SHARD_CHANNEL);
export const unsubscribe = unsubscribing(CHANNEL);
export const punsubscribe = unsubscribing(PATTERN);
export const sunsubscribe = unsubscribing(SHARD_CHANNEL);

const KIND_LETTERS = { [CHANNEL]: '', [PATTERN]: 'p', [SHARD_CHANNEL]: 's' };

/** Tells the caller what has become of one of its subscriptions, and how many it has. */
function confirm(call: Invocation, kind: TopicKind, change: '' | 'un', name: Uint8Array | null): void {
  const { connection, server } = call;
  const count = server.pubsub.countOf(connection, kind);
  const event = `${KIND_LETTERS[kind]}${change}subscribe`;
  if ((connection.flags & (REPLY_OFF | REPLY_SKIP)) === 0) {
    writeConfirmation(call.reply, event, name, count);
    return;
  }
  // It is a push, which also those get who want no replies.
  const writer = new ReplyWriter();
  writer.protocol = connection.protocol;
  writeConfirmation(writer, event, name, count);
  connection.push(writer.take());
}

function writeConfirmation(reply: ReplyWriter, event: string, name: Uint8Array | null, count: number): void {
  reply.push(3);
  reply.bulkText(event);
  if (name === null) reply.null();
  else reply.bulkBytes(name);
  reply.integer(count);
}

function hasLongName(call: Invocation): boolean {
  const { argc, lengths } = call.request;
  for (let i = 1; i < argc; i++) if (lengths[i] > NAME_BYTES_MAX) return true;
  return false;
}

export function publish(call: Invocation): void {
  deliver(call, false);
}

export function spublish(call: Invocation): void {
  deliver(call, true);
}

function deliver(call: Invocation, isSharded: boolean): void {
  const { request, server } = call;
  if (request.lengths[1] > NAME_BYTES_MAX) return call.error(NAME_TOO_LONG);
  const { bytes, starts, lengths } = request;
  const { pubsub, cluster } = server;
  const count = isSharded
    ? pubsub.publishTo(SHARD_CHANNEL, bytes, starts[1], lengths[1], bytes, starts[2], lengths[2])
    : pubsub.publish(bytes, starts[1], lengths[1], bytes, starts[2], lengths[2]);
  // In a cluster the bus brings it to the other nodes, replicas included.
  if (cluster !== null) cluster.node.publish(request.copy(1), request.copy(2), isSharded);
  else server.propagation.request(NO_DATABASE, request, TO_REPLICAS);
  call.reply.integer(count);
}

function listing(kind: TopicKind): Handler {
  return (call) => {
    if (call.argc > 3) return replySubcommandSyntax(call);
    const { reply, request } = call;
    const found: Uint8Array[] = [];
    const pattern = call.argc === 3 ? request.view(2) : null;
    const matchesAll = pattern === null || isMatchAll(pattern, 0, pattern.length);
    for (const { name } of call.server.pubsub.all(kind)) {
      if (matchesAll || globMatches(pattern, 0, pattern.length, name, 0, name.length)) found.push(name);
    }
    reply.array(found.length);
    for (const name of found) reply.bulkBytes(name);
  };
}

function counting(kind: TopicKind): Handler {
  return (call) => {
    const { reply } = call;
    const { bytes, starts, lengths } = call.request;
    if (hasLongName(call)) return call.error(NAME_TOO_LONG);
    reply.array((call.argc - 2) * 2);
    for (let i = 2; i < call.argc; i++) {
      call.replyArgument(i);
      reply.integer(call.server.pubsub.find(kind, bytes, starts[i], lengths[i])?.count ?? 0);
    }
  };
}

export const pubsubChannels = listing(CHANNEL);
export const pubsubShardChannels = listing(SHARD_CHANNEL);
export const pubsubNumSub = counting(CHANNEL);
export const pubsubShardNumSub = counting(SHARD_CHANNEL);

export function pubsubNumPat(call: Invocation): void {
  call.reply.integer(call.server.pubsub.count(PATTERN));
}

export const pubsubHelp = helpReply('PUBSUB', [
  'CHANNELS [<pattern>]',
  "    Return the currently active channels matching a <pattern> (default: '*').",
  'NUMPAT',
  '    Return number of subscriptions to patterns.',
  'NUMSUB [<channel> ...]',
  '    Return the number of subscribers for the specified channels, excluding',
  '    pattern subscriptions(default: no channels).',
  'SHARDCHANNELS [<pattern>]',
  "    Return the currently active shard level channels matching a <pattern> (default: '*').",
  'SHARDNUMSUB [<shardchannel> ...]',
  '    Return the number of subscribers for the specified shard level channel(s)',
]);
