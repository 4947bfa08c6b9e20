/** RESTORE of damaged streams: refused, or a value that every command can work on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDumpWriter, sealDumpPayload } from '../../src/persistence/dump-payload.js';
import { VALUE_EXAMPLES } from '../persistence/rdb/examples.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';
import { InProcess } from './in-process.js';

const TYPES: ReadonlySet<number> = new Set([15, 19, 21]);
const COMMANDS = [
  'XRANGE k - + COUNT 50',
  'XREVRANGE k + - COUNT 50',
  'XREAD STREAMS k 0',
  'XINFO STREAM k FULL COUNT 50',
  'XREADGROUP GROUP g alice COUNT 5 STREAMS k >',
  'XREADGROUP GROUP g alice STREAMS k 0',
  'XPENDING k g - + 10',
  'XAUTOCLAIM k g bob 0 0 COUNT 5',
  'XCLAIM k g eve 0 1-0 1000-5 1001-1 FORCE',
  'XADD k * f v',
  'XADD k MAXLEN ~ 2 * g w',
  'XDEL k 1000-5 1001-0 1-1',
  'XTRIM k MINID 1001',
  'XACK k g 1-1 1001-0',
  'XINFO GROUPS k',
  'COPY k j REPLACE',
  'XTRIM j MAXLEN 1',
  'XGROUP DELCONSUMER j g alice',
  'DEBUG DIGEST-VALUE k',
  'XTRIM k MAXLEN 0',
  'XGROUP DESTROY k g',
];

function seal(type: number, body: Uint8Array): string {
  const writer = createDumpWriter(false);
  writer.byte(type);
  writer.bytesRange(body, 0, body.length);
  sealDumpPayload(writer);
  return Buffer.from(writer.bytes.subarray(0, writer.length)).toString('latin1');
}

/** Payloads to start from: the examples, and streams with several nodes and groups. */
function payloads(server: InProcess): [type: number, body: Uint8Array][] {
  const found = VALUE_EXAMPLES.filter(({ type }) => TYPES.has(type)).map(({ type, bytes }): [number, Uint8Array] => [
    type,
    bytes,
  ]);
  server.server.keyspace.packing.streamNodeEntries = 4;
  for (let i = 0; i < 11; i++) server.run(`XADD large ${i + 1}-1 f ${i * 1000} g${i % 3} v`);
  for (const line of ['XDEL large 2-1 9-1', 'XGROUP CREATE large g 0', 'XGROUP CREATE large h 3']) server.run(line);
  for (const name of ['alice', 'bob']) server.run(`XREADGROUP GROUP g ${name} COUNT 4 STREAMS large >`);
  server.run('XDEL large 4-1');
  const reply = Buffer.from(server.run('DUMP large'), 'latin1');
  const start = reply.indexOf('\n') + 1;
  found.push([reply[start]!, reply.subarray(start + 1, -12)]);
  server.run('DEL large');
  return found;
}

test('a damaged stream is refused or sound', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const server = new InProcess();
    server.run('CONFIG SET rdbcompression no');
    const { arena, reaper, packing } = server.server.keyspace;
    const examples = payloads(server);
    const before = arena.blockCount;
    let accepted = 0;
    for (let i = 0; i < fuzzIterations(2000); i++) {
      packing.streamNodeEntries = random.pick([1, 3, 100]);
      const [type, bytes] = random.pick(examples);
      const body = Uint8Array.from(bytes);
      for (let changes = random.below(4); changes > 0; changes--) body[random.below(body.length)] = random.below(256);
      if (server.runWords(['RESTORE', 'k', '0', seal(type, body), 'REPLACE']) !== '+OK\r\n') continue;
      accepted++;
      // A value that was taken can be given on.
      const dumped = Buffer.from(server.run('DUMP k'), 'latin1');
      const again = dumped.subarray(dumped.indexOf('\n') + 1, -2).toString('latin1');
      assert.equal(server.runWords(['RESTORE', 'j', '0', again, 'REPLACE']), '+OK\r\n');
      for (const command of COMMANDS) server.run(command);
    }
    assert.ok(accepted > 100);
    server.run('FLUSHALL');
    while (reaper.step(10));
    assert.equal(arena.blockCount, before, 'no block is lost');
  });
});
