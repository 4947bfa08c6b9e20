/**
 * The state of the cluster core, and the small read-only windows through which it sees the rest of the server.
 *
 * State is plain data: it can be printed, cloned (`structuredClone`) and compared (`deepStrictEqual`). Only the functions of this folder change it.
 *
 * Times inside the state are monotonic milliseconds (`Now.monotonicMs`), so that a step of the wall clock neither fails a node nor hides a failure;
 * `NEVER` (minus infinity) makes "how long ago" arithmetic right without a special case. Unix time appears only in messages and nodes.conf.
 *
 * Invariants:
 *  1. `nodes` has an entry for `myId`, with flag Myself; the key of each entry is its `id`.
 *  2. `slotOwners[s] === n.id` exactly when bit s of `n.slots` is set; `n.slotCount` counts those bits.
 *  3. `n.replicaOf === p` exactly when `p` is in `nodes` and its `replicas` holds `n.id` (null: primary, or replica of an unknown primary).
 *  4. A link id in `n.outbound` / `n.inbound` is in `links` with `node === n.id`.
 *  5. `currentEpoch` is at least the own config epoch and never falls except at a hard reset.
 */
import type { NodeId, SlotBitmap } from './message.js';

export type { NodeId, SlotBitmap } from './message.js';
export { NodeFlag } from './message.js';

export const SLOT_COUNT = 16384;

/** The time stamp of something that has not happened. */
export const NEVER = Number.NEGATIVE_INFINITY;

/** The two clocks, both in whole milliseconds. */
export interface Now {
  /** For time-outs: never jumps, never falls. Its zero is arbitrary. */
  monotonicMs: number;
  /** For the wire and nodes.conf. */
  unixMs: number;
}

/**
 * A bus connection. Outbound links (this node connected) have positive ids given by the core; accepted ones have negative ids given by the shell,
 * which never uses one twice.
 */
export type LinkId = number;

export interface BusLink {
  id: LinkId;
  /** The node at the other end; null while an accepted link has not said who it is. */
  node: NodeId | null;
  createdAtMs: number;
  /** The same moment in Unix time, as CLUSTER LINKS shows it. */
  createdAtUnixMs: number;
  /** False while an outbound link is still connecting. */
  isUp: boolean;
  /** Addresses of the socket; empty until it is connected. */
  remoteIp: string;
  localIp: string;
}

export interface ClusterNode {
  id: NodeId;
  /** `NodeFlag` bits. */
  flags: number;
  shardId: string;
  createdAtMs: number;
  configEpoch: number;
  /** Never changed in place once `slotsShared` is set: a message under way may be looking at it. */
  slots: SlotBitmap;
  slotsShared: boolean;
  slotCount: number;
  replicas: NodeId[];
  replicaOf: NodeId | null;
  /** NEVER = no ping pending. */
  pingSentAtMs: number;
  pongReceivedAtMs: number;
  /** Any complete message from the node. */
  dataReceivedAtMs: number;
  failedAtMs: number;
  /** When this node last voted for a replica of that node. */
  votedAtMs: number;
  replicationOffset: number;
  orphanedAtMs: number;
  /** At most 45 characters; empty = unknown. */
  ip: string;
  tcpPort: number;
  tlsPort: number;
  busPort: number;
  hostname: string;
  humanNodename: string;
  outbound: LinkId | null;
  inbound: LinkId | null;
  /** Reporter → time of its last failure report about this node. */
  failureReports: Map<NodeId, number>;
}

/** The election of a replica; see `election.ts` for the states. */
export interface Election {
  /** When the votes are (or were) to be asked for. */
  startsAtMs: number;
  rank: number;
  hasAsked: boolean;
  epoch: number;
  voters: NodeId[];
  /** Last reason logged for not failing over, and when. */
  blockedReason: string;
  blockedLoggedAtMs: number;
}

/** A manual failover, at the replica that takes over or at the primary that gives up; see `manual-failover.ts`. */
export interface ManualFailover {
  /** NEVER = none is running. */
  endsAtMs: number;
  /** At the replica: the primary's stream is processed (or was not to be waited for), the election may begin. */
  canStart: boolean;
  /** At the primary: the replica that asked. */
  replica: NodeId | null;
  /** At the replica: the offset at which the paused primary stands, −1 until it is known. */
  primaryOffset: number;
}

