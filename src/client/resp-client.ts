/**
 * RespClient: one connection to one server, promise-based and pipelined, RESP2 or RESP3, over TCP, TLS or a Unix socket.
 *
 *   connecting ──greeting answered──▶ ready ──close(), end of stream, overdue reply, wrong bytes──▶ closed (final)
 *       └──refused, too late, AUTH refused──▶ closed; `connect()` rejects
 *
 * Requests are written at once; replies come in order, so the oldest exchange gets the next reply. What arrives while nothing is awaited, and RESP3
 * push messages, go to `onPush` (messages of a RESP2 subscription and MONITOR lines come that way).
 *
 * Invariants: (1) every promise handed out settles: by its replies, or by a ClientError when the connection closes; (2) request bytes not yet
 * answered are bounded by `maxUnansweredBytes`, reply bytes by `maxReplyBytes`. A client does not reconnect: its owner knows what is to be done then.
 */
import { connect as connectSocket, type Socket } from 'node:net';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { assert } from '../memory/assert.js';
import { type Malformed, type MalformedCode, type Reply, ReplyError, ReplyReader } from '../resp/reply-reader.js';
import { ClientError } from './client-error.js';
import { type Arg, encodeCommand, encodeCommands } from './encode-command.js';

export interface RespClientOptions {
  readonly host?: string;
  readonly port?: number;
  /** Path of a Unix socket; host and port are ignored then. */
  readonly path?: string;
  /** Encrypts the connection, with what `tls.connect` of Node takes. TLS is loaded only for those who want it. */
  readonly tls?: TlsOptions;
  /** Default 2. With 3 the greeting is HELLO 3. */
  readonly protocol?: 2 | 3;
  /** With a password; without it the default user is meant. */
  readonly username?: string;
  readonly password?: string;
  readonly clientName?: string;
  readonly database?: number;
  /** For the connection and the greeting together. Default 5000; 0 leaves it to the operating system. */
  readonly connectTimeoutMs?: number;
  /** Probes a silent connection after this time. Default: not at all. */
  readonly keepAliveMs?: number;
  /** Longest wait for a reply; 0 waits for ever. Default 0. */
  readonly commandTimeoutMs?: number;
  /** Default 256 MiB. */
  readonly maxUnansweredBytes?: number;
  /** Default 1 GiB. */
  readonly maxReplyBytes?: number;
  /** `text` (default): bulk strings are strings. `bytes`: they are Buffers. `raw`: each reply is a Buffer with its exact bytes, errors too. */
  readonly replies?: 'text' | 'bytes' | 'raw';
  readonly onPush?: (value: Reply) => void;
  /** Called once, when a connection that was ready is closed; null when `close()` did it. */
  readonly onClose?: (reason: ClientError | null) => void;
}

export interface ExchangeOptions {
  /** In place of the client's `commandTimeoutMs`. */
  readonly timeoutMs?: number;
}

/** `cause` of a MALFORMED_REPLY: what was wrong, and the character found there if it is known. */
export interface MalformedCause {
  readonly code: MalformedCode;
  readonly found: string;
}

interface Exchange {
  readonly replies: Reply[];
  readonly replyCount: number;
  readonly requestBytes: number;
  readonly resolve: (replies: Reply[]) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout | undefined;
}

const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 6379;
const DEFAULT_CONNECT_TIMEOUT_MS = 5000;
const DEFAULT_MAX_UNANSWERED_BYTES = 256 * 1024 * 1024;

