/**
 * Epochs are the cluster's logical clock. `currentEpoch` is the highest seen; a primary's `configEpoch` is the version of its claim to slots, and of
 * two claims the higher wins, so no two primaries may keep the same one.
 * Source: spec/cluster.md 7.1–7.3.
 */
import type { MessageHeader } from './message.js';
import { isPrimary, label, myself } from './nodes.js';
import { log, persistDurably, type Turn } from './turn.js';
import type { ClusterNode, ClusterState } from './types.js';

function maxEpoch(state: ClusterState): number {
  let max = state.currentEpoch;
  for (const node of state.nodes.values()) max = Math.max(max, node.configEpoch);
  return max;
}

/**
 * Takes a new, highest config epoch without asking anyone: for changes an operator makes (a finished slot import, a takeover). Two nodes that do this
 * at once get the same one; the collision rule parts them.
 * @returns false if the own epoch is the highest already
 */
export function bumpEpochWithoutConsensus(turn: Turn): boolean {
  const { state } = turn;
  const me = myself(state);
  const max = maxEpoch(state);
  if (me.configEpoch !== 0 && me.configEpoch === max) return false;
  state.currentEpoch = max + 1;
  me.configEpoch = state.currentEpoch;
  persistDurably(turn);
  log(turn, 'notice', `New configEpoch set to ${me.configEpoch}`);
  return true;
}

/**
 * Two primaries with the same config epoch: the one with the smaller id moves to a new one.
 *
 * How it comes about: a fresh cluster, where all are 0; epochs taken without consensus on two nodes at once; a nodes.conf edited by hand.
 * Why it ends: each round one of the two takes a higher epoch than both had, ids are a total order, and epochs are unique once every pair has met.
 */
export function resolveCollision(turn: Turn, sender: ClusterNode, header: MessageHeader): void {
  const { state } = turn;
  const me = myself(state);
  if (!isPrimary(me) || !isPrimary(sender) || header.replicaOf !== null) return;
  if (header.configEpoch !== me.configEpoch || sender.id <= me.id) return;
  state.currentEpoch += 1;
  me.configEpoch = state.currentEpoch;
  persistDurably(turn);
  const text = `configEpoch collision with node ${label(sender)}. configEpoch set to ${me.configEpoch}`;
  log(turn, 'verbose', `WARNING: ${text}`);
}
