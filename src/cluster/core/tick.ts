/**
 * What a node does on its own, ten times a second: keep a connection to every other node, ping those it has not heard of for long, suspect those that
 * do not answer, and move elections, manual failovers and replica migration on. Source: spec/cluster.md 5.1.
 */
import { stepElection } from './election.js';
import { isAlone } from './evaluate-state.js';
import { suspect, tellSuspicion } from './failure-detection.js';
import { isHandshakeExpired } from './handshake.js';
import { dropLink, openOutbound } from './links.js';
import { checkManualFailoverTimeout, stepManualFailover } from './manual-failover.js';
import { deleteNode } from './membership.js';
import {
  hasNoAddress,
  isFailed,
  isInHandshake,
  isMyself,
  isPingPending,
  isPrimary,
  isReplica,
  isSuspected,
  myself,
  primaryOf,
} from './nodes.js';
import { sendPing } from './outgoing.js';
import { stepReplicaMigration } from './replica-migration.js';
import { followGrandprimary, replicate } from './roles.js';
import { log, nodeList, nowMs, type Turn } from './turn.js';
import type { BusLink, ClusterNode, LinkId } from './types.js';

/** Once a second a random node is pinged, so that news travel even when no ping is due. */
const TICKS_PER_RANDOM_PING = 10;
const RANDOM_PING_DRAWS = 5;

export function onTick(turn: Turn): void {
  const { state } = turn;
  state.tickCount += 1;
  keepConnections(turn);
  if (state.tickCount % TICKS_PER_RANDOM_PING === 0) pingSomeone(turn);
  for (const node of nodeList(turn)) {
    if (!isMyself(node) && !hasNoAddress(node) && !isInHandshake(node)) watch(turn, node);
  }
  if (turn.todo.tellSuspicion) tellSuspicion(turn);
  resumeReplication(turn);
  checkManualFailoverTimeout(turn);
  if (isReplica(myself(state))) {
    followGrandprimary(turn);
    stepManualFailover(turn);
    stepElection(turn);
    stepReplicaMigration(turn);
  }
  if (state.status === 'fail' || isAlone(turn)) turn.todo.evaluate = true;
}

function keepConnections(turn: Turn): void {
  const { state } = turn;
  state.suspectedCount = 0;
  for (const node of nodeList(turn)) {
    closeIfOverLimit(turn, node, node.outbound, 'to');
    closeIfOverLimit(turn, node, node.inbound, 'from');
    if (isMyself(node) || hasNoAddress(node)) continue;
    if (isSuspected(node)) state.suspectedCount += 1;
    if (isHandshakeExpired(turn, node)) deleteNode(turn, node);
    else if (node.outbound === null && node.ip !== '') openOutbound(turn, node);
  }
}

function closeIfOverLimit(turn: Turn, node: ClusterNode, link: LinkId | null, direction: 'to' | 'from'): void {
  const limit = turn.state.options.linkSendbufLimit;
  if (limit === 0 || link === null) return;
  const bytes = turn.environment.links.queuedBytes(link);
  if (bytes <= limit) return;
  const what = `${direction} node ${node.id}, used memory: ${bytes}`;
  log(turn, 'warning', `Freeing cluster link(${what}) due to exceeding send buffer memory limit.`);
  turn.state.linksOverBufferLimit += 1;
  dropLink(turn, link);
}

/** Of a few nodes drawn at random, the one heard of longest ago. */
function pingSomeone(turn: Turn): void {
  const nodes = nodeList(turn);
  let oldest: ClusterNode | null = null;
  for (let draw = 0; draw < RANDOM_PING_DRAWS; draw += 1) {
    const node = nodes[turn.environment.random.below(nodes.length)]!;
    if (node.outbound === null || isPingPending(node) || isMyself(node) || isInHandshake(node)) continue;
    if (oldest === null || node.pongReceivedAtMs < oldest.pongReceivedAtMs) oldest = node;
  }
  if (oldest !== null) sendPing(turn, oldest.outbound!, 'ping');
}

function watch(turn: Turn, node: ClusterNode): void {
  const { state } = turn;
  const now = nowMs(turn);
  const timeoutMs = state.options.nodeTimeoutMs;
  const intervalMs = state.options.pingIntervalMs !== 0 ? state.options.pingIntervalMs : timeoutMs / 2;

  const link = node.outbound === null ? undefined : state.links.get(node.outbound);
  if (link !== undefined && isPingPending(node) && isMute(turn, node, link)) dropLink(turn, link.id);
  if (node.outbound !== null && !isPingPending(node) && now - node.pongReceivedAtMs > intervalMs) {
    sendPing(turn, node.outbound, 'ping');
    return;
  }
  if (node.outbound !== null && isPrimary(myself(state)) && state.manualFailover.replica === node.id) {
    sendPing(turn, node.outbound, 'ping');
    return;
  }
  if (!isPingPending(node)) return;
  const silenceMs = Math.min(now - node.pingSentAtMs, now - node.dataReceivedAtMs);
  if (silenceMs > timeoutMs && !isSuspected(node) && !isFailed(node)) suspect(turn, node);
}

/** A link that brings no pong although its node sends data on its own link to us is kept for this many node timeouts: the pong may be behind much else. */
const TIMEOUTS_WITHOUT_PONG = 2;

/**
 * Whether the connection may be what is broken: a new one is tried, while there is time before the node is suspected if it can be. A peer that lost its power
 * right after it took our ping knows nothing of the link when it is back, and nothing else is sent on it; only the missing pong tells.
 */
function isMute(turn: Turn, node: ClusterNode, link: BusLink): boolean {
  const now = nowMs(turn);
  const timeoutMs = turn.state.options.nodeTimeoutMs;
  if (now - link.createdAtMs <= timeoutMs) return false;
  const isSilent = now - node.pingSentAtMs > timeoutMs / 2 && now - node.dataReceivedAtMs > timeoutMs / 2;
  return isSilent || now - Math.max(link.createdAtMs, node.pingSentAtMs) > TIMEOUTS_WITHOUT_PONG * timeoutMs;
}

/** A replica that knows where its primary is replicates from it: after a start, or when the address was not known before. */
function resumeReplication(turn: Turn): void {
  const primary = primaryOf(turn.state, myself(turn.state));
  if (primary === null || primary.ip === '' || hasNoAddress(primary)) return;
  if (turn.environment.replication.primaryLink().state === 'none') replicate(turn, primary);
}
