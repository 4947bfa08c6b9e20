/**
 * Session: the conversation of the shell or of a one-shot command with a server. It owns the connection and what the connection's state means for the
 * user: the selected database, an open transaction, subscriptions. A connection that was lost is made again at the next command, with the database
 * restored; an open transaction is gone then.
 *
 * Values come in the order of the wire through `nextReply`, whatever was sent: that fits MONITOR and subscriptions as well as commands. Push messages
 * that come before a reply go to `onPush`. AUTH and SELECT that fail are told and do not end the connection: a command may still be of use (AUTH, say).
 */
import type { Socket } from 'node:net';
import { ClientError } from '../client/client-error.js';
import { type Arg, encodeCommand, encodeCommands } from '../client/encode-command.js';
import { type MalformedCause, RespClient } from '../client/resp-client.js';
import type { MalformedCode } from '../resp/reply-reader.js';
import { type ConnectionSettings, connectErrorLine, socketOptions, systemErrorText } from './connection-settings.js';
import { repr } from './reply/quote.js';
import { decodeReply, type ReplyNode, textOf } from './reply/reply-node.js';
import type { Terminal } from './terminal.js';

/** How HELLO 3 is meant: not at all, asked for by --json (the session goes on in RESP2 if it is refused), or demanded by -3. */
export type Resp3Wish = 'no' | 'if-known' | 'demanded';

const KEEP_ALIVE_MS = 15_000;

export class Session {
  readonly settings: ConnectionSettings;
  /** Which database the connection is in; `settings.database` is where it is to be after a reconnect. */
  database = 0;
  isInTransaction = false;
  /** Channels and patterns, and shard channels, which the server counts apart. */
  channelCount = 0;
  shardChannelCount = 0;
  /** Gets each push message that arrives while a reply is awaited. */
  onPush: (push: ReplyNode) => void = () => {};
  /** Called when something arrives, or the connection ends, while nobody waits in `nextReply`. */
  onArrival: () => void = () => {};
  readonly #terminal: Terminal;
  readonly #resp3: Resp3Wish;
  #client: RespClient | null = null;
  #arrived: ReplyNode[] = [];
  #lost: ClientError | null = null;
  #wake: (() => void) | null = null;
  /** The database before MULTI: EXEC may fail, and then the SELECTs queued in it did not happen. */
  #databaseBeforeTransaction = 0;

  constructor(settings: ConnectionSettings, resp3: Resp3Wish, terminal: Terminal) {
    this.settings = settings;
    this.#resp3 = resp3;
    this.#terminal = terminal;
  }

  /** Stays true when the connection was lost until a command has found out. */
  get isConnected(): boolean {
    return this.#client !== null;
  }

  get isSubscribed(): boolean {
    return this.channelCount > 0 || this.shardChannelCount > 0;
  }

  get hasLost(): boolean {
    return this.#lost !== null;
  }

  /** Values that have arrived and were not asked for: what a subscription brings, and pushes. */
  takeArrived(): ReplyNode[] {
    return this.#arrived.splice(0);
  }

  /**
   * Connects, if there is no connection. What goes wrong is told on stderr. When HELLO 3 is demanded and refused, the result is false, yet there is
   * a connection: modes give up then, commands are still sent.
   * @param isQuiet do not tell that the server cannot be reached
   */
  async connect(isQuiet = false): Promise<boolean> {
    if (this.isConnected) return true;
    this.disconnect();
    try {
      const client = await RespClient.connect({
        ...(await socketOptions(this.settings)),
        replies: 'raw',
        keepAliveMs: KEEP_ALIVE_MS,
        onPush: (raw) => this.#onValue(decodeReply(raw as Buffer)),
        onClose: (reason) => this.#onLost(client, reason),
      });
      this.#client = client;
    } catch (error) {
      if (!isQuiet) this.#terminal.writeError(`${connectErrorLine(this.settings, error)}\n`);
      return false;
    }
    try {
      return await this.#greet();
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      this.#terminal.writeError('\nI/O error\n');
      this.disconnect();
      return false;
    }
  }

  /** Ends the connection, if there is one, and all that hung on it. */
  disconnect(): void {
    const client = this.#client;
    this.#client = null;
    client?.close();
    this.#arrived = [];
    this.#lost = null;
    this.database = 0;
    this.isInTransaction = false;
    this.channelCount = this.shardChannelCount = 0;
    this.#wake?.();
  }

  /** Gives the connection away; the session has none then. */
  detach(): Socket {
    const socket = this.#client!.detach();
    this.#client = null;
    this.disconnect();
    return socket;
  }

  /** Sends a request on the connection that there must be. */
  send(args: readonly Arg[]): void {
    this.sendBytes(encodeCommand(args));
  }

  /** Sends requests in one write. */
  sendAll(requests: readonly (readonly Arg[])[]): void {
    if (requests.length > 0) this.sendBytes(encodeCommands(requests));
  }

