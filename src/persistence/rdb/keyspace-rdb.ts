/**
 * Entries of the keyspace as RDB records, and back. By type id: a type that lands adds its writer and its reader here, and nothing else changes.
 *
 * Encodings chosen on load, attributes and duplicates: spec persistence.md sections 3.1, 4.3, 4.4, 4.9.
 */
import { CLOCK_MASK, lfuCounter, lfuMinutes, lruClock, lruIdleSeconds } from '../../keyspace/access-clock.js';
import type { Database } from '../../keyspace/database.js';
import { TYPE_HASH, TYPE_STRING } from '../../keyspace/entry.js';
import { forgetHashAhead } from '../../keyspace/key-hash.js';
import type { Keyspace } from '../../keyspace/keyspace.js';
import type { Ref } from '../../memory/arena.js';
import { stringEncoding } from '../../types/string-encoding.js';
import { LoadDelay } from '../load-delay.js';
import { hashForm } from './hash-rdb.js';
import { listForm } from './list-rdb.js';
import { RDB_VERSION_FIELD_TIMES, RdbType } from './opcodes.js';
import type { RdbString } from './rdb-cursor.js';
import type { PutResult, RdbTarget } from './rdb-loader.js';
import type { RdbRecord } from './rdb-reader.js';
import { RdbWriter } from './rdb-writer.js';
import { setForm } from './set-rdb.js';
import { streamForm } from './stream-rdb.js';
import { addFieldTimes, plainTimedHashForm, timedHashForm } from './timed-hash-rdb.js';
import type { ValueAssembly } from './value-assembly.js';
import type { LargeValueState, ValueForm } from './value-form.js';
import { zsetForm } from './zset-rdb.js';

/** Which access attribute is saved with each key: what maxmemory-policy makes meaningful. */
export type AccessAttribute = 'none' | 'idle' | 'freq';

const stringForm: ValueForm = {
  rdbType: () => RdbType.STRING,
  write(writer, { entries }, ref) {
    const start = entries.valueStart(ref);
    writer.string(entries.view(ref), start, start + entries.valueLength(ref));
  },
  reads: (rdbType) => rdbType === RdbType.STRING,
  add(_, db, { value }, key, start, length, expireAtMs) {
    const valueLength = value.end - value.start;
    const encoding = stringEncoding(value.bytes, value.start, valueLength);
    const ref = db.add(key, start, length, TYPE_STRING, encoding, valueLength, expireAtMs);
    db.writeValue(ref, value.bytes, value.start, valueLength);
    return ref;
  },
};

/** By type id; and one more that values may be read from. */
const FORMS: readonly ValueForm[] = [stringForm, listForm, setForm, zsetForm, hashForm, streamForm, timedHashForm];

/** @returns the form of an entry in the version that the writer writes */
function formIn(writer: RdbWriter, { entries }: Keyspace, ref: Ref): ValueForm {
  if (!entries.isTimedHash(ref)) return FORMS[entries.type(ref)];
  return writer.version >= RDB_VERSION_FIELD_TIMES ? timedHashForm : plainTimedHashForm;
}

/** Writes one key with its attributes and value. */
export function writeEntry(writer: RdbWriter, space: Keyspace, ref: Ref, attribute: AccessAttribute): void {
  writeHead(writer, space, ref, attribute).write(writer, space, ref);
}

/** Writes a key whose value comes in parts, up to its items. @returns its form, which writes them and what stands behind */
export function beginLargeEntry(
  writer: RdbWriter,
  space: Keyspace,
  ref: Ref,
  attribute: AccessAttribute,
  itemCount: number,
  state: LargeValueState,
): ValueForm {
  const form = writeHead(writer, space, ref, attribute);
  form.writeIntroduction?.(writer, space, ref, state);
  writer.lengthOf(itemCount);
  return form;
}

/** Writes all that stands before the value. */
function writeHead(writer: RdbWriter, space: Keyspace, ref: Ref, attribute: AccessAttribute): ValueForm {
  const { entries } = space;
  const expireAtMs = entries.expireAtMs(ref);
  if (expireAtMs !== 0) writer.expireAt(expireAtMs);
  const clock = entries.clockAndMark(ref) & CLOCK_MASK;
  if (attribute === 'idle') writer.idle(lruIdleSeconds(clock, space.nowMs));
  else if (attribute === 'freq') writer.freq(lfuCounter(clock, space.nowMs, space.lfuDecayMinutes));
  const form = formIn(writer, space, ref);
  const start = entries.keyStart(ref);
  writer.key(form.rdbType(space, ref), entries.view(ref), start, start + entries.keyLength(ref));
  return form;
}

/** Writes type and value alone: the body of a DUMP payload. @returns the type */
export function writeValue(writer: RdbWriter, space: Keyspace, ref: Ref): number {
  const form = formIn(writer, space, ref);
  const type = form.rdbType(space, ref);
  writer.type(type);
  form.write(writer, space, ref);
  return type;
}

