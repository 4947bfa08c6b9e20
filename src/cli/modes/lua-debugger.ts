/**
 * --ldb: a script run step by step on a server that can do that. The server answers EVAL, and each command of the user after it, with lines to show, until
 * one says that the session has ended; then comes the script's own reply.
 *
 *   start ──lines──▶ debugging ──<endsession>, reply──▶ ended ──restart──▶ start
 *     └──error, or the end at once──▶ failed: there is nothing to debug
 *
 * Source: spec/cli.md section 1.19.
 */
import { ClientError } from '../../client/client-error.js';
import { formatRaw, formatStandard } from '../reply/format.js';
import type { ReplyNode } from '../reply/reply-node.js';
import { lossText, type Session } from '../session.js';
import type { Terminal } from '../terminal.js';

const BANNER = `Lua debugging session started, please use:
quit    -- End the session.
restart -- Restart the script in debug mode again.
help    -- Show Lua script debugging commands.

`;
const END_MARK = '<endsession>';

/** Colours by how a line begins, as the parameters of the escape sequence. */
const LINE_COLOURS: readonly (readonly [beginning: RegExp, colour: string])[] = [
  [/^<(debug|hint)>/, '1;37;49'],
  [/^<redis>/, '0;32;49'],
  [/^<reply>/, '0;36;49'],
  [/^<error>/, '0;31;49'],
  [/^<(value|retval)>/, '0;35;49'],
  [/^->/, '0;33;49'],
  [/^..#/, '1;37;49'],
];
const OTHER_COLOUR = '0;37;49';

export class LuaDebugger {
  isActive = false;
  readonly #session: Session;
  readonly #terminal: Terminal;
  readonly #request: readonly Uint8Array[];
  readonly #isSynchronous: boolean;

  /**
   * @param request the EVAL to debug
   * @param isSynchronous the server stops meanwhile, and what the script changes stays
   */
  constructor(session: Session, terminal: Terminal, request: readonly Uint8Array[], isSynchronous: boolean) {
    this.#session = session;
    this.#terminal = terminal;
    this.#request = request;
    this.#isSynchronous = isSynchronous;
  }

  /** Begins the script, also anew. @returns whether it now waits at its first line; if not, the reason has been told */
  async start(): Promise<boolean> {
    this.#terminal.write(BANNER);
    if (!(await this.#session.connect())) return false;
    return this.#withConnection(async () => {
      // A server that cannot debug refuses this, and then runs the script as ever.
      await this.#session.ask('SCRIPT', 'DEBUG', this.#isSynchronous ? 'sync' : 'yes');
      this.#session.send(this.#request);
      const first = await this.#session.nextReply();
      if (!isDebugOutput(first)) {
        this.#write(`${formatRaw(first, '\n')}\n`);
        return;
      }
      this.isActive = !this.#showLines(first);
      if (this.isActive) return;
      this.#terminal.write("\nEval debugging session can't start:\n");
      this.#write(formatStandard(await this.#session.nextReply(), ''));
    });
  }

  /** Begins anew what is going on or has ended. */
  async restart(): Promise<boolean> {
    this.isActive = false;
    this.#session.disconnect();
    this.#terminal.write('\n');
    return this.start();
  }

  /** One command of the user to the debugger. */
  async run(words: readonly Uint8Array[]): Promise<void> {
    await this.#withConnection(async () => {
      this.#session.send(words);
      if (!this.#showLines(await this.#session.nextReply())) return;
      this.isActive = false;
      this.#terminal.write('\n');
      this.#write(formatStandard(await this.#session.nextReply(), ''));
      const consequence = this.#isSynchronous ? '' : ' -- dataset changes rolled back';
      this.#terminal.write(`\n(Lua debugging session ended${consequence})\n\n`);
      // The connection belonged to the session on the server's side.
      this.#session.disconnect();
      await this.#session.connect();
    });
  }

  /** @returns whether the session has ended with them */
  #showLines(output: ReplyNode): boolean {
    const lines = isDebugOutput(output)
      ? output.items.map(({ bytes }) => bytes.toString('latin1'))
      : [formatRaw(output, '\n')];
    const end = lines.findIndex((line) => line.startsWith(END_MARK));
    for (const line of end < 0 ? lines : lines.slice(0, end)) this.#write(`${this.#coloured(line)}\n`);
    return end >= 0;
  }

  #coloured(line: string): string {
    if (!this.#terminal.hasColours) return line;
    const colour = LINE_COLOURS.find(([beginning]) => beginning.test(line))?.[1] ?? OTHER_COLOUR;
    return `\x1b[${colour}m${line}\x1b[0m`;
  }

  /** @returns whether the debugger is active afterwards */
  async #withConnection(body: () => Promise<void>): Promise<boolean> {
    try {
      await body();
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.isActive = false;
      this.#session.disconnect();
      this.#terminal.writeError(`Error: ${lossText(error)}\n`);
    }
    return this.isActive;
  }

  #write(text: string): void {
    this.#terminal.write(Buffer.from(text, 'latin1'));
  }
}

/** Lines of the debugger come as statuses in an array. */
function isDebugOutput({ kind, items }: ReplyNode): boolean {
  return kind === 'array' && items.length > 0 && items.every((item) => item.kind === 'status');
}

/** The words of a line to the debugger: what follows `e` or `eval` is one, as it was typed. */
export function debuggerWords(line: string | Buffer, words: readonly Buffer[]): readonly Buffer[] {
  const code = /^\s*(e|eval)\s+(.*)$/s.exec(Buffer.from(line as string).toString('latin1'));
  return code === null ? words : [Buffer.from(code[1]!), Buffer.from(code[2]!, 'latin1')];
}
