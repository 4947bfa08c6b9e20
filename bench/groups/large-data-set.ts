/**
 * A large data set of small keys (16-byte keys, 16-byte values): how fast it loads and what memory it takes, how long clients wait while it is saved,
 * how long it takes to load from an RDB file and to copy to a replica.
 */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '../../src/launcher/wait.js';
import { temporaryFolder } from '../clean-up.js';
import type { BenchContext, GroupRunner } from '../context.js';
import { loadKeys } from '../key-loader.js';
import { LatencyProbe } from '../latency-probe.js';
import { type MeasureSpec, type Row, summarize } from '../measurement.js';
import { runPairs } from '../pairing.js';
import { type Contender, ServerUnderTest, withBoth, withServer } from '../server-under-test.js';
import type { Pair } from '../statistics.js';

const VALUE_BYTES = 16;
const BACKGROUND_SETS_PER_MS = 10;
/** The probe runs this long before a save, so that connections and caches are warm. */
const WARM_UP_MS = 300;

const MEASUREMENTS: Record<string, (context: BenchContext) => Promise<Row>> = {
  load: measureLoad,
  bgsave: measureSnapshot,
  'rdb-load': measureRdbLoad,
  'full-sync': measureFullSync,
};

export const largeDataSet: GroupRunner = {
  rowIds: Object.keys(MEASUREMENTS),
  run: async (context) => {
    const rows: Row[] = [];
    for (const [id, measure] of Object.entries(MEASUREMENTS)) {
      if (context.wants(id)) rows.push(...(await context.attempt(id, () => measure(context))));
    }
    return {
      title: `${context.options.keys.toLocaleString('en')} keys`,
      method:
        'Keys and values of 16 bytes. BGSAVE: a probe sends one SET per millisecond, whatever is still unanswered, beside ' +
        `${BACKGROUND_SETS_PER_MS} SETs per millisecond on random keys. RDB load: from the start of the process to the first PONG, both from the same file. ` +
        'Full sync: from REPLICAOF on an empty replica of the same kind to master_link_status:up.',
      rows,
    };
  },
};

function row<Name extends string>(
  id: string,
  title: string,
  pairs: Record<Name, Pair[]>,
  specs: Record<Name, MeasureSpec>,
): Row {
  return { id, title, measures: (Object.keys(specs) as Name[]).map((name) => summarize(specs[name], pairs[name])) };
}

async function startLoaded(contender: Contender, keys: number): Promise<ServerUnderTest> {
  const server = await ServerUnderTest.start(contender);
  await loadKeys({ port: server.port, keys, valueBytes: VALUE_BYTES });
  return server;
}

async function measureLoad(context: BenchContext): Promise<Row> {
  const { pairs: count, keys } = context.options;
  const pairs = await runPairs(count, context.candidate, context.baseline, (contender) =>
    withServer(
      () => ServerUnderTest.start(contender),
      async (server) => {
        const seconds = await loadKeys({ port: server.port, keys, valueBytes: VALUE_BYTES });
        return { speed: keys / seconds, cpu: (server.cpuMs() * 1000) / keys, memory: server.residentMiB() };
      },
    ),
  );
  return row('load', 'load keys', pairs, {
    speed: { name: 'load speed', unit: 'ops/s', better: 'higher' },
    cpu: { name: 'CPU per command', unit: 'µs', better: 'lower', isCharted: false },
    memory: { name: 'resident memory', unit: 'MiB', better: 'lower', goal: 0.65 },
  });
}

async function measureSnapshot(context: BenchContext): Promise<Row> {
  const { pairs: count, keys } = context.options;
  const pairs = await withBoth(
    (contender) => startLoaded(contender, keys),
    context,
    (ours, theirs) => runPairs(count, ours, theirs, (server) => saveUnderLoad(server, keys)),
  );
  return row('bgsave', 'BGSAVE under a SET load', pairs, {
    stall: { name: 'longest stall', unit: 'ms', better: 'lower', goal: 1 },
    p999: { name: 'p99.9', unit: 'ms', better: 'lower', isCharted: false },
    seconds: { name: 'duration', unit: 's', better: 'lower' },
  });
}

