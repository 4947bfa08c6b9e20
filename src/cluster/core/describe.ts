/**
 * One node as a line of text, the form that CLUSTER NODES and nodes.conf share:
 *
 *   id address flags primary-id|- ping-sent pong-received epoch link [slots…] [open slots…]
 *
 * Only the address part differs between the two. Source: spec/cluster.md 4.1, 10.1, 11.2.
 */
import { NodeFlag } from './message.js';
import { hasFlag, isMyself, isReplica, primaryOf } from './nodes.js';
import { slotRanges } from './slot-bitmap.js';
import { toUnixMs } from './turn.js';
import type { ClusterNode, ClusterState } from './types.js';

/** Flag names in the order in which they are shown. Append only: they are read back from nodes.conf. */
export const FLAG_NAMES: ReadonlyArray<readonly [number, string]> = [
  [NodeFlag.Myself, 'myself'],
  [NodeFlag.Primary, 'master'],
  [NodeFlag.Replica, 'slave'],
  [NodeFlag.Suspected, 'fail?'],
  [NodeFlag.Failed, 'fail'],
  [NodeFlag.Handshake, 'handshake'],
  [NodeFlag.NoAddress, 'noaddr'],
  [NodeFlag.NoFailover, 'nofailover'],
];

function flagNames(flags: number): string {
  const names = FLAG_NAMES.filter(([flag]) => (flags & flag) !== 0).map(([, name]) => name);
  return names.length === 0 ? 'noflags' : names.join(',');
}

/**
 * The CLUSTER NODES line of a node, without line end.
 * @param tlsClient  true for a client connected over TLS: it is shown the port it can use
 */
export function describeNode(state: ClusterState, node: ClusterNode, tlsClient = false): string {
  const port = tlsClient ? node.tlsPort : node.tcpPort;
  const hostname = node.hostname === '' ? '' : `,${node.hostname}`;
  return describeWithAddress(state, node, `${node.ip}:${port}@${node.busPort}${hostname}`);
}

export function describeWithAddress(state: ClusterState, node: ClusterNode, address: string): string {
  const primary = isReplica(node) ? primaryOf(state, node) : null;
  const fields: (string | number)[] = [
    node.id,
    address,
    flagNames(node.flags),
    primary === null ? '-' : primary.id,
    toUnixMs(state, node.pingSentAtMs),
    toUnixMs(state, node.pongReceivedAtMs),
    (primary ?? node).configEpoch,
    isMyself(node) || node.outbound !== null ? 'connected' : 'disconnected',
  ];
  for (const { start, end } of slotRanges(node.slots)) fields.push(start === end ? start : `${start}-${end}`);
  if (isMyself(node)) fields.push(...describeOpenSlots(state));
  return fields.join(' ');
}

/** `[5->-id]` for a slot on its way out, `[5-<-id]` for one on its way in; ascending. */
function describeOpenSlots(state: ClusterState): string[] {
  const slots = [...new Set([...state.migrating.keys(), ...state.importing.keys()])].sort((a, b) => a - b);
  return slots.map((slot) => {
    const target = state.migrating.get(slot);
    return target !== undefined ? `[${slot}->-${target}]` : `[${slot}-<-${state.importing.get(slot)}]`;
  });
}

/** True for nodes that have a place in nodes.conf: those whose id is known. */
export function isPersistent(node: ClusterNode): boolean {
  return !hasFlag(node, NodeFlag.Handshake);
}
