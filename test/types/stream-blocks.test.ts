/** Streams under random commands: a snapshot sees them as they were when it began, groups included, and no block is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Keyspace } from '../../src/keyspace/keyspace.js';
import type { Ref } from '../../src/memory/arena.js';
import { writeValue } from '../../src/persistence/rdb/keyspace-rdb.js';
import { RdbWriter } from '../../src/persistence/rdb/rdb-writer.js';
import { InProcess } from '../commands/in-process.js';
import { fuzzIterations, fuzzSeed, Random, replayable } from '../support/fuzz.js';
import { assertSnapshotsSeeTheirBeginning } from './snapshot-of-random-commands.js';

const COMMANDS = fuzzIterations(4000);
/** More nodes and pending entries than are freed at once. */
const LARGE = 5000;

function commandOf(random: Random): string {
  const key = `s${random.below(3)}`;
  const id = `0-${random.below(300)}`;
  const group = `g${random.below(2)}`;
  const consumer = `c${random.below(3)}`;
  return random.pick([
    `XADD ${key} 0-* f ${random.below(1000)}`,
    `XADD ${key} 0-* f v${'x'.repeat(random.below(90))}`,
    `XADD ${key} 0-* f v g ${random.below(9)}`,
    `XADD ${key} MAXLEN ~ ${random.below(80)} 0-* f v`,
    `XDEL ${key} ${id} 0-${random.below(300)}`,
    `XTRIM ${key} MAXLEN ${random.below(200)}`,
    `XTRIM ${key} MINID ~ 0-${random.below(60)}`,
    `XGROUP CREATE ${key} ${group} ${id}`,
    `XREADGROUP GROUP ${group} ${consumer} COUNT ${1 + random.below(9)} STREAMS ${key} >`,
    `XREADGROUP GROUP ${group} ${consumer} COUNT 3 STREAMS ${key} ${id}`,
    `XACK ${key} ${group} ${id} 0-${random.below(300)}`,
    `XACK ${key} ${group} ${manyIds(random)}`,
    `XCLAIM ${key} ${group} ${consumer} 0 ${id} FORCE`,
    `XAUTOCLAIM ${key} ${group} ${consumer} 0 ${id} COUNT 4`,
    `XSETID ${key} 0-${300 + random.below(9)} ENTRIESADDED 500`,
    random.oneIn(5) ? `XGROUP DESTROY ${key} ${group}` : `XGROUP SETID ${key} ${group} ${id}`,
    random.oneIn(5) ? `XGROUP DELCONSUMER ${key} ${group} ${consumer}` : `PERSIST ${key}`,
    random.oneIn(5) ? `COPY ${key} s9 REPLACE` : `EXPIRE ${key} 1000`,
    random.oneIn(9) ? `RENAME ${key} s8` : `XLEN ${key}`,
    random.oneIn(20) ? `DEL ${key}` : `XLEN ${key}`,
  ]);
}

/** IDs in order, or in none. */
function manyIds(random: Random): string {
  const from = random.below(300);
  const ids = Array.from({ length: random.below(99) + 1 }, (_, i) => from + i * random.below(3));
  if (random.oneIn(2)) ids.sort((a, b) => a - b);
  return ids.map((seq) => `0-${seq}`).join(' ');
}

function fresh(): InProcess {
  const server = new InProcess();
  server.server.keyspace.packing.streamNodeEntries = 5;
  return server;
}

/** The whole value, with its groups, as it is saved. */
function contentOf(space: Keyspace, ref: Ref): string {
  const writer = new RdbWriter(null, { compression: false });
  writeValue(writer, space, ref);
  return Buffer.from(writer.bytes.subarray(0, writer.length)).toString('latin1');
}

test('a snapshot sees streams as they were when it began', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const server = fresh();
    assertSnapshotsSeeTheirBeginning({
      server,
      runOne() {
        server.advance(1);
        server.run(commandOf(random));
      },
      contentOf,
    });
  });
});

