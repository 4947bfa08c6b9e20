/**
 * Reads the reply of CLUSTER NODES. Source: spec/cluster.md sections 10.1 and 11.2.
 *   <id> <ip:port@bus[,hostname]> <flags> <primary id or -> <ping sent> <pong received> <config epoch> <link state> <slot or range>…
 * The protocol's words `master` and `slave` end here.
 */
import type { SlotRange } from './allocation.js';

export interface ClusterNodesLine {
  id: string;
  host: string;
  port: number;
  isMyself: boolean;
  isPrimary: boolean;
  /** As its peers see it: nobody says FAIL or PFAIL, the handshake is over and the address known. */
  isSound: boolean;
  hasFailed: boolean;
  /** ID of the primary it replicates; empty for a primary. */
  primaryId: string;
  configEpoch: number;
  isLinkUp: boolean;
  slots: SlotRange[];
}

const UNSOUND = ['fail', 'fail?', 'handshake', 'noaddr'];

export function parseClusterNodes(reply: string): ClusterNodesLine[] {
  return reply
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(parseLine);
}

function parseLine(line: string): ClusterNodesLine {
  const [id = '', address = '', flagList = '', primaryId = '-', , , epoch = '0', link = '', ...slots] = line
    .trim()
    .split(' ');
  const flags = flagList.split(',');
  const endpoint = address.split(/[@,]/, 1)[0]!;
  const colon = endpoint.lastIndexOf(':');
  return {
    id,
    host: endpoint.slice(0, colon),
    port: Number(endpoint.slice(colon + 1)),
    isMyself: flags.includes('myself'),
    isPrimary: flags.includes('master'),
    isSound: !flags.some((flag) => UNSOUND.includes(flag)),
    hasFailed: flags.includes('fail'),
    primaryId: primaryId === '-' ? '' : primaryId,
    configEpoch: Number(epoch),
    isLinkUp: link === 'connected',
    slots: slots.filter((text) => !text.startsWith('[')).map(parseRange),
  };
}

function parseRange(text: string): SlotRange {
  const [first, last = first] = text.split('-').map(Number);
  return { first: first!, last: last! };
}

/** `0-5460 7000`, as CLUSTER NODES writes it. */
export function formatSlots(ranges: readonly SlotRange[]): string {
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(' ');
}

/** Who owns which slots, as one text: equal on two nodes exactly when they agree. */
export function slotsSignature(nodes: readonly ClusterNodesLine[]): string {
  return nodes
    .filter((node) => node.slots.length > 0)
    .map((node) => `${node.id}:${formatSlots(node.slots)}`)
    .sort()
    .join('|');
}
