/**
 * Keys of the terminal, one at a time. The terminal is raw only while somebody reads keys: during a command it treats Ctrl-C and Ctrl-Z as ever. Keys
 * that come in one piece, as a paste of several lines does, wait for the next reader.
 */
import { emitKeypressEvents } from 'node:readline';
import type { Key } from './line-editor.js';

export class Keyboard {
  readonly #input = process.stdin;
  #keys: Key[] = [];
  #onKey: ((key: Key | null) => void) | null = null;
  #hasEnded = false;

  constructor() {
    emitKeypressEvents(this.#input);
    this.#input.on('keypress', (character: string | undefined, key: Partial<Key> | undefined) => {
      this.#keys.push({ ...key, sequence: key?.sequence ?? character ?? '' });
      this.#deliver();
    });
    this.#input.on('end', () => {
      this.#hasEnded = true;
      this.#deliver();
    });
    this.#input.pause();
  }

  /** Gives each key to `onKey` until `stop`; null: the terminal has gone. */
  start(onKey: (key: Key | null) => void): void {
    this.#onKey = onKey;
    this.#input.setRawMode(true);
    this.#input.resume();
    // Not within this call: the reader is not ready yet.
    setImmediate(() => this.#deliver());
  }

  stop(): void {
    this.#onKey = null;
    this.#input.setRawMode(false);
    this.#input.pause();
  }

  /** Puts a key back, for the next reader. */
  unread(key: Key): void {
    this.#keys.unshift(key);
  }

  #deliver(): void {
    while (this.#onKey !== null && this.#keys.length > 0) this.#onKey(this.#keys.shift()!);
    if (this.#hasEnded) this.#onKey?.(null);
  }
}
