/**
 * How a core begins its life: as a new node, or with what nodes.conf kept; and what the configuration says about the node itself.
 * Source: spec/cluster.md 2.1, 10.2, 10.6.
 */
import { MESSAGE_TYPES, NodeFlag } from './message.js';
import { isAddressText, isHostname, isHumanNodename } from './names.js';
import { isPrimary, makeNode, myself, randomId } from './nodes.js';
import { announcedBusPort, announcedTcpPort, announcedTlsPort } from './outgoing.js';
import { SLOT_BYTES } from './slot-bitmap.js';
import { assignSlot, ownerOf } from './slot-table.js';
import { log, persistAndEvaluate, persistDurably, type Turn } from './turn.js';
import {
  type ClusterNode,
  type ClusterOptions,
  type ClusterState,
  NEVER,
  type Now,
  type Random,
  SLOT_COUNT,
} from './types.js';

/** A node that belongs to no cluster yet. The shell persists it (with fsync) before it does anything else. */
export function newCluster(options: ClusterOptions, random: Random, now: Now): ClusterState {
  const flags = NodeFlag.Myself | NodeFlag.Primary;
  return makeState(makeNode(randomId(random), flags, randomId(random), now.monotonicMs), options, now);
}

/** The state around one node, itself. */
export function makeState(me: ClusterNode, options: ClusterOptions, now: Now): ClusterState {
  const state: ClusterState = {
    myId: me.id,
    nodes: new Map([[me.id, me]]),
    currentEpoch: 0,
    lastVoteEpoch: 0,
    status: 'fail',
    size: 0,
    firstEvaluatedAtMs: NEVER,
    minorityAtMs: NEVER,
    joinedShardAtMs: NEVER,
    slotOwners: new Array(SLOT_COUNT).fill(null),
    notClaimed: new Uint8Array(SLOT_BYTES),
    migrating: new Map(),
    importing: new Map(),
    movedFrom: new Map(),
    forgotten: new Map(),
    links: new Map(),
    lastLinkId: 0,
    election: {
      startsAtMs: NEVER,
      rank: 0,
      hasAsked: false,
      epoch: 0,
      voters: [],
      blockedReason: '',
      blockedLoggedAtMs: NEVER,
    },
    manualFailover: { endsAtMs: NEVER, canStart: false, replica: null, primaryOffset: -1 },
    tickCount: 0,
    suspectedCount: 0,
    messagesSent: MESSAGE_TYPES.map(() => 0),
    messagesReceived: MESSAGE_TYPES.map(() => 0),
    linksOverBufferLimit: 0,
    droppedTypeCode: -1,
    options: { ...options },
    isOwnIpConfirmed: false,
    now,
  };
  announce(state);
  return state;
}

/** Writes what the configuration says about this node over its own record. */
export function announce(state: ClusterState): void {
  const { options } = state;
  const me = myself(state);
  // The configuration has checked these; a value that slipped through is left out, for it could make nodes.conf unreadable.
  if (!isAddressText(options.announceIp)) options.announceIp = '';
  if (!isHostname(options.announceHostname)) options.announceHostname = '';
  if (!isHumanNodename(options.announceHumanNodename)) options.announceHumanNodename = '';
  if (options.announceIp !== '') me.ip = options.announceIp;
  me.tcpPort = announcedTcpPort(options);
  me.tlsPort = announcedTlsPort(options);
  me.busPort = announcedBusPort(options);
  me.hostname = options.announceHostname;
  me.humanNodename = options.announceHumanNodename;
  me.flags = options.replicaNoFailover ? me.flags | NodeFlag.NoFailover : me.flags & ~NodeFlag.NoFailover;
}

/** Directives changed at run time: they hold from now on here, and for the others with the next message. */
export function onConfigure(turn: Turn, options: ClusterOptions): void {
  const { state } = turn;
  const me = myself(state);
  if (options.announceIp === '' && state.options.announceIp !== '') {
    me.ip = '';
    state.isOwnIpConfirmed = false;
  }
  state.options = { ...options };
  announce(state);
  persistAndEvaluate(turn);
}

/**
 * Keys were loaded from disk. Those in slots nobody owns are taken over; those in slots of another node are left over from an unfinished move, which
 * the slot's importing state shows to the operator. Replicas follow their primary and keep what they have.
 */
export function onDatasetLoaded(turn: Turn): void {
  const { state } = turn;
  const me = myself(state);
  if (!isPrimary(me)) return;
  for (let slot = 0; slot < SLOT_COUNT; slot += 1) {
    const owner = ownerOf(state, slot);
    if (owner === me || state.importing.has(slot) || turn.environment.keyspace.keysInSlot(slot) === 0) continue;
    if (owner === null) {
      log(turn, 'notice', `I have keys for unassigned slot ${slot}. Taking responsibility for it.`);
      assignSlot(state, slot, me);
    } else {
      const what = 'but the slot is assigned to another node. Setting it to importing state.';
      log(turn, 'notice', `I have keys for slot ${slot}, ${what}`);
      state.importing.set(slot, owner.id);
    }
    persistDurably(turn);
    turn.todo.evaluate = true;
  }
}
