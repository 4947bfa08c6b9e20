/** Where the shell's lines come from: an editor on a terminal, a terminal that cannot be edited on, or a pipe. */
import type { Session } from '../session.js';
import type { Terminal } from '../terminal.js';
import { Keyboard } from './keyboard.js';
import { type Key, LineEditor, type LineHelper } from './line-editor.js';

export interface LineSource {
  /** The next line without its end, as bytes where it may hold any; null at the end of the input, or when the user wants to leave. */
  next(prompt: string): Promise<string | Buffer | null>;
  /** Called while subscribed and nothing is to be done: comes back when the user wants to type. @returns false: wants out of the subscriptions */
  waitWhileSubscribed(): Promise<boolean>;
}

/** Lines of a pipe or file: any bytes, any length. */
export class PipedLines implements LineSource {
  readonly #chunks = process.stdin[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  #parts: Buffer[] = [];
  #hasEnded = false;

  async next(): Promise<Buffer | null> {
    let rest = this.#parts.pop();
    for (;;) {
      const end = rest?.indexOf(0x0a) ?? -1;
      if (rest !== undefined && end >= 0) {
        const line = Buffer.concat([...this.#parts, rest.subarray(0, end)]);
        this.#parts = [rest.subarray(end + 1)];
        return line;
      }
      if (rest !== undefined && rest.length > 0) this.#parts.push(rest);
      if (this.#hasEnded) return this.#lastLine();
      const { value, done } = await this.#chunks.next();
      this.#hasEnded = done === true;
      rest = done === true ? undefined : value;
    }
  }

  async waitWhileSubscribed(): Promise<boolean> {
    return true;
  }

  /** What stands behind the last line end. */
  #lastLine(): Buffer | null {
    const line = Buffer.concat(this.#parts);
    this.#parts = [];
    return line.length > 0 ? line : null;
  }
}

/** A terminal that cannot move its cursor (TERM=dumb). */
export class PlainLines implements LineSource {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  next(prompt: string): Promise<string | null> {
    return this.#terminal.readLine(prompt);
  }

  async waitWhileSubscribed(): Promise<boolean> {
    return true;
  }
}

const SUBSCRIBED_BANNER = 'Reading messages... (press Ctrl-C to quit or any key to type command)';

/** A terminal with the line editor. What arrives from the server meanwhile is shown above the line. */
export class EditedLines implements LineSource {
  readonly #keyboard = new Keyboard();
  readonly #terminal: Terminal;
  readonly #session: Session;
  readonly #history: () => readonly string[];
  readonly #helper: LineHelper;
  readonly #showArrived: () => void;

  /** @param showArrived writes what has arrived from the server and nobody asked for */
  constructor(
    terminal: Terminal,
    session: Session,
    history: () => readonly string[],
    helper: LineHelper,
    showArrived: () => void,
  ) {
    this.#terminal = terminal;
    this.#session = session;
    this.#history = history;
    this.#helper = helper;
    this.#showArrived = showArrived;
  }

  next(prompt: string): Promise<string | null> {
    const editor = new LineEditor(prompt, this.#history(), this.#helper);
    const draw = (): void => this.#terminal.write(editor.draw(this.#terminal.columns));
    return new Promise((resolve) => {
      const finish = (line: string | null): void => {
        this.#keyboard.stop();
        process.stdout.off('resize', draw);
        this.#session.onArrival = () => {};
        resolve(line);
      };
      this.#session.onArrival = () => {
        this.#terminal.write(editor.hide());
        this.#showArrived();
        draw();
      };
      process.stdout.on('resize', draw);
      this.#keyboard.start((key) => {
        const result = key === null ? 'ended' : editor.press(key);
        if (result === 'editing') {
          draw();
          return;
        }
        this.#terminal.write(editor.drawFinished(this.#terminal.columns));
        finish(result === 'accepted' ? editor.text : null);
      });
      // The prompt comes when the keys are ours: what is typed before, the terminal itself would edit.
      draw();
    });
  }

  waitWhileSubscribed(): Promise<boolean> {
    const banner = this.#terminal.hasColours ? `\x1b[1;90m${SUBSCRIBED_BANNER}\x1b[0m` : SUBSCRIBED_BANNER;
    const show = (): void => {
      this.#terminal.write('\r\x1b[K');
      this.#showArrived();
      if (this.#session.isSubscribed) this.#terminal.write(`${banner}\r`);
    };
    return new Promise((resolve) => {
      const finish = (mayGoOn: boolean): void => {
        this.#keyboard.stop();
        this.#session.onArrival = () => {};
        this.#terminal.write('\r\x1b[K');
        resolve(mayGoOn);
      };
      this.#session.onArrival = () => {
        show();
        if (!this.#session.isSubscribed || this.#session.hasLost) finish(true);
      };
      this.#keyboard.start((key: Key | null) => {
        const isInterrupt = key === null || (key.ctrl === true && key.name === 'c');
        if (key !== null && !isInterrupt) this.#keyboard.unread(key);
        finish(!isInterrupt);
      });
      show();
    });
  }
}
