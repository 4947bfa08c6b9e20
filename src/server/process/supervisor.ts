/**
 * Telling the service manager how the start goes.
 *
 *   systemd   messages to the datagram socket that NOTIFY_SOCKET names: STATUS=…, READY=1, STOPPING=1
 *   upstart   the process stops itself once; upstart sees that and lets it go on
 *   auto      whichever of the two has set its environment variable
 *
 * Node.js has no unix datagram sockets, so messages to systemd go through the program `systemd-notify`, which comes with systemd. It is another
 * process than the one that systemd started, so the unit needs `NotifyAccess=all`. Messages leave one after the other, in order, without holding up the
 * server; only the last one is waited for.
 *
 * Source: spec/server.md 28.1; texts as the real server sends them.
 */
import { spawn, spawnSync } from 'node:child_process';

export type SupervisedMode = 'no' | 'upstart' | 'systemd' | 'auto';

/** What the process was found to run under. */
export type Manager = 'none' | 'upstart' | 'systemd';

interface SupervisorLog {
  notice(text: string): void;
  warning(text: string): void;
}

const NOTIFIER = 'systemd-notify';

/** A manager that does not take the last message must not keep the process from ending. */
const LAST_MESSAGE_TIMEOUT_MS = 1000;

export class Supervisor {
  readonly manager: Manager;
  readonly #log: SupervisorLog;
  /** Ends when all messages so far have been sent. */
  #sent: Promise<void> = Promise.resolve();
  #hasFailed = false;

  /** Finds out who supervises, and says so in the log. Under upstart the process stops here until upstart continues it. */
  constructor(mode: SupervisedMode, log: SupervisorLog, environment: NodeJS.ProcessEnv = process.env) {
    this.#log = log;
    this.manager = detect(mode, log, environment);
    if (this.manager === 'upstart') {
      log.notice('Supervised by upstart, will stop to signal readiness.');
      delete environment['UPSTART_JOB'];
      process.kill(process.pid, 'SIGSTOP');
    }
    if (this.manager === 'systemd') {
      log.notice(
        'Supervised by systemd. Please make sure you set appropriate values for TimeoutStartSec and TimeoutStopSec in your service unit.',
      );
      this.status('Redis is loading...');
    }
  }

  /** A line for `systemctl status`. */
  status(text: string): void {
    this.#notify([`STATUS=${text}`]);
  }

  /** The dataset is loaded and clients are served. */
  ready(text = 'Ready to accept connections'): void {
    this.#notify([`STATUS=${text}`, 'READY=1']);
  }

  /** The shutdown has begun and will not be called off. Waits until the message is sent. */
  stopping(): void {
    if (this.manager === 'systemd')
      spawnSync(NOTIFIER, ['STOPPING=1'], { stdio: 'ignore', timeout: LAST_MESSAGE_TIMEOUT_MS });
  }

  #notify(message: readonly string[]): void {
    if (this.manager === 'systemd') this.#sent = this.#sent.then(() => this.#send(message));
  }

  #send(message: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      const notifier = spawn(NOTIFIER, message, { stdio: 'ignore' });
      notifier.once('error', (error) => {
        this.#fail(error.message);
        resolve();
      });
      notifier.once('exit', (code) => {
        if (code !== 0) this.#fail(`${NOTIFIER} ended with ${code}`);
        resolve();
      });
    });
  }

  #fail(reason: string): void {
    if (!this.#hasFailed) this.#log.warning(`systemd supervision error: ${reason}`);
    this.#hasFailed = true;
  }
}

function detect(mode: SupervisedMode, log: SupervisorLog, environment: NodeJS.ProcessEnv): Manager {
  const hasUpstart = (environment['UPSTART_JOB'] ?? '') !== '';
  const hasSystemd = (environment['NOTIFY_SOCKET'] ?? '') !== '';
  switch (mode) {
    case 'no':
      return 'none';
    case 'upstart':
      if (!hasUpstart) log.warning('Upstart supervision requested, but UPSTART_JOB not found!');
      return hasUpstart ? 'upstart' : 'none';
    case 'systemd':
      if (!hasSystemd) log.warning('systemd supervision error: NOTIFY_SOCKET not found!');
      return hasSystemd ? 'systemd' : 'none';
    case 'auto':
      if (hasUpstart) return 'upstart';
      return hasSystemd ? 'systemd' : 'none';
  }
}
