/**
 * Sending keys to another node: the far side of MIGRATE. Source: spec/cluster.md 12.3.
 *
 *   take a connection (a cached one, or a new one) → write AUTH, SELECT and one RESTORE per key in chunks → read the replies in order → give it back
 *
 * The event loop goes on meanwhile; what that means for the keys is the caller's matter (`server/migrations.ts`). The time limit is for each step:
 * connecting, each chunk that the target takes, each reply. A connection that broke before the first key was answered may have been closed by the target
 * while it was idle, so that is tried once more with a new one.
 *
 * Bounds: as many cached connections as CACHE_MAX, closed after CACHE_IDLE_MS; the target's replies are status lines, so a long one is an error.
 */
import { connect, type Socket } from 'node:net';
import { type Arg, encodeCommands } from '../client/encode-command.js';
import { type Reply, ReplyError, ReplyReader } from '../resp/reply-reader.js';

const CACHE_MAX = 64;
const CACHE_IDLE_MS = 10_000;
const CHUNK_BYTES = 64 * 1024;
const REPLY_BYTES_MAX = 64 * 1024;

export interface MigratingKey {
  readonly key: Uint8Array;
  /** As DUMP gives it. */
  readonly payload: Uint8Array;
  /** What is left of its life; 0 = no expiry. */
  readonly ttlMs: number;
}

export interface MigrationJob {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  /** For each step. */
  readonly timeoutMs: number;
  readonly replaces: boolean;
  /** The words of AUTH; null = none is sent. */
  readonly credentials: readonly Uint8Array[] | null;
  readonly keys: readonly MigratingKey[];
  /** `RESTORE-ASKING` between nodes of a cluster, else `RESTORE`. */
  readonly restoreCommand: string;
}

export interface MigrationOutcome {
  /** For each key whether the target acknowledged it. */
  readonly isMoved: readonly boolean[];
  /** The error reply without minus; null if all went well. */
  readonly error: string | null;
}

/** The connection to the target failed. */
class TargetFailure extends Error {
  /** What it was that failed, in the words of the error reply: a refused connection shows itself at the first write there. */
  readonly step: 'connecting' | 'writing' | 'reading';
  /** A new connection would not help. */
  readonly isFinal: boolean;

  constructor(step: TargetFailure['step'], isFinal: boolean) {
    super(`error or timeout ${step}`);
    this.step = step;
    this.isFinal = isFinal;
  }
}

const FAILURE_TEXTS = {
  connecting: 'IOERR error or timeout connecting to the client',
  writing: 'IOERR error or timeout writing to target instance',
  reading: 'IOERR error or timeout reading to target instance',
} as const;

/** Sends keys to other nodes over connections that it keeps for a while. */
export class MigrationSender {
  /** Idle connections, the most recently used last. */
  readonly #idle: Target[] = [];

  /** Never rejects. */
  async run(job: MigrationJob): Promise<MigrationOutcome> {
    const isMoved = job.keys.map(() => false);
    for (let isRetry = false; ; isRetry = true) {
      const progress = { answered: 0, error: null as string | null };
      let target: Target | null = null;
      try {
        target = (isRetry ? null : this.#take(job)) ?? (await Target.connect(job.host, job.port, job.timeoutMs));
        await converse(target, job, isMoved, progress);
        this.#giveBack(target);
        return { isMoved, error: progress.error };
      } catch (error) {
        target?.close();
        if (!(error instanceof TargetFailure)) throw error;
        if (isRetry || error.isFinal || progress.answered > 0) return { isMoved, error: FAILURE_TEXTS[error.step] };
      }
    }
  }

  /** Closes the cached connections. */
  stop(): void {
    for (const target of this.#idle.splice(0)) target.close();
  }

  /** For INFO and tests. */
  get cachedCount(): number {
    return this.#idle.length;
  }

  #take({ host, port }: MigrationJob): Target | null {
    const at = this.#idle.findLastIndex((target) => target.host === host && target.port === port);
    return at < 0 ? null : this.#idle.splice(at, 1)[0]!;
  }

  #giveBack(target: Target): void {
    if (this.#idle.length >= CACHE_MAX) this.#idle.shift()!.close();
    this.#idle.push(target);
    target.rest(CACHE_IDLE_MS, () => {
      const at = this.#idle.indexOf(target);
      if (at >= 0) this.#idle.splice(at, 1);
      target.close();
    });
  }
}

async function converse(
  target: Target,
  job: MigrationJob,
  isMoved: boolean[],
  progress: { answered: number; error: string | null },
): Promise<void> {
  const { database, credentials, keys, timeoutMs } = job;
  const selects = target.database !== database;
  const requests: Arg[][] = [];
  if (credentials !== null) requests.push(['AUTH', ...credentials]);
  if (selects) requests.push(['SELECT', database]);
  for (const { key, payload, ttlMs } of keys) {
    const words: Arg[] = [job.restoreCommand, key, ttlMs, payload];
    if (job.replaces) words.push('REPLACE');
    requests.push(words);
  }
  await target.write(encodeCommands(requests), timeoutMs);
  const note = (reply: Reply): boolean => {
    if (!(reply instanceof ReplyError)) return true;
    progress.error ??= `ERR Target instance replied with error: ${reply.message}`;
    // Whatever it is that the target objects to, the next conversation selects its database anew.
    target.database = -1;
    return false;
  };
  let isAccepted = true;
  if (credentials !== null) isAccepted = note(await target.reply(timeoutMs)) && isAccepted;
  if (selects) {
    const isSelected = note(await target.reply(timeoutMs));
    isAccepted &&= isSelected;
    if (isSelected) target.database = database;
  }
  for (let i = 0; i < keys.length; i += 1) {
    // Most of them arrive together: to wait for each would cost more than all the rest.
    const arrived = target.arrivedReply();
    const isRestored = note(arrived === undefined ? await target.reply(timeoutMs) : arrived);
    progress.answered += 1;
    // A RESTORE that was executed in the wrong database, or as another user, has not moved anything.
    isMoved[i] = isRestored && isAccepted;
  }
}

const PORT_MAX = 65535;

/** One connection to a target. */
class Target {
  readonly host: string;
  readonly port: number;
  /** The selected database, −1 = not known. */
  database = -1;
  readonly #socket: Socket;
  readonly #reader = new ReplyReader({ maxReplyBytes: REPLY_BYTES_MAX });
  #isBroken = false;
  #isUnknownHost = false;
  #wake: (() => void) | null = null;
  #restTimer: NodeJS.Timeout | undefined;

