/**
 * Bus links: at most one outbound and one inbound link per node. Requests go out on the outbound link, answers return on the link of the request.
 *
 *   outbound:  openOutbound ──► connecting ──onLinkUp──► up ──dropLink / onLinkDown──► gone; the next tick opens a new one
 *   inbound:   onLinkAccepted ──► anonymous ──bindInbound──► bound to a node ──dropLink / onLinkDown──► gone
 *
 * A link that is connecting counts as a link: messages wait on it. Messages to a node without an outbound link are lost.
 * Source: spec/cluster.md 2.2.
 */
import { NodeFlag } from './message.js';
import { hasFlag, isInHandshake, isPingPending } from './nodes.js';
import { sendPing } from './outgoing.js';
import { log, nowMs, type Turn } from './turn.js';
import { type BusLink, type ClusterNode, type LinkId, NEVER } from './types.js';

/**
 * Accepted links that have not named a node yet; one more closes the oldest. A node of the cluster speaks at once, so only strangers stay here:
 * without the bound they could hold any number of sockets.
 */
const ANONYMOUS_LINKS_MAX = 1024;

export function openOutbound(turn: Turn, node: ClusterNode): void {
  const { state } = turn;
  state.lastLinkId += 1;
  const link = makeLink(turn, state.lastLinkId, node.id);
  node.outbound = link.id;
  turn.effects.push({ kind: 'connect', link: link.id, node: node.id, ip: node.ip, port: node.busPort });
}

export function onLinkAccepted(turn: Turn, id: LinkId, remoteIp: string, localIp: string): void {
  log(turn, 'verbose', `Accepting cluster node connection from ${remoteIp}`);
  const anonymous = [...turn.state.links.values()].filter((link) => link.node === null);
  if (anonymous.length >= ANONYMOUS_LINKS_MAX) dropLink(turn, anonymous[0]!.id);
  const link = makeLink(turn, id, null);
  link.isUp = true;
  link.remoteIp = remoteIp;
  link.localIp = localIp;
}

export function onLinkUp(turn: Turn, id: LinkId, remoteIp: string, localIp: string): void {
  const link = turn.state.links.get(id);
  if (link === undefined || link.node === null) return;
  link.isUp = true;
  link.remoteIp = remoteIp;
  link.localIp = localIp;
  const node = turn.state.nodes.get(link.node)!;
  const { pingSentAtMs } = node;
  sendPing(turn, id, hasFlag(node, NodeFlag.Meet) ? 'meet' : 'ping');
  // The time since an older ping went unanswered keeps counting: a peer that accepts connections but never answers must be suspected, too.
  if (pingSentAtMs !== NEVER) node.pingSentAtMs = pingSentAtMs;
}

export function onLinkDown(turn: Turn, id: LinkId, reason: string): void {
  const link = turn.state.links.get(id);
  if (link === undefined) return;
  const node = link.node === null ? undefined : turn.state.nodes.get(link.node);
  if (node !== undefined && !link.isUp) {
    log(turn, 'verbose', `Connection with Node ${node.id} at ${node.ip}:${node.busPort} failed: ${reason}`);
  }
  // A broken connection is the first sign of a dead peer: the time to suspect it runs from now, not from the ping that would have been due some time later. The
  // ping itself is sent when the next connection is up.
  if (node?.outbound === id && !isPingPending(node) && !isInHandshake(node)) node.pingSentAtMs = nowMs(turn);
  unbind(turn, link);
}

/** Closes a link from this side. */
export function dropLink(turn: Turn, id: LinkId | null): void {
  const link = id === null ? undefined : turn.state.links.get(id);
  if (link === undefined) return;
  unbind(turn, link);
  turn.effects.push({ kind: 'disconnect', link: link.id });
}

/** The node behind an accepted link has named itself. An older inbound link of it is closed: the node connected anew. */
export function bindInbound(turn: Turn, link: BusLink, node: ClusterNode): void {
  if (node.inbound !== null) {
    log(turn, 'debug', `Replacing inbound link fd ${node.inbound} from node ${node.id} with fd ${link.id}`);
    dropLink(turn, node.inbound);
  }
  link.node = node.id;
  node.inbound = link.id;
}

function makeLink(turn: Turn, id: LinkId, node: string | null): BusLink {
  const link: BusLink = {
    id,
    node,
    createdAtMs: nowMs(turn),
    createdAtUnixMs: turn.state.now.unixMs,
    isUp: false,
    remoteIp: '',
    localIp: '',
  };
  turn.state.links.set(id, link);
  return link;
}

function unbind(turn: Turn, link: BusLink): void {
  turn.state.links.delete(link.id);
  const node = link.node === null ? undefined : turn.state.nodes.get(link.node);
  if (node === undefined) return;
  if (node.outbound === link.id) node.outbound = null;
  if (node.inbound === link.id) node.inbound = null;
}
