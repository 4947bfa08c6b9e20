/**
 * Runs one command of the user: sends it, shows what comes back, keeps the session's state, follows redirections. The same for a command on the command
 * line, a line on stdin and a line of the interactive shell.
 *
 *   reply        one value, shown; MOVED and ASK are followed where the user wants that (-c)
 *   monitor      values without end
 *   subscribe    outside the interactive shell: values without end; there: the confirmations, and the shell shows messages as they come
 *   sync         the connection becomes a replica's
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientError } from '../client/client-error.js';
import { encodeCommand } from '../client/encode-command.js';
import {
  type Conversation,
  conversationOf,
  isConfirmation,
  isShutdown,
  isSubscriptionMessage,
  repliesWithText,
  trackState,
  trackSubscriptions,
} from './command-kinds.js';
import { byteText, type FormatOptions, formatRaw, formatReply } from './reply/format.js';
import { type ReplyNode, textOf } from './reply/reply-node.js';
import { lossText, type Session } from './session.js';
import type { Terminal } from './terminal.js';

export interface RunnerOptions {
  readonly format: FormatOptions;
  readonly followsRedirects: boolean;
  /** An error reply goes to stderr and counts as a failure. */
  readonly failsOnError: boolean;
  readonly showsPushes: boolean;
  /** After each repetition. */
  readonly intervalMs: number;
  /** Lines come from a user or stdin, so that redirections are told. */
  readonly isShell: boolean;
  /** A user is at the keyboard, who can go on while subscribed. */
  readonly hasSubscribedMode: boolean;
}

/** `redirected`: the session is at another node now, where the command is to be run again. */
type Outcome = 'done' | 'failed' | 'redirected';

export class CommandRunner {
  readonly #session: Session;
  readonly #terminal: Terminal;
  readonly #options: RunnerOptions;
  #isEndless = false;
  #isInterrupted = false;

  constructor(session: Session, terminal: Terminal, options: RunnerOptions) {
    this.#session = session;
    this.#terminal = terminal;
    this.#options = options;
    session.onPush = (push) => this.showPush(push);
  }

  /**
   * @param repeat how often; a negative number is for ever
   * @returns whether the command was answered, and with no error where errors count
   */
  async run(args: readonly Buffer[], repeat: number): Promise<boolean> {
    for (;;) {
      const outcome = await this.#runRepeated(args, repeat);
      if (outcome !== 'redirected') return outcome === 'done';
    }
  }

