/** The bus codec: the worked example of spec/cluster.md 3.7, round trips, malformed frames, streams. */
import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { BusMessage, GossipEntry, MessageHeader, PingExtension } from '../../../src/cluster/core/message.js';
import type { DecodeResult } from '../../../src/cluster/wire/index.js';
import { decodeMessage, encodeMessage, FrameReader } from '../../../src/cluster/wire/index.js';
import { fc } from '../../support/property.js';
import { idOf, slotsOf } from '../core/lone.js';

const HEADER: MessageHeader = {
  sender: `6c83${idOf('0').slice(8)}e7bd`,
  currentEpoch: 7,
  configEpoch: 7,
  offset: 0,
  slots: slotsOf(0, 1, 9, 16383),
  replicaOf: null,
  ip: '',
  port: 21000,
  secondaryPort: 0,
  busPort: 31000,
  flags: 17,
  status: 'fail',
  paused: false,
  forceAck: false,
  extensionData: false,
};

function hex(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.subarray(start, end)).toString('hex');
}

test('the first MEET of a 7.0.15 node, byte for byte', () => {
  const bytes = encodeMessage({ type: 'meet', header: HEADER, gossip: [], extensions: [] });
  assert.equal(bytes.length, 2256);
  assert.equal(hex(bytes, 0, 16), '52436d62000008d00001520800020000');
  assert.equal(hex(bytes, 16, 40), '000000000000000700000000000000070000000000000000');
  assert.equal(hex(bytes, 40, 44), '36633833');
  assert.equal(hex(bytes, 76, 80), '65376264');
  assert.equal(hex(bytes, 80, 82), '0302');
  assert.deepEqual(bytes.subarray(82, 2127), new Uint8Array(2045));
  assert.equal(bytes[2127], 0x80);
  assert.deepEqual(bytes.subarray(2128, 2246), new Uint8Array(118));
  assert.equal(hex(bytes, 2246, 2256), '00007918001101000000');
});

test('extensions as captured from real nodes', () => {
  const hostname: PingExtension = { kind: 'hostname', hostname: 'my.host.example' };
  const forgotten: PingExtension = { kind: 'forgotten-node', node: idOf('a'), ttlS: 60 };
  const header = { ...HEADER, extensionData: true };
  const bytes = encodeMessage({ type: 'ping', header, gossip: [], extensions: [hostname, forgotten] });
  assert.equal(hex(bytes, 2256, 2280), '00000018000000006d792e686f73742e6578616d706c6500');
  assert.equal(hex(bytes, 2280, 2288), '0000003800020000');
  assert.equal(hex(bytes, 2328, 2336), '000000000000003c');
  assert.equal(hex(bytes, 2214, 2216), '0002');
  assert.equal(hex(bytes, 2253, 2256), '040000');
});

/** Records with the ordinary prototype, as the decoder makes them. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

const id = fc.string({
  unit: fc.constantFrom(...'0123456789abcdefghijklmnopqrstuvwxyz'),
  minLength: 40,
  maxLength: 40,
});
const epoch = fc.integer({ min: 0, max: 2 ** 52 });
const port = fc.integer({ min: 0, max: 65535 });
/** Any bits, but not both roles. */
const flags = port.map((bits) => ((bits & 3) === 3 ? bits & ~1 : bits));
const ip = fc.constantFrom('', '10.0.0.1', '2001:db8::1', 'host.example');
const slots = fc.uniqueArray(fc.integer({ min: 0, max: 16383 }), { maxLength: 20 }).map((list) => slotsOf(...list));
const bytes = fc.uint8Array({ maxLength: 300 });
const header: fc.Arbitrary<MessageHeader> = record({
  sender: id,
  currentEpoch: epoch,
  configEpoch: epoch,
  offset: fc.maxSafeNat(),
  slots,
  replicaOf: fc.option(id, { nil: null }),
  ip,
  port,
  secondaryPort: port,
  busPort: port,
  flags,
  status: fc.constantFrom('ok' as const, 'fail' as const),
  paused: fc.boolean(),
  forceAck: fc.boolean(),
  extensionData: fc.constant(true),
});
const seconds = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const gossip: fc.Arbitrary<GossipEntry> = record({
  node: id,
  pingSentS: seconds,
  pongReceivedS: seconds,
  ip,
  port,
  secondaryPort: port,
  busPort: port,
  flags,
});
const hostname = fc.stringMatching(/^[a-z0-9.-]{1,100}$/);
const extension: fc.Arbitrary<PingExtension> = fc.oneof(
  hostname.map((name) => ({ kind: 'hostname' as const, hostname: name })),
  hostname.map((name) => ({ kind: 'human-nodename' as const, nodename: name })),
  record({ kind: fc.constant('forgotten-node' as const), node: id, ttlS: fc.nat(100_000) }),
  id.map((shardId) => ({ kind: 'shard-id' as const, shardId })),
);
const message: fc.Arbitrary<BusMessage> = fc.oneof(
  record({
    type: fc.constantFrom('ping' as const, 'pong' as const, 'meet' as const),
    header,
    gossip: fc.array(gossip, { maxLength: 5 }),
    extensions: fc.array(extension, { maxLength: 4 }),
  }),
  record({ type: fc.constant('fail' as const), header, failed: id }),
  record({
    type: fc.constantFrom('publish' as const, 'publishshard' as const),
    header,
    channel: bytes,
    payload: bytes,
  }),
  record({ type: fc.constant('update' as const), header, node: id, nodeConfigEpoch: epoch, nodeSlots: slots }),
  record({ type: fc.constantFrom('auth-req' as const, 'auth-ack' as const, 'mfstart' as const), header }),
  record({ type: fc.constant('module' as const), header, typeCode: fc.constant(9) }),
  record({ type: fc.constant('unknown' as const), header, typeCode: fc.integer({ min: 11, max: 65535 }) }),
);

