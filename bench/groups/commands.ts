/** The default tests of redis-benchmark besides those of `throughput.ts`, with and without a pipeline; each with data to work on, so that a pop pops. */
import { type BenchmarkRow, CLIENTS, type Goals, measureRow } from '../benchmark-row.js';
import type { GroupRunner } from '../context.js';
import type { Row } from '../measurement.js';
import { ServerUnderTest, withBoth } from '../server-under-test.js';

interface CommandTest {
  name: string;
  what: string | readonly string[];
  /** A command and how many of its elements are to be there before a run; default: nothing is. */
  fill?: { command: readonly string[]; element: (index: number) => string[]; count: (requests: number) => number };
}

const PIPELINES = [1, 16];
const GOALS: Record<number, Goals> = { 1: { throughput: 0.95, cpu: 1 }, 16: { throughput: 1, cpu: 1 } };
/** Three bytes, as by default. */
const VALUE = 'xxx';
const KEYSPACE = 1_000_000;
const ELEMENTS_PER_CALL = 1000;
const LONG_LIST = 100_000;

const member = (index: number): string => `element:${String(index).padStart(12, '0')}`;
const asMany = (requests: number): number => requests;
const list = (count: (requests: number) => number) => ({ command: ['RPUSH', 'mylist'], element: () => [VALUE], count });

const TESTS: readonly CommandTest[] = [
  { name: 'PING', what: 'ping_mbulk' },
  { name: 'LPUSH', what: ['LPUSH', 'mylist', VALUE] },
  { name: 'RPUSH', what: ['RPUSH', 'mylist', VALUE] },
  { name: 'LPOP', what: ['LPOP', 'mylist'], fill: list(asMany) },
  { name: 'RPOP', what: ['RPOP', 'mylist'], fill: list(asMany) },
  { name: 'SADD', what: ['SADD', 'myset', 'element:__rand_int__'] },
  { name: 'HSET', what: ['HSET', 'myhash', 'element:__rand_int__', VALUE] },
  {
    name: 'SPOP',
    what: ['SPOP', 'myset'],
    fill: { command: ['SADD', 'myset'], element: (index) => [member(index)], count: asMany },
  },
  { name: 'ZADD', what: ['ZADD', 'myzset', '__rand_int__', 'element:__rand_int__'] },
  {
    name: 'ZPOPMIN',
    what: ['ZPOPMIN', 'myzset'],
    fill: { command: ['ZADD', 'myzset'], element: (index) => [String(index), member(index)], count: asMany },
  },
  ...[100, 300, 500, 600].map((length) => ({
    name: `LRANGE_${length}`,
    what: ['LRANGE', 'mylist', '0', String(length - 1)],
    fill: list(() => LONG_LIST),
  })),
  { name: 'XADD', what: ['XADD', 'mystream', '*', 'myfield', VALUE] },
];

interface Workload extends CommandTest {
  id: string;
  pipeline: number;
}

const WORKLOADS: readonly Workload[] = TESTS.flatMap((test) =>
  PIPELINES.map((pipeline) => ({ ...test, pipeline, id: `cmd-${test.name.toLowerCase()}-p${pipeline}` })),
);

export const commands: GroupRunner = {
  rowIds: WORKLOADS.map((work) => work.id),
  run: async (context) => {
    const rows: Row[] = [];
    await withBoth(ServerUnderTest.start, context, async (ours, theirs) => {
      for (const work of WORKLOADS.filter(({ id }) => context.wants(id)))
        rows.push(...(await context.attempt(work.id, () => measureRow(context, rowOf(work), ours, theirs))));
    });
    return {
      title: 'The tests of redis-benchmark',
      method: `redis-benchmark, ${CLIENTS} connections, values of 3 bytes. Pops find as many elements as they take; the list of LRANGE has 100,000 elements.`,
      rows,
    };
  },
};

function rowOf(work: Workload): BenchmarkRow {
  const isRange = work.name.startsWith('LRANGE');
  return {
    id: work.id,
    title: `${work.name}, pipeline ${work.pipeline}`,
    load: {
      what: work.what,
      pipeline: work.pipeline,
      valueBytes: VALUE.length,
      clients: CLIENTS,
      keyspace: KEYSPACE,
    },
    goals: GOALS[work.pipeline],
    isCharted: false,
    calibrationRequests: isRange ? 20_000 : 100_000,
    prepare: (server, requests) => prepare(server, work, requests),
  };
}

async function prepare(server: ServerUnderTest, { fill }: CommandTest, requests: number): Promise<void> {
  await server.call('FLUSHALL');
  if (fill === undefined) return;
  const count = fill.count(requests);
  for (let start = 0; start < count; start += ELEMENTS_PER_CALL) {
    const size = Math.min(ELEMENTS_PER_CALL, count - start);
    await server.call(...fill.command, ...Array.from({ length: size }, (_, i) => fill.element(start + i)).flat());
  }
}
