/**
 * From "I cannot reach it" to "it is down": PFAIL is the opinion of one node, FAIL that of a majority of the voting primaries.
 *
 *   ok ──no pong for T (tick)──► PFAIL ──reports of a quorum──► FAIL ──pong, and nobody has taken its slots──► ok
 *    ▲──────────pong────────────┘
 *
 * PFAIL travels as a flag in gossip; a voting primary's gossip counts as its report for 2·T. FAIL is broadcast, so that all nodes switch at about the
 * same time even where gossip is slow. Only voting primaries report: a majority that cannot elect a successor must not declare a death either.
 * Source: spec/cluster.md 6.1–6.3.
 */
import { type FailMessage, NodeFlag } from './message.js';
import { isFailed, isMyself, isReplica, isSuspected, isVotingPrimary, label, myself } from './nodes.js';
import { broadcast, makeHeader, sendPing } from './outgoing.js';
import { isQuorum } from './quorum.js';
import { log, nodeList, nowMs, persistAndEvaluate, type Turn } from './turn.js';
import { type ClusterNode, type ClusterState, NEVER } from './types.js';

/** Failure reports are valid for this many node timeouts; a failed primary with slots stays failed at least as long. */
const TIMEOUTS = 2;

export function suspect(turn: Turn, node: ClusterNode): void {
  log(turn, 'debug', `*** NODE ${node.id} possibly failing`);
  node.flags |= NodeFlag.Suspected;
  turn.state.suspectedCount += 1;
  turn.todo.evaluate = true;
  turn.todo.tellSuspicion = true;
  // The only voter needs nobody's report.
  if (isVotingPrimary(myself(turn.state)) && turn.state.size === 1) markFailedIfAgreed(turn, node);
}

/**
 * Tells the voting primaries at once whom this node suspects. Suspicions travel with ordinary gossip too, but that may take half a node timeout, during which the
 * slots of a dead primary are served by nobody.
 */
export function tellSuspicion(turn: Turn): void {
  if (!isVotingPrimary(myself(turn.state))) return;
  for (const node of nodeList(turn)) {
    if (node.outbound === null || isMyself(node) || isSuspected(node) || !isVotingPrimary(node)) continue;
    // A pong: a ping would restart the time that an older ping has been unanswered.
    sendPing(turn, node.outbound, 'pong');
  }
}

export function onFailureReport(turn: Turn, reporter: ClusterNode, node: ClusterNode): void {
  if (!node.failureReports.has(reporter.id)) {
    log(turn, 'verbose', `Node ${label(reporter)} reported node ${label(node)} as not reachable.`);
  }
  node.failureReports.set(reporter.id, nowMs(turn));
  markFailedIfAgreed(turn, node);
}

export function onFailureReportWithdrawn(turn: Turn, reporter: ClusterNode, node: ClusterNode): void {
  if (!node.failureReports.delete(reporter.id)) return;
  log(turn, 'verbose', `Node ${label(reporter)} reported node ${label(node)} is back online.`);
}

/** Valid reports about the node: recent, and by nodes that (still) vote. Old ones are dropped. */
export function countFailureReports(state: ClusterState, node: ClusterNode): number {
  let count = 0;
  for (const [id, atMs] of node.failureReports) {
    const reporter = state.nodes.get(id);
    if (state.now.monotonicMs - atMs > TIMEOUTS * state.options.nodeTimeoutMs) node.failureReports.delete(id);
    else if (reporter !== undefined && isVotingPrimary(reporter)) count += 1;
  }
  return count;
}

function markFailedIfAgreed(turn: Turn, node: ClusterNode): void {
  const { state } = turn;
  if (!isSuspected(node) || isFailed(node)) return;
  const own = isVotingPrimary(myself(state)) ? 1 : 0;
  if (!isQuorum(countFailureReports(state, node) + own, state.size)) return;
  log(turn, 'notice', `Marking node ${label(node)} as failing (quorum reached).`);
  markFailed(turn, node);
  broadcast(turn, { type: 'fail', header: makeHeader(turn), failed: node.id });
}

export function onFail(turn: Turn, sender: ClusterNode | null, message: FailMessage): void {
  const node = turn.state.nodes.get(message.failed);
  if (sender === null) {
    const from = message.header.sender;
    log(turn, 'notice', `Ignoring FAIL message from unknown node ${from} about ${message.failed}`);
    return;
  }
  if (node === undefined || isFailed(node) || node.id === turn.state.myId) return;
  log(turn, 'notice', `FAIL message received from ${label(sender)} about ${label(node)}`);
  markFailed(turn, node);
}

function markFailed(turn: Turn, node: ClusterNode): void {
  node.flags &= ~NodeFlag.Suspected;
  node.flags |= NodeFlag.Failed;
  node.failedAtMs = nowMs(turn);
  persistAndEvaluate(turn);
}

/** The node answered a ping of ours. */
export function onReachable(turn: Turn, node: ClusterNode): void {
  if (isSuspected(node)) {
    node.flags &= ~NodeFlag.Suspected;
    persistAndEvaluate(turn);
  } else if (isFailed(node)) {
    clearFailed(turn, node);
  }
}

/**
 * A failed primary with slots comes back only after a while: if it did at once, a replica that the majority just allowed to take over would meet it
 * half-way. Without slots, or as a replica, it is in nobody's way.
 */
function clearFailed(turn: Turn, node: ClusterNode): void {
  if (isReplica(node) || node.slotCount === 0) {
    const what = isReplica(node) ? 'replica' : 'master without slots';
    log(turn, 'notice', `Clear FAIL state for node ${label(node)}:${what} is reachable again.`);
  } else if (nowMs(turn) - node.failedAtMs > TIMEOUTS * turn.state.options.nodeTimeoutMs) {
    const why = 'is reachable again and nobody is serving its slots after some time.';
    log(turn, 'notice', `Clear FAIL state for node ${label(node)}: ${why}`);
  } else {
    return;
  }
  node.flags &= ~NodeFlag.Failed;
  node.failedAtMs = NEVER;
  persistAndEvaluate(turn);
}
