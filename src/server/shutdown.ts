/**
 * SHUTDOWN and the signals: ends the node so that nothing acknowledged is lost. Source: spec server.md section 28.5, persistence.md section 9.4.
 *
 *   idle → (replicas behind, and not NOW) waiting, writes paused → finishing: append-only file flushed, snapshot saved if due → exit
 *                                           ↳ ABORT → idle            ↳ a failure, and not FORCE → idle, waiting clients get an error
 */
import type { Config } from './config/config.js';
import type { Connection } from './connection.js';
import type { Server } from './server.js';

export interface ShutdownOptions {
  readonly save: boolean;
  readonly nosave: boolean;
  readonly now: boolean;
  readonly force: boolean;
}

/** What persistence and replication do for a shutdown. */
export interface ShutdownSteps {
  /** Whether some replica has not acknowledged everything; asks them to. */
  areReplicasBehind(): boolean;
  /** Makes the data durable as the options ask. @returns false if that failed; the reason is in the log */
  finish(options: ShutdownOptions): Promise<boolean>;
}

const POLL_MS = 20;
const SHUTDOWN_ERROR = 'ERR Errors trying to SHUTDOWN. Check logs.';

export class Shutdown {
  /** Set by composition, in the order in which the parts are to be asked. */
  readonly steps: ShutdownSteps[] = [];
  exit: (exitCode: number) => void = () => {};
  private readonly server: Server;
  private readonly config: Config;
  private options: ShutdownOptions | null = null;
  private deadlineMs = 0;
  private timer: NodeJS.Timeout | null = null;
  private isFinishing = false;
  private waiting: ((isDone: boolean) => void)[] = [];

  constructor(server: Server, config: Config) {
    this.server = server;
    this.config = config;
    server.shutdownText = () =>
      this.timer === null ? '' : `shutdown_in_milliseconds:${Math.max(0, this.deadlineMs - Date.now())}\r\n`;
  }

  get isInProgress(): boolean {
    return this.options !== null;
  }

  bySignal(signal: 'SIGTERM' | 'SIGINT'): void {
    if (signal === 'SIGINT' && this.isInProgress) {
      this.server.log.warning('You insist... exiting now.');
      process.exit(1);
    }
    const { log, persistence } = this.server;
    if (persistence.loading !== null) log.warning('Received shutdown signal during loading, scheduling shutdown.');
    else log.warning(`Received ${signal} scheduling shutdown...`);
    const { shutdownOnSigterm, shutdownOnSigint } = this.config.values;
    this.begin(signal === 'SIGTERM' ? shutdownOnSigterm : shutdownOnSigint);
  }

  /** SHUTDOWN: the connection gets no reply unless the shutdown fails or is aborted. */
  byCommand(connection: Connection, options: ShutdownOptions): void {
    const outcome = new Promise<boolean>((resolve) => this.waiting.push(resolve));
    this.server.replyLater(
      connection,
      outcome.then(() => (reply) => reply.error(SHUTDOWN_ERROR)),
    );
    this.begin(options);
  }

  /** SHUTDOWN ABORT. @returns whether there was something to abort */
  abort(): boolean {
    if (this.options === null || this.isFinishing) return false;
    this.server.log.notice('Shutdown manually aborted.');
    this.fail();
    return true;
  }

  private begin(options: ShutdownOptions): void {
    if (this.options !== null) return;
    this.options = options;
    this.server.log.notice('User requested shutdown...');
    const timeoutMs = this.config.values.shutdownTimeout * 1000;
    this.deadlineMs = Date.now() + timeoutMs;
    if (options.now || timeoutMs === 0 || !this.areReplicasBehind()) {
      void this.finish(options);
      return;
    }
    this.server.pause.begin('shutdown', 'write', Number.MAX_SAFE_INTEGER);
    this.timer = setInterval(() => {
      if (this.areReplicasBehind() && Date.now() < this.deadlineMs) return;
      this.stopWaiting();
      void this.finish(options);
    }, POLL_MS);
  }

  private areReplicasBehind(): boolean {
    return this.steps.some((step) => step.areReplicasBehind());
  }

  private async finish(options: ShutdownOptions): Promise<void> {
    this.isFinishing = true;
    for (const step of this.steps) {
      if ((await step.finish(options)) || options.force) continue;
      this.server.log.warning('Errors trying to shut down the server. Check the logs for more information.');
      this.fail();
      return;
    }
    this.exit(0);
  }

  private stopWaiting(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  private fail(): void {
    this.stopWaiting();
    this.options = null;
    this.isFinishing = false;
    this.server.pause.end('shutdown');
    for (const resolve of this.waiting.splice(0)) resolve(false);
  }
}
