/**
 * A terminal whose stdout is no terminal, written to in larger pieces: a reshard writes a few characters per slot, and each write is a system call. What
 * is written waits for more, at most a moment; errors and questions come after it all the same.
 */
import type { Terminal } from '../terminal.js';

const FLUSH_BYTES = 16 * 1024;
const FLUSH_DELAY_MS = 100;

export class BufferedTerminal implements Terminal {
  readonly #terminal: Terminal;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  get isInputTty(): boolean {
    return this.#terminal.isInputTty;
  }

  get isOutputTty(): boolean {
    return this.#terminal.isOutputTty;
  }

  get hasColours(): boolean {
    return this.#terminal.hasColours;
  }

  get columns(): number {
    return this.#terminal.columns;
  }

  write(data: string | Uint8Array): void {
    const piece = Buffer.from(data);
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    if (this.#bytes >= FLUSH_BYTES || this.isOutputTty) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_DELAY_MS).unref();
  }

  writeError(text: string): void {
    this.flush();
    this.#terminal.writeError(text);
  }

  readLine(prompt: string): Promise<string | null> {
    this.flush();
    return this.#terminal.readLine(prompt);
  }

  readSecret(prompt: string): Promise<string | null> {
    this.flush();
    return this.#terminal.readSecret(prompt);
  }

  onInterrupt(listener: () => void): () => void {
    return this.#terminal.onInterrupt(listener);
  }

  onEndAsked(listener: () => void): () => void {
    return this.#terminal.onEndAsked(listener);
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#bytes === 0) return;
    this.#terminal.write(Buffer.concat(this.#pieces));
    this.#pieces = [];
    this.#bytes = 0;
  }
}
