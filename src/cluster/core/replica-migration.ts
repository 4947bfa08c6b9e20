/**
 * Replica migration: a primary that lost its last replica gets one from the primary that has the most. Every replica decides alone; since all rank
 * the candidates the same way, only one moves, and it waits until the orphan has been one for 5 s. Source: spec/cluster.md 8.7.
 */
import { NodeFlag } from './message.js';
import { hasFlag, isFailed, isPrimary, isReplica, isSuspected, myself, primaryOf } from './nodes.js';
import { becomeReplicaOf } from './roles.js';
import { log, nodeList, nowMs, type Turn } from './turn.js';
import { type ClusterNode, type ClusterState, NEVER } from './types.js';

const ORPHAN_DELAY_MS = 5000;

/** Moves this replica to an orphaned primary if it is the one to go. Every tick. */
export function stepReplicaMigration(turn: Turn): void {
  const { state } = turn;
  const me = myself(state);
  const primary = primaryOf(state, me);
  if (!isReplica(me) || primary === null) return;
  const target = noteOrphans(turn);
  const most = largestFollowing(turn);
  const canSpareOne = most >= 2 && !isFailed(primary) && countWorking(state, primary) === most;
  if (target === null || !canSpareOne || !state.options.allowReplicaMigration || state.status !== 'ok') return;
  if (countHealthy(state, primary) <= state.options.migrationBarrier) return;
  if (candidate(turn, me, most) !== me.id) return;
  if (nowMs(turn) - target.orphanedAtMs <= ORPHAN_DELAY_MS) return;
  log(turn, 'notice', `Migrating to orphaned master ${target.id}`);
  becomeReplicaOf(turn, target);
}

/** Remembers since when each orphan is one. @returns the first orphan */
function noteOrphans(turn: Turn): ClusterNode | null {
  let target: ClusterNode | null = null;
  for (const node of nodeList(turn)) {
    if (!isOrphan(turn.state, node)) {
      node.orphanedAtMs = NEVER;
      continue;
    }
    if (node.orphanedAtMs === NEVER) node.orphanedAtMs = nowMs(turn);
    target ??= node;
  }
  return target;
}

/** The replica with the smallest id among those that can be spared. */
function candidate(turn: Turn, me: ClusterNode, most: number): string {
  let smallest = me.id;
  for (const node of nodeList(turn)) {
    if (!isPrimary(node) || isFailed(node) || countWorking(turn.state, node) !== most) continue;
    for (const id of node.replicas) {
      if (id < smallest && !isFailed(turn.state.nodes.get(id)!)) smallest = id;
    }
  }
  return smallest;
}

function largestFollowing(turn: Turn): number {
  let most = 0;
  for (const node of nodeList(turn)) {
    if (isPrimary(node) && !isFailed(node)) most = Math.max(most, countWorking(turn.state, node));
  }
  return most;
}

/** A primary that serves slots, is meant to have replicas, and has none left. */
function isOrphan(state: ClusterState, node: ClusterNode): boolean {
  if (!isPrimary(node) || isFailed(node) || node.slotCount === 0) return false;
  return hasFlag(node, NodeFlag.MigrateTo) && countWorking(state, node) === 0;
}

/** Replicas that are not FAIL. */
function countWorking(state: ClusterState, primary: ClusterNode): number {
  return primary.replicas.filter((id) => !isFailed(state.nodes.get(id)!)).length;
}

/** Replicas that are neither FAIL nor PFAIL. */
function countHealthy(state: ClusterState, primary: ClusterNode): number {
  return primary.replicas.filter((id) => {
    const replica = state.nodes.get(id)!;
    return !isFailed(replica) && !isSuspected(replica);
  }).length;
}
