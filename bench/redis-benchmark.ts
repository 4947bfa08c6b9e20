/**
 * Runs the real `redis-benchmark` and reads its report. The long report is read, not `--csv`, because only that one has the 99.9 % row.
 * Source: spec/cli.md section 5.5 (output), 5.3 (tests and titles).
 */
import { spawn } from 'node:child_process';
import { killAtExit } from './clean-up.js';

export interface BenchmarkLoad {
  /** The name of one of its tests, or the words of a command, in which `__rand_int__` becomes a number below `keyspace`, in 12 digits. */
  what: string | readonly string[];
  pipeline: number;
  /** Bytes per value. */
  valueBytes: number;
  clients: number;
  /** Keys are drawn from `key:000000000000` up to this number (exclusive). */
  keyspace: number;
  /** Each request has a connection of its own. */
  connectsEachTime?: boolean;
}

export interface BenchmarkRun extends BenchmarkLoad {
  port: number;
  requests: number;
}

export interface BenchmarkResult {
  /** Replies per second over the whole run. */
  throughput: number;
  /** Milliseconds; the latency is that of a whole pipeline. */
  p999Ms: number;
  maxMs: number;
}

export class BenchmarkFailed extends Error {
  readonly code = 'BENCHMARK_FAILED';
}

/** Reads one long report. Throws BenchmarkFailed when the expected lines are missing (an error reply ends redis-benchmark early). */
export function parseReport(text: string): BenchmarkResult {
  const throughput = /throughput summary: ([\d.]+) requests per second/.exec(text);
  if (throughput === null) throw new BenchmarkFailed(`redis-benchmark gave no summary: ${text.trim().slice(-300)}`);
  let p999Ms = Number.NaN;
  let maxMs = Number.NaN;
  const distribution = text.slice(text.indexOf('Latency by percentile'), text.indexOf('Cumulative distribution'));
  for (const row of distribution.matchAll(/^([\d.]+)% <= ([\d.]+) milliseconds/gm)) {
    const percent = Number(row[1]);
    maxMs = Number(row[2]);
    if (Number.isNaN(p999Ms) && percent >= 99.9) p999Ms = maxMs;
  }
  return { throughput: Number(throughput[1]), p999Ms, maxMs };
}

/** @returns its command line */
export function benchmarkArguments(run: BenchmarkRun): string[] {
  const { port, requests, pipeline, valueBytes, clients, keyspace, what, connectsEachTime = false } = run;
  const numbers = { '-p': port, '-n': requests, '-P': pipeline, '-d': valueBytes, '-c': clients, '-r': keyspace };
  const options = Object.entries(numbers).flatMap(([name, value]) => [name, String(value)]);
  if (connectsEachTime) options.push('-k', '0');
  return typeof what === 'string' ? [...options, '-t', what] : [...options, ...what];
}

export function runRedisBenchmark(run: BenchmarkRun): Promise<BenchmarkResult> {
  return new Promise((resolve, reject) => {
    const child = spawn('redis-benchmark', benchmarkArguments(run), { stdio: ['ignore', 'pipe', 'pipe'] });
    const release = killAtExit(child);
    let report = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (report += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    child.on('error', (cause) =>
      reject(new BenchmarkFailed('redis-benchmark cannot be started; is it installed?', { cause })),
    );
    child.on('close', (exitCode) => {
      release();
      try {
        if (exitCode !== 0) throw new BenchmarkFailed(`redis-benchmark ended with code ${exitCode}: ${errors.trim()}`);
        resolve(parseReport(report));
      } catch (error) {
        reject(error);
      }
    });
  });
}