async function saveUnderLoad(
  server: ServerUnderTest,
  keys: number,
): Promise<Record<'stall' | 'p999' | 'seconds', number>> {
  const target = { port: server.port, pid: server.pid, keys, backgroundPerMs: BACKGROUND_SETS_PER_MS };
  const warmUp = await LatencyProbe.start(target);
  await sleep(WARM_UP_MS);
  await warmUp.stop();
  const probe = await LatencyProbe.start(target);
  const startedAt = performance.now();
  await server.call('BGSAVE');
  await server.until('BGSAVE', async () => (await server.info('persistence', 'rdb_bgsave_in_progress')) === '0', 20);
  const seconds = (performance.now() - startedAt) / 1000;
  const { p999Ms, maxMs } = await probe.stop();
  if ((await server.info('persistence', 'rdb_last_bgsave_status')) !== 'ok')
    throw new Error(`BGSAVE of ${server.contender.name} failed`);
  return { stall: maxMs, p999: p999Ms, seconds };
}

async function measureRdbLoad(context: BenchContext): Promise<Row> {
  const { pairs: count, keys } = context.options;
  const pairs = await withServer(
    () => startLoaded(context.baseline, keys),
    async (writer) => {
      await writer.call('SAVE');
      return runPairs(count, context.candidate, context.baseline, (contender) =>
        loadFile(contender, join(writer.folder, 'dump.rdb'), keys),
      );
    },
  );
  return row('rdb-load', 'load an RDB file', pairs, {
    seconds: { name: 'duration', unit: 's', better: 'lower' },
    memory: { name: 'resident memory', unit: 'MiB', better: 'lower', isCharted: false },
  });
}

async function loadFile(
  contender: Contender,
  file: string,
  keys: number,
): Promise<Record<'seconds' | 'memory', number>> {
  const folder = temporaryFolder();
  copyFileSync(file, join(folder, 'dump.rdb'));
  const startedAt = performance.now();
  return withServer(
    () => ServerUnderTest.start(contender, { folder }),
    async (server) => {
      const seconds = (performance.now() - startedAt) / 1000;
      await assertKeyCount(server, keys);
      return { seconds, memory: server.residentMiB() };
    },
  );
}

async function measureFullSync(context: BenchContext): Promise<Row> {
  const { pairs: count, keys } = context.options;
  const pairs = await withBoth(
    (contender) => startLoaded(contender, keys),
    context,
    (ours, theirs) => runPairs(count, ours, theirs, (primary) => synchronize(primary, keys)),
  );
  return row('full-sync', 'full sync', pairs, { seconds: { name: 'duration', unit: 's', better: 'lower' } });
}

async function synchronize(primary: ServerUnderTest, keys: number): Promise<Record<'seconds', number>> {
  return withServer(
    () => ServerUnderTest.start(primary.contender),
    async (replica) => {
      const startedAt = performance.now();
      await replica.call('REPLICAOF', '127.0.0.1', `${primary.port}`);
      await replica.until('full sync', () => isSynchronized(replica), 10);
      const seconds = (performance.now() - startedAt) / 1000;
      await assertKeyCount(replica, keys);
      return { seconds };
    },
  );
}

async function assertKeyCount(server: ServerUnderTest, keys: number): Promise<void> {
  const present = Number(await server.call('DBSIZE'));
  if (present !== keys) throw new Error(`${server.contender.name} has ${present} of ${keys} keys`);
}

/** While it loads, a replica may answer with LOADING. */
async function isSynchronized(replica: ServerUnderTest): Promise<boolean> {
  try {
    return (await replica.info('replication', 'master_link_status')) === 'up';
  } catch {
    return false;
  }
}
