/** What the command line must know about single commands: how their replies are shown and what they do to the connection. */
import type { ReplyNode } from './reply/reply-node.js';
import { numberOf, textOf } from './reply/reply-node.js';
import type { Session } from './session.js';

/** The words of a request that its meaning hangs on, in lower case. */
function lowerWords(args: readonly Uint8Array[]): string[] {
  return args.slice(0, 3).map((arg) => Buffer.from(arg).toString('latin1').toLowerCase());
}

/**
 * Requests whose reply is a text for people already: it is shown as it is, in every form, and nothing is added. With how many words; 0: any number.
 * Source: spec/cli.md section 1.13.
 */
const TEXT_REPLIES: readonly (readonly [words: string, count: number])[] = [
  ['info', 0],
  ['lolwut', 0],
  ['debug htstats', 0],
  ['debug htstats-key', 0],
  ['debug client-eviction', 0],
  ['memory malloc-stats', 0],
  ['memory doctor', 0],
  ['cluster nodes', 2],
  ['cluster info', 2],
  ['client list', 0],
  ['client info', 0],
  ['latency graph', 3],
  ['latency doctor', 2],
  ['proxy info', 0],
];

export function repliesWithText(args: readonly Uint8Array[]): boolean {
  const [first, second] = lowerWords(args);
  return TEXT_REPLIES.some(
    ([words, count]) => (words === first || words === `${first} ${second}`) && (count === 0 || count === args.length),
  );
}

/** How the values that follow a request are to be read. */
export type Conversation = 'reply' | 'monitor' | 'subscribe' | 'unsubscribe' | 'sync';

const CONVERSATIONS: ReadonlyMap<string, Conversation> = new Map([
  ['monitor', 'monitor'],
  ['subscribe', 'subscribe'],
  ['psubscribe', 'subscribe'],
  ['ssubscribe', 'subscribe'],
  ['unsubscribe', 'unsubscribe'],
  ['punsubscribe', 'unsubscribe'],
  ['sunsubscribe', 'unsubscribe'],
  ['sync', 'sync'],
  ['psync', 'sync'],
]);

export function conversationOf(args: readonly Uint8Array[]): Conversation {
  return CONVERSATIONS.get(lowerWords(args)[0] ?? '') ?? 'reply';
}

/** Whether the end of the connection is what the request was for. */
export function isShutdown(args: readonly Uint8Array[]): boolean {
  return lowerWords(args)[0] === 'shutdown';
}

/** Brings the session up to what a request and its reply have done to the connection. Source: spec/cli.md section 1.16, state tracking. */
export async function trackState(session: Session, args: readonly Uint8Array[], reply: ReplyNode): Promise<void> {
  const [name, argument] = lowerWords(args);
  const isDone = reply.kind !== 'error';
  const count = args.length;
  if (name === 'auth' && (count === 2 || count === 3)) await session.selectDatabase();
  else if (name === 'exec' && count === 1 && session.isInTransaction)
    session.endTransaction(isDone && reply.kind !== 'nil');
  else if (!isDone) return;
  else if (name === 'select' && count === 2) session.database = session.settings.database = Number(argument) || 0;
  else if (name === 'multi' && count === 1) session.beginTransaction();
  else if (name === 'discard' && count === 1 && session.isInTransaction) session.endTransaction(false);
  else if (name === 'reset' && count === 1) session.reset();
}

/** Messages of a subscription, which in RESP2 come as arrays like any reply. */
export function isSubscriptionMessage({ items }: ReplyNode): boolean {
  const name = items[0]?.bytes.toString('latin1');
  return name === 'message' || name === 'pmessage' || name === 'smessage';
}

/** Whether the value confirms a (un)subscription: `subscribe`, channel, count. */
export function isConfirmation(value: ReplyNode): boolean {
  return value.items.length === 3 && /^[ps]?(un)?subscribe$/.test(value.items[0]!.bytes.toString('latin1'));
}

/** Takes over what a confirmation says about how many subscriptions there are. */
export function trackSubscriptions(session: Session, confirmation: ReplyNode): void {
  const [name, , count] = confirmation.items;
  if (textOf(name!).startsWith('s') && !textOf(name!).startsWith('subscribe'))
    session.shardChannelCount = numberOf(count!);
  else session.channelCount = numberOf(count!);
}
