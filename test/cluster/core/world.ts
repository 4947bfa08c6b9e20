/**
 * A handful of cluster cores on a virtual network with a virtual clock, for tests that tell a story: crash this node, run two seconds, look at the log.
 * Messages take 1 ms and go through the codec; replicas copy their primary's offset while they can reach it. Faults beyond crashes and cut
 * pairs are the business of the simulator (`src/sim/`).
 */
import { strict as assert } from 'node:assert';
import { describeNode } from '../../../src/cluster/core/describe.js';
import { isReplica, myself } from '../../../src/cluster/core/nodes.js';
import type { AdminReply, Effect, Input } from '../../../src/cluster/core/protocol.js';
import { newCluster } from '../../../src/cluster/core/start.js';
import { step } from '../../../src/cluster/core/step.js';
import {
  type ClusterNode,
  type ClusterOptions,
  type ClusterState,
  DEFAULT_OPTIONS,
  type Environment,
  type LinkId,
  NEVER,
  type Now,
  type PrimaryLink,
} from '../../../src/cluster/core/types.js';
import { encodeNodesConf, loadNodesConf } from '../../../src/cluster/nodes-conf.js';
import { decodeMessage, encodeMessage } from '../../../src/cluster/wire/index.js';
import { Random } from '../../support/fuzz.js';

/** An input whose time the world fills in; the conditional keeps the union a union. */
type WithoutNow<T> = T extends unknown ? Omit<T, 'now'> : never;

const UNIX_START_MS = 1_700_000_000_000;
const LATENCY_MS = 1;
const TICK_MS = 100;

interface Pipe {
  to: Host;
  /** The same connection at the other end. */
  link: LinkId;
}

export class Host {
  state!: ClusterState;
  /** Text of nodes.conf. */
  disk = '';
  isUp = false;
  /** Epochs voted for, over all lives of the node. */
  votes: number[] = [];
  offset = 0;
  keys = new Map<number, number>();
  pausedUntilMs = NEVER;
  log: string[] = [];
  /** All effects but logs, sends and connections. */
  effects: Effect[] = [];
  pipes = new Map<LinkId, Pipe>();
  lastAccepted = 0;
  primaryLink: PrimaryLink = { state: 'none', sinceMs: NEVER };
  readonly environment: Environment;

  constructor(
    readonly world: World,
    readonly index: number,
    readonly options: ClusterOptions,
  ) {
    this.environment = {
      random: world.random,
      keyspace: {
        keysInSlot: (slot) => this.keys.get(slot) ?? 0,
        keyCount: () => [...this.keys.values()].reduce((sum, count) => sum + count, 0),
      },
      replication: { offset: () => this.offset, primaryLink: () => this.primaryLink },
      links: { queuedBytes: () => 0 },
    };
  }

  get id(): string {
    return this.state.myId;
  }

  get me(): ClusterNode {
    return myself(this.state);
  }

  get role(): 'primary' | 'replica' {
    return isReplica(this.me) ? 'replica' : 'primary';
  }

  /** How this host sees another one. */
  view(other: Host): ClusterNode {
    const node = this.state.nodes.get(other.id);
    assert(node !== undefined, `host ${this.index} knows host ${other.index}`);
    return node;
  }
}

interface Event {
  atMs: number;
  run: () => void;
}

export class World {
  readonly random: Random;
  readonly hosts: Host[] = [];
  nowMs = 1000;
  /** Notices of all hosts, ids replaced by host numbers. */
  transcript: string[] = [];
  #events: Event[] = [];
  #cut = new Set<string>();

  constructor(seed: number, count: number, options: Partial<ClusterOptions> = {}) {
    this.random = new Random(seed);
    for (let i = 0; i < count; i += 1) this.addHost(options);
  }

  addHost(options: Partial<ClusterOptions> = {}): Host {
    const index = this.hosts.length;
    const host = new Host(this, index, { ...DEFAULT_OPTIONS, nodeTimeoutMs: 1000, port: 7000 + index, ...options });
    this.hosts.push(host);
    this.start(host);
    return host;
  }

  get now(): Now {
    return { monotonicMs: this.nowMs, unixMs: UNIX_START_MS + this.nowMs };
  }

