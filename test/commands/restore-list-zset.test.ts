/** RESTORE of damaged lists and sorted sets: refused, or a value that every command can work on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDumpWriter, sealDumpPayload } from '../../src/persistence/dump-payload.js';
import { VALUE_EXAMPLES } from '../persistence/rdb/examples.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';
import { InProcess } from './in-process.js';

const TYPES: ReadonlySet<number> = new Set([1, 3, 5, 10, 12, 14, 17, 18]);
const COMMANDS = [
  'ZADD k 1 a 2.5 zz -7 b',
  'ZRANGE k 0 -1 WITHSCORES',
  'ZRANGEBYSCORE k -5 5',
  'ZREM k a',
  'ZINCRBY k 3 b',
  'ZPOPMIN k',
  'RPUSH k x',
  'LPUSH k 12345 y',
  'LRANGE k 0 -1',
  'LINSERT k BEFORE x z',
  'LREM k 0 x',
  'LSET k 0 w',
  'LTRIM k 1 -1',
  'DEBUG DIGEST-VALUE k',
  'DUMP k',
];

function seal(type: number, body: Uint8Array): string {
  const writer = createDumpWriter(false);
  writer.byte(type);
  writer.bytesRange(body, 0, body.length);
  sealDumpPayload(writer);
  return Buffer.from(writer.bytes.subarray(0, writer.length)).toString('latin1');
}

test('a damaged list or sorted set is refused or sound', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const server = new InProcess();
    const { arena, reaper, packing } = server.server.keyspace;
    const before = arena.blockCount;
    const examples = VALUE_EXAMPLES.filter(({ type }) => TYPES.has(type));
    let accepted = 0;
    for (let i = 0; i < fuzzIterations(4000); i++) {
      packing.zsetListpackEntries = random.pick([0, 2, 128]);
      packing.listListpackSize = random.pick([1, 3, -2]);
      const { type, bytes } = random.pick(examples);
      const body = Uint8Array.from(bytes);
      for (let changes = random.below(4); changes > 0; changes--) body[random.below(body.length)] = random.below(256);
      if (server.runWords(['RESTORE', 'k', '0', seal(type, body), 'REPLACE']) !== '+OK\r\n') continue;
      accepted++;
      for (const command of COMMANDS) server.run(command);
      if (random.oneIn(2)) for (let n = 0; n < 6; n++) server.run('ZPOPMAX k');
    }
    assert.ok(accepted > 100);
    server.run('FLUSHALL');
    while (reaper.step(10));
    assert.equal(arena.blockCount, before, 'no block is lost');
  });
});
