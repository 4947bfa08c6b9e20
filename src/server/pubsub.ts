/**
 * Pub/sub: who listens to which channels, patterns and shard channels, and giving them what is published. Source: spec server.md 2.8, 2.9 and 10.
 *
 * A topic is a channel, pattern or shard channel with at least one subscriber. A message is encoded once per protocol, whatever the number of its
 * receivers, who share the bytes; finding them costs one look-up, and one match for each pattern. Where nobody subscribes a message costs nothing.
 *
 * Invariants: (1) IS_PUBSUB is set iff the connection has a subscription; (2) a shard channel is among those of its slot iff it has subscribers.
 */
import { slotOfKey } from '../keyspace/key-hash.js';
import { SLOT_COUNT } from '../keyspace/key-slot.js';
import { copyBytes, copyWords } from '../memory/copy.js';
import { writeInteger } from '../memory/int64-text.js';
import { latin1Of } from '../resp/request.js';
import { globMatches } from '../types/glob.js';
import type { Connection } from './connection.js';
import { IS_PUBSUB } from './connection-flags.js';
import { type Interest, Interests, InterestTable, Subject } from './interests.js';

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
const NO_HEAD = new DataView(NO_BYTES.buffer);
/** Messages are written into so many bytes, then into others. A longer message has its own. */
const CHUNK_BYTES = 64 * 1024;

export class Topic extends Subject<Connection> {
  readonly kind: TopicKind;
  /** The beginning of a message to the subscribers of a channel or shard channel (`headOf`); empty for a pattern. */
  readonly head: DataView;
  /** The other shard channels of its slot. */
  previousOfSlot: Topic | null = null;
  nextOfSlot: Topic | null = null;

  constructor(kind: TopicKind, name: Uint8Array) {
    super(0, name);
    this.kind = kind;
    this.head = kind === PATTERN ? NO_HEAD : headOf(kind === CHANNEL ? MESSAGE : SHARD_MESSAGE, textOf(name));
  }
}

type TopicTable = InterestTable<Topic, Connection>;

/** What one connection is subscribed to, by kind. */
export class Subscriptions {
  readonly topics: readonly Interests<Topic, Connection>[] = [new Interests(), new Interests(), new Interests()];
  /** Memory that they are charged with. */
  bytes = 0;

  get count(): number {
    return this.topics[CHANNEL].count + this.topics[PATTERN].count + this.topics[SHARD_CHANNEL].count;
  }
}

export class Pubsub {
  private readonly topics: readonly TopicTable[] = [new InterestTable(), new InterestTable(), new InterestTable()];
  /** The first shard channel of each slot; empty until there is one. */
  private slots: (Topic | null)[] = [];
  private readonly messages = new MessageBytes();

  /** Whether anybody would hear of anything but shard channels. */
  get hasListeners(): boolean {
    return this.topics[CHANNEL].size > 0 || this.topics[PATTERN].size > 0;
  }

  /** How many topics of this kind have subscribers. */
  count(kind: TopicKind): number {
    return this.topics[kind].size;
  }

  /** All topics of this kind that have subscribers. */
  *all(kind: TopicKind): Generator<Topic, void> {
    const topics = this.topics[kind];
    for (let topic = topics.begin(); topic !== null; topic = topics.advance()) yield topic;
  }

  /** @returns the topic whose name is `bytes[start … start + length)`, if it has subscribers */
  find(kind: TopicKind, bytes: Uint8Array, start: number, length: number): Topic | null {
    return this.topics[kind].find(0, bytes, start, length);
  }

  /** @returns what a connection is subscribed to now, in the order in which it subscribed */
  topicsOf(connection: Connection, kind: TopicKind): Topic[] {
    const found: Topic[] = [];
    const { subscriptions } = connection;
    if (subscriptions === null) return found;
    for (let interest = subscriptions.topics[kind].first; interest !== null; interest = interest.nextOfOwner)
      found.push(interest.subject);
    return found;
  }

  /** Nothing happens if it is subscribed already. The name's bytes are copied. */
  subscribe(connection: Connection, kind: TopicKind, name: Uint8Array): void {
    const topics = this.topics[kind];
    connection.subscriptions ??= new Subscriptions();
    const { subscriptions } = connection;
    const own = subscriptions.topics[kind];
    let topic = topics.find(0, name, 0, name.length);
    if (topic === null) {
      topic = new Topic(kind, name.slice());
      topics.add(topic);
      if (kind === SHARD_CHANNEL) this.addToSlot(topic);
    } else if (topics.interestIn(topic, connection, own) !== null) {
      return;
    }
    topics.join(topic, connection, own);
    subscriptions.bytes += SUBSCRIPTION_BYTES + 3 * name.length;
    connection.flags |= IS_PUBSUB;
  }