  /**
   * Ends a conversation that has no end of its own (MONITOR, messages), by ending the connection; a new one is made.
   * @returns false where there is none
   */
  interrupt(): boolean {
    if (!this.#isEndless) return false;
    this.#isInterrupted = true;
    this.#session.disconnect();
    return true;
  }

  /** Shows what came while the shell waited for its user. */
  showArrived(): void {
    for (const value of this.#session.takeArrived()) this.#showUnasked(value);
  }

  /** Writes a reply in the form asked for. */
  show(reply: ReplyNode): void {
    this.#write(formatReply(reply, this.#options.format));
  }

  showPush(push: ReplyNode): void {
    if (!this.#options.showsPushes) return;
    const keys = this.#options.format.mode === 'standard' ? invalidatedKeys(push) : null;
    if (keys === null) this.show(push);
    else this.#write(`-> invalidate: ${keys.map((key) => `'${key.bytes.toString('latin1')}'`).join(', ')}\n`);
  }

  async #runRepeated(args: readonly Buffer[], repeat: number): Promise<Outcome> {
    await this.#session.connect();
    if (!this.#session.isConnected) return 'failed';
    const conversation = conversationOf(args);
    for (let left = repeat; left !== 0; left--) {
      try {
        if (conversation !== 'sync') this.#session.send(args);
        const outcome = await this.#converse(conversation, args);
        if (outcome !== 'done') return outcome;
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        this.#session.disconnect();
        if (this.#isInterrupted) {
          this.#isInterrupted = false;
          await this.#session.connect();
          return 'done';
        }
        if (isShutdown(args)) return 'done';
        this.#terminal.writeError(`Error: ${lossText(error)}\n`);
        return 'failed';
      }
      if (this.#options.intervalMs > 0) await sleep(this.#options.intervalMs);
    }
    return 'done';
  }

  #converse(conversation: Conversation, args: readonly Buffer[]): Promise<Outcome> {
    switch (conversation) {
      case 'monitor':
        return this.#showAll(args);
      case 'subscribe':
        return this.#options.hasSubscribedMode ? this.#confirm(args) : this.#readMessages(args);
      case 'unsubscribe':
        return this.#options.hasSubscribedMode ? this.#confirm(args) : this.#answer(args);
      case 'sync':
        return this.#becomeReplica(args);
      case 'reply':
        return this.#answer(args);
    }
  }

  async #answer(args: readonly Buffer[]): Promise<Outcome> {
    const reply = await this.#nextReply();
    if (reply.kind === 'error') {
      const outcome = await this.#endedByError(reply, args);
      if (outcome === 'done') await trackState(this.#session, args, reply);
      return outcome;
    }
    this.#showAnswer(reply, args);
    await trackState(this.#session, args, reply);
    return 'done';
  }

  /** An error as the answer: a redirection is followed if the user wants that, anything else shown. */
  async #endedByError(error: ReplyNode, args: readonly Buffer[]): Promise<Outcome> {
    if (this.#options.followsRedirects && (await this.#followRedirect(error))) return 'redirected';
    if (this.#options.failsOnError) {
      this.#terminal.writeError(`${textOf(error)}\n`);
      return 'failed';
    }
    this.#showAnswer(error, args);
    return 'done';
  }

  #showAnswer(reply: ReplyNode, args: readonly Buffer[]): void {
    if (repliesWithText(args)) this.#write(formatRaw(reply, byteText(this.#options.format.elementDelimiter)));
    else this.show(reply);
  }

  /** A subscribed RESP2 connection mixes messages into its replies. A confirmation that comes as a push is the reply to what was asked. */
  async #nextReply(): Promise<ReplyNode> {
    for (;;) {
      const value = await this.#session.nextValue();
      if (isConfirmation(value)) return value;
      if (value.kind !== 'push' && !(this.#session.isSubscribed && isSubscriptionMessage(value))) return value;
      this.#showUnasked(value);
    }
  }

  #showUnasked(value: ReplyNode): void {
    if (isConfirmation(value)) trackSubscriptions(this.#session, value);
    if (this.#session.isSubscribed || value.kind !== 'push') this.show(value);
    else this.showPush(value);
  }

  async #showAll(args: readonly Buffer[]): Promise<Outcome> {
    this.#isEndless = true;
    try {
      for (let isFirst = true; ; isFirst = false) {
        const value = await this.#session.nextValue();
        if (isFirst && value.kind === 'error') return await this.#endedByError(value, args);
        this.show(value);
      }
    } finally {
      this.#isEndless = false;
    }
  }

  #readMessages(args: readonly Buffer[]): Promise<Outcome> {
    if (this.#options.format.mode !== 'raw') this.#terminal.write('Reading messages... (press Ctrl-C to quit)\n');
    return this.#showAll(args);
  }

  /** Awaits one confirmation for each channel named; none named: all are meant, and the first confirmation answers. */
  async #confirm(args: readonly Buffer[]): Promise<Outcome> {
    for (let awaited = Math.max(1, args.length - 1); awaited > 0; awaited--) {
      const reply = await this.#nextReply();
      if (reply.kind === 'error') return this.#endedByError(reply, args);
      this.show(reply);
      if (!isConfirmation(reply)) return 'done';
      trackSubscriptions(this.#session, reply);
    }
    return 'done';
  }

  async #becomeReplica(args: readonly Buffer[]): Promise<Outcome> {
    const { followPrimary } = await import('./modes/replica.js');
    this.#terminal.write('Entering replica output mode...  (press Ctrl-C to quit)\n');
    await followPrimary(this.#session.detach(), encodeCommand(args), this.#terminal);
    return 'failed';
  }

  /** Goes where MOVED or ASK point. @returns false if the error is neither */
  async #followRedirect(error: ReplyNode): Promise<boolean> {
    const redirect = parseRedirect(textOf(error));
    if (redirect === null) return false;
    const { slot, host, port, isAsk } = redirect;
    const { settings } = this.#session;
    // An empty host is that of the node that said so.
    if (host !== '') settings.host = host;
    settings.port = port;
    settings.database = 0;
    if (this.#options.isShell)
      this.#terminal.write(`-> Redirected to slot [${slot}] located at ${settings.host}:${port}\n`);
    this.#session.disconnect();
    if (!isAsk || !(await this.#session.connect())) return true;
    const asking = await this.#session.ask('ASKING');
    if (asking.kind === 'error') this.#terminal.writeError(`ASKING failed: ${textOf(asking)}\n`);
    return true;
  }

  #write(text: string): void {
    this.#terminal.write(Buffer.from(text, 'latin1'));
  }
}

interface Redirect {
  readonly slot: number;
  readonly host: string;
  readonly port: number;
  readonly isAsk: boolean;
}

/** `MOVED 3999 127.0.0.1:6381`, `ASK …`. */
function parseRedirect(text: string): Redirect | null {
  const match = /^(MOVED|ASK) (\d+) (.*):(\d+)/.exec(text);
  if (match === null) return null;
  return { isAsk: match[1] === 'ASK', slot: Number(match[2]), host: match[3]!, port: Number(match[4]) };
}

/** The keys of `invalidate [key …]`, or null: all keys are meant, or it is another message. */
function invalidatedKeys({ items }: ReplyNode): readonly ReplyNode[] | null {
  const [name, keys] = items;
  return items.length === 2 && name!.bytes.toString('latin1') === 'invalidate' && keys!.kind === 'array'
    ? keys!.items
    : null;
}
