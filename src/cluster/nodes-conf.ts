/**
 * nodes.conf: what a node must not forget over a restart. One line per known node, then the epochs:
 *
 *   id ip:port@busport,hostname,tls-port=N,nodename=X,shard-id=Y flags primary-id|- ping pong epoch link [slots…] [open slots…]
 *   vars currentEpoch N lastVoteEpoch N
 *
 * Written in the form of Redis 7.2, which 7.0 loads as well (it takes what follows the bus port for the host name until the first packet). Read in the
 * forms of 7.0 (only a host name after the bus port), 7.2 and Valkey 8. The text has one character per byte (latin1).
 *
 * A damaged file is refused with the number of the line: a node that starts with half of what it knew could vote twice in an epoch or serve slots that
 * are not its own. The last line of a complete file is `vars`, with its line end. Source: spec/cluster.md 10.
 */
import { describeWithAddress, FLAG_NAMES, isPersistent } from './core/describe.js';
import { NodeFlag, type NodeId } from './core/message.js';
import { isAddressText } from './core/names.js';
import { attachReplica, isNodeId, isReplica, makeNode, randomId } from './core/nodes.js';
import { BUS_PORT_INCREMENT } from './core/outgoing.js';
import { assignSlot } from './core/slot-table.js';
import { announce, makeState } from './core/start.js';
import {
  type ClusterNode,
  type ClusterOptions,
  type ClusterState,
  NEVER,
  type Now,
  type Random,
  SLOT_COUNT,
} from './core/types.js';

export type LoadResult =
  | { ok: true; state: ClusterState }
  /** `lineNumber` counts from 1; `line` is its text, `reason` one clause about what is wrong with it. */
  | { ok: false; lineNumber: number; line: string; reason: string };

/** The whole file. Nodes in handshake have no place in it. */
export function encodeNodesConf(state: ClusterState): string {
  let text = '';
  for (const node of state.nodes.values()) {
    if (isPersistent(node)) text += `${describeWithAddress(state, node, addressField(node))}\n`;
  }
  return `${text}vars currentEpoch ${state.currentEpoch} lastVoteEpoch ${state.lastVoteEpoch}\n`;
}

function addressField(node: ClusterNode): string {
  const nodename = node.humanNodename === '' ? '' : `,nodename=${node.humanNodename}`;
  const extras = `tls-port=${node.tlsPort}${nodename},shard-id=${node.shardId}`;
  return `${node.ip}:${node.tcpPort}@${node.busPort},${node.hostname},${extras}`;
}

/**
 * Restores the state of a node from the text of its nodes.conf. The directives in `options` win over what the file says about the node itself.
 * An empty text is not a file to load: the caller makes a new node then.
 */
export function loadNodesConf(text: string, options: ClusterOptions, random: Random, now: Now): LoadResult {
  const lines = text.split('\n');
  const records: NodeRecord[] = [];
  let vars: Vars | null = null;
  let lineNumber = 0;
  for (const line of lines) {
    lineNumber += 1;
    const words = line.split(/[ \t\r\0]+/).filter((word) => word !== '');
    if (words.length === 0) continue;
    if (lineNumber === lines.length)
      return { ok: false, lineNumber, line, reason: 'the line is cut off: it has no end' };
    const result = words[0]!.toLowerCase() === 'vars' ? parseVars(words) : parseNode(words, options.tlsCluster);
    if (typeof result === 'string') return { ok: false, lineNumber, line, reason: result };
    if ('currentEpoch' in result) vars = result;
    else records.push({ ...result, lineNumber, line });
  }
  lineNumber = Math.max(1, lines.length - 1);
  const last = lines[lineNumber - 1]!;
  if (vars === null) return { ok: false, lineNumber, line: last, reason: "the file has no 'vars' line" };
  const me = records.filter((record) => (record.flags & NodeFlag.Myself) !== 0);
  if (me.length === 0) return { ok: false, lineNumber, line: last, reason: "no line has the flag 'myself'" };
  if (me.length > 1) return damaged(me[1]!, "a second line has the flag 'myself'");
  return restore(records, me[0]!, vars, options, random, now);
}

