/**
 * ClusterClient: one face for a whole cluster. It keeps a map slot → address of the primary, sends each command there, and follows what the nodes say:
 *
 *   MOVED                   the map is wrong: correct the slot, follow at once, fetch the whole map in the background
 *   ASK                     this slot is moving: ask the other node once (ASKING + command), keep the map
 *   TRYAGAIN                keys of the command are on both sides of a move: wait, try again
 *   CLUSTERDOWN, LOADING,   the slot has no working primary just now: wait, fetch the map, try again
 *   MASTERDOWN, no link
 *
 * A command is retried until `retryForMs` have passed; then its last error is thrown. A command whose connection broke may have been executed: it is
 * sent again, so writes are at-least-once (`retryLost: false` makes them at-most-once). Pipelines are split by node; inside one node the order is
 * kept, except that redirected commands follow after the others.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { keySlot, SLOT_COUNT } from '../keyspace/key-slot.js';
import { type Reply, ReplyError } from '../resp/reply-reader.js';
import { ClientError } from './client-error.js';
import { type Arg, encodeCommands } from './encode-command.js';
import { firstKey } from './first-key.js';
import { RespClient, type RespClientOptions } from './resp-client.js';

export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

export interface ClusterClientOptions {
  /** Any nodes of the cluster; they are asked for the map, at the start and whenever no known node answers. */
  readonly seeds: readonly NodeAddress[];
  readonly username?: string;
  readonly password?: string;
  readonly replies?: 'text' | 'bytes';
  /** Default 2. */
  readonly protocol?: 2 | 3;
  /** Encrypts the connections to all nodes. */
  readonly tls?: RespClientOptions['tls'];
  /** Default 2000. */
  readonly connectTimeoutMs?: number;
  /** Default 5000. A node that hangs is noticed by this. */
  readonly commandTimeoutMs?: number;
  /** How long one command is retried. Default 15000: a failover at the default node timeout takes a little longer, at 5000 ms less. */
  readonly retryForMs?: number;
  /** Default true: see above. */
  readonly retryLost?: boolean;
}

/** How often each thing happened that the caller does not see. */
export interface ClusterClientCounters {
  moved: number;
  ask: number;
  tryAgain: number;
  down: number;
  lost: number;
}

/** Pause before a command is tried again where following at once would only ask the same question. */
const RETRY_DELAY_MS = 25;
/** After so many redirections in a row without an answer the two nodes do not agree yet; waiting is cheaper than running between them. */
const MAX_HOPS_WITHOUT_PAUSE = 5;
/** Longest wait for a node's map: another node knows it as well. */
const MAP_TIMEOUT_MS = 1000;
const DOWN_CODES = new Set(['CLUSTERDOWN', 'LOADING', 'MASTERDOWN']);

type Verdict = 'answer' | 'moved' | 'ask' | 'tryAgain' | 'down';

export class ClusterClient {
  readonly counters: ClusterClientCounters = { moved: 0, ask: 0, tryAgain: 0, down: 0, lost: 0 };
  readonly #options: ClusterClientOptions;
  readonly #owners: string[] = new Array<string>(SLOT_COUNT).fill('');
  readonly #clients = new Map<string, Promise<RespClient>>();
  #refreshing: Promise<void> | null = null;
  #fetches = 0;
  #closed = false;

