/**
 * What large values take, and what they cost everybody else: resident memory beside redis-server's for the same data, and how long clients wait while one
 * large value is deleted, expires, is saved, or is written to while it is being saved.
 */
import { sleep } from '../../src/launcher/wait.js';
import type { BenchContext, GroupRunner } from '../context.js';
import { LatencyProbe } from '../latency-probe.js';
import { type Row, summarize } from '../measurement.js';
import { runPairs } from '../pairing.js';
import { runRedisBenchmark } from '../redis-benchmark.js';
import { type Contender, ServerUnderTest, withServer } from '../server-under-test.js';
import { type Filling, fill, fillStream, HASH, LIST, SET, ZSET } from './collections.js';

const MILLION = 1_000_000;
/** Elements added before memory is looked at first: code is compiled and buffers are there by then. */
const WARM_UP_ELEMENTS = 50_000;
const PROBED_KEYS = 1000;
const SETTLE_MS = 500;
const AFTER_MS = 1500;

interface Shape {
  id: string;
  title: string;
  goal: number;
  fill(server: ServerUnderTest, key: string, count: number): Promise<void>;
}

const filled = (filling: Filling) => (server: ServerUnderTest, key: string, count: number) =>
  fill(server, key, filling, 0, count);

const SHAPES: readonly Shape[] = [
  { id: 'hash', title: 'hash, 1 M fields', goal: 1, fill: filled(HASH) },
  { id: 'set-int', title: 'set, 1 M integers', goal: 1, fill: filled([['SADD'], (i) => [String(i)]]) },
  { id: 'set-text', title: 'set, 1 M texts', goal: 1, fill: filled(SET) },
  { id: 'zset', title: 'sorted set, 1 M members', goal: 1, fill: filled(ZSET) },
  { id: 'list', title: 'list, 1 M elements', goal: 1, fill: filled(LIST) },
  { id: 'stream', title: 'stream, 1 M entries', goal: 1, fill: fillStream },
  { id: 'hashes', title: '1 M hashes of 5 fields', goal: 0.8, fill: fillSmallHashes },
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
      method: `Growth of the resident memory from ${WARM_UP_ELEMENTS / 1000} k elements to the whole; of the engine's heap, for ours.`,
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
        await shape.fill(server, 'value', MILLION);
        const after = await memoryOf(server);
        return { memory: after.resident - before.resident, heap: after.heap - before.heap };
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
    ],
  };
}

async function memoryOf(server: ServerUnderTest): Promise<{ resident: number; heap: number }> {
  await sleep(SETTLE_MS);
  const heap = Number(await server.info('memory', 'engine_heap_used').catch(() => '0'));
  return { resident: server.residentMiB(), heap: (Number.isNaN(heap) ? 0 : heap) / 2 ** 20 };
}

const STALL_SHAPES = SHAPES.filter(({ id }) => id !== 'hashes' && id !== 'set-int');

export const stallsByValues: GroupRunner = {
  rowIds: STALL_SHAPES.map(({ id }) => `stall-${id}`),
  run: async (context) => {
    const rows: Row[] = [];
    for (const shape of STALL_SHAPES) {
      const id = `stall-${shape.id}`;
      if (context.wants(id)) rows.push(...(await context.attempt(id, () => measureStalls(context, id, shape))));
    }
    return {
      title: `Stalls by one value of ${context.options.keys.toLocaleString('en')} elements`,
      method: 'Longest time that a SET of another key, sent each millisecond, waited for its reply.',
      rows,
    };
  },
};

/** What is done to the value, by the name of its measure. */
const DEEDS = {
  rest: async () => {},
  bgsave: async (server: ServerUnderTest) => {
    await server.call('BGSAVE');
    await server.until('BGSAVE', async () => (await server.info('persistence', 'rdb_bgsave_in_progress')) === '0', 20);
  },
  expiry: async (server: ServerUnderTest, copy: string) => {
    await server.call('PEXPIRE', copy, '1');
  },
  unlink: async (server: ServerUnderTest, copy: string) => {
    await server.call('UNLINK', copy);
  },
  del: async (server: ServerUnderTest, copy: string) => {
    await server.call('DEL', copy);
  },
} as const;
type Deed = keyof typeof DEEDS;

async function measureStalls(context: BenchContext, id: string, shape: Shape): Promise<Row> {
  const pairs = await runPairs(context.options.pairs, context.candidate, context.baseline, (contender) =>
    stallsOf(contender, shape, context.options.keys),
  );
  const names: Record<Deed, string> = {
    rest: 'at rest',
    bgsave: 'BGSAVE',
    expiry: 'expiry',
    unlink: 'UNLINK',
    del: 'DEL',
  };
  return {
    id,
    title: shape.title.replace(/, .*/, ''),
    measures: (Object.keys(names) as Deed[]).map((deed) =>
      summarize({ name: names[deed], unit: 'ms', better: 'lower', isCharted: false }, pairs[deed]),
    ),
  };
}

function stallsOf(contender: Contender, shape: Shape, count: number): Promise<Record<Deed, number>> {
  return withServer(
    () => ServerUnderTest.start(contender),
    async (server) => {
      const stalls = {} as Record<Deed, number>;
      for (const deed of Object.keys(DEEDS) as Deed[]) {
        await server.call('FLUSHALL');
        await shape.fill(server, 'value', count);
        await sleep(SETTLE_MS);
        const probe = await LatencyProbe.start({ port: server.port, keys: PROBED_KEYS, backgroundPerMs: 2 });
        await DEEDS[deed](server, 'value');
        await sleep(AFTER_MS);
        stalls[deed] = (await probe.stop()).maxMs;
      }
      return stalls;
    },
  );
}