interface Vars {
  currentEpoch: number;
  lastVoteEpoch: number;
}

/** One node line as it stands in the file. */
interface NodeLine {
  id: NodeId;
  ip: string;
  tcpPort: number;
  tlsPort: number;
  busPort: number;
  hostname: string;
  nodename: string;
  shardId: string | null;
  flags: number;
  primary: NodeId | null;
  hasPing: boolean;
  hasPong: boolean;
  configEpoch: number;
  slots: number[];
  migrating: [slot: number, node: NodeId][];
  importing: [slot: number, node: NodeId][];
}

interface NodeRecord extends NodeLine {
  lineNumber: number;
  line: string;
}

function damaged(record: NodeRecord, reason: string): LoadResult {
  return { ok: false, lineNumber: record.lineNumber, line: record.line, reason };
}

function parseVars(words: string[]): Vars | string {
  if (words.length % 2 === 0) return "a name in the 'vars' line has no value";
  const vars: Vars = { currentEpoch: 0, lastVoteEpoch: 0 };
  for (let i = 1; i < words.length; i += 2) {
    const name = words[i]!.toLowerCase();
    // Names that are not known come from another version; their absence there is harmless, so it is here.
    if (name !== 'currentepoch' && name !== 'lastvoteepoch') continue;
    const value = parseNumber(words[i + 1]!, Number.MAX_SAFE_INTEGER);
    if (value === null) return `'${words[i + 1]}' is not an epoch`;
    if (name === 'currentepoch') vars.currentEpoch = value;
    else vars.lastVoteEpoch = value;
  }
  return vars;
}

function parseNode(words: string[], tlsCluster: boolean): NodeLine | string {
  if (words.length < 8) return `the line has ${words.length} fields, a node has at least 8`;
  const [id, address, flagText, primary, ping, pong, epoch] = words as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  if (!isNodeId(id)) return `'${id}' is not a node ID`;
  const node = parseAddress(address, tlsCluster);
  if (typeof node === 'string') return node;
  const flags = parseFlags(flagText);
  if (typeof flags === 'string') return flags;
  if (primary !== '-' && !isNodeId(primary)) return `'${primary}' is not a node ID`;
  const pingMs = parseNumber(ping, Number.MAX_SAFE_INTEGER);
  const pongMs = parseNumber(pong, Number.MAX_SAFE_INTEGER);
  if (pingMs === null || pongMs === null) return `'${pingMs === null ? ping : pong}' is not a time`;
  const configEpoch = parseNumber(epoch, Number.MAX_SAFE_INTEGER);
  if (configEpoch === null) return `'${epoch}' is not an epoch`;
  const line: NodeLine = {
    ...node,
    id,
    flags,
    primary: primary === '-' ? null : primary,
    hasPing: pingMs !== 0,
    hasPong: pongMs !== 0,
    configEpoch,
    slots: [],
    migrating: [],
    importing: [],
  };
  for (const word of words.slice(8)) {
    const wrong = word.startsWith('[') ? parseOpenSlot(line, word) : parseSlots(line, word);
    if (wrong !== null) return wrong;
  }
  return line;
}

type AddressFields = Pick<NodeLine, 'ip' | 'tcpPort' | 'tlsPort' | 'busPort' | 'hostname' | 'nodename' | 'shardId'>;