  /** `primaries` primaries with equal shares of the slots, the other hosts replicas of them in turn; returns when all agree. */
  form(primaries: number): void {
    for (let i = 1; i < this.hosts.length; i += 1) this.admin(0, 'meet', addressOf(this.hosts[i]!), `${7000 + i}`);
    for (let i = 0; i < primaries; i += 1) {
      const start = Math.floor((16384 * i) / primaries);
      this.admin(i, 'addslotsrange', `${start}`, `${Math.floor((16384 * (i + 1)) / primaries) - 1}`);
    }
    this.runUntil('everybody knows everybody', () =>
      this.hosts.every((host) => host.state.nodes.size === this.hosts.length),
    );
    this.runUntil('roles are known', () =>
      this.hosts.every((host) => this.hosts.every((other) => host.view(other).flags & 3)),
    );
    for (let i = primaries; i < this.hosts.length; i += 1) this.admin(i, 'replicate', this.hosts[i % primaries]!.id);
    this.runUntil('all see the cluster up', () => this.hosts.every((host) => host.state.status === 'ok'));
    this.runUntil('all agree', () => this.agrees());
  }

  /** True if all running hosts have the same slot table, the same epochs and the same replicas. */
  agrees(): boolean {
    const tables = this.hosts.filter((host) => host.isUp).map((host) => JSON.stringify(summary(host.state)));
    return new Set(tables).size === 1;
  }

  admin(index: number, ...args: string[]): AdminReply {
    const effects = this.input(this.hosts[index]!, { kind: 'admin', args });
    const reply = effects.find((effect) => effect.kind === 'reply');
    assert(reply !== undefined && reply.kind === 'reply', `${args[0]} is answered`);
    return reply.reply;
  }

  input(host: Host, input: WithoutNow<Input>): Effect[] {
    const effects: Effect[] = [];
    step(host.state, { ...input, now: this.now } as Input, host.environment, effects);
    for (const effect of effects) this.#perform(host, effect);
    return effects;
  }

  run(ms: number): void {
    const end = this.nowMs + ms;
    for (;;) {
      let next = -1;
      for (let i = 0; i < this.#events.length; i += 1) {
        if (this.#events[i]!.atMs <= end && (next < 0 || this.#events[i]!.atMs < this.#events[next]!.atMs)) next = i;
      }
      if (next < 0) break;
      const [event] = this.#events.splice(next, 1);
      this.nowMs = event!.atMs;
      event!.run();
    }
    this.nowMs = end;
  }

  runUntil(what: string, condition: () => boolean, limitMs = 30_000): number {
    const start = this.nowMs;
    while (!condition()) {
      assert(this.nowMs - start < limitMs, `${what} within ${limitMs} ms\n${this.transcript.slice(-40).join('\n')}`);
      this.run(10);
    }
    return this.nowMs - start;
  }

  /** The process dies; its nodes.conf stays. */
  crash(index: number): void {
    const host = this.hosts[index]!;
    host.isUp = false;
    for (const link of [...host.pipes.keys()]) this.#hangUp(host, link);
  }

  restart(index: number): void {
    this.start(this.hosts[index]!);
  }

  start(host: Host): void {
    host.isUp = true;
    host.primaryLink = { state: 'none', sinceMs: NEVER };
    host.pausedUntilMs = NEVER;
    if (host.disk === '') {
      host.state = newCluster(host.options, this.random, this.now);
      host.disk = encodeNodesConf(host.state);
    } else {
      const loaded = loadNodesConf(host.disk, host.options, this.random, this.now);
      assert(loaded.ok, loaded.ok ? '' : `${loaded.reason}: ${loaded.line}`);
      host.state = loaded.state;
    }
    const life = host.state;
    const tick = (): void => {
      if (!host.isUp || host.state !== life) return;
      this.#replicate(host);
      this.input(host, { kind: 'tick' });
      this.#at(TICK_MS, tick);
    };
    this.#at(1 + this.random.below(TICK_MS), tick);
  }

  /** No bytes pass between the two any more; connections stay, as in a real network. */
  cut(a: number, b: number): void {
    this.#cut.add(`${Math.min(a, b)}-${Math.max(a, b)}`);
  }

  heal(): void {
    this.#cut.clear();
  }

  #isCut(a: Host, b: Host): boolean {
    return this.#cut.has(`${Math.min(a.index, b.index)}-${Math.max(a.index, b.index)}`);
  }

