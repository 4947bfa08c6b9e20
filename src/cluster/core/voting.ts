/**
 * Votes, at the primaries: one per epoch, to a replica of a failed primary whose claim is not out of date. A denial is only logged; the replica
 * learns of it by not getting a quorum. The vote is durable before it leaves. Source: spec/cluster.md 8.4.
 */
import type { MessageHeader } from './message.js';
import { isFailed, isPrimary, isVotingPrimary, label, myself, primaryOf } from './nodes.js';
import { makeHeader } from './outgoing.js';
import { hasSlot } from './slot-bitmap.js';
import { isNotClaimed, ownerOf } from './slot-table.js';
import { log, nowMs, persistDurably, send, type Turn } from './turn.js';
import { type ClusterNode, type ClusterState, SLOT_COUNT } from './types.js';

/** Node timeouts between two votes about the same primary: time for the first winner to be heard of. */
const TIMEOUTS_BETWEEN_VOTES = 2;

export function onAuthRequest(turn: Turn, sender: ClusterNode | null, header: MessageHeader): void {
  const { state } = turn;
  if (sender === null || !isVotingPrimary(myself(state))) return;
  const reason = reasonToDeny(state, sender, header);
  if (reason !== null) {
    log(turn, 'notice', `Failover auth denied to ${label(sender)}: ${reason}`);
    return;
  }
  state.lastVoteEpoch = state.currentEpoch;
  primaryOf(state, sender)!.votedAtMs = nowMs(turn);
  persistDurably(turn);
  log(turn, 'notice', `Failover auth granted to ${label(sender)} for epoch ${state.currentEpoch}`);
  if (sender.outbound !== null) send(turn, [sender.outbound], { type: 'auth-ack', header: makeHeader(turn) });
}

function reasonToDeny(state: ClusterState, sender: ClusterNode, header: MessageHeader): string | null {
  const primary = primaryOf(state, sender);
  const now = state.now.monotonicMs;
  if (header.currentEpoch < state.currentEpoch) {
    return `reqEpoch (${header.currentEpoch}) < curEpoch(${state.currentEpoch})`;
  }
  if (state.lastVoteEpoch === state.currentEpoch) return `already voted for epoch ${state.currentEpoch}`;
  if (isPrimary(sender)) return 'it is a master node';
  if (primary === null) return "I don't know its master";
  if (!isFailed(primary) && !header.forceAck) return 'its master is up';
  const waitMs = TIMEOUTS_BETWEEN_VOTES * state.options.nodeTimeoutMs - (now - primary.votedAtMs);
  if (waitMs > 0) return `can't vote about this master before ${waitMs} milliseconds`;
  return staleSlot(state, header);
}

/** A replica that missed a later owner of one of its slots must not win it back. */
function staleSlot(state: ClusterState, header: MessageHeader): string | null {
  for (let slot = 0; slot < SLOT_COUNT; slot += 1) {
    if (!hasSlot(header.slots, slot)) continue;
    const owner = ownerOf(state, slot);
    if (owner === null || isNotClaimed(state, slot) || owner.configEpoch <= header.configEpoch) continue;
    return `slot ${slot} epoch (${owner.configEpoch}) > reqEpoch (${header.configEpoch})`;
  }
  return null;
}
