/**
 * One step of the core while it is being taken: the state, the windows to the outside, the effects so far, and the actions put off to its end.
 *
 * Handlers change the state at once and put off four things, which `runDeferred` (in `step.ts`) does once, in this order: the failover step of a
 * replica, the evaluation of the cluster state, the save of nodes.conf, and the sends. Source: spec/cluster.md 0.2.
 */
import { type BusMessage, MESSAGE_TYPES } from './message.js';
import type { AdminReply, Effect, LogLevel } from './protocol.js';
import { type ClusterNode, type ClusterState, type Environment, type LinkId, NEVER } from './types.js';

export interface Turn {
  readonly state: ClusterState;
  readonly environment: Environment;
  readonly effects: Effect[];
  /** Messages of this step; they follow the save. */
  readonly sends: Effect[];
  readonly todo: Todo;
  /** Slots that were taken from an owner in this step. */
  readonly unboundSlots: Set<number>;
  reply: AdminReply | null;
  /** All nodes as an array, for random draws; null after a node came or went. */
  nodeList: ClusterNode[] | null;
}

export interface Todo {
  failover: boolean;
  manualFailover: boolean;
  evaluate: boolean;
  persist: boolean;
  fsync: boolean;
  /** A node was suspected in this tick: the other voters are told at its end. */
  tellSuspicion: boolean;
}

export function beginTurn(state: ClusterState, environment: Environment, effects: Effect[]): Turn {
  const todo: Todo = {
    failover: false,
    manualFailover: false,
    evaluate: false,
    persist: false,
    fsync: false,
    tellSuspicion: false,
  };
  return { state, environment, effects, sends: [], todo, unboundSlots: new Set(), reply: null, nodeList: null };
}

/** Asks for a save without fsync: the change is worth keeping, but can be learned again from the other nodes. */
export function persistSoon(turn: Turn): void {
  turn.todo.persist = true;
}

/** Asks for a save that must be durable before anything leaves this node: votes, epochs, slots. */
export function persistDurably(turn: Turn): void {
  turn.todo.persist = true;
  turn.todo.fsync = true;
}

/** Asks for a save and a new evaluation of the cluster state, the usual company of a change in the node table. */
export function persistAndEvaluate(turn: Turn): void {
  turn.todo.persist = true;
  turn.todo.evaluate = true;
}

export function log(turn: Turn, level: LogLevel, text: string): void {
  turn.effects.push({ kind: 'log', level, text });
}

/** Queues a message on links, behind the save of this step. Counted once per link. */
export function send(turn: Turn, links: readonly LinkId[], message: BusMessage): void {
  if (links.length === 0) return;
  const typeCode = typeCodeOf(message);
  if (typeCode < turn.state.messagesSent.length) turn.state.messagesSent[typeCode]! += links.length;
  turn.sends.push({ kind: 'send', links, message });
}

export function typeCodeOf(message: BusMessage): number {
  if (message.type === 'unknown') return message.typeCode;
  return MESSAGE_TYPES.indexOf(message.type);
}

/** Monotonic milliseconds of this step. */
export function nowMs(turn: Turn): number {
  return turn.state.now.monotonicMs;
}

/** A monotonic time stamp as Unix milliseconds, 0 for NEVER. */
export function toUnixMs(state: ClusterState, atMs: number): number {
  if (atMs === NEVER) return 0;
  return Math.max(1, state.now.unixMs - state.now.monotonicMs + atMs);
}

/** A Unix time stamp as monotonic milliseconds, NEVER for 0. */
export function fromUnixMs(state: ClusterState, unixMs: number): number {
  if (unixMs === 0) return NEVER;
  return unixMs - state.now.unixMs + state.now.monotonicMs;
}

/** All nodes as an array, in the order of the table. Not to be changed. */
export function nodeList(turn: Turn): readonly ClusterNode[] {
  turn.nodeList ??= [...turn.state.nodes.values()];
  return turn.nodeList;
}
