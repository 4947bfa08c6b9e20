/**
 * What eviction is worth: the share of reads that find their key in a cache too small for all of them, beside redis-server in the same run. Reads follow
 * Zipf's law; a read that misses is followed by a write of that key. Both servers keep the same number of keys, whatever a key costs them.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fuzzSeed, Random } from '../support/fuzz.js';
import { type ServerProcess, withServers } from '../support/server-process.js';
import { longRun, needsServers } from '../support/tools.js';

const KEY_COUNT = 20_000;
const CACHED_COUNT = 4_000;
const READS = longRun ? 1_000_000 : 60_000;
const BATCH = 200;
const VALUE = 'x'.repeat(100);
/** Of two runs with the same server, on a busy machine. */
const NOISE = 0.03;

/** Cumulated probabilities of ranks 1 to KEY_COUNT. */
const CUMULATED = new Float64Array(KEY_COUNT);
for (let rank = 0, sum = 0; rank < KEY_COUNT; rank++) {
  sum += 1 / (rank + 1);
  CUMULATED[rank] = sum;
}

function zipf(random: Random): number {
  const wanted = (random.below(2 ** 30) / 2 ** 30) * CUMULATED[KEY_COUNT - 1]!;
  let from = 0;
  let to = KEY_COUNT - 1;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (CUMULATED[middle]! < wanted) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Makes the server hold about CACHED_COUNT keys. */
async function makeSmall(server: ServerProcess, policy: string): Promise<void> {
  await server.call('FLUSHALL');
  await server.call('CONFIG', 'SET', 'maxmemory', 0, 'maxmemory-policy', policy);
  for (let i = 0; i < CACHED_COUNT; i++) await server.call('SET', `k${i * 3}`, VALUE);
  await server.call('CONFIG', 'SET', 'maxmemory', Number((await server.info('memory'))['used_memory']));
}

/** Keeps the number of keys: what a server uses besides them may change in the meantime. */
async function adjust(server: ServerProcess): Promise<void> {
  const missing = CACHED_COUNT - Number(await server.call('DBSIZE'));
  if (Math.abs(missing) * 50 < CACHED_COUNT) return;
  const maxmemory = Number((await server.info('memory'))['maxmemory']);
  await server.call('CONFIG', 'SET', 'maxmemory', maxmemory + missing * VALUE.length);
}

/** @returns the share of hits in the second half of the reads */
async function hitRatio(server: ServerProcess, seed: number): Promise<number> {
  const random = new Random(seed);
  const client = await server.connect();
  let hits = 0;
  for (let done = 0; done < READS; done += BATCH) {
    await adjust(server);
    const keys = Array.from({ length: BATCH }, () => `k${zipf(random)}`);
    const values = await Promise.all(keys.map((key) => client.call('GET', key)));
    const missed = keys.filter((_, i) => values[i] === null);
    if (done >= READS / 2) hits += BATCH - missed.length;
    await Promise.all(missed.map((key) => client.call('SET', key, VALUE)));
  }
  client.close();
  return hits / (READS / 2);
}

describe('hit ratio', { skip: needsServers('redis', 'slotmesh') }, () => {
  for (const policy of ['allkeys-lru', 'allkeys-lfu']) {
    test(`${policy} finds no fewer keys than redis-server does`, async (context) => {
      const seed = fuzzSeed();
      await withServers([{ kind: 'redis' }, { kind: 'slotmesh' }], async (servers) => {
        for (const server of servers) await makeSmall(server, policy);
        // Side by side: clocks of one second tell more the longer a run lasts.
        const [theirs, ours] = (await Promise.all(servers.map((server) => hitRatio(server, seed)))) as [number, number];
        const counts = await Promise.all(servers.map((server) => server.call('DBSIZE')));
        const text = `hits of redis-server ${theirs.toFixed(4)} with ${counts[0]} keys, here ${ours.toFixed(4)} with ${counts[1]} (SLOTMESH_FUZZ_SEED=${seed})`;
        context.diagnostic(text);
        assert.ok(ours >= theirs - NOISE, text);
      });
    });
  }
});
