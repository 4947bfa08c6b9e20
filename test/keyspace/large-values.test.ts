/** Large values: how little a command that ends one does by itself, and that their memory serves what comes next. Counted in blocks, not in time. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CHUNK_ROOM_BYTES } from '../../src/memory/arena.js';
import { InProcess, NOW_MS } from '../commands/in-process.js';

const PER_COMMAND = 500;
/** Blocks that a command may free on its own: those of the key, and what holds the value together. */
const FREED_BY_COMMAND_MAX = 64;
/** Memory that a second copy may take beyond the first one's: slabs that are begun. */
const GROWTH_MAX = 1.02;

/** How many elements, and the command that adds some from a number on. */
const SHAPES: Readonly<Record<string, readonly [count: number, add: (from: number) => string]>> = {
  list: [2000, (from) => `RPUSH source ${elements(from, (i) => String(i).padStart(4000, '.'))}`],
  hash: [5000, (from) => `HSET source ${elements(from, (i) => `field:${i} value:${i}`)}`],
  set: [5000, (from) => `SADD source ${elements(from, (i) => `member:${i}`)}`],
  zset: [5000, (from) => `ZADD source ${elements(from, (i) => `${i} member:${i}`)}`],
};

const ENDINGS = [
  ['UNLINK value'],
  ['DEL value'],
  ['SET value x'],
  ['SET short x', 'RENAME short value'],
  ['SET short x', 'COPY short value REPLACE'],
  [`PEXPIREAT value ${NOW_MS + 1}`, 'TYPE value'],
  ['MOVE value 1', 'SELECT 1', 'FLUSHDB ASYNC', 'SELECT 0'],
  ['FLUSHALL ASYNC'],
];

function elements(from: number, element: (index: number) => string): string {
  return Array.from({ length: PER_COMMAND }, (_, i) => element(from + i)).join(' ');
}

/** `source` in a server that writes no file when it is flushed. */
function serverWith(shape: string): InProcess {
  const server = new InProcess();
  server.run('CONFIG SET save ""');
  if (shape === 'stream') fillStream(server);
  else {
    const [count, add] = SHAPES[shape]!;
    for (let from = 0; from < count; from += PER_COMMAND) assert.match(server.run(add(from)), /^:/);
  }
  return server;
}

/** A stream of few entries in small nodes, all pending. */
function fillStream(server: InProcess): void {
  server.run('CONFIG SET stream-node-max-entries 2');
  for (let i = 1; i <= 3000; i++) server.run(`XADD source ${i} f v`);
  server.run('XGROUP CREATE source g 0');
  for (const consumer of ['a', 'b', 'c']) server.run(`XREADGROUP GROUP g ${consumer} COUNT 1000 STREAMS source >`);
}

describe('a large value', () => {
  for (const shape of [...Object.keys(SHAPES), 'stream']) {
    test(`(${shape}) that ends is freed by the reaper and not by the command, and gives its memory to the next one`, () => {
      const server = serverWith(shape);
      const { keyspace } = server.server;
      const { arena, reaper } = keyspace;
      const usedBefore = arena.usedBytes;
      let copied = { used: 0, reserved: 0 };
      for (const commands of ENDINGS) {
        const ending = commands.join(', ');
        assert.equal(server.run('COPY source value'), ':1\r\n');
        if (copied.used === 0) copied = { used: arena.usedBytes, reserved: arena.reservedBytes };
        assert.ok(arena.usedBytes <= copied.used * GROWTH_MAX, `${arena.usedBytes} bytes used before ${ending}`);
        // The arena keeps one chunk that has become empty.
        assert.ok(
          arena.reservedBytes <= copied.reserved + CHUNK_ROOM_BYTES,
          `${arena.reservedBytes} bytes reserved before ${ending}`,
        );

        const blocks = arena.blockCount;
        for (const command of commands) {
          assert.doesNotMatch(server.run(command), /^-/);
          keyspace.setNow(NOW_MS + (command.startsWith('PEXPIREAT') ? 2 : 0));
        }
        const freed = blocks - arena.blockCount;
        assert.ok(freed <= FREED_BY_COMMAND_MAX, `${ending} freed ${freed} blocks`);

        let parts = 0;
        for (; reaper.hasWork; parts++) reaper.step(0);
        assert.ok(parts > 1, `after ${ending} everything was freed in one part`);
        server.run('DEL value');
        assert.ok(arena.usedBytes <= usedBefore * GROWTH_MAX, `${arena.usedBytes} bytes used after ${ending}`);
      }
      assert.ok(arena.usedBytes < usedBefore / 20, 'an empty keyspace takes little');
    });
  }
});

describe('a huge string', () => {
  const NAMES = ['k', 'K', 'a:longer:name', 'l'.repeat(200), 'L'.repeat(70_000)];
  // Also around the ends of pages, and of what a chunk holds.
  const SIZES = [
    600_000,
    (1 << 20) - 13,
    (1 << 20) - 12,
    CHUNK_ROOM_BYTES - 13,
    CHUNK_ROOM_BYTES - 12,
    2_999_999,
    3_000_000,
    34 << 20,
  ];

  test('is the same under each name, in each database, with and without an expiry, before and after it grows', () => {
    for (const size of SIZES) {
      const server = new InProcess();
      const { arena } = server.server.keyspace;
      const before = [arena.usedBytes, arena.blockCount];
      server.run(`SETRANGE ${NAMES[0]} ${size - 1} z`);
      for (let at = 1; at < size; at += 99_991) server.run(`SETRANGE ${NAMES[0]} ${at} <${at}>`);
      let value = server.run(`GET ${NAMES[0]}`);
      let name = NAMES[0]!;
      const rename = (): void => {
        for (const next of [...NAMES, ...NAMES.toReversed()]) {
          if (next === name) continue;
          assert.equal(server.run(`RENAME ${name} ${next}`), '+OK\r\n');
          assert.equal(server.run(`EXISTS ${name}`), ':0\r\n');
          name = next;
          assert.ok(server.run(`GET ${name}`) === value, `${size} bytes as ${name.length}`);
        }
      };
      rename();
      server.run(`PEXPIREAT ${name} ${NOW_MS + 100_000}`);
      rename();
      assert.equal(server.run(`PEXPIRETIME ${name}`), `:${NOW_MS + 100_000}\r\n`);
      server.run(`APPEND ${name} end`);
      value = server.run(`GET ${name}`);
      rename();
      assert.equal(server.run(`MOVE ${name} 1`), ':1\r\n');
      server.run('SELECT 1');
      assert.ok(server.run(`GET ${name}`) === value);
      server.run(`DEL ${name}`);
      assert.equal(server.server.keyspace.databases[0]!.keyCount, 0);
      assert.ok(arena.usedBytes - before[0]! < 100_000 && arena.blockCount - before[1]! < 10, `${size}`);
    }
  });
});
