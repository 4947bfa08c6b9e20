/**
 * What others say about third nodes: failure reports, pongs seen elsewhere (which save pings of our own), new addresses of nodes we cannot reach, and
 * nodes we do not know yet. Only the gossip of members is heard. Source: spec/cluster.md 5.3, 3.4.
 */
import { countFailureReports, onFailureReport, onFailureReportWithdrawn } from './failure-detection.js';
import { changeAddress } from './handshake.js';
import { addNode, deleteNode, forgetNode, isForgotten } from './membership.js';
import { type GossipEntry, NodeFlag, type PingExtension } from './message.js';
import {
  basePort,
  hasNoAddress,
  isFailed,
  isMyself,
  isPingPending,
  isSuspected,
  isVotingPrimary,
  myself,
  topmostPrimary,
} from './nodes.js';
import { fromUnixMs, log, nowMs, persistAndEvaluate, persistDurably, persistSoon, type Turn } from './turn.js';
import type { ClusterNode } from './types.js';

/** A pong time this far in the future is a clock that runs a little ahead; more is not believed. */
const CLOCK_TOLERANCE_MS = 500;

const FAILING = NodeFlag.Suspected | NodeFlag.Failed;

/** The bits of a stranger's flags that a new record begins with; the others are about the link between sender and stranger. */
const INHERITED_FLAGS = NodeFlag.Primary | NodeFlag.Replica | FAILING | NodeFlag.MigrateTo | NodeFlag.NoFailover;

export function onGossip(turn: Turn, sender: ClusterNode, entries: readonly GossipEntry[]): void {
  for (const entry of entries) {
    const node = turn.state.nodes.get(entry.node);
    if (node === undefined) introduce(turn, entry);
    else if (!isMyself(node)) hearAbout(turn, sender, node, entry);
  }
}

function hearAbout(turn: Turn, sender: ClusterNode, node: ClusterNode, entry: GossipEntry): void {
  const isFailing = (entry.flags & FAILING) !== 0;
  if (isVotingPrimary(sender) && sender !== node) {
    if (isFailing) onFailureReport(turn, sender, node);
    else onFailureReportWithdrawn(turn, sender, node);
  }
  if (!isFailing && !isPingPending(node) && countFailureReports(turn.state, node) === 0) {
    const pongAtMs = fromUnixMs(turn.state, entry.pongReceivedS * 1000);
    if (pongAtMs <= nowMs(turn) + CLOCK_TOLERANCE_MS && pongAtMs > node.pongReceivedAtMs)
      node.pongReceivedAtMs = pongAtMs;
  }
  const isLost = isSuspected(node) || isFailed(node) || hasNoAddress(node);
  if (isLost && !isFailing && (entry.flags & NodeFlag.NoAddress) === 0) {
    moveTo(turn, node, entry);
  }
}

/** We cannot reach the node, the sender can, at another address. */
function moveTo(turn: Turn, node: ClusterNode, entry: GossipEntry): void {
  const { tlsCluster } = turn.state.options;
  const isSame = node.ip === entry.ip && basePort(turn.state, node) === entry.port && node.busPort === entry.busPort;
  if (isSame || entry.ip === '') return;
  const tcpPort = tlsCluster ? entry.secondaryPort : entry.port;
  const tlsPort = tlsCluster ? entry.port : entry.secondaryPort;
  changeAddress(turn, node, entry.ip, tcpPort, tlsPort, entry.busPort);
}

/** Adds a node by hearsay, without handshake: its id has to match at the first pong anyway. */
function introduce(turn: Turn, entry: GossipEntry): void {
  if ((entry.flags & NodeFlag.NoAddress) !== 0 || entry.ip === '' || isForgotten(turn, entry.node)) return;
  const node = addNode(turn, entry.node, entry.flags & INHERITED_FLAGS);
  if (node === null) return;
  const { tlsCluster } = turn.state.options;
  node.ip = entry.ip;
  node.tcpPort = tlsCluster ? entry.secondaryPort : entry.port;
  node.tlsPort = tlsCluster ? entry.port : entry.secondaryPort;
  node.busPort = entry.busPort;
}

/** An extension that is missing says that the sender has nothing to tell: its host name, say, was removed. */
export function onExtensions(turn: Turn, sender: ClusterNode, extensions: readonly PingExtension[]): void {
  let hostname = '';
  let nodename = '';
  let shardId: string | null = null;
  for (const extension of extensions) {
    switch (extension.kind) {
      case 'hostname':
        hostname = extension.hostname;
        break;
      case 'human-nodename':
        nodename = extension.nodename;
        break;
      case 'forgotten-node':
        onForgotten(turn, extension.node, extension.ttlS);
        break;
      case 'shard-id':
        shardId = extension.shardId;
        break;
      case 'unknown':
        log(turn, 'debug', `Received unknown extension type ${extension.typeCode}`);
    }
  }
  if (sender.hostname !== hostname || sender.humanNodename !== nodename) {
    sender.hostname = hostname;
    sender.humanNodename = nodename;
    persistSoon(turn);
  }
  if (turn.state.nodes.has(sender.id)) adoptShardId(turn, sender, shardId);
}

function onForgotten(turn: Turn, id: string, ttlS: number): void {
  const node = turn.state.nodes.get(id);
  if (node === undefined || isMyself(node) || myself(turn.state).replicaOf === id) return;
  forgetNode(turn, id, ttlS);
  deleteNode(turn, node);
  persistAndEvaluate(turn);
}

function adoptShardId(turn: Turn, sender: ClusterNode, announced: string | null): void {
  const me = myself(turn.state);
  // A replica is in the shard of its primary, whatever it says while it moves; a primary that says nothing (Redis 7.0) keeps the id made up for it.
  const top = topmostPrimary(turn.state, sender);
  const shardId = top === sender ? (announced ?? sender.shardId) : top.shardId;
  if (sender.shardId !== shardId) {
    sender.shardId = shardId;
    // Replicas are filed under their primary; a nodes.conf where the two differ is one that Redis 7.2 refuses to load.
    for (const id of sender.replicas) {
      const replica = turn.state.nodes.get(id)!;
      if (replica !== me) replica.shardId = shardId;
    }
    persistSoon(turn);
  }
  if (me.replicaOf === sender.id && me.shardId !== shardId) {
    me.shardId = shardId;
    persistDurably(turn);
  }
}
