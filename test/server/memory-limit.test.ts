/** How much of the eviction of a large value a command has to wait for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InProcess } from '../commands/in-process.js';
import { waitFor } from '../support/wait-for.js';

const MEMBERS = 50_000;
const PER_COMMAND = 1000;
const STEP_BLOCKS_MAX = 2000;

/** A server with one value that may be evicted, and memory beyond its limit by what `excess` says of the memory in use. */
function serverBeyond(excess: (usedBytes: number) => number) {
  const server = new InProcess();
  for (let from = 0; from < MEMBERS; from += PER_COMMAND)
    server.run(`SADD large ${Array.from({ length: PER_COMMAND }, (_, i) => `member:${from + i}`).join(' ')}`);
  server.run('EXPIRE large 1000');
  const { memoryMeter, keyspace, memory } = server.server;
  const maxmemory = memoryMeter.countedBytes - Math.floor(excess(memoryMeter.countedBytes));
  // A run goes on until it has come to its end.
  server.run('CONFIG SET maxmemory-eviction-tenacity 100 maxmemory-policy volatile-lru');
  const { blockCount } = keyspace.arena;
  server.run(`CONFIG SET maxmemory ${maxmemory}`);
  return { server, memory, freed: () => blockCount - keyspace.arena.blockCount };
}

test('a command waits for a step only while eviction goes on by itself', async () => {
  const { server, memory, freed } = serverBeyond(() => 300_000);
  let before = 0;
  for (let command = 0; command < 5; command++) {
    server.run('PING');
    assert.ok(freed() > before, 'something is given back');
    assert.ok(freed() - before <= STEP_BLOCKS_MAX, `${freed() - before} blocks freed by one command`);
    before = freed();
  }
  assert.equal(memory.hasRoom(), false);
  await waitFor(() => memory.hasRoom(), { what: 'the run between the turns' });
});

test('with memory far beyond the limit a command waits for a run of its own', () => {
  const { server, freed } = serverBeyond((usedBytes) => usedBytes / 5);
  server.run('PING');
  assert.ok(freed() > STEP_BLOCKS_MAX, `${freed()} blocks freed`);
});
