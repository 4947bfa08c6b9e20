/**
 * The cluster core: a deterministic state machine in the manner of etcd's raft. One input goes in, effects come out; the same state, input and random
 * numbers give the same effects, to the byte. It knows no socket, file, clock or source of chance (`types.ts`, `protocol.ts`).
 *
 * Reading order: `message.ts`, `types.ts`, `protocol.ts` (the interface) → this file → `tick.ts` and `receive.ts` (what happens) → the concerns:
 * `links`, `handshake`, `membership` (who is there) · `outgoing`, `gossip` (what is told) · `failure-detection`, `evaluate-state` (who is up) ·
 * `slot-table`, `claims`, `epochs`, `roles` (who owns what) · `election`, `voting`, `manual-failover`, `replica-migration` (who takes over) ·
 * `admin`, `admin-slots` (what an operator asks) · `views`, `describe` (what an operator sees).
 */
import { onAdmin, onKillLinks } from './admin.js';
import { stepElection } from './election.js';
import { evaluateState } from './evaluate-state.js';
import { onLinkAccepted, onLinkDown, onLinkUp } from './links.js';
import { stepManualFailover } from './manual-failover.js';
import { isReplica, myself } from './nodes.js';
import type { Effect, Input } from './protocol.js';
import { onPublish } from './publish.js';
import { onMalformed, onMessage } from './receive.js';
import { onConfigure, onDatasetLoaded } from './start.js';
import { onTick } from './tick.js';
import { beginTurn, type Turn } from './turn.js';
import type { ClusterState, Environment } from './types.js';

/** Takes one step: changes `state`, appends to `effects`. See `protocol.ts` for what the order of the effects promises. */
export function step(state: ClusterState, input: Input, environment: Environment, effects: Effect[]): void {
  state.now = input.now;
  const turn = beginTurn(state, environment, effects);
  handle(turn, input);
  runDeferred(turn);
}

function handle(turn: Turn, input: Input): void {
  switch (input.kind) {
    case 'tick':
      return onTick(turn);
    case 'message':
      return onMessage(turn, input.link, input.message);
    case 'malformed':
      return onMalformed(turn, input.link, input.frame);
    case 'link-accepted':
      return onLinkAccepted(turn, input.link, input.remoteIp, input.localIp);
    case 'link-up':
      return onLinkUp(turn, input.link, input.remoteIp, input.localIp);
    case 'link-down':
      return onLinkDown(turn, input.link, input.reason);
    case 'admin':
      turn.reply = onAdmin(turn, input.args);
      return;
    case 'publish':
      return onPublish(turn, input.channel, input.payload, input.sharded);
    case 'configure':
      return onConfigure(turn, input.options);
    case 'replication-progress':
      turn.todo.manualFailover = true;
      return;
    case 'dataset-loaded':
      return onDatasetLoaded(turn);
    case 'kill-links':
      turn.reply = onKillLinks(turn, input.node, input.direction);
      return;
    case 'drop-packets':
      turn.state.droppedTypeCode = input.typeCode;
  }
}

/** A manual failover goes from "may start" over its schedule to the question in one step; more rounds than this do not exist. */
const FAILOVER_ROUNDS_MAX = 4;

/** The put-off part of a step, in the order that keeps promises: decide, evaluate, save, and only then speak. */
function runDeferred(turn: Turn): void {
  const { state, todo, effects } = turn;
  for (let round = 0; round < FAILOVER_ROUNDS_MAX && (todo.failover || todo.manualFailover); round += 1) {
    const { manualFailover } = todo;
    todo.failover = false;
    todo.manualFailover = false;
    if (!isReplica(myself(state))) break;
    if (manualFailover) stepManualFailover(turn);
    stepElection(turn);
  }
  if (todo.evaluate) evaluateState(turn);
  if (turn.unboundSlots.size > 0) effects.push({ kind: 'drop-shard-subscriptions', slots: [...turn.unboundSlots] });
  if (todo.persist) effects.push({ kind: 'persist', fsync: todo.fsync });
  if (turn.reply !== null) effects.push({ kind: 'reply', reply: turn.reply });
  effects.push(...turn.sends);
}
