/**
 * The virtual network: connections in the manner of TCP between numbered hosts.
 *
 *   connect ──SYN──► listener: accepted ──► opened … messages, in order, each way … closed (FIN, reset, refused, timed out)
 *
 * What TCP promises holds: within a direction of a connection messages arrive in order, once, and whole, or the connection ends. So loss looks like this:
 *   - a blocked path holds messages back (they are sent again) until it is open again or an end gives up;
 *   - a broken connection loses what is under way in both directions, and both ends hear of it, each in its time;
 *   - a host without power answers nothing: its peers' connections hang until they give up, or until it is back and resets them.
 * Between connections there is no order: every message draws its own delay.
 *
 * Invariants: (1) a handler hears nothing of a socket that its side has closed; (2) it hears `closed` at most once, and nothing after it.
 */
import type { Agenda } from './agenda.js';
import type { Dice } from './dice.js';

export type HostIndex = number;

export interface Address {
  ip: string;
  port: number;
}

/** What a process does with its end of a connection. */
export interface SocketHandler<M> {
  opened(socket: Socket<M>): void;
  received(socket: Socket<M>, message: M): void;
  closed(socket: Socket<M>, reason: string): void;
}

export interface Latency {
  /** Least delay of a message, milliseconds. */
  baseMs: number;
  /** Up to this much comes on top, for each message anew. */
  jitterMs: number;
  /** One message in so many is late by up to `spikeMs`; 0 = none. */
  spikeOneIn: number;
  spikeMs: number;
}

/** Why a message did not arrive. */
export type DropReason =
  | 'connection closed by its sender'
  | 'connection closed by its receiver'
  | 'connection broke'
  | 'host without power'
  | 'never connected';

type Packet<M> = { kind: 'message'; message: M } | { kind: 'opened' } | { kind: 'closed'; reason: string };

/** Attempts to connect are repeated after 1, 2, 4 … seconds, as by a kernel, and given up after about a minute. */
const SYN_RETRY_MS = 1000;
const SYN_RETRIES_MAX = 6;
/** After a path is open again, the sender's next attempt takes up to this long. */
const RETRANSMIT_MAX_MS = 400;

export class Socket<M> {
  readonly network: Network<M>;
  readonly host: HostIndex;
  readonly remote: HostIndex;
  readonly localIp: string;
  readonly remoteIp: string;
  readonly handler: SocketHandler<M>;
  peer: Socket<M> | null = null;
  isOpen = false;
  isClosed = false;
  /** Sent before the connection was there. */
  waiting: M[] = [];
  /** Arrived at a blocked path, in order. */
  held: Packet<M>[] = [];
  lastArrivalMs = 0;
  /** Packets with a smaller number are lost. */
  lostBelow = 0;
  nextNumber = 0;

  constructor(
    network: Network<M>,
    ends: { host: HostIndex; remote: HostIndex; localIp: string; remoteIp: string },
    handler: SocketHandler<M>,
  ) {
    this.network = network;
    this.host = ends.host;
    this.remote = ends.remote;
    this.localIp = ends.localIp;
    this.remoteIp = ends.remoteIp;
    this.handler = handler;
  }

  send(message: M): void {
    this.network.send(this, message);
  }

  close(): void {
    this.network.close(this);
  }

  /** Messages that have not reached the other end because the path is blocked or the connection is not there yet. */
  get queuedCount(): number {
    return this.waiting.length + this.held.length;
  }
}

interface Listener<M> {
  host: HostIndex;
  accept: (socket: Socket<M>) => void;
  handler: SocketHandler<M>;
}

export class Network<M> {
  readonly #agenda: Agenda;
  readonly #dice: Dice;
  readonly #listeners = new Map<string, Listener<M>>();
  /** Who has (or had last) an address. */
  readonly #hostOfIp = new Map<string, HostIndex>();
  readonly #blocks = new Map<number, number>();
  readonly #withoutPower = new Set<HostIndex>();
  readonly #sockets = new Set<Socket<M>>();
  /** Have sent to a host without power. */
  readonly #unanswered = new Set<Socket<M>>();
  readonly #slowness = new Map<HostIndex, number>();
  #slownessMaxMs = 0;
  readonly latency: Latency;
  readonly drops = new Map<DropReason, number>();
  sentCount = 0;
  deliveredCount = 0;

  constructor(agenda: Agenda, dice: Dice, latency: Latency) {
    this.#agenda = agenda;
    this.#dice = dice;
    this.latency = latency;
  }

  listen(host: HostIndex, address: Address, handler: SocketHandler<M>, accept: (socket: Socket<M>) => void): void {
    this.#listeners.set(keyOf(address), { host, accept, handler });
  }

  /** The host has this IP from now on; connections to it go there. */
  assignIp(host: HostIndex, ip: string): void {
    this.#hostOfIp.set(ip, host);
  }

