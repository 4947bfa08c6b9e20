/** The forms in which results are told: report, line, CSV, and the progress while a test runs. Texts are those of redis-benchmark (spec/cli.md 5.5). */
import type { Terminal } from '../terminal.js';
import { type LatencyHistogram, type LatencyRow, linearRows, percentileRows } from './histogram.js';
import type { TestResult } from './run-test.js';

export const CSV_HEADER =
  '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"\n';

/** Two settings of a server that explain much of its speed; null if it does not tell. */
export interface HostConfig {
  readonly save: string;
  readonly appendonly: string;
}

/** What a report says about the load besides the result. */
export interface ReportContext {
  readonly connectionCount: number;
  readonly payloadBytes: number;
  readonly keepAlive: boolean;
  /** 0: none but the main one. */
  readonly threadCount: number;
  /** Of the one server; or of each primary of a cluster. */
  readonly hosts: readonly (HostConfig | null)[];
  readonly isCluster: boolean;
}

/** A number as C prints it with so many decimals. */
export function fixed(value: number, decimals: number): string {
  if (Number.isNaN(value)) return '-nan';
  return Number.isFinite(value) ? value.toFixed(decimals) : value > 0 ? 'inf' : '-inf';
}

const ms = (us: number): string => fixed(us / 1000, 3);
const requestsPerSecond = (count: number, elapsedMs: number): number => count / (elapsedMs / 1000);

export function reportLine(title: string, result: TestResult): string {
  const rps = requestsPerSecond(result.finishedCount, result.elapsedMs);
  return `${title}: ${fixed(rps, 2)} requests per second, p50=${ms(result.latencies.percentile(50))} msec\n`;
}

export function reportCsv(title: string, { finishedCount, elapsedMs, latencies }: TestResult): string {
  const columns = [title, fixed(requestsPerSecond(finishedCount, elapsedMs), 2), ...summary(latencies).map(ms)];
  return `${columns.map((each) => `"${each}"`).join(',')}\n`;
}

/** avg, min, p50, p95, p99, max. */
function summary(latencies: LatencyHistogram): number[] {
  const [p50, p95, p99] = [50, 95, 99].map((percent) => latencies.percentile(percent));
  return [latencies.mean, latencies.min, p50!, p95!, p99!, latencies.max];
}

export function report(title: string, result: TestResult, context: ReportContext): string {
  const { finishedCount, elapsedMs, latencies } = result;
  const columns = ['avg', 'min', 'p50', 'p95', 'p99', 'max'];
  const rps = requestsPerSecond(finishedCount, elapsedMs);
  const lines = [
    `====== ${title} ======`,
    `  ${finishedCount} requests completed in ${fixed(elapsedMs / 1000, 2)} seconds`,
    `  ${context.connectionCount} parallel clients`,
    `  ${context.payloadBytes} bytes payload`,
    `  keep alive: ${context.keepAlive ? 1 : 0}`,
    ...(context.isCluster ? clusterLines(context) : hostLines(context)),
    `  multi-thread: ${context.threadCount > 0 ? 'yes' : 'no'}`,
    ...(context.threadCount > 0 ? [`  threads: ${context.threadCount}`] : []),
    '',
    'Latency by percentile distribution:',
    ...distribution(percentileRows(latencies)),
    '',
    'Cumulative distribution of latencies:',
    ...distribution(linearRows(latencies)),
    '',
    'Summary:',
    `  throughput summary: ${fixed(rps, 2)} requests per second`,
    '  latency summary (msec):',
    `    ${columns.map((name) => name.padStart(9)).join(' ')}`,
    `    ${summary(latencies)
      .map((us) => ms(us).padStart(9))
      .join(' ')}`,
    '',
  ];
  return lines.join('\n');
}

function hostLines({ hosts }: ReportContext): string[] {
  const host = hosts[0] ?? null;
  if (host === null) return [];
  return [`  host configuration "save": ${host.save}`, `  host configuration "appendonly": ${host.appendonly}`];
}

function clusterLines({ hosts }: ReportContext): string[] {
  const nodes = hosts.flatMap((host, index) => [
    `  node [${index}] configuration:`,
    `    save: ${host === null || host.save === '' ? 'NONE' : host.save}`,
    `    appendonly: ${host?.appendonly ?? ''}`,
  ]);
  return [`  cluster mode: yes (${hosts.length} masters)`, ...nodes];
}

function distribution(rows: readonly LatencyRow[]): string[] {
  return rows.map(
    ({ percent, us, count }) => `${fixed(percent, 3)}% <= ${ms(us)} milliseconds (cumulative count ${count})`,
  );
}

/** One line of the terminal that is written over and over: each text is preceded by as many blanks as the last one needs to be gone. */
export class ProgressLine {
  private printedChars = 1;
  private finishedCount = 0;
  private elapsedMs = 0;
  private latencies: LatencyHistogram | null = null;

  constructor(
    private readonly terminal: Terminal,
    private readonly title: string,
  ) {}

  show(finishedCount: number, elapsedMs: number, latencies: LatencyHistogram): void {
    const rps = requestsPerSecond(finishedCount - this.finishedCount, elapsedMs - this.elapsedMs);
    const overall = requestsPerSecond(finishedCount, elapsedMs);
    const recent = this.latencies === null ? latencies : latencies.since(this.latencies);
    const text = `${this.title}: rps=${fixed(rps, 1)} (overall: ${fixed(overall, 1)}) avg_msec=${ms(recent.mean)} (overall: ${ms(latencies.mean)})\r`;
    this.terminal.write(this.eraser() + text);
    this.printedChars = text.length;
    this.finishedCount = finishedCount;
    this.elapsedMs = elapsedMs;
    this.latencies = latencies;
  }

  /** What makes room for the next text. */
  eraser(): string {
    return `${' '.repeat(this.printedChars)}\r`;
  }
}
