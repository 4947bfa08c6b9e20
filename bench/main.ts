/**
 * `npm run bench`: both servers side by side. Reading order: this → context.ts → groups/ → pairing.ts, measurement.ts (what a ratio is) →
 * server-under-test.ts, redis-benchmark.ts, key-loader.ts, latency-probe.ts (how it is measured) → report.ts, chart.ts.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { drawChart, panelsOf } from './chart.js';
import { type BenchContext, type GroupRunner, isWanted } from './context.js';
import { doublings, largeCollections } from './groups/collections.js';
import { commands } from './groups/commands.js';
import { connections } from './groups/connections.js';
import { firstCalls } from './groups/first-calls.js';
import { commandHolds } from './groups/holds.js';
import { largeDataSet } from './groups/large-data-set.js';
import { memoryOfValues } from './groups/large-values.js';
import { stallsByValues } from './groups/stalls.js';
import { clusterCost, clusterThroughput, throughput } from './groups/throughput.js';
import type { Group } from './measurement.js';
import { type BenchOptions, HELP, readOptions, UsageError } from './options.js';
import { formatMeasure, formatReport, type RunInfo } from './report.js';

const GROUPS: readonly GroupRunner[] = [
  throughput,
  commands,
  connections,
  largeCollections,
  doublings,
  largeDataSet,
  memoryOfValues,
  stallsByValues,
  commandHolds,
  firstCalls,
  clusterThroughput,
  clusterCost,
];

async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  if (options.list) {
    for (const group of GROUPS) console.log(group.rowIds.join('\n'));
    return 0;
  }
  if (process.platform !== 'linux')
    throw new UsageError('The benchmark reads CPU time and memory from /proc, which only Linux has.');
  const wants = (rowId: string): boolean => isWanted(rowId, options.rows);
  const wanted = GROUPS.filter((group) => group.rowIds.some(wants));
  if (wanted.length === 0) throw new UsageError(`No row matches "${options.rows.join(',')}"; --list shows them.`);

  const failedRows: string[] = [];
  const context: BenchContext = {
    options,
    candidate: { name: 'slotmesh', command: options.server },
    baseline: { name: 'redis', command: options.baseline },
    wants,
    attempt: async (rowId, measure) => {
      try {
        const row = await measure();
        const results = row.measures.map((one) => `${one.name} ${formatMeasure(one).replaceAll('*', '')}`);
        console.log(`${rowId.padEnd(24)} ${results.join('   ')}`);
        return [row];
      } catch (error) {
        failedRows.push(rowId);
        console.error(`${rowId.padEnd(24)} failed: ${(error as Error).message}`);
        return [];
      }
    },
  };
  const info = runInfo(options);
  const groups: Group[] = [];
  for (const group of wanted) {
    try {
      const measured = await group.run(context);
      if (measured.rows.length > 0) groups.push(measured);
    } catch (error) {
      // The group's servers could not be prepared: none of its rows can be measured.
      failedRows.push(...group.rowIds.filter(wants));
      console.error(error);
    }
    // After each group: a long run that is broken off has something to show.
    writeReports(options, info, groups);
  }
  console.log(
    `\n${formatReport(info, groups)}\nWritten: ${options.outFolder}/bench.md, bench.json, bench.svg${options.chartFile === undefined ? '' : `, ${options.chartFile}`}`,
  );
  if (failedRows.length > 0) console.error(`Failed: ${failedRows.join(', ')}`);
  return failedRows.length === 0 ? 0 : 1;
}

function writeReports(options: BenchOptions, info: RunInfo, groups: readonly Group[]): void {
  const chart = drawChart(panelsOf(groups));
  mkdirSync(options.outFolder, { recursive: true });
  writeFileSync(join(options.outFolder, 'bench.md'), formatReport(info, groups));
  writeFileSync(join(options.outFolder, 'bench.json'), `${JSON.stringify({ ...info, groups }, null, 2)}\n`);
  writeFileSync(join(options.outFolder, 'bench.svg'), chart);
  if (options.chartFile === undefined) return;
  mkdirSync(dirname(options.chartFile), { recursive: true });
  writeFileSync(options.chartFile, chart);
}

function runInfo(options: BenchOptions): RunInfo {
  const [first] = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${first?.model.trim() ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.versions.node,
    candidate: 'slotmesh',
    baseline: versionOf(options.baseline),
    pairs: options.pairs,
    keys: options.keys,
  };
}

/** `redis-server 7.0.15` */
function versionOf([program = '', ...args]: readonly string[]): string {
  try {
    const version = /v=(\S+)/.exec(execFileSync(program, [...args, '--version'], { encoding: 'utf8' }))?.[1];
    return version === undefined ? program : `redis-server ${version}`;
  } catch {
    throw new UsageError(
      `"${program}" cannot be started. Is the real server installed? (apt install redis-server redis-tools)`,
    );
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) console.error(`bench: ${error.message}\n       npm run bench -- --help`);
  else console.error(error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
// Servers that a failure left running would keep the process alive.
process.exit();
