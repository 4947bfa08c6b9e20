/**
 * A large data set of small keys (16-byte keys, 16-byte values): how fast it loads and what memory it takes, how long clients wait while it is saved,
 * how long it takes to load from an RDB file and to copy to a replica.
 */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../clean-up.js';
import type { BenchContext, GroupRunner } from '../context.js';
import { loadKeys } from '../key-loader.js';
import { LatencyProbe } from '../latency-probe.js';
import { type MeasureSpec, type Row, summarize } from '../measurement.js';
import { runPairs } from '../pairing.js';
import { type Contender, ServerUnderTest } from '../server-under-test.js';
import type { Pair } from '../statistics.js';

const VALUE_BYTES = 16;
const BACKGROUND_SETS_PER_MS = 10;
/** The probe runs this long before a save, so that connections and caches are warm. */
const WARM_UP_MS = 300;

const IDS = { load: 'load', snapshot: 'bgsave', rdbLoad: 'rdb-load', fullSync: 'full-sync' } as const;

export const largeDataSet: GroupRunner = {
  rowIds: Object.values(IDS),
  run: async (context) => {
    const rows: Row[] = [];
    const add = (row: Row): void => {
      rows.push(row);
      context.finish(row);
    };
    if (context.wants(IDS.load)) add(await measureLoad(context));
    if (context.wants(IDS.snapshot)) add(await measureSnapshot(context));
    if (context.wants(IDS.rdbLoad)) add(await measureRdbLoad(context));
    if (context.wants(IDS.fullSync)) add(await measureFullSync(context));
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

async function measureLoad({ options, candidate, baseline, begin }: BenchContext): Promise<Row> {
  begin('loading keys');
  const pairs = await runPairs(options.pairs, candidate, baseline, async (contender) => {
    const server = await ServerUnderTest.start(contender);
    const seconds = await loadKeys({ port: server.port, keys: options.keys, valueBytes: VALUE_BYTES });
    const result = {
      speed: options.keys / seconds,
      cpu: (server.cpuMs() * 1000) / options.keys,
      memory: server.residentMiB(),
    };
    await server.stop();
    return result;
  });
  return row(IDS.load, 'load keys', pairs, {
    speed: { name: 'load speed', unit: 'ops/s', better: 'higher' },
    cpu: { name: 'CPU per command', unit: 'µs', better: 'lower', isCharted: false },
    memory: { name: 'resident memory', unit: 'MiB', better: 'lower', goal: 0.65 },
  });
}

async function measureSnapshot({ options, candidate, baseline, begin }: BenchContext): Promise<Row> {
  begin('BGSAVE under load');
  const { keys } = options;
  const ours = await startLoaded(candidate, keys);
  const theirs = await startLoaded(baseline, keys);
  const pairs = await runPairs(options.pairs, ours, theirs, async (server) => {
    const target = { port: server.port, keys, backgroundPerMs: BACKGROUND_SETS_PER_MS };
    const warmUp = await LatencyProbe.start(target);
    await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
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
  });
  await ours.stop();
  await theirs.stop();
  return row(IDS.snapshot, 'BGSAVE under a SET load', pairs, {
    stall: { name: 'longest stall', unit: 'ms', better: 'lower', goal: 1 },
    p999: { name: 'p99.9', unit: 'ms', better: 'lower', isCharted: false },
    seconds: { name: 'duration', unit: 's', better: 'lower' },
  });
}

async function measureRdbLoad({ options, candidate, baseline, begin }: BenchContext): Promise<Row> {
  begin('loading an RDB file');
  const writer = await startLoaded(baseline, options.keys);
  await writer.call('SAVE');
  const pairs = await runPairs(options.pairs, candidate, baseline, async (contender) => {
    const folder = temporaryFolder();
    copyFileSync(join(writer.folder, 'dump.rdb'), join(folder, 'dump.rdb'));
    const startedAt = performance.now();
    const server = await ServerUnderTest.start(contender, { folder });
    const seconds = (performance.now() - startedAt) / 1000;
    const loaded = Number(await server.call('DBSIZE'));
    if (loaded !== options.keys) throw new Error(`${contender.name} loaded ${loaded} of ${options.keys} keys`);
    const memory = server.residentMiB();
    await server.stop();
    return { seconds, memory };
  });
  await writer.stop();
  return row(IDS.rdbLoad, 'load an RDB file', pairs, {
    seconds: { name: 'duration', unit: 's', better: 'lower' },
    memory: { name: 'resident memory', unit: 'MiB', better: 'lower', isCharted: false },
  });
}

async function measureFullSync({ options, candidate, baseline, begin }: BenchContext): Promise<Row> {
  begin('full sync');
  const ours = await startLoaded(candidate, options.keys);
  const theirs = await startLoaded(baseline, options.keys);
  const pairs = await runPairs(options.pairs, ours, theirs, async (primary) => {
    const replica = await ServerUnderTest.start(primary.contender);
    const startedAt = performance.now();
    await replica.call('REPLICAOF', '127.0.0.1', `${primary.port}`);
    await replica.until('full sync', async () => isSynchronized(replica), 10);
    const seconds = (performance.now() - startedAt) / 1000;
    const copied = Number(await replica.call('DBSIZE'));
    if (copied !== options.keys)
      throw new Error(`a replica of ${primary.contender.name} has ${copied} of ${options.keys} keys`);
    await replica.stop();
    return { seconds };
  });
  await ours.stop();
  await theirs.stop();
  return row(IDS.fullSync, 'full sync', pairs, { seconds: { name: 'duration', unit: 's', better: 'lower' } });
}

/** While it loads, a replica may answer with LOADING. */
async function isSynchronized(replica: ServerUnderTest): Promise<boolean> {
  try {
    return (await replica.info('replication', 'master_link_status')) === 'up';
  } catch {
    return false;
  }
}