test('all blocks of streams are given back, those of large ones bit by bit', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const server = fresh();
    const { arena, reaper } = server.server.keyspace;
    const before = arena.blockCount;
    for (let i = 0; i < COMMANDS; i++) {
      const reply = server.run(commandOf(random));
      assert.ok(!reply.startsWith('-') || /NOGROUP|BUSYGROUP|no such key|requires the key|smaller/.test(reply), reply);
    }
    server.server.keyspace.packing.streamNodeEntries = 2;
    for (let i = 0; i < LARGE; i++) server.run(`XADD large ${i + 1} field value:${i}`);
    server.run('XGROUP CREATE large g 0');
    server.run('XGROUP CREATE large h 0');
    server.run('XREADGROUP GROUP g c STREAMS large >');
    server.run('XREADGROUP GROUP h c STREAMS large >');
    server.run('COPY large copied');
    const held = arena.blockCount;
    server.run('XGROUP DESTROY large g');
    server.run('UNLINK large');
    assert.ok(arena.blockCount > held - 200, 'most blocks of a large stream are left to the reaper');
    server.run('FLUSHALL');
    while (reaper.step(10));
    assert.equal(arena.blockCount, before);
  });
});

test('a trim that takes most of a long stream leaves the entries that stay, in order, and loses no block', () => {
  const server = fresh();
  const { arena, reaper } = server.server.keyspace;
  const before = arena.blockCount;
  for (let id = 1; id <= LARGE; id++) server.run(`XADD s ${id} f v`);
  let length = LARGE;
  for (const kept of [2003, 7, 0]) {
    assert.equal(server.run(`XTRIM s MAXLEN ${kept}`), `:${length - kept}\r\n`);
    const ids = [...server.run('XRANGE s - +').matchAll(/\r\n(\d+)-0\r\n/g)].map((match) => Number(match[1]));
    assert.deepEqual(
      ids,
      Array.from({ length: kept }, (_, i) => LARGE - kept + 1 + i),
    );
    length = kept;
  }
  assert.equal(server.run(`XADD s ${LARGE + 1} f v`), `$6\r\n${LARGE + 1}-0\r\n`);
  assert.equal(server.run('XLEN s'), ':1\r\n');
  server.run('FLUSHALL');
  while (reaper.step(10));
  assert.equal(arena.blockCount, before);
});

test('a long stream answers ranges as an array does', () => {
  const seed = fuzzSeed();
  replayable(seed, () => {
    const random = new Random(seed);
    const server = fresh();
    let model: number[] = [];
    for (let id = 1; id <= 3000; id++) {
      server.run(`XADD s ${id * 2} f v`);
      model.push(id * 2);
    }
    const idsOf = (reply: string): number[] =>
      [...reply.matchAll(/\$\d+\r\n(\d+)-0\r\n/g)].map((match) => Number(match[1]));
    for (let step = 0; step < 1500; step++) {
      const from = random.below(6100);
      const to = from + random.below(random.oneIn(4) ? 6000 : 80);
      const count = 1 + random.below(40);
      const wanted = model.filter((id) => id >= from && id <= to);
      assert.deepEqual(idsOf(server.run(`XRANGE s ${from} ${to} COUNT ${count}`)), wanted.slice(0, count));
      const last = wanted.reverse().slice(0, count);
      assert.deepEqual(idsOf(server.run(`XREVRANGE s ${to} ${from} COUNT ${count}`)), last);
      const gone = Array.from({ length: 3 }, () => random.below(6100));
      server.run(`XDEL s ${gone.join(' ')}`);
      model = model.filter((id) => !gone.includes(id));
      if (random.oneIn(50)) {
        const min = model[random.below(Math.min(40, model.length))]!;
        server.run(`XTRIM s MINID ${min}`);
        model = model.filter((id) => id >= min);
      }
      if (random.oneIn(50)) {
        const length = model.length - random.below(20);
        server.run(`XTRIM s MAXLEN ${length}`);
        model = model.slice(model.length - length);
      }
      assert.equal(server.run('XLEN s'), `:${model.length}\r\n`);
    }
  });
});
