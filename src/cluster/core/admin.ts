/**
 * What an operator may ask about the node's place in the cluster: meeting and forgetting nodes, its role, its epochs, starting over.
 * Each function checks everything first and then changes the state; an error leaves no trace. Source: spec/cluster.md 11.3, 11.6, 8.5.
 */
import { failure, NOT_AN_INTEGER, OK, parseInteger, wrongForm } from './admin-reply.js';
import { addSlots, addSlotsRange, delSlots, delSlotsRange, flushSlots, setSlotState } from './admin-slots.js';
import { takeOver } from './election.js';
import { bumpEpochWithoutConsensus } from './epochs.js';
import { startHandshake } from './handshake.js';
import { dropLink } from './links.js';
import { beginManualFailover, FAILOVER_UNDER_WAY, isBeingReplaced, resetManualFailover } from './manual-failover.js';
import { deleteNode, FORGET_TTL_S, forgetNode, isForgotten, renameNode } from './membership.js';
import { EPOCH_MAX, type NodeId } from './message.js';
import { isFailed, isInHandshake, isMyself, isPrimary, isReplica, myself, primaryOf, randomId } from './nodes.js';
import { BUS_PORT_INCREMENT, makeHeader } from './outgoing.js';
import type { AdminReply } from './protocol.js';
import { becomePrimary, becomeReplicaOf } from './roles.js';
import { unassignSlot } from './slot-table.js';
import { log, nodeList, persistAndEvaluate, persistDurably, send, type Turn } from './turn.js';
import { NEVER, SLOT_COUNT } from './types.js';

type AdminHandler = (turn: Turn, args: readonly string[]) => AdminReply;

const HANDLERS: Readonly<Record<string, AdminHandler>> = {
  meet,
  forget,
  replicate: replicateNode,
  reset,
  'set-config-epoch': setConfigEpoch,
  bumpepoch: bumpEpoch,
  failover,
  addslots: addSlots,
  addslotsrange: addSlotsRange,
  delslots: delSlots,
  delslotsrange: delSlotsRange,
  flushslots: flushSlots,
  setslot: setSlotState,
};

/** @param args  the subcommand and its arguments */
export function onAdmin(turn: Turn, args: readonly string[]): AdminReply {
  const name = args[0] ?? '';
  const key = name.toLowerCase();
  if (!Object.hasOwn(HANDLERS, key)) return failure(`unknown subcommand '${name}'. Try CLUSTER HELP.`);
  return HANDLERS[key]!(turn, args);
}

function meet(turn: Turn, args: readonly string[]): AdminReply {
  if (args.length !== 3 && args.length !== 4) return wrongForm(args[0]!);
  const [, ip, portText, busPortText] = args as [string, string, string, string?];
  const port = parseInteger(portText);
  if (port === null) return failure(`Invalid base port specified: ${portText}`);
  const busPort = busPortText === undefined ? port + BigInt(BUS_PORT_INCREMENT) : parseInteger(busPortText);
  if (busPort === null) return failure(`Invalid bus port specified: ${busPortText}`);
  if (!startHandshake(turn, ip, Number(port), Number(busPort))) {
    return failure(`Invalid node address specified: ${ip}:${portText}`);
  }
  return OK;
}

function forget(turn: Turn, args: readonly string[]): AdminReply {
  if (args.length !== 2) return wrongForm(args[0]!);
  const id = args[1]!;
  const node = turn.state.nodes.get(id);
  // Another node's FORGET may have reached us by gossip before the operator did.
  if (node === undefined) return isForgotten(turn, id) ? OK : failure(`Unknown node ${id}`);
  if (isMyself(node)) return failure("I tried hard but I can't forget myself...");
  if (myself(turn.state).replicaOf === id) return failure("Can't forget my master!");
  forgetNode(turn, id, FORGET_TTL_S);
  deleteNode(turn, node);
  persistAndEvaluate(turn);
  return OK;
}

function replicateNode(turn: Turn, args: readonly string[]): AdminReply {
  if (args.length !== 2) return wrongForm(args[0]!);
  const { state } = turn;
  const me = myself(state);
  const node = state.nodes.get(args[1]!);
  if (node === undefined || isInHandshake(node)) return failure(`Unknown node ${args[1]}`);
  if (node === me) return failure("Can't replicate myself");
  if (!isPrimary(node)) return failure('I can only replicate a master, not a replica.');
  if (isPrimary(me) && (me.slotCount > 0 || turn.environment.keyspace.keyCount() > 0)) {
    return failure('To set a master the node must be empty and without assigned slots.');
  }
  if (me.replicaOf === node.id) return OK;
  becomeReplicaOf(turn, node);
  persistAndEvaluate(turn);
  return OK;
}

