/**
 * One bus message, from the door to the handlers. Who the sender is, and what its header alone teaches, is settled once, here; each type then has its
 * handler. What is not processed is dropped by name, with the reason in the log. Source: spec/cluster.md 4.4.
 */
import { onClaim, onUpdate } from './claims.js';
import { onAuthAck } from './election.js';
import { resolveCollision } from './epochs.js';
import { onFail, onReachable } from './failure-detection.js';
import { onExtensions, onGossip } from './gossip.js';
import { identifyPeer, learnOwnIp, onMeetFromStranger, updateAddress } from './handshake.js';
import { bindInbound, dropLink } from './links.js';
import { onMfStart, onPausedPrimary } from './manual-failover.js';
import { deleteNode } from './membership.js';
import { type BusMessage, type MalformedFrame, type MessageHeader, NodeFlag, type PingMessage } from './message.js';
import { isInHandshake } from './nodes.js';
import { sendPing } from './outgoing.js';
import { updateRole } from './roles.js';
import { log, nowMs, persistDurably, type Turn, typeCodeOf } from './turn.js';
import { type BusLink, type ClusterNode, type LinkId, NEVER } from './types.js';
import { onAuthRequest } from './voting.js';

export function onMessage(turn: Turn, linkId: LinkId, message: BusMessage): void {
  const { state } = turn;
  const link = state.links.get(linkId);
  if (link === undefined) return;
  const typeCode = typeCodeOf(message);
  countReceived(turn, typeCode);
  if (typeCode === state.droppedTypeCode) {
    log(turn, 'notice', 'Dropping packet that matches debug drop filter');
    return;
  }
  const { header } = message;
  if (header.sender === state.myId) return onOwnMessage(turn, link, message);
  if (isImpostor(turn, link, header)) return;
  const sender = resolveSender(turn, link, header);
  if (sender !== null) absorbHeader(turn, sender, header);

  switch (message.type) {
    case 'ping':
    case 'pong':
    case 'meet':
      return onPing(turn, link, sender, message);
    case 'fail':
      return onFail(turn, sender, message);
    case 'publish':
    case 'publishshard':
      if (sender === null) return;
      turn.effects.push({
        kind: 'publish',
        channel: message.channel,
        payload: message.payload,
        sharded: message.type === 'publishshard',
      });
      return;
    case 'auth-req':
      return onAuthRequest(turn, sender, header);
    case 'auth-ack':
      return onAuthAck(turn, sender, header);
    case 'mfstart':
      return onMfStart(turn, sender, linkId);
    case 'update':
      return onUpdate(turn, sender, message);
    case 'module':
      return;
    case 'unknown':
      log(turn, 'notice', `Received unknown packet type: ${message.typeCode}`);
  }
}

export function onMalformed(turn: Turn, linkId: LinkId, frame: MalformedFrame): void {
  const link = turn.state.links.get(linkId);
  if (link === undefined) return;
  countReceived(turn, frame.typeCode);
  if (frame.reason !== '') log(turn, 'notice', frame.fatal ? `${frame.reason} from ${link.remoteIp}` : frame.reason);
  if (frame.fatal) dropLink(turn, linkId);
}

function countReceived(turn: Turn, typeCode: number): void {
  const { messagesReceived } = turn.state;
  if (typeCode >= 0 && typeCode < messagesReceived.length) messagesReceived[typeCode]! += 1;
}

/** This node met itself. Answering lets the other end find out; there is nothing to learn. */
function onOwnMessage(turn: Turn, link: BusLink, message: BusMessage): void {
  if (message.type === 'ping' || message.type === 'meet') sendPing(turn, link.id, 'pong');
  const node = link.node === null ? undefined : turn.state.nodes.get(link.node);
  if (node !== undefined && isInHandshake(node)) deleteNode(turn, node);
}

/**
 * An accepted link has named another node before. A node changes its id only by a hard reset, which closes its links; so this is a confused or
 * malicious peer, and what it says must not be taken for the word of the first one.
 */
function isImpostor(turn: Turn, link: BusLink, header: MessageHeader): boolean {
  if (link.id > 0 || link.node === null || link.node === header.sender) return false;
  log(turn, 'notice', `Closing inbound link of node ${link.node}: a message names ${header.sender} as its sender`);
  dropLink(turn, link.id);
  return true;
}

/** The member that sent the message; null for strangers and for nodes in handshake. */
function resolveSender(turn: Turn, link: BusLink, header: MessageHeader): ClusterNode | null {
  const { nodes } = turn.state;
  const linked = link.node === null ? undefined : nodes.get(link.node);
  if (linked !== undefined && !isInHandshake(linked)) return linked.id === header.sender ? linked : null;
  const sender = nodes.get(header.sender);
  if (sender === undefined || isInHandshake(sender)) return null;
  if (linked === undefined) bindInbound(turn, link, sender);
  return sender;
}

function absorbHeader(turn: Turn, sender: ClusterNode, header: MessageHeader): void {
  const { state } = turn;
  sender.dataReceivedAtMs = nowMs(turn);
  if (header.extensionData) sender.flags |= NodeFlag.Extensions;
  state.currentEpoch = Math.max(state.currentEpoch, header.currentEpoch);
  // A replica sends its primary's epoch; stored as its own, it would make the primary's claim to slots still listed under the replica look stale.
  if (header.replicaOf === null && header.configEpoch > sender.configEpoch) {
    sender.configEpoch = header.configEpoch;
    persistDurably(turn);
  }
  sender.replicationOffset = header.offset;
  onPausedPrimary(turn, sender, header);
}

function onPing(turn: Turn, link: BusLink, sender: ClusterNode | null, message: PingMessage): void {
  const { type, header } = message;
  if (type !== 'pong') {
    learnOwnIp(turn, link, type);
    if (type === 'meet' && sender === null) onMeetFromStranger(turn, link, header);
    sendPing(turn, link.id, 'pong');
  }
  if (sender !== null) sender.flags &= ~NodeFlag.Meet;
  if (link.id > 0) {
    if (!identifyPeer(turn, link, sender, header)) return;
    if (type === 'pong') onPong(turn, turn.state.nodes.get(link.node!)!);
  }
  if (sender === null) return;
  sender.flags = (sender.flags & ~NodeFlag.NoFailover) | (header.flags & NodeFlag.NoFailover);
  if (type === 'ping') updateAddress(turn, sender, link, header);
  updateRole(turn, sender, header);
  onClaim(turn, sender, header);
  resolveCollision(turn, sender, header);
  onGossip(turn, sender, message.gossip);
  onExtensions(turn, sender, message.extensions);
}

/** The node answered on our own connection to it: that alone counts as reachable. */
function onPong(turn: Turn, node: ClusterNode): void {
  node.pongReceivedAtMs = nowMs(turn);
  node.pingSentAtMs = NEVER;
  onReachable(turn, node);
}