/** Bytes that the value takes in an RDB, without its type id: DEBUG OBJECT's serializedlength. */
export function serializedBytes(space: Keyspace, ref: Ref): number {
  const writer = new RdbWriter(null, { compression: true, version: RDB_VERSION_FIELD_TIMES });
  writeValue(writer, space, ref);
  return writer.totalBytes - 1;
}

/** Whether values of this RDB type have a form in memory. */
export function isLoadable(rdbType: number): boolean {
  return formOf(rdbType) !== null;
}

/**
 * Stores a record's value under a key that is not in the database.
 * @returns the entry, or 0 if the value's type has no form in memory
 */
export function addRecord(
  space: Keyspace,
  db: Database,
  record: RdbRecord,
  key: Uint8Array,
  start: number,
  length: number,
  expireAtMs: number,
): Ref {
  if (record.assembly !== null) return record.assembly.finish(db, record, key, start, length, expireAtMs);
  return formOf(record.type)?.add(space, db, record, key, start, length, expireAtMs) ?? 0;
}

/** @returns what builds a value of this RDB type while it is being checked; null if `addRecord` does it afterwards */
export function assemblyOf(space: Keyspace, rdbType: number): ValueAssembly | null {
  return formOf(rdbType)?.assembly?.(space, rdbType) ?? null;
}

function formOf(rdbType: number): ValueForm | null {
  for (const form of FORMS) if (form.reads(rdbType)) return form;
  return null;
}

/** Sets the access clock as the record's attributes say, as far as the policy uses them. */
export function applyAccess(space: Keyspace, ref: Ref, idleSeconds: number, counter: number): void {
  const mark = space.entries.clockAndMark(ref) & ~CLOCK_MASK;
  if (space.usesLfu && counter >= 0)
    space.entries.setClockAndMark(ref, mark | (lfuMinutes(space.nowMs) << 8) | counter);
  else if (!space.usesLfu && idleSeconds >= 0) {
    space.entries.setClockAndMark(ref, mark | (lruClock(space.nowMs - idleSeconds * 1000) & CLOCK_MASK));
  }
}

/** Where a load of the keyspace goes. */
export class KeyspaceTarget implements RdbTarget {
  /** Keys of the file replace those that are there: DEBUG RELOAD MERGE. */
  replaces = false;
  delay = new LoadDelay();
  private readonly space: Keyspace;
  private readonly onExpired: (record: RdbRecord) => void;
  private readonly databases: readonly Database[];
  private db: Database;
  /** The entry that was stored last, until something else has come. */
  private lastRef: Ref = 0;

  /**
   * @param onExpired is told of keys that a primary drops, as their deletion has to be propagated
   * @param databases of `space`, if not the live ones, by number
   */
  constructor(
    space: Keyspace,
    onExpired: (record: RdbRecord) => void = () => {},
    databases: readonly Database[] = space.databases,
  ) {
    this.space = space;
    this.onExpired = onExpired;
    this.databases = databases;
    this.db = databases[0];
  }

  selectDb(index: number): void {
    this.lastRef = 0;
    this.db.expect(0);
    this.db = this.databases[index];
  }

  reserve(keyCount: number): void {
    this.db.expect(keyCount);
  }

  comingKeys(bytes: Uint8Array, starts: Int32Array, lengths: Int32Array, count: number): void {
    if (count === 0) forgetHashAhead();
    else this.db.warm(bytes, starts, lengths, count);
  }

  put(record: RdbRecord): PutResult {
    this.delay.pause();
    this.lastRef = 0;
    const { key } = record;
    const length = key.end - key.start;
    const old = this.db.find(key.bytes, key.start, length);
    if (old !== 0) {
      if (!this.replaces) return 'duplicate';
      this.db.remove(old);
    }
    // What comes with a data set is no news; what the commands of an append-only file make is.
    this.space.hidesBirth = this.space.keyListener !== null;
    const ref = addRecord(
      this.space,
      this.db,
      record,
      key.bytes,
      key.start,
      length,
      record.hasExpiry ? Math.max(1, record.expireAtMs) : 0,
    );
    this.space.hidesBirth = false;
    if (ref === 0) return 'unsupported';
    applyAccess(this.space, ref, record.idle, record.freq);
    this.lastRef = ref;
    return 'stored';
  }

  fieldTimes(times: RdbString): boolean {
    const { space, lastRef } = this;
    if (lastRef === 0 || space.entries.type(lastRef) !== TYPE_HASH) return true;
    const ref = addFieldTimes(space, this.db, lastRef, times);
    this.lastRef = ref ?? 0;
    return ref !== null;
  }

  expired(record: RdbRecord): void {
    this.lastRef = 0;
    this.onExpired(record);
  }

  functionLibrary(): string {
    return 'functions are not supported';
  }
}
