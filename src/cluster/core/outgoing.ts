/**
 * The messages this node sends: header, gossip section, ping extensions. Source: spec/cluster.md 3.1, 3.4, 5.2, 2.1.
 *
 * The extension bit is set in every message, also when none follow: newer peers then know that they may send theirs. Extensions that came with Redis 7.2
 * go only to nodes that have set the bit themselves; a 7.0 node would log a warning for each. The host name is part of the 7.0 format and goes to all.
 */
import { type BusMessage, type GossipEntry, type MessageHeader, NodeFlag, type PingExtension } from './message.js';
import {
  basePort,
  hasFlag,
  hasNoAddress,
  isInHandshake,
  isMyself,
  isPrimary,
  isReplica,
  isSuspected,
  myself,
  primaryOf,
  secondaryPort,
} from './nodes.js';
import { claimedSlots, shareSlots } from './slot-table.js';
import { nodeList, nowMs, send, type Turn, toUnixMs } from './turn.js';
import { type ClusterNode, type ClusterOptions, type ClusterState, type LinkId, NEVER } from './types.js';

/** Bits that mean nothing to others: what this observer knows of a peer's abilities. */
const PRIVATE_FLAGS = NodeFlag.Extensions;

export function announcedTcpPort(options: ClusterOptions): number {
  return options.announcePort !== 0 ? options.announcePort : options.port;
}

export function announcedTlsPort(options: ClusterOptions): number {
  return options.announceTlsPort !== 0 ? options.announceTlsPort : options.tlsPort;
}

/** Where this node listens for bus connections; `cluster-announce-bus-port` does not change it. */
export function listeningBusPort(options: ClusterOptions): number {
  if (options.clusterPort !== 0) return options.clusterPort;
  return (options.tlsCluster ? options.tlsPort : options.port) + BUS_PORT_INCREMENT;
}

export function announcedBusPort(options: ClusterOptions): number {
  return options.announceBusPort !== 0 ? options.announceBusPort : listeningBusPort(options);
}

export const BUS_PORT_INCREMENT = 10000;

export function makeHeader(turn: Turn): MessageHeader {
  const { state } = turn;
  const me = myself(state);
  const primary = isReplica(me) ? primaryOf(state, me) : null;
  const claimant = primary ?? me;
  return {
    sender: state.myId,
    currentEpoch: state.currentEpoch,
    configEpoch: claimant.configEpoch,
    offset: turn.environment.replication.offset(),
    slots: shareSlots(claimant),
    replicaOf: primary === null ? null : primary.id,
    ip: state.options.announceIp,
    port: basePort(state, me),
    secondaryPort: secondaryPort(state, me),
    busPort: me.busPort,
    flags: me.flags & ~PRIVATE_FLAGS,
    status: state.status,
    paused: isPrimary(me) && state.manualFailover.replica !== null,
    forceAck: false,
    extensionData: true,
  };
}

/** A ping, pong or meet on one link. A ping on an outbound link is from now on pending. */
export function sendPing(turn: Turn, linkId: LinkId, type: 'ping' | 'pong' | 'meet'): void {
  const link = turn.state.links.get(linkId);
  if (link === undefined) return;
  const node = link.node === null ? undefined : turn.state.nodes.get(link.node);
  if (type === 'ping' && node !== undefined && node.outbound === linkId) node.pingSentAtMs = nowMs(turn);
  const takesExtensions = node !== undefined && hasFlag(node, NodeFlag.Extensions);
  send(turn, [linkId], {
    type,
    header: makeHeader(turn),
    gossip: makeGossip(turn),
    extensions: makeExtensions(turn.state, takesExtensions),
  });
}

/** A pong nobody asked for, to spread a change at once: to all nodes, or to those for which `wanted` holds. */
export function broadcastPong(turn: Turn, wanted?: (node: ClusterNode) => boolean): void {
  for (const link of broadcastLinks(turn, wanted)) sendPing(turn, link, 'pong');
}

