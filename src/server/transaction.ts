/**
 * MULTI … EXEC of one connection: the queued requests with arguments of their own, and whether EXEC must refuse.
 *
 * States: queuing → (an error while queuing) failed → EXEC or DISCARD ends it. Once failed nothing more is stored. Source: spec server.md section 8.
 *
 * The words of all requests lie one behind the other in one growing buffer, and the object is used again (`TransactionPool`): a short transaction allocates
 * nothing.
 */
import type { Command } from '../commands/command.js';
import type { Database } from '../keyspace/database.js';
import { WARM_MAX } from '../memory/bucket-chains.js';
import { copyBytes } from '../memory/copy.js';
import { Request } from '../resp/request.js';
import { warmRequests } from './warm-requests.js';

const INITIAL_BYTES = 1024;
const INITIAL_WORDS = 32;
/** One that needed more bytes or words than this gives them up. */
const KEPT_BYTES_MAX = 4096;
const KEPT_WORDS_MAX = 128;
/** Clients that have a transaction open at the same time, mostly. */
const KEPT_MAX = 64;

/** Fewer requests are not worth a look at their keys. */
const WARMED_MIN = 8;
/** What there is to fewer keys is in the caches as it is. */
const WARMED_KEYSPACE_MIN = 32_768;

export class Transaction {
  /** Requests that are queued. */
  count = 0;
  /** A command was refused while queuing: EXEC answers EXECABORT. */
  hasFailed = false;
  /** Union of the flags of the queued commands, and of the inverses for those that matter by absence. */
  anyFlags = 0;
  allFlags = -1;
  /** Bytes of the queued arguments. */
  argumentBytes = 0;
  private bytes = new Uint8Array(INITIAL_BYTES);
  private starts = new Int32Array(INITIAL_WORDS);
  private lengths = new Int32Array(INITIAL_WORDS);
  /** The words of request number i are those from `firstWords[i]` to before `firstWords[i + 1]`. */
  private firstWords = new Int32Array(INITIAL_WORDS);
  /** Of each request; what is behind `count` is of earlier transactions, as to give up and take an array's memory costs more than a command. */
  private commands: Command[] = [];
  /** What `request` gives out. */
  private readonly current = new Request(INITIAL_WORDS);

  /** Stores a copy of the request. */
  queue(command: Command, request: Request): void {
    const number = this.count++;
    this.commands[number] = command;
    this.anyFlags |= command.flags;
    this.allFlags &= command.flags;
    if (this.count === this.firstWords.length) this.firstWords = doubled(this.firstWords);
    let word = this.firstWords[number];
    for (let i = 0; i < request.argc; i++) this.addWord(word++, request.bytes, request.starts[i], request.lengths[i]);
    this.firstWords[this.count] = word;
  }

  /** @returns the command of queued request number `index` */
  command(index: number): Command {
    return this.commands[index];
  }

  /** @returns queued request number `index`, good until the next call and as long as nothing is queued */
  request(index: number): Request {
    const { current, firstWords, starts, lengths } = this;
    const end = firstWords[index + 1];
    current.bytes = this.bytes;
    current.argc = 0;
    for (let i = firstWords[index]; i < end; i++) current.push(starts[i], lengths[i]);
    return current;
  }

  /**
   * To be called before request number `index` is executed. Every so many requests it brings the entries of the keys of the next ones into the cache, all at
   * once, as the lookahead does with a pipeline; argument 1 is taken for the key. Nothing depends on it but time; `forgetHashAhead` is due after the last one.
   */
  warmKeys(index: number, db: Database): void {
    if (index % WARM_MAX !== 0 || this.count - index < WARMED_MIN || db.keyCount < WARMED_KEYSPACE_MIN) return;
    const end = Math.min(this.count, index + WARM_MAX);
    warmRequests(db, this.bytes, this.firstWords, index, end, this.starts, this.lengths);
  }

  /** Makes it as new. */
  clear(): void {
    this.count = 0;
    this.hasFailed = false;
    this.anyFlags = 0;
    this.allFlags = -1;
    this.argumentBytes = 0;
    if (this.bytes.length <= KEPT_BYTES_MAX && this.starts.length <= KEPT_WORDS_MAX) return;
    this.bytes = new Uint8Array(INITIAL_BYTES);
    this.starts = new Int32Array(INITIAL_WORDS);
    this.lengths = new Int32Array(INITIAL_WORDS);
    this.firstWords = new Int32Array(INITIAL_WORDS);
    this.commands = [];
  }

  private addWord(word: number, bytes: Uint8Array, start: number, length: number): void {
    const at = this.argumentBytes;
    if (at + length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(at + length, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, at));
      this.bytes = grown;
    }
    if (word === this.starts.length) {
      this.starts = doubled(this.starts);
      this.lengths = doubled(this.lengths);
    }
    copyBytes(bytes, start, this.bytes, at, length);
    this.starts[word] = at;
    this.lengths[word] = length;
    this.argumentBytes = at + length;
  }
}

/**
 * Transactions that have ended, for the next ones. A large one is kept as well, without what it has grown to: if none were left, the engine would forget
 * with the last of them what it has learned of their shape, and make the machine code of all that runs commands anew.
 */
export class TransactionPool {
  private readonly spares: Transaction[] = [];

  take(): Transaction {
    return this.spares.pop() ?? new Transaction();
  }

  /** Nobody may use it any more. */
  giveBack(transaction: Transaction): void {
    if (this.spares.length === KEPT_MAX) return;
    transaction.clear();
    this.spares.push(transaction);
  }
}

function doubled(numbers: Int32Array): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(numbers.length * 2);
  grown.set(numbers);
  return grown;
}

/** A request whose arguments lie in bytes of their own, without the gaps of the wire format. */
export function copyRequest(request: Request): Request {
  const { argc, bytes, starts, lengths } = request;
  let size = 0;
  for (let i = 0; i < argc; i++) size += lengths[i];
  const copy = new Request(argc);
  copy.bytes = new Uint8Array(size);
  for (let i = 0, at = 0; i < argc; i++) {
    copyBytes(bytes, starts[i], copy.bytes, at, lengths[i]);
    copy.push(at, lengths[i]);
    at += lengths[i];
  }
  return copy;
}

/** A request of these words, which are copied. */
export function requestOf(words: readonly Uint8Array[]): Request {
  const copy = new Request(words.length);
  copy.bytes = new Uint8Array(words.reduce((sum, word) => sum + word.length, 0));
  let at = 0;
  for (const word of words) {
    copy.bytes.set(word, at);
    copy.push(at, word.length);
    at += word.length;
  }
  return copy;
}
