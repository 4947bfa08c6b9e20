/**
 * Children that never outlive the test process. Those that still run are killed when it exits, by whatever way it does: normal end, uncaught
 * exception, SIGINT, SIGTERM; and where `setpriv` exists the kernel kills them even if this process is killed with SIGKILL.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { findProgram } from './tools.js';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SpawnOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** `pipe` gives a stdin to write to; default `ignore`. */
  readonly stdin?: 'pipe' | 'ignore';
}

/** Output kept per child, for failure messages: the latest so many characters. */
const OUTPUT_CHARS_MAX = 256 * 1024;

/** How long a child may take to end, on a machine that is busy with other things. */
const EXIT_TIMEOUT_MS = 180_000;

/** How long the output of a child that has ended is waited for: a child of its own that lives on may hold the pipes. */
const OUTPUT_TIMEOUT_MS = 10_000;

const running = new Set<ChildProcess>();
const setpriv = process.platform === 'linux' ? findProgram('setpriv') : null;

process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

export class Child {
  readonly pid: number;
  stdout = '';
  stderr = '';
  /** Set when it has ended and its output is complete. */
  exit: Exit | null = null;
  readonly #child: ChildProcess;
  readonly #command: string;
  readonly #exited: Promise<void>;

  /** Starts a program; throws if it cannot be started. The pid is the program's own. */
  static async start(program: string, args: readonly string[], options: SpawnOptions = {}): Promise<Child> {
    const [file, argv] =
      setpriv === null ? [program, args] : [setpriv, ['--pdeathsig', 'KILL', '--', program, ...args]];
    const child = spawn(file, argv, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    return new Child(child, [program, ...args].join(' '));
  }

  private constructor(child: ChildProcess, command: string) {
    this.#child = child;
    this.#command = command;
    this.pid = child.pid!;
    running.add(child);
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout = (this.stdout + text).slice(-OUTPUT_CHARS_MAX);
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr = (this.stderr + text).slice(-OUTPUT_CHARS_MAX);
    });
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        running.delete(child);
        const timer = setTimeout(onEnd, OUTPUT_TIMEOUT_MS);
        child.once('close', onEnd);
        function onEnd(): void {
          clearTimeout(timer);
          settle({ code, signal });
        }
      });
      const settle = (exit: Exit): void => {
        this.exit = exit;
        resolve();
      };
    });
  }

  /** Waits until it has ended. One that does not end in time is killed, and is a failure that shows what it has written. */
  async untilExit(timeoutMs = EXIT_TIMEOUT_MS): Promise<Exit> {
    let isOverdue = false;
    const timer = setTimeout(() => {
      isOverdue = true;
      this.kill('SIGKILL');
    }, timeoutMs);
    await this.#exited;
    clearTimeout(timer);
    if (isOverdue)
      throw new Error(
        `"${this.#command}" did not end within ${timeoutMs} ms\nstdout:\n${this.stdout.slice(-4000)}\nstderr:\n${this.stderr.slice(-4000)}`,
      );
    return this.exit!;
  }

  /** Kills it, if it runs, and waits until it has ended. */
  async end(): Promise<Exit> {
    this.kill('SIGKILL');
    return this.untilExit();
  }

  /** Writes to stdin (with `stdin: 'pipe'`). */
  writeInput(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Writes to stdin (with `stdin: 'pipe'`) and closes it. */
  endInput(text: string): void {
    this.#child.stdin?.on('error', () => {});
    this.#child.stdin?.end(text);
  }

  /** Sends a signal; what comes of it is not awaited. */
  kill(signal: NodeJS.Signals): void {
    if (this.exit === null) this.#child.kill(signal);
  }
}

/** Whether there is a process with this id, whoever's it is. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
