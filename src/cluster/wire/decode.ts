/**
 * Bytes as a bus message. The bytes are a peer's, so everything is checked: lengths against each other, ids, addresses and names against what may be
 * stored and written to nodes.conf. A wrong message is a result, not an exception; only a frame whose length cannot be trusted ends the link.
 *
 * Where a single gossip entry or extension is unusable it is left out and the rest is kept: the sender merely repeats what it heard, and refusing its
 * messages would cut off a good node for the fault of a bad one. Source: spec/cluster.md 3.6.
 */
import {
  type BusMessage,
  EPOCH_MAX,
  type GossipEntry,
  type MalformedFrame,
  MESSAGE_TYPES,
  type MessageHeader,
  type MessageType,
  NodeFlag,
  type PingExtension,
} from '../core/message.js';
import { isAddressText, isHostname, isHumanNodename, NAME_LENGTH_MAX } from '../core/names.js';
import { isNodeId } from '../core/nodes.js';
import {
  At,
  EXTENSION_HEADER_BYTES,
  ExtensionType,
  FAIL_BYTES,
  GOSSIP_BYTES,
  GossipAt,
  HEADER_BYTES,
  ID_BYTES,
  IP_BYTES,
  MessageFlag,
  MODULE_BYTES,
  PROTOCOL_VERSION,
  PUBLISH_BYTES,
  SIGNATURE,
  UPDATE_BYTES,
} from './layout.js';

export type DecodeResult = { ok: true; message: BusMessage } | MalformedFrame;

/** A forgotten node is kept out for at most this long, whatever the peer says: ten years. */
const FORGET_TTL_MAX_S = 10 * 365 * 86400;

/**
 * What the first 8 bytes of a frame say about its length.
 * @returns the length in bytes, or −1 if this is no frame: the link cannot be read any further
 */
export function frameLength(bytes: Uint8Array, start: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, 8);
  const length = view.getUint32(At.totalLength);
  return view.getUint32(0) === SIGNATURE && length >= HEADER_BYTES ? length : -1;
}

export function badFrame(): MalformedFrame {
  const reason = 'Bad message length or signature received on the Cluster bus';
  return { ok: false, fatal: true, typeCode: -1, reason };
}

/**
 * Decodes one complete frame.
 * @param frame  exactly one frame, as long as `frameLength` said; nothing of it is kept, the message has its own copies
 */
export function decodeMessage(frame: Uint8Array): DecodeResult {
  if (frame.length < HEADER_BYTES || frameLength(frame, 0) !== frame.length) return badFrame();
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const typeCode = view.getUint16(At.type);
  // Other protocol versions are none of our business; there is nothing to warn about.
  if (view.getUint16(At.version) !== PROTOCOL_VERSION) return ignored(typeCode, '');
  const type = (MESSAGE_TYPES[typeCode] ?? 'unknown') as MessageType | 'unknown';
  const wrongLength = checkLength(view, type, typeCode);
  if (wrongLength !== null) return ignored(typeCode, wrongLength);
  const header = readHeader(frame, view);
  if (typeof header === 'string') return ignored(typeCode, `Received ${type} packet with an invalid ${header}`);
  switch (type) {
    case 'ping':
    case 'pong':
    case 'meet': {
      const gossip = readGossip(frame, view);
      return { ok: true, message: { type, header, gossip, extensions: readExtensions(frame, view) } };
    }
    case 'fail': {
      const failed = readText(frame, HEADER_BYTES, ID_BYTES);
      if (!isNodeId(failed)) return ignored(typeCode, 'Received fail packet with an invalid node ID');
      return { ok: true, message: { type, header, failed } };
    }
    case 'publish':
    case 'publishshard': {
      const middle = PUBLISH_BYTES + view.getUint32(HEADER_BYTES);
      const channel = frame.slice(PUBLISH_BYTES, middle);
      return { ok: true, message: { type, header, channel, payload: frame.slice(middle) } };
    }
    case 'update': {
      const node = readText(frame, HEADER_BYTES + 8, ID_BYTES);
      const nodeConfigEpoch = readU64(view, HEADER_BYTES);
      if (!isNodeId(node)) return ignored(typeCode, 'Received update packet with an invalid node ID');
      if (nodeConfigEpoch > EPOCH_MAX) return ignored(typeCode, 'Received update packet with an invalid epoch');
      const nodeSlots = frame.slice(HEADER_BYTES + 8 + ID_BYTES);
      return { ok: true, message: { type, header, node, nodeConfigEpoch, nodeSlots } };
    }
    case 'module':
    case 'unknown':
      return { ok: true, message: { type, header, typeCode } };
    default:
      return { ok: true, message: { type, header } };
  }
}