  releaseIp(ip: string): void {
    this.#hostOfIp.delete(ip);
  }

  /** Ends everything of a process: its listeners and its sockets, which the system closes. */
  closeAll(host: HostIndex): void {
    for (const [key, listener] of this.#listeners) if (listener.host === host) this.#listeners.delete(key);
    for (const socket of this.#sockets) if (socket.host === host) this.close(socket);
  }

  /** Like `closeAll`, but nobody is told, and nothing is answered until the power is back. */
  cutPower(host: HostIndex): void {
    this.#withoutPower.add(host);
    for (const [key, listener] of this.#listeners) if (listener.host === host) this.#listeners.delete(key);
    for (const socket of this.#sockets) {
      if (socket.host !== host) continue;
      socket.isClosed = true;
      this.#sockets.delete(socket);
      this.#dropHeld(socket, 'host without power');
    }
  }

  /** What peers are still sending again finds a host that knows no such connection. */
  restorePower(host: HostIndex): void {
    this.#withoutPower.delete(host);
    for (const socket of this.#unanswered) {
      if (socket.remote !== host) continue;
      this.#unanswered.delete(socket);
      this.#agenda.after(this.#dice.below(RETRANSMIT_MAX_MS), () => this.#end(socket, 'Connection reset by peer'));
    }
  }

  /** Blocks one direction. Blocks add up: the path is open when each has been lifted. */
  block(from: HostIndex, to: HostIndex): void {
    const key = pathKey(from, to);
    this.#blocks.set(key, (this.#blocks.get(key) ?? 0) + 1);
  }

  unblock(from: HostIndex, to: HostIndex): void {
    const key = pathKey(from, to);
    const left = (this.#blocks.get(key) ?? 0) - 1;
    if (left > 0) {
      this.#blocks.set(key, left);
      return;
    }
    this.#blocks.delete(key);
    for (const socket of this.#sockets) {
      if (socket.host === from && socket.remote === to && socket.held.length > 0) this.#retransmitSoon(socket);
    }
  }

  isBlocked(from: HostIndex, to: HostIndex): boolean {
    return this.#blocks.size > 0 && this.#blocks.has(pathKey(from, to));
  }

  /** Every message from and to the host takes this much longer; 0 = no longer. */
  slowDown(host: HostIndex, extraMs: number): void {
    if (extraMs === 0) this.#slowness.delete(host);
    else this.#slowness.set(host, extraMs);
    this.#slownessMaxMs = Math.max(this.#slownessMaxMs, 2 * extraMs);
  }

  /** The most that slow hosts add to a message, so far. */
  get slownessMaxMs(): number {
    return this.#slownessMaxMs;
  }

  /** Open connections with an end at the host, each by the end that made it. */
  connectionsOf(host: HostIndex): Socket<M>[] {
    return [...this.#sockets].filter((socket) => socket.isOpen && (socket.host === host || socket.remote === host));
  }

  /** Breaks the connection: what is under way is lost, both ends hear of it in their time. */
  breakConnection(socket: Socket<M>): void {
    for (const end of [socket, socket.peer!]) {
      end.lostBelow = end.nextNumber;
      this.#dropHeld(end, 'connection broke');
      this.#transmit(end, { kind: 'closed', reason: 'Connection reset by peer' });
    }
  }

  connect(host: HostIndex, localIp: string, to: Address, handler: SocketHandler<M>): Socket<M> {
    const remote = this.#hostOfIp.get(to.ip) ?? -1;
    const socket = new Socket(this, { host, remote, localIp, remoteIp: to.ip }, handler);
    this.#sockets.add(socket);
    this.#agenda.after(this.#delayMs(host, remote), () => this.#synchronize(socket, to, 0));
    return socket;
  }

  send(socket: Socket<M>, message: M): void {
    if (socket.isClosed) return;
    this.sentCount += 1;
    if (socket.isOpen) this.#transmit(socket, { kind: 'message', message });
    else socket.waiting.push(message);
  }

  /** Closes this end. What it has sent still arrives, or is lost if its system resets the connection; what is on its way to it is lost. */
  close(socket: Socket<M>): void {
    if (socket.isClosed) return;
    socket.isClosed = true;
    this.#sockets.delete(socket);
    this.#drop('never connected', socket.waiting.length);
    if (socket.peer === null) return;
    if (this.#dice.chance(1, 2)) {
      socket.lostBelow = socket.nextNumber;
      this.#dropHeld(socket, 'connection closed by its sender');
    }
    this.#transmit(socket, { kind: 'closed', reason: 'Connection closed by peer' });
  }

  #synchronize(socket: Socket<M>, to: Address, attempt: number): void {
    if (socket.isClosed) return;
    const { host, remote } = socket;
    const isSilent = remote < 0 || this.#withoutPower.has(remote);
    if (isSilent || this.isBlocked(host, remote) || this.isBlocked(remote, host)) {
      if (attempt >= SYN_RETRIES_MAX) this.#end(socket, 'Connection timed out');
      else this.#agenda.after(SYN_RETRY_MS << attempt, () => this.#synchronize(socket, to, attempt + 1));
      return;
    }
    const listener = this.#listeners.get(keyOf(to));
    if (listener === undefined) {
      this.#agenda.after(this.#delayMs(remote, host), () => this.#end(socket, 'Connection refused'));
      return;
    }
    const ends = { host: remote, remote: host, localIp: to.ip, remoteIp: socket.localIp };
    const accepted = new Socket(this, ends, listener.handler);
    accepted.peer = socket;
    accepted.isOpen = true;
    socket.peer = accepted;
    this.#sockets.add(accepted);
    this.#transmit(accepted, { kind: 'opened' });
    listener.accept(accepted);
  }

  /** Puts a packet on its way from the socket to its peer. */
  #transmit(socket: Socket<M>, packet: Packet<M>): void {
    const atMs = Math.max(socket.lastArrivalMs, this.#agenda.nowMs + this.#delayMs(socket.host, socket.remote));
    const number = socket.nextNumber;
    socket.nextNumber += 1;
    socket.lastArrivalMs = atMs;
    this.#agenda.at(atMs, () => {
      if (number < socket.lostBelow) {
        if (packet.kind === 'message')
          this.#drop(socket.isClosed ? 'connection closed by its sender' : 'connection broke');
      } else if (socket.held.length > 0 || this.isBlocked(socket.host, socket.remote)) {
        socket.held.push(packet);
        if (this.#withoutPower.has(socket.host)) return this.#dropHeld(socket, 'host without power');
        // A socket closed here is gone from the table, and its last words would wait for ever.
        this.#sockets.add(socket);
      } else {
        this.#handOver(socket, packet);
      }
    });
  }

  #retransmitSoon(socket: Socket<M>): void {
    this.#agenda.after(this.#dice.below(RETRANSMIT_MAX_MS), () => {
      if (this.isBlocked(socket.host, socket.remote)) return;
      const { held } = socket;
      socket.held = [];
      if (socket.isClosed) this.#sockets.delete(socket);
      for (const packet of held) this.#handOver(socket, packet);
    });
  }

