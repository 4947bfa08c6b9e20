/**
 * A network between cluster nodes that can be cut: every node announces the ports of a relay instead of its own, so all traffic between nodes (bus and
 * replication) passes through here. A cut is silent, as a real one is: connections stay open and new ones are accepted, but no byte gets through until
 * the network is healed.
 *
 * Who is at the other end of a connection is read from what it says first: on the bus the sender's node ID at bytes 40–79 of its first message, on a
 * replication link the port in `REPLCONF listening-port`. Test clients connect to the nodes themselves and are not cut off.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { joinCluster } from './cluster.js';
import { freePort } from './ports.js';
import { type ServerOptions, ServerProcess } from './server-process.js';

const BUS_PORT_INCREMENT = 10000;
const SENDER_ID_START = 40;
const SENDER_ID_END = 80;
/** A replica says its port among its first words. */
const GREETING_BYTES_MAX = 4096;

interface Link {
  readonly to: ServerProcess;
  readonly sockets: readonly [inbound: Socket, outbound: Socket];
  from: ServerProcess | null;
  /** What came from the sender before it was known, where nothing may pass until then. */
  held: Buffer[];
}

/** How the sender of a connection is told from its first bytes, and whether they may pass before it is known. */
interface Recognition {
  readonly identify: (greeting: Buffer) => ServerProcess | null;
  readonly mayPassUnknown: boolean;
}

export class CuttableNetwork {
  readonly nodes: ServerProcess[] = [];
  readonly #relays: Server[] = [];
  readonly #announced = new Map<ServerProcess, { port: number; busPort: number }>();
  readonly #idToNode = new Map<string, ServerProcess>();
  readonly #links = new Set<Link>();
  readonly #ends: (() => Promise<void>)[] = [];
  #sides: readonly (readonly ServerProcess[])[] = [];

  /** Starts a node that is reached by the others through this network only. */
  async addNode(options: ServerOptions): Promise<ServerProcess> {
    const [port, announcedPort] = [await freePort(), await freePort()];
    const announced = { port: announcedPort, busPort: announcedPort + BUS_PORT_INCREMENT };
    const announce = { 'cluster-announce-port': announced.port, 'cluster-announce-bus-port': announced.busPort };
    const node = await ServerProcess.start({ ...options, port, config: { ...options.config, ...announce } });
    this.nodes.push(node);
    this.#announced.set(node, announced);
    this.#idToNode.set(await node.text('CLUSTER', 'MYID'), node);
    // A replica tells who it is only after the first replies; on the bus the very first message may carry news.
    await this.#listen(announced.port, node, port, {
      identify: (greeting) => this.#byListeningPort(greeting),
      mayPassUnknown: true,
    });
    await this.#listen(announced.busPort, node, port + BUS_PORT_INCREMENT, {
      identify: (greeting) => this.#bySenderId(greeting),
      mayPassUnknown: false,
    });
    return node;
  }

  /** `joinCluster` with the announced addresses. */
  join(primaryCount: number): Promise<void> {
    return joinCluster(this.nodes, primaryCount, (node) => this.#announced.get(node)!);
  }

  /** From now on only nodes of the same side hear each other. */
  cut(...sides: readonly (readonly ServerProcess[])[]): void {
    this.#sides = sides;
    for (const link of this.#links) this.#apply(link);
  }

  heal(): void {
    this.cut();
  }

  /** Something that must have ended before the nodes do, whatever becomes of the test. */
  onClose(end: () => Promise<void>): void {
    this.#ends.push(end);
  }

  async close(): Promise<void> {
    for (const end of this.#ends) await end();
    for (const relay of this.#relays) relay.close();
    for (const link of this.#links) for (const socket of link.sockets) socket.destroy();
    await Promise.all(this.nodes.map((node) => node.dispose()));
  }

  async #listen(port: number, to: ServerProcess, targetPort: number, recognition: Recognition): Promise<void> {
    const relay = createServer((inbound) => this.#relay(inbound, to, targetPort, recognition));
    await new Promise<void>((resolve, reject) => relay.once('error', reject).listen(port, '127.0.0.1', resolve));
    this.#relays.push(relay);
  }

  #relay(inbound: Socket, to: ServerProcess, targetPort: number, recognition: Recognition): void {
    const outbound = connect({ host: '127.0.0.1', port: targetPort, noDelay: true });
    const link: Link = { to, sockets: [inbound, outbound], from: null, held: [] };
    this.#links.add(link);
    for (const [socket, other] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      socket.on('error', () => {});
      socket.on('close', () => {
        other.destroy();
        this.#links.delete(link);
      });
    }
    outbound.on('data', (bytes) => inbound.write(bytes));
    let greeting = Buffer.alloc(0);
    inbound.on('data', (bytes) => {
      link.held.push(bytes);
      if (link.from === null && greeting.length <= GREETING_BYTES_MAX) {
        greeting = Buffer.concat([greeting, bytes]);
        link.from = recognition.identify(greeting);
      }
      if (link.from !== null) this.#apply(link);
      else if (recognition.mayPassUnknown) pass(link);
    });
  }

  /** Lets the bytes of a link pass, or stops reading both ends, so that each sees what it would see behind a dead switch. */
  #apply(link: Link): void {
    if (link.from === null) return;
    const isCut = this.#sideOf(link.from) !== this.#sideOf(link.to);
    for (const socket of link.sockets) {
      if (isCut) socket.pause();
      else socket.resume();
    }
    if (!isCut) pass(link);
  }

  #sideOf(node: ServerProcess): number {
    return this.#sides.findIndex((side) => side.includes(node));
  }

  #bySenderId(greeting: Buffer): ServerProcess | null {
    if (greeting.length < SENDER_ID_END) return null;
    return this.#idToNode.get(greeting.toString('latin1', SENDER_ID_START, SENDER_ID_END)) ?? null;
  }

  #byListeningPort(greeting: Buffer): ServerProcess | null {
    const port = /listening-port\r\n\$\d+\r\n(\d+)\r\n/i.exec(greeting.toString('latin1'))?.[1];
    return port === undefined
      ? null
      : (this.nodes.find((node) => [node.port, this.#announced.get(node)!.port].includes(Number(port))) ?? null);
  }
}

function pass(link: Link): void {
  for (const bytes of link.held) link.sockets[1].write(bytes);
  link.held = [];
}
