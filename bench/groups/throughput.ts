/** GET, SET, INCR and MSET at three pipeline depths and two value sizes, standalone and in cluster mode: redis-benchmark against each server in turn. */
import { type BenchmarkRow, CLIENTS, type Goals, measureRow } from '../benchmark-row.js';
import type { BenchContext, GroupRunner } from '../context.js';
import { loadKeys } from '../key-loader.js';
import type { Group, Row } from '../measurement.js';
import { type Contender, ServerUnderTest, withBoth } from '../server-under-test.js';

interface Workload {
  id: string;
  title: string;
  test: 'get' | 'set' | 'incr' | 'mset';
  pipeline: number;
  valueBytes: number;
}

/** Distinct keys per value size: about 100 MB of values each at most, and far more than any CPU cache holds. */
const KEYSPACE = { small: 1_000_000, large: 100_000 };
const SMALL_BYTES = 16;
const LARGE_BYTES = 1024;
/** The run that finds out how many requests last `seconds`. */
const CALIBRATION_REQUESTS = 100_000;

/** What issue and design ask for, by pipeline depth: throughput at least, CPU per command at most. Set for GET and SET of small values. */
const GOALS: Record<number, Goals> = {
  1: { throughput: 1.0, cpu: 1.0 },
  16: { throughput: 1.2, cpu: 0.85 },
  100: { throughput: 1.4, cpu: 0.75 },
};

function workloads(prefix: string, tests: readonly Workload['test'][]): Workload[] {
  const list: Workload[] = [];
  for (const test of tests) {
    for (const valueBytes of test === 'incr' ? [SMALL_BYTES] : [SMALL_BYTES, LARGE_BYTES]) {
      for (const pipeline of [1, 16, 100]) {
        const size = valueBytes === LARGE_BYTES ? '1 KiB' : '16 B';
        const name = test === 'mset' ? 'MSET(10)' : test.toUpperCase();
        list.push({
          id: `${prefix}${test}-p${pipeline}-${valueBytes === LARGE_BYTES ? '1k' : '16b'}`,
          title: `${name}, pipeline ${pipeline}${test === 'incr' ? '' : `, ${size}`}`,
          test,
          pipeline,
          valueBytes,
        });
      }
    }
  }
  return list;
}

const STANDALONE = workloads('', ['get', 'set', 'incr', 'mset']);
const CLUSTER = workloads('cluster-', ['get', 'set']);
const CLUSTER_COST = workloads('cluster-cost-', ['get', 'set']).filter((work) => work.valueBytes === SMALL_BYTES);

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
  for (const valueBytes of [SMALL_BYTES, LARGE_BYTES]) {
    const wanted = all.filter((work) => work.valueBytes === valueBytes && context.wants(work.id));
    if (wanted.length === 0) continue;
    const keyspace = Math.min(context.options.keys, valueBytes === SMALL_BYTES ? KEYSPACE.small : KEYSPACE.large);
    const start = async (side: Contender): Promise<ServerUnderTest> => {
      const server = await setup.start(side);
      await loadKeys({ port: server.port, keys: keyspace, valueBytes });
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
  const { id, title, test, pipeline, valueBytes } = work;
  const isSmall = valueBytes === SMALL_BYTES;
  return {
    id,
    title,
    load: { what: test, pipeline, valueBytes, clients: CLIENTS, keyspace },
    goals: setup.goals ?? (isSmall && ['get', 'set'].includes(test) ? GOALS[pipeline] : undefined),
    isCharted: setup.isCharted && isSmall,
    calibrationRequests: CALIBRATION_REQUESTS,
  };
}
