/**
 * Pub/sub: who listens to which channels, patterns and shard channels, and giving them what is published. Source: spec server.md 2.8, 2.9 and 10.
 *
 * A topic is a channel, pattern or shard channel with at least one subscriber. Names are byte strings (one char code per byte). A message is encoded
 * once per protocol, whatever the number of its receivers, who share the bytes; finding them costs one look-up, and one match for each pattern.
 *
 * Invariants: (1) a topic is in the registry iff it has subscribers; (2) a connection is in a topic's `subscribers` iff the topic is in its
 * `subscriptions`; (3) IS_PUBSUB is set iff the connection has a subscription; (4) in a cluster a shard channel is also found by its slot.
 */
import { slotOfKey } from '../keyspace/key-hash.js';
import { copyBytes } from '../memory/copy.js';
import { writeInteger } from '../resp/reply-writer.js';
import { globMatches } from '../types/glob.js';
import type { Connection } from './connection.js';
import { IS_PUBSUB } from './connection-flags.js';

/** What a subscription is to. */
export const CHANNEL = 0;
export const PATTERN = 1;
export const SHARD_CHANNEL = 2;
export type TopicKind = typeof CHANNEL | typeof PATTERN | typeof SHARD_CHANNEL;

/** Longer names are refused: they could not be made part of a message. */
export const NAME_BYTES_MAX = 128 * 1024 * 1024;

/** What a subscription costs, its name, bytes and head apart: our estimate, as there is no allocator to ask. */
const SUBSCRIPTION_BYTES = 240;

const ARRAY = 0x2a;
const PUSH = 0x3e;
const CR = 0x0d;
const LF = 0x0a;
const MESSAGE = '3\r\n$7\r\nmessage\r\n';
const SHARD_MESSAGE = '3\r\n$8\r\nsmessage\r\n';
const NO_BYTES = new Uint8Array(0);

export interface Topic {
  readonly kind: TopicKind;
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The beginning of a message to the subscribers of a channel or shard channel (`headOf`); empty for a pattern. */
  readonly head: Uint8Array;
  readonly subscribers: Set<Connection>;
}

/** What one connection is subscribed to, by kind. */
export class Subscriptions {
  readonly topics: readonly [Set<Topic>, Set<Topic>, Set<Topic>] = [new Set(), new Set(), new Set()];
  /** Memory that they are charged with. */
  bytes = 0;

  get count(): number {
    return this.topics[CHANNEL].size + this.topics[PATTERN].size + this.topics[SHARD_CHANNEL].size;
  }
}

export class Pubsub {
  private readonly topics: readonly [Map<string, Topic>, Map<string, Topic>, Map<string, Topic>] = [
    new Map(),
    new Map(),
    new Map(),
  ];
  private readonly shardTopicsBySlot = new Map<number, Set<Topic>>();

  /** Whether anybody would hear of anything but shard channels. */
  get hasListeners(): boolean {
    return this.topics[CHANNEL].size > 0 || this.topics[PATTERN].size > 0;
  }

  /** How many topics of this kind have subscribers. */
  count(kind: TopicKind): number {
    return this.topics[kind].size;
  }

  /** All topics of this kind that have subscribers. */
  all(kind: TopicKind): Iterable<Topic> {
    return this.topics[kind].values();
  }

  find(kind: TopicKind, name: string): Topic | undefined {
    return this.topics[kind].get(name);
  }

  /** Nothing happens if it is subscribed already. */
  subscribe(connection: Connection, kind: TopicKind, name: string): void {
    let topic = this.topics[kind].get(name);
    if (topic === undefined) {
      topic = {
        kind,
        name,
        bytes: Uint8Array.from(Buffer.from(name, 'latin1')),
        head: kind === PATTERN ? NO_BYTES : headOf(kind === CHANNEL ? MESSAGE : SHARD_MESSAGE, name),
        subscribers: new Set(),
      };
      this.topics[kind].set(name, topic);
      if (kind === SHARD_CHANNEL) this.topicsOfSlot(slotOf(topic)).add(topic);
    }
    if (topic.subscribers.has(connection)) return;
    topic.subscribers.add(connection);
    connection.subscriptions ??= new Subscriptions();
    connection.subscriptions.topics[kind].add(topic);
    connection.subscriptions.bytes += SUBSCRIPTION_BYTES + 3 * name.length;
    connection.flags |= IS_PUBSUB;
  }

  /** Nothing happens if it is not subscribed. */
  unsubscribe(connection: Connection, kind: TopicKind, name: string): void {
    const topic = this.topics[kind].get(name);
    const { subscriptions } = connection;
    if (topic === undefined || subscriptions === null || !topic.subscribers.delete(connection)) return;
    subscriptions.topics[kind].delete(topic);
    subscriptions.bytes -= SUBSCRIPTION_BYTES + 3 * name.length;
    if (topic.subscribers.size === 0) this.drop(topic);
    if (subscriptions.count > 0) return;
    connection.subscriptions = null;
    connection.flags &= ~IS_PUBSUB;
  }

