/**
 * Sending keys to another node: the far side of MIGRATE. Source: spec/cluster.md 12.3.
 *
 *   take a cached connection, or connect → write AUTH, SELECT and one RESTORE per key → read the replies in order → give the connection back
 *
 *   target:   connecting → writing → reading → idle ─next job→ writing …      any → closed: by the peer, by the time limit, or by what nobody asked for
 *
 * The event loop goes on meanwhile; what that means for the keys is the caller's matter (`server/migrations.ts`). The time limit is for each step:
 * connecting, each chunk that the target takes, each reply. A connection that broke before the first key was answered may have been closed by the target
 * while it was idle, so that is tried once more with a new one.
 *
 * Everything happens in the events of the connection itself. With a stream, a promise and a timer for each step, half of what a batch cost was the way
 * from one to the next.
 *
 * Invariants: (1) `done` of a job is called exactly once, and never from within `send`; (2) a connection is given back only if all was answered, and
 * nothing else: a later reply would be taken for that of another request; (3) as many cached connections as CACHE_MAX, closed after CACHE_IDLE_MS; (4) the
 * target's replies are status lines, so a long one is an error.
 */
import { encodeCommand } from '../client/encode-command.js';
import { type Reply, ReplyError, ReplyReader } from '../resp/reply-reader.js';
import type { MigrationBatch } from './migration-batch.js';

const CACHE_MAX = 64;
const CACHE_IDLE_MS = 10_000;
const CHUNK_BYTES = 64 * 1024;
const REPLY_BYTES_MAX = 64 * 1024;
const PORT_MAX = 65535;
const TIMER_MS_MAX = 0x7fffffff;

/** A connection to a target. */
export interface TargetLink {
  owner: LinkOwner;
  /** Bytes that the kernel has not taken yet. */
  readonly queuedBytes: number;
  /** @returns whether the kernel has taken all of it; if not, `onDrained` tells when it has, and the bytes must not change until then */
  write(bytes: Uint8Array): boolean;
  destroy(): void;
}

export interface LinkOwner {
  /** The bytes may be used again after the return. */
  onBytes(bytes: Uint8Array, length: number): void;
  /** No more bytes will arrive; `onClosed` follows. */
  onEnding(): void;
  onDrained(): void;
  onClosed(): void;
}

/**
 * Connects to a target.
 * @param opened gets the link, whose owner it sets before it returns, or the error; never called from within
 * @returns      what gives up the attempt
 */
export type OpenLink = (
  where: { host: string; port: number },
  opened: (link: TargetLink | null, error: Error | null) => void,
) => { destroy(): void };

export interface MigrationJob {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  /** For each step. */
  readonly timeoutMs: number;
  /** The requests. Must not change until `done`; a batch with which something went wrong may be looked at, but is not to be used again. */
  readonly batch: MigrationBatch;
  /** @param error the error reply without minus; null if all went well. `batch.isMoved` tells what has become of each key */
  done(error: string | null): void;
}

/** What it was that failed, in the words of the error reply: a refused connection shows itself at the first write there. */
type Step = 'connecting' | 'writing' | 'reading';

const FAILURE_TEXTS = {
  connecting: 'IOERR error or timeout connecting to the client',
  writing: 'IOERR error or timeout writing to target instance',
  reading: 'IOERR error or timeout reading to target instance',
} as const;

/** Sends keys to other nodes over connections that it keeps for a while. */
export class MigrationSender {
  /** Idle connections, the most recently used last. */
  readonly #idle: Target[] = [];
  readonly #open: OpenLink;

  constructor(open: OpenLink) {
    this.#open = open;
  }

  send(job: MigrationJob): void {
    const target = this.#take(job);
    if (target !== null) target.converse(job);
    else this.connect(job, false);
  }

