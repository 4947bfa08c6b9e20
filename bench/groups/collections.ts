/**
 * Large collections: commands on a million members beside redis-server, and what a command costs on twice as many members, ours against itself.
 *
 * A doubling is the ratio of CPU per command on 2 N and on N members: 1 for what is O(1), little more for O(log N) (and for the caches, which hold less of the
 * larger one), 2 for O(N).
 */
import { type BenchmarkRow, CLIENTS, measureRow } from '../benchmark-row.js';
import type { GroupRunner } from '../context.js';
import { type Row, summarize } from '../measurement.js';
import { runPairs } from '../pairing.js';
import { runRedisBenchmark } from '../redis-benchmark.js';
import { ServerUnderTest, withBoth, withServer } from '../server-under-test.js';

const MILLION = 1_000_000;
const ELEMENTS_PER_CALL = 1000;
const PIPELINE = 16;

export const member = (index: number): string => `member:${String(index).padStart(12, '0')}`;

/** A command that adds elements to a key, by their numbers. */
export type Filling = readonly [command: readonly string[], element: (index: number) => readonly string[]];

export const ZSET: Filling = [['ZADD'], (index) => [String(index), member(index)]];
export const LIST: Filling = [['RPUSH'], (index) => [member(index)]];
export const SET: Filling = [['SADD'], (index) => [member(index)]];
export const HASH: Filling = [['HSET'], (index) => [member(index), 'value']];

export async function fill(
  server: ServerUnderTest,
  key: string,
  [command, element]: Filling,
  first: number,
  count: number,
) {
  for (let start = 0; start < count; start += ELEMENTS_PER_CALL) {
    const size = Math.min(ELEMENTS_PER_CALL, count - start);
    const elements = Array.from({ length: size }, (_, i) => element(first + start + i)).flat();
    await server.call(...command, key, ...elements);
  }
}

/** XADD adds one entry a call. */
export async function fillStream(server: ServerUnderTest, key: string, count: number): Promise<void> {
  const what = ['XADD', key, '*', 'field', 'value'];
  await runRedisBenchmark({
    what,
    port: server.port,
    requests: count,
    pipeline: 100,
    valueBytes: 3,
    clients: CLIENTS,
    keyspace: 1,
  });
}

interface LargeTest {
  id: string;
  title: string;
  what: readonly string[];
  pipeline: number;
  keyspace: number;
  calibrationRequests: number;
  prepare(server: ServerUnderTest): Promise<void>;
}

const million = (server: ServerUnderTest) => fill(server, 'big', ZSET, 0, MILLION);
const onMillion = { pipeline: PIPELINE, keyspace: MILLION, calibrationRequests: 50_000, prepare: million };

const LARGE: readonly LargeTest[] = [
  {
    id: 'big-zrangebyscore',
    title: 'ZRANGEBYSCORE … LIMIT 0 10, 1 M members',
    what: ['ZRANGEBYSCORE', 'big', '__rand_int__', '+inf', 'LIMIT', '0', '10'],
    ...onMillion,
  },
  { id: 'big-zrank', title: 'ZRANK, 1 M members', what: ['ZRANK', 'big', 'member:__rand_int__'], ...onMillion },
  {
    id: 'big-zincrby',
    title: 'ZINCRBY, 1 M members',
    what: ['ZINCRBY', 'big', '7', 'member:__rand_int__'],
    ...onMillion,
  },
  {
    id: 'big-sinter',
    title: 'SINTER of 2 × 100 k, 50 k in common',
    what: ['SINTER', 'one', 'two'],
    pipeline: 1,
    keyspace: 1,
    calibrationRequests: 20,
    prepare: async (server) => {
      await fill(server, 'one', SET, 0, 100_000);
      await fill(server, 'two', SET, 50_000, 100_000);
    },
  },
  {
    id: 'big-sort',
    title: 'SORT of 100 k numbers, LIMIT 0 10',
    what: ['SORT', 'numbers', 'LIMIT', '0', '10'],
    pipeline: 1,
    keyspace: 1,
    calibrationRequests: 20,
    prepare: (server) => fill(server, 'numbers', [['RPUSH'], (i) => [String((i * 7919) % 100_003)]], 0, 100_000),
  },
  {
    id: 'big-hgetall',
    title: 'HGETALL of 1 k fields',
    what: ['HGETALL', 'fields'],
    pipeline: 1,
    keyspace: 1,
    calibrationRequests: 2000,
    prepare: (server) => fill(server, 'fields', HASH, 0, 1000),
  },
];

