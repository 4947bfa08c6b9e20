/** A bus message as bytes. The message comes from the core, so nothing in it can be wrong; what does not fit a field is an error of ours. */
import { strict as assert } from 'node:assert';
import {
  type BusMessage,
  type GossipEntry,
  MESSAGE_TYPES,
  type MessageHeader,
  type PingExtension,
} from '../core/message.js';
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

/** @returns a new array with exactly the message, which the caller owns */
export function encodeMessage(message: BusMessage): Uint8Array {
  const bytes = new Uint8Array(encodedLength(message));
  const view = new DataView(bytes.buffer);
  const typeCode = 'typeCode' in message ? message.typeCode : MESSAGE_TYPES.indexOf(message.type);
  writeHeader(bytes, view, message.header, typeCode);
  switch (message.type) {
    case 'ping':
    case 'pong':
    case 'meet': {
      view.setUint16(At.count, message.gossip.length);
      view.setUint16(At.extensions, message.extensions.length);
      let start = HEADER_BYTES;
      for (const entry of message.gossip) start = writeGossip(bytes, view, start, entry);
      for (const extension of message.extensions) start = writeExtension(bytes, view, start, extension);
      break;
    }
    case 'fail':
      writeText(bytes, HEADER_BYTES, ID_BYTES, message.failed);
      break;
    case 'publish':
    case 'publishshard':
      view.setUint32(HEADER_BYTES, message.channel.length);
      view.setUint32(HEADER_BYTES + 4, message.payload.length);
      bytes.set(message.channel, PUBLISH_BYTES);
      bytes.set(message.payload, PUBLISH_BYTES + message.channel.length);
      break;
    case 'update':
      writeU64(view, HEADER_BYTES, message.nodeConfigEpoch);
      writeText(bytes, HEADER_BYTES + 8, ID_BYTES, message.node);
      bytes.set(message.nodeSlots, HEADER_BYTES + 8 + ID_BYTES);
      break;
    case 'auth-req':
    case 'auth-ack':
    case 'mfstart':
    case 'module':
    case 'unknown':
      break;
  }
  return bytes;
}

function encodedLength(message: BusMessage): number {
  switch (message.type) {
    case 'ping':
    case 'pong':
    case 'meet': {
      let length = HEADER_BYTES + GOSSIP_BYTES * message.gossip.length;
      for (const extension of message.extensions) length += extensionLength(extension);
      return length;
    }
    case 'fail':
      return FAIL_BYTES;
    case 'publish':
    case 'publishshard':
      return PUBLISH_BYTES + message.channel.length + message.payload.length;
    case 'update':
      return UPDATE_BYTES;
    case 'module':
      return MODULE_BYTES;
    default:
      return HEADER_BYTES;
  }
}

function writeHeader(bytes: Uint8Array, view: DataView, header: MessageHeader, typeCode: number): void {
  view.setUint32(0, SIGNATURE);
  view.setUint32(At.totalLength, bytes.length);
  view.setUint16(At.version, PROTOCOL_VERSION);
  view.setUint16(At.port, header.port);
  view.setUint16(At.type, typeCode);
  writeU64(view, At.currentEpoch, header.currentEpoch);
  writeU64(view, At.configEpoch, header.configEpoch);
  writeU64(view, At.offset, header.offset);
  writeText(bytes, At.sender, ID_BYTES, header.sender);
  bytes.set(header.slots, At.slots);
  if (header.replicaOf !== null) writeText(bytes, At.replicaOf, ID_BYTES, header.replicaOf);
  writeText(bytes, At.ip, IP_BYTES - 1, header.ip);
  view.setUint16(At.secondaryPort, header.secondaryPort);
  view.setUint16(At.busPort, header.busPort);
  view.setUint16(At.flags, header.flags);
  bytes[At.status] = header.status === 'ok' ? 0 : 1;
  let flags = 0;
  if (header.paused) flags |= MessageFlag.Paused;
  if (header.forceAck) flags |= MessageFlag.ForceAck;
  if (header.extensionData) flags |= MessageFlag.ExtensionData;
  bytes[At.messageFlags] = flags;
}

/** @returns the byte offset after the entry */
function writeGossip(bytes: Uint8Array, view: DataView, start: number, entry: GossipEntry): number {
  writeText(bytes, start, ID_BYTES, entry.node);
  view.setUint32(start + GossipAt.pingSent, entry.pingSentS);
  view.setUint32(start + GossipAt.pongReceived, entry.pongReceivedS);
  writeText(bytes, start + GossipAt.ip, IP_BYTES - 1, entry.ip);
  view.setUint16(start + GossipAt.port, entry.port);
  view.setUint16(start + GossipAt.busPort, entry.busPort);
  view.setUint16(start + GossipAt.flags, entry.flags);
  view.setUint16(start + GossipAt.secondaryPort, entry.secondaryPort);
  return start + GOSSIP_BYTES;
}

/** @returns the byte offset after the extension */
function writeExtension(bytes: Uint8Array, view: DataView, start: number, extension: PingExtension): number {
  const length = extensionLength(extension);
  const payload = start + EXTENSION_HEADER_BYTES;
  const room = length - EXTENSION_HEADER_BYTES;
  view.setUint32(start, length);
  view.setUint16(start + 4, extensionType(extension));
  switch (extension.kind) {
    case 'hostname':
      writeText(bytes, payload, room, extension.hostname);
      break;
    case 'human-nodename':
      writeText(bytes, payload, room, extension.nodename);
      break;
    case 'forgotten-node':
      writeText(bytes, payload, ID_BYTES, extension.node);
      writeU64(view, payload + ID_BYTES, extension.ttlS);
      break;
    case 'shard-id':
      writeText(bytes, payload, ID_BYTES, extension.shardId);
      break;
    case 'unknown':
      break;
  }
  return start + length;
}

function extensionType(extension: PingExtension): number {
  switch (extension.kind) {
    case 'hostname':
      return ExtensionType.hostname;
    case 'human-nodename':
      return ExtensionType.humanNodename;
    case 'forgotten-node':
      return ExtensionType.forgottenNode;
    case 'shard-id':
      return ExtensionType.shardId;
    case 'unknown':
      return extension.typeCode;
  }
}

function extensionLength(extension: PingExtension): number {
  switch (extension.kind) {
    case 'hostname':
      return stringExtensionLength(extension.hostname);
    case 'human-nodename':
      return stringExtensionLength(extension.nodename);
    case 'forgotten-node':
      return EXTENSION_HEADER_BYTES + ID_BYTES + 8;
    case 'shard-id':
      return EXTENSION_HEADER_BYTES + ID_BYTES;
    case 'unknown':
      return EXTENSION_HEADER_BYTES;
  }
}

/** At least one NUL follows the text. */
function stringExtensionLength(text: string): number {
  return EXTENSION_HEADER_BYTES + 8 * Math.ceil((text.length + 1) / 8);
}

/** Writes a one-byte-per-character text; what is left of the room stays 0. */
function writeText(bytes: Uint8Array, start: number, room: number, text: string): void {
  assert(text.length <= room, `the text '${text}' fits its field`);
  for (let i = 0; i < text.length; i += 1) bytes[start + i] = text.charCodeAt(i);
}

/** @param value  an integer from 0 to 2^53 − 1 */
function writeU64(view: DataView, start: number, value: number): void {
  view.setUint32(start, Math.floor(value / 2 ** 32));
  view.setUint32(start + 4, value % 2 ** 32);
}
