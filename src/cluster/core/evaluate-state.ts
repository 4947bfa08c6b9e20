/**
 * Is the cluster `ok` or `fail`, as seen from here? It is `fail` while slots are not served (if full coverage is required) and while this node sees
 * no majority of the voting primaries: a node on the small side of a split must stop serving before the other side elects a successor.
 *
 * A primary comes back to `ok` late on purpose: 2 s after its start, since others may have replaced it meanwhile and need a moment to say so, and one
 * node timeout (0.5–5 s) after it was in a minority, for the same reason. Source: spec/cluster.md 6.5.
 */
import { isFailed, isPrimary, isSuspected, isVotingPrimary, myself } from './nodes.js';
import { isQuorum } from './quorum.js';
import { log, nowMs, type Turn } from './turn.js';
import { type ClusterNode, type ClusterState, NEVER, SLOT_COUNT } from './types.js';

const START_DELAY_MS = 2000;
const REJOIN_DELAY_MIN_MS = 500;
const REJOIN_DELAY_MAX_MS = 5000;

export function evaluateState(turn: Turn): void {
  const { state } = turn;
  const now = nowMs(turn);
  const amPrimary = isPrimary(myself(state));
  if (state.firstEvaluatedAtMs === NEVER) state.firstEvaluatedAtMs = now;
  if (amPrimary && state.status === 'fail' && now - state.firstEvaluatedAtMs < START_DELAY_MS) return;

  let status: ClusterState['status'] = 'ok';
  if (state.options.requireFullCoverage && !isCovered(state)) status = 'fail';

  state.size = countSeats(state);
  if (!isQuorum(countReachable(turn), state.size)) {
    status = 'fail';
    state.minorityAtMs = now;
  }

  if (status === state.status) return;
  if (status === 'ok' && amPrimary && now - state.minorityAtMs < rejoinDelayMs(state)) return;
  log(turn, 'notice', `Cluster state changed: ${status}`);
  state.status = status;
}

/**
 * Whether a primary hears too few of the voting primaries to be sure that it has not been replaced. Others suspect it one node timeout after they heard of it last;
 * it must stop serving by then, too, and its own pings may have gone out half a timeout later.
 */
export function isAlone(turn: Turn): boolean {
  const { state } = turn;
  return isVotingPrimary(myself(state)) && !isQuorum(countReachable(turn), countSeats(state));
}

/**
 * The electorate: every node that owns slots, also one that was replaced and whose successor has not claimed them here yet (`roles.ts`). The successor votes
 * already; an electorate without its seat would be too small, and two candidates could each have a majority of theirs.
 */
function countSeats(state: ClusterState): number {
  let count = 0;
  for (const node of state.nodes.values()) if (node.slotCount > 0) count += 1;
  return count;
}

function countReachable(turn: Turn): number {
  let count = 0;
  for (const node of turn.state.nodes.values()) if (isVotingPrimary(node) && isReachable(turn, node)) count += 1;
  return count;
}

/** For a primary, silence for a node timeout is enough: a peer that lives is heard, or heard of by gossip, twice in that time. */
function isReachable(turn: Turn, node: ClusterNode): boolean {
  if (isFailed(node) || isSuspected(node)) return false;
  const { state } = turn;
  const me = myself(state);
  if (node === me || !isPrimary(me)) return true;
  const heardAtMs = Math.max(node.dataReceivedAtMs, node.pongReceivedAtMs);
  return heardAtMs === NEVER || nowMs(turn) - heardAtMs <= state.options.nodeTimeoutMs;
}

function rejoinDelayMs(state: ClusterState): number {
  return Math.min(Math.max(state.options.nodeTimeoutMs, REJOIN_DELAY_MIN_MS), REJOIN_DELAY_MAX_MS);
}

function isCovered(state: ClusterState): boolean {
  let covered = 0;
  for (const node of state.nodes.values()) if (!isFailed(node)) covered += node.slotCount;
  return covered === SLOT_COUNT;
}
