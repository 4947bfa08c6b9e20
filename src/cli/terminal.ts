/**
 * The terminal as the tools see it: two output streams written to exactly, and questions asked on stdin. Everything that prints or asks takes a
 * Terminal, so that tests put a recording one in its place.
 */
import { createInterface, type Interface } from 'node:readline';
import { isatty } from 'node:tty';

export interface Terminal {
  readonly isInputTty: boolean;
  readonly isOutputTty: boolean;
  /** Whether colours are wanted: TERM contains `xterm`, whatever the streams are, as redis-cli decides it. */
  readonly hasColours: boolean;
  /** Width of the output terminal; 80 where there is none. */
  readonly columns: number;
  /** Writes to stdout, with nothing added. */
  write(data: string | Uint8Array): void;
  /** Writes to stderr, with nothing added. */
  writeError(text: string): void;
  /** Writes the prompt to stdout (no line end) and reads the next line of stdin, without its line end. null: the input has ended. */
  readLine(prompt: string): Promise<string | null>;
  /** `readLine` that shows a `*` for each character typed; where stdin is no terminal, nothing is shown at all. */
  readSecret(prompt: string): Promise<string | null>;
  /** Calls `listener` at every Ctrl-C instead of ending the process; the function that comes back ends that. */
  onInterrupt(listener: () => void): () => void;
  /**
   * `onInterrupt` for work that must not stop just anywhere: `listener` is also called, once, when the process is told to end (SIGTERM), its terminal is
   * closed (SIGHUP), or nobody reads its output any more. What is written to an output that is gone is lost.
   */
  onEndAsked(listener: () => void): () => void;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  return new ProcessTerminal();
}

class ProcessTerminal implements Terminal {
  readonly isInputTty = isatty(0);
  /** FAKETTY is for tests: replies in the form for people, through a pipe. */
  readonly isOutputTty = isatty(1) || process.env['FAKETTY'] !== undefined;
  readonly hasColours = (process.env['TERM'] ?? '').includes('xterm');
  /** Lines come from one reader that lives as long as questions are asked: what was read ahead is not lost between two of them. */
  #lines: Interface | null = null;
  #unread: string[] = [];
  #hasEnded = false;
  #wakeReader: (() => void) | null = null;

  readonly #endListeners = new Set<() => void>();
  #isAskedToEnd = false;

  constructor() {
    // The reader of a pipe that went away (`| head`) ends the tool, as SIGPIPE would.
    for (const stream of [process.stdout, process.stderr])
      stream.on('error', () => {
        if (this.#endListeners.size === 0) process.exit(1);
        this.#askToEnd();
      });
  }

  get columns(): number {
    return process.stdout.columns || 80;
  }

  write(data: string | Uint8Array): void {
    process.stdout.write(data);
  }

  writeError(text: string): void {
    process.stderr.write(text);
  }

  async readLine(prompt: string): Promise<string | null> {
    this.write(prompt);
    this.#lines ??= this.#openLines();
    process.stdin.ref?.();
    // A reader whose input has ended is closed, and refuses this since Node 24.
    if (!this.#hasEnded) this.#lines.resume();
    while (this.#unread.length === 0 && !this.#hasEnded)
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    // Waiting for an answer keeps the process alive, having asked does not.
    if (!this.#hasEnded) this.#lines.pause();
    process.stdin.unref?.();
    return this.#unread.shift() ?? null;
  }

  async readSecret(prompt: string): Promise<string | null> {
    if (!this.isInputTty) return this.readLine('');
    return readMasked(prompt, (shown) => this.write(shown));
  }

  onInterrupt(listener: () => void): () => void {
    process.on('SIGINT', listener);
    return () => void process.off('SIGINT', listener);
  }

  onEndAsked(listener: () => void): () => void {
    const askToEnd = (): void => this.#askToEnd();
    this.#endListeners.add(listener);
    process.on('SIGINT', listener).on('SIGTERM', askToEnd).on('SIGHUP', askToEnd);
    return () => {
      this.#endListeners.delete(listener);
      process.off('SIGINT', listener).off('SIGTERM', askToEnd).off('SIGHUP', askToEnd);
    };
  }

  /** A terminal that is closed sends a signal and fails every write: that is asked once. */
  #askToEnd(): void {
    if (this.#isAskedToEnd) return;
    this.#isAskedToEnd = true;
    for (const listener of this.#endListeners) listener();
  }

  #openLines(): Interface {
    const lines = createInterface({ input: process.stdin, terminal: false });
    const wake = (): void => {
      this.#wakeReader?.();
      this.#wakeReader = null;
    };
    lines.on('line', (line) => {
      this.#unread.push(line);
      wake();
    });
    lines.on('close', () => {
      this.#hasEnded = true;
      wake();
    });
    return lines;
  }
}

/** Reads one line from a raw terminal; `show` gets what is to appear. Ctrl-C ends the process, Ctrl-D on an empty line is null. */
function readMasked(prompt: string, show: (text: string) => void): Promise<string | null> {
  const { stdin } = process;
  return new Promise((resolve) => {
    let typed = '';
    const finish = (line: string | null): void => {
      stdin.off('data', onData).setRawMode(false).pause();
      show('\n');
      resolve(line);
    };
    const onKey = (key: string): void => {
      if (key === '\r' || key === '\n') finish(typed);
      else if (key === '\x03') {
        finish(null);
        process.exit(1);
      } else if (key === '\x04' && typed === '') finish(null);
      else if (key === '\x7f' || key === '\b') {
        if (typed !== '') show('\b \b');
        typed = [...typed].slice(0, -1).join('');
      } else if (key >= ' ') {
        typed += key;
        show('*');
      }
    };
    const onData = (text: string): void => {
      for (const key of text) onKey(key);
    };
    stdin.setRawMode(true).setEncoding('utf8').on('data', onData).resume();
    // Only now: the terminal would show what is typed by one who is quick to answer.
    show(prompt);
  });
}