export interface ClusterState {
  myId: NodeId;
  nodes: Map<NodeId, ClusterNode>;
  currentEpoch: number;
  lastVoteEpoch: number;
  status: 'ok' | 'fail';
  /** Nodes that own slots, at the last evaluation: the electorate. The quorum is half of it plus one. */
  size: number;
  firstEvaluatedAtMs: number;
  /** When this node last saw itself in a minority. */
  minorityAtMs: number;
  /** When this node last became a replica in another shard; the data it had then are not those of its new primary. */
  joinedShardAtMs: number;
  slotOwners: (NodeId | null)[];
  /** Slots that their owner, as known here, no longer claims. */
  notClaimed: SlotBitmap;
  /** Slot → the node it is being moved to. */
  migrating: Map<number, NodeId>;
  /** Slot → the node it is being moved from. */
  importing: Map<number, NodeId>;
  /**
   * Slot that an operator has moved here → the node that had it, until that node says that it has let go. Not in nodes.conf: see `claims.ts` for the
   * moment in which it matters.
   */
  movedFrom: Map<number, NodeId>;
  /** Forgotten node → when gossip may introduce it again. */
  forgotten: Map<NodeId, number>;
  links: Map<LinkId, BusLink>;
  lastLinkId: LinkId;
  election: Election;
  manualFailover: ManualFailover;
  tickCount: number;
  /** Nodes with PFAIL at the last tick. */
  suspectedCount: number;
  /** Messages by wire number of the type, for CLUSTER INFO. */
  messagesSent: number[];
  messagesReceived: number[];
  linksOverBufferLimit: number;
  /** DEBUG DROP-CLUSTER-PACKET-FILTER: wire number of the type to ignore, −1 = none. */
  droppedTypeCode: number;
  options: ClusterOptions;
  /** False while the own address is only what nodes.conf said. */
  isOwnIpConfirmed: boolean;
  /** The time of the last input. */
  now: Now;
}

/** The directives the core obeys; names follow the configuration file. All may change at run time (`configure` input). */
export interface ClusterOptions {
  nodeTimeoutMs: number;
  /** 0 = half of the node timeout. */
  pingIntervalMs: number;
  /** 0 = a replica of any age may fail over. */
  replicaValidityFactor: number;
  migrationBarrier: number;
  allowReplicaMigration: boolean;
  requireFullCoverage: boolean;
  replicaNoFailover: boolean;
  replPingReplicaPeriodS: number;
  /** Bytes, 0 = unlimited. */
  linkSendbufLimit: number;
  /** Listening ports, 0 = none. */
  port: number;
  tlsPort: number;
  /** 0 = client port + 10000. */
  clusterPort: number;
  tlsCluster: boolean;
  tlsReplication: boolean;
  announceIp: string;
  announcePort: number;
  announceTlsPort: number;
  announceBusPort: number;
  announceHostname: string;
  announceHumanNodename: string;
}

export const DEFAULT_OPTIONS: Readonly<ClusterOptions> = {
  nodeTimeoutMs: 15000,
  pingIntervalMs: 0,
  replicaValidityFactor: 10,
  migrationBarrier: 1,
  allowReplicaMigration: true,
  requireFullCoverage: true,
  replicaNoFailover: false,
  replPingReplicaPeriodS: 10,
  linkSendbufLimit: 0,
  port: 6379,
  tlsPort: 0,
  clusterPort: 0,
  tlsCluster: false,
  tlsReplication: false,
  announceIp: '',
  announcePort: 0,
  announceTlsPort: 0,
  announceBusPort: 0,
  announceHostname: '',
  announceHumanNodename: '',
};

/** Where chance comes from. The same sequence of answers gives the same run. */
export interface Random {
  /** A uniform integer in [0, bound); `bound` is an integer from 1 to 2^31. */
  below(bound: number): number;
}

export interface KeyspaceView {
  /** Keys of database 0 in the slot, logically expired ones included. */
  keysInSlot(slot: number): number;
  /** Keys in database 0. */
  keyCount(): number;
}

/** How a replica's link to its primary stands. */
export interface PrimaryLink {
  /** `none`: replication is switched off. `down`: switched on, link not established (connecting and full sync included). */
  state: 'none' | 'down' | 'connected';
  /** Monotonic: the last byte from the primary while `connected`, the moment the link went down while `down` (NEVER = it never was up). */
  sinceMs: number;
}

export interface ReplicationView {
  /** Bytes: the own replication offset of a primary, the processed offset of a replica. Never negative. */
  offset(): number;
  primaryLink(): PrimaryLink;
}

export interface LinkView {
  /** Bytes queued for sending on a link. */
  queuedBytes(link: LinkId): number;
}

/** Everything the core may look at while it takes a step. It must answer from memory and change nothing. */
export interface Environment {
  random: Random;
  keyspace: KeyspaceView;
  replication: ReplicationView;
  links: LinkView;
}
