/**
 * Mutated frames: the decoder neither throws nor hangs, and what it lets through does no harm to a core either.
 * `SLOTMESH_FUZZ_ITERATIONS` sets the number of inputs; `SLOTMESH_FUZZ_SEED` repeats a run.
 */
import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import type { BusMessage } from '../../../src/cluster/core/message.js';
import { encodeNodesConf, loadNodesConf } from '../../../src/cluster/nodes-conf.js';
import { decodeMessage, encodeMessage, FrameReader } from '../../../src/cluster/wire/index.js';
import { fuzzIterations, fuzzSeed, Random } from '../../support/fuzz.js';
import { idOf, Lone, slotsOf } from '../core/lone.js';

const iterations = fuzzIterations(20_000);
const seed = fuzzSeed();

/** One message of each kind, as the peers of a core would send them. */
function corpus(lone: Lone): BusMessage[] {
  const a = lone.state.nodes.get(idOf('a'))!;
  const header = lone.header(a);
  const entry = lone.gossipAbout(lone.state.nodes.get(idOf('b'))!);
  return [
    lone.ping(
      a,
      {},
      [entry, entry],
      [
        { kind: 'hostname', hostname: 'a.example' },
        { kind: 'forgotten-node', node: idOf('f'), ttlS: 60 },
        { kind: 'shard-id', shardId: a.shardId },
      ],
    ),
    { type: 'meet', header, gossip: [entry], extensions: [] },
    { type: 'fail', header, failed: idOf('b') },
    { type: 'publish', header, channel: new Uint8Array(10), payload: new Uint8Array(20) },
    { type: 'update', header, node: idOf('b'), nodeConfigEpoch: 9, nodeSlots: slotsOf(1, 2, 3) },
    { type: 'auth-req', header },
    { type: 'auth-ack', header },
    { type: 'mfstart', header },
    { type: 'module', header, typeCode: 9 },
  ];
}

function victim(): Lone {
  const lone = new Lone();
  const a = lone.peer('a', { slots: [1, 2], configEpoch: 2 });
  lone.peer('b', { slots: [3], configEpoch: 3 });
  lone.peer('c', { replicaOf: a });
  lone.admin('addslots', '100');
  return lone;
}

/** Fields whose values decide what is read next, and so are worth hitting more often than chance would. */
const INTERESTING = [
  4, 5, 6, 7, 12, 13, 14, 15, 40, 2128, 2168, 2214, 2215, 2250, 2251, 2253, 2256, 2257, 2258, 2259, 2264,
];

test(`mutated frames never throw, and a core survives those that decode (seed ${seed}, ${iterations} inputs)`, () => {
  const random = new Random(seed);
  let lone = victim();
  let frames = corpus(lone).map((message) => encodeMessage(message));
  for (let i = 0; i < iterations; i += 1) {
    const frame = frames[random.below(frames.length)]!.slice();
    for (let hits = 1 + random.below(6); hits > 0; hits -= 1) {
      const at = random.below(2) === 0 ? INTERESTING[random.below(INTERESTING.length)]! : random.below(frame.length);
      frame[Math.min(at, frame.length - 1)] = [0, 1, 255, random.below(256)][random.below(4)]!;
    }
    const cut = random.below(8) === 0 ? frame.subarray(0, random.below(frame.length)) : frame;
    const direct = decodeMessage(cut);
    const reader = new FrameReader(1 << 20);
    const half = random.below(cut.length + 1);
    reader.push(cut.subarray(0, half), () => {});
    reader.push(cut.subarray(half), () => {});
    assert(reader.pendingBytes <= cut.length);
    const a = lone.state.nodes.get(idOf('a'));
    const link = a === undefined ? null : random.below(2) === 0 ? a.inbound : a.outbound;
    if (link !== null && direct.ok) lone.input({ kind: 'message', link, message: direct.message });
    if (link !== null && !direct.ok) lone.input({ kind: 'malformed', link, frame: direct });
    if (random.below(10) === 0) lone.tick();
    // Start over when the damage has cut the peer off, and now and then, after a look at what would have been saved.
    if (link === null || i % 500 === 499) {
      const text = encodeNodesConf(lone.state);
      const loaded = loadNodesConf(text, lone.state.options, random, lone.now);
      assert(loaded.ok, loaded.ok ? '' : `${loaded.reason}: ${loaded.line}`);
      lone = victim();
      frames = corpus(lone).map((message) => encodeMessage(message));
    }
  }
});

test(`random bytes never throw (seed ${seed})`, () => {
  const random = new Random(seed);
  for (let i = 0; i < iterations / 20; i += 1) {
    const bytes = Uint8Array.from({ length: random.below(3000) }, () => random.below(256));
    if (random.below(2) === 0) bytes.set(Buffer.from('RCmb').subarray(0, bytes.length));
    decodeMessage(bytes);
    new FrameReader(1 << 16).push(bytes, () => {});
  }
});
