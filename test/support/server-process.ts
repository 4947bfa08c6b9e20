/**
 * ServerProcess: one real server process, redis-server or ours, with its own port, folder and configuration. It can be killed and started again on the
 * same folder, which is what most of the tests that use it are about.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RespClient, type RespClientOptions } from '../../src/client/resp-client.js';
import type { Reply } from '../../src/resp/reply-reader.js';
import { Child, type Exit } from './child-process.js';
import { freePort } from './ports.js';
import { type ServerKind, serverCommand } from './tools.js';
import { waitFor } from './wait-for.js';

/** Directives by name; a list repeats the directive. */
export type ServerConfig = Record<string, string | number | readonly (string | number)[]>;

export interface ServerOptions {
  readonly kind: ServerKind;
  readonly config?: ServerConfig;
  /** Given by a test that needs to know it before; default: a free one. */
  readonly port?: number;
  readonly password?: string;
}

/** How long a server may take until it answers, loading its data included. */
const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 60_000;
/** For one reply. Long enough for a machine that is busy with other things, short enough that a server which hangs is told. */
const REPLY_TIMEOUT_MS = 60_000;
const EARLIER_OUTPUT_CHARS_MAX = 64 * 1024;

const folders = new Set<string>();
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is removed when the test process ends. */
export function temporaryFolder(name = 'test'): string {
  const folder = mkdtempSync(join(tmpdir(), `slotmesh-${name}-`));
  folders.add(folder);
  return folder;
}

export class ServerProcess {
  readonly kind: ServerKind;
  readonly port: number;
  readonly folder: string;
  readonly configFile: string;
  readonly password: string | undefined;
  #child: Child | null = null;
  #client: RespClient | null = null;
  /** Output of earlier runs of this server, so that a failure message tells the whole story. */
  #earlierOutput = '';

  /** Starts a server and waits until it answers PING (and has loaded its data). */
  static async start(options: ServerOptions): Promise<ServerProcess> {
    const server = new ServerProcess(options, options.port ?? (await freePort()));
    await server.restart();
    return server;
  }

  private constructor(options: ServerOptions, port: number) {
    this.kind = options.kind;
    this.port = port;
    this.password = options.password;
    this.folder = temporaryFolder(`${options.kind}-${port}`);
    this.configFile = join(this.folder, 'server.conf');
    const password = options.password;
    const config: ServerConfig = {
      port,
      bind: '127.0.0.1',
      dir: this.folder,
      save: '""',
      'enable-debug-command': 'yes',
      'repl-diskless-sync-delay': 0,
      ...(password === undefined ? {} : { requirepass: password, masterauth: password }),
      ...options.config,
    };
    const lines = Object.entries(config).flatMap(([name, value]) => [value].flat().map((each) => `${name} ${each}\n`));
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(this.configFile, lines.join(''));
  }

  get pid(): number {
    return this.#running().pid;
  }

  get isRunning(): boolean {
    return this.#child !== null && this.#child.exit === null;
  }

  /** Everything the server wrote to stdout and stderr, over all its runs. */
  get output(): string {
    return `${this.#earlierOutput}${this.#child?.stdout ?? ''}${this.#child?.stderr ?? ''}`;
  }

  /** Waits until the pattern is in the output, which comes through a pipe, later than replies. */
  async untilLogged(pattern: RegExp): Promise<void> {
    await waitFor(() => pattern.test(this.output), {
      what: `${pattern} in the log of the server on port ${this.port}`,
      detail: () => this.output,
    });
  }

  /** Starts the process (again) on the same folder and waits until it is ready. */
  async restart(): Promise<void> {
    await this.launch();
    await this.waitUntilReady();
  }

  /** Starts the process without waiting for it. */
  async launch(): Promise<void> {
    if (this.isRunning) throw new Error(`the server on port ${this.port} runs already`);
    this.#earlierOutput = this.output.slice(-EARLIER_OUTPUT_CHARS_MAX);
    const [program, ...args] = serverCommand(this.kind);
    this.#child = await Child.start(program, [...args, this.configFile], { cwd: this.folder });
  }

