/**
 * The real server as the judge: files it saved with every type are read, files written here pass its checker and load, and the checker's reports are
 * the same line by line, on sound and on damaged files.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createDumpWriter, openDumpPayload, sealDumpPayload } from '../../../src/persistence/dump-payload.js';
import { nodeFileSystem } from '../../../src/persistence/file-system.js';
import { checkRdbFile } from '../../../src/persistence/rdb/rdb-check.js';
import { RDB_DONE, RdbRecord } from '../../../src/persistence/rdb/rdb-reader.js';
import { RdbWriter } from '../../../src/persistence/rdb/rdb-writer.js';
import { fuzzSeed, Random } from '../../support/fuzz.js';
import { ServerProcess, temporaryFolder } from '../../support/server-process.js';
import { needs } from '../../support/tools.js';
import { ascii, keyRecord, rdbFile, readAll, toHex } from '../support.js';
import { VALUE_EXAMPLES } from './examples.js';

const skip = needs('redis-server', 'redis-check-rdb');
const REAL_CHECK_TIMEOUT_MS = 120_000;
let server: ServerProcess;
let folder: string;

before(async () => {
  if (skip) return;
  folder = temporaryFolder('rdb-oracle');
  server = await ServerProcess.start({ kind: 'redis', config: { rdbcompression: 'yes' } });
  await fillWithEveryType(server);
});

after(async () => {
  await server?.dispose();
});

async function fillWithEveryType(redis: ServerProcess): Promise<void> {
  const random = new Random(11);
  const call = (...args: (string | number)[]) => redis.call(...args);
  await call('SET', 'string', 'hello');
  await call('SET', 'integer', -12345);
  await call('SET', 'long', 'ab'.repeat(5000));
  await call('SET', 'expiring', 'v', 'PXAT', 2000000000000);
  await call('SET', '', 'the empty name');
  for (let i = 0; i < 300; i++) {
    await call('RPUSH', 'list', 'x'.repeat(random.below(200)), i);
    await call('SADD', 'set', `member:${i}`);
    await call('HSET', 'hash', `field:${i}`, 'y'.repeat(random.below(80)));
    await call('ZADD', 'zset', random.below(1000) / 7, `member:${i}`);
    await call('XADD', 'stream', `${1000 + i}-1`, 'temp', i, i % 3 === 0 ? 'other' : 'unit', 'C');
  }
  await call('SADD', 'intset16', 1, 2, 300);
  await call('SADD', 'intset32', 1, 70000);
  await call('SADD', 'intset64', 1, '9223372036854775807', '-9223372036854775808');
  await call('HSET', 'small-hash', 'a', 1, 'b', 'two', 'c', '-9223372036854775808', 'd', 'z'.repeat(64));
  await call('ZADD', 'small-zset', 1.5, 'a', '-inf', 'b', 'inf', 'c', 1e17, 'd');
  await call('RPUSH', 'small-list', 'a', -1, 4096, 100000, 10000000000, 'b'.repeat(4096));
  await call('DEBUG', 'QUICKLIST-PACKED-THRESHOLD', '100b');
  await call('RPUSH', 'plain-list', 'short', 'p'.repeat(500), 'short');
  await call('DEBUG', 'QUICKLIST-PACKED-THRESHOLD', '0');
  await call('XDEL', 'stream', '1005-1');
  await call('XGROUP', 'CREATE', 'stream', 'group', '0');
  await call('XREADGROUP', 'GROUP', 'group', 'alice', 'COUNT', 7, 'STREAMS', 'stream', '>');
  await call('XREADGROUP', 'GROUP', 'group', 'bob', 'COUNT', 3, 'STREAMS', 'stream', '>');
  await call('XGROUP', 'CREATE', 'empty-stream', 'group', '$', 'MKSTREAM');
  await call('PFADD', 'hll', ...Array.from({ length: 100 }, (_, i) => i));
  await call('GEOADD', 'geo', 13.3, 38.1, 'Palermo');
  await call('SELECT', 5);
  await call('SET', 'in-db-5', 'v');
  await call('SELECT', 0);
  await call('FUNCTION', 'LOAD', "#!lua name=l\nredis.register_function('f', function() return 1 end)");
}

/** The report of the real checker, without what differs between any two runs: process ids, times, places in its source. */
function realReport(path: string): { isSane: boolean; lines: string[] } {
  // On some damaged files of modules it reads on for ever.
  const run = spawnSync('redis-check-rdb', [path], { encoding: 'utf8', timeout: REAL_CHECK_TIMEOUT_MS });
  if (run.error !== undefined) throw run.error;
  const lines = run.stdout.split('\n').filter((line) => line !== '' && !line.includes('Terminating server after'));
  return { isSane: run.status === 0, lines: lines.map(withoutPlace) };
}

