/**
 * A small model of replication, as the cluster core sees it: offsets grow, replicas follow with delay, links go down and come back, some by a full copy.
 *
 *   replica                                   primary (or a replica with a working link of its own)
 *   connect ─────── psync(position) ────────► continue, if it is a part of its own history and not too far behind;
 *   connected ◄──── continue | full ─────────┤ else a full copy of this moment, after the time such a copy takes
 *   data set follows ◄─ stream(position) ────┤ at each write, and now and then as a sign of life
 *             ◄─ patience ─────────────┤ while a full copy is being made
 *             ───── ack(position) ──────────►  at each arrival, and every second
 *
 * Every write is on the disk of a node before it is acknowledged (append-only file with `appendfsync always`), so data survive all crashes here;
 * what can be lost is what another node never got, or what a full copy replaced.
 */
import { NEVER, type PrimaryLink } from '../cluster/core/types.js';
import type { Agenda } from './agenda.js';
import type { Dice } from './dice.js';
import { append, fork, hasKeysInSlot, includes, type Position } from './history.js';
import type { HostClock } from './host-clock.js';
import type { Address, HostIndex, Network, Socket, SocketHandler } from './network.js';
import type { Payload } from './process.js';

export type ReplicationMessage =
  | { kind: 'psync'; position: Position }
  | { kind: 'continue' }
  | { kind: 'patience' }
  | { kind: 'full'; position: Position }
  | { kind: 'stream'; position: Position }
  | { kind: 'ack'; position: Position };

export interface ReplicationOptions {
  /** A replica further behind than this needs a full copy. */
  backlogBytes: number;
  /** A full copy takes up to this long. */
  fullCopyMsMax: number;
  /** A link without a word for so long is closed. */
  timeoutMs: number;
  pingPeriodMs: number;
}

/** What replication needs of the process around it. */
export interface ReplicationHost {
  readonly index: HostIndex;
  readonly ip: string;
  readonly clock: HostClock;
  /** The data set, on disk. */
  data: Position;
  readonly isFrozen: boolean;
  /** Does something unless the process is frozen (then later) or gone (never). */
  perceive(happened: () => void): void;
  /** More of the primary's stream is in the data set. */
  progressed(): void;
  acknowledged(by: HostIndex, position: Position): void;
}

const CRON_MS = 1000;

interface Follower {
  isOnline: boolean;
}

export class Replication implements SocketHandler<Payload> {
  readonly #host: ReplicationHost;
  readonly #agenda: Agenda;
  readonly #network: Network<Payload>;
  readonly #dice: Dice;
  readonly #options: ReplicationOptions;
  readonly #followers = new Map<Socket<Payload>, Follower>();
  #upstream: Address | null = null;
  #socket: Socket<Payload> | null = null;
  #isConnected = false;
  #interactionMs = NEVER;
  #downSinceMs = NEVER;
  #lastPingMs = 0;
  #isEnded = false;

  constructor(
    host: ReplicationHost,
    agenda: Agenda,
    network: Network<Payload>,
    dice: Dice,
    options: ReplicationOptions,
  ) {
    this.#host = host;
    this.#agenda = agenda;
    this.#network = network;
    this.#dice = dice;
    this.#options = options;
    this.#scheduleCron(1 + dice.below(CRON_MS));
  }

  get isReplica(): boolean {
    return this.#upstream !== null;
  }