  #at(delayMs: number, run: () => void): void {
    this.#events.push({ atMs: this.nowMs + delayMs, run });
  }

  #perform(host: Host, effect: Effect): void {
    switch (effect.kind) {
      case 'log':
        host.log.push(effect.text);
        if (effect.level === 'notice') this.transcript.push(`${host.index} ${this.#shorten(effect.text)}`);
        return;
      case 'send': {
        const bytes = encodeMessage(effect.message);
        for (const link of effect.links) this.#deliver(host, link, bytes);
        if (effect.message.type === 'auth-ack') host.votes.push(host.state.lastVoteEpoch);
        return;
      }
      case 'connect':
        this.#connect(host, effect.link, effect.ip, effect.port);
        return;
      case 'disconnect':
        this.#hangUp(host, effect.link);
        return;
      case 'persist':
        host.disk = encodeNodesConf(host.state);
        break;
      case 'replicate':
        host.primaryLink = { state: 'down', sinceMs: NEVER };
        break;
      case 'become-primary':
        host.primaryLink = { state: 'none', sinceMs: NEVER };
        break;
      case 'pause-writes':
        host.pausedUntilMs = effect.untilMs;
        break;
      case 'resume-writes':
        host.pausedUntilMs = NEVER;
        break;
      case 'delete-keys':
        for (const slot of effect.slots) host.keys.delete(slot);
        break;
      case 'discard-dataset':
        host.keys.clear();
        break;
    }
    host.effects.push(effect);
  }

  #connect(host: Host, link: LinkId, ip: string, port: number): void {
    const peer = this.hosts.find((other) => addressOf(other) === ip && other.options.port + 10000 === port);
    this.#at(LATENCY_MS, () => {
      if (!host.isUp || !host.state.links.has(link)) return;
      if (peer === undefined || !peer.isUp) {
        this.input(host, { kind: 'link-down', link, reason: 'Connection refused' });
        return;
      }
      if (this.#isCut(host, peer)) return;
      peer.lastAccepted -= 1;
      const accepted = peer.lastAccepted;
      host.pipes.set(link, { to: peer, link: accepted });
      peer.pipes.set(accepted, { to: host, link });
      this.input(peer, { kind: 'link-accepted', link: accepted, remoteIp: addressOf(host), localIp: addressOf(peer) });
      this.input(host, { kind: 'link-up', link, remoteIp: addressOf(peer), localIp: addressOf(host) });
    });
  }

  #deliver(host: Host, link: LinkId, bytes: Uint8Array): void {
    this.#at(LATENCY_MS, () => {
      const pipe = host.pipes.get(link);
      if (pipe === undefined || !pipe.to.isUp || this.#isCut(host, pipe.to)) return;
      const result = decodeMessage(bytes);
      assert(result.ok, result.ok ? '' : result.reason);
      this.input(pipe.to, { kind: 'message', link: pipe.link, message: result.message });
    });
  }

  /** Closes a connection at this end; the other end hears of it a moment later. */
  #hangUp(host: Host, link: LinkId): void {
    const pipe = host.pipes.get(link);
    if (pipe === undefined) return;
    host.pipes.delete(link);
    this.#at(LATENCY_MS, () => {
      if (!pipe.to.pipes.delete(pipe.link) || !pipe.to.isUp) return;
      this.input(pipe.to, { kind: 'link-down', link: pipe.link, reason: 'closed by peer' });
    });
  }

  #replicate(host: Host): void {
    if (host.primaryLink.state === 'none') return;
    const primary = this.hosts.find((other) => other.isUp && other.id === host.me.replicaOf);
    const isReachable = primary !== undefined && !this.#isCut(host, primary);
    if (isReachable) {
      host.offset = primary.offset;
      host.primaryLink = { state: 'connected', sinceMs: this.nowMs };
    } else if (host.primaryLink.state === 'connected') {
      host.primaryLink = { state: 'down', sinceMs: this.nowMs };
    }
  }

  #shorten(text: string): string {
    let short = text;
    for (const host of this.hosts) short = short.replaceAll(host.id, `<${host.index}>`);
    return short.replaceAll(' ()', '');
  }
}

export function addressOf(host: Host): string {
  return `10.0.0.${host.index + 1}`;
}

/** What all nodes must agree on: owners of slots, config epochs of primaries, and who replicates whom. */
function summary(state: ClusterState): unknown {
  const nodes = [...state.nodes.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return nodes.map((node) => {
    const words = describeNode(state, node).split(' ');
    const slots = words.slice(8).filter((word) => !word.startsWith('['));
    return [words[0], words[2]!.replace('myself,', ''), words[3], words[6], ...slots].join(' ');
  });
}