  /** Nothing happens if it is not subscribed. */
  unsubscribe(connection: Connection, kind: TopicKind, name: Uint8Array): void {
    const topics = this.topics[kind];
    const { subscriptions } = connection;
    const topic = topics.find(0, name, 0, name.length);
    if (topic === null || subscriptions === null) return;
    const interest = topics.interestIn(topic, connection, subscriptions.topics[kind]);
    if (interest === null) return;
    this.leave(interest, subscriptions.topics[kind]);
    subscriptions.bytes -= SUBSCRIPTION_BYTES + 3 * name.length;
    if (subscriptions.count === 0) this.forget(connection);
  }

  /** Ends all subscriptions of a connection without telling it. */
  unsubscribeAll(connection: Connection): void {
    const { subscriptions } = connection;
    if (subscriptions === null) return;
    for (const own of subscriptions.topics) while (own.first !== null) this.leave(own.first, own);
    this.forget(connection);
  }

  /**
   * The subscriptions that the counts of a confirmation are about: shard channels are counted apart.
   * @returns how many there are
   */
  countOf(connection: Connection, kind: TopicKind): number {
    const { subscriptions } = connection;
    if (subscriptions === null) return 0;
    const { topics } = subscriptions;
    return kind === SHARD_CHANNEL ? topics[SHARD_CHANNEL].count : topics[CHANNEL].count + topics[PATTERN].count;
  }

  /**
   * Gives a message to the subscribers of a channel and of the patterns that match it.
   * @param channel  its name: `channel[channelStart … channelStart + channelLength)`
   * @param payload  likewise
   * @returns how many times it was given
   */
  publish(
    channel: Uint8Array,
    channelStart: number,
    channelLength: number,
    payload: Uint8Array,
    payloadStart: number,
    payloadLength: number,
  ): number {
    let count = this.publishTo(CHANNEL, channel, channelStart, channelLength, payload, payloadStart, payloadLength);
    const patterns = this.topics[PATTERN];
    for (let pattern = patterns.begin(); pattern !== null; pattern = patterns.advance()) {
      const { name } = pattern;
      if (!globMatches(name, 0, name.length, channel, channelStart, channelStart + channelLength)) continue;
      count += pattern.count;
      const words = `4\r\n$8\r\npmessage\r\n$${name.length}\r\n${textOf(name)}\r\n`;
      const head = headOf(words, latin1Of(channel, channelStart, channelStart + channelLength));
      this.send(pattern, head, payload, payloadStart, payloadLength);
    }
    return count;
  }

  /** Gives a message to the subscribers of one channel or shard channel. @returns how many there are */
  publishTo(
    kind: typeof CHANNEL | typeof SHARD_CHANNEL,
    channel: Uint8Array,
    channelStart: number,
    channelLength: number,
    payload: Uint8Array,
    payloadStart: number,
    payloadLength: number,
  ): number {
    const topic = this.topics[kind].find(0, channel, channelStart, channelLength);
    if (topic === null) return 0;
    // Counted before, as whoever is sent too much is closed.
    const { count } = topic;
    this.send(topic, topic.head, payload, payloadStart, payloadLength);
    return count;
  }

  /** These slots have gone to another owner: the subscribers of their shard channels are unsubscribed and told so. */
  dropShardChannels(slots: readonly number[]): void {
    if (this.topics[SHARD_CHANNEL].size === 0) return;
    for (const slot of slots) {
      for (let topic = this.slots[slot]!; topic !== null; topic = this.slots[slot]!) this.dropShardChannel(topic);
    }
  }

  private dropShardChannel(topic: Topic): void {
    const { name } = topic;
    for (let interest = topic.begin(); interest !== null; interest = topic.advance()) {
      const connection = interest.owner;
      this.unsubscribe(connection, SHARD_CHANNEL, name);
      const count = this.countOf(connection, SHARD_CHANNEL);
      const line = `3\r\n$12\r\nsunsubscribe\r\n$${name.length}\r\n${textOf(name)}\r\n:${count}\r\n`;
      connection.push(Buffer.from(`${connection.protocol === 3 ? '>' : '*'}${line}`, 'latin1'));
    }
  }