/** To the replicas of my primary (or mine): they compare offsets before an election. */
export function broadcastPongToLocalReplicas(turn: Turn): void {
  const me = myself(turn.state);
  const primary = primaryOf(turn.state, me) ?? me;
  broadcastPong(turn, (node) => isReplica(node) && node.replicaOf === primary.id);
}

/** The outbound links of all nodes that a broadcast reaches and that `wanted` accepts. */
export function broadcastLinks(turn: Turn, wanted: (node: ClusterNode) => boolean = () => true): LinkId[] {
  const links: LinkId[] = [];
  for (const node of nodeList(turn)) {
    if (node.outbound !== null && !isMyself(node) && !isInHandshake(node) && wanted(node)) links.push(node.outbound);
  }
  return links;
}

export function broadcast(turn: Turn, message: BusMessage): void {
  send(turn, broadcastLinks(turn), message);
}

/** Tells a node that `owner` has newer rights to slots it claims. */
export function sendUpdate(turn: Turn, to: ClusterNode, owner: ClusterNode): void {
  if (to.outbound === null) return;
  shareSlots(owner);
  send(turn, [to.outbound], {
    type: 'update',
    header: makeHeader(turn),
    node: owner.id,
    nodeConfigEpoch: owner.configEpoch,
    nodeSlots: claimedSlots(turn.state, owner),
  });
}

/**
 * About a tenth of the nodes, at least three, drawn at random, and then all suspected ones: a failure must be known to a majority within the node
 * timeout, so it is not left to chance.
 */
function makeGossip(turn: Turn): GossipEntry[] {
  const { state } = turn;
  const { random } = turn.environment;
  const nodes = nodeList(turn);
  let fresh = nodes.length - 2;
  const wanted = Math.min(Math.max(GOSSIP_MIN, Math.floor(nodes.length / 10)), fresh);
  const chosen = new Set<ClusterNode>();
  for (let draws = wanted * 3; draws > 0 && chosen.size < wanted && fresh > 0; draws -= 1) {
    const node = nodes[random.below(nodes.length)]!;
    if (isMyself(node) || isSuspected(node) || chosen.has(node)) continue;
    fresh -= 1;
    if (isWorthGossip(node)) chosen.add(node);
  }
  let suspected = state.suspectedCount;
  for (const node of nodes) {
    if (suspected === 0) break;
    if (!isSuspected(node) || isInHandshake(node) || hasNoAddress(node)) continue;
    chosen.add(node);
    suspected -= 1;
  }
  return [...chosen].map((node) => gossipEntry(state, node));
}

const GOSSIP_MIN = 3;

function isWorthGossip(node: ClusterNode): boolean {
  if (isInHandshake(node) || hasNoAddress(node)) return false;
  return node.outbound !== null || node.slotCount > 0;
}

function gossipEntry(state: ClusterState, node: ClusterNode): GossipEntry {
  return {
    node: node.id,
    pingSentS: node.pingSentAtMs === NEVER ? 0 : Math.floor(toUnixMs(state, node.pingSentAtMs) / 1000),
    pongReceivedS: Math.floor(toUnixMs(state, node.pongReceivedAtMs) / 1000),
    ip: node.ip,
    port: basePort(state, node),
    secondaryPort: secondaryPort(state, node),
    busPort: node.busPort,
    flags: node.flags & ~PRIVATE_FLAGS,
  };
}

function makeExtensions(state: ClusterState, takesExtensions: boolean): PingExtension[] {
  const me = myself(state);
  const extensions: PingExtension[] = [];
  if (me.hostname !== '') extensions.push({ kind: 'hostname', hostname: me.hostname });
  if (!takesExtensions) return extensions;
  if (me.humanNodename !== '') extensions.push({ kind: 'human-nodename', nodename: me.humanNodename });
  for (const [node, expiresAtMs] of state.forgotten) {
    const ttlS = Math.ceil((expiresAtMs - state.now.monotonicMs) / 1000);
    if (ttlS > 0) extensions.push({ kind: 'forgotten-node', node, ttlS });
  }
  extensions.push({ kind: 'shard-id', shardId: me.shardId });
  return extensions;
}