/** `ip:port[@busport][,hostname[,name=value]…]` */
function parseAddress(text: string, tlsCluster: boolean): AddressFields | string {
  const [endpoint, hostname, ...extras] = text.split(',') as [string, string?, ...string[]];
  const colon = endpoint.lastIndexOf(':');
  if (colon < 0) return `the address '${endpoint}' has no port`;
  const ip = endpoint.slice(0, colon);
  if (!isAddressText(ip)) return `'${ip}' is not an address`;
  const [portText, busPortText] = endpoint.slice(colon + 1).split('@') as [string, string?];
  const port = parseNumber(portText, 65535);
  const busPort = busPortText === undefined ? defaultBusPort(port) : parseNumber(busPortText, 65535);
  if (port === null || busPort === null) return `'${endpoint}' has a wrong port`;
  const named: ExtraFields = { nodename: '', shardId: null, tcpPort: null, tlsPort: null };
  for (const extra of extras) {
    const wrong = readExtra(extra, named);
    if (wrong !== null) return wrong;
  }
  // The main port is the one that is not named; without names it is the one the cluster uses.
  const isMainTls = named.tcpPort !== null || (named.tlsPort === null && tlsCluster);
  return {
    ip,
    tcpPort: named.tcpPort ?? (isMainTls ? 0 : port),
    tlsPort: isMainTls && named.tlsPort === null ? port : (named.tlsPort ?? 0),
    busPort,
    hostname: hostname ?? '',
    nodename: named.nodename,
    shardId: named.shardId,
  };
}

/** What may come behind the hostname. */
interface ExtraFields {
  nodename: string;
  shardId: NodeId | null;
  /** null where the line does not name it. */
  tcpPort: number | null;
  tlsPort: number | null;
}

/** Reads one `name=value`. @returns what is wrong with it, or null */
function readExtra(text: string, fields: ExtraFields): string | null {
  const equals = text.indexOf('=');
  const name = text.slice(0, equals);
  const value = text.slice(equals + 1);
  if (equals < 1 || value === '') return `'${text}' is not a name with a value`;
  switch (name) {
    case 'shard-id':
      if (!isNodeId(value)) return `'${value}' is not a shard ID`;
      fields.shardId = value;
      return null;
    case 'nodename':
      fields.nodename = value;
      return null;
    case 'tcp-port':
      fields.tcpPort = parseNumber(value, 65535);
      return fields.tcpPort === null ? `'${text}' is not a port` : null;
    case 'tls-port':
      fields.tlsPort = parseNumber(value, 65535);
      return fields.tlsPort === null ? `'${text}' is not a port` : null;
    // Valkey 8 announces client addresses of their own; nothing here uses them.
    case 'client-ipv4':
    case 'client-ipv6':
      return null;
    default:
      return `'${name}' is not known`;
  }
}

function defaultBusPort(port: number | null): number | null {
  return port === null ? null : port + BUS_PORT_INCREMENT;
}

/** Valkey 8 also writes the newer names of the two roles. */
const FLAG_BITS: ReadonlyMap<string, number> = new Map([
  ...FLAG_NAMES.map(([flag, name]) => [name, flag] as const),
  ['primary', NodeFlag.Primary],
  ['replica', NodeFlag.Replica],
  ['noflags', 0],
]);

const ROLES = NodeFlag.Primary | NodeFlag.Replica;

function parseFlags(text: string): number | string {
  let flags = 0;
  for (const name of text.split(',')) {
    const bit = FLAG_BITS.get(name);
    if (bit === undefined) return `'${name}' is not a flag`;
    flags |= bit;
  }
  // Neither is ever written; with them a node could be renamed, or vote and follow at once.
  if ((flags & NodeFlag.Handshake) !== 0) return 'a node in handshake has no place in the file';
  if ((flags & ROLES) === ROLES) return 'a node is either master or slave';
  return flags;
}

/** `5` or `5-7` */
function parseSlots(line: NodeLine, word: string): string | null {
  const [first, last] = word.split('-') as [string, string?];
  const start = parseNumber(first, SLOT_COUNT - 1);
  const end = last === undefined ? start : parseNumber(last, SLOT_COUNT - 1);
  if (start === null || end === null || start > end || word.split('-').length > 2)
    return `'${word}' is not a slot range`;
  for (let slot = start; slot <= end; slot += 1) line.slots.push(slot);
  return null;
}

/** `[5->-id]` or `[5-<-id]` */
function parseOpenSlot(line: NodeLine, word: string): string | null {
  const match = /^\[(\d+)-([<>])-([0-9a-z]{40})\]$/.exec(word);
  const slot = match === null ? null : parseNumber(match[1]!, SLOT_COUNT - 1);
  if (match === null || slot === null) return `'${word}' is not an open slot`;
  (match[2] === '>' ? line.migrating : line.importing).push([slot, match[3]!]);
  return null;
}