  sendBytes(bytes: Uint8Array): void {
    // A connection that ends just now shows when the reply is awaited.
    this.#client?.exchange(bytes, 0).catch(() => {});
  }

  /** The next reply; pushes before it go to `onPush`. Rejects with a ClientError when the connection ends. */
  async nextReply(): Promise<ReplyNode> {
    for (;;) {
      const value = await this.nextValue();
      if (value.kind !== 'push') return value;
      this.onPush(value);
    }
  }

  /** `nextReply` for what was sent in one go: what has arrived together is taken together. */
  async nextReplies(count: number): Promise<ReplyNode[]> {
    const replies: ReplyNode[] = [];
    while (replies.length < count) {
      const value = this.#arrived.shift() ?? (await this.nextValue());
      if (value.kind === 'push') this.onPush(value);
      else replies.push(value);
    }
    return replies;
  }

  /** The next value, be it reply or push. Rejects with a ClientError when the connection ends. */
  async nextValue(): Promise<ReplyNode> {
    for (;;) {
      const value = this.#arrived.shift();
      if (value !== undefined) return value;
      if (this.#lost !== null) throw this.#lost;
      if (this.#client === null) throw new ClientError('CONNECTION_CLOSED', 'There is no connection');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }

  /** One command and its reply, without anything else that a command means to the session. */
  async ask(...args: Arg[]): Promise<ReplyNode> {
    this.send(args);
    return this.nextReply();
  }

  /** AUTH by the settings. @returns whether it was accepted, or there is nothing to authenticate with */
  async authenticate(): Promise<boolean> {
    const { username, password } = this.settings;
    if (password === null) return true;
    const reply = await this.ask('AUTH', ...(username === null ? [] : [username]), password);
    return this.#wasAccepted(reply, 'AUTH failed');
  }

  /** SELECT, if the connection is not in the database where the settings want it. */
  async selectDatabase(): Promise<boolean> {
    const wanted = this.settings.database;
    if (wanted === this.database) return true;
    const reply = await this.ask('SELECT', wanted);
    if (!this.#wasAccepted(reply, `SELECT ${wanted} failed`)) return false;
    this.database = wanted;
    return true;
  }

  /** After RESET. */
  reset(): void {
    this.isInTransaction = false;
    this.channelCount = this.shardChannelCount = 0;
    this.database = this.settings.database = 0;
  }

  beginTransaction(): void {
    this.isInTransaction = true;
    this.#databaseBeforeTransaction = this.database;
  }

  /** @param isDone false: what was queued did not happen */
  endTransaction(isDone: boolean): void {
    this.isInTransaction = false;
    if (!isDone) this.database = this.settings.database = this.#databaseBeforeTransaction;
  }

  async #greet(): Promise<boolean> {
    await this.authenticate();
    await this.selectDatabase();
    if (this.#resp3 === 'no') return true;
    const isAccepted = this.#wasAccepted(await this.ask('HELLO', 3), 'HELLO 3 failed');
    return isAccepted || this.#resp3 === 'if-known';
  }

  #wasAccepted(reply: ReplyNode, complaint: string): boolean {
    if (reply.kind !== 'error') return true;
    this.#terminal.writeError(`${complaint}: ${textOf(reply)}\n`);
    return false;
  }

  #onValue(value: ReplyNode): void {
    this.#arrived.push(value);
    this.#signal();
  }

  #onLost(client: RespClient, reason: ClientError | null): void {
    if (client !== this.#client) return;
    this.#lost = reason ?? new ClientError('CONNECTION_CLOSED', 'The connection was closed');
    this.#signal();
  }

  #signal(): void {
    if (this.#wake !== null) this.#wake();
    else this.onArrival();
  }
}

/** What is told after `Error: ` when the connection has ended, in the words of redis-cli. */
export function lossText(error: ClientError): string {
  if (error.code !== 'MALFORMED_REPLY') return systemErrorText(error);
  const { code, found } = error.cause as MalformedCause;
  if (code === 'unknown-type') return `Protocol error, got ${repr(Buffer.from(found, 'latin1'))} as reply type byte`;
  return code === 'bad-number' && found === ',' ? 'Bad double value' : MALFORMED_TEXTS[code];
}

const MALFORMED_TEXTS: Readonly<Record<Exclude<MalformedCode, 'unknown-type'>, string>> = {
  'bad-length': 'Bad bulk string length',
  'bad-number': 'Bad integer value',
  'bad-boolean': 'Bad bool value',
  'bad-verbatim': 'Verbatim string 4 bytes of content type are missing or incorrectly encoded.',
  'missing-crlf': 'Protocol error, a string does not end where its length says',
  'misplaced-push': 'Protocol error, a push message stands within a reply',
  'too-deep': 'Protocol error, the reply is nested too deep',
  'too-large': 'Protocol error, the reply is too large',
};
