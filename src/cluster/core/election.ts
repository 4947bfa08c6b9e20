/**
 * Automatic failover, at the replica: when its primary is FAIL (or a manual failover says so) it asks all voting primaries for their vote in a new
 * epoch, and with a quorum takes the primary's slots over.
 *
 *   idle ──primary FAIL──► scheduled ──startsAtMs──► asked ──quorum──► primary
 *    ▲     (500–1000 ms + rank × 1000 ms)             │
 *    └───────────────── after retryMs ◄───────────────┘ (votes count for voteWindowMs)
 *
 * The delay lets the FAIL reach the voters first; the rank lets the replica with the most data ask first. Each step runs from the beginning, so that a
 * condition that no longer holds (the primary is back, the data too old) stops the election wherever it is.
 *
 * Safety: a vote counts once per voter, only after the question was asked and only if it belongs to its epoch; the winner counts as having voted for
 * itself. So one quorum per epoch, and of two quorums at least one voter would have voted twice. Source: spec/cluster.md 8.1–8.3.
 */
import { evaluateState } from './evaluate-state.js';
import { isManualFailoverRunning, resetManualFailover } from './manual-failover.js';
import { type MessageHeader, NodeFlag } from './message.js';
import { hasFlag, isFailed, isReplica, isVotingPrimary, myself, primaryOf } from './nodes.js';
import { broadcast, broadcastPong, broadcastPongToLocalReplicas, makeHeader } from './outgoing.js';
import { isQuorum, quorumOf } from './quorum.js';
import { becomePrimary } from './roles.js';
import { forEachSlot } from './slot-bitmap.js';
import { reassignSlot } from './slot-table.js';
import { log, nowMs, persistDurably, type Turn } from './turn.js';
import { type ClusterNode, type ClusterState, NEVER } from './types.js';

const FIXED_DELAY_MS = 500;
const RANDOM_DELAY_MS = 500;
const DELAY_PER_RANK_MS = 1000;
const VOTE_WINDOW_MIN_MS = 2000;
/** The same reason for not failing over is logged this often. */
const REASON_INTERVAL_MS = 10_000;
/** A failure younger than the node timeout plus this is nothing to complain about yet. */
const REASON_GRACE_MS = 5000;

const TOO_OLD =
  'Disconnected from master for longer than allowed. ' +
  "Please check the 'cluster-replica-validity-factor' configuration option.";
const WAITING_DELAY = 'Waiting the delay before I can start a new failover.';
const EXPIRED = 'Failover attempt expired.';
const WAITING_VOTES = 'Waiting for votes, but majority still not reached.';

/** One look at everything, on a replica: each tick, and at the end of a step that changed something about it. */
export function stepElection(turn: Turn): void {
  const { state } = turn;
  const { election } = state;
  const me = myself(state);
  const primary = primaryOf(state, me);
  const isManual = isManualFailoverRunning(state) && state.manualFailover.canStart;
  if (!isReplica(me) || primary === null || !mayFailOver(state, primary, isManual)) {
    election.blockedReason = '';
    return;
  }
  if (!isManual && isDataTooOld(turn)) return blocked(turn, primary, TOO_OLD);

  const voteWindowMs = Math.max(2 * state.options.nodeTimeoutMs, VOTE_WINDOW_MIN_MS);
  const retryMs = 2 * voteWindowMs;
  const ageMs = nowMs(turn) - election.startsAtMs;
  if (ageMs > retryMs) return schedule(turn, me, primary);
  if (!election.hasAsked && !isManualFailoverRunning(state)) adjustRank(turn, me, primary);
  if (nowMs(turn) < election.startsAtMs) return blocked(turn, primary, WAITING_DELAY);
  if (ageMs > voteWindowMs) return blocked(turn, primary, EXPIRED);
  if (!election.hasAsked) return askForVotes(turn);
  if (!isQuorum(election.voters.length, state.size)) return blocked(turn, primary, WAITING_VOTES);

  log(turn, 'notice', "Failover election won: I'm the new master.");
  if (me.configEpoch < election.epoch) {
    me.configEpoch = election.epoch;
    log(turn, 'notice', `configEpoch set to ${election.epoch} after successful failover`);
  }
  // This node inherits a seat whose former holder may have voted in this epoch; a second vote from the same seat could elect two.
  state.lastVoteEpoch = Math.max(state.lastVoteEpoch, election.epoch);
  takeOver(turn);
}

function mayFailOver(state: ClusterState, primary: ClusterNode, isManual: boolean): boolean {
  if (isManual) return primary.slotCount > 0;
  return isFailed(primary) && !state.options.replicaNoFailover && primary.slotCount > 0;
}