function ourReport(path: string): { isSane: boolean; lines: string[] } {
  const lines: string[] = [];
  const { isSane } = checkRdbFile(nodeFileSystem, path, path, Date.now(), (line) => lines.push(withoutPlace(line)));
  return { isSane, lines };
}

const hasStream = (lines: string[]) => lines.some((line) => /Reading type (15|19)/.test(line));
const withoutPlace = (line: string) => line.replace(/function at \S+/, 'function at F:L');

test('a file with every type, saved by the real server, is read, and its DUMP payloads are those of the file', {
  skip,
}, async () => {
  await server.call('SAVE');
  const file = readFileSync(join(server.folder, 'dump.rdb'));
  const { events, reader, state } = readAll(file, 1000);
  assert.equal(state, RDB_DONE, reader.fault?.text);
  const keys = events.filter((event) => event.startsWith('key 0/'));
  assert.equal(keys.length, await server.call('DBSIZE'));
  assert.ok(events.includes('key 5/in-db-5 type=0 v'));
  assert.ok(events.includes('key 0/integer type=0 #-12345'));
  assert.ok(events.includes('key 0/expiring type=0 expire=2000000000000 v'));
  assert.ok(events.includes(`key 0/long type=0 ${'ab'.repeat(5000)}`));
  assert.deepEqual(
    [...new Set(keys.map((event) => Number(/ type=(\d+)/.exec(event)![1])))].sort((a, b) => a - b),
    [0, 2, 4, 5, 11, 16, 17, 18, 19],
  );

  await server.call('CONFIG', 'SET', 'rdbcompression', 'no');
  await server.call('SAVE');
  const client = await server.connect({ replies: 'bytes' });
  const plain = readAll(readFileSync(join(server.folder, 'dump.rdb'))).events;
  const comparable = plain.filter((each) => /^key 0\/(intset|small-|empty-stream)/.test(each));
  for (const event of comparable) {
    const [, name, type, value] = /^key 0\/(\S+) type=(\d+) (.*)$/.exec(event)!;
    const payload = (await client.call('DUMP', name!)) as Buffer;
    assert.equal(toHex(payload).slice(0, -20), Number(type).toString(16).padStart(2, '0') + value, name);
    const record = new RdbRecord();
    assert.equal(openDumpPayload(payload, 0, payload.length, record), null);
    assert.equal(toHex(payload.subarray(record.start, record.end)), value);
  }
  assert.equal(comparable.length, 7);
  client.close();
  await server.call('CONFIG', 'SET', 'rdbcompression', 'yes');
});

test('the checker reports on a sound file what the real one reports', { skip }, async () => {
  await server.call('SAVE');
  const path = join(server.folder, 'dump.rdb');
  assert.deepEqual(ourReport(path), realReport(path));
  assert.equal(ourReport(path).isSane, true);
});