  /** Closes the cached connections. */
  stop(): void {
    for (const target of this.#idle.splice(0)) target.close();
  }

  /** For INFO and tests. */
  get cachedCount(): number {
    return this.#idle.length;
  }

  /** Sends the job over a new connection. */
  connect(job: MigrationJob, isRetry: boolean): void {
    const { host, port } = job;
    // Whatever a client writes there is tried; what cannot be a port has nobody listening, and no name is no host.
    if (host === '') setImmediate(() => job.done(FAILURE_TEXTS.connecting));
    else if (!(port >= 0 && port <= PORT_MAX)) setImmediate(() => job.done(FAILURE_TEXTS.writing));
    else new Target(this, host, port).open(this.#open, job, isRetry);
  }

  giveBack(target: Target): void {
    if (this.#idle.length >= CACHE_MAX) this.#idle.shift()!.close();
    this.#idle.push(target);
  }

  /** The target has closed, or is about to. */
  forget(target: Target): void {
    const at = this.#idle.indexOf(target);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  #take({ host, port }: MigrationJob): Target | null {
    for (let at = this.#idle.length - 1; at >= 0; at -= 1) {
      const target = this.#idle[at]!;
      if (target.host !== host || target.port !== port) continue;
      if (at === this.#idle.length - 1) this.#idle.pop();
      else this.#idle.splice(at, 1);
      return target;
    }
    return null;
  }
}

/** One connection to a target, and the job that it has. */
class Target implements LinkOwner {
  readonly host: string;
  readonly port: number;
  readonly #sender: MigrationSender;
  readonly #reader = new ReplyReader({ maxReplyBytes: REPLY_BYTES_MAX });
  #link: TargetLink | null = null;
  #attempt: { destroy(): void } | null = null;
  #isClosed = false;
  /** The selected database, −1 = not known. */
  #database = -1;
  /** null: idle. */
  #job: MigrationJob | null = null;
  #isRetry = false;
  #step: Step = 'connecting';
  /** How much of the batch the link has been given. */
  #sentBytes = 0;
  /** Whether the replies to AUTH and SELECT are still to come, which are before those of the keys. */
  #awaitsAuth = false;
  #awaitsSelect = false;
  /** A RESTORE that was executed in the wrong database, or as another user, has not moved anything. */
  #isAccepted = true;
  #answered = 0;
  #error: string | null = null;
  #deadlineMs = 0;
  /** Fires before the deadline or at it: most deadlines are put off before they come, and no timer is set for them. */
  #timer: NodeJS.Timeout | undefined;
  #timerAtMs = 0;

  constructor(sender: MigrationSender, host: string, port: number) {
    this.#sender = sender;
    this.host = host;
    this.port = port;
  }

  open(open: OpenLink, job: MigrationJob, isRetry: boolean): void {
    this.#job = job;
    this.#isRetry = isRetry;
    this.#step = 'connecting';
    this.#setDeadline(job.timeoutMs);
    this.#attempt = open({ host: this.host, port: this.port }, (link, error) => {
      if (this.#isClosed) {
        link?.destroy();
        return;
      }
      if (link === null) {
        const isUnknownHost = (error as NodeJS.ErrnoException | null)?.syscall === 'getaddrinfo';
        this.#step = isUnknownHost ? 'connecting' : 'writing';
        this.#fail(true);
        return;
      }
      this.#attempt = null;
      this.#link = link;
      link.owner = this;
      this.converse(job);
    });
  }

  /** Sends a job's requests. */
  converse(job: MigrationJob): void {
    const { batch, database } = job;
    this.#job = job;
    this.#answered = 0;
    this.#isAccepted = true;
    this.#error = null;
    this.#sentBytes = 0;
    this.#awaitsAuth = batch.authEnd > 0;
    this.#awaitsSelect = this.#database !== database;
    if (this.#awaitsSelect) {
      const auth = batch.bytes.subarray(0, batch.authEnd);
      this.#link!.write(Buffer.concat([auth, encodeCommand(['SELECT', database])]));
      this.#sentBytes = batch.authEnd;
    }
    this.#writeOn();
  }

  onBytes(bytes: Uint8Array, length: number): void {
    const job = this.#job;
    // Nothing was asked: the next answer would be taken for that of another request.
    if (job === null) return this.close();
    const { batch } = job;
    let at = 0;
    if (!this.#awaitsAuth && !this.#awaitsSelect && this.#reader.pendingBytes === 0) {
      while (this.#answered < batch.keyCount && isOkLine(bytes, at, length)) {
        batch.isMoved[this.#answered++] = this.#isAccepted;
        at += OK_LINE.length;
      }
    }
    if (at < length) {
      this.#reader.feed(bytes.subarray(at, length));
      if (!this.#readReplies(job)) return this.#fail(false);
    }
    if (this.#answered === batch.keyCount) this.#finish(job);
    else if (this.#step === 'reading') this.#setDeadline(job.timeoutMs);
  }

  onEnding(): void {
    // `onClosed` follows.
  }

  onDrained(): void {
    if (this.#job !== null && this.#step === 'writing') this.#writeOn();
  }

  onClosed(): void {
    this.#fail(false);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#sender.forget(this);
    this.#attempt?.destroy();
    this.#link?.destroy();
  }

  #writeOn(): void {
    const { batch, timeoutMs } = this.#job!;
    this.#setDeadline(timeoutMs);
    this.#step = 'writing';
    while (this.#sentBytes < batch.length) {
      const end = Math.min(this.#sentBytes + CHUNK_BYTES, batch.length);
      const chunk = batch.bytes.subarray(this.#sentBytes, end);
      this.#sentBytes = end;
      if (!this.#link!.write(chunk)) return;
    }
    this.#step = 'reading';
  }

  /** @returns false if what came is no reply */
  #readReplies(job: MigrationJob): boolean {
    const { batch, database } = job;
    while (this.#answered < batch.keyCount) {
      const result = this.#reader.next();
      if (result === null) return true;
      if (result.kind !== 'reply') return false;
      const isFine = this.#note(result.value);
      if (this.#awaitsAuth) {
        this.#awaitsAuth = false;
        this.#isAccepted &&= isFine;
      } else if (this.#awaitsSelect) {
        this.#awaitsSelect = false;
        this.#isAccepted &&= isFine;
        if (isFine) this.#database = database;
      } else {
        batch.isMoved[this.#answered++] = isFine && this.#isAccepted;
      }
    }
    return true;
  }

  /** @returns whether the reply is no error */
  #note(reply: Reply): boolean {
    if (!(reply instanceof ReplyError)) return true;
    this.#error ??= `ERR Target instance replied with error: ${reply.message}`;
    // Whatever it is that the target objects to, the next conversation selects its database anew.
    this.#database = -1;
    return false;
  }

  #finish(job: MigrationJob): void {
    const isClean = this.#reader.pendingBytes === 0 && this.#step === 'reading' && this.#link!.queuedBytes === 0;
    this.#job = null;
    if (isClean) {
      this.#setDeadline(CACHE_IDLE_MS);
      this.#sender.giveBack(this);
    } else {
      this.close();
    }
    job.done(this.#error);
  }

  /** Ends the connection, and what it has to do. @param isFinal a new connection would not help */
  #fail(isFinal: boolean): void {
    this.close();
    const job = this.#job;
    if (job === null) return;
    this.#job = null;
    if (isFinal || this.#isRetry || this.#answered > 0) job.done(FAILURE_TEXTS[this.#step]);
    else this.#sender.connect(job, true);
  }

  #setDeadline(delayMs: number): void {
    const nowMs = performance.now();
    this.#deadlineMs = nowMs + delayMs;
    if (this.#timer === undefined || this.#timerAtMs > this.#deadlineMs) this.#setTimer(nowMs);
  }

  #setTimer(nowMs: number): void {
    clearTimeout(this.#timer);
    this.#timerAtMs = this.#deadlineMs;
    this.#timer = setTimeout(() => this.#onTimer(), Math.min(Math.ceil(this.#deadlineMs - nowMs), TIMER_MS_MAX));
    this.#timer.unref();
  }

  #onTimer(): void {
    const nowMs = performance.now();
    if (nowMs < this.#deadlineMs) this.#setTimer(nowMs);
    else this.#fail(true);
  }
}

const OK_LINE = new TextEncoder().encode('+OK\r\n');

function isOkLine(bytes: Uint8Array, at: number, length: number): boolean {
  if (at + OK_LINE.length > length) return false;
  for (let i = 0; i < OK_LINE.length; i += 1) if (bytes[at + i] !== OK_LINE[i]) return false;
  return true;
}
