/**
 * Keys on their way to another node. MIGRATE does not stop the server here, as it does in Redis: other requests are served while the keys travel. So that
 * no acknowledged write is lost, from the moment a key was serialised until it is known whether the target has it
 *
 *   - reads of the key are served here: what they see is what the target gets;
 *   - requests that may change it wait, and are judged anew afterwards (the slot being moved, they are then sent to the target by ASK);
 *   - and should the key change all the same, by a way that names no keys (a blocked BLMOVE that is served, say), it is not deleted here, and MIGRATE reports that.
 *
 * A script may write to keys that it does not declare, and FLUSHALL names none: such requests wait for all migrations under way.
 */

import { MigrationSender } from '../cluster/migration.js';
import { MigrationBatch } from '../cluster/migration-batch.js';
import { type Command, MAY_REPLICATE, MOVABLE_KEYS, PUBSUB, WRITE } from '../commands/command.js';
import { findKeys } from '../commands/keys.js';
import type { Database } from '../keyspace/database.js';
import type { Entries } from '../keyspace/entry.js';
import { hashAhead, hashKey, keyHashResult } from '../keyspace/key-hash.js';
import type { Ref } from '../memory/arena.js';
import { equalBytes } from '../memory/copy.js';
import type { Request } from '../resp/request.js';
import type { Connection } from './connection.js';
import { IN_MULTI, IS_PAUSED } from './connection-flags.js';
import { connectTransport } from './transport.js';
import type { ChangeWitness, Watches } from './watches.js';

const INDEX_CELLS_MIN = 32;
/** So many travels are kept for later ones. */
const SPARES_MAX = 8;

/** The keys of one MIGRATE while they are on their way: the requests that are sent for them, and whether they have changed since. */
export class Travel {
  databaseIndex = 0;
  /** The slot of the last key: in a cluster, that of all. */
  slot = 0;
  /** Whether the keys go for good, so that changes of them are held back. */
  isHeld = false;
  readonly batch = new MigrationBatch();
  /** By key of the batch. */
  readonly isChanged: boolean[] = [];
  /** Open addressing by the hash of the key: its number in the batch plus 1, 0 = empty. At most half of it is full. */
  private index = new Int32Array(INDEX_CELLS_MIN);

  /** To be called once all keys are in the batch. */
  depart(): void {
    const { batch } = this;
    let cells = this.index.length;
    while (cells < batch.keyCount * 2) cells *= 2;
    if (cells > this.index.length) this.index = new Int32Array(cells);
    else this.index.fill(0);
    const { index } = this;
    for (let i = 0; i < batch.keyCount; i++) {
      this.isChanged[i] = false;
      let cell = hashKey(batch.bytes, batch.keyStarts[i], batch.keyLengths[i]) & (cells - 1);
      while (index[cell] !== 0) cell = (cell + 1) & (cells - 1);
      index[cell] = i + 1;
    }
    this.slot = keyHashResult.slot;
  }

  /** Whether the key `bytes[start … start + length)`, whose hash it is, is on its way. */
  has(hash: number, bytes: Uint8Array, start: number, length: number): boolean {
    const { index, batch } = this;
    const mask = index.length - 1;
    for (let cell = hash & mask; index[cell] !== 0; cell = (cell + 1) & mask) {
      const i = index[cell] - 1;
      if (batch.keyLengths[i] === length && equalBytes(batch.bytes, batch.keyStarts[i], bytes, start, length))
        return true;
    }
    return false;
  }

  /** The entry, whose key has that hash, is about to change. Who names a key twice has it here twice. */
  note(hash: number, entries: Entries, ref: Ref): void {
    const { index, batch } = this;
    const mask = index.length - 1;
    for (let cell = hash & mask; index[cell] !== 0; cell = (cell + 1) & mask) {
      const i = index[cell] - 1;
      if (entries.equals(ref, batch.bytes, batch.keyStarts[i], batch.keyLengths[i])) this.isChanged[i] = true;
    }
  }

  noteAll(): void {
    for (let i = 0; i < this.batch.keyCount; i++) this.isChanged[i] = true;
  }
}

export class Migrations implements ChangeWitness {
  readonly sender = new MigrationSender(connectTransport);
  /** Those whose keys go for good. */
  private readonly underWay: Travel[] = [];
  private readonly spares: Travel[] = [];
  private readonly waiting: Connection[] = [];
  private readonly entries: Entries;
  private readonly watches: Watches;
  private readonly onChange: (isActive: boolean) => void;