  static async connect(options: ClusterClientOptions): Promise<ClusterClient> {
    const client = new ClusterClient(options);
    try {
      await client.refresh();
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  }

  private constructor(options: ClusterClientOptions) {
    this.#options = options;
  }

  /** Sends one command to the node that owns its first key; one without a key goes to any node. Rejects with the ReplyError if the reply is one. */
  async call(...args: Arg[]): Promise<Reply> {
    const reply = await this.#run(args);
    if (reply instanceof ReplyError) throw reply;
    return reply;
  }

  /** Sends all commands, grouped by node. The result is in the order of the commands; error replies are values in it. */
  async pipeline(commands: readonly (readonly Arg[])[]): Promise<Reply[]> {
    const replies = new Array<Reply>(commands.length).fill(null);
    const indexesByAddress = new Map<string, number[]>();
    commands.forEach((args, index) => {
      const address = this.#addressFor(args);
      const indexes = indexesByAddress.get(address);
      if (indexes === undefined) indexesByAddress.set(address, [index]);
      else indexes.push(index);
    });
    const runGroup = async (address: string, indexes: number[]): Promise<void> => {
      const group = indexes.map((index) => commands[index]!);
      const answered = await this.#sendPipeline(address, group);
      for (const [at, index] of indexes.entries()) {
        const reply = answered[at];
        if (reply !== undefined && verdictOn(reply) === 'answer') replies[index] = reply;
        else replies[index] = await this.#run(commands[index]!);
      }
    };
    await Promise.all(Array.from(indexesByAddress, ([address, indexes]) => runGroup(address, indexes)));
    return replies;
  }

  /** The address (`host:port`) the map has for a slot, '' if none. */
  ownerOf(slot: number): string {
    return this.#owners[slot]!;
  }

  /**
   * Fetches the map from the first node that answers; each fetch begins with another node, since one that is cut off from the rest answers too, but
   * with what it knew. Concurrent calls share one fetch.
   */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#fetchMap().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  close(): void {
    this.#closed = true;
    for (const connecting of this.#clients.values()) {
      connecting.then(
        (client) => client.close(),
        () => {},
      );
    }
    this.#clients.clear();
  }

  /** Runs one command to its answer: redirections and retries happen here. An error reply that is the answer is returned. */
  async #run(args: readonly Arg[]): Promise<Reply> {
    const giveUpAtMs = performance.now() + (this.#options.retryForMs ?? 15000);
    const key = firstKey(args);
    const slot = key === null ? -1 : keySlot(key);
    let address = this.#addressFor(args);
    let asking = false;
    for (let hops = 1; ; hops++) {
      const outcome = await this.#attempt(address, args, asking);
      asking = false;
      if (outcome instanceof ClientError) {
        if (performance.now() > giveUpAtMs || this.#closed) throw outcome;
        await this.#pauseAndRefresh();
        address = this.#addressFor(args);
        continue;
      }
      const verdict = verdictOn(outcome);
      if (verdict === 'answer') return outcome;
      this.counters[verdict]++;
      if (performance.now() > giveUpAtMs) return outcome;
      if (verdict === 'moved' || verdict === 'ask') {
        address = this.#redirectTarget(outcome as ReplyError, address);
        asking = verdict === 'ask';
        if (verdict === 'moved') {
          if (slot >= 0) this.#owners[slot] = address;
          this.refresh().catch(() => {});
        }
        if (hops % MAX_HOPS_WITHOUT_PAUSE === 0) await sleep(RETRY_DELAY_MS);
      } else {
        if (verdict === 'down') await this.#pauseAndRefresh();
        else await sleep(RETRY_DELAY_MS);
        address = this.#addressFor(args);
      }
    }
  }

  /** One try at one node. A ClientError is returned where trying again is allowed, thrown where it is not. */
  async #attempt(address: string, args: readonly Arg[], asking: boolean): Promise<Reply | ClientError> {
    let client: RespClient;
    try {
      client = await this.#clientFor(address);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.counters.lost++;
      return error;
    }
    try {
      const commands = asking ? [['ASKING'], args] : [args];
      return (await client.pipeline(commands)).at(-1)!;
    } catch (error) {
      if (!(error instanceof ClientError) || error.code === 'BACKPRESSURE' || this.#options.retryLost === false)
        throw error;
      this.counters.lost++;
      return error;
    }
  }

  /** Replies of a group sent to one node; none where the node could not be reached or the connection broke and retrying is allowed. */
  async #sendPipeline(address: string, commands: readonly (readonly Arg[])[]): Promise<Reply[]> {
    try {
      const client = await this.#clientFor(address);
      return await client.exchange(encodeCommands(commands), commands.length);
    } catch (error) {
      const mayRetry =
        error instanceof ClientError && error.code !== 'BACKPRESSURE' && this.#options.retryLost !== false;
      if (!mayRetry) throw error;
      this.counters.lost++;
      return [];
    }
  }

