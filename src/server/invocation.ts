/**
 * What a command handler sees of the world: its arguments, the database, the reply, and the way to tell what it changed. One long-lived object.
 *
 * Handlers check, then act, then reply. They write one reply, count what they changed in `keyspace.dirty`, and need to tell nothing about
 * propagation if the request as received is its own deterministic form.
 */
import type { Command } from '../commands/command.js';
import type { Database } from '../keyspace/database.js';
import type { Entries } from '../keyspace/entry.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import { WARM_MAX } from '../memory/bucket-chains.js';
import type { ReplyWriter } from '../resp/reply-writer.js';
import type { Request } from '../resp/request.js';
import type { TabledType } from '../types/member-table.js';
import { parseRoundedInt64, parseSafeInteger } from '../types/number.js';
import type { Connection } from './connection.js';
import type { KeyspaceEvents } from './keyspace-events.js';
import type { Server } from './server.js';

/** Fewer keys are not worth it. */
const WARMED_MIN = 8;
/** What there is to fewer keys is in the caches as it is. */
const WARMED_KEYSPACE_MIN = 4096;
/** Of so few keys, those that are named in the order in which they lie in memory are there in time: to bring them costs 100 ns a key more than it saves. */
const WARMED_IN_ORDER_MIN = 32_768;
/** After so many keys it is seen again whether they are in order. */
const UNWARMED_KEYS = 16 * WARM_MAX;

export class Invocation {
  request: Request;
  readonly reply: ReplyWriter;
  readonly keyspace: Keyspace;
  readonly entries: Entries;
  readonly server: Server;
  private readonly events: KeyspaceEvents;
  command: Command;
  connection: Connection;
  db: Database;
  /** Set once the handler has told its propagated form itself; the request as received is then not propagated. */
  isPropagated = false;
  /** Number of the first key that is to be brought into the cache again. */
  private warmedFrom = 0;

  constructor(server: Server, request: Request, command: Command, connection: Connection) {
    this.server = server;
    this.events = server.keyspaceEvents;
    this.request = request;
    this.reply = server.reply;
    this.keyspace = server.keyspace;
    this.entries = server.keyspace.entries;
    this.command = command;
    this.connection = connection;
    this.db = server.keyspace.databases[0];
  }

  get argc(): number {
    return this.request.argc;
  }

  /** @returns the live entry of the key in argument `index` for a read, or 0 */
  lookupRead(index: number): Ref {
    const { bytes, starts, lengths } = this.request;
    return this.db.lookupRead(bytes, starts[index], lengths[index]);
  }

  /** @returns the live entry of the key in argument `index` for a write, or 0 */
  lookupWrite(index: number): Ref {
    const { bytes, starts, lengths } = this.request;
    return this.db.lookupWrite(bytes, starts[index], lengths[index]);
  }

  /**
   * For commands on many keys, each the `step`-th argument from the one before: to be called before key number `n`, from 0 on, is looked up. Every so many
   * keys it brings the entries of the next ones into the cache, all at once, since lookups of random keys mostly wait for memory.
   */
  warmKeys(n: number, index: number, step: number): void {
    if (n % WARM_MAX !== 0) return;
    const { argc, bytes, starts, lengths } = this.request;
    const { keyCount } = this.db;
    if (argc - index < WARMED_MIN * step || keyCount < WARMED_KEYSPACE_MIN) return;
    if (n === 0) this.warmedFrom = 0;
    if (n < this.warmedFrom) return;
    const isInOrder = this.db.warmSome(bytes, starts, lengths, index, argc, step);
    if (isInOrder && keyCount < WARMED_IN_ORDER_MIN) this.warmedFrom = n + UNWARMED_KEYS;
  }

  /** The same for commands on many items of a collection, of which argument `index` names number `n`; `ref` is its entry so far, or 0. */
  warmItems(type: TabledType, ref: Ref, n: number, index: number, step: number): void {
    if (n % WARM_MAX !== 0) return;
    const { argc, bytes, starts, lengths } = this.request;
    if (ref === 0 || argc - index < WARMED_MIN * step) return;
    const table = type.itemTable(ref);
    if (table !== 0) type.table.warmSome(table, bytes, starts, lengths, index, argc, step);
  }

  /** @returns argument `index` as a safe integer, or NaN if it is none (beyond ±2^53 counts as none) */
  integer(index: number): number {
    const { bytes, starts, lengths } = this.request;
    return parseSafeInteger(bytes, starts[index], lengths[index]);
  }

  /** @returns argument `index` as an int64, rounded to a double where it is beyond ±2^53: for counts; NaN if it is none */
  roundedInteger(index: number): number {
    const { bytes, starts, lengths } = this.request;
    return parseRoundedInt64(bytes, starts[index], lengths[index]);
  }

  text(index: number): string {
    return this.request.text(index);
  }

  is(index: number, word: string): boolean {
    return this.request.is(index, word);
  }

  /** Replies with argument `index`'s bytes as a bulk string. */
  replyArgument(index: number): void {
    const { bytes, starts, lengths } = this.request;
    this.reply.bulk(bytes, starts[index], lengths[index]);
  }

  /** Replies with a string entry's value. */
  replyValue(ref: Ref): void {
    this.reply.bulk(this.entries.view(ref), this.entries.valueStart(ref), this.entries.valueLength(ref));
  }

  error(text: string): void {
    this.reply.error(text);
  }

  /**
   * Tells that the key in argument `keyAt` has been changed; to be called at the moment of the change, in Redis's order (spec server.md section 10).
   * @param type the event's class, one of NOTIFY_…
   */
  notify(type: number, event: string, keyAt: number): void {
    if ((this.events.mask & type) === 0) return;
    const { bytes, starts, lengths } = this.request;
    this.events.publish(this.db.index, event, bytes, starts[keyAt], lengths[keyAt]);
  }

  /** As `notify`, for a key that is no argument, or not one of the selected database. */
  notifyKey(type: number, event: string, db: Database, bytes: Uint8Array, start: number, length: number): void {
    if ((this.events.mask & type) !== 0) this.events.publish(db.index, event, bytes, start, length);
  }

  /** Propagates these words instead of the request. May be called several times; with `propagateNothing` the request is dropped. */
  propagate(words: readonly (string | Uint8Array)[]): void {
    this.isPropagated = true;
    this.server.propagation.command(this.db.index, words);
  }

  /** The same of one word and the key in argument `keyAt`, without an array of them. */
  propagateWithKey(word: Uint8Array, keyAt: number): void {
    this.isPropagated = true;
    const { propagation } = this.server;
    if (!propagation.isActive) return;
    const { bytes, starts, lengths } = this.request;
    propagation.begin(2);
    propagation.word(word, 0, word.length);
    propagation.word(bytes, starts[keyAt], lengths[keyAt]);
    propagation.end(this.db.index);
  }

  /** Propagates the request as received, even if nothing changed. */
  propagateVerbatim(): void {
    this.isPropagated = true;
    this.server.propagation.request(this.db.index, this.request);
  }

  propagateNothing(): void {
    this.isPropagated = true;
  }
}