function parseNumber(text: string, max: number): number | null {
  if (!/^\d{1,16}$/.test(text)) return null;
  const value = Number(text);
  return value <= max ? value : null;
}

function restore(
  records: NodeRecord[],
  own: NodeRecord,
  vars: Vars,
  options: ClusterOptions,
  random: Random,
  now: Now,
): LoadResult {
  own.flags &= ~(NodeFlag.Suspected | NodeFlag.Failed | NodeFlag.NoAddress);
  if ((own.flags & ROLES) === 0) own.flags |= NodeFlag.Primary;
  const state = makeState(restoreNode(own, random, now), options, now);
  for (const record of records) {
    if (record === own) continue;
    if (state.nodes.has(record.id)) return damaged(record, `the node ${record.id} is listed twice`);
    state.nodes.set(record.id, restoreNode(record, random, now));
  }
  state.currentEpoch = vars.currentEpoch;
  state.lastVoteEpoch = vars.lastVoteEpoch;
  for (const record of records) {
    const node = state.nodes.get(record.id)!;
    state.currentEpoch = Math.max(state.currentEpoch, node.configEpoch);
    if (isReplica(node)) {
      node.configEpoch = 0;
      if (record.primary === record.id) return damaged(record, 'the node is its own primary');
      if (record.primary !== null) attachReplica(mentioned(state, record.primary, random, now), node);
    }
    for (const slot of record.slots) {
      // A replica that lists slots of its own wrote them by mistake; they are its primary's or nobody's.
      if (record === own && isReplica(node)) break;
      if (state.slotOwners[slot] !== null) return damaged(record, `slot ${slot} is owned by two nodes`);
      assignSlot(state, slot, node);
    }
    if (record !== own) continue;
    for (const [slot, id] of record.migrating) state.migrating.set(slot, mentioned(state, id, random, now).id);
    for (const [slot, id] of record.importing) state.importing.set(slot, mentioned(state, id, random, now).id);
  }
  shareShardIds(state, records);
  announce(state);
  return { ok: true, state };
}

function restoreNode(record: NodeRecord, random: Random, now: Now): ClusterNode {
  const node = makeNode(record.id, record.flags, record.shardId ?? randomId(random), now.monotonicMs);
  node.ip = record.ip;
  node.tcpPort = record.tcpPort;
  node.tlsPort = record.tlsPort;
  node.busPort = record.busPort;
  node.hostname = record.hostname;
  node.humanNodename = record.nodename;
  node.configEpoch = record.configEpoch;
  node.pingSentAtMs = record.hasPing ? now.monotonicMs : NEVER;
  node.pongReceivedAtMs = record.hasPong ? now.monotonicMs : NEVER;
  node.failedAtMs = (record.flags & NodeFlag.Failed) !== 0 ? now.monotonicMs : NEVER;
  return node;
}

/** A node that a line refers to; one that has no line of its own is known by its id alone until gossip tells more. */
function mentioned(state: ClusterState, id: NodeId, random: Random, now: Now): ClusterNode {
  const known = state.nodes.get(id);
  if (known !== undefined) return known;
  const node = makeNode(id, NodeFlag.NoAddress, randomId(random), now.monotonicMs);
  state.nodes.set(id, node);
  return node;
}

/** Files of Redis 7.0 have no shard ids, and a file may have been written half-way through a change: a replica is in the shard of its primary. */
function shareShardIds(state: ClusterState, records: NodeRecord[]): void {
  for (const record of records) {
    const node = state.nodes.get(record.id)!;
    const primary = node.replicaOf === null ? undefined : state.nodes.get(node.replicaOf);
    if (primary === undefined) continue;
    const primaryRecord = records.find((other) => other.id === primary.id);
    if ((primaryRecord === undefined || primaryRecord.shardId === null) && record.shardId !== null)
      primary.shardId = record.shardId;
  }
  for (const node of state.nodes.values()) {
    if (node.replicaOf !== null) node.shardId = state.nodes.get(node.replicaOf)!.shardId;
  }
}
