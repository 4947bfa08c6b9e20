/**
 * Where the fields of a bus message are. All integers are big-endian, strings in fixed fields are padded with NUL, unused bytes are 0.
 *
 *   header, 2256 bytes                                      then, by type
 *     0  4  sig "RCmb"            2168 46  myip             ping, pong, meet   gossip entries of 104 bytes, ping extensions
 *     4  4  totlen                2214  2  extensions       fail               40-byte id of the failed node
 *     8  2  ver = 1               2216 30  reserved         publish[shard]     u32 channel length, u32 message length, both
 *    10  2  port                  2246  2  pport            update             u64 config epoch, 40-byte id, 2048-byte slots
 *    12  2  type                  2248  2  cport            module             u64 id, u32 length, u8 type, payload
 *    14  2  count (gossip)        2250  2  flags            auth-req, auth-ack, mfstart: nothing
 *    16  8  currentEpoch          2252  1  state
 *    24  8  configEpoch           2253  3  mflags
 *    32  8  offset
 *    40 40  sender                gossip entry, 104 bytes
 *    80 2048 myslots                0 40  name      48 46  ip       98 2  flags
 *  2128 40  slaveof                40  4  ping_sent 94  2  port    100 2  pport
 *                                  44  4  pong      96  2  cport   102 2  unused
 *
 *   ping extension: u32 length (multiple of 8, these 8 bytes included), u16 type, u16 unused, payload padded with NUL
 *
 * Source: spec/cluster.md 3.1–3.4 (Redis 7.0 and 7.2). Numbers here are fixed by the protocol.
 */
export const SIGNATURE = 0x52436d62;
export const PROTOCOL_VERSION = 1;
export const HEADER_BYTES = 2256;
export const ID_BYTES = 40;
export const IP_BYTES = 46;

export const At = {
  totalLength: 4,
  version: 8,
  port: 10,
  type: 12,
  count: 14,
  currentEpoch: 16,
  configEpoch: 24,
  offset: 32,
  sender: 40,
  slots: 80,
  replicaOf: 2128,
  ip: 2168,
  extensions: 2214,
  secondaryPort: 2246,
  busPort: 2248,
  flags: 2250,
  status: 2252,
  messageFlags: 2253,
} as const;

export const GOSSIP_BYTES = 104;

/** Offsets inside a gossip entry. */
export const GossipAt = {
  pingSent: 40,
  pongReceived: 44,
  ip: 48,
  port: 94,
  busPort: 96,
  flags: 98,
  secondaryPort: 100,
} as const;

/** Bits of the first byte of `mflags`. */
export const MessageFlag = { Paused: 1, ForceAck: 2, ExtensionData: 4 } as const;

export const FAIL_BYTES = HEADER_BYTES + ID_BYTES;
/** Without the channel and the message. */
export const PUBLISH_BYTES = HEADER_BYTES + 8;
export const UPDATE_BYTES = HEADER_BYTES + 8 + ID_BYTES + 2048;
/** Without the payload. */
export const MODULE_BYTES = HEADER_BYTES + 13;

export const EXTENSION_HEADER_BYTES = 8;

export const ExtensionType = { hostname: 0, humanNodename: 1, forgottenNode: 2, shardId: 3 } as const;
