/**
 * A node among peers that say anything: well-formed messages with random contents, bytes changed on the way, in any order, between random admin requests.
 * Whatever they do, the core keeps its invariants (types.ts) and writes a nodes.conf that can be loaded again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BusMessage, MessageHeader, PingExtension } from '../../src/cluster/core/message.js';
import { MESSAGE_TYPES } from '../../src/cluster/core/message.js';
import type { Effect, Input } from '../../src/cluster/core/protocol.js';
import { newCluster } from '../../src/cluster/core/start.js';
import { step } from '../../src/cluster/core/step.js';
import { type ClusterState, DEFAULT_OPTIONS, type Environment, SLOT_COUNT } from '../../src/cluster/core/types.js';
import { encodeNodesConf, loadNodesConf } from '../../src/cluster/nodes-conf.js';
import { decodeMessage, encodeMessage } from '../../src/cluster/wire/index.js';
import { fuzzSeed, Random } from '../support/fuzz.js';

const PEERS = ['a', 'b', 'c', 'd', 'e'].map((letter) => letter.repeat(40));
const STEPS = 2500;
const SEEDS = 12;

type WithoutNow<T> = T extends unknown ? Omit<T, 'now'> : never;

class Fuzzed {
  readonly state: ClusterState;
  private nowMs = 1_000_000;
  private lastAccepted = 0;
  private connecting: number[] = [];
  private readonly environment: Environment;

  constructor(readonly pick: (bound: number) => number) {
    this.environment = {
      random: { below: pick },
      keyspace: { keysInSlot: (slot) => slot % 3, keyCount: () => 5 },
      replication: { offset: () => 5, primaryLink: () => ({ state: 'down', sinceMs: this.nowMs - 1000 }) },
      links: { queuedBytes: () => 0 },
    };
    this.state = newCluster({ ...DEFAULT_OPTIONS, nodeTimeoutMs: 1000 }, { below: pick }, this.now());
    for (const i of PEERS.keys()) this.input({ kind: 'admin', args: ['meet', '127.0.0.1', `${1000 + i}`] });
    if (pick(2) === 0) this.input({ kind: 'admin', args: ['addslotsrange', '0', '5000'] });
  }

  private now(): { monotonicMs: number; unixMs: number } {
    return { monotonicMs: this.nowMs, unixMs: 1_700_000_000_000 + this.nowMs };
  }

  private input(input: WithoutNow<Input>): void {
    const effects: Effect[] = [];
    step(this.state, { ...input, now: this.now() } as Input, this.environment, effects);
    for (const effect of effects) {
      if (effect.kind === 'connect') this.connecting.push(effect.link);
      // What the node says must fit the wire.
      if (effect.kind === 'send') encodeMessage(effect.message);
    }
  }

  next(): void {
    const { pick } = this;
    this.nowMs += pick(120);
    const dice = pick(100);
    if (dice < 17) this.tick();
    else if (dice < 20) this.acceptLink();
    else if (dice < 22) this.input({ kind: 'admin', args: this.adminRequest() });
    else this.hear();
  }

  private tick(): void {
    this.input({ kind: 'tick' });
    for (const link of this.connecting.splice(0)) {
      if (this.pick(5) > 0) this.input({ kind: 'link-up', link, remoteIp: '127.0.0.1', localIp: '127.0.0.1' });
      else this.input({ kind: 'link-down', link, reason: 'refused' });
    }
  }

  private acceptLink(): void {
    this.lastAccepted -= 1;
    this.input({ kind: 'link-accepted', link: this.lastAccepted, remoteIp: '127.0.0.1', localIp: '127.0.0.1' });
  }

  private hear(): void {
    const links = [...this.state.links.keys()];
    if (links.length === 0) return;
    const link = links[this.pick(links.length)]!;
    const bytes = encodeMessage(this.message());
    if (this.pick(3) === 0)
      for (let i = this.pick(6); i > 0; i--) bytes[8 + this.pick(bytes.length - 8)] = this.pick(256);
    const result = decodeMessage(bytes);
    if (result.ok) this.input({ kind: 'message', link, message: result.message });
    else this.input({ kind: 'malformed', link, frame: result });
  }

  private someone(): string {
    return this.pick(6) === 0 ? this.state.myId : PEERS[this.pick(PEERS.length)]!;
  }

  private adminRequest(): string[] {
    const slot = String(this.pick(SLOT_COUNT));
    const requests = [
      ['failover', 'force'],
      ['failover', 'takeover'],
      ['replicate', this.someone()],
      ['forget', this.someone()],
      ['setslot', slot, 'migrating', this.someone()],
      ['setslot', slot, 'importing', this.someone()],
      ['setslot', slot, 'node', this.someone()],
      ['setslot', slot, 'stable'],
      ['delslots', slot],
      ['addslots', slot],
      ['bumpepoch'],
      ['reset', this.pick(2) === 0 ? 'hard' : 'soft'],
    ];
    return requests[this.pick(requests.length)]!;
  }

  private message(): BusMessage {
    const type = MESSAGE_TYPES[this.pick(MESSAGE_TYPES.length)]!;
    const header = this.header();
    switch (type) {
      case 'ping':
      case 'pong':
      case 'meet': {
        const gossip = Array.from({ length: this.pick(4) }, () => this.gossip());
        return { type, header, gossip, extensions: this.extensions() };
      }
      case 'fail':
        return { type, header, failed: this.someone() };
      case 'update':
        return { type, header, node: this.someone(), nodeConfigEpoch: this.pick(60), nodeSlots: header.slots };
      case 'publish':
      case 'publishshard':
        return { type, header, channel: new Uint8Array(3), payload: new Uint8Array(4) };
      case 'module':
        return { type, header, typeCode: MESSAGE_TYPES.indexOf(type) };
      default:
        return { type, header };
    }
  }

  private header(): MessageHeader {
    const slots = new Uint8Array(SLOT_COUNT / 8);
    for (let i = 0; i < 20; i++) slots[this.pick(slots.length)] = this.pick(256);
    const peer = this.pick(PEERS.length);
    return {
      sender: PEERS[peer]!,
      currentEpoch: this.pick(50),
      configEpoch: this.pick(50),
      offset: this.pick(100),
      slots,
      replicaOf: this.pick(3) > 0 ? null : this.someone(),
      ip: '127.0.0.1',
      port: 1000 + peer,
      secondaryPort: 0,
      busPort: 11000 + peer,
      flags: this.pick(1024),
      status: 'ok',
      paused: this.pick(4) === 0,
      forceAck: this.pick(2) === 0,
      extensionData: true,
    };
  }

  private gossip() {
    return {
      node: this.someone(),
      pingSentS: this.pick(2) * 1_700_000,
      pongReceivedS: 1_700_000_000 + this.pick(2000),
      ip: '127.0.0.1',
      port: 1000 + this.pick(5),
      secondaryPort: 0,
      busPort: 11000 + this.pick(5),
      flags: this.pick(1024),
    };
  }

  private extensions(): PingExtension[] {
    const choices: PingExtension[][] = [
      [],
      [{ kind: 'shard-id', shardId: this.someone() }],
      [{ kind: 'forgotten-node', node: this.someone(), ttlS: this.pick(3) }],
      [{ kind: 'hostname', hostname: 'host.example' }],
    ];
    return choices[this.pick(choices.length)]!;
  }

  check(): void {
    const { state } = this;
    assert.ok(state.nodes.has(state.myId), 'the node knows itself');
    const counts = new Map<string, number>();
    for (const owner of state.slotOwners) if (owner !== null) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    for (const node of state.nodes.values()) {
      assert.equal(node.slotCount, counts.get(node.id) ?? 0, 'both sides of the slot table agree');
      if (node.replicaOf !== null) assert.ok(state.nodes.get(node.replicaOf)!.replicas.includes(node.id));
    }
    const text = encodeNodesConf(state);
    const loaded = loadNodesConf(text, state.options, { below: this.pick }, this.now());
    assert.ok(loaded.ok, loaded.ok ? '' : `line ${loaded.lineNumber}: ${loaded.reason}\n${loaded.line}`);
  }
}

test('peers that lie neither break the node nor make its nodes.conf unreadable', () => {
  const first = fuzzSeed();
  for (let seed = first; seed < first + SEEDS; seed++) {
    const random = new Random(seed);
    const node = new Fuzzed((bound) => random.below(bound));
    try {
      for (let i = 0; i < STEPS; i++) {
        node.next();
        if (i % 100 === 0) node.check();
      }
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});