test('what is encoded is decoded', () => {
  fc.assert(
    fc.property(message, (original) => {
      assert.deepEqual(decodeMessage(encodeMessage(original)), { ok: true, message: original });
    }),
    { numRuns: 300 },
  );
});

test('a stream cut anywhere gives the same messages', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 4 }), fc.array(fc.nat(5000), { maxLength: 12 }), (messages, cuts) => {
      const stream = Buffer.concat(messages.map((one) => encodeMessage(one)));
      const reader = new FrameReader(1 << 20);
      const seen: BusMessage[] = [];
      let start = 0;
      for (const size of [...cuts, stream.length]) {
        // The buffer is reused by the caller, as a socket's read buffer is.
        const chunk = Uint8Array.from(stream.subarray(start, start + size));
        reader.push(chunk, (result) => seen.push(result.ok ? result.message : assert.fail(result.reason)));
        chunk.fill(255);
        start += size;
      }
      assert.deepEqual(seen, messages);
      assert.equal(reader.pendingBytes, 0);
    }),
    { numRuns: 100 },
  );
});

/** Encodes a plain ping, lets the test damage it, and decodes. */
function damaged(change: (frame: Uint8Array, view: DataView) => void, extensions: PingExtension[] = []): DecodeResult {
  const changed = { ...HEADER, extensionData: true };
  const frame = encodeMessage({ type: 'ping', header: changed, gossip: [], extensions });
  change(frame, new DataView(frame.buffer));
  return decodeMessage(frame);
}

function reasonOf(result: DecodeResult): string {
  return result.ok ? 'ok' : result.reason;
}

test('messages that are wrong inside are ignored with a reason, and the link is kept', () => {
  const cases: [string, DecodeResult][] = [
    ['', damaged((_, view) => view.setUint16(8, 2))],
    [
      'Received invalid ping packet of length 2256 but expected length 2360',
      damaged((_, view) => view.setUint16(14, 1)),
    ],
    [
      'Received invalid fail packet of length 2256 but expected length 2296',
      damaged((_, view) => view.setUint16(12, 3)),
    ],
    ['Received ping packet with an invalid sender ID', damaged((frame) => frame.fill(0, 40, 80))],
    ['Received ping packet with an invalid sender ID', damaged((frame) => frame.fill(65, 40, 41))],
    ['Received ping packet with an invalid primary ID', damaged((frame) => frame.fill(65, 2128, 2130))],
    ['Received ping packet with an invalid address', damaged((frame) => frame.fill(10, 2168, 2170))],
    ['Received ping packet with an invalid epoch', damaged((frame) => frame.fill(255, 16, 24))],
    ['Received ping packet with an invalid role', damaged((_, view) => view.setUint16(2250, 19))],
    [
      'Received invalid ping packet with extension data that exceeds total packet length (2256)',
      damaged((_, view) => view.setUint16(2214, 1)),
    ],
    [
      'Received a ping packet without proper padding (12 bytes)',
      damaged((_, view) => view.setUint32(2256, 12), [{ kind: 'shard-id', shardId: idOf('a') }]),
    ],
    [
      'Received a ping packet without proper padding (0 bytes)',
      damaged((_, view) => view.setUint32(2256, 0), [{ kind: 'shard-id', shardId: idOf('a') }]),
    ],
  ];
  for (const [reason, result] of cases) {
    assert.equal(reasonOf(result), reason);
    assert(!result.ok && !result.fatal);
  }
});

test('unusable gossip entries and extensions are left out, the rest is kept', () => {
  const entry: GossipEntry = {
    node: idOf('a'),
    pingSentS: 1,
    pongReceivedS: 2,
    ip: '10.0.0.1',
    port: 1,
    secondaryPort: 0,
    busPort: 2,
    flags: 1,
  };
  const extensions: PingExtension[] = [
    { kind: 'hostname', hostname: 'a' },
    { kind: 'shard-id', shardId: idOf('b') },
    { kind: 'unknown', typeCode: 77 },
    { kind: 'unknown', typeCode: 77 },
  ];
  const header = { ...HEADER, extensionData: true };
  const frame = encodeMessage({ type: 'pong', header, gossip: [entry, entry, { ...entry, flags: 3 }], extensions });
  frame.set(Buffer.from('not an address!'), 2256 + 48);
  frame.set(Buffer.from('_'), 2256 + 3 * 104 + 8);
  const result = decodeMessage(frame);
  assert(result.ok && result.message.type === 'pong');
  assert.deepEqual(result.message.gossip, [entry]);
  assert.deepEqual(result.message.extensions, extensions.slice(1, 3));
});

test('a negative offset reads as none', () => {
  const result = damaged((frame) => frame.fill(255, 32, 40));
  assert(result.ok);
  assert.equal(result.message.header.offset, 0);
});

test('a stream that is no bus stream ends at once, and nothing more is read from it', () => {
  const ping = encodeMessage({ type: 'ping', header: HEADER, gossip: [], extensions: [] });
  const short = ping.slice();
  new DataView(short.buffer).setUint32(4, 100);
  const huge = ping.slice();
  new DataView(huge.buffer).setUint32(4, 2 ** 31);
  for (const start of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), short, huge]) {
    const reader = new FrameReader(1 << 20);
    const results: DecodeResult[] = [];
    reader.push(start.subarray(0, 5), (result) => results.push(result));
    reader.push(start.subarray(5), (result) => results.push(result));
    reader.push(ping, (result) => results.push(result));
    assert.equal(results.length, 1);
    assert(!results[0]!.ok && results[0]!.fatal);
    assert.equal(reader.pendingBytes, 0);
  }
});
