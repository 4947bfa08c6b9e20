/** DEBUG CLUSTERLINK and DROP-CLUSTER-PACKET-FILTER: faults of the cluster bus for test suites. Source: spec/cluster.md 15.1. */
import type { Invocation } from '../server/invocation.js';
import { addDebugSubcommand } from './debug.js';
import { replyNotAnInteger } from './replies.js';

/** DEBUG CLUSTERLINK KILL TO|FROM|ALL node-id */
function clusterlink(call: Invocation): void {
  const { cluster } = call.server;
  if (cluster === null) return call.error('ERR Debug option only available for cluster mode enabled setup!');
  if (!call.is(2, 'KILL')) {
    return call.error("ERR unknown subcommand or wrong number of arguments for 'clusterlink'. Try DEBUG HELP.");
  }
  const reply = cluster.node.killLinks(call.text(4), call.text(3));
  if (reply.ok) call.reply.ok();
  else call.error(reply.error);
}

/** DEBUG DROP-CLUSTER-PACKET-FILTER type: messages of this type are ignored; -1 ends that. */
function dropClusterPacketFilter(call: Invocation): void {
  const type = call.integer(2);
  if (Number.isNaN(type)) return replyNotAnInteger(call);
  call.server.cluster?.node.dropPackets(type);
  call.reply.ok();
}

addDebugSubcommand('clusterlink', 5, clusterlink);
addDebugSubcommand('drop-cluster-packet-filter', 3, dropClusterPacketFilter);