  #handOver(from: Socket<M>, packet: Packet<M>): void {
    const to = from.peer!;
    if (to.isClosed) {
      const isOff = this.#withoutPower.has(to.host);
      if (packet.kind === 'message') this.#drop(isOff ? 'host without power' : 'connection closed by its receiver');
      // The system of the receiver knows no such connection and says so, as soon as it runs.
      if (isOff) this.#unanswered.add(from);
      else if (packet.kind !== 'closed') {
        this.#agenda.after(this.#delayMs(to.host, from.host), () => this.#end(from, 'Connection reset by peer'));
      }
      return;
    }
    switch (packet.kind) {
      case 'opened':
        return this.#opened(to);
      case 'closed':
        return this.#end(to, packet.reason);
      case 'message':
        this.deliveredCount += 1;
        return to.handler.received(to, packet.message);
    }
  }

  #opened(socket: Socket<M>): void {
    socket.isOpen = true;
    const { waiting } = socket;
    socket.waiting = [];
    for (const message of waiting) this.#transmit(socket, { kind: 'message', message });
    socket.handler.opened(socket);
  }

  /** The end hears that its connection is over. */
  #end(socket: Socket<M>, reason: string): void {
    if (socket.isClosed) return;
    socket.isClosed = true;
    this.#sockets.delete(socket);
    this.#drop('never connected', socket.waiting.length);
    this.#dropHeld(socket, 'connection broke');
    socket.handler.closed(socket, reason);
  }

  #delayMs(from: HostIndex, to: HostIndex): number {
    const { baseMs, jitterMs, spikeOneIn, spikeMs } = this.latency;
    let delay = baseMs + this.#dice.below(jitterMs + 1);
    if (spikeOneIn > 0 && this.#dice.chance(1, spikeOneIn)) delay += this.#dice.below(spikeMs + 1);
    if (this.#slowness.size > 0) delay += (this.#slowness.get(from) ?? 0) + (this.#slowness.get(to) ?? 0);
    return delay;
  }

  #dropHeld(socket: Socket<M>, reason: DropReason): void {
    this.#drop(reason, socket.held.filter((packet) => packet.kind === 'message').length);
    socket.held = [];
  }

  #drop(reason: DropReason, count = 1): void {
    if (count > 0) this.drops.set(reason, (this.drops.get(reason) ?? 0) + count);
  }
}

function keyOf({ ip, port }: Address): string {
  return `${ip}:${port}`;
}

/** Hosts are numbered from −1 (nobody) to a few thousand. */
function pathKey(from: HostIndex, to: HostIndex): number {
  return (from + 1) * 65536 + to + 1;
}
