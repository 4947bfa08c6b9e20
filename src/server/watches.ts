/**
 * WATCH: which connections watch which keys, and marking those whose key changed. Source: spec server.md section 8, rules 6 to 10.
 *
 * Keys are known by database number and bytes. The keyspace tells of every change while anybody watches; nobody pays otherwise. An interest is marked if the
 * key was there but expired at WATCH: its deletion is no change, its rebirth is.
 *
 * Invariant: the keyspace has this listener iff somebody watches, or there is a witness.
 */
import type { Database } from '../keyspace/database.js';
import type { ChangeListener, Keyspace } from '../keyspace/keyspace.js';
import type { Ref } from '../memory/arena.js';
import { Interests, InterestTable, Subject } from './interests.js';

/** Who watches: a connection. */
export interface Watcher {
  readonly databaseIndex: number;
  watched: WatchedKeys | null;
  isWatchDirty: boolean;
}

export type WatchedKeys = Interests<Subject<Watcher>, Watcher>;

/** Hears of every change that may concern a watched key, whether or not anybody watches. */
export interface ChangeWitness extends ChangeListener {
  /** Every key of the database may be about to go, or to become another. */
  flushing(databaseIndex: number): void;
}

export class Watches implements ChangeListener {
  private readonly keys = new InterestTable<Subject<Watcher>, Watcher>();
  private witness: ChangeWitness | null = null;
  private readonly keyspace: Keyspace;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  /** @param key is kept if nobody watches it yet */
  watch(watcher: Watcher, key: Uint8Array): void {
    const { keys } = this;
    const { databaseIndex } = watcher;
    watcher.watched ??= new Interests();
    let subject = keys.find(databaseIndex, key, 0, key.length);
    if (subject === null) {
      subject = new Subject(databaseIndex, key);
      keys.add(subject);
    } else if (keys.interestIn(subject, watcher, watcher.watched) !== null) {
      return;
    }
    const ref = this.keyspace.databases[databaseIndex].find(key, 0, key.length);
    keys.join(subject, watcher, watcher.watched).isMarked = ref !== 0 && this.isExpired(ref);
    this.listen();
  }

  unwatch(watcher: Watcher): void {
    watcher.isWatchDirty = false;
    if (watcher.watched === null) return;
    this.keys.leaveAll(watcher.watched);
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
    if (watcher.watched === null) return false;
    for (let interest = watcher.watched.first; interest !== null; interest = interest.nextOfOwner) {
      const { space, name } = interest.subject;
      const ref = this.keyspace.databases[space].find(name, 0, name.length);
      if (ref !== 0 && !interest.isMarked && this.isExpired(ref)) return true;
    }
    return false;
  }

  changed(db: Database, ref: Ref): void {
    if (this.witness !== null) this.witness.changed(db, ref);
    if (this.keys.size === 0) return;
    const { entries } = this.keyspace;
    const subject = this.keys.find(db.index, entries.view(ref), entries.keyStart(ref), entries.keyLength(ref));
    if (subject === null) return;
    const isExpired = this.isExpired(ref);
    for (let interest = subject.first; interest !== null; interest = interest.next) {
      if (interest.isMarked && isExpired) interest.isMarked = false;
      else interest.owner.isWatchDirty = true;
    }
  }

  /** FLUSHDB, FLUSHALL, a full sync: every watched key that exists in the database is about to go. Call before. */
  flushing(databaseIndex: number): void {
    this.witness?.flushing(databaseIndex);
    for (let subject = this.keys.begin(); subject !== null; subject = this.keys.advance()) {
      const { space, name } = subject;
      if (space !== databaseIndex) continue;
      if (this.keyspace.databases[space].find(name, 0, name.length) === 0) continue;
      for (let interest = subject.first; interest !== null; interest = interest.next) {
        // It was dead at WATCH already, and now it is gone.
        if (interest.isMarked) interest.isMarked = false;
        else interest.owner.isWatchDirty = true;
      }
    }
  }

  /** SWAPDB: a watched key is touched if either database has it. Call before. */
  swapping(a: number, b: number): void {
    this.witness?.flushing(a);
    this.witness?.flushing(b);
    for (let subject = this.keys.begin(); subject !== null; subject = this.keys.advance()) {
      const { space, name } = subject;
      if (space !== a && space !== b) continue;
      const here = this.keyspace.databases[space].find(name, 0, name.length);
      const there = this.keyspace.databases[space === a ? b : a].find(name, 0, name.length);
      if (here === 0 && there === 0) continue;
      const isGoneThere = there === 0 || this.isExpired(there);
      for (let interest = subject.first; interest !== null; interest = interest.next) {
        if (interest.isMarked && isGoneThere) interest.isMarked = there !== 0;
        else interest.owner.isWatchDirty = true;
      }
    }
  }

  private listen(): void {
    this.keyspace.setChangeListener(this.keys.size === 0 && this.witness === null ? null : this);
  }

  private isExpired(ref: Ref): boolean {
    const at = this.keyspace.entries.expireAtMs(ref);
    return at !== 0 && at < this.keyspace.nowMs;
  }
}
