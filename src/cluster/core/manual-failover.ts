/**
 * Manual failover: an operator asks a replica to change places with its primary, without losing a write.
 *
 *   replica R                                  primary M
 *   CLUSTER FAILOVER ──────── mfstart ───────► pauses writes for 10 s, remembers R
 *   notes M's offset ◄── ping, paused, offset ─┤ (at once on R's link, then one ping each tick)
 *   processed up to it: canStart
 *   election with forceAck, no delay ────────► the voters skip "its master is up"
 *   won: pong to all ────────────────────────► becomes R's replica, resumes; held writes are answered with MOVED
 *
 * FORCE begins at canStart; TAKEOVER skips the election. The replica gives up after 5 s, the primary after 10. Source: spec/cluster.md 8.5, 8.6.
 */
import { failure } from './admin-reply.js';
import type { MessageHeader } from './message.js';
import { isPrimary, isReplica, label, myself } from './nodes.js';
import { sendPing } from './outgoing.js';
import { log, nowMs, type Turn } from './turn.js';
import { type ClusterNode, type ClusterState, type LinkId, NEVER } from './types.js';

const TIME_LIMIT_MS = 5000;

/**
 * The pause outlasts the failover: the replica may win in its last moment, its first pong may be late, and a write accepted before that pong arrives
 * would be lost. (Redis lets the primary go on after the same 5 s, and loses such writes.)
 */
const PAUSE_MS = 2 * TIME_LIMIT_MS;

export function isManualFailoverRunning(state: ClusterState): boolean {
  return state.manualFailover.endsAtMs !== NEVER;
}

/**
 * At the primary: its replica is about to win with an epoch of its own. A higher one taken now would depose the winner as soon as it has won, and what that
 * has accepted meanwhile would be lost; so nothing that takes a new epoch may be asked of this node. (Found by simulation: a slot import that ended just then.)
 */
export function isBeingReplaced(state: ClusterState): boolean {
  return state.manualFailover.replica !== null;
}

export const FAILOVER_UNDER_WAY = failure('A manual failover of this node is under way, try again when it has ended');

export function resetManualFailover(turn: Turn): void {
  const manual = turn.state.manualFailover;
  if (manual.replica !== null) turn.effects.push({ kind: 'resume-writes' });
  manual.endsAtMs = NEVER;
  manual.canStart = false;
  manual.replica = null;
  manual.primaryOffset = -1;
}

/** At the replica. An election that is still waiting for its retry time must not delay what the operator asks for, so it is dropped. */
export function beginManualFailover(turn: Turn, canStart: boolean): void {
  resetManualFailover(turn);
  const { manualFailover, election } = turn.state;
  manualFailover.endsAtMs = nowMs(turn) + TIME_LIMIT_MS;
  manualFailover.canStart = canStart;
  election.startsAtMs = NEVER;
  turn.todo.manualFailover = true;
}

/** At the primary. */
export function onMfStart(turn: Turn, sender: ClusterNode | null, linkId: LinkId): void {
  const { state } = turn;
  if (sender === null || sender.replicaOf !== state.myId) return;
  resetManualFailover(turn);
  const untilMs = nowMs(turn) + PAUSE_MS;
  state.manualFailover.endsAtMs = untilMs;
  state.manualFailover.replica = sender.id;
  turn.effects.push({ kind: 'pause-writes', untilMs });
  log(turn, 'notice', `Manual failover requested by replica ${label(sender)}.`);
  sendPing(turn, linkId, 'ping');
}

/** At the replica: the paused primary tells where its stream ends. Only the first such offset counts. */
export function onPausedPrimary(turn: Turn, sender: ClusterNode, header: MessageHeader): void {
  const { state } = turn;
  const manual = state.manualFailover;
  const me = myself(state);
  if (!header.paused || !isReplica(me) || me.replicaOf !== sender.id) return;
  if (!isManualFailoverRunning(state) || manual.primaryOffset >= 0) return;
  manual.primaryOffset = header.offset;
  turn.todo.manualFailover = true;
  log(turn, 'notice', `Received replication offset for paused master manual failover: ${header.offset}`);
}

/** At the replica: may the election start? It may once everything the primary accepted has been processed here. */
export function stepManualFailover(turn: Turn): void {
  const manual = turn.state.manualFailover;
  if (!isManualFailoverRunning(turn.state) || manual.canStart || manual.primaryOffset < 0) return;
  if (turn.environment.replication.offset() !== manual.primaryOffset) return;
  manual.canStart = true;
  turn.todo.failover = true;
  log(turn, 'notice', 'All master replication stream processed, manual failover can start.');
}

/** Gives up when the time is over, or, at the primary, when the replica is gone from the cluster. */
export function checkManualFailoverTimeout(turn: Turn): void {
  const { state } = turn;
  const { endsAtMs, replica } = state.manualFailover;
  if (!isManualFailoverRunning(state)) return;
  const isAbandoned = isPrimary(myself(state)) && (replica === null || !state.nodes.has(replica));
  if (nowMs(turn) <= endsAtMs && !isAbandoned) return;
  log(turn, 'notice', 'Manual failover timed out.');
  resetManualFailover(turn);
}
