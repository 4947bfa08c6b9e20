/** One server being measured: its process, a connection for administration, and what it has cost so far. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RespClient } from '../src/client/resp-client.js';
import { isNodePortFree } from '../src/launcher/ports.js';
import { sleep } from '../src/launcher/wait.js';
import { killAtExit, removeFolder, temporaryFolder } from './clean-up.js';
import { cpuMs, mainThreadMs, residentMiB } from './process-stats.js';

/** Which of the two servers, and how it is started. */
export interface Contender {
  name: string;
  /** Program and leading arguments; takes redis-server's arguments. */
  command: readonly string[];
}

export interface ServerSettings {
  /** Further directives: `['appendonly', 'yes']`. */
  directives?: readonly (readonly [string, string])[];
  /** Folder with existing files to start from; default a new one. It is removed with the server. */
  folder?: string;
}

export class ServerFailed extends Error {
  readonly code = 'SERVER_FAILED';
}

const START_LIMIT_MS = 120_000;
/** A server that has nothing to do has gone to sleep after so long, and its clock stands right. */
const IDLE_MS = 20;
/** Ports are drawn from here, away from those of the tests; with 10000 added they stay below the ports of outgoing connections. */
const PORT_RANGE = { first: 17_000, count: 5_000 };

export class ServerUnderTest {
  private constructor(
    readonly contender: Contender,
    readonly port: number,
    readonly folder: string,
    private readonly child: ChildProcess,
    private readonly admin: RespClient,
    private readonly release: () => void,
  ) {}

  /** Starts a server without persistence unless the directives say otherwise; resolves when it has loaded its data and answers. */
  static async start(contender: Contender, settings: ServerSettings = {}): Promise<ServerUnderTest> {
    const port = await freePort();
    const folder = settings.folder ?? temporaryFolder();
    const logFile = join(folder, 'bench-server.log');
    const directives = [
      ['port', `${port}`],
      ['bind', '127.0.0.1'],
      ['dir', folder],
      ['save', ''],
      ['repl-diskless-sync-delay', '0'],
      ...(settings.directives ?? []),
    ];
    const [program = '', ...args] = contender.command;
    const log = openSync(logFile, 'a');
    const child = spawn(program, [...args, ...directives.flatMap(([name, value]) => [`--${name}`, value!])], {
      cwd: folder,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const release = killAtExit(child);
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    try {
      const admin = await connectWhenReady(contender, port, child);
      return new ServerUnderTest(contender, port, folder, child, admin, release);
    } catch (error) {
      child.kill('SIGKILL');
      throw new ServerFailed(`${(error as Error).message}\n${readFileSync(logFile, 'utf8').slice(-1500)}`, {
        cause: error,
      });
    }
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** CPU time used so far, ms. */
  cpuMs(): number {
    return cpuMs(this.pid);
  }

  /** CPU time of its main thread so far, ms; exact while the server is idle. */
  mainThreadMs(): number {
    return mainThreadMs(this.pid);
  }

  /** @returns CPU time of its main thread for what `work` asks of it, ms */
  async mainThreadMsOf(work: () => Promise<unknown>): Promise<number> {
    await sleep(IDLE_MS);
    const beforeMs = this.mainThreadMs();
    await work();
    await sleep(IDLE_MS);
    return this.mainThreadMs() - beforeMs;
  }

  residentMiB(): number {
    return residentMiB(this.pid);
  }

  async call(...args: string[]): Promise<string> {
    return String(await this.admin.call(...args));
  }

  /** One field of INFO. */
  async info(section: string, field: string): Promise<string> {
    return new RegExp(`^${field}:(.*)$`, 'm').exec(await this.call('INFO', section))?.[1]?.trim() ?? '';
  }

  /** Polls until the condition holds. */
  async until(what: string, condition: () => Promise<boolean>, pollMs = 5): Promise<void> {
    const endsAtMs = performance.now() + START_LIMIT_MS;
    while (!(await condition())) {
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new ServerFailed(`${this.contender.name} ended while waiting for ${what}.`);
      if (performance.now() > endsAtMs)
        throw new ServerFailed(`${this.contender.name}: ${what} took more than ${START_LIMIT_MS / 1000} s.`);
      await sleep(pollMs);
    }
  }

  /** Resolves when nothing waits to be freed in the background. */
  freed(): Promise<void> {
    return this.until('freeing', async () => (await this.info('memory', 'lazyfree_pending_objects')) === '0', 20);
  }

  /** Ends the process and removes its folder. */
  async stop(): Promise<void> {
    this.admin.close();
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill('SIGKILL');
      await ended;
    }
    this.release();
    removeFolder(this.folder);
  }
}

/** Runs `body` with one server of each kind and ends them, also when it fails. */
export async function withBoth<T>(
  start: (contender: Contender) => Promise<ServerUnderTest>,
  { candidate, baseline }: { candidate: Contender; baseline: Contender },
  body: (ours: ServerUnderTest, theirs: ServerUnderTest) => Promise<T>,
): Promise<T> {
  return withServer(
    () => start(candidate),
    (ours) =>
      withServer(
        () => start(baseline),
        (theirs) => body(ours, theirs),
      ),
  );
}

/** Runs `body` with a server and ends it, also when it fails. */
export async function withServer<T>(
  start: () => Promise<ServerUnderTest>,
  body: (server: ServerUnderTest) => Promise<T>,
): Promise<T> {
  const server = await start();
  try {
    return await body(server);
  } finally {
    await server.stop();
  }
}

/** Resolves with a connection once PING is answered by PONG, that is, not by LOADING either. */
async function connectWhenReady(contender: Contender, port: number, child: ChildProcess): Promise<RespClient> {
  const endsAtMs = performance.now() + START_LIMIT_MS;
  for (;;) {
    if (child.exitCode !== null)
      throw new ServerFailed(`${contender.name} ended at its start with code ${child.exitCode}.`);
    let client: RespClient | undefined;
    try {
      client = await RespClient.connect({ port, connectTimeoutMs: 5000 });
      await client.call('PING');
      return client;
    } catch (error) {
      client?.close();
      if (performance.now() > endsAtMs)
        throw new ServerFailed(`${contender.name} did not answer within ${START_LIMIT_MS / 1000} s.`, { cause: error });
      await sleep(3);
    }
  }
}

async function freePort(): Promise<number> {
  for (;;) {
    const port = PORT_RANGE.first + Math.floor(Math.random() * PORT_RANGE.count);
    if (await isNodePortFree(port)) return port;
  }
}
