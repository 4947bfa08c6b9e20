/**
 * WATCH: which connections watch which keys, and marking those whose key changed. Source: spec server.md section 8, rules 6 to 10.
 *
 * Keys are known by database number and bytes (as a latin1 string). The keyspace tells of every change while anybody watches; nobody pays otherwise.
 *
 * Invariants: (1) a watch is in `byKey` iff it is in its connection's list; (2) the keyspace has this listener iff `byKey` is not empty, or there is a
 * witness.
 */
import type { Database } from '../keyspace/database.js';
import type { ChangeListener, Keyspace } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';

/** Who watches: a connection. */
export interface Watcher {
  readonly databaseIndex: number;
  watched: WatchedKey[] | null;
  isWatchDirty: boolean;
}

export interface WatchedKey {
  readonly watcher: Watcher;
  readonly databaseIndex: number;
  readonly key: Uint8Array;
  readonly id: string;
  /** It was there but expired at WATCH: its deletion is no change, its rebirth is. */
  wasExpired: boolean;
}

/** Hears of every change that may concern a watched key, whether or not anybody watches. */
export interface ChangeWitness extends ChangeListener {
  /** Every key of the database may be about to go, or to become another. */
  flushing(databaseIndex: number): void;
}

export class Watches implements ChangeListener {
  private readonly byKey = new Map<string, WatchedKey[]>();
  private witness: ChangeWitness | null = null;
  private readonly keyspace: Keyspace;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  /** Number of keys watched by anybody. */
  get keyCount(): number {
    return this.byKey.size;
  }

  watch(watcher: Watcher, key: Uint8Array): void {
    const { databaseIndex } = watcher;
    const id = idOf(databaseIndex, key, 0, key.length);
    watcher.watched ??= [];
    if (watcher.watched.some((other) => other.id === id)) return;
    const db = this.keyspace.databases[databaseIndex];
    const ref = db.find(key, 0, key.length);
    const watched: WatchedKey = { watcher, databaseIndex, key, id, wasExpired: ref !== 0 && this.isExpired(ref) };
    watcher.watched.push(watched);
    const others = this.byKey.get(id);
    if (others === undefined) this.byKey.set(id, [watched]);
    else others.push(watched);
    this.listen();
  }

  unwatch(watcher: Watcher): void {
    watcher.isWatchDirty = false;
    if (watcher.watched === null) return;
    for (const watched of watcher.watched) {
      const others = this.byKey.get(watched.id)!;
      others.splice(others.indexOf(watched), 1);
      if (others.length === 0) this.byKey.delete(watched.id);
    }
    watcher.watched = null;
    this.listen();
  }

  /** Has the witness told of everything from now on; null: there is none. */
  setWitness(witness: ChangeWitness | null): void {
    this.witness = witness;
    this.listen();
  }

  /** Whether EXEC must abort: a watched key changed, or has expired since. */
  isDirty(watcher: Watcher): boolean {
    if (watcher.isWatchDirty) return true;
    for (const { databaseIndex, key, wasExpired } of watcher.watched ?? []) {
      const ref = this.keyspace.databases[databaseIndex].find(key, 0, key.length);
      if (ref !== 0 && !wasExpired && this.isExpired(ref)) return true;
    }
    return false;
  }

  changed(db: Database, ref: Ref): void {
    if (this.witness !== null) this.witness.changed(db, ref);
    if (this.byKey.size === 0) return;
    const { entries } = this.keyspace;
    const watches = this.byKey.get(idOf(db.index, entries.view(ref), entries.keyStart(ref), entries.keyLength(ref)));
    if (watches === undefined) return;
    const isExpired = this.isExpired(ref);
    for (const watched of watches) {
      if (watched.wasExpired && isExpired) watched.wasExpired = false;
      else watched.watcher.isWatchDirty = true;
    }
  }

  /** FLUSHDB, FLUSHALL, a full sync: every watched key that exists in the database is about to go. Call before. */
  flushing(databaseIndex: number): void {
    this.witness?.flushing(databaseIndex);
    for (const watches of this.byKey.values()) {
      const { key, databaseIndex: index } = watches[0];
      if (index !== databaseIndex) continue;
      if (this.keyspace.databases[index].find(key, 0, key.length) === 0) continue;
      for (const watched of watches) {
        // It was dead at WATCH already, and now it is gone.
        if (watched.wasExpired) watched.wasExpired = false;
        else watched.watcher.isWatchDirty = true;
      }
    }
  }

  /** SWAPDB: a watched key is touched if either database has it. Call before. */
  swapping(a: number, b: number): void {
    this.witness?.flushing(a);
    this.witness?.flushing(b);
    for (const watches of this.byKey.values()) {
      const { key, databaseIndex } = watches[0];
      if (databaseIndex !== a && databaseIndex !== b) continue;
      const here = this.keyspace.databases[databaseIndex].find(key, 0, key.length);
      const there = this.keyspace.databases[databaseIndex === a ? b : a].find(key, 0, key.length);
      const isGoneThere = there === 0 || this.isExpired(there);
      for (const watched of watches) {
        if (here === 0 && there === 0) continue;
        if (watched.wasExpired && isGoneThere) watched.wasExpired = there !== 0;
        else watched.watcher.isWatchDirty = true;
      }
    }
  }

  private listen(): void {
    this.keyspace.setChangeListener(this.byKey.size === 0 && this.witness === null ? null : this);
  }

  private isExpired(ref: Ref): boolean {
    const at = this.keyspace.entries.expireAtMs(ref);
    return at !== 0 && at < this.keyspace.nowMs;
  }
}

function idOf(databaseIndex: number, bytes: Uint8Array, start: number, length: number): string {
  return `${databaseIndex}:${Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1')}`;
}
