/**
 * The shell: lines in, replies out, until the input ends. On a terminal with an editor, prompt, history and hints; from a pipe just the lines.
 *
 * Reading order: this → line-source.ts → line-editor.ts (pure) → command-help.ts → syntax.ts (pure). A line is either answered here (quit, help, clear,
 * connect, :set) or run by ../command-runner.ts. Source: spec/cli.md section 1.16.
 */
import type { CommandLine } from '../command-line.js';
import type { CommandRunner } from '../command-runner.js';
import { debuggerWords, type LuaDebugger } from '../modes/lua-debugger.js';
import type { Session } from '../session.js';
import { createRunner, createSession, outputMode } from '../session-setup.js';
import { splitWords } from '../split-words.js';
import type { Terminal } from '../terminal.js';
import { CommandHelp } from './command-help.js';
import { builtInHelpTable, fetchHelpTable, showHelp } from './help.js';
import { History, isSensitive } from './history.js';
import { EditedLines, type LineSource, PipedLines, PlainLines } from './line-source.js';
import { applyPreference, dotFile, loadPreferences, type Preferences } from './preferences.js';

/** A command that took longer gets its time told. */
const TELLS_TIME_FROM_MS = 500;
const PROMPT_CHARACTERS_MAX = 127;
const DUMB_TERMINALS = new Set(['dumb', 'cons25', 'emacs']);
const INTERRUPTED_EXIT_CODE = 1;

export async function runShell(line: CommandLine, terminal: Terminal): Promise<number> {
  const session = createSession(line, terminal);
  await session.connect();
  await openShell(session, line, terminal, null);
  session.disconnect();
  return 0;
}

/** The shell on a session that there is. @param luaDebugger gets the lines while it is active */
export async function openShell(
  session: Session,
  line: CommandLine,
  terminal: Terminal,
  luaDebugger: LuaDebugger | null,
): Promise<void> {
  const runner = createRunner(session, line, terminal, { isShell: true, hasSubscribedMode: terminal.isInputTty });
  const shell = new Shell(session, runner, terminal, luaDebugger, outputMode(line, terminal) === 'standard');
  await shell.run(terminal.isInputTty ? await shell.openTerminal() : new PipedLines());
}

/** What a line has done to the shell. */
type LineResult = 'go-on' | 'quit';

class Shell {
  readonly #session: Session;
  readonly #runner: CommandRunner;
  readonly #terminal: Terminal;
  readonly #debugger: LuaDebugger | null;
  readonly #tellsTime: boolean;
  #preferences: Preferences = { showsHints: true };
  /** null: lines are not kept. */
  #history: History | null = null;

  constructor(
    session: Session,
    runner: CommandRunner,
    terminal: Terminal,
    luaDebugger: LuaDebugger | null,
    tellsTime: boolean,
  ) {
    this.#session = session;
    this.#runner = runner;
    this.#terminal = terminal;
    this.#debugger = luaDebugger;
    this.#tellsTime = tellsTime;
  }

