/**
 * The server log, in Redis's line format, so that the tools and habits of its operators work:
 *
 *   <pid>:<role> <dd Mon yyyy HH:MM:SS.mmm> <level> <message>        4711:M 20 Nov 2026 13:35:24.466 * Ready to accept connections tcp
 *
 *   role   C not serving yet (or a child process), M primary, S replica, X sentinel
 *   level  . debug   - verbose   * notice   # warning
 *
 * A line is written to the file with one blocking `write` before the call returns: the last words before a crash are the ones that matter, and at the
 * levels used in production a server logs a few lines per minute. What is below the level costs one comparison.
 *
 * Redis opens the file for every line, so that it can be rotated by renaming. Here the file stays open; at most once a second the name is looked up
 * again, and if it now means another file (or none), that one is opened or made.
 *
 * Source: spec/server.md 28.3.
 */
import * as fs from 'node:fs';

export type LogLevel = 'debug' | 'verbose' | 'notice' | 'warning' | 'nothing';
export type LogRole = 'C' | 'M' | 'S' | 'X';

export interface LoggerOptions {
  /** `notice` unless given */
  readonly level?: LogLevel;
  /** Absolute path; empty or left out: standard output. */
  readonly file?: string;
  /** Asked for every line, because roles change; `C` unless given. */
  readonly role?: () => LogRole;
  /** Unix time in milliseconds. */
  readonly now?: () => number;
}

const ORDER: Readonly<Record<LogLevel, number>> = { debug: 0, verbose: 1, notice: 2, warning: 3, nothing: 4 };
const MARKS = '.-*#';
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const STANDARD_OUTPUT = 1;
const NO_FILE = -1;

/** How long lines may go to a file that has been renamed away. */
const REOPEN_CHECK_INTERVAL_MS = 1000;

export class Logger {
  /** Replaced when the server knows its role. */
  role: () => LogRole;

  readonly #now: () => number;
  #threshold: number;
  #file: string;
  #fd: number;
  #inode = 0;
  #device = 0;
  #checkedAtMs = 0;
  /** The second of the last line, and its text up to the `.`: lines come in bursts, and a Date costs more than the rest of the line. */
  #second = -1;
  #secondText = '';

  constructor(options: LoggerOptions = {}) {
    this.role = options.role ?? (() => 'C');
    this.#now = options.now ?? Date.now;
    this.#threshold = ORDER[options.level ?? 'notice'];
    this.#file = options.file ?? '';
    this.#fd = this.#file === '' ? STANDARD_OUTPUT : NO_FILE;
  }

  set level(level: LogLevel) {
    this.#threshold = ORDER[level];
  }

  /** Sends the lines to another file from now on; empty: standard output. */
  set file(path: string) {
    this.close();
    this.#file = path;
    if (path === '') this.#fd = STANDARD_OUTPUT;
  }

  debug(message: string): void {
    this.#log(0, message);
  }

  verbose(message: string): void {
    this.#log(1, message);
  }

  notice(message: string): void {
    this.#log(2, message);
  }

  warning(message: string): void {
    this.#log(3, message);
  }

  /** Writes text without the head of a line (the banner, a crash report), unless nothing is logged at all. */
  raw(text: string): void {
    if (this.#threshold < ORDER.nothing) this.#write(text, this.#now());
  }

  /** Closes the file; a later line opens it again. */
  close(): void {
    if (this.#fd > STANDARD_OUTPUT) fs.closeSync(this.#fd);
    if (this.#fd !== STANDARD_OUTPUT) this.#fd = NO_FILE;
  }

  #log(order: number, message: string): void {
    if (order < this.#threshold) return;
    const nowMs = this.#now();
    this.#write(`${process.pid}:${this.role()} ${this.#time(nowMs)} ${MARKS[order]} ${message}\n`, nowMs);
  }

  /** Local time. */
  #time(nowMs: number): string {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      const date = new Date(nowMs);
      const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(twoDigits).join(':');
      this.#secondText = `${twoDigits(date.getDate())} ${MONTHS[date.getMonth()]} ${date.getFullYear()} ${clock}`;
      this.#second = second;
    }
    return `${this.#secondText}.${String(nowMs - second * 1000).padStart(3, '0')}`;
  }

  /** A log that cannot be written must not stop the server: such lines are lost, as in Redis. */
  #write(text: string, nowMs: number): void {
    try {
      if (this.#file !== '') this.#followFile(nowMs);
      if (this.#fd === NO_FILE) return;
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; ) at += fs.writeSync(this.#fd, bytes, at);
    } catch {
      // The disk is full, the reader of the pipe has gone, or a non-blocking pipe is full.
    }
  }

  /** Opens the file if its name does not mean the open one (any more). */
  #followFile(nowMs: number): void {
    const age = nowMs - this.#checkedAtMs;
    if (this.#fd !== NO_FILE && age >= 0 && age < REOPEN_CHECK_INTERVAL_MS) return;
    this.#checkedAtMs = nowMs;
    if (this.#fd !== NO_FILE) {
      const named = fs.statSync(this.#file, { throwIfNoEntry: false });
      if (named !== undefined && named.ino === this.#inode && named.dev === this.#device) return;
      this.close();
    }
    this.#fd = fs.openSync(this.#file, 'a', 0o644);
    const opened = fs.fstatSync(this.#fd);
    this.#inode = opened.ino;
    this.#device = opened.dev;
  }
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
