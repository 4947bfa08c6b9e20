/**
 * The cluster bus message as a value: what `wire/` decodes from bytes and encodes to bytes, and what the core sends and receives.
 *
 * A message is immutable once made: it may wait in a queue (a socket buffer, the simulator's network) and be shared by many receivers, so
 * neither side changes it or the slot bitmap it carries.
 * Numbers: epochs are 64-bit on the wire and at most `EPOCH_MAX` here; times in gossip are whole Unix seconds, as on the wire.
 * Source: spec/cluster.md chapter 3.
 */

/** 40 characters of `0-9a-z`. */
export type NodeId = string;

/** 2048 bytes; slot s is bit `s & 7`, counted from the least significant one, of byte `s >> 3`. */
export type SlotBitmap = Uint8Array;

/**
 * The highest epoch taken from a peer, a file or a user. Epochs grow by one per election or slot move, so 2^52 is out of reach for an honest
 * cluster, and a liar's epoch still leaves 2^52 steps that a double represents exactly.
 */
export const EPOCH_MAX = 2 ** 52;

/** Node flags. The values are sent in headers and gossip: append only. */
export const NodeFlag = {
  Primary: 1,
  Replica: 2,
  /** PFAIL: this observer cannot reach the node. */
  Suspected: 4,
  /** FAIL: agreed by a majority of the voting primaries. */
  Failed: 8,
  Myself: 16,
  /** Id not known yet; the entry carries a random one. */
  Handshake: 32,
  NoAddress: 64,
  /** A MEET is to be sent on connect. */
  Meet: 128,
  /** Primary that has or had replicas, so an orphaned one may receive migrating replicas. */
  MigrateTo: 256,
  /** Replica with `cluster-replica-no-failover yes`. */
  NoFailover: 512,
  /** Node understands ping extensions; kept by this observer, meaningless to others. */
  Extensions: 1024,
} as const;

/** What every bus message begins with. */
export interface MessageHeader {
  sender: NodeId;
  currentEpoch: number;
  /** The sender's config epoch, or its primary's if the sender is a replica of a known primary. */
  configEpoch: number;
  /** Bytes: a primary's replication offset, a replica's processed offset. */
  offset: number;
  /** The sender's slots, or its primary's. */
  slots: SlotBitmap;
  /** Null when the sender is a primary (or knows none). */
  replicaOf: NodeId | null;
  /** Announced IP; empty = "use the socket's peer address". */
  ip: string;
  /** Base client port: TLS in a TLS cluster, else TCP. */
  port: number;
  /** The other client port, 0 if there is none. */
  secondaryPort: number;
  busPort: number;
  /** `NodeFlag` bits of the sender, always with Myself. */
  flags: number;
  status: 'ok' | 'fail';
  /** The sender is a primary that stopped writes for a manual failover, so its offset stands still. */
  paused: boolean;
  /** Vote although the primary is up (manual failover). */
  forceAck: boolean;
  /** The sender understands ping extensions (and, in a ping, pong or meet, may have appended some). */
  extensionData: boolean;
}

/** What the sender of a ping, pong or meet thinks of one other node. */
export interface GossipEntry {
  node: NodeId;
  /** Unix seconds, 0 = no ping pending at the sender. */
  pingSentS: number;
  /** Unix seconds, 0 = never. */
  pongReceivedS: number;
  ip: string;
  port: number;
  secondaryPort: number;
  busPort: number;
  flags: number;
}

export type PingExtension =
  | { kind: 'hostname'; hostname: string }
  | { kind: 'human-nodename'; nodename: string }
  | { kind: 'forgotten-node'; node: NodeId; ttlS: number }
  | { kind: 'shard-id'; shardId: string }
  | { kind: 'unknown'; typeCode: number };

export interface PingMessage {
  type: 'ping' | 'pong' | 'meet';
  header: MessageHeader;
  gossip: readonly GossipEntry[];
  extensions: readonly PingExtension[];
}

export interface FailMessage {
  type: 'fail';
  header: MessageHeader;
  failed: NodeId;
}

export interface PublishMessage {
  type: 'publish' | 'publishshard';
  header: MessageHeader;
  channel: Uint8Array;
  payload: Uint8Array;
}

export interface UpdateMessage {
  type: 'update';
  header: MessageHeader;
  /** The node whose slots are told, its config epoch and its slots. */
  node: NodeId;
  nodeConfigEpoch: number;
  nodeSlots: SlotBitmap;
}

/** Messages that are a header and nothing else. */
export interface HeaderMessage {
  type: 'auth-req' | 'auth-ack' | 'mfstart';
  header: MessageHeader;
}

/** A message for modules (none are loaded), or one of a type this version does not know: only its header counts. */
export interface OpaqueMessage {
  type: 'module' | 'unknown';
  header: MessageHeader;
  typeCode: number;
}

export type BusMessage = PingMessage | FailMessage | PublishMessage | UpdateMessage | HeaderMessage | OpaqueMessage;

/** Message types in the order of their wire numbers: the index is the number. Append only. */
export const MESSAGE_TYPES = [
  'ping',
  'pong',
  'meet',
  'fail',
  'publish',
  'auth-req',
  'auth-ack',
  'update',
  'mfstart',
  'module',
  'publishshard',
] as const;

export type MessageType = (typeof MESSAGE_TYPES)[number];

/** A frame that is not a message, as the decoder found it. */
export interface MalformedFrame {
  ok: false;
  /** True: the stream cannot be followed any further and the link must be closed. False: only this message is ignored. */
  fatal: boolean;
  /** The number in the type field, −1 if the frame is too short or too wrong to have one. */
  typeCode: number;
  /** One sentence for the log, in Redis's words where Redis has any; empty = ignored in silence. */
  reason: string;
}
