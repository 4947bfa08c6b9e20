/** One core among peers that exist only as the messages a test makes up for them. */
import { strict as assert } from 'node:assert';
import {
  type BusMessage,
  type GossipEntry,
  type MessageHeader,
  NodeFlag,
  type PingExtension,
  type PingMessage,
} from '../../../src/cluster/core/message.js';
import { attachReplica, makeNode, myself } from '../../../src/cluster/core/nodes.js';
import type { AdminReply, Effect, Input } from '../../../src/cluster/core/protocol.js';
import { setSlot } from '../../../src/cluster/core/slot-bitmap.js';
import { assignSlot } from '../../../src/cluster/core/slot-table.js';
import { newCluster } from '../../../src/cluster/core/start.js';
import { step } from '../../../src/cluster/core/step.js';
import {
  type ClusterNode,
  type ClusterOptions,
  type ClusterState,
  DEFAULT_OPTIONS,
  type Environment,
  type LinkId,
  type Now,
  type SlotBitmap,
} from '../../../src/cluster/core/types.js';
import { Random } from '../../support/fuzz.js';

/** A node id made of one repeated character, so that tests can tell ids apart and know their order. */
export function idOf(character: string): string {
  return character.repeat(40);
}

export function slotsOf(...slots: number[]): SlotBitmap {
  const bitmap = new Uint8Array(2048);
  for (const slot of slots) setSlot(bitmap, slot);
  return bitmap;
}

type WithoutNow<T> = T extends unknown ? Omit<T, 'now'> : never;

export interface PeerOptions {
  slots?: number[];
  configEpoch?: number;
  /** The peer is a replica of this node. */
  replicaOf?: ClusterNode;
  shardId?: string;
}

export class Lone {
  readonly state: ClusterState;
  readonly keys = new Map<number, number>();
  offset = 0;
  nowMs = 100_000;
  /** Effects of the last input. */
  effects: Effect[] = [];
  readonly environment: Environment;
  #lastAccepted = 0;

  constructor(options: Partial<ClusterOptions> = {}) {
    const random = new Random(7);
    this.environment = {
      random,
      keyspace: {
        keysInSlot: (slot) => this.keys.get(slot) ?? 0,
        keyCount: () => [...this.keys.values()].reduce((sum, count) => sum + count, 0),
      },
      replication: {
        offset: () => this.offset,
        primaryLink: () => ({ state: 'connected', sinceMs: this.nowMs }),
      },
      links: { queuedBytes: () => 0 },
    };
    this.state = newCluster({ ...DEFAULT_OPTIONS, nodeTimeoutMs: 1000, port: 7000, ...options }, random, this.now);
    // `m` stands in the middle of the alphabet of ids.
    this.state.nodes.delete(this.state.myId);
    const me = makeNode(idOf('m'), NodeFlag.Myself | NodeFlag.Primary, idOf('m'), this.nowMs);
    me.tcpPort = 7000;
    me.busPort = 17000;
    this.state.myId = me.id;
    this.state.nodes.set(me.id, me);
  }

  get me(): ClusterNode {
    return myself(this.state);
  }

  get now(): Now {
    return { monotonicMs: this.nowMs, unixMs: 1_700_000_000_000 + this.nowMs };
  }

  /** A node that this one knows, connected both ways. */
  peer(character: string, options: PeerOptions = {}): ClusterNode {
    const flags = options.replicaOf === undefined ? NodeFlag.Primary : NodeFlag.Replica;
    const node = makeNode(idOf(character), flags, options.shardId ?? idOf(`${this.state.nodes.size}`), this.nowMs);
    node.ip = `10.0.0.${this.state.nodes.size}`;
    node.tcpPort = 7000;
    node.busPort = 17000;
    node.configEpoch = options.configEpoch ?? 0;
    node.pongReceivedAtMs = this.nowMs;
    this.state.nodes.set(node.id, node);
    for (const slot of options.slots ?? []) assignSlot(this.state, slot, node);
    if (options.replicaOf !== undefined) {
      attachReplica(options.replicaOf, node);
      node.shardId = options.replicaOf.shardId;
    }
    this.state.lastLinkId += 1;
    this.#addLink(this.state.lastLinkId, node);
    node.outbound = this.state.lastLinkId;
    node.inbound = this.accept(node.ip);
    this.state.links.get(node.inbound)!.node = node.id;
    return node;
  }

