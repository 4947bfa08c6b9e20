/**
 * The sockets of the cluster bus: listens, connects, cuts the streams into messages, sends. It decides nothing; the core (`core/`) does.
 *
 *   accepted link: accepted (while the bus is held: waiting, unread) → open → ended
 *   outbound link: connecting (what is sent waits) → open → ended
 *
 * Invariants: (1) a link is in `links` from the moment it has an id until it ended or was closed; (2) of a link closed from here nothing is heard any more;
 * (3) bytes held for incomplete frames are bounded by `frameBytesMax` per link, bytes queued for sending by what the core lets live (it closes links that
 * do not answer, or exceed `cluster-link-sendbuf-limit`). Source: spec/cluster.md 2.2, 3.6.
 */
import { createServer, connect as openSocket, type Server, type Socket } from 'node:net';
import type { LinkId } from './core/types.js';
import type { DecodeResult } from './wire/decode.js';
import { FrameReader } from './wire/frame-reader.js';

/** Who hears what happens on the bus. Never called from inside a call to the bus. */
export interface BusListener {
  linkAccepted(link: LinkId, remoteIp: string, localIp: string): void;
  linkUp(link: LinkId, remoteIp: string, localIp: string): void;
  linkDown(link: LinkId, reason: string): void;
  received(link: LinkId, result: DecodeResult): void;
  /** All messages of one read have been handed over. */
  settled(): void;
  /** Longest frame to be read from this link, in bytes: strangers get less room than members. */
  frameBytesMax(link: LinkId): number;
}

export interface BusAddress {
  readonly host: string;
  /** An address that this machine may lack. */
  readonly isOptional: boolean;
}

/** Accepted while the bus is held; more are closed. They are nodes that will try again. */
const WAITING_MAX = 1000;
const KEEP_ALIVE_MIN_MS = 1000;

interface Link {
  readonly socket: Socket;
  readonly reader: FrameReader;
  failure: string;
}

export class Bus {
  readonly #listener: BusListener;
  readonly #links = new Map<LinkId, Link>();
  readonly #servers: Server[] = [];
  #waiting: Socket[] = [];
  #isHeld = true;
  #lastAcceptedId = 0;
  /** Address from which connections are made; '' = the system's choice. */
  sourceAddress = '';
  /** How long a silent connection goes without a probe. */
  keepAliveMs = 30000;

  constructor(listener: BusListener) {
    this.#listener = listener;
  }

  /** Opens the port on all addresses. Connections wait until `release`. @throws Error of the socket that could not be opened */
  async listen(addresses: readonly BusAddress[], port: number): Promise<void> {
    for (const { host, isOptional } of addresses) {
      try {
        this.#servers.push(await this.#listenOn(host, port));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (isOptional && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT' || code === 'ENOTFOUND')) continue;
        this.stop();
        throw error;
      }
    }
    if (this.#servers.length === 0) throw new Error(`none of the addresses to bind is there`);
  }

  /** Begins to serve accepted connections: the data set is loaded. */
  release(): void {
    this.#isHeld = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const socket of waiting) if (!socket.destroyed) this.#accept(socket);
  }

  connect(link: LinkId, ip: string, port: number): void {
    const socket = openSocket({
      host: ip,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: this.keepAliveMs,
      ...(this.sourceAddress === '' ? {} : { localAddress: this.sourceAddress }),
    });
    socket.once('connect', () => {
      if (!this.#links.has(link)) return;
      this.#listener.linkUp(link, plainIp(socket.remoteAddress), plainIp(socket.localAddress));
    });
    this.#serve(link, socket);
  }

  /** Queues the bytes, which must not change any more, on each of the links. Links that are gone are skipped. */
  send(links: readonly LinkId[], bytes: Uint8Array): void {
    for (const id of links) this.#links.get(id)?.socket.write(bytes);
  }

  close(link: LinkId): void {
    const { socket } = this.#links.get(link) ?? {};
    this.#links.delete(link);
    socket?.destroy();
  }

  /** Bytes queued on a link that the kernel has not taken. */
  queuedBytes(link: LinkId): number {
    return this.#links.get(link)?.socket.writableLength ?? 0;
  }

  /** Bytes of memory that all links hold: for INFO. */
  get memoryBytes(): number {
    let sum = 0;
    for (const { socket, reader } of this.#links.values()) sum += socket.writableLength + reader.pendingBytes;
    return sum;
  }

  /** Closes everything; nothing is heard any more. */
  stop(): void {
    for (const server of this.#servers) server.close();
    this.#servers.length = 0;
    for (const socket of this.#waiting) socket.destroy();
    this.#waiting = [];
    for (const id of [...this.#links.keys()]) this.close(id);
  }

  #listenOn(host: string, port: number): Promise<Server> {
    return new Promise((resolve, reject) => {
      const server = createServer({ pauseOnConnect: true }, (socket) => this.#onConnection(socket));
      server.once('error', reject);
      server.listen({ host, port, ipv6Only: host.includes(':') }, () => {
        server.off('error', reject);
        // Out of descriptors: the peer tries again, and so does accept.
        server.on('error', () => {});
        resolve(server);
      });
    });
  }

  #onConnection(socket: Socket): void {
    socket.on('error', () => {});
    if (!this.#isHeld) {
      this.#accept(socket);
    } else if (this.#waiting.length < WAITING_MAX) {
      this.#waiting.push(socket);
    } else {
      socket.destroy();
    }
  }

  #accept(socket: Socket): void {
    this.#lastAcceptedId -= 1;
    const link = this.#lastAcceptedId;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, Math.max(this.keepAliveMs, KEEP_ALIVE_MIN_MS));
    this.#serve(link, socket);
    this.#listener.linkAccepted(link, plainIp(socket.remoteAddress), plainIp(socket.localAddress));
    socket.resume();
  }

  #serve(id: LinkId, socket: Socket): void {
    const link: Link = { socket, reader: new FrameReader(0), failure: 'Connection closed by peer' };
    this.#links.set(id, link);
    socket.on('data', (chunk) => this.#onData(id, link, chunk));
    socket.on('error', (error) => {
      link.failure = error.message;
    });
    socket.once('close', () => {
      if (this.#links.get(id) !== link) return;
      this.#links.delete(id);
      this.#listener.linkDown(id, link.failure);
    });
  }

  #onData(id: LinkId, link: Link, chunk: Buffer): void {
    if (this.#links.get(id) !== link) return;
    link.reader.bytesMax = this.#listener.frameBytesMax(id);
    // Not the Buffer itself: its `slice` shares memory, and the messages must own what they keep of this chunk.
    const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
    link.reader.push(bytes, (result) => this.#listener.received(id, result));
    this.#listener.settled();
  }
}

/** An IPv4 peer on an IPv6 socket is an IPv4 peer. */
function plainIp(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/, '');
}