  /** @param onChange is called when the first key sets out and when the last one has arrived */
  constructor(entries: Entries, watches: Watches, onChange: (isActive: boolean) => void) {
    this.entries = entries;
    this.watches = watches;
    this.onChange = onChange;
  }

  get isActive(): boolean {
    return this.underWay.length > 0;
  }

  /** @returns a travel without keys, to be given back by `release` */
  prepare(databaseIndex: number): Travel {
    const travel = this.spares.pop() ?? new Travel();
    travel.databaseIndex = databaseIndex;
    travel.isHeld = false;
    travel.batch.reset();
    return travel;
  }

  /** The travel is over. Not to be called if something may still read its batch. */
  release(travel: Travel): void {
    if (this.spares.length < SPARES_MAX) this.spares.push(travel);
  }

  /** Holds back changes of the keys until `arrived`. */
  depart(travel: Travel): void {
    travel.isHeld = true;
    travel.depart();
    this.underWay.push(travel);
    if (this.underWay.length > 1) return;
    this.watches.setWitness(this);
    this.onChange(true);
  }

  /**
   * Ends the hold; changes from now on, such as the caller's own deletions, are not noted in `isChanged`. What waited is judged anew in later turns.
   */
  arrived(travel: Travel): void {
    this.underWay.splice(this.underWay.indexOf(travel), 1);
    if (!this.isActive) {
      this.watches.setWitness(null);
      this.onChange(false);
    }
    if (this.waiting.length === 0) return;
    for (const connection of this.waiting.splice(0)) {
      connection.release(IS_PAUSED);
      setImmediate(() => connection.resume());
    }
  }

  changed(db: Database, ref: Ref): void {
    const hash = this.entries.hashOf(ref);
    for (const travel of this.underWay) if (travel.databaseIndex === db.index) travel.note(hash, this.entries, ref);
  }

  flushing(databaseIndex: number): void {
    for (const travel of this.underWay) if (travel.databaseIndex === databaseIndex) travel.noteAll();
  }

  /** Whether a request that is about to be executed must wait. */
  mustWait(connection: Connection, request: Request, command: Command): boolean {
    const { transaction, databaseIndex } = connection;
    if (command.fullName === 'exec' && transaction !== null) {
      for (let i = 0; i < transaction.count; i++)
        if (this.concerns(databaseIndex, transaction.request(i), transaction.command(i))) return true;
      return false;
    }
    return (connection.flags & IN_MULTI) === 0 && this.concerns(databaseIndex, request, command);
  }

  /** In a cluster: whether it is plain at little cost that `mustWait` need not be asked, if all keys of the request are in the slot of the first. */
  passes(request: Request, command: Command): boolean {
    if ((command.flags & (WRITE | MAY_REPLICATE)) === 0) return true;
    const { firstKey } = command;
    if (!command.hasPlainKeys || firstKey === 0 || firstKey >= request.argc) return false;
    const { bytes, starts, lengths } = request;
    hashAhead(bytes, starts[firstKey], lengths[firstKey]);
    const { slot } = keyHashResult;
    for (const travel of this.underWay) if (travel.slot === slot) return false;
    return true;
  }

  postpone(connection: Connection): void {
    connection.hold(IS_PAUSED);
    this.waiting.push(connection);
  }

  private concerns(databaseIndex: number, request: Request, command: Command): boolean {
    const isScript = (command.flags & (MAY_REPLICATE | MOVABLE_KEYS)) === (MAY_REPLICATE | MOVABLE_KEYS);
    if (isScript) return true;
    if ((command.flags & (WRITE | MAY_REPLICATE)) === 0 || (command.flags & PUBSUB) !== 0) return false;
    const keys = findKeys(command, request);
    if (keys === null || keys.length === 0) return true;
    const { bytes, starts, lengths } = request;
    for (const { position } of keys)
      if (this.isTravelling(databaseIndex, bytes, starts[position], lengths[position])) return true;
    return false;
  }

  private isTravelling(databaseIndex: number, bytes: Uint8Array, start: number, length: number): boolean {
    const hash = hashKey(bytes, start, length);
    for (const travel of this.underWay)
      if (travel.databaseIndex === databaseIndex && travel.has(hash, bytes, start, length)) return true;
    return false;
  }
}
