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
const paintAsRedisCli: Painter = (level, text) => `\x1b[${COLOUR_CODES[level]}m${text}\x1b[0m`;

/** A line at the bottom of the terminal that gives way to what is written. */
export interface StatusLine {
  hide(): void;
  show(): void;
}

/** Where text goes: a terminal, or what collects it. */
export interface TextSink {
  write(data: string | Uint8Array): void;
}

export class Output {
  readonly #out: TextSink;
  readonly #err: TextSink;
  readonly #paint: Painter;
  #status: StatusLine | null = null;

  static of(terminal: Terminal): Output {
    const paint: Painter = terminal.hasColours ? paintAsRedisCli : (_, text) => text;
    return new Output(terminal, { write: (text) => terminal.writeError(String(text)) }, paint);
  }

  constructor(out: TextSink, err: TextSink, paint: Painter) {
    this.#out = out;
    this.#err = err;
    this.#paint = paint;
  }

  /** The same, with stdout going elsewhere. */
  redirected(out: TextSink): Output {
    return new Output(out, { write: (text) => this.#beside(this.#err, text) }, this.#paint);
  }

  /** Sets the status line that makes room for everything written; null takes it away. */
  attach(status: StatusLine | null): void {
    this.#status = status;
  }

  /** Writes the text as it is. */
  write(data: string | Uint8Array): void {
    if (data.length > 0) this.#beside(this.#out, data);
  }

  /** Writes an uncoloured line. */
  line(text: string): void {
    this.write(`${text}\n`);
  }

  /** Writes a line, or several, in the colour of its level. */
  say(level: Level, text: string): void {
    this.write(this.#paint(level, `${text}\n`));
  }

  /** Writes a line of which only the beginning is coloured. */
  heading(title: string, rest: string): void {
    this.write(`${this.#paint('info', title)}${rest}\n`);
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
    this.#beside(this.#err, `${text}\n`);
  }

  #beside(sink: TextSink, data: string | Uint8Array): void {
    this.#status?.hide();
    sink.write(data);
    this.#status?.show();
  }
}
