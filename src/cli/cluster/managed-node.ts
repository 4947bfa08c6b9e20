/**
 * One node of the cluster as the manager sees it: its address, a connection, and what it said about itself when it was loaded. What is known of its slots
 * is corrected by whoever moves them.
 *
 * Bulk strings are bytes (keys need not be text); `text` and the like decode what is text by its nature.
 */
import type { Socket } from 'node:net';
import { ClientError } from '../../client/client-error.js';
import type { ClusterNodesLine } from '../../client/cluster-nodes.js';
import type { Arg } from '../../client/encode-command.js';
import type { ExchangeOptions, RespClient } from '../../client/resp-client.js';
import { type Reply, ReplyError } from '../../resp/reply-reader.js';
import { systemErrorText } from '../connection-settings.js';
import { NodeLost, NodeRefusal } from './failure.js';
import { SlotSet } from './slot-set.js';

/** The bus port of a node that was not told another one. */
const BUS_PORT_INCREMENT = 10_000;

export class ManagedNode {
  readonly host: string;
  readonly port: number;
  /** `host:port` */
  readonly address: string;
  id = '';
  /** As CLUSTER NODES has them, `myself` left out. */
  flags: string[] = [];
  /** ID of the primary it replicates; empty for a primary. */
  primaryId = '';
  configEpoch = 0;
  /** 0 where the cluster uses the usual one. */
  busPort = 0;
  slots = new SlotSet();
  /** Slot → ID of the node it goes to. */
  migrating = new Map<number, string>();
  /** Slot → ID of the node it comes from. */
  importing = new Map<number, string>();
  replicaCount = 0;
  readonly #client: RespClient;
  readonly #connectAgain: () => Promise<ManagedNode>;

  constructor(host: string, port: number, client: RespClient, connectAgain: () => Promise<ManagedNode>) {
    this.host = host;
    this.port = port;
    this.address = `${host}:${port}`;
    this.#client = client;
    this.#connectAgain = connectAgain;
  }

  get isReplica(): boolean {
    return this.flags.includes('slave');
  }

  /** The same node over another connection, for what shall not wait behind this one's commands. Both know of the same slots. */
  async connectAgain(): Promise<ManagedNode> {
    const twin = await this.#connectAgain();
    twin.id = this.id;
    twin.slots = this.slots;
    return twin;
  }

  /** Takes over what its own line of CLUSTER NODES says. */
  describe(line: ClusterNodesLine): void {
    this.id = line.id;
    this.flags = line.flags.filter((flag) => flag !== 'myself' && flag !== '');
    this.primaryId = line.primaryId;
    this.configEpoch = line.configEpoch;
    this.busPort = line.busPort === line.port + BUS_PORT_INCREMENT ? 0 : line.busPort;
    this.slots = SlotSet.ofRanges(line.slots);
    const open = (state: string) => line.openSlots.filter((slot) => slot.state === state);
    this.migrating = new Map(open('migrating').map(({ slot, nodeId }) => [slot, nodeId]));
    this.importing = new Map(open('importing').map(({ slot, nodeId }) => [slot, nodeId]));
  }

  /** Sends one command. Fails with a NodeRefusal if the reply is an error, with NodeLost if none comes. */
  async call(...args: Arg[]): Promise<Reply> {
    return this.request(args);
  }

  /** `call` with options. */
  async request(args: readonly Arg[], options: ExchangeOptions = {}): Promise<Reply> {
    try {
      return await this.#client.request(args, options);
    } catch (error) {
      throw this.#failureOf(error);
    }
  }

  /** Sends several commands at once. Error replies are values in the result. */
  async pipeline(commands: readonly (readonly Arg[])[]): Promise<Reply[]> {
    try {
      return await this.#client.pipeline(commands);
    } catch (error) {
      throw this.#failureOf(error);
    }
  }

  /** `call` for replies that are text. */
  async text(...args: Arg[]): Promise<string> {
    return String(await this.call(...args));
  }

  async keysInSlot(slot: number): Promise<number> {
    return Number(await this.call('CLUSTER', 'COUNTKEYSINSLOT', slot));
  }

  /** Hands over a connection of its own, for a protocol that is not RESP. */
  async detachedSocket(): Promise<Socket> {
    return (await this.connectAgain()).#client.detach();
  }

  close(): void {
    this.#client.close();
  }

  #failureOf(error: unknown): unknown {
    if (error instanceof ReplyError) return new NodeRefusal(this.address, error.message);
    if (error instanceof ClientError) return new NodeLost(this.address, systemErrorText(error));
    return error;
  }
}
