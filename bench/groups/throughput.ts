/** GET, SET, INCR and MSET at several pipeline depths and value sizes, standalone and in cluster mode: redis-benchmark against each server in turn. */
import { type BenchmarkRow, CLIENTS, type Goals, measureRow } from '../benchmark-row.js';
import type { BenchContext, GroupRunner } from '../context.js';
import { loadKeys } from '../key-loader.js';
import type { Group, Row } from '../measurement.js';
import { type Contender, ServerUnderTest, withBoth } from '../server-under-test.js';

type Test = 'get' | 'set' | 'incr' | 'mset';

interface ValueSize {
  id: string;
  title: string;
  bytes: number;
  /** Distinct keys: about 100 MB of values at most, and far more than any CPU cache holds. */
  keyspace: number;
  pipelines: readonly number[];
  tests: readonly Test[];
  /** Of the run that finds out how many requests last `seconds`. */
  calibrationRequests: number;
}

interface Workload {
  id: string;
  title: string;
  test: Test;
  pipeline: number;
  size: ValueSize;
}

const DEPTHS = [1, 16, 100];
const SMALL: ValueSize = {
  id: '16b',
  title: '16 B',
  bytes: 16,
  keyspace: 1_000_000,
  pipelines: DEPTHS,
  tests: ['get', 'set', 'incr', 'mset'],
  calibrationRequests: 100_000,
};
const SIZES: readonly ValueSize[] = [
  SMALL,
  { ...SMALL, id: '1k', title: '1 KiB', bytes: 1024, keyspace: 100_000, tests: ['get', 'set', 'mset'] },
  {
    id: '128k',
    title: '128 KiB',
    bytes: 128 * 1024,
    keyspace: 800,
    pipelines: [1],
    tests: ['get', 'set'],
    calibrationRequests: 5000,
  },
];

/** What issue and design ask for, by pipeline depth: throughput at least, CPU per command at most. Set for GET and SET of small values. */
const GOALS: Record<number, Goals> = {
  1: { throughput: 1.0, cpu: 1.0 },
  16: { throughput: 1.2, cpu: 0.85 },
  100: { throughput: 1.4, cpu: 0.75 },
};

function workloads(prefix: string, tests: readonly Test[], sizes: readonly ValueSize[]): Workload[] {
  const list: Workload[] = [];
  for (const test of tests) {
    for (const size of sizes) {
      if (!size.tests.includes(test)) continue;
      for (const pipeline of size.pipelines) {
        const name = test === 'mset' ? 'MSET(10)' : test.toUpperCase();
        list.push({
          id: `${prefix}${test}-p${pipeline}-${size.id}`,
          title: `${name}, pipeline ${pipeline}${test === 'incr' ? '' : `, ${size.title}`}`,
          test,
          pipeline,
          size,
        });
      }
    }
  }
  return list;
}

const STANDALONE = workloads('', ['get', 'set', 'incr', 'mset'], SIZES);
const CLUSTER = workloads('cluster-', ['get', 'set'], SIZES);
const CLUSTER_COST = workloads('cluster-cost-', ['get', 'set'], [SMALL]);

export const throughput: GroupRunner = {
  rowIds: STANDALONE.map((work) => work.id),
  run: (context) =>
    runWorkloads(context, STANDALONE, {
      title: 'Throughput',
      method: `redis-benchmark, ${CLIENTS} connections, random existing keys of 16 bytes; CPU is the server process's user and system time; p99.9 is of whole pipelines.`,
      start: (side) => ServerUnderTest.start(side),
      isCharted: true,
    }),
};

const startCluster = (side: Contender): Promise<ServerUnderTest> => startInClusterMode(side);

export const clusterThroughput: GroupRunner = {
  rowIds: CLUSTER.map((work) => work.id),
  run: (context) =>
    runWorkloads(context, CLUSTER, {
      title: 'Throughput in cluster mode',
      method: 'Both servers with cluster-enabled yes, one node that owns all slots; otherwise as above.',
      start: startCluster,
      isCharted: false,
    }),
};

/** Our server against itself: what cluster mode costs. */
export const clusterCost: GroupRunner = {
  rowIds: CLUSTER_COST.map((work) => work.id),
  run: (context) => {
    const { candidate } = context;
    const withCluster = { ...candidate, name: `${candidate.name} in cluster mode` };
    return runWorkloads({ ...context, candidate: withCluster, baseline: candidate }, CLUSTER_COST, {
      title: 'What cluster mode costs',
      method: `${candidate.name} with cluster-enabled yes, relative to itself without.`,
      start: (side) => (side === withCluster ? startCluster(side) : ServerUnderTest.start(side)),
      isCharted: false,
      goals: { throughput: 0.95, cpu: 1.05 },
    });
  },
};

interface GroupSetup {
  title: string;
  method: string;
  start(side: Contender): Promise<ServerUnderTest>;
  /** Whether the chart shows the rows of small values. */
  isCharted: boolean;
  /** For all rows; default: by pipeline depth. */
  goals?: Goals;
}

async function startInClusterMode(side: Contender): Promise<ServerUnderTest> {
  const server = await ServerUnderTest.start(side, { directives: [['cluster-enabled', 'yes']] });
  await server.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await server.until('cluster_state ok', async () => /cluster_state:ok/.test(await server.call('CLUSTER', 'INFO')));
  return server;
}

async function runWorkloads(context: BenchContext, all: readonly Workload[], setup: GroupSetup): Promise<Group> {
  const rows: Row[] = [];
  for (const size of SIZES) {
    const wanted = all.filter((work) => work.size === size && context.wants(work.id));
    if (wanted.length === 0) continue;
    const keyspace = Math.min(context.options.keys, size.keyspace);
    const start = async (side: Contender): Promise<ServerUnderTest> => {
      const server = await setup.start(side);
      await loadKeys({ port: server.port, keys: keyspace, valueBytes: size.bytes });
      return server;
    };
    await withBoth(start, context, async (ours, theirs) => {
      for (const work of wanted) {
        const row = rowOf(work, keyspace, setup);
        rows.push(...(await context.attempt(work.id, () => measureRow(context, row, ours, theirs))));
      }
    });
  }
  // In the order of the list, not of the value sizes that share a pair of servers.
  rows.sort((a, b) => all.findIndex((work) => work.id === a.id) - all.findIndex((work) => work.id === b.id));
  return { title: setup.title, method: setup.method, rows };
}

function rowOf(work: Workload, keyspace: number, setup: GroupSetup): BenchmarkRow {
  const { id, title, test, pipeline, size } = work;
  const isSmall = size === SMALL;
  return {
    id,
    title,
    load: { what: test, pipeline, valueBytes: size.bytes, clients: CLIENTS, keyspace },
    goals: setup.goals ?? (isSmall && ['get', 'set'].includes(test) ? GOALS[pipeline] : undefined),
    isCharted: setup.isCharted && isSmall,
    calibrationRequests: size.calibrationRequests,
  };
}
