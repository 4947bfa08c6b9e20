/**
 * How nodes come to know each other, and how they keep each other's address.
 *
 *   A: CLUSTER MEET B          B
 *   handshake entry for B ──── meet ────► unknown sender: handshake entry for A
 *   renamed to B's id ◄─────── pong ─────┤
 *   unsolicited pong ignored ─ …   ◄──── ping (B's own connection)
 *                        ───── pong ────► renamed to A's id
 *
 * An entry in handshake has a random id; it gets the real one with the first answer on its own outbound link, or is dropped if that node is known
 * already, or after a while. So an id is only ever believed from the address it was asked at. Source: spec/cluster.md 4.3.
 */
import { dropLink } from './links.js';
import { addHandshake, deleteNode, renameNode } from './membership.js';
import { type MessageHeader, NodeFlag } from './message.js';
import { normalizeIp } from './names.js';
import { hasFlag, isInHandshake, label, myself } from './nodes.js';
import { replicate } from './roles.js';
import { log, nodeList, nowMs, persistAndEvaluate, persistSoon, type Turn } from './turn.js';
import type { BusLink, ClusterNode } from './types.js';

const HANDSHAKE_MIN_MS = 1000;

/** @returns false if the address is not one */
export function startHandshake(turn: Turn, ip: string, port: number, busPort: number): boolean {
  const normal = normalizeIp(ip);
  if (normal === null || !isPort(port) || !isPort(busPort)) return false;
  meetAddress(turn, normal, port, 0, busPort, NodeFlag.Meet);
  return true;
}

/** A MEET from a node we do not know: connect back to it. */
export function onMeetFromStranger(turn: Turn, link: BusLink, header: MessageHeader): void {
  const ip = header.ip !== '' ? header.ip : link.remoteIp;
  meetAddress(turn, ip, header.port, header.secondaryPort, header.busPort, 0);
}

function meetAddress(turn: Turn, ip: string, port: number, secondary: number, busPort: number, flags: number): void {
  const { tlsCluster } = turn.state.options;
  const isKnown = nodeList(turn).some((node) => {
    const nodePort = tlsCluster ? node.tlsPort : node.tcpPort;
    return isInHandshake(node) && node.ip === ip && nodePort === port && node.busPort === busPort;
  });
  const node = isKnown ? null : addHandshake(turn, flags);
  if (node === null) return;
  node.ip = ip;
  node.tcpPort = tlsCluster ? secondary : port;
  node.tlsPort = tlsCluster ? port : secondary;
  node.busPort = busPort;
}

export function isHandshakeExpired(turn: Turn, node: ClusterNode): boolean {
  const limitMs = Math.max(turn.state.options.nodeTimeoutMs, HANDSHAKE_MIN_MS);
  return isInHandshake(node) && nowMs(turn) - node.createdAtMs > limitMs;
}

/**
 * The node at the other end of an outbound link says who it is.
 * @returns false if the message is not to be looked at any further
 */
export function identifyPeer(turn: Turn, link: BusLink, sender: ClusterNode | null, header: MessageHeader): boolean {
  const node = turn.state.nodes.get(link.node!)!;
  if (isInHandshake(node)) {
    if (sender === null) {
      completeHandshake(turn, node, header);
      return true;
    }
    const text = 'Handshake: we already know node';
    log(turn, 'verbose', `${text} ${label(sender)}, updating the address if needed.`);
    updateAddress(turn, sender, link, header);
    deleteNode(turn, node);
    return false;
  }
  if (node.id === header.sender) return true;
  const about = `About node ${node.id} added ${nowMs(turn) - node.createdAtMs} ms ago, having flags ${node.flags}`;
  log(turn, 'notice', `PONG contains mismatching sender ID. ${about}`);
  node.flags |= NodeFlag.NoAddress;
  node.ip = '';
  node.tcpPort = 0;
  node.tlsPort = 0;
  node.busPort = 0;
  dropLink(turn, link.id);
  persistSoon(turn);
  return false;
}

function completeHandshake(turn: Turn, node: ClusterNode, header: MessageHeader): void {
  renameNode(turn, node, header.sender);
  log(turn, 'debug', `Handshake with node ${label(node)} completed.`);
  node.flags &= ~(NodeFlag.Handshake | NodeFlag.Meet);
  node.flags |= header.flags & (NodeFlag.Primary | NodeFlag.Replica);
  if (header.extensionData) node.flags |= NodeFlag.Extensions;
  persistSoon(turn);
}

/** Takes over a new address of a known node from a header that did not come on our own connection to it. */
export function updateAddress(turn: Turn, node: ClusterNode, link: BusLink, header: MessageHeader): void {
  if (link.id === node.outbound || isInHandshake(node)) return;
  const { tlsCluster } = turn.state.options;
  const ip = header.ip !== '' ? header.ip : link.remoteIp;
  const tcpPort = tlsCluster ? header.secondaryPort : header.port;
  const tlsPort = tlsCluster ? header.port : header.secondaryPort;
  if (!changeAddress(turn, node, ip, tcpPort, tlsPort, header.busPort)) return;
  persistAndEvaluate(turn);
}

/** Stores an address, if it is another one: the tick then connects there, and replication follows. @returns true if it was */
export function changeAddress(
  turn: Turn,
  node: ClusterNode,
  ip: string,
  tcpPort: number,
  tlsPort: number,
  busPort: number,
): boolean {
  const isSame = node.ip === ip && node.tcpPort === tcpPort && node.tlsPort === tlsPort && node.busPort === busPort;
  if (isSame && !hasFlag(node, NodeFlag.NoAddress)) return false;
  node.ip = ip;
  node.tcpPort = tcpPort;
  node.tlsPort = tlsPort;
  node.busPort = busPort;
  node.flags &= ~NodeFlag.NoAddress;
  dropLink(turn, node.outbound);
  const port = turn.state.options.tlsCluster ? tlsPort : tcpPort;
  log(turn, 'notice', `Address updated for node ${label(node)}, now ${ip}:${port}`);
  if (myself(turn.state).replicaOf === node.id) replicate(turn, node);
  return true;
}

/**
 * The own address is where others reach us: the local end of a connection they made. A MEET is always believed, since a human chose the address in it;
 * a ping only while the address is unknown, or is what a former life wrote to nodes.conf and may have changed with the machine.
 */
export function learnOwnIp(turn: Turn, link: BusLink, type: 'ping' | 'meet'): void {
  const { state } = turn;
  const me = myself(state);
  if (state.options.announceIp !== '' || link.id > 0 || link.localIp === '') return;
  if (type === 'ping' && me.ip !== '' && state.isOwnIpConfirmed) return;
  state.isOwnIpConfirmed = true;
  if (me.ip === link.localIp) return;
  me.ip = link.localIp;
  log(turn, 'notice', `IP address for this node updated to ${me.ip}`);
  persistSoon(turn);
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65535;
}