function isDataTooOld(turn: Turn): boolean {
  const { nodeTimeoutMs, replicaValidityFactor, replPingReplicaPeriodS } = turn.state.options;
  const link = turn.environment.replication.primaryLink();
  const { joinedShardAtMs } = turn.state;
  // The link was last up before this node came to the shard: what it has are another shard's data, however fresh.
  if (joinedShardAtMs !== NEVER && link.state !== 'connected' && link.sinceMs <= joinedShardAtMs) return true;
  if (replicaValidityFactor === 0) return false;
  let ageMs = Math.floor((nowMs(turn) - link.sinceMs) / 1000) * 1000;
  if (ageMs > nodeTimeoutMs) ageMs -= nodeTimeoutMs;
  return ageMs > replPingReplicaPeriodS * 1000 + nodeTimeoutMs * replicaValidityFactor;
}

function schedule(turn: Turn, me: ClusterNode, primary: ClusterNode): void {
  const { election } = turn.state;
  const isManual = isManualFailoverRunning(turn.state);
  election.rank = isManual ? 0 : rankOf(turn, me, primary);
  const delayMs = FIXED_DELAY_MS + turn.environment.random.below(RANDOM_DELAY_MS) + election.rank * DELAY_PER_RANK_MS;
  election.startsAtMs = nowMs(turn) + (isManual ? 0 : delayMs);
  election.hasAsked = false;
  election.voters = [];
  if (isManual) turn.todo.failover = true;
  const details = `(rank #${election.rank}, offset ${turn.environment.replication.offset()})`;
  log(turn, 'notice', `Start of election delayed for ${election.startsAtMs - nowMs(turn)} milliseconds ${details}.`);
  // The other replicas rank themselves by offsets, so they should know mine.
  broadcastPongToLocalReplicas(turn);
}

/** How many replicas of the same primary have more data. */
function rankOf(turn: Turn, me: ClusterNode, primary: ClusterNode): number {
  const offset = turn.environment.replication.offset();
  let rank = 0;
  for (const id of primary.replicas) {
    const other = turn.state.nodes.get(id)!;
    if (other !== me && !hasFlag(other, NodeFlag.NoFailover) && other.replicationOffset > offset) rank += 1;
  }
  return rank;
}

function adjustRank(turn: Turn, me: ClusterNode, primary: ClusterNode): void {
  const { election } = turn.state;
  const rank = rankOf(turn, me, primary);
  if (rank <= election.rank) return;
  const addedMs = (rank - election.rank) * DELAY_PER_RANK_MS;
  election.startsAtMs += addedMs;
  election.rank = rank;
  log(turn, 'notice', `Replica rank updated to #${rank}, added ${addedMs} milliseconds of delay.`);
}

function askForVotes(turn: Turn): void {
  const { state } = turn;
  state.currentEpoch += 1;
  state.election.epoch = state.currentEpoch;
  state.election.hasAsked = true;
  state.election.voters = [];
  log(turn, 'notice', `Starting a failover election for epoch ${state.currentEpoch}.`);
  const header = { ...makeHeader(turn), forceAck: isManualFailoverRunning(state) };
  broadcast(turn, { type: 'auth-req', header });
  persistDurably(turn);
  turn.todo.evaluate = true;
}

export function onAuthAck(turn: Turn, sender: ClusterNode | null, header: MessageHeader): void {
  const { election } = turn.state;
  if (sender === null || !isVotingPrimary(sender)) return;
  if (!election.hasAsked || header.currentEpoch < election.epoch || election.voters.includes(sender.id)) return;
  election.voters.push(sender.id);
  turn.todo.failover = true;
}

/** Becomes primary with all slots of the former one, and says so to everybody. The config epoch has been chosen. */
export function takeOver(turn: Turn): void {
  const { state } = turn;
  const me = myself(state);
  const former = primaryOf(state, me);
  becomePrimary(turn);
  if (former !== null) forEachSlot(former.slots, (slot) => reassignSlot(turn, slot, me));
  state.election.hasAsked = false;
  evaluateState(turn);
  persistDurably(turn);
  broadcastPong(turn);
  resetManualFailover(turn);
}

function blocked(turn: Turn, primary: ClusterNode, reason: string): void {
  const { state } = turn;
  const { election } = state;
  const now = nowMs(turn);
  if (reason === election.blockedReason && now - election.blockedLoggedAtMs < REASON_INTERVAL_MS) return;
  election.blockedReason = reason;
  if (isFailed(primary) && now - primary.failedAtMs < state.options.nodeTimeoutMs + REASON_GRACE_MS) return;
  election.blockedLoggedAtMs = now;
  log(turn, 'notice', `Currently unable to failover: ${reason}`);
  if (reason === EXPIRED || reason === WAITING_VOTES) {
    const votes = `Number of votes received so far: ${election.voters.length}`;
    log(turn, 'notice', `Needed quorum: ${quorumOf(state.size)}. ${votes}`);
  }
}
