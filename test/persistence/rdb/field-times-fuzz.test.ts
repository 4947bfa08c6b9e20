/**
 * Damaged images with times of hash fields, in the forms for files and for replicas: each is refused, or loaded into hashes with which commands can work.
 * In the end no block of the arena is lost.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyspaceSnapshots } from '../../../src/persistence/keyspace-snapshot.js';
import { KeyspaceTarget } from '../../../src/persistence/rdb/keyspace-rdb.js';
import { RdbLoader } from '../../../src/persistence/rdb/rdb-loader.js';
import { RDB_DONE, RDB_MORE } from '../../../src/persistence/rdb/rdb-reader.js';
import { InProcess, NOW_MS } from '../../commands/in-process.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../../support/fuzz.js';
import { mutate } from '../mutate.js';

const COMMANDS = ['HGETALL', 'HLEN', 'HRANDFIELD', 'DUMP', 'COPY k copied REPLACE DB 0', 'HPTTL k FIELDS 3 a b c'];

/** An image of one hash of each form, with times and without. */
function imageOf(isForReplica: boolean): Uint8Array {
  const server = new InProcess();
  server.isActive = false;
  server.run('HSET packed a 1 b two c 3');
  server.run(`HPEXPIREAT packed ${NOW_MS + 5000} FIELDS 2 a c`);
  server.run(`HSET table a 1 b ${'L'.repeat(70)} c 3`);
  server.run(`HPEXPIREAT table ${NOW_MS + 5000} FIELDS 1 b`);
  server.run(`HPEXPIREAT table ${NOW_MS + 4000} FIELDS 1 c`);
  server.run('HSET plain a 1');
  server.run('SET string v');
  const { keyspace, snapshotMarks } = server.server;
  const chunks: Uint8Array[] = [];
  const options = {
    redisVersion: '7.2.0',
    unixMs: NOW_MS,
    usedBytes: 0,
    compression: true,
    checksum: false,
    attribute: 'none',
    replication: null,
    isAofBase: false,
    isForReplica,
  } as const;
  const snapshots = new KeyspaceSnapshots(keyspace, snapshotMarks, () => options);
  const producer = snapshots.begin('rdb', (chunk, length) => chunks.push(chunk.slice(0, length)));
  while (!producer.step(1000));
  return Buffer.concat(chunks);
}

/** @returns whether it was taken */
function load(server: InProcess, image: Uint8Array): boolean {
  const { keyspace } = server.server;
  const loader = new RdbLoader(new KeyspaceTarget(keyspace), {
    databases: 16,
    expiredKeys: 'keep',
    nowMs: NOW_MS,
    checksum: false,
    log: () => {},
  });
  let state = loader.reader.feed(image, 0, image.length);
  if (state === RDB_MORE) state = loader.reader.end();
  return state === RDB_DONE;
}

for (const isForReplica of [false, true]) {
  test(`damaged images ${isForReplica ? 'for replicas' : 'in files'} are refused or make sound hashes`, () => {
    const seed = fuzzSeed();
    replayable(seed, () => {
      const random = new Random(seed);
      const image = imageOf(isForReplica);
      const server = new InProcess();
      server.isActive = false;
      server.run('CONFIG SET save ""');
      const { keyspace } = server.server;
      const blocks = keyspace.arena.blockCount;
      assert.ok(load(server, image));
      assert.equal(server.run('HPTTL table FIELDS 3 a b c'), '*3\r\n:-1\r\n:5000\r\n:4000\r\n');
      assert.equal(server.run('HPTTL packed FIELDS 3 a b c'), '*3\r\n:5000\r\n:-1\r\n:5000\r\n');
      let taken = 0;
      for (let i = fuzzIterations(3000); i > 0; i--) {
        server.run('FLUSHALL');
        const damaged = random.oneIn(3) ? mutate(image, random) : flipped(image, random);
        if (load(server, damaged)) taken++;
        for (const key of ['packed', 'table', 'plain']) {
          for (const command of COMMANDS) {
            const line = command.includes(' ') ? command.replace(' k ', ` ${key} `) : `${command} ${key}`;
            assert.doesNotMatch(server.run(line), /^-(?!WRONGTYPE)/, line);
          }
          server.run(`HSET ${key} a x new y`);
          server.run(`HPEXPIRE ${key} 100 FIELDS 3 a b new`);
          server.run(`HDEL ${key} c`);
          server.run(`HPERSIST ${key} FIELDS 3 a b new`);
        }
      }
      assert.ok(taken > 10, `${taken} were taken`);
      server.run('FLUSHALL');
      while (keyspace.reaper.step(100));
      assert.equal(keyspace.arena.blockCount, blocks);
    });
  });
}

/** One byte is another. */
function flipped(image: Uint8Array, random: Random): Uint8Array {
  const bytes = Uint8Array.from(image);
  bytes[random.below(bytes.length)] = random.below(256);
  return bytes;
}
