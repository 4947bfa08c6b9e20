/**
 * A program on a terminal of its own, driven by keys and looked at as a user would: what stands on the screen, with its colours, and where the cursor is.
 * The terminal is tmux's, each screen in a tmux server of its own, which ends with the test.
 */
import { execFileSync } from 'node:child_process';
import { waitFor } from './wait-for.js';

export interface ScreenOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
}

const TMUX_TIMEOUT_MS = 60_000;

let screenCount = 0;

const open = new Set<Screen>();
process.on('exit', () => {
  for (const screen of open) screen.close();
});

export class Screen {
  readonly #server = `slotmesh-test-${process.pid}-${++screenCount}`;

  /** Starts a program; the screen stays when it ends, and shows its exit code. */
  constructor(command: readonly string[], options: ScreenOptions = {}) {
    const { columns = 80, rows = 24, env = {}, cwd = '/' } = options;
    const variables = Object.entries({ TERM: 'xterm-256color', ...env }).map(([name, value]) => `${name}=${value}`);
    const words = ['env', ...variables, ...command].map(quote).join(' ');
    const script = `${words}; echo "[ended with $?]"; sleep 1000`;
    open.add(this);
    this.#tmux(...['new-session', '-d', '-x', String(columns), '-y', String(rows), '-c', cwd], script);
  }

  /** Types text as it is. */
  type(text: string): void {
    this.#tmux('send-keys', '-l', text);
  }

  /** Presses keys by the names of tmux: `Enter`, `C-c`, `Up`, `Tab`, `BSpace`. */
  press(...keys: string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  /** The lines of the screen without trailing blanks, and without the empty ones at its end. */
  text(): string {
    return this.#tmux('capture-pane', '-p').trimEnd();
  }

  /** `text` with the escape sequences of its colours (not those behind which nothing stands), and `column,row` of the cursor. */
  picture(): string {
    const cursor = this.#tmux('display-message', '-p', '#{cursor_x},#{cursor_y}').trimEnd();
    const lines = this.#tmux('capture-pane', '-p', '-e')
      .replace(/(\x1b\[[\d;]*m)+$/gm, '')
      .trimEnd();
    return `${lines}\n[cursor ${cursor}]`;
  }

  async untilShown(pattern: RegExp): Promise<void> {
    await waitFor(() => pattern.test(this.text()), { what: `${pattern} on the screen`, detail: () => this.text() });
  }

  close(): void {
    open.delete(this);
    try {
      this.#tmux('kill-server');
    } catch {
      // It ended by itself.
    }
  }

  #tmux(...args: string[]): string {
    return execFileSync('tmux', ['-f', '/dev/null', '-L', this.#server, ...args], {
      encoding: 'utf8',
      timeout: TMUX_TIMEOUT_MS,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}

/** Waits until two screens show the same. Fails with both pictures. */
export async function untilSame(actual: Screen, expected: Screen, what: string): Promise<void> {
  await waitFor(() => actual.picture() === expected.picture(), {
    what: `both screens to show the same: ${what}`,
    detail: () => `--- expected\n${expected.picture()}\n--- actual\n${actual.picture()}`,
  });
}

function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