  /** What a user at a terminal gets: history, preferences, help as one types. */
  async openTerminal(): Promise<LineSource> {
    const history = new History(dotFile(process.env, 'REDISCLI_HISTFILE', '.rediscli_history'));
    this.#history = history;
    const table =
      (this.#session.isConnected ? await fetchHelpTable(this.#session) : null) ?? (await builtInHelpTable());
    const help = new CommandHelp(table);
    this.#preferences = help;
    for (const complaint of loadPreferences(process.env, help)) this.#terminal.write(`${complaint}\n`);
    if (DUMB_TERMINALS.has((process.env['TERM'] ?? '').toLowerCase())) return new PlainLines(this.#terminal);
    return new EditedLines(
      this.#terminal,
      this.#session,
      () => history.entries,
      help,
      () => this.#runner.showArrived(),
    );
  }

  /** Reads and runs lines until there are no more, or the user quits. */
  async run(lines: LineSource): Promise<void> {
    for (;;) {
      if (this.#session.isSubscribed && !(await lines.waitWhileSubscribed())) await this.#leaveSubscriptions();
      const line = await lines.next(this.prompt());
      if (line === null || (await this.#runLine(line)) === 'quit') return;
    }
  }

  /** `127.0.0.1:6379[3](TX)> ` */
  prompt(): string {
    const { settings, database, isConnected, isInTransaction, isSubscribed } = this.#session;
    if (this.#debugger?.isActive) return 'lua debugger> ';
    if (!isConnected) return 'not connected> ';
    const { host, port, socketPath } = settings;
    const address = socketPath === null ? `${host.includes(':') ? `[${host}]` : host}:${port}` : `redis ${socketPath}`;
    const state = `${database === 0 ? '' : `[${database}]`}${isInTransaction ? '(TX)' : ''}${isSubscribed ? '(subscribed mode)' : ''}`;
    return `${address}${state}> `.slice(0, PROMPT_CHARACTERS_MAX);
  }

  async #runLine(line: string | Buffer): Promise<LineResult> {
    const words = splitWords(line);
    if (words === null) {
      this.#history?.add(String(line));
      this.#terminal.write('Invalid argument(s)\n');
      return 'go-on';
    }
    if (words.length === 0) return 'go-on';
    if (this.#debugger?.isActive) return this.#runInDebugger(line, words, this.#debugger);
    const repeat = repeatCount(words);
    const command = repeat === null ? words : words.slice(1);
    const texts = command.map(String);
    if (!isSensitive(texts)) this.#history?.add(String(line));
    if (repeat !== null && (repeat <= 0 || !Number.isSafeInteger(repeat))) {
      this.#terminal.write('Invalid redis-cli repeat command option value.\n');
      return 'go-on';
    }
    const local = await this.#runLocally(texts, command);
    if (local !== null) return local;
    await this.#runOnServer(command, repeat ?? 1);
    return 'go-on';
  }

  async #runInDebugger(line: string | Buffer, words: Buffer[], luaDebugger: LuaDebugger): Promise<LineResult> {
    this.#history?.add(String(line));
    const name = words[0]!.toString('latin1').toLowerCase();
    if (name === 'quit' || name === 'exit') return 'quit';
    if (name === 'restart') return (await luaDebugger.restart()) ? 'go-on' : 'quit';
    const repeat = repeatCount(words);
    if (repeat === null) await luaDebugger.run(debuggerWords(line, words));
    for (let left = repeat ?? 0; left > 0 && luaDebugger.isActive; left--) await luaDebugger.run(words.slice(1));
    return 'go-on';
  }

  /** @returns null where the server is to answer */
  async #runLocally(texts: readonly string[], command: readonly Buffer[]): Promise<LineResult | null> {
    const name = texts[0]!.toLowerCase();
    if (name === 'quit' || name === 'exit') return 'quit';
    if (name === 'help' || name === '?') {
      await showHelp(command.slice(1), this.#session, this.#terminal);
    } else if (name.startsWith(':')) {
      const complaint = applyPreference(texts, this.#preferences);
      if (complaint !== null) this.#terminal.write(`${complaint}\n`);
    } else if (name === 'restart' && this.#debugger !== null) {
      return (await this.#debugger.restart()) ? 'go-on' : 'quit';
    } else if (name === 'restart') {
      this.#terminal.write("Use 'restart' only in Lua debugging mode.\n");
    } else if (name === 'connect' && texts.length === 3) {
      await this.#connectTo(texts[1]!, Number.parseInt(texts[2]!, 10) || 0);
    } else if (name === 'clear' && texts.length === 1) {
      this.#terminal.write('\x1b[H\x1b[2J');
    } else {
      return null;
    }
    return 'go-on';
  }

  async #connectTo(host: string, port: number): Promise<void> {
    Object.assign(this.#session.settings, { host, port, socketPath: null });
    this.#session.disconnect();
    await this.#session.connect();
  }

  async #runOnServer(command: readonly Buffer[], repeat: number): Promise<void> {
    const startedAtMs = performance.now();
    // At a terminal Ctrl-C ends what has no end of its own; anything else it ends together with the shell.
    const stopListening = this.#terminal.isInputTty
      ? this.#terminal.onInterrupt(() => this.#runner.interrupt() || process.exit(INTERRUPTED_EXIT_CODE))
      : () => {};
    await this.#runner.run(command, repeat);
    stopListening();
    const elapsedMs = performance.now() - startedAtMs;
    if (this.#tellsTime && elapsedMs >= TELLS_TIME_FROM_MS)
      this.#terminal.write(`(${(elapsedMs / 1000).toFixed(2)}s)\n`);
  }

  /** Ctrl-C: a new connection has no subscriptions. */
  async #leaveSubscriptions(): Promise<void> {
    this.#session.disconnect();
    await this.#session.connect();
  }
}

/** `3 ping`: how often; null where the line does not begin with a number, or is only that. */
function repeatCount(words: readonly Buffer[]): number | null {
  const text = words[0]!.toString('latin1');
  return words.length > 1 && /^[+-]?\d+$/.test(text) ? Number(text) : null;
}