  #addLink(id: LinkId, node: ClusterNode): void {
    this.state.links.set(id, {
      id,
      node: node.id,
      createdAtMs: this.nowMs,
      createdAtUnixMs: this.now.unixMs,
      isUp: true,
      remoteIp: node.ip,
      localIp: '10.0.0.100',
    });
  }

  /** A connection from a stranger. */
  accept(remoteIp: string): LinkId {
    this.#lastAccepted -= 1;
    this.input({ kind: 'link-accepted', link: this.#lastAccepted, remoteIp, localIp: '10.0.0.100' });
    return this.#lastAccepted;
  }

  input(input: WithoutNow<Input>): Effect[] {
    this.effects = [];
    step(this.state, { ...input, now: this.now } as Input, this.environment, this.effects);
    return this.effects;
  }

  tick(ms = 100): Effect[] {
    this.nowMs += ms;
    return this.input({ kind: 'tick' });
  }

  admin(...args: string[]): AdminReply {
    const reply = this.input({ kind: 'admin', args }).find((effect) => effect.kind === 'reply');
    assert(reply?.kind === 'reply');
    return reply.reply;
  }

  /** The text of an error reply, the text of another one. */
  ask(...args: string[]): string {
    const reply = this.admin(...args);
    return reply.ok ? reply.text : reply.error;
  }

  /** A message on the peer's own connection to this node (`inbound`), or as an answer on ours. */
  receive(node: ClusterNode, message: BusMessage, on: 'inbound' | 'outbound' = 'inbound'): Effect[] {
    return this.input({ kind: 'message', link: node[on]!, message });
  }

  /** The header the node would send, as far as this core knows it. */
  header(node: ClusterNode, changes: Partial<MessageHeader> = {}): MessageHeader {
    const primary = node.replicaOf === null ? node : this.state.nodes.get(node.replicaOf)!;
    return {
      sender: node.id,
      currentEpoch: this.state.currentEpoch,
      configEpoch: primary.configEpoch,
      offset: node.replicationOffset,
      slots: primary.slots.slice(),
      replicaOf: node.replicaOf,
      ip: '',
      port: 7000,
      secondaryPort: 0,
      busPort: 17000,
      flags: node.flags | NodeFlag.Myself,
      status: 'ok',
      paused: false,
      forceAck: false,
      extensionData: true,
      ...changes,
    };
  }

  ping(
    node: ClusterNode,
    changes: Partial<MessageHeader> = {},
    gossip: GossipEntry[] = [],
    extensions: PingExtension[] = [{ kind: 'shard-id', shardId: node.shardId }],
  ): PingMessage {
    return { type: 'ping', header: this.header(node, changes), gossip, extensions };
  }

  /** What a peer would say of the node: nothing special, at its known address. */
  gossipAbout(node: ClusterNode, changes: Partial<GossipEntry> = {}): GossipEntry {
    return {
      node: node.id,
      pingSentS: 0,
      pongReceivedS: 0,
      ip: node.ip,
      port: node.tcpPort,
      secondaryPort: 0,
      busPort: node.busPort,
      flags: node.flags,
      ...changes,
    };
  }

  /** Kinds of the last effects, logs left out. */
  kinds(): string[] {
    return this.effects.filter((effect) => effect.kind !== 'log').map((effect) => effect.kind);
  }

  logs(): string[] {
    return this.effects.flatMap((effect) => (effect.kind === 'log' ? [effect.text] : []));
  }

  /** Messages sent in the last step to the node, on its outbound link or (pongs) on the inbound one. */
  sentTo(node: ClusterNode): BusMessage[] {
    return this.effects.flatMap((effect) => {
      const isHit =
        effect.kind === 'send' && effect.links.some((link) => link === node.outbound || link === node.inbound);
      return isHit && effect.kind === 'send' ? [effect.message] : [];
    });
  }
}