export const largeCollections: GroupRunner = {
  rowIds: LARGE.map(({ id }) => id),
  run: async (context) => {
    const rows: Row[] = [];
    await withBoth(ServerUnderTest.start, context, async (ours, theirs) => {
      for (const { prepare, ...test } of LARGE.filter(({ id }) => context.wants(id))) {
        const { what, pipeline, keyspace } = test;
        const load = { what, pipeline, keyspace, valueBytes: 3, clients: CLIENTS };
        const row: BenchmarkRow = { ...test, load, isCharted: false, goals: { throughput: 1, cpu: 1 } };
        const measured = await context.attempt(test.id, async () => {
          for (const server of [ours, theirs]) {
            await server.call('FLUSHALL');
            await prepare(server);
          }
          return measureRow(context, row, ours, theirs);
        });
        rows.push(...measured);
      }
    });
    return { title: 'Large collections', method: `redis-benchmark, ${CLIENTS} connections, random members.`, rows };
  },
};

/** Members at which a doubling begins. */
const SIZES = [125_000, 250_000, 500_000];
/** Requests at once; so many that the way to the server and back costs little beside the command. */
const DOUBLING_PIPELINE = 64;
const DOUBLING_CALIBRATION = 20_000;

interface DoublingTest {
  id: string;
  title: string;
  what(key: string, size: number): readonly string[];
  fill: Filling | 'stream';
  goal: number;
}

const middle = (size: number): string => String(size / 2);

const DOUBLINGS: readonly DoublingTest[] = [
  { id: 'zrank', title: 'ZRANK', what: (key) => ['ZRANK', key, 'member:__rand_int__'], fill: ZSET, goal: 1.3 },
  {
    id: 'zrange',
    title: 'ZRANGE of 10 from the middle',
    what: (key, size) => ['ZRANGE', key, middle(size), String(size / 2 + 9)],
    fill: ZSET,
    goal: 1.3,
  },
  {
    id: 'lindex',
    title: 'LINDEX of the middle',
    what: (key, size) => ['LINDEX', key, middle(size)],
    fill: LIST,
    goal: 2.2,
  },
  {
    id: 'xrange',
    title: 'XRANGE, COUNT 10 from the end',
    what: (key) => ['XREVRANGE', key, '+', '-', 'COUNT', '10'],
    fill: 'stream',
    goal: 1.3,
  },
  { id: 'srandmember', title: 'SRANDMEMBER', what: (key) => ['SRANDMEMBER', key], fill: SET, goal: 1.3 },
  { id: 'hscan', title: 'HSCAN, first page', what: (key) => ['HSCAN', key, '0', 'COUNT', '10'], fill: HASH, goal: 1.3 },
];

export const doublings: GroupRunner = {
  rowIds: DOUBLINGS.map(({ id }) => `double-${id}`),
  run: async (context) => {
    const wanted = DOUBLINGS.filter(({ id }) => context.wants(`double-${id}`));
    const rows: Row[] = [];
    for (const test of wanted) {
      const start = () => ServerUnderTest.start(context.candidate);
      const measure = () => withServer(start, (server) => measureDoublings(test, server, context.options));
      rows.push(...(await context.attempt(`double-${test.id}`, measure)));
    }
    return {
      title: 'Twice as many members',
      method: `CPU per command of ${context.candidate.name} on twice as many members, relative to before: 1 is O(1), 2 is O(N).`,
      rows,
    };
  },
};

async function measureDoublings(
  test: DoublingTest,
  server: ServerUnderTest,
  { pairs, seconds }: { pairs: number; seconds: number },
): Promise<Row> {
  const sizes = [...SIZES, 2 * SIZES.at(-1)!];
  for (const size of sizes) {
    if (test.fill === 'stream') await fillStream(server, `of:${size}`, size);
    else await fill(server, `of:${size}`, test.fill, 0, size);
  }
  const run = async (size: number, requests: number) => {
    const what = test.what(`of:${size}`, size);
    const load = { what, pipeline: DOUBLING_PIPELINE, valueBytes: 3, clients: CLIENTS, keyspace: size };
    const cpuBefore = server.cpuMs();
    const { throughput } = await runRedisBenchmark({ ...load, port: server.port, requests });
    return { cpu: ((server.cpuMs() - cpuBefore) * 1000) / requests, throughput };
  };
  const measures = [];
  for (const size of SIZES) {
    const { throughput } = await run(size, DOUBLING_CALIBRATION);
    const requests = Math.ceil((throughput * seconds) / DOUBLING_PIPELINE) * DOUBLING_PIPELINE;
    const { cpu } = await runPairs(pairs, 2 * size, size, (members) => run(members, requests));
    const name = `${(2 * size) / 1000} k : ${size / 1000} k`;
    measures.push(summarize({ name, unit: 'µs', better: 'lower', goal: test.goal, isCharted: false }, cpu));
  }
  return { id: `double-${test.id}`, title: test.title, measures };
}