  private leave(interest: Interest<Topic, Connection>, own: Interests<Topic, Connection>): void {
    const topic = interest.subject;
    this.topics[topic.kind].leave(interest, own);
    if (topic.count === 0 && topic.kind === SHARD_CHANNEL) this.removeFromSlot(topic);
  }

  private addToSlot(topic: Topic): void {
    if (this.slots.length === 0) this.slots = new Array(SLOT_COUNT).fill(null);
    const slot = slotOf(topic);
    const next = this.slots[slot]!;
    topic.nextOfSlot = next;
    if (next !== null) next.previousOfSlot = topic;
    this.slots[slot] = topic;
  }

  private removeFromSlot(topic: Topic): void {
    const { previousOfSlot, nextOfSlot } = topic;
    if (previousOfSlot === null) this.slots[slotOf(topic)] = nextOfSlot;
    else previousOfSlot.nextOfSlot = nextOfSlot;
    if (nextOfSlot !== null) nextOfSlot.previousOfSlot = previousOfSlot;
    topic.previousOfSlot = null;
    topic.nextOfSlot = null;
  }

  private forget(connection: Connection): void {
    connection.subscriptions = null;
    connection.flags &= ~IS_PUBSUB;
  }

  private send(topic: Topic, head: DataView, payload: Uint8Array, payloadStart: number, payloadLength: number): void {
    const { messages } = this;
    const size = 1 + head.byteLength + digitCount(payloadLength) + 2 + payloadLength + 2;
    let resp2Bytes: Uint8Array = NO_BYTES;
    let resp2Start = 0;
    let resp3Bytes: Uint8Array = NO_BYTES;
    let resp3Start = 0;
    for (let interest = topic.begin(); interest !== null; interest = topic.advance()) {
      const connection = interest.owner;
      if (connection.protocol === 3) {
        if (resp3Bytes === NO_BYTES) {
          resp3Bytes = messages.room(size);
          resp3Start = messages.write(PUSH, head, payload, payloadStart, payloadLength);
        }
        connection.push(resp3Bytes, resp3Start, resp3Start + size);
      } else {
        if (resp2Bytes === NO_BYTES) {
          resp2Bytes = messages.room(size);
          resp2Start = messages.write(ARRAY, head, payload, payloadStart, payloadLength);
        }
        connection.push(resp2Bytes, resp2Start, resp2Start + size);
      }
    }
  }
}

/**
 * The messages of some time, one behind the other. What has been written stays as it is for those who have not sent it yet: nothing is used twice, and
 * what is full is left to them.
 */
class MessageBytes {
  private bytes: Uint8Array = NO_BYTES;
  /** The same bytes. */
  private view: DataView = NO_HEAD;
  private length = 0;

  /** @returns bytes with room for `count` more: those into which `write` writes next */
  room(count: number): Uint8Array {
    if (this.length + count > this.bytes.length) {
      this.bytes = new Uint8Array(Math.max(count, CHUNK_BYTES));
      this.view = new DataView(this.bytes.buffer);
      this.length = 0;
    }
    return this.bytes;
  }

  /** Writes a message. @returns where it begins */
  write(type: number, head: DataView, payload: Uint8Array, payloadStart: number, payloadLength: number): number {
    const { bytes } = this;
    const start = this.length;
    bytes[start] = type;
    copyWords(head, 0, this.view, start + 1, head.byteLength);
    let at = writeInteger(bytes, start + 1 + head.byteLength, payloadLength);
    bytes[at++] = CR;
    bytes[at++] = LF;
    copyBytes(payload, payloadStart, bytes, at, payloadLength);
    at += payloadLength;
    bytes[at++] = CR;
    bytes[at++] = LF;
    this.length = at;
    // What was made for one long message is not kept.
    if (bytes.length > CHUNK_BYTES) {
      this.bytes = NO_BYTES;
      this.view = NO_HEAD;
      this.length = 0;
    }
    return start;
  }
}

function slotOf({ name }: Topic): number {
  return slotOfKey(name, 0, name.length);
}

function textOf(name: Uint8Array): string {
  return latin1Of(name, 0, name.length);
}

/** @returns a message's beginning up to the length of its payload, but for the type byte, in which the protocols differ */
function headOf(words: string, channel: string): DataView {
  const bytes = Buffer.from(`${words}$${channel.length}\r\n${channel}\r\n$`, 'latin1');
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function digitCount(value: number): number {
  let count = 1;
  for (let bound = 10; value >= bound; bound *= 10) count++;
  return count;
}
