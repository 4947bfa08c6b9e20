/**
 * The benchmark as a whole: looks at the servers, runs the tests one after the other, tells the results.
 *
 *   command-line.ts ─▶ cluster-map.ts, server-config.ts ─▶ per test: run-test.ts ─▶ report.ts
 *                                                             │ load-threads.ts ─▶ load-thread.ts ─▶ load-connection.ts
 */
import { writeFileSync } from 'node:fs';
import { encodeCommand } from '../../client/encode-command.js';
import type { RespClient } from '../../client/resp-client.js';
import { strerror } from '../../persistence/file-system.js';
import { ReplyError } from '../../resp/reply-reader.js';
import { atNode, type ConnectionSettings, connectErrorLine, openConnection } from '../connection-settings.js';
import { readStdin } from '../stdin-arguments.js';
import type { Terminal } from '../terminal.js';
import { type ClusterNode, fetchClusterNodes } from './cluster-map.js';
import type { BenchmarkLine } from './command-line.js';
import { type ChartPanel, drawLatencyChart } from './latency-chart.js';
import { LoadThread } from './load-thread.js';
import { type LoadThreads, OwnThread, WorkerThreads } from './load-threads.js';
import { CSV_HEADER, type HostConfig, ProgressLine, report, reportCsv, reportLine } from './report.js';
import { encodeRequest } from './request-batch.js';
import { BenchmarkError, type ProgressWatcher, runTest } from './run-test.js';
import { fetchHostConfig } from './server-config.js';
import { type BenchmarkTest, PayloadSource, selectTests } from './tests.js';
import { LatencyTimeline } from './timeline.js';
import { SharedProgress, type Target, type Workload } from './workload.js';

const FIRST_PROGRESS_MS = 1;
const PROGRESS_MS = 250;
/** Between two samples of the chart. */
const TIMELINE_MS = 50;

/** Servers under load, and what is known about them. */
interface Servers {
  readonly targets: readonly Target[];
  readonly hosts: readonly (HostConfig | null)[];
}

export class Benchmark {
  private readonly settings: ConnectionSettings;
  private readonly warn: (text: string) => void;
  private readonly payloads = new PayloadSource();
  private readonly seed: number;
  /** Of the tests so far, in this loop. */
  private panels: ChartPanel[] = [];

  /** @param entry  module that calls `serveLoadThread` when it is loaded in a worker */
  constructor(
    private readonly line: BenchmarkLine,
    private readonly terminal: Terminal,
    private readonly entry: URL,
  ) {
    this.settings = line.connection;
    this.warn = (text) => terminal.writeError(`${text}\n`);
    this.seed = line.seed ?? Math.floor(Math.random() * 0x7fffffff);
  }

  /** @throws BenchmarkError */
  async run(): Promise<void> {
    const { line, terminal } = this;
    if (line.isIdle) return this.stayIdle();
    const servers = line.isCluster ? await this.findCluster() : await this.findServer();
    const threadCount = line.isCluster && line.threadCount === 0 ? servers.targets.length : line.threadCount;
    const threads = threadCount === 0 ? new OwnThread() : new WorkerThreads(this.entry, threadCount);
    if (line.csv) terminal.write(CSV_HEADER);
    try {
      await threads.ready();
      do {
        this.panels = [];
        for (const test of await this.tests()) await this.runOne(test, servers, threads, threadCount);
        this.drawChart();
        if (line.command.length === 0 && !line.csv) terminal.write('\n');
      } while (line.loops);
    } finally {
      threads.close();
    }
  }

  /** Connections and nothing else, until one of them is closed by the server (or the user ends it). */
  private async stayIdle(): Promise<void> {
    const { connectionCount } = this.line;
    this.terminal.write(`Creating ${connectionCount} idle connections and waiting forever (Ctrl+C when done)\n`);
    const { targets } = await this.findServer();
    const workload = { ...this.workloadOf({ title: '', command: { words: [] } }, targets, 1), requestCount: 0 };
    await new Promise<never>((_, reject) => {
      const progress = SharedProgress.allocate(1, workload.precision);
      const thread = new LoadThread(workload, 0, progress, {
        onIdle: () => {},
        onStaleMap: () => {},
        onFailure: (text) => {
          clearInterval(timer);
          reject(new BenchmarkError(text));
        },
      });
      const show = (): void => this.terminal.write(`clients: ${thread.connectionCount}\r`);
      const timer = setInterval(show, PROGRESS_MS);
      void thread.start();
    });
  }

  private async findServer(): Promise<Servers> {
    const { host, port, socketPath } = this.settings;
    const config = await fetchHostConfig(this.settings, this.warn);
    return { targets: [{ host, port, path: socketPath ?? '', tag: '' }], hosts: [config] };
  }

  private async findCluster(): Promise<Servers> {
    const nodes = await this.fetchMap();
    if (nodes.length <= 1) throw new BenchmarkError(`Invalid cluster: ${nodes.length} node(s).`);
    const list = nodes.map(({ id, host, port }, index) => `Master ${index}: ${id} ${host}:${port}\n`);
    this.terminal.write(`Cluster has ${nodes.length} master nodes:\n\n${list.join('')}\n`);
    const hosts: (HostConfig | null)[] = [];
    for (const { host, port } of nodes) hosts.push(await fetchHostConfig(atNode(this.settings, host, port), this.warn));
    return { targets: nodes, hosts };
  }

