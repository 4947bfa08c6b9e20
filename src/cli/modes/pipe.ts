/**
 * --pipe: the requests on stdin go to the server as they are, and the replies are counted; nothing is waited for until all is sent. The end of the replies
 * is found by an ECHO of random bytes behind the last request: its reply is the last one.
 *
 * What is sent and not yet taken by the server is bounded by the socket's own buffer: stdin is read no faster than the server reads.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { encodeCommand } from '../../client/encode-command.js';
import { strerror } from '../../persistence/file-system.js';
import { type ReadResult, ReplyReader } from '../../resp/reply-reader.js';
import type { CommandLine } from '../command-line.js';
import { connectedSession } from '../session-setup.js';
import type { Terminal } from '../terminal.js';

const MARK_BYTES = 20;
const CRLF = Buffer.from('\r\n');

export async function runPipe(line: CommandLine, terminal: Terminal): Promise<number> {
  const session = await connectedSession(line, terminal);
  if (session === null) return 1;
  const transfer = new MassTransfer(session.detach(), line.pipeTimeoutS * 1000, terminal);
  return transfer.run();
}

class MassTransfer {
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  readonly #terminal: Terminal;
  readonly #reader = new ReplyReader({ keepRaw: true });
  /** The reply to the closing ECHO. */
  readonly #mark = randomBytes(MARK_BYTES);
  readonly #markReply = Buffer.concat([Buffer.from(`$${MARK_BYTES}\r\n`), this.#mark, CRLF]);
  #replyCount = 0;
  #errorCount = 0;
  #isAllSent = false;
  #lastReplyAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #end: (outcome: 'complete' | 'timeout' | Error) => void = () => {};

  constructor(socket: Socket, timeoutMs: number, terminal: Terminal) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    this.#terminal = terminal;
  }

  async run(): Promise<number> {
    const ended = new Promise<'complete' | 'timeout' | Error>((resolve) => {
      this.#end = resolve;
    });
    this.#socket.on('data', (bytes) => this.#onData(bytes));
    this.#socket.on('error', (error) => this.#end(error));
    this.#socket.on('close', () => this.#end(new Error('Server closed the connection')));
    this.#socket.resume();
    // A connection that ends must not wait for stdin.
    this.#sendStdin().catch((error: Error) => this.#end(error));
    const outcome = await ended;
    clearTimeout(this.#timer);
    this.#socket.destroy();
    process.stdin.destroy();
    return this.#report(outcome);
  }

  async #sendStdin(): Promise<void> {
    for await (const chunk of process.stdin) await this.#send(chunk as Buffer);
    // The empty line ends an inline command that has none of its own; on its own it is no request.
    await this.#send(CRLF);
    await this.#send(encodeCommand(['ECHO', this.#mark]));
    this.#isAllSent = true;
    this.#terminal.write('All data transferred. Waiting for the last reply...\n');
    this.#lastReplyAtMs = performance.now();
    this.#watchTime();
  }

  async #send(bytes: Uint8Array): Promise<void> {
    if (!this.#socket.write(bytes)) await once(this.#socket, 'drain');
  }

  #onData(bytes: Buffer): void {
    this.#lastReplyAtMs = performance.now();
    this.#reader.feed(bytes);
    for (let result = this.#reader.next(); result !== null; result = this.#reader.next())
      if (!this.#count(result)) return;
  }

  /** @returns false when there is nothing more to read */
  #count(result: ReadResult): boolean {
    if (result.kind === 'malformed') {
      this.#end(new Error('Error reading replies from server'));
      return false;
    }
    if (result.kind === 'push') return true;
    const raw = result.raw!;
    if (this.#isAllSent && raw.equals(this.#markReply)) {
      this.#terminal.write('Last reply received from server.\n');
      this.#end('complete');
      return false;
    }
    this.#replyCount++;
    if (raw[0] === 0x2d) {
      this.#errorCount++;
      this.#terminal.writeError(`${raw.toString('utf8', 1, raw.length - CRLF.length)}\n`);
    }
    return true;
  }

  /** The time since the last reply counts, once all is sent. */
  #watchTime(): void {
    if (this.#timeoutMs === 0) return;
    const leftMs = this.#lastReplyAtMs + this.#timeoutMs - performance.now();
    if (leftMs <= 0) this.#end('timeout');
    else this.#timer = setTimeout(() => this.#watchTime(), leftMs);
  }

  #report(outcome: 'complete' | 'timeout' | Error): number {
    if (outcome instanceof Error) {
      this.#terminal.writeError(
        `Error reading from the server: ${'errno' in outcome ? strerror(outcome) : outcome.message}\n`,
      );
      return 1;
    }
    if (outcome === 'timeout') {
      this.#terminal.writeError(`No replies for ${this.#timeoutMs / 1000} seconds: exiting.\n`);
      this.#errorCount++;
    }
    this.#terminal.write(`errors: ${this.#errorCount}, replies: ${this.#replyCount}\n`);
    return this.#errorCount > 0 ? 1 : 0;
  }
}
