/**
 * What the cluster manager prints: plain text, and lines of four levels that a colour tells apart. All levels go to stdout; only the few lines for
 * which redis-cli uses stderr go there (`complain`). Source: spec/cli.md section 2.2.
 */
import type { Terminal } from '../terminal.js';

export type Level = 'info' | 'warning' | 'error' | 'ok';

/** Gives a text (which ends with a line feed) its colour. */
export type Painter = (level: Level, text: string) => string;

const COLOUR_CODES: Record<Level, string> = { info: '29;1', warning: '33;1', error: '31;1', ok: '32;1' };

/** As redis-cli: the colour ends after the line feed, at the start of the next line. */
export const paintAsRedisCli: Painter = (level, text) => `\x1b[${COLOUR_CODES[level]}m${text}\x1b[0m`;

export class Output {
  readonly #terminal: Terminal;
  readonly #paint: Painter;

  constructor(terminal: Terminal, paint: Painter = terminal.hasColours ? paintAsRedisCli : (_, text) => text) {
    this.#terminal = terminal;
    this.#paint = paint;
  }

  /** Writes the text as it is. */
  write(text: string): void {
    this.#terminal.write(text);
  }

  /** Writes an uncoloured line. */
  line(text: string): void {
    this.write(`${text}\n`);
  }

  /** Writes a line, or several, in the colour of its level. */
  say(level: Level, text: string): void {
    this.write(this.#paint(level, `${text}\n`));
  }

  info(text: string): void {
    this.say('info', text);
  }

  warn(text: string): void {
    this.say('warning', text);
  }

  error(text: string): void {
    this.say('error', text);
  }

  ok(text: string): void {
    this.say('ok', text);
  }

  /** Writes a line to stderr. */
  complain(text: string): void {
    this.#terminal.writeError(`${text}\n`);
  }
}
