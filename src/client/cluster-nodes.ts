/**
 * Reads the reply of CLUSTER NODES. Source: spec/cluster.md sections 10.1 and 11.2.
 *   <id> <ip:port@bus[,hostname]> <flags> <primary id or -> <ping sent> <pong received> <config epoch> <link state> <slot, range or open slot>…
 * The protocol's words `master` and `slave` end here, except in `flags`, which are the words as they stand.
 */

export interface SlotRange {
  first: number;
  last: number;
}

/** A slot that is on its way: `[93->-id]` migrating to a node, `[77-<-id]` importing from one. */
export interface OpenSlot {
  slot: number;
  state: 'migrating' | 'importing';
  /** The node at the other end. */
  nodeId: string;
}

export interface ClusterNodesLine {
  id: string;
  host: string;
  port: number;
  /** 0 where the line has none. */
  busPort: number;
  flags: string[];
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
  /** Only a node's own line has them. */
  openSlots: OpenSlot[];
}

const UNSOUND = ['fail', 'fail?', 'handshake', 'noaddr'];
const OPEN_SLOT = /^\[(\d+)-([<>])-(\w+)\]$/;

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
  const [endpoint = '', bus = '0'] = address.split(',', 1)[0]!.split('@');
  const colon = endpoint.lastIndexOf(':');
  return {
    id,
    host: endpoint.slice(0, colon),
    port: Number(endpoint.slice(colon + 1)),
    busPort: Number(bus),
    flags,
    isMyself: flags.includes('myself'),
    isPrimary: flags.includes('master'),
    isSound: !flags.some((flag) => UNSOUND.includes(flag)),
    hasFailed: flags.includes('fail'),
    primaryId: primaryId === '-' ? '' : primaryId,
    configEpoch: Number(epoch),
    isLinkUp: link === 'connected',
    slots: slots.filter((text) => !text.startsWith('[')).map(parseRange),
    openSlots: slots.flatMap(parseOpenSlot),
  };
}

function parseRange(text: string): SlotRange {
  const [first, last = first] = text.split('-').map(Number);
  return { first: first!, last: last! };
}

function parseOpenSlot(text: string): OpenSlot[] {
  const match = OPEN_SLOT.exec(text);
  if (match === null) return [];
  return [{ slot: Number(match[1]), state: match[2] === '>' ? 'migrating' : 'importing', nodeId: match[3]! }];
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
