/** A keyspace beside the plain maps that it must equal: the same operations on both, and the comparison. */
import assert from 'node:assert/strict';
import type { Database } from '../../src/keyspace/database.js';
import { ENCODING_RAW } from '../../src/keyspace/entry.js';
import { SLOT_COUNT } from '../../src/keyspace/key-slot.js';
import { Keyspace } from '../../src/keyspace/keyspace.js';
import type { Ref } from '../../src/memory/arena.js';

export interface ModelValue {
  text: string;
  /** Unix ms, 0 = none */
  expireAtMs: number;
}

export type ModelDatabase = Map<string, ModelValue>;

export const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

export class KeyspaceModel {
  readonly space: Keyspace;
  databases: ModelDatabase[];
  /** Keys that the keyspace said it deleted because their time had come. */
  readonly expired: string[] = [];

  constructor(databaseCount = 2) {
    this.space = new Keyspace(databaseCount);
    this.databases = Array.from({ length: databaseCount }, () => new Map());
    this.space.setNow(1_700_000_000_000);
    this.space.expiryListener = { expired: (db, ref) => this.expired.push(`${db.index}:${this.keyOf(ref)}`) };
  }

  db(index: number): Database {
    return this.space.databases[index];
  }

  lookup(index: number, key: string): Ref {
    const bytes = bytesOf(key);
    return this.db(index).lookupWrite(bytes, 0, bytes.length);
  }

  /** The same in the model: a key that is due is gone. */
  modelLookup(index: number, key: string): ModelValue | undefined {
    const db = this.databases[index];
    const value = db.get(key);
    if (value !== undefined && value.expireAtMs !== 0 && value.expireAtMs < this.space.nowMs) {
      db.delete(key);
      return undefined;
    }
    return value;
  }

  set(index: number, key: string, text: string, expireAtMs = 0): void {
    const [k, v] = [bytesOf(key), bytesOf(text)];
    const ref = this.lookup(index, key);
    assert.equal(ref !== 0, this.modelLookup(index, key) !== undefined);
    this.db(index).setString(ref, k, 0, k.length, v, 0, v.length, ENCODING_RAW, expireAtMs);
    this.databases[index].set(key, { text, expireAtMs });
  }

  remove(index: number, key: string): void {
    const ref = this.lookup(index, key);
    assert.equal(ref !== 0, this.modelLookup(index, key) !== undefined);
    if (ref === 0) return;
    this.db(index).remove(ref);
    this.databases[index].delete(key);
  }

  expire(index: number, key: string, expireAtMs: number): void {
    const ref = this.lookup(index, key);
    const value = this.modelLookup(index, key);
    if (ref === 0 || value === undefined) return;
    if (expireAtMs === 0) this.db(index).clearExpiry(ref);
    else this.db(index).setExpiry(ref, expireAtMs);
    value.expireAtMs = expireAtMs;
  }

  /** Lengthens by `text`, as APPEND, or shortens to half. */
  resize(index: number, key: string, text: string): void {
    const ref = this.lookup(index, key);
    const value = this.modelLookup(index, key);
    if (ref === 0 || value === undefined) return;
    const old = value.text;
    value.text = text === '' ? old.slice(0, old.length >> 1) : old + text;
    const moved = this.db(index).resizeValue(ref, value.text.length);
    const { entries } = this.space;
    const start = entries.valueStart(moved) + old.length;
    bytesOf(text).forEach((byte, i) => {
      entries.view(moved)[start + i] = byte;
    });
  }

  /** RENAME (same database) or MOVE, after removing the target. */
  transfer(from: number, key: string, to: number, newKey: string): void {
    if (from === to && key === newKey) return;
    const ref = this.lookup(from, key);
    const value = this.modelLookup(from, key);
    const target = this.lookup(to, newKey);
    this.modelLookup(to, newKey);
    if (ref === 0 || value === undefined) return;
    if (target !== 0) this.db(to).remove(target);
    const k = bytesOf(newKey);
    this.db(from).transfer(ref, this.db(to), k, 0, k.length);
    this.databases[from].delete(key);
    this.databases[to].set(newKey, value);
  }

  /** COPY to a database, after removing the target. */
  copy(from: number, key: string, to: number, newKey: string): void {
    if (from === to && key === newKey) return;
    const source = this.lookup(from, key);
    const value = this.modelLookup(from, key);
    const target = this.lookup(to, newKey);
    this.modelLookup(to, newKey);
    if (source === 0 || value === undefined) return;
    if (target !== 0) this.db(to).remove(target);
    const k = bytesOf(newKey);
    this.db(to).addCopy(source, k, 0, k.length);
    this.databases[to].set(newKey, { ...value });
  }

  flush(index: number): void {
    assert.equal(this.space.flush(index) > 0, this.databases[index].size > 0);
    this.databases[index] = new Map();
  }

  swap(a: number, b: number): void {
    this.space.swap(a, b);
    [this.databases[a], this.databases[b]] = [this.databases[b], this.databases[a]];
  }

  /** Compares everything, expired keys that are still there included. */
  check(): void {
    this.databases.forEach((expected, index) => {
      const actual = this.contents(index);
      assert.deepEqual(actual, expected);
      const db = this.db(index);
      assert.equal(db.keyCount, expected.size);
      assert.equal(db.expiryCount, [...expected.values()].filter(({ expireAtMs }) => expireAtMs !== 0).length);
      assert.equal(db.index, index);
    });
  }

  contents(index: number): ModelDatabase {
    const found: ModelDatabase = new Map();
    const { table } = this.space;
    const db = this.db(index);
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      if (db.slots[slot] === 0) continue;
      assert.ok(db.slotKeyCount(slot) > 0, 'an empty slot has no table');
      for (let bucket = 0; bucket < table.bucketCount(db.slots[slot]); bucket++)
        table.visitBucket(db.slots[slot], bucket, (ref) => found.set(this.keyOf(ref), this.valueOf(ref)));
    }
    return found;
  }

  keyOf(ref: Ref): string {
    return this.text(ref, this.space.entries.keyStart(ref), this.space.entries.keyLength(ref));
  }

  valueOf(ref: Ref): ModelValue {
    const { entries } = this.space;
    return {
      text: this.text(ref, entries.valueStart(ref), entries.valueLength(ref)),
      expireAtMs: entries.expireAtMs(ref),
    };
  }

  private text(ref: Ref, start: number, length: number): string {
    return Buffer.from(this.space.entries.view(ref).slice(start, start + length)).toString('latin1');
  }
}

/** A deep copy of the model's side. */
export function copyOf(databases: readonly ModelDatabase[]): ModelDatabase[] {
  return databases.map((db) => new Map([...db].map(([key, value]) => [key, { ...value }])));
}