  async waitUntilReady(): Promise<void> {
    await waitFor(
      async () => {
        if (!this.isRunning) return true;
        return (await this.call('PING')) === 'PONG';
      },
      {
        what: `the ${this.kind} server on port ${this.port} to answer`,
        timeoutMs: START_TIMEOUT_MS,
        detail: () => this.output,
      },
    );
    if (!this.isRunning)
      throw new Error(`the ${this.kind} server on port ${this.port} ended at its start:\n${this.output}`);
  }

  /**
   * A new connection, authenticated. The caller closes it (or leaves it to the server's end). No reply may take longer than a minute, but on a connection
   * that listens to pushes: there a subscription never gets one.
   */
  connect(options: RespClientOptions = {}): Promise<RespClient> {
    return RespClient.connect({
      host: '127.0.0.1',
      port: this.port,
      connectTimeoutMs: REPLY_TIMEOUT_MS,
      commandTimeoutMs: options.onPush === undefined ? REPLY_TIMEOUT_MS : 0,
      ...(this.password === undefined ? {} : { password: this.password }),
      ...options,
    });
  }

  /** One command on a connection that is kept; it is made anew when the server was restarted. */
  async call(...args: (string | number | Uint8Array)[]): Promise<Reply> {
    if (this.#client === null || this.#client.isClosed) this.#client = await this.connect();
    return this.#client.call(...args);
  }

  /** Like `call`, for replies that are text. */
  async text(...args: (string | number | Uint8Array)[]): Promise<string> {
    return String(await this.call(...args));
  }

  /** The fields of INFO [section]. */
  async info(section = 'default'): Promise<Record<string, string>> {
    return parseFields(await this.text('INFO', section));
  }

  signal(signal: NodeJS.Signals): void {
    this.#running().kill(signal);
  }

  /** Ends the process with SIGKILL, if it runs. */
  async kill(): Promise<void> {
    await this.#child?.end();
    this.#client?.close();
    this.#client = null;
  }

  /** Ends the process with SIGTERM and returns how it ended. One that does not end in time is killed and is a failure. */
  async stop(): Promise<Exit> {
    const child = this.#running();
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    try {
      return await child.untilExit(STOP_TIMEOUT_MS);
    } finally {
      await this.kill();
    }
  }

  /** Kills the process and removes its folder. For `after` hooks: never fails. */
  async dispose(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
    folders.delete(this.folder);
  }

  #running(): Child {
    if (this.#child === null) throw new Error(`the server on port ${this.port} was not started`);
    return this.#child;
  }
}

/** `name:value` lines, as of INFO and CLUSTER INFO. */
export function parseFields(text: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1);
  }
  return fields;
}

/** Runs `body` with servers that are disposed afterwards, whatever happens; a failure carries their output. */
export async function withServers<T>(
  options: readonly ServerOptions[],
  body: (servers: ServerProcess[]) => Promise<T>,
): Promise<T> {
  const servers: ServerProcess[] = [];
  try {
    for (const each of options) servers.push(await ServerProcess.start(each));
    return await body(servers);
  } catch (error) {
    throw withOutput(error, servers);
  } finally {
    await Promise.all(servers.map((server) => server.dispose()));
  }
}

/** The error with the tail of each server's log in its message. */
export function withOutput(error: unknown, servers: readonly ServerProcess[]): unknown {
  if (!(error instanceof Error)) return error;
  const logs = servers.map(
    (server) => `--- ${server.kind} server on port ${server.port}:\n${server.output.split('\n').slice(-40).join('\n')}`,
  );
  error.message = `${error.message}\n${logs.join('\n')}`;
  error.stack = `${error.message}\n${error.stack}`;
  return error;
}