  #addressFor(args: readonly Arg[]): string {
    const key = firstKey(args);
    const owner = key === null ? '' : this.#owners[keySlot(key)]!;
    if (owner !== '') return owner;
    return this.#owners.find((address) => address !== '') ?? addressOf(this.#options.seeds[0]!);
  }

  /** `MOVED 3999 127.0.0.1:6381`; an empty host means the host of the node that said so. */
  #redirectTarget(error: ReplyError, from: string): string {
    const target = error.message.split(' ')[2] ?? '';
    return target.startsWith(':') ? `${hostOf(from)}${target}` : target;
  }

  async #pauseAndRefresh(): Promise<void> {
    await sleep(RETRY_DELAY_MS);
    await this.refresh().catch(() => {});
  }

  #clientFor(address: string): Promise<RespClient> {
    if (this.#closed) return Promise.reject(new ClientError('CONNECTION_CLOSED', 'The cluster client is closed'));
    let connecting = this.#clients.get(address);
    if (connecting === undefined) {
      const forget = () => this.#clients.delete(address);
      connecting = RespClient.connect(this.#connectionOptions(address, forget));
      connecting.catch(forget);
      this.#clients.set(address, connecting);
    }
    return connecting;
  }

  #connectionOptions(address: string, onClose: () => void): RespClientOptions {
    const {
      username,
      password,
      replies,
      protocol,
      tls,
      connectTimeoutMs = 2000,
      commandTimeoutMs = 5000,
    } = this.#options;
    return {
      host: hostOf(address),
      port: Number(address.slice(address.lastIndexOf(':') + 1)),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(replies === undefined ? {} : { replies }),
      ...(protocol === undefined ? {} : { protocol }),
      ...(tls === undefined ? {} : { tls }),
      connectTimeoutMs,
      commandTimeoutMs,
      onClose,
    };
  }

  async #fetchMap(): Promise<void> {
    const seeds = this.#options.seeds.map(addressOf);
    const known = [...new Set([...this.#owners.filter((address) => address !== ''), ...seeds])];
    const first = this.#fetches++;
    let lastError: unknown = null;
    for (let turn = 0; turn < known.length; turn++) {
      const address = known[(first + turn) % known.length]!;
      try {
        const client = await this.#clientFor(address);
        const ranges = (await client.request(['CLUSTER', 'SLOTS'], { timeoutMs: MAP_TIMEOUT_MS })) as Reply[];
        if (ranges.length === 0) continue;
        this.#adoptMap(ranges, hostOf(address));
        return;
      } catch (error) {
        lastError = error;
      }
    }
    throw new ClientError('NO_NODE', `No node of the cluster knows its slots; asked ${known.join(', ')}`, lastError);
  }

  /** CLUSTER SLOTS: `[first, last, [host, port, id, …], replicas …] …`. A host that is null, empty or `?` is the host of the node asked. */
  #adoptMap(ranges: Reply[], askedHost: string): void {
    const owners = new Array<string>(SLOT_COUNT).fill('');
    for (const range of ranges) {
      const [first, last, primary] = range as [number, number, [Reply, number]];
      const host = String(primary[0] ?? '');
      owners.fill(`${host === '' || host === '?' ? askedHost : host}:${primary[1]}`, first, last + 1);
    }
    for (const [slot, owner] of owners.entries()) if (owner !== '') this.#owners[slot] = owner;
  }
}

function verdictOn(reply: Reply): Verdict {
  if (!(reply instanceof ReplyError)) return 'answer';
  if (reply.code === 'MOVED') return 'moved';
  if (reply.code === 'ASK') return 'ask';
  if (reply.code === 'TRYAGAIN') return 'tryAgain';
  return DOWN_CODES.has(reply.code) ? 'down' : 'answer';
}

function addressOf(node: NodeAddress): string {
  return `${node.host}:${node.port}`;
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'));
}