function ignored(typeCode: number, reason: string): MalformedFrame {
  return { ok: false, fatal: false, typeCode, reason };
}

/** @returns what is wrong with the length of the message, null if it is right */
function checkLength(view: DataView, type: string, typeCode: number): string | null {
  const total = view.byteLength;
  let expected = HEADER_BYTES;
  switch (type) {
    case 'ping':
    case 'pong':
    case 'meet': {
      expected += GOSSIP_BYTES * view.getUint16(At.count);
      const extensions = hasExtensions(view) ? view.getUint16(At.extensions) : 0;
      for (let i = 0; i < extensions; i += 1) {
        const tooLong = `Received invalid ${type} packet with extension data that exceeds total packet length (${total})`;
        if (expected + EXTENSION_HEADER_BYTES > total) return tooLong;
        const length = view.getUint32(expected);
        if (length % 8 !== 0 || length === 0)
          return `Received a ${type} packet without proper padding (${length} bytes)`;
        if (length > total - expected) return tooLong;
        expected += length;
      }
      break;
    }
    case 'fail':
      expected = FAIL_BYTES;
      break;
    case 'publish':
    case 'publishshard':
      expected = PUBLISH_BYTES;
      if (total >= PUBLISH_BYTES) expected += view.getUint32(HEADER_BYTES) + view.getUint32(HEADER_BYTES + 4);
      break;
    case 'update':
      expected = UPDATE_BYTES;
      break;
    case 'module':
      expected = MODULE_BYTES;
      if (total >= MODULE_BYTES) expected += view.getUint32(HEADER_BYTES + 8);
      break;
    case 'unknown':
      return null;
  }
  if (total === expected) return null;
  return `Received invalid ${MESSAGE_TYPES[typeCode]} packet of length ${total} but expected length ${expected}`;
}

function hasExtensions(view: DataView): boolean {
  return (view.getUint8(At.messageFlags) & MessageFlag.ExtensionData) !== 0;
}

/** @returns the header, or the name of the field that is wrong */
function readHeader(frame: Uint8Array, view: DataView): MessageHeader | string {
  const sender = readText(frame, At.sender, ID_BYTES);
  const replicaOf = readText(frame, At.replicaOf, ID_BYTES);
  const ip = readText(frame, At.ip, IP_BYTES);
  const currentEpoch = readU64(view, At.currentEpoch);
  const configEpoch = readU64(view, At.configEpoch);
  if (!isNodeId(sender)) return 'sender ID';
  if (replicaOf !== '' && !isNodeId(replicaOf)) return 'primary ID';
  if (!isAddressText(ip)) return 'address';
  if (currentEpoch > EPOCH_MAX || configEpoch > EPOCH_MAX) return 'epoch';
  if (hasTwoRoles(view.getUint16(At.flags))) return 'role';
  const messageFlags = view.getUint8(At.messageFlags);
  return {
    sender,
    currentEpoch,
    configEpoch,
    offset: readOffset(view, At.offset),
    slots: frame.slice(At.slots, At.replicaOf),
    replicaOf: replicaOf === '' ? null : replicaOf,
    ip,
    port: view.getUint16(At.port),
    secondaryPort: view.getUint16(At.secondaryPort),
    busPort: view.getUint16(At.busPort),
    flags: view.getUint16(At.flags),
    status: view.getUint8(At.status) === 0 ? 'ok' : 'fail',
    paused: (messageFlags & MessageFlag.Paused) !== 0,
    forceAck: (messageFlags & MessageFlag.ForceAck) !== 0,
    extensionData: (messageFlags & MessageFlag.ExtensionData) !== 0,
  };
}

/** Primary and replica at once: taken over from a peer and written to nodes.conf, it would make that file unreadable. */
function hasTwoRoles(flags: number): boolean {
  const roles = NodeFlag.Primary | NodeFlag.Replica;
  return (flags & roles) === roles;
}

