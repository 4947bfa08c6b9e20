/**
 * One server process in the virtual world: the counterpart of `cluster/cluster.ts`, with virtual sockets, file and clocks around the same core.
 *
 *   inputs (ticks, messages, link events, admin requests) → `step` of the core → effects, in order
 *
 * A run joins the effects of all inputs of one moment (one save, then all sends; a save that need not be durable waits for the tick), as the server does,
 * or performs those of each step at once; the contract in `core/protocol.ts` allows both. The process may be armed to die between two effects; it may be frozen, while its sockets fill.
 */
import { strict as assert } from 'node:assert';
import type { BusMessage } from '../cluster/core/message.js';
import { isPrimary, myself } from '../cluster/core/nodes.js';
import type { AdminReply, Effect, Input } from '../cluster/core/protocol.js';
import { step } from '../cluster/core/step.js';
import {
  type ClusterNode,
  type ClusterState,
  type Environment,
  type LinkId,
  NEVER,
  type Now,
  type PrimaryLink,
} from '../cluster/core/types.js';
import { encodeNodesConf } from '../cluster/nodes-conf.js';
import { decodeMessage, encodeMessage } from '../cluster/wire/index.js';
import { hasKeys, hasKeysInSlot, type Position } from './history.js';
import type { Host } from './host.js';
import type { HostIndex, Socket, SocketHandler } from './network.js';
import { Replication, type ReplicationHost, type ReplicationMessage } from './replication.js';
import type { World } from './world.js';

/** What travels in the virtual network. */
export type Payload =
  | { kind: 'bus'; bytes: Uint8Array | null; message: BusMessage | null }
  | { kind: 'replication'; message: ReplicationMessage };

const TICK_MS = 100;

/** An input whose time is filled in; the conditional keeps the union a union. */
export type WithoutNow<T> = T extends unknown ? Omit<T, 'now'> : never;

export class Process implements SocketHandler<Payload>, ReplicationHost {
  readonly state: ClusterState;
  readonly replication: Replication;
  readonly host: Host;
  readonly #world: World;
  readonly #environment: Environment;
  readonly #links = new Map<LinkId, Socket<Payload>>();
  readonly #idOf = new Map<Socket<Payload>, LinkId>();
  #lastAcceptedId = 0;
  #isGone = false;
  /** What happened to a frozen process, to be noticed later. */
  #frozenInbox: (() => void)[] | null = null;
  #joined: Effect[] | null = null;
  /** nodes.conf lags behind the state; the next tick writes it. */
  #isSaveDue = false;
  #reply: AdminReply | null = null;
  /** Writes wait until then (monotonic). */
  pausedUntilMs = NEVER;
  /** The next step that saves is cut off after so many effects; −1 = not armed. */
  fuse = -1;
  readonly startedAtMs: number;
  /** When it was last unfrozen, in simulation time. */
  thawedAtMs: number;

