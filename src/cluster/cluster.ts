/**
 * One node of a cluster at run time: the core, its clocks and its chance, nodes.conf and the bus, tied together.
 *
 *   inputs (ticks, messages, link events, admin requests, …) → `step` of the core → effects: at once, except saves and sends
 *   end of an input, or of all messages of one read → `settle`: one save if any step asked for it, then all sends in order
 *
 * Invariants: (1) nothing is sent and no admin request is answered before a state that must be durable is; (2) what must be durable at once goes
 * to the journal of nodes.conf, and everything is in nodes.conf itself one tick later at most: a move of slots asks for thousands of saves; (3) a save that fails ends the
 * process; (4) steps do not nest: what an effect causes is handled after the step.
 * Source: spec/cluster.md 0.2, 10; `core/protocol.ts` for what is owed to each effect.
 */
import { randomInt } from 'node:crypto';
import { Bus, type BusListener } from './bus.js';
import type { AdminReply, Effect, Input } from './core/protocol.js';
import { newCluster } from './core/start.js';
import { step } from './core/step.js';
import type { ClusterOptions, ClusterState, Environment, LinkId, NodeId, Now } from './core/types.js';
import type { ClusterHost } from './host.js';
import { encodeNodesConf, loadNodesConf } from './nodes-conf.js';
import { NodesFile } from './nodes-file.js';
import { ServedSlots } from './redirect.js';
import { type DecodeResult, encodeMessage } from './wire/index.js';

const TICK_MS = 100;

/** Gossip of a thousand nodes with as many forgotten ones: what a stranger may have to say. */
const STRANGER_FRAME_BYTES_MAX = 256 * 1024;
/** Room for what comes with a published message besides its text. */
const PUBLISH_OVERHEAD_BYTES = 64 * 1024;

export const random = { below: (bound: number): number => randomInt(bound) };

/** Whole milliseconds, from both clocks. */
export function now(): Now {
  return { monotonicMs: Math.floor(performance.now()), unixMs: Date.now() };
}

/** nodes.conf cannot be used. `lines` are for the log. */
export class NodesConfError extends Error {
  readonly code = 'NODES_CONF';
  readonly lines: readonly string[];

  constructor(lines: readonly string[], cause?: unknown) {
    super(lines.join('\n'), { cause });
    this.lines = lines;
  }
}

export class Cluster implements BusListener {
  readonly state: ClusterState;
  readonly bus: Bus;
  readonly served = new ServedSlots();
  /** Longest text that may be published, in bytes. */
  publishBytesMax = 512 * 1024 * 1024;
  readonly #host: ClusterHost;
  readonly #file: NodesFile;
  readonly #environment: Environment;
  readonly #waiting: Input[] = [];
  #isStepping = false;
  #sends: (Effect & { kind: 'send' })[] = [];
  /** A step since the last `settled` has changed what nodes.conf keeps; and it must be durable. */
  #hasChanged = false;
  #mustSync = false;
  /** nodes.conf lags behind the state; the next tick writes it. */
  #isFileDue = false;
  /** There are changes that were not asked to be durable, and are not. */
  #isUnsynced = false;
  /** Whether what must be durable goes to the journal of nodes.conf for now. */
  #usesJournal = true;
  #servedStatus: ClusterState['status'] = 'fail';
  #reply: AdminReply | null = null;
  #timer: NodeJS.Timeout | null = null;

  /**
   * Loads nodes.conf, or makes a new node and writes it. The caller holds the lock.
   * @throws NodesConfError
   */
  static load(file: string, options: ClusterOptions, host: ClusterHost): Cluster {
    const nodesFile = new NodesFile(file);
    let text: string;
    try {
      const stored = nodesFile.load();
      text = stored.text;
      if (stored.isRecovered) host.log('notice', `${file} was behind its journal, from which it has been renewed.`);
    } catch (error) {
      throw new NodesConfError([`Loading the cluster node config from ${file}: ${(error as Error).message}`], error);
    }
    if (text === '') {
      const state = newCluster(options, random, now());
      const cluster = new Cluster(state, nodesFile, host);
      host.log('notice', `No cluster configuration found, I'm ${state.myId}`);
      cluster.#replaceFile(true);
      return cluster;
    }
    const loaded = loadNodesConf(text, options, random, now());
    if (!loaded.ok) {
      throw new NodesConfError([
        `${file}, line ${loaded.lineNumber}: ${loaded.reason}`,
        `Unrecoverable error: corrupted cluster config file "${loaded.line}".`,
      ]);
    }
    host.log('notice', `Node configuration loaded, I'm ${loaded.state.myId}`);
    return new Cluster(loaded.state, nodesFile, host);
  }

