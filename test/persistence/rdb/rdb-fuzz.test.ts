/**
 * Damaged input: whatever the bytes, the reader ends with a verdict, keeps no more memory than the input justifies, and says the same for every way in
 * which the bytes are cut into chunks. `SLOTMESH_FUZZ_ITERATIONS=1000000` is the long form.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDumpPayload, sealDumpPayload } from '../../../src/persistence/dump-payload.js';
import { RDB_MORE, RdbRecord } from '../../../src/persistence/rdb/rdb-reader.js';
import { RdbWriter } from '../../../src/persistence/rdb/rdb-writer.js';
import { fuzzIterations, fuzzSeed, Random } from '../../support/fuzz.js';
import { mutate } from '../mutate.js';
import { hex, keyRecord, rdbFile, readAll } from '../support.js';
import { VALUE_EXAMPLES } from './examples.js';

const MEMORY_MAX = 256 << 20;

function seedFile(): Uint8Array {
  const writer = new RdbWriter(null);
  writer.stringOfText('the quick brown fox, the quick brown fox, the quick brown fox');
  const compressed = writer.bytes.slice(0, writer.length);
  return rdbFile(
    hex("fa 09 'redis-ver' 06 '7.0.15' f5 05 'code!' fe 00 fb 10 01 fc 00 20 4a a9 d1 01 00 00 f8 05"),
    keyRecord(0, 'compressed', compressed),
    ...VALUE_EXAMPLES.map(({ type, bytes }, i) => keyRecord(type, `key${i}`, bytes)),
    hex('f7 81 12 12 12 12 12 12 12 12 02 01 01 05 00'),
  );
}

test('mutated files end with a verdict, the same for every cut into chunks, and take no memory on trust', () => {
  const seed = fuzzSeed();
  console.log(`SLOTMESH_FUZZ_SEED=${seed}`);
  const random = new Random(seed);
  const whole = seedFile();
  const singles = VALUE_EXAMPLES.map(({ type, bytes }) => rdbFile(keyRecord(type, 'k', bytes)));
  const before = process.memoryUsage().arrayBuffers;
  let faults = 0;
  for (let i = 0; i < fuzzIterations(20_000); i++) {
    const source = random.below(3) === 0 ? whole : singles[random.below(singles.length)]!;
    const file = mutate(source, random);
    const { reader, state, events } = readAll(file, 1 + random.below(file.length));
    assert.notEqual(state, RDB_MORE);
    if (reader.fault !== null) faults++;
    if (i % 8 === 0) {
      const other = readAll(file, 1 + random.below(20));
      assert.deepEqual(
        [other.state, other.reader.fault, other.events],
        [state, reader.fault, events],
        `iteration ${i}`,
      );
    }
    if (i % 1000 === 0) assert.ok(process.memoryUsage().arrayBuffers - before < MEMORY_MAX, 'memory stays bounded');
  }
  assert.ok(faults > 0);
});

test('mutated DUMP payload bodies with a right footer are refused or accepted, never worse', () => {
  const seed = fuzzSeed();
  console.log(`SLOTMESH_FUZZ_SEED=${seed}`);
  const random = new Random(seed);
  const record = new RdbRecord();
  for (let i = 0; i < fuzzIterations(20_000); i++) {
    const { type, bytes } = VALUE_EXAMPLES[random.below(VALUE_EXAMPLES.length)]!;
    const body = mutate(Buffer.concat([Buffer.from([type]), bytes]), random);
    const writer = new RdbWriter(null);
    writer.bytesRange(body, 0, body.length);
    sealDumpPayload(writer);
    const error = openDumpPayload(writer.bytes, 0, writer.length, record);
    assert.ok(error === null || error === 'Bad data format');
    assert.ok(record.end <= body.length, 'the value ends before the footer');
  }
});