function readGossip(frame: Uint8Array, view: DataView): GossipEntry[] {
  const entries: GossipEntry[] = [];
  const end = HEADER_BYTES + GOSSIP_BYTES * view.getUint16(At.count);
  for (let start = HEADER_BYTES; start < end; start += GOSSIP_BYTES) {
    const node = readText(frame, start, ID_BYTES);
    const ip = readText(frame, start + GossipAt.ip, IP_BYTES);
    if (!isNodeId(node) || !isAddressText(ip) || hasTwoRoles(view.getUint16(start + GossipAt.flags))) continue;
    entries.push({
      node,
      pingSentS: view.getUint32(start + GossipAt.pingSent),
      pongReceivedS: view.getUint32(start + GossipAt.pongReceived),
      ip,
      port: view.getUint16(start + GossipAt.port),
      secondaryPort: view.getUint16(start + GossipAt.secondaryPort),
      busPort: view.getUint16(start + GossipAt.busPort),
      flags: view.getUint16(start + GossipAt.flags),
    });
  }
  return entries;
}

/** The lengths have been checked. An unknown type is reported once, however often it comes. */
function readExtensions(frame: Uint8Array, view: DataView): PingExtension[] {
  const extensions: PingExtension[] = [];
  const unknown = new Set<number>();
  let start = HEADER_BYTES + GOSSIP_BYTES * view.getUint16(At.count);
  for (let left = hasExtensions(view) ? view.getUint16(At.extensions) : 0; left > 0; left -= 1) {
    const length = view.getUint32(start);
    const typeCode = view.getUint16(start + 4);
    const extension = readExtension(frame, view, start, length, typeCode);
    if (extension === 'unknown') unknown.add(typeCode);
    else if (extension !== null) extensions.push(extension);
    start += length;
  }
  for (const typeCode of unknown) extensions.push({ kind: 'unknown', typeCode });
  return extensions;
}

/** @returns null for an extension of a known type whose content is unusable */
function readExtension(
  frame: Uint8Array,
  view: DataView,
  start: number,
  length: number,
  typeCode: number,
): PingExtension | 'unknown' | null {
  const payload = start + EXTENSION_HEADER_BYTES;
  const room = length - EXTENSION_HEADER_BYTES;
  switch (typeCode) {
    case ExtensionType.hostname: {
      const hostname = readText(frame, payload, Math.min(room, NAME_LENGTH_MAX + 1));
      return isHostname(hostname) ? { kind: 'hostname', hostname } : null;
    }
    case ExtensionType.humanNodename: {
      const nodename = readText(frame, payload, Math.min(room, NAME_LENGTH_MAX + 1));
      return isHumanNodename(nodename) ? { kind: 'human-nodename', nodename } : null;
    }
    case ExtensionType.forgottenNode: {
      if (room < ID_BYTES + 8) return null;
      const node = readText(frame, payload, ID_BYTES);
      const ttlS = Math.min(readU64(view, payload + ID_BYTES), FORGET_TTL_MAX_S);
      return isNodeId(node) ? { kind: 'forgotten-node', node, ttlS } : null;
    }
    case ExtensionType.shardId: {
      const shardId = room < ID_BYTES ? '' : readText(frame, payload, ID_BYTES);
      return isNodeId(shardId) ? { kind: 'shard-id', shardId } : null;
    }
    default:
      return 'unknown';
  }
}

/** The text up to the first NUL, one character per byte. */
function readText(bytes: Uint8Array, start: number, room: number): string {
  let text = '';
  for (let i = start; i < start + room; i += 1) {
    const byte = bytes[i]!;
    if (byte === 0) break;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** May lose precision above 2^53; all such values are refused or cut down by the callers. */
function readU64(view: DataView, start: number): number {
  return view.getUint32(start) * 2 ** 32 + view.getUint32(start + 4);
}

/** Offsets count bytes; a negative or absurd one can only rank its sender wrongly, so it counts as "no data". */
function readOffset(view: DataView, start: number): number {
  const offset = readU64(view, start);
  return offset <= Number.MAX_SAFE_INTEGER ? offset : 0;
}
