/** One row that redis-benchmark measures: throughput, CPU per command, p99.9 and memory of both servers, in pairs. */
import type { BenchContext } from './context.js';
import { type MeasureSpec, type Row, summarize } from './measurement.js';
import { runPairs } from './pairing.js';
import { type BenchmarkLoad, runRedisBenchmark } from './redis-benchmark.js';
import type { ServerUnderTest } from './server-under-test.js';

export const CLIENTS = 50;

/** Ratios: throughput at least, CPU per command at most. */
export interface Goals {
  throughput: number;
  cpu?: number;
}

export interface BenchmarkRow {
  id: string;
  title: string;
  load: BenchmarkLoad;
  goals?: Goals | undefined;
  isCharted: boolean;
  /** Requests of the run that finds out how many requests last `seconds`; few for commands that take long. */
  calibrationRequests: number;
  /** Puts the data in place before each run; `requests` is how many will come. */
  prepare?: (server: ServerUnderTest, requests: number) => Promise<void>;
}

export async function measureRow(
  context: BenchContext,
  row: BenchmarkRow,
  candidate: ServerUnderTest,
  baseline: ServerUnderTest,
): Promise<Row> {
  const run = async (server: ServerUnderTest, requests: number) => {
    await row.prepare?.(server, requests);
    const cpuBefore = server.cpuMs();
    const { throughput, p999Ms } = await runRedisBenchmark({ ...row.load, port: server.port, requests });
    return {
      throughput,
      cpu: ((server.cpuMs() - cpuBefore) * 1000) / requests,
      p999: p999Ms,
      memory: server.residentMiB(),
    };
  };
  // Both are warmed up; the length is set by the baseline, so that a row has the same number of requests whatever is compared with it.
  await run(candidate, row.calibrationRequests);
  const { throughput } = await run(baseline, row.calibrationRequests);
  const { pipeline } = row.load;
  const requests = Math.max(1, Math.round((throughput * context.options.seconds) / pipeline)) * pipeline;
  const pairs = await runPairs(context.options.pairs, candidate, baseline, (server) => run(server, requests));
  const { goals, isCharted } = row;
  const specs: Record<keyof typeof pairs, MeasureSpec> = {
    throughput: { name: 'throughput', unit: 'ops/s', better: 'higher', goal: goals?.throughput, isCharted },
    cpu: { name: 'CPU per command', unit: 'µs', better: 'lower', goal: goals?.cpu, isCharted },
    p999: { name: 'p99.9', unit: 'ms', better: 'lower', isCharted: false },
    memory: { name: 'memory', unit: 'MiB', better: 'lower', isCharted: false },
  };
  const names = Object.keys(specs) as (keyof typeof pairs)[];
  return { id: row.id, title: row.title, measures: names.map((name) => summarize(specs[name], pairs[name])) };
}
