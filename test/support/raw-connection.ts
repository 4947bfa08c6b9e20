/**
 * A socket that a test drives byte by byte: requests in pieces, replies as they come, and whether the server hung up. Text is latin1 both ways, so that
 * bytes are bytes. The server keeps what it wants: nothing is decoded, and the socket may stop reading.
 */
import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { waitFor, within } from './wait-for.js';

const CONNECT_TIMEOUT_MS = 60_000;

export class RawConnection {
  /** Everything received so far. */
  received = '';
  isClosed = false;
  readonly socket: Socket;

  static async connect(options: NetConnectOpts): Promise<RawConnection> {
    const socket = connect(options);
    await within(CONNECT_TIMEOUT_MS, once(socket, 'connect'), 'a connection');
    return new RawConnection(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    if ('setNoDelay' in socket) socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  send(text: string | Uint8Array): void {
    if (typeof text === 'string') this.socket.write(text, 'latin1');
    else this.socket.write(text);
  }

  /** Sends, and waits until the server has answered at least `text` more; returns what came. */
  async ask(request: string, reply: string): Promise<string> {
    const start = this.received.length;
    this.send(request);
    await waitFor(() => this.received.length >= start + reply.length, {
      what: `an answer to ${JSON.stringify(request.slice(0, 100))}`,
      detail: () => JSON.stringify(this.received.slice(start, start + 1000)),
    });
    return this.received.slice(start);
  }

  /** Waits until the pattern occurs in what was received. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    return waitFor(() => pattern.exec(this.received), {
      what: `${pattern} to arrive`,
      detail: () => JSON.stringify(this.received.slice(-1000)),
    });
  }

  /** Waits until the server hangs up; returns everything received. */
  async untilClosed(): Promise<string> {
    await waitFor(() => this.isClosed, {
      what: 'the server to hang up',
      detail: () => JSON.stringify(this.received.slice(-1000)),
    });
    return this.received;
  }

  close(): void {
    this.socket.destroy();
  }
}

/** A request in multibulk form, as latin1 text. */
export function request(...words: (string | number)[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${String(word).length}\r\n${word}\r\n`).join('')}`;
}
