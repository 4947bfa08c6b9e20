/** Lists and sorted sets under random commands: a snapshot sees them as they were when it began, and no block is lost. Small limits, so that all forms occur. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Digest, digestValue } from '../../src/keyspace/digest.js';
import type { Keyspace } from '../../src/keyspace/keyspace.js';
import type { Ref } from '../../src/memory/arena.js';
import { InProcess } from '../commands/in-process.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';
import { assertSnapshotsSeeTheirBeginning } from './snapshot-of-random-commands.js';

const LISTS = ['l0', 'l1', 'l2', 'l3', 'l9'];
const COMMANDS = fuzzIterations(6000);
/** More members than one level of the tree, and more chunks than the ring begins with. */
const LARGE = 5000;

function commandOf(random: Random): string {
  const list = `l${random.below(4)}`;
  const zset = `z${random.below(4)}`;
  const text = random.oneIn(2) ? `${random.below(500)}` : `m${random.below(500)}${'x'.repeat(random.below(30))}`;
  const score = (random.below(400) - 200) / 4;
  const side = random.oneIn(2) ? 'LEFT' : 'RIGHT';
  return random.pick([
    `RPUSH ${list} ${text} ${text}x ${score}`,
    `LPUSH ${list} ${text} ${text}`,
    `LPOP ${list} ${random.below(4)}`,
    `RPOP ${list}`,
    `LSET ${list} ${random.below(10)} ${text}`,
    `LINSERT ${list} AFTER ${text} ${text}${text}`,
    `LREM ${list} ${random.below(3) - 1} ${text}`,
    `LTRIM ${list} ${random.below(3)} -2`,
    `LMOVE ${list} l${random.below(4)} ${side} RIGHT`,
    `COPY ${list} l9 REPLACE`,
    `ZADD ${zset} ${score} ${text} ${-score} ${text}y`,
    `ZINCRBY ${zset} ${score} ${text}`,
    `ZREM ${zset} ${text}`,
    `ZPOPMIN ${zset} ${random.below(3)}`,
    `ZREMRANGEBYRANK ${zset} ${random.below(5)} ${random.below(9)}`,
    `ZUNIONSTORE z9 2 ${zset} z${random.below(4)}`,
    `ZRANGESTORE z8 ${zset} ${random.below(5)} ${random.below(60)}`,
    `COPY ${zset} z7 REPLACE`,
    `RENAME ${zset} z6`,
    random.oneIn(20) ? `DEL ${random.oneIn(2) ? list : zset}` : `PERSIST ${list}`,
  ]);
}

function fresh(): InProcess {
  const server = new InProcess();
  Object.assign(server.server.keyspace.packing, {
    zsetListpackEntries: 6,
    zsetListpackValueBytes: 20,
    listListpackSize: 4,
  });
  return server;
}

function digestOf(space: Keyspace, ref: Ref): string {
  const digest = new Digest();
  digestValue(space, ref, digest);
  return digest.toString();
}

test('a snapshot sees lists and sorted sets as they were when it began', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const server = fresh();
    assertSnapshotsSeeTheirBeginning({
      server,
      runOne: () => server.run(commandOf(random)),
      // A list of many chunks would come in parts, as in test/persistence/large-snapshot.
      beforeRound() {
        for (const list of LISTS) server.run(`LTRIM ${list} 0 19`);
      },
      contentOf: digestOf,
    });
  });
});

test('all blocks of lists and sorted sets are given back, those of large ones bit by bit', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const server = fresh();
    const { arena, reaper } = server.server.keyspace;
    const before = arena.blockCount;
    for (let i = 0; i < COMMANDS; i++) {
      const reply = server.run(commandOf(random));
      assert.ok(!reply.startsWith('-') || /no such key|out of range/.test(reply), reply);
    }
    for (let i = 0; i < LARGE; i++) {
      server.run(`ZADD large-zset ${random.below(1000)} m${i}`);
      server.run(`RPUSH large-list element:${i}`);
    }
    server.run('COPY large-zset copied-zset');
    server.run('COPY large-list copied-list');
    server.run('UNLINK large-zset large-list');
    server.run('FLUSHALL');
    while (reaper.step(10));
    assert.equal(arena.blockCount, before);
  });
});

test('one ZREM of many members, some of them absent or named twice, leaves the others of a large set', () => {
  const server = fresh();
  const { arena, reaper } = server.server.keyspace;
  const before = arena.blockCount;
  const members = Array.from({ length: LARGE }, (_, i) => `m${(i * 7919) % LARGE}`);
  server.runWords(['ZADD', 'z', ...members.flatMap((member, i) => [String(i % 100), member])]);
  const removed = members.filter((_, i) => i % 3 === 0);
  const words = removed.flatMap((member, i) => (i % 10 === 0 ? [member, 'absent', member] : [member]));
  assert.equal(server.runWords(['ZREM', 'z', ...words]), `:${removed.length}\r\n`);
  assert.equal(server.run('ZCARD z'), `:${LARGE - removed.length}\r\n`);
  members.forEach((member, i) => {
    assert.equal(server.run(`ZSCORE z ${member}`).startsWith('$-1'), i % 3 === 0, member);
  });
  assert.equal(server.runWords(['ZREM', 'z', ...members]), `:${LARGE - removed.length}\r\n`);
  assert.equal(server.run('EXISTS z'), ':0\r\n');
  while (reaper.step(10));
  assert.equal(arena.blockCount, before);
});