  private async fetchMap(from: ConnectionSettings = this.settings): Promise<ClusterNode[]> {
    const { host, port } = from;
    let client: RespClient;
    try {
      client = await openConnection({ ...from, database: 0, protocol: 2 });
    } catch (error) {
      throw new BenchmarkError(
        error instanceof ReplyError ? mapRefusal(host, port, error) : `${connectErrorLine(from, error)}`,
      );
    }
    try {
      return await fetchClusterNodes(client, host, this.warn);
    } catch (error) {
      throw new BenchmarkError(
        error instanceof ReplyError
          ? mapRefusal(host, port, error)
          : `Failed to fetch cluster configuration from ${host}:${port}`,
      );
    } finally {
      client.close();
    }
  }

  private async tests(): Promise<BenchmarkTest[]> {
    const { line } = this;
    const payload = this.payloads.next(line.payloadBytes);
    if (line.command.length === 0)
      return selectTests(line.testNames, { payload, isCluster: line.isCluster, hasRange: line.randomRange >= 0 });
    const words: (string | Buffer)[] = [...line.command];
    if (line.stdinIsLast) {
      stdin ??= await readStdin();
      words.push(stdin);
    }
    return [{ title: line.command.join(' '), command: { words } }];
  }

  private async runOne(
    test: BenchmarkTest,
    { targets, hosts }: Servers,
    threads: LoadThreads,
    threadCount: number,
  ): Promise<void> {
    const { line, terminal } = this;
    const workload = this.workloadOf(test, targets, Math.max(1, threadCount));
    const progressLine = new ProgressLine(terminal, test.title);
    const timeline = new LatencyTimeline(TIMELINE_MS);
    const watchers: ProgressWatcher[] = [];
    if (!line.csv)
      watchers.push({
        firstMs: FIRST_PROGRESS_MS,
        everyMs: PROGRESS_MS,
        look: (progress, elapsedMs) => progressLine.show(progress.finishedCount, elapsedMs, progress.latencies()),
      });
    if (line.svgFile !== null)
      watchers.push({
        firstMs: TIMELINE_MS,
        everyMs: TIMELINE_MS,
        look: (progress, elapsedMs) => timeline.sample(progress.latencies(), elapsedMs),
      });
    const result = await runTest(threads, workload, watchers, async ({ kind, text }) => {
      this.warn(kind === 'down' ? text : 'WARNING: Cluster slots configuration changed, fetching new one...');
      return this.fetchMap();
    });
    if (line.svgFile !== null) {
      timeline.end(result.latencies, result.elapsedMs);
      this.panels.push({ title: test.title, stretches: timeline.stretches });
    }
    if (line.csv) {
      terminal.write(reportCsv(test.title, result));
      return;
    }
    const context = {
      connectionCount: line.connectionCount,
      payloadBytes: line.command.length === 0 ? line.payloadBytes : workload.request.length,
      keepAlive: line.keepAlive,
      threadCount,
      hosts,
      isCluster: line.isCluster,
    };
    const text = line.isQuiet ? reportLine(test.title, result) : report(test.title, result, context);
    terminal.write(progressLine.eraser() + text);
  }

  private drawChart(): void {
    const { svgFile } = this.line;
    if (svgFile === null) return;
    try {
      writeFileSync(svgFile, drawLatencyChart(this.panels));
    } catch (error) {
      throw new BenchmarkError(`Could not write ${svgFile}: ${strerror(error)}`);
    }
  }

  private workloadOf(test: BenchmarkTest, targets: readonly Target[], threadCount: number): Workload {
    const { line } = this;
    const request = encodeRequest(test.command);
    const prefix = this.prefix();
    return {
      request,
      requestCount: line.requestCount,
      pipeline: line.pipeline,
      connectionCount: line.connectionCount,
      keepAlive: line.keepAlive,
      randomRange: line.randomRange,
      seed: this.seed,
      prefix: Buffer.concat(prefix),
      prefixReplyCount: prefix.length,
      targets,
      isCluster: line.isCluster,
      followsMap: line.isCluster && request.includes('{tag}'),
      precision: line.precision,
      tls: this.settings.tls,
      threadCount,
    };
  }

  /** What each connection sends first. */
  private prefix(): Buffer[] {
    const { username, password, database, protocol } = this.settings;
    const commands: string[][] = [];
    if (password !== null) commands.push(username === null ? ['AUTH', password] : ['AUTH', username, password]);
    if (this.line.tracking) commands.push(['CLIENT', 'TRACKING', 'on']);
    if (database !== 0 && !this.line.isCluster) commands.push(['SELECT', String(database)]);
    if (protocol === 3) commands.push(['HELLO', '3']);
    return commands.map(encodeCommand);
  }
}

function mapRefusal(host: string, port: number, error: ReplyError): string {
  return `Cluster node ${host}:${port} replied with error:\n${error.message}\nFailed to fetch cluster configuration from ${host}:${port}`;
}

/** Everything on stdin, once it was read: the tests that follow get the same. */
let stdin: Buffer | null = null;
