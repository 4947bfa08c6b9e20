/** CLUSTER SLOTS, SHARDS, LINKS and REPLICAS: who serves what, and who is connected to whom. Source: spec/cluster.md 11.2. */
import type { Cluster } from '../cluster/cluster.js';
import { describeNode } from '../cluster/core/describe.js';
import { isPrimary, isReplica } from '../cluster/core/nodes.js';
import type { ClusterNode, LinkId } from '../cluster/core/types.js';
import { healthOf, offsetOf, clusterShards as shardsOf, clusterSlots as slotsOf } from '../cluster/core/views.js';
import { type EndpointType, endpointHost } from '../cluster/redirect.js';
import type { ReplyWriter } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { clusterOf } from './cluster.js';

export function clusterSlots(call: Invocation): void {
  const cluster = clusterOf(call);
  if (cluster === null) return;
  const { reply } = call;
  const endpointType = call.server.config.values.clusterPreferredEndpointType;
  const entries = slotsOf(cluster.state, cluster.offset);
  reply.array(entries.length);
  for (const { start, end, primary, replicas } of entries) {
    reply.array(3 + replicas.length);
    reply.integer(start);
    reply.integer(end);
    writeSlotsNode(reply, primary, endpointType);
    for (const replica of replicas) writeSlotsNode(reply, replica, endpointType);
  }
}

function writeSlotsNode(reply: ReplyWriter, node: ClusterNode, type: EndpointType): void {
  reply.array(4);
  writeEndpoint(reply, node, type);
  reply.integer(node.tcpPort);
  reply.bulkText(node.id);
  const others: [string, string][] = [];
  if (type !== 'ip') others.push(['ip', node.ip]);
  if (type !== 'hostname' && node.hostname !== '') others.push(['hostname', node.hostname]);
  reply.map(others.length);
  for (const [name, value] of others) {
    reply.bulkText(name);
    reply.bulkText(value);
  }
}

function writeEndpoint(reply: ReplyWriter, node: ClusterNode, type: EndpointType): void {
  const host = endpointHost(node, type);
  if (host === null) reply.null();
  else reply.bulkText(host);
}

export function clusterShards(call: Invocation): void {
  const cluster = clusterOf(call);
  if (cluster === null) return;
  const { reply } = call;
  const shards = shardsOf(cluster.state);
  reply.array(shards.length);
  for (const { slots, nodes } of shards) {
    reply.map(2);
    reply.bulkText('slots');
    reply.array(slots.length * 2);
    for (const { start, end } of slots) {
      reply.integer(start);
      reply.integer(end);
    }
    reply.bulkText('nodes');
    reply.array(nodes.length);
    for (const node of nodes) writeShardNode(call, cluster, node);
  }
}

function writeShardNode(call: Invocation, cluster: Cluster, node: ClusterNode): void {
  const { reply } = call;
  const { state, offset } = cluster;
  const type = call.server.config.values.clusterPreferredEndpointType;
  const fields: [string, string | number | null][] = [['id', node.id]];
  if (node.tcpPort !== 0) fields.push(['port', node.tcpPort]);
  if (node.tlsPort !== 0) fields.push(['tls-port', node.tlsPort]);
  fields.push(['ip', node.ip], ['endpoint', endpointHost(node, type)]);
  if (node.hostname !== '') fields.push(['hostname', node.hostname]);
  fields.push(
    ['role', isReplica(node) ? 'replica' : 'master'],
    ['replication-offset', offsetOf(state, node, offset)],
    ['health', healthOf(state, node, offset)],
  );
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulkText(name);
    if (value === null) reply.null();
    else if (typeof value === 'number') reply.integer(value);
    else reply.bulkText(value);
  }
}

export function clusterLinks(call: Invocation): void {
  const cluster = clusterOf(call);
  if (cluster === null) return;
  const links: LinkId[] = [];
  for (const { outbound, inbound } of cluster.state.nodes.values()) {
    if (outbound !== null) links.push(outbound);
    if (inbound !== null) links.push(inbound);
  }
  call.reply.array(links.length);
  for (const link of links) writeLink(call.reply, cluster, link);
}

function writeLink(reply: ReplyWriter, cluster: Cluster, id: LinkId): void {
  const link = cluster.state.links.get(id)!;
  const queuedBytes = cluster.bus.queuedBytes(id);
  reply.map(6);
  reply.bulkText('direction');
  reply.bulkText(id > 0 ? 'to' : 'from');
  reply.bulkText('node');
  reply.bulkText(link.node!);
  reply.bulkText('create-time');
  reply.integer(link.createdAtUnixMs);
  reply.bulkText('events');
  reply.bulkText(queuedBytes > 0 ? 'rw' : 'r');
  reply.bulkText('send-buffer-allocated');
  reply.integer(queuedBytes);
  reply.bulkText('send-buffer-used');
  reply.integer(queuedBytes);
}

export function clusterReplicas(call: Invocation): void {
  const cluster = clusterOf(call);
  if (cluster === null) return;
  const { state } = cluster;
  const node = state.nodes.get(call.text(2));
  if (node === undefined) return call.error(`ERR Unknown node ${call.text(2)}`);
  if (!isPrimary(node)) return call.error('ERR The specified node is not a master');
  call.reply.array(node.replicas.length);
  for (const id of node.replicas) call.reply.bulkText(describeNode(state, state.nodes.get(id)!));
}