export class RespClient {
  /** `host:port` or the socket's path, for messages. */
  readonly address: string;
  readonly #options: RespClientOptions;
  readonly #socket: Socket;
  readonly #reader: ReplyReader;
  readonly #raw: boolean;
  readonly #listeners = [
    ['data', (bytes: Buffer) => this.#onData(bytes)],
    ['error', (error: Error) => this.#onSocketError(error)],
    ['close', () => this.#close(new ClientError('CONNECTION_CLOSED', `${this.address} closed the connection`))],
  ] as const;
  #exchanges: Exchange[] = [];
  #unansweredBytes = 0;
  #receivedBytes = 0;
  #closed: ClientError | null = null;
  #ready = false;

  /** Connects and greets. Rejects with a ClientError, or with the ReplyError by which the server refused the greeting. */
  static async connect(options: RespClientOptions): Promise<RespClient> {
    const client = new RespClient(options, await openSocket(options));
    const timeoutMs = options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
    const onLate = (): void =>
      client.#close(new ClientError('CONNECT_TIMEOUT', `No connection to ${client.address} within ${timeoutMs} ms`));
    const timer = timeoutMs > 0 ? setTimeout(onLate, timeoutMs) : undefined;
    try {
      await client.#connected();
      await client.#greet();
      client.#ready = true;
      return client;
    } catch (error) {
      client.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private constructor(options: RespClientOptions, socket: Socket) {
    this.#options = options;
    this.#socket = socket;
    this.address = options.path ?? `${options.host ?? DEFAULT_HOST}:${options.port ?? DEFAULT_PORT}`;
    this.#raw = options.replies === 'raw';
    this.#reader = new ReplyReader({
      bulk: options.replies === 'bytes' ? 'bytes' : 'text',
      keepRaw: this.#raw,
      ...(options.maxReplyBytes === undefined ? {} : { maxReplyBytes: options.maxReplyBytes }),
    });
    if (options.keepAliveMs !== undefined) socket.setKeepAlive(true, options.keepAliveMs);
    for (const [event, listener] of this.#listeners) socket.on(event, listener);
  }

  get isClosed(): boolean {
    return this.#closed !== null;
  }

  /** Sends one command. Rejects with the ReplyError if the reply is one (not with `replies: 'raw'`). */
  async call(...args: Arg[]): Promise<Reply> {
    return this.request(args);
  }

  /** `call` with options. */
  async request(args: readonly Arg[], options: ExchangeOptions = {}): Promise<Reply> {
    const [reply] = await this.exchange(encodeCommand(args), 1, options);
    if (reply instanceof ReplyError) throw reply;
    return reply!;
  }

  /** Sends all commands in one write. Error replies are values in the result. */
  async pipeline(commands: readonly (readonly Arg[])[], options: ExchangeOptions = {}): Promise<Reply[]> {
    if (commands.length === 0) return [];
    return this.exchange(encodeCommands(commands), commands.length, options);
  }

  /** Sends bytes as they are and waits for `replyCount` replies; with 0 nothing is awaited. */
  exchange(bytes: Uint8Array, replyCount: number, options: ExchangeOptions = {}): Promise<Reply[]> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== null) {
        reject(new ClientError('CONNECTION_CLOSED', `The connection to ${this.address} is closed`, this.#closed));
        return;
      }
      const maxBytes = this.#options.maxUnansweredBytes ?? DEFAULT_MAX_UNANSWERED_BYTES;
      if (this.#unansweredBytes + bytes.length > maxBytes) {
        reject(
          new ClientError('BACKPRESSURE', `More than ${maxBytes} request bytes to ${this.address} would be unanswered`),
        );
        return;
      }
      this.#socket.write(bytes);
      if (replyCount === 0) {
        resolve([]);
        return;
      }
      const timeoutMs = options.timeoutMs ?? this.#options.commandTimeoutMs ?? 0;
      const timer = timeoutMs > 0 ? setTimeout(() => this.#onOverdue(timeoutMs), timeoutMs) : undefined;
      this.#unansweredBytes += bytes.length;
      this.#exchanges.push({ replies: [], replyCount, requestBytes: bytes.length, resolve, reject, timer });
    });
  }

  /**
   * Hands the connection over: from now on its bytes are the caller's, who also closes it. For protocols that begin as RESP and go on otherwise (SYNC).
   * Nothing may be awaited (asserted); what the peer has sent beyond the last reply is lost, so it must have had no reason to.
   */
  detach(): Socket {
    assert(this.#exchanges.length === 0 && this.#reader.pendingBytes === 0, 'a detached connection awaits nothing');
    const socket = this.#socket;
    for (const [event, listener] of this.#listeners) socket.off(event, listener);
    socket.pause();
    this.#closed = new ClientError('CONNECTION_CLOSED', `The connection to ${this.address} was handed over`);
    return socket;
  }

  /** Ends the connection at once; whatever is awaited rejects with CONNECTION_CLOSED. */
  close(): void {
    this.#close(null);
  }

  #connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.once(this.#options.tls === undefined ? 'connect' : 'secureConnect', resolve);
      this.#socket.once('close', () => reject(this.#closed!));
    });
  }

  async #greet(): Promise<void> {
    const { protocol = 2, username, password, clientName, database = 0 } = this.#options;
    const greeting: Arg[][] = [];
    if (protocol === 3)
      greeting.push(['HELLO', 3, ...(password === undefined ? [] : ['AUTH', username ?? 'default', password])]);
    else if (password !== undefined) greeting.push(['AUTH', ...(username === undefined ? [] : [username]), password]);
    if (clientName !== undefined) greeting.push(['CLIENT', 'SETNAME', clientName]);
    if (database !== 0) greeting.push(['SELECT', database]);
    for (const reply of await this.pipeline(greeting)) {
      const error =
        Buffer.isBuffer(reply) && reply[0] === 0x2d
          ? new ReplyError(reply.toString('utf8', 1, reply.length - 2))
          : reply;
      if (error instanceof ReplyError) throw error;
    }
  }

