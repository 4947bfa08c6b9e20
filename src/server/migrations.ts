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
import { type Command, MAY_REPLICATE, MOVABLE_KEYS, PUBSUB, WRITE } from '../commands/command.js';
import { findKeys } from '../commands/keys.js';
import type { Request } from '../resp/request.js';
import type { Connection } from './connection.js';
import { IN_MULTI, IS_PAUSED } from './connection-flags.js';
import type { WatchedKey, Watcher, Watches } from './watches.js';

/** One key in flight; the watch tells whether it has changed since. */
export class TravellingKey implements Watcher {
  readonly databaseIndex: number;
  readonly key: Uint8Array;
  watched: WatchedKey[] | null = null;
  isWatchDirty = false;

  constructor(databaseIndex: number, key: Uint8Array) {
    this.databaseIndex = databaseIndex;
    this.key = key;
  }
}

export class Migrations {
  readonly sender = new MigrationSender();
  /** Keys in flight; one that is part of two migrations counts twice. */
  private travellingCount = 0;
  private readonly waiting: Connection[] = [];
  private readonly watches: Watches;
  private readonly onChange: (isActive: boolean) => void;

  /** @param onChange is called when the first key sets out and when the last one has arrived */
  constructor(watches: Watches, onChange: (isActive: boolean) => void) {
    this.watches = watches;
    this.onChange = onChange;
  }

  get isActive(): boolean {
    return this.travellingCount > 0;
  }

  /** Holds back changes of the key until `arrived`. */
  depart(databaseIndex: number, key: Uint8Array): TravellingKey {
    if (this.travellingCount++ === 0) this.onChange(true);
    const travelling = new TravellingKey(databaseIndex, key);
    this.watches.watch(travelling, key);
    return travelling;
  }

  /** Ends the hold, and the watch: the caller's own deletions are nothing to be told of. What waited is judged anew in later turns. */
  arrived(keys: readonly TravellingKey[]): void {
    for (const key of keys) this.watches.unwatch(key);
    this.travellingCount -= keys.length;
    if (!this.isActive) this.onChange(false);
    for (const connection of this.waiting.splice(0)) {
      connection.release(IS_PAUSED);
      setImmediate(() => connection.resume());
    }
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
    return keys.some(({ position }) =>
      this.watches.isWatched(databaseIndex, bytes, starts[position], lengths[position], isTravelling),
    );
  }
}

function isTravelling(watcher: Watcher): boolean {
  return watcher instanceof TravellingKey;
}
