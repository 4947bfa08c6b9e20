/** What large values take: resident memory beside redis-server's for the same data, and whether deleting them makes room for others. */
import { sleep } from '../../src/launcher/wait.js';
import type { BenchContext, GroupRunner } from '../context.js';
import { type Row, summarize } from '../measurement.js';
import { runPairs } from '../pairing.js';
import { runRedisBenchmark } from '../redis-benchmark.js';
import { ServerUnderTest, withServer } from '../server-under-test.js';
import { type Filling, fill, fillStream, HASH, LIST, SET, ZSET } from './collections.js';

const MILLION = 1_000_000;
/** Elements added before memory is looked at first: code is compiled by then, and the engine's heap and the buffers of requests are as large as they get. */
const WARM_UP_ELEMENTS = 2 * MILLION;
/** The engine's heap breathes by a MiB or two, which is a tenth of a small value; among several values it is shared. */
const VALUES = 3;
const SETTLE_MS = 500;

const SMALL_HASHES = 'hashes';

export interface Shape {
  id: string;
  title: string;
  /** Of the ratio of memory. */
  goal: number;
  fill(server: ServerUnderTest, key: string, count: number): Promise<void>;
}

const filled = (filling: Filling) => (server: ServerUnderTest, key: string, count: number) =>
  fill(server, key, filling, 0, count);

export const SHAPES: readonly Shape[] = [
  { id: 'hash', title: 'hash, 1 M fields', goal: 1, fill: filled(HASH) },
  { id: 'set-int', title: 'set, 1 M integers', goal: 1, fill: filled([['SADD'], (i) => [String(i)]]) },
  { id: 'set-text', title: 'set, 1 M texts', goal: 1, fill: filled(SET) },
  { id: 'zset', title: 'sorted set, 1 M members', goal: 1, fill: filled(ZSET) },
  { id: 'list', title: 'list, 1 M elements', goal: 1, fill: filled(LIST) },
  { id: 'stream', title: 'stream, 1 M entries', goal: 1, fill: fillStream },
  { id: SMALL_HASHES, title: '1 M hashes of 5 fields', goal: 0.8, fill: fillSmallHashes },
];

async function fillSmallHashes(server: ServerUnderTest, key: string, count: number): Promise<void> {
  const fields = Array.from({ length: 5 }, (_, i) => [`field${i}`, 'value']).flat();
  await runRedisBenchmark({
    what: ['HSET', `${key}:__rand_int__`, ...fields],
    port: server.port,
    requests: count * 4,
    pipeline: 64,
    valueBytes: 3,
    clients: 50,
    // Of random keys nearly all have been drawn by then.
    keyspace: count,
  });
}

export const memoryOfValues: GroupRunner = {
  rowIds: SHAPES.map(({ id }) => `memory-${id}`),
  run: async (context) => {
    const rows: Row[] = [];
    for (const shape of SHAPES) {
      const id = `memory-${shape.id}`;
      if (context.wants(id)) rows.push(...(await context.attempt(id, () => measureMemory(context, id, shape))));
    }
    return {
      title: 'Memory of large values',
      method:
        `Growth of the resident memory by ${VALUES} more values as large as the first, per value; of the engine's heap by all of them, for ours. ` +
        'The second figure: after they were deleted by UNLINK and filled again.',
      rows,
    };
  },
};

async function measureMemory(context: BenchContext, id: string, shape: Shape): Promise<Row> {
  const pairs = await runPairs(context.options.pairs, context.candidate, context.baseline, (contender) =>
    withServer(
      () => ServerUnderTest.start(contender),
      async (server) => {
        await shape.fill(server, 'warm-up', WARM_UP_ELEMENTS);
        const before = await memoryOf(server);
        await fillValues(server, shape);
        const after = await memoryOf(server);
        const again = await refill(server, shape);
        return {
          memory: (after.resident - before.resident) / VALUES,
          heap: after.heap - before.heap,
          again: (again.resident - before.resident) / VALUES,
        };
      },
    ),
  );
  const heap = Math.max(...pairs.heap.map(({ candidate }) => candidate));
  return {
    id,
    title: `${shape.title} (heap ${heap < 0 ? '−' : '+'}${Math.abs(heap).toFixed(1)} MiB)`,
    measures: [
      summarize(
        { name: 'memory growth', unit: 'MiB', better: 'lower', goal: shape.goal, isCharted: false },
        pairs.memory,
      ),
      summarize(
        { name: 'after UNLINK and filling again', unit: 'MiB', better: 'lower', isCharted: false },
        pairs.again,
      ),
    ],
  };
}

async function fillValues(server: ServerUnderTest, shape: Shape): Promise<void> {
  for (let i = 0; i < VALUES; i++) await shape.fill(server, `value:${i}`, MILLION);
}

/** Deletes what `fillValues` has made, and makes it once more. */
async function refill(server: ServerUnderTest, shape: Shape): Promise<{ resident: number; heap: number }> {
  const isOneKey = shape.id !== SMALL_HASHES;
  const keys = Array.from({ length: VALUES }, (_, i) => `value:${i}`);
  await (isOneKey ? server.call('UNLINK', ...keys) : server.call('FLUSHALL', 'ASYNC'));
  await server.freed();
  if (!isOneKey) await shape.fill(server, 'warm-up', WARM_UP_ELEMENTS);
  await fillValues(server, shape);
  return memoryOf(server);
}

async function memoryOf(server: ServerUnderTest): Promise<{ resident: number; heap: number }> {
  await sleep(SETTLE_MS);
  const heap = Number(await server.info('memory', 'engine_heap_used').catch(() => '0'));
  return { resident: server.residentMiB(), heap: (Number.isNaN(heap) ? 0 : heap) / 2 ** 20 };
}