  primaryLink(): PrimaryLink {
    if (this.#upstream === null) return { state: 'none', sinceMs: NEVER };
    if (this.#isConnected) return { state: 'connected', sinceMs: this.#interactionMs };
    return { state: 'down', sinceMs: this.#downSinceMs };
  }

  replicate(address: Address): void {
    if (this.#upstream !== null && this.#upstream.ip === address.ip && this.#upstream.port === address.port) return;
    this.#dropFollowers();
    this.#hangUp();
    this.#upstream = address;
    this.#connect();
  }

  becomePrimary(): void {
    this.#hangUp();
    this.#upstream = null;
    this.#downSinceMs = NEVER;
    this.#host.data = fork(this.#host.data);
  }

  /** A write to the data set of a primary. */
  write(slot: number, hasKeys: boolean): Position {
    this.#host.data = append(this.#host.data, slot, hasKeys);
    this.#tellFollowers();
    return this.#host.data;
  }

  deleteKeys(slots: readonly number[]): void {
    for (const slot of slots) if (hasKeysInSlot(this.#host.data, slot)) this.write(slot, false);
  }

  /** The process is gone. */
  end(): void {
    this.#isEnded = true;
  }

  accept(socket: Socket<Payload>): void {
    this.#followers.set(socket, { isOnline: false });
  }

  opened(socket: Socket<Payload>): void {
    this.#host.perceive(() => {
      if (socket !== this.#socket) return;
      this.#touch();
      this.#say(socket, { kind: 'psync', position: this.#host.data });
    });
  }

  received(socket: Socket<Payload>, payload: Payload): void {
    if (payload.kind !== 'replication') return;
    const { message } = payload;
    this.#host.perceive(() => {
      const follower = this.#followers.get(socket);
      if (follower !== undefined) this.#onFollower(socket, follower, message);
      else if (socket === this.#socket) this.#onPrimary(message);
    });
  }

  closed(socket: Socket<Payload>): void {
    this.#host.perceive(() => {
      this.#followers.delete(socket);
      if (socket === this.#socket) this.#linkDown();
    });
  }

  #onFollower(socket: Socket<Payload>, follower: Follower, message: ReplicationMessage): void {
    if (message.kind === 'ack') {
      if (!follower.isOnline) return;
      this.#host.acknowledged(socket.remote, message.position);
      return;
    }
    if (message.kind !== 'psync') return;
    if (this.#upstream !== null && !this.#isConnected) {
      // A replica without a working link has nothing to pass on.
      this.#followers.delete(socket);
      socket.close();
      return;
    }
    const { data } = this.#host;
    const { position } = message;
    if (includes(data, position) && data.offset - position.offset <= this.#options.backlogBytes) {
      follower.isOnline = true;
      this.#say(socket, { kind: 'continue' });
      this.#say(socket, { kind: 'stream', position: data });
      return;
    }
    const image = data;
    this.#agenda.after(1 + this.#dice.below(this.#options.fullCopyMsMax), () => {
      if (this.#isEnded || !this.#followers.has(socket)) return;
      follower.isOnline = true;
      this.#say(socket, { kind: 'full', position: image });
      this.#say(socket, { kind: 'stream', position: this.#host.data });
    });
  }

  #onPrimary(message: ReplicationMessage): void {
    this.#touch();
    switch (message.kind) {
      case 'continue':
        this.#isConnected = true;
        return;
      case 'full':
        // Those who follow this node have a part of the old data set.
        this.#dropFollowers();
        this.#isConnected = true;
        this.#host.data = message.position;
        return;
      case 'stream': {
        const hasMore = message.position !== this.#host.data;
        this.#host.data = message.position;
        this.#say(this.#socket!, { kind: 'ack', position: message.position });
        if (!hasMore) return;
        this.#tellFollowers();
        this.#host.progressed();
      }
    }
  }

  #tellFollowers(): void {
    for (const [socket, follower] of this.#followers) {
      if (follower.isOnline) this.#say(socket, { kind: 'stream', position: this.#host.data });
    }
  }

  #scheduleCron(delayMs: number): void {
    this.#agenda.after(delayMs, () => {
      if (this.#isEnded) return;
      if (!this.#host.isFrozen) this.#cron();
      this.#scheduleCron(CRON_MS);
    });
  }

  #cron(): void {
    const { monotonicMs } = this.#host.clock.now();
    const { timeoutMs, pingPeriodMs } = this.#options;
    if (this.#upstream !== null && this.#socket === null) this.#connect();
    else if (this.#socket !== null && monotonicMs - this.#interactionMs > timeoutMs) this.#hangUp();
    // The sign of life of a replica; it also finds out about a primary that has lost its memory of the connection.
    if (this.#socket !== null) this.#say(this.#socket, { kind: 'ack', position: this.#host.data });
    for (const [socket, { isOnline }] of this.#followers) if (!isOnline) this.#say(socket, { kind: 'patience' });
    if (this.#upstream === null && monotonicMs - this.#lastPingMs >= pingPeriodMs) {
      this.#lastPingMs = monotonicMs;
      this.#tellFollowers();
    }
  }

  #connect(): void {
    this.#socket = this.#network.connect(this.#host.index, this.#host.ip, this.#upstream!, this);
    this.#touch();
  }

  #hangUp(): void {
    const socket = this.#socket;
    if (socket === null) return;
    this.#linkDown();
    socket.close();
  }

  #linkDown(): void {
    if (this.#isConnected) this.#downSinceMs = this.#host.clock.now().monotonicMs;
    this.#isConnected = false;
    this.#socket = null;
  }

  #dropFollowers(): void {
    for (const socket of this.#followers.keys()) socket.close();
    this.#followers.clear();
  }

  #touch(): void {
    this.#interactionMs = this.#host.clock.now().monotonicMs;
  }

  #say(socket: Socket<Payload>, message: ReplicationMessage): void {
    socket.send({ kind: 'replication', message });
  }
}