  /** Ends all subscriptions of a connection without telling it. */
  unsubscribeAll(connection: Connection): void {
    for (const topics of connection.subscriptions?.topics ?? [])
      for (const { kind, name } of topics) this.unsubscribe(connection, kind, name);
  }

  /**
   * The subscriptions that the counts of a confirmation are about: shard channels are counted apart.
   * @returns how many there are
   */
  countOf(connection: Connection, kind: TopicKind): number {
    const { subscriptions } = connection;
    if (subscriptions === null) return 0;
    const { topics } = subscriptions;
    return kind === SHARD_CHANNEL ? topics[SHARD_CHANNEL].size : topics[CHANNEL].size + topics[PATTERN].size;
  }

  /** Gives a message to the subscribers of a channel and of the patterns that match it. @returns how many times it was given */
  publish(channel: string, payload: Uint8Array): number {
    let count = 0;
    const topic = this.topics[CHANNEL].get(channel);
    if (topic !== undefined) {
      count += topic.subscribers.size;
      send(topic, topic.head, payload);
    }
    if (this.topics[PATTERN].size === 0) return count;
    const bytes = topic?.bytes ?? Buffer.from(channel, 'latin1');
    for (const pattern of this.topics[PATTERN].values()) {
      if (!globMatches(pattern.bytes, 0, pattern.bytes.length, bytes, 0, bytes.length)) continue;
      count += pattern.subscribers.size;
      const { name } = pattern;
      send(pattern, headOf(`4\r\n$8\r\npmessage\r\n$${name.length}\r\n${name}\r\n`, channel), payload);
    }
    return count;
  }

  /** Gives a message to the subscribers of a shard channel. @returns how many there are */
  publishToShard(channel: string, payload: Uint8Array): number {
    const topic = this.topics[SHARD_CHANNEL].get(channel);
    if (topic === undefined) return 0;
    const count = topic.subscribers.size;
    send(topic, topic.head, payload);
    return count;
  }

  /** These slots have gone to another owner: the subscribers of their shard channels are unsubscribed and told so. */
  dropShardChannels(slots: readonly number[]): void {
    for (const slot of slots) {
      for (const { name, subscribers } of this.shardTopicsBySlot.get(slot) ?? []) {
        for (const connection of subscribers) {
          this.unsubscribe(connection, SHARD_CHANNEL, name);
          const count = this.countOf(connection, SHARD_CHANNEL);
          const line = `3\r\n$12\r\nsunsubscribe\r\n$${name.length}\r\n${name}\r\n:${count}\r\n`;
          connection.push(Buffer.from(`${connection.protocol === 3 ? '>' : '*'}${line}`, 'latin1'));
        }
      }
    }
  }

  private drop(topic: Topic): void {
    this.topics[topic.kind].delete(topic.name);
    if (topic.kind !== SHARD_CHANNEL) return;
    const slot = slotOf(topic);
    const others = this.topicsOfSlot(slot);
    others.delete(topic);
    if (others.size === 0) this.shardTopicsBySlot.delete(slot);
  }

  private topicsOfSlot(slot: number): Set<Topic> {
    let topics = this.shardTopicsBySlot.get(slot);
    if (topics === undefined) {
      topics = new Set();
      this.shardTopicsBySlot.set(slot, topics);
    }
    return topics;
  }
}

function slotOf({ bytes }: Topic): number {
  return slotOfKey(bytes, 0, bytes.length);
}

/** @returns a message's beginning up to the length of its payload, but for the type byte, in which the protocols differ */
function headOf(words: string, channel: string): Uint8Array {
  return Buffer.from(`${words}$${channel.length}\r\n${channel}\r\n$`, 'latin1');
}

function send({ subscribers }: Topic, head: Uint8Array, payload: Uint8Array): void {
  let resp2: Uint8Array | null = null;
  let resp3: Uint8Array | null = null;
  for (const connection of subscribers) {
    if (connection.protocol === 3) {
      resp3 ??= encode(PUSH, head, payload);
      connection.push(resp3);
    } else {
      resp2 ??= encode(ARRAY, head, payload);
      connection.push(resp2);
    }
  }
}

function encode(type: number, head: Uint8Array, payload: Uint8Array): Uint8Array {
  const digits = digitCount(payload.length);
  const bytes = Buffer.allocUnsafe(1 + head.length + digits + 2 + payload.length + 2);
  bytes[0] = type;
  copyBytes(head, 0, bytes, 1, head.length);
  let at = writeInteger(bytes, 1 + head.length, payload.length);
  bytes[at++] = CR;
  bytes[at++] = LF;
  copyBytes(payload, 0, bytes, at, payload.length);
  at += payload.length;
  bytes[at++] = CR;
  bytes[at] = LF;
  return bytes;
}

function digitCount(value: number): number {
  let count = 1;
  for (let bound = 10; value >= bound; bound *= 10) count++;
  return count;
}
