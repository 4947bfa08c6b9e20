/**
 * The contract between the core and its shell: inputs, effects, and what the shell owes to each of them.
 *
 * `step(state, input, environment, effects)` appends to `effects`. The shell performs them in order; **the order is the contract**: nothing after a
 * `persist` happens before the file is written (and, with `fsync`, durable). A step emits at most one `persist`, before its `reply` and all its
 * `send`s, so a vote, an epoch bump or a slot change is on disk before anyone hears of it (spec/cluster.md 0.2).
 * A shell that takes several inputs in one event-loop turn may join their effects: perform all but the sends in order, with a single `persist` (fsync if
 * any asked for it; it writes the *current* state, which covers the earlier ones) and then all sends in order.
 */
import type { BusMessage, MalformedFrame } from './message.js';
import type { ClusterOptions, LinkId, NodeId, Now } from './types.js';

/** Everything that can happen to a node. */
export type Input =
  /** Every 100 ms. */
  | { kind: 'tick'; now: Now }
  /** A well-formed message arrived on a link. Ignored if the core has dropped the link meanwhile. */
  | { kind: 'message'; now: Now; link: LinkId; message: BusMessage }
  /** A malformed frame arrived on a link. If it is fatal, the effects drop the link. */
  | { kind: 'malformed'; now: Now; link: LinkId; frame: MalformedFrame }
  /** The shell accepted a bus connection and gave it a negative id. Addresses are literals; an IPv4 peer on an IPv6 socket is given as IPv4. */
  | { kind: 'link-accepted'; now: Now; link: LinkId; remoteIp: string; localIp: string }
  /** A connection asked for by `connect` is established. */
  | { kind: 'link-up'; now: Now; link: LinkId; remoteIp: string; localIp: string }
  /** A link (accepted, or asked for by `connect`) ended or could not be made. Not to be reported for links dropped by the core. */
  | { kind: 'link-down'; now: Now; link: LinkId; reason: string }
  /**
   * A CLUSTER subcommand that changes something, with its arguments: `['meet', '127.0.0.1', '7001']`. Answered by exactly one `reply` effect.
   * Handled here: MEET, FORGET, REPLICATE, RESET, SET-CONFIG-EPOCH, BUMPEPOCH, FAILOVER, ADDSLOTS, ADDSLOTSRANGE, DELSLOTS, DELSLOTSRANGE,
   * FLUSHSLOTS, SETSLOT (any case). The caller has checked the arity of the command table. Queries are in `views.ts`; SAVECONFIG is the shell's.
   */
  | { kind: 'admin'; now: Now; args: readonly string[] }
  /** PUBLISH or SPUBLISH was executed here: tell the other nodes. Local subscribers have been served already. */
  | { kind: 'publish'; now: Now; channel: Uint8Array; payload: Uint8Array; sharded: boolean }
  /** Directives changed (or were read for the first time after a restart). */
  | { kind: 'configure'; now: Now; options: ClusterOptions }
  /** The replica processed more of its primary's stream. Only wanted while `state.manualFailover.primaryOffset >= 0`; the tick looks as well. */
  | { kind: 'replication-progress'; now: Now }
  /** The data set has been loaded at start: claim or import the slots of keys that should not be here. */
  | { kind: 'dataset-loaded'; now: Now }
  /** DEBUG CLUSTERLINK KILL. Answered by one `reply`. */
  | { kind: 'kill-links'; now: Now; node: NodeId; direction: string }
  /** DEBUG DROP-CLUSTER-PACKET-FILTER: wire number of a message type, −1 = off. */
  | { kind: 'drop-packets'; now: Now; typeCode: number };

export type LogLevel = 'debug' | 'verbose' | 'notice' | 'warning';

/** The answer to an admin request: a simple string, or an error line with its code (`ERR …`). */
export type AdminReply = { ok: true; text: string } | { ok: false; error: string };

/** What the shell is asked to do, in this order. */
export type Effect =
  /**
   * Save `encodeNodesConf(state)`; with `fsync` durably, else the shell may put it off to its next tick. A failure is fatal: log
   * `Fatal: can't update cluster config file.` and exit with code 1.
   */
  | { kind: 'persist'; fsync: boolean }
  /** Send the message on each of the links; the bytes are the same for all. On a link still connecting it waits for the connection. Unknown links are skipped. */
  | { kind: 'send'; links: readonly LinkId[]; message: BusMessage }
  /** Open a connection for the link; answer with `link-up` or `link-down`. */
  | { kind: 'connect'; link: LinkId; node: NodeId; ip: string; port: number }
  /** Close the link and forget what is queued on it. No `link-down` is to follow. */
  | { kind: 'disconnect'; link: LinkId }
  /** Stop replicating and become a writable primary; keep the replication history as second replication id, so that others can resync partially. */
  | { kind: 'become-primary' }
  /** Replicate from this address (again, if it changed), trying a partial resync first; a node that was a primary becomes read-only. */
  | { kind: 'replicate'; node: NodeId; ip: string; port: number }
  /** Remove the whole data set (CLUSTER RESET of a replica). */
  | { kind: 'discard-dataset' }
  /** Hold back writes, expiry and eviction until the moment (monotonic ms): a manual failover runs. A later one replaces it. */
  | { kind: 'pause-writes'; untilMs: number }
  | { kind: 'resume-writes' }
  /** Delete all keys in these slots; each deletion is a write command like any other (propagated to replicas and AOF). */
  | { kind: 'delete-keys'; slots: readonly number[] }
  /** These slots changed hands: unsubscribe local clients from the shard channels in them. */
  | { kind: 'drop-shard-subscriptions'; slots: readonly number[] }
  /** Deliver to local subscribers (shard subscribers if `sharded`). */
  | { kind: 'publish'; channel: Uint8Array; payload: Uint8Array; sharded: boolean }
  | { kind: 'reply'; reply: AdminReply }
  | { kind: 'log'; level: LogLevel; text: string };