/** Leaves the cluster: no other nodes, no slots, no primary. HARD forgets the own id and the epochs as well. */
function reset(turn: Turn, args: readonly string[]): AdminReply {
  if (args.length > 2) return wrongForm(args[0]!);
  const mode = (args[1] ?? 'soft').toLowerCase();
  if (mode !== 'soft' && mode !== 'hard') return failure('syntax error');
  const { state } = turn;
  const me = myself(state);
  if (isPrimary(me) && turn.environment.keyspace.keyCount() > 0) {
    return failure("CLUSTER RESET can't be called with master nodes containing keys");
  }
  resetManualFailover(turn);
  if (isReplica(me)) {
    becomePrimary(turn);
    turn.effects.push({ kind: 'discard-dataset' });
  }
  state.migrating.clear();
  state.importing.clear();
  for (let slot = 0; slot < SLOT_COUNT; slot += 1) unassignSlot(turn, slot);
  for (const node of nodeList(turn)) if (!isMyself(node)) deleteNode(turn, node);
  state.forgotten.clear();
  state.election.startsAtMs = NEVER;
  state.election.hasAsked = false;
  if (mode === 'hard') hardReset(turn);
  persistDurably(turn);
  turn.todo.evaluate = true;
  return OK;
}

function hardReset(turn: Turn): void {
  const { state } = turn;
  const me = myself(state);
  state.currentEpoch = 0;
  state.lastVoteEpoch = 0;
  me.configEpoch = 0;
  log(turn, 'notice', 'configEpoch set to 0 via CLUSTER RESET HARD');
  renameNode(turn, me, randomId(turn.environment.random));
  state.myId = me.id;
  me.shardId = randomId(turn.environment.random);
  log(turn, 'notice', `Node hard reset, now I'm ${me.id}`);
}

/** Gives the nodes of a cluster that is being created different epochs from the start, so that they need not collide. */
function setConfigEpoch(turn: Turn, args: readonly string[]): AdminReply {
  if (args.length !== 2) return wrongForm(args[0]!);
  const { state } = turn;
  const me = myself(state);
  const value = parseInteger(args[1]!);
  if (value === null) return NOT_AN_INTEGER;
  if (value < 0n || value > BigInt(EPOCH_MAX)) return failure(`Invalid config epoch specified: ${value}`);
  if (state.nodes.size > 1) {
    return failure('The user can assign a config epoch only when the node does not know any other node.');
  }
  if (me.configEpoch !== 0) return failure('Node config epoch is already non-zero');
  me.configEpoch = Number(value);
  state.currentEpoch = Math.max(state.currentEpoch, me.configEpoch);
  log(turn, 'notice', `configEpoch set to ${value} via CLUSTER SET-CONFIG-EPOCH`);
  persistDurably(turn);
  turn.todo.evaluate = true;
  return OK;
}

function bumpEpoch(turn: Turn, args: readonly string[]): AdminReply {
  if (args.length !== 1) return wrongForm(args[0]!);
  if (isBeingReplaced(turn.state)) return FAILOVER_UNDER_WAY;
  const verb = bumpEpochWithoutConsensus(turn) ? 'BUMPED' : 'STILL';
  return { ok: true, text: `${verb} ${myself(turn.state).configEpoch}` };
}

function failover(turn: Turn, args: readonly string[]): AdminReply {
  if (args.length > 2) return wrongForm(args[0]!);
  const mode = (args[1] ?? '').toLowerCase();
  if (mode !== '' && mode !== 'force' && mode !== 'takeover') return failure('syntax error');
  if (args.length === 2 && mode === '') return failure('syntax error');
  const me = myself(turn.state);
  const primary = primaryOf(turn.state, me);
  if (!isReplica(me)) return failure('You should send CLUSTER FAILOVER to a replica');
  if (primary === null) return failure("I'm a replica but my master is unknown to me");
  if (mode === '' && (isFailed(primary) || primary.outbound === null)) {
    return failure('Master is down or failed, please use CLUSTER FAILOVER FORCE');
  }
  if (mode === 'takeover') {
    log(turn, 'notice', 'Taking over the master (user request).');
    bumpEpochWithoutConsensus(turn);
    takeOver(turn);
  } else if (mode === 'force') {
    log(turn, 'notice', 'Forced failover user request accepted.');
    beginManualFailover(turn, true);
  } else {
    log(turn, 'notice', 'Manual failover user request accepted.');
    beginManualFailover(turn, false);
    send(turn, [primary.outbound!], { type: 'mfstart', header: makeHeader(turn) });
  }
  return OK;
}

/** DEBUG CLUSTERLINK KILL: for tests of reconnection. */
export function onKillLinks(turn: Turn, id: NodeId, direction: string): AdminReply {
  const node = turn.state.nodes.get(id);
  if (node === undefined) return failure(`Unknown node ${id}`);
  const which = direction.toLowerCase();
  if (which !== 'to' && which !== 'from' && which !== 'all') return failure(`Unknown direction ${direction}`);
  if (which !== 'from') dropLink(turn, node.outbound);
  if (which !== 'to') dropLink(turn, node.inbound);
  return OK;
}