test('the checker reports on cut files what the real one reports', { skip }, async () => {
  await server.call('SAVE');
  const file = readFileSync(join(server.folder, 'dump.rdb'));
  const seed = fuzzSeed();
  console.log(`SLOTMESH_FUZZ_SEED=${seed}`);
  const random = new Random(seed);
  const path = join(folder, 'cut.rdb');
  // The first bytes hold the header, the AUX fields and a function library.
  const lengths = [0, 3, 9, 10, ...Array.from({ length: 10 }, () => random.below(200))];
  for (const length of [...lengths, ...Array.from({ length: 40 }, () => random.below(file.length))]) {
    writeFileSync(path, file.subarray(0, length));
    const expected = realReport(path);
    const report = ourReport(path);
    // In the middle of a stream the real one names the part; 7.0.15 has no name for type 19.
    const comparable = (lines: string[]) =>
      lines
        .filter((line) => !/^\[offset \d+\] (Internal|Failed|Unexpected).*/.test(line) || !hasStream(expected.lines))
        .map((line) => line.replace('type 19 (unknown)', 'type 19 (stream-v2)'));
    assert.deepEqual(comparable(report.lines), comparable(expected.lines), `cut to ${length}`);
    assert.equal(report.isSane, false);
  }
});

test('every example value is accepted by the real checker, and reported alike', { skip }, () => {
  for (const { what, type, bytes } of VALUE_EXAMPLES.filter(({ type: id }) => id < 20)) {
    const path = join(folder, 'example.rdb');
    writeFileSync(path, rdbFile(keyRecord(type, 'k', bytes)));
    assert.deepEqual(ourReport(path), realReport(path), what);
  }
});

test('a file written here passes the real checker and loads into the real server with equal values', {
  skip,
}, async () => {
  const random = new Random(5);
  const values = new Map<string, string>([
    ['', 'empty name'],
    ['empty value', ''],
    ['100', '200'],
  ]);
  for (let i = 0; i < 2000; i++) {
    const letters = 1 + random.below(8);
    const text = Array.from(
      { length: random.below(i % 100 === 0 ? 5000 : 60) },
      () => 'abcdefgh'[random.below(letters)],
    ).join('');
    values.set(`key:${i}`, i % 3 === 0 ? String(random.below(0x7fffffff) - random.below(0x7fffffff)) : text);
  }
  const chunks: Buffer[] = [];
  const writer = new RdbWriter((chunk, length) => chunks.push(Buffer.from(chunk.subarray(0, length))), {
    chunkBytes: 1000,
  });
  writer.begin();
  writer.aux('redis-ver', '7.2.4');
  writer.aux('redis-bits', '64');
  writer.selectDb(0);
  writer.resizeDb(values.size, 1);
  for (const [name, value] of values) {
    if (name === '100') writer.expireAt(2000000000000);
    writer.key(0, ascii(name), 0, name.length);
    writer.string(ascii(value), 0, value.length);
  }
  writer.end();
  const path = join(server.folder, 'dump.rdb');
  writeFileSync(path, Buffer.concat(chunks));
  assert.equal(realReport(path).isSane, true);
  assert.deepEqual(ourReport(path), realReport(path));

  const loaded = await ServerProcess.start({ kind: 'redis' });
  try {
    await loaded.kill();
    writeFileSync(join(loaded.folder, 'dump.rdb'), Buffer.concat(chunks));
    await loaded.restart();
    assert.equal(await loaded.call('DBSIZE'), values.size);
    for (const [name, value] of values) assert.equal(await loaded.text('GET', name), value);
    assert.equal(await loaded.call('PEXPIRETIME', '100'), 2000000000000);
  } finally {
    await loaded.dispose();
  }
});

test('DUMP payloads of ours are restored by the real server', { skip }, async () => {
  const writer = createDumpWriter(true);
  for (const value of ['v', '', '-77', 'z'.repeat(1000), '12345678901234567890']) {
    writer.reset();
    writer.type(0);
    writer.stringOfText(value);
    sealDumpPayload(writer);
    assert.equal(await server.text('RESTORE', 'restored', 0, writer.bytes.slice(0, writer.length), 'REPLACE'), 'OK');
    assert.equal(await server.text('GET', 'restored'), value);
    assert.equal(openDumpPayload(writer.bytes, 0, writer.length, new RdbRecord()), null);
  }
});