  private constructor(state: ClusterState, file: NodesFile, host: ClusterHost) {
    this.state = state;
    this.#file = file;
    this.#host = host;
    this.bus = new Bus(this);
    this.#environment = {
      random,
      keyspace: host.keyspace,
      replication: host.replication,
      links: { queuedBytes: (link) => this.bus.queuedBytes(link) },
    };
  }

  /** The data set is loaded: claims the slots of its keys, and begins to take part in the cluster. */
  start(): void {
    this.#input({ kind: 'dataset-loaded', now: now() });
    this.bus.release();
    this.#timer = setInterval(() => {
      // After a stall, what has arrived meanwhile is read first: a node that slept must not take the others for dead.
      setImmediate(() => this.tick());
    }, TICK_MS);
    // At once, so that a replica follows its primary before it serves anybody.
    this.tick();
  }

  /** Leaves the bus, with a last save. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.bus.stop();
    this.#waiting.length = 0;
    this.#trySave(() => this.#file.close(encodeNodesConf(this.state)));
  }

  tick(): void {
    if (this.#timer === null) return;
    this.#input({ kind: 'tick', now: now() });
    if (this.#isFileDue) this.#replaceFile(false);
  }

  /** A CLUSTER subcommand that changes something. Its effects are done, and saved, on return. */
  admin(args: readonly string[]): AdminReply {
    // The operator may look into the file next, or copy it. The steps of a move of slots are the exception, as there are so many.
    const isStepOfMove = args[0]?.toLowerCase() === 'setslot';
    this.#usesJournal = isStepOfMove;
    const reply = this.#ask({ kind: 'admin', now: now(), args });
    this.#usesJournal = true;
    if (this.#isFileDue && !isStepOfMove) this.#replaceFile(false);
    return reply;
  }

  /**
   * Makes everything durable that this node was told about its slots. Owed before a client sees the consequence of a mark MIGRATING: before it is sent
   * away by ASK, and before a key leaves. Costs nothing when nothing has changed.
   *
   * A node that lost the mark with the power would answer for the keys that have left as if they did not exist.
   */
  makeDurable(): void {
    if (this.#isUnsynced) this.#saveDurably();
  }

  /** DEBUG CLUSTERLINK KILL. */
  killLinks(node: NodeId, direction: string): AdminReply {
    return this.#ask({ kind: 'kill-links', now: now(), node, direction });
  }

  /** DEBUG DROP-CLUSTER-PACKET-FILTER. */
  dropPackets(typeCode: number): void {
    this.#input({ kind: 'drop-packets', now: now(), typeCode });
  }

  /** PUBLISH or SPUBLISH was executed here. The bytes must not change any more. */
  publish(channel: Uint8Array, payload: Uint8Array, sharded: boolean): void {
    this.#input({ kind: 'publish', now: now(), channel, payload, sharded });
  }

  configure(options: ClusterOptions): void {
    this.#input({ kind: 'configure', now: now(), options });
  }

  /** As a replica: more of the primary's stream has been processed. Costs nothing unless a manual failover waits for it. */
  replicationProgressed(): void {
    if (this.state.manualFailover.primaryOffset >= 0) this.#input({ kind: 'replication-progress', now: now() });
  }

  /** This node's replication offset. */
  get offset(): number {
    return this.#host.replication.offset();
  }

  /** CLUSTER SAVECONFIG. @returns what went wrong, or null */
  save(): string | null {
    try {
      this.#file.replace(encodeNodesConf(this.state), true);
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  }

  linkAccepted(link: LinkId, remoteIp: string, localIp: string): void {
    this.#input({ kind: 'link-accepted', now: now(), link, remoteIp, localIp });
  }

  linkUp(link: LinkId, remoteIp: string, localIp: string): void {
    this.#input({ kind: 'link-up', now: now(), link, remoteIp, localIp });
  }

  linkDown(link: LinkId, reason: string): void {
    this.#input({ kind: 'link-down', now: now(), link, reason });
  }

  received(link: LinkId, result: DecodeResult): void {
    if (result.ok) this.#step({ kind: 'message', now: now(), link, message: result.message });
    else this.#step({ kind: 'malformed', now: now(), link, frame: result });
  }

  /** Saves what must be durable of the steps since the last call, then sends what they had to say. */
  settled(): void {
    if (this.#isStepping) return;
    if (this.#mustSync) this.#saveDurably();
    else if (this.#hasChanged) this.#isUnsynced = true;
    this.#isFileDue ||= this.#hasChanged && (this.#usesJournal || !this.#mustSync);
    if (this.#hasChanged || this.state.status !== this.#servedStatus) this.#refreshServed();
    this.#hasChanged = false;
    this.#mustSync = false;
    const sends = this.#sends;
    this.#sends = [];
    for (const { links, message } of sends) this.bus.send(links, encodeMessage(message));
  }

  frameBytesMax(link: LinkId): number {
    const { node } = this.state.links.get(link) ?? { node: null };
    return node === null ? STRANGER_FRAME_BYTES_MAX : this.publishBytesMax + PUBLISH_OVERHEAD_BYTES;
  }

  #input(input: Input): void {
    this.#step(input);
    this.settled();
  }

  #ask(input: Input): AdminReply {
    this.#reply = null;
    this.#input(input);
    return this.#reply!;
  }

  #step(input: Input): void {
    if (this.#isStepping) {
      this.#waiting.push(input);
      return;
    }
    this.#isStepping = true;
    for (let next: Input | undefined = input; next !== undefined; next = this.#waiting.shift()) {
      const effects: Effect[] = [];
      step(this.state, next, this.#environment, effects);
      for (const effect of effects) this.#perform(effect);
    }
    this.#isStepping = false;
  }

  #perform(effect: Effect): void {
    const host = this.#host;
    switch (effect.kind) {
      case 'persist':
        this.#hasChanged = true;
        this.#mustSync ||= effect.fsync;
        return;
      case 'send':
        this.#sends.push(effect);
        return;
      case 'connect':
        this.#connect(effect.link, effect.ip, effect.port);
        return;
      case 'disconnect':
        return this.bus.close(effect.link);
      case 'become-primary':
        return host.becomePrimary();
      case 'replicate':
        return host.replicate(effect.ip, effect.port);
      case 'discard-dataset':
        return host.discardDataset();
      case 'pause-writes':
        return host.pauseWrites(effect.untilMs - this.state.now.monotonicMs);
      case 'resume-writes':
        return host.resumeWrites();
      case 'delete-keys':
        return host.deleteKeys(effect.slots);
      case 'drop-shard-subscriptions':
        return host.dropShardSubscriptions(effect.slots);
      case 'publish':
        return host.publish(effect.channel, effect.payload, effect.sharded);
      case 'reply':
        this.#reply = effect.reply;
        return;
      case 'log':
        return host.log(effect.level, effect.text);
    }
  }

  #connect(link: LinkId, ip: string, port: number): void {
    if (ip !== '' && port !== 0) this.bus.connect(link, ip, port);
    else setImmediate(() => this.linkDown(link, 'No address'));
  }

  #saveDurably(): void {
    this.#isUnsynced = false;
    if (this.#usesJournal) this.#trySave(() => this.#file.commit(encodeNodesConf(this.state)));
    else this.#replaceFile(true);
  }

  #replaceFile(fsync: boolean): void {
    this.#isFileDue = false;
    this.#trySave(() => this.#file.replace(encodeNodesConf(this.state), fsync));
  }

  #trySave(save: () => void): void {
    try {
      save();
    } catch (error) {
      this.#host.log('warning', `Could not save ${this.#file.path}: ${(error as Error).message}`);
      this.#host.log('warning', "Fatal: can't update cluster config file.");
      this.#host.exit(1);
    }
  }

  #refreshServed(): void {
    this.#servedStatus = this.state.status;
    this.served.refresh(this.state);
    this.#host.slotsChanged();
  }
}
