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
      const name = request.latin1(i);
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
      const topics = [...(connection.subscriptions?.topics[kind] ?? [])];
      for (const { name } of topics) {
        pubsub.unsubscribe(connection, kind, name);
        confirm(call, kind, 'un', name);
      }
      if (topics.length === 0) confirm(call, kind, 'un', null);
      return;
    }
    if (hasLongName(call)) return call.error(NAME_TOO_LONG);
    for (let i = 1; i < call.argc; i++) {
      const name = request.latin1(i);
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
function confirm(call: Invocation, kind: TopicKind, change: '' | 'un', name: string | null): void {
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

function writeConfirmation(reply: ReplyWriter, event: string, name: string | null, count: number): void {
  reply.push(3);
  reply.bulkText(event);
  if (name === null) reply.null();
  else reply.bulkBytes(Buffer.from(name, 'latin1'));
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
  const channel = request.latin1(1);
  const payload = request.view(2);
  const { pubsub, cluster } = server;
  const count = isSharded ? pubsub.publishToShard(channel, payload) : pubsub.publish(channel, payload);
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
    for (const { bytes } of call.server.pubsub.all(kind)) {
      if (matchesAll || globMatches(pattern, 0, pattern.length, bytes, 0, bytes.length)) found.push(bytes);
    }
    reply.array(found.length);
    for (const bytes of found) reply.bulkBytes(bytes);
  };
}

function counting(kind: TopicKind): Handler {
  return (call) => {
    const { reply, request } = call;
    if (hasLongName(call)) return call.error(NAME_TOO_LONG);
    reply.array((call.argc - 2) * 2);
    for (let i = 2; i < call.argc; i++) {
      call.replyArgument(i);
      reply.integer(call.server.pubsub.find(kind, request.latin1(i))?.subscribers.size ?? 0);
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