  static async connect(host: string, port: number, timeoutMs: number): Promise<Target> {
    // Whatever a client writes there is tried; what cannot be a port has nobody listening, and no name is no host.
    if (host === '') throw new TargetFailure('connecting', true);
    if (!(port >= 0 && port <= PORT_MAX)) throw new TargetFailure('writing', true);
    const target = new Target(host, port);
    try {
      await target.#step('connecting', timeoutMs, (done) => target.#socket.once('connect', done));
      return target;
    } catch (error) {
      target.close();
      const isRefused = !(error as TargetFailure).isFinal && !target.#isUnknownHost;
      throw new TargetFailure(isRefused ? 'writing' : 'connecting', true);
    }
  }

  private constructor(host: string, port: number) {
    this.host = host;
    this.port = port;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on('data', (bytes) => {
      // Nothing was asked: the next answer would be taken for that of another request.
      if (this.#restTimer !== undefined) this.close();
      this.#reader.feed(bytes);
      this.#wake?.();
    });
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#isUnknownHost = error.syscall === 'getaddrinfo';
    });
    this.#socket.on('close', () => {
      this.#isBroken = true;
      this.#wake?.();
    });
  }

  async write(bytes: Uint8Array, timeoutMs: number): Promise<void> {
    this.#rested();
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      if (this.#isBroken) throw new TargetFailure('writing', false);
      const hasRoom = this.#socket.write(bytes.subarray(at, at + CHUNK_BYTES));
      if (!hasRoom) await this.#step('writing', timeoutMs, (done) => this.#socket.once('drain', done));
    }
  }

  /** The next reply, if it is there already. */
  arrivedReply(): Reply | undefined {
    const result = this.#reader.next();
    if (result === null) return undefined;
    if (result.kind === 'reply') return result.value;
    throw new TargetFailure('reading', false);
  }

  async reply(timeoutMs: number): Promise<Reply> {
    for (;;) {
      const reply = this.arrivedReply();
      if (reply !== undefined) return reply;
      if (this.#isBroken) throw new TargetFailure('reading', false);
      await this.#step('reading', timeoutMs, () => {});
    }
  }

  /** Calls `expire` after a time without use. */
  rest(idleMs: number, expire: () => void): void {
    this.#restTimer = setTimeout(expire, idleMs);
    this.#restTimer.unref();
  }

  close(): void {
    this.#rested();
    this.#socket.destroy();
  }

  #rested(): void {
    clearTimeout(this.#restTimer);
    this.#restTimer = undefined;
  }

  /** Waits until `done` is called, something arrives, or the connection ends. */
  #step(step: TargetFailure['step'], timeoutMs: number, begin: (done: () => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isBroken) return reject(new TargetFailure(step, false));
      const timer = setTimeout(() => settle(new TargetFailure(step, true)), timeoutMs);
      const settle = (failure: TargetFailure | null): void => {
        clearTimeout(timer);
        this.#wake = null;
        if (failure === null) resolve();
        else reject(failure);
      };
      this.#wake = () => {
        if (this.#isBroken) settle(new TargetFailure(step, false));
        else if (step === 'reading') settle(null);
      };
      begin(() => settle(null));
    });
  }
}