  #onData(bytes: Buffer): void {
    this.#reader.feed(bytes);
    this.#receivedBytes += bytes.length;
    for (let result = this.#reader.next(); result !== null; result = this.#reader.next()) {
      if (result.kind === 'malformed') {
        this.#onMalformed(result, bytes);
        return;
      }
      const value = this.#raw ? result.raw! : result.value;
      if (result.kind === 'push' || this.#exchanges.length === 0) this.#options.onPush?.(value);
      else this.#onReply(value);
    }
  }

  #onMalformed({ code, byteOffset }: Malformed, latest: Buffer): void {
    const byte = latest[byteOffset - (this.#receivedBytes - latest.length)];
    const found = byte === undefined ? '' : String.fromCharCode(byte);
    const text = `${this.address} sent bytes that are no reply: ${code} at byte ${byteOffset}`;
    this.#close(new ClientError('MALFORMED_REPLY', text, { code, found } satisfies MalformedCause));
  }

  #onReply(value: Reply): void {
    const exchange = this.#exchanges[0]!;
    exchange.replies.push(value);
    if (exchange.replies.length < exchange.replyCount) return;
    this.#exchanges.shift();
    this.#unansweredBytes -= exchange.requestBytes;
    clearTimeout(exchange.timer);
    exchange.resolve(exchange.replies);
  }

  #onOverdue(timeoutMs: number): void {
    this.#close(new ClientError('COMMAND_TIMEOUT', `No reply from ${this.address} within ${timeoutMs} ms`));
  }

  #onSocketError(error: Error): void {
    const code = this.#ready ? 'CONNECTION_CLOSED' : 'CONNECT_FAILED';
    this.#close(new ClientError(code, `${this.address}: ${error.message}`, error));
  }

  #close(reason: ClientError | null): void {
    if (this.#closed !== null) return;
    this.#closed =
      reason ?? new ClientError('CONNECTION_CLOSED', `The connection to ${this.address} was closed on this side`);
    this.#socket.destroy();
    const unanswered = this.#exchanges;
    this.#exchanges = [];
    for (const exchange of unanswered) {
      clearTimeout(exchange.timer);
      exchange.reject(this.#closed);
    }
    if (this.#ready) this.#options.onClose?.(reason);
  }
}

/** A socket that has begun to connect. */
async function openSocket({ path, host = DEFAULT_HOST, port = DEFAULT_PORT, tls }: RespClientOptions): Promise<Socket> {
  const address = path === undefined ? { host, port } : { path };
  let socket: Socket;
  if (tls === undefined) {
    socket = connectSocket(address);
  } else {
    const { connect } = await import('node:tls');
    socket = connect({ ...tls, ...address });
  }
  return socket.setNoDelay();
}