  constructor(world: World, host: Host, state: ClusterState) {
    this.#world = world;
    this.host = host;
    this.state = state;
    this.startedAtMs = world.agenda.nowMs;
    this.thawedAtMs = this.startedAtMs;
    const { agenda, network, plan } = world;
    this.replication = new Replication(this, agenda, network, host.dice, plan.replication);
    this.#environment = {
      random: host.dice,
      keyspace: {
        keysInSlot: (slot) => (hasKeysInSlot(this.data, slot) ? 1 : 0),
        keyCount: () => (hasKeys(this.data) ? 1 : 0),
      },
      replication: { offset: () => this.data.offset, primaryLink: () => this.primaryLink() },
      links: { queuedBytes: (link) => (this.#links.get(link)?.queuedCount ?? 0) * plan.messageBytes },
    };
  }

  start(): void {
    const { agenda } = this.#world;
    const { ip, port, busPort } = this.host.address;
    // Whatever it was before: from here on this process writes a stream of its own.
    if (isPrimary(this.me)) this.replication.becomePrimary();
    this.#world.network.listen(this.index, { ip, port: busPort }, this, (socket) => this.#accept(socket));
    this.#world.network.listen(this.index, { ip, port }, this.replication, (socket) => this.replication.accept(socket));
    this.perceive(() => this.input({ kind: 'dataset-loaded' }));
    agenda.after(1 + this.host.dice.below(TICK_MS), () => this.#tick());
  }

  get index(): HostIndex {
    return this.host.index;
  }

  get ip(): string {
    return this.host.address.ip;
  }

  get clock() {
    return this.host.clock;
  }

  get data(): Position {
    return this.host.data;
  }

  set data(position: Position) {
    this.host.data = position;
  }

  get me(): ClusterNode {
    return myself(this.state);
  }

  get isFrozen(): boolean {
    return this.#frozenInbox !== null;
  }

  primaryLink(): PrimaryLink {
    return this.replication.primaryLink();
  }

  get arePausedWrites(): boolean {
    return this.clock.now().monotonicMs < this.pausedUntilMs;
  }

  /** True if a client's write to the slot would be executed here and now. */
  takesWrites(slot: number): boolean {
    const { state } = this;
    if (this.isFrozen || state.status !== 'ok' || state.slotOwners[slot] !== state.myId) return false;
    return isPrimary(this.me) && !state.migrating.has(slot) && !this.arePausedWrites;
  }

  admin(...args: string[]): AdminReply {
    assert(!this.isFrozen, 'a frozen process answers nobody');
    this.#reply = null;
    this.input({ kind: 'admin', args });
    // An answer comes after the save, but for the marks of slots on the move.
    this.#settle();
    if (args[0] !== 'setslot') this.#saveIfDue();
    return this.#isGone || this.#reply === null ? { ok: false, error: 'ERR the process died' } : this.#reply;
  }

  freeze(): void {
    this.#frozenInbox ??= [];
  }

  thaw(): void {
    const inbox = this.#frozenInbox;
    if (inbox === null) return;
    this.#frozenInbox = null;
    this.thawedAtMs = this.#world.agenda.nowMs;
    // What arrived meanwhile is read before the clock is looked at, as in the server.
    for (const happened of inbox) if (!this.#isGone) happened();
  }

  /** The process no longer exists; its sockets and listeners are the caller's business. */
  end(): void {
    this.#isGone = true;
    this.replication.end();
  }

  /** @param input the time is filled in there: to copy it took a twentieth of a simulation */
  input(input: WithoutNow<Input>): void {
    let effects: Effect[] = [];
    (input as { now?: Now }).now = this.clock.now();
    const full = input as Input;
    this.#world.stepping(this.host, full);
    step(this.state, full, this.#environment, effects);
    this.#world.stepped(this.host, full, effects);
    effects = this.#world.sabotage.effects?.(this.host, full, effects) ?? effects;
    if (this.#world.plan.joinsEffects) this.#join(effects);
    else this.#performAll(effects);
  }

  opened(socket: Socket<Payload>): void {
    this.perceive(() => {
      const link = this.#idOf.get(socket);
      if (link === undefined) return;
      this.input({ kind: 'link-up', link, remoteIp: socket.remoteIp, localIp: socket.localIp });
    });
  }

  received(socket: Socket<Payload>, payload: Payload): void {
    this.perceive(() => {
      const link = this.#idOf.get(socket);
      if (link === undefined || payload.kind !== 'bus') return;
      this.input({ kind: 'message', link, message: messageOf(payload) });
    });
  }

  closed(socket: Socket<Payload>, reason: string): void {
    this.perceive(() => {
      const link = this.#idOf.get(socket);
      if (link === undefined) return;
      this.#forgetLink(link);
      this.input({ kind: 'link-down', link, reason });
    });
  }

  progressed(): void {
    if (this.state.manualFailover.primaryOffset >= 0) this.input({ kind: 'replication-progress' });
  }

  acknowledged(by: HostIndex, position: Position): void {
    this.#world.acknowledged(this.host, by, position);
  }

  #accept(socket: Socket<Payload>): void {
    this.#lastAcceptedId -= 1;
    const link = this.#lastAcceptedId;
    this.#links.set(link, socket);
    this.#idOf.set(socket, link);
    this.perceive(() => {
      this.input({ kind: 'link-accepted', link, remoteIp: socket.remoteIp, localIp: socket.localIp });
    });
  }

  #tick(): void {
    if (this.#isGone) return;
    if (!this.isFrozen) {
      this.input({ kind: 'tick' });
      this.#settle();
      this.#saveIfDue();
    }
    if (!this.#isGone) this.#world.agenda.after(TICK_MS + this.#world.tickLagMs(), () => this.#tick());
  }

  /** Something happens to the process: now, or when it is unfrozen, or never. */
  perceive(happened: () => void): void {
    if (this.#isGone) return;
    if (this.#frozenInbox !== null) this.#frozenInbox.push(happened);
    else happened();
  }

  /** Effects of the steps of one moment: all but saves and sends at once, then one save, then all sends. */
  #join(effects: Effect[]): void {
    const later = effects.filter(({ kind }) => kind === 'persist' || kind === 'send');
    this.#performAll(effects.filter((effect) => !later.includes(effect)));
    if (later.length === 0 || this.#isGone) return;
    if (this.#joined !== null) {
      this.#joined.push(...later);
      return;
    }
    this.#joined = later;
    this.#world.agenda.after(0, () => this.#settle());
  }

  #settle(): void {
    const joined = this.#joined;
    this.#joined = null;
    if (joined === null || this.#isGone) return;
    const sends = joined.filter((effect) => effect.kind === 'send');
    const saves = joined.filter((effect) => effect.kind === 'persist');
    if (saves.some(({ fsync }) => fsync)) this.#performAll([{ kind: 'persist', fsync: true }, ...sends]);
    else {
      this.#isSaveDue ||= saves.length > 0;
      this.#performAll(sends);
    }
  }

  #saveIfDue(): void {
    if (!this.#isSaveDue || this.#isGone) return;
    this.#perform({ kind: 'persist', fsync: false });
  }

  #performAll(effects: Effect[]): void {
    const isFatal = this.fuse >= 0 && effects.some((effect) => effect.kind === 'persist');
    const end = isFatal ? Math.min(this.fuse, effects.length) : effects.length;
    for (let i = 0; i < end && !this.#isGone; i += 1) {
      this.#perform(effects[i]!);
      this.#world.performed(this.host, effects[i]!);
    }
    if (isFatal && !this.#isGone) this.#world.blowFuse(this.host, end, effects.length);
  }

  #perform(effect: Effect): void {
    switch (effect.kind) {
      case 'persist':
        this.#isSaveDue = false;
        return this.host.disk.write(encodeNodesConf(this.state), effect.fsync);
      case 'send':
        return this.#send(effect.links, effect.message);
      case 'connect': {
        const to = { ip: effect.ip, port: effect.port };
        const socket = this.#world.network.connect(this.index, this.ip, to, this);
        this.#links.set(effect.link, socket);
        this.#idOf.set(socket, effect.link);
        return;
      }
      case 'disconnect': {
        const socket = this.#links.get(effect.link);
        if (socket === undefined) return;
        this.#forgetLink(effect.link);
        return socket.close();
      }
      case 'become-primary':
        return this.replication.becomePrimary();
      case 'replicate':
        return this.replication.replicate({ ip: effect.ip, port: effect.port });
      case 'discard-dataset':
        this.data = this.#world.emptyData();
        return;
      case 'pause-writes':
        this.pausedUntilMs = effect.untilMs;
        return;
      case 'resume-writes':
        this.pausedUntilMs = NEVER;
        return;
      case 'delete-keys':
        return this.replication.deleteKeys(effect.slots);
      case 'reply':
        this.#reply = effect.reply;
        return;
      case 'drop-shard-subscriptions':
      case 'publish':
      case 'log':
        return;
    }
  }

  #send(links: readonly LinkId[], message: BusMessage): void {
    const { usesCodec } = this.#world.plan;
    const payload: Payload = usesCodec
      ? { kind: 'bus', bytes: encodeMessage(message), message: null }
      : { kind: 'bus', bytes: null, message };
    for (const link of links) this.#links.get(link)?.send(payload);
  }

  #forgetLink(link: LinkId): void {
    this.#idOf.delete(this.#links.get(link)!);
    this.#links.delete(link);
  }
}

/** Messages are immutable, so all receivers of the same bytes may share what was decoded first. */
function messageOf(payload: Payload & { kind: 'bus' }): BusMessage {
  if (payload.message === null) {
    const result = decodeMessage(payload.bytes!);
    assert(result.ok, result.ok ? '' : `what the core says can be read: ${result.reason}`);
    payload.message = result.message;
  }
  return payload.message;
}
