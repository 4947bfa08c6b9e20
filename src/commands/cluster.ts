/**
 * CLUSTER and its companions ASKING, READONLY, READWRITE. What changes the node's place in the cluster is decided by the core; here are only the
 * replies. Source: spec/cluster.md chapter 11.
 */
import type { Cluster } from '../cluster/cluster.js';
import { failureReportCount, clusterInfo as infoText, clusterNodes as nodesText } from '../cluster/core/views.js';
import { slotOfKey } from '../keyspace/key-hash.js';
import { SLOT_COUNT } from '../keyspace/key-slot.js';
import { CLUSTER_ASKING, CLUSTER_READONLY } from '../server/connection-flags.js';
import type { Invocation } from '../server/invocation.js';
import type { Handler } from './command.js';
import { helpReply } from './help.js';
import { replyNotAnInteger } from './replies.js';

/** @returns the cluster; null after the error that there is none has been replied */
export function clusterOf(call: Invocation): Cluster | null {
  const { cluster } = call.server;
  if (cluster !== null) return cluster.node;
  call.error('ERR This instance has cluster support disabled');
  return null;
}

/** The subcommands that the core executes. */
export function clusterAdmin(call: Invocation): void {
  const cluster = clusterOf(call);
  if (cluster === null) return;
  const args: string[] = [];
  for (let i = 1; i < call.argc; i++) args.push(call.text(i));
  const reply = cluster.admin(args);
  if (reply.ok) call.reply.status(reply.text);
  else call.error(reply.error);
}

export function clusterInfo(call: Invocation): void {
  const cluster = clusterOf(call);
  if (cluster !== null) call.reply.verbatim(infoText(cluster.state));
}

export function clusterNodes(call: Invocation): void {
  const cluster = clusterOf(call);
  if (cluster !== null) call.reply.verbatim(nodesText(cluster.state, false));
}

export function clusterMyid(call: Invocation): void {
  const cluster = clusterOf(call);
  if (cluster !== null) call.reply.bulkText(cluster.state.myId);
}

export function clusterMyshardid(call: Invocation): void {
  const cluster = clusterOf(call);
  if (cluster !== null) call.reply.bulkText(cluster.state.nodes.get(cluster.state.myId)!.shardId);
}

export function clusterKeyslot(call: Invocation): void {
  if (clusterOf(call) === null) return;
  const { bytes, starts, lengths } = call.request;
  call.reply.integer(slotOfKey(bytes, starts[2], lengths[2]));
}

export function clusterCountkeysinslot(call: Invocation): void {
  if (clusterOf(call) === null) return;
  const slot = call.integer(2);
  if (Number.isNaN(slot)) return replyNotAnInteger(call);
  if (slot < 0 || slot >= SLOT_COUNT) return call.error('ERR Invalid slot');
  call.reply.integer(call.keyspace.databases[0].slotKeyCount(slot));
}

export function clusterGetkeysinslot(call: Invocation): void {
  if (clusterOf(call) === null) return;
  const slot = call.integer(2);
  const count = call.integer(3);
  if (Number.isNaN(slot) || Number.isNaN(count)) return replyNotAnInteger(call);
  if (slot < 0 || slot >= SLOT_COUNT || count < 0) return call.error('ERR Invalid slot or number of keys');
  const { entries } = call;
  const refs = call.server.cluster!.slotKeys.first(slot, count);
  call.reply.array(refs.length);
  for (const ref of refs) call.reply.bulk(entries.view(ref), entries.keyStart(ref), entries.keyLength(ref));
}

export function clusterCountFailureReports(call: Invocation): void {
  const cluster = clusterOf(call);
  if (cluster === null) return;
  const count = failureReportCount(cluster.state, call.text(2));
  if (count === null) call.error(`ERR Unknown node ${call.text(2)}`);
  else call.reply.integer(count);
}

export function clusterSaveconfig(call: Invocation): void {
  const cluster = clusterOf(call);
  if (cluster === null) return;
  const problem = cluster.save();
  if (problem === null) call.reply.ok();
  else call.error(`ERR error saving the cluster node config: ${problem}`);
}

export function asking(call: Invocation): void {
  if (clusterOf(call) === null) return;
  call.connection.flags |= CLUSTER_ASKING;
  call.reply.ok();
}

export function readonly(call: Invocation): void {
  if (clusterOf(call) === null) return;
  call.connection.flags |= CLUSTER_READONLY;
  call.reply.ok();
}

export function readwrite(call: Invocation): void {
  if (clusterOf(call) === null) return;
  call.connection.flags &= ~CLUSTER_READONLY;
  call.reply.ok();
}

const replyHelp = helpReply('CLUSTER', [
  'ADDSLOTS <slot> [<slot> ...]',
  '    Assign slots to current node.',
  'ADDSLOTSRANGE <start slot> <end slot> [<start slot> <end slot> ...]',
  '    Assign slots which are between <start-slot> and <end-slot> to current node.',
  'BUMPEPOCH',
  '    Advance the cluster config epoch.',
  'COUNT-FAILURE-REPORTS <node-id>',
  '    Return number of failure reports for <node-id>.',
  'COUNTKEYSINSLOT <slot>',
  '    Return the number of keys in <slot>.',
  'DELSLOTS <slot> [<slot> ...]',
  '    Delete slots information from current node.',
  'DELSLOTSRANGE <start slot> <end slot> [<start slot> <end slot> ...]',
  '    Delete slots information which are between <start-slot> and <end-slot> from current node.',
  'FAILOVER [FORCE|TAKEOVER]',
  '    Promote current replica node to being a master.',
  'FORGET <node-id>',
  '    Remove a node from the cluster.',
  'GETKEYSINSLOT <slot> <count>',
  '    Return key names stored by current node in a slot.',
  'FLUSHSLOTS',
  '    Delete current node own slots information.',
  'INFO',
  '    Return information about the cluster.',
  'KEYSLOT <key>',
  '    Return the hash slot for <key>.',
  'MEET <ip> <port> [<bus-port>]',
  '    Connect nodes into a working cluster.',
  'MYID',
  '    Return the node id.',
  'MYSHARDID',
  "    Return the node's shard id.",
  'NODES',
  '    Return cluster configuration seen by node. Output format:',
  '    <id> <ip:port> <flags> <master> <pings> <pongs> <epoch> <link> <slot> ...',
  'REPLICATE <node-id>',
  '    Configure current node as replica to <node-id>.',
  'RESET [HARD|SOFT]',
  '    Reset current node (default: soft).',
  'SET-CONFIG-EPOCH <epoch>',
  '    Set config epoch of current node.',
  'SETSLOT <slot> (IMPORTING <node-id>|MIGRATING <node-id>|STABLE|NODE <node-id>)',
  '    Set slot state.',
  'REPLICAS <node-id>',
  '    Return <node-id> replicas.',
  'SAVECONFIG',
  '    Force saving cluster configuration on disk.',
  'SLOTS',
  '    Return information about slots range mappings. Each range is made of:',
  '    start, end, master and replicas IP addresses, ports and ids',
  'SHARDS',
  '    Return information about slot range mappings and the nodes associated with them.',
  'LINKS',
  '    Return information about all network links between this node and its peers.',
  '    Output format is an array where each array element is a map containing attributes of a link',
]);

/** Unlike other containers, CLUSTER refuses even HELP when it is switched off. */
export const clusterHelp: Handler = (call) => {
  if (clusterOf(call) !== null) replyHelp(call);
};
