/**
 * Hashes whose fields have times (hash-times.ts) in RDB.
 *
 * Files and DUMP payloads are of version 12 if they have such a hash, and have it in the two forms of Redis 7.4 and later:
 *
 *   HASH_LISTPACK_EX   | earliest time : i64 LE | listpack of field, value, time; by time, those with time 0 = none last |
 *   HASH_METADATA      | earliest time : i64 LE | count : len | per field: time : len, field, value |      0 = none, else time − earliest + 1
 *
 * Valkey 9 has one form, which is read only:
 *
 *   HASH_VOLATILE_ITEMS | count : len | per field: field, value, time : i64 LE |      −1 = none
 *
 * What goes to a replica, and what RESTORE propagates, stays in version 10, since a Redis 7.0 replica refuses all above: the hash is written as one
 * without times, and behind its value come AUX fields, which others skip, with the times of its fields:
 *
 *   AUX "slotmesh-field-times" = | time : 6 bytes LE | field : len, bytes | …     of the key before it; a field that is not there is passed over
 *
 * Such a replica learns of the end of a field by HDEL.
 */
import type { Database } from '../../keyspace/database.js';
import { HASH_TIMED_LISTPACK } from '../../keyspace/entry.js';
import type { Keyspace } from '../../keyspace/keyspace.js';
import type { Ref } from '../../memory/arena.js';
import { readTime, TIME_BYTES, writeTime } from '../../types/field-time.js';
import { hashesOf } from '../../types/hash.js';
import type { HashBuilder } from '../../types/hash-builder.js';
import type { HashCursor } from '../../types/hash-cursor.js';
import { PairBuffer } from '../../types/hash-pair.js';
import { writePair } from './hash-rdb.js';
import { FIELD_TIMES_AUX, NO_VOLATILE_TIME, RdbType } from './opcodes.js';
import { RdbCursor, RdbString } from './rdb-cursor.js';
import { RdbWriter } from './rdb-writer.js';
import type { ValueForm } from './value-form.js';

/** Fields of one AUX field. */
const FIELDS_PER_AUX = 64;

const cursor = new RdbCursor();
const field = new RdbString();
const value = new RdbString();
const pair = new PairBuffer();
/** An AUX field's value under construction. */
const times = new RdbWriter(null, { compression: false });
const timeBytes = new Uint8Array(TIME_BYTES);

/** Version 12. */
export const timedHashForm: ValueForm = {
  rdbType: ({ entries }, ref) =>
    entries.encoding(ref) === HASH_TIMED_LISTPACK ? RdbType.HASH_LISTPACK_EX : RdbType.HASH_METADATA,

  write(writer, space, ref) {
    const { entries } = space;
    const hashes = hashesOf(space);
    const earliestMs = hashes.fieldTimes.earliest(ref);
    writer.int64(earliestMs);
    if (entries.encoding(ref) === HASH_TIMED_LISTPACK) {
      const start = entries.valueStart(ref);
      writer.string(entries.view(ref), start, start + entries.valueLength(ref));
      return;
    }
    const { cursor: fields } = hashes;
    writer.lengthOf(hashes.count(ref));
    fields.begin(ref);
    while (fields.next()) writeTimedPair(writer, fields, earliestMs);
  },

  writeIntroduction(writer, space, ref, state) {
    state.earliestMs = hashesOf(space).fieldTimes.earliest(ref);
    writer.int64(state.earliestMs);
  },

  writeItems(writer, space, items, count, { earliestMs }) {
    const { cursor: fields } = hashesOf(space);
    for (let i = 0; i < count; i++) {
      fields.readItem(items[i]);
      writeTimedPair(writer, fields, earliestMs);
    }
  },

  reads: (rdbType) => rdbType >= RdbType.HASH_VOLATILE_ITEMS && rdbType <= RdbType.HASH_LISTPACK_EX,

  add(space, db, record, key, start, length, expireAtMs) {
    const { builder } = hashesOf(space);
    builder.begin(true);
    cursor.reset(record.bytes, record.start, record.end);
    if (record.type === RdbType.HASH_VOLATILE_ITEMS) {
      readVolatileItems(builder);
      return builder.finish(db, key, start, length, expireAtMs);
    }
    const earliestMs = cursor.int64();
    if (record.type === RdbType.HASH_LISTPACK_EX) {
      cursor.string(value);
      builder.adopt(value.bytes, value.start);
    } else {
      for (let rest = cursor.length(); rest > 0; rest--) {
        const after = cursor.length();
        cursor.string(field);
        cursor.string(value);
        pair.setField(field.bytes, field.start, field.end - field.start);
        pair.setValue(value.bytes, value.start, value.end - value.start);
        builder.setTimed(pair, after === 0 ? 0 : earliestMs + after - 1);
      }
    }
    return builder.finish(db, key, start, length, expireAtMs);
  },
};

/** Fills the builder with what Valkey 9 has written. */
function readVolatileItems(builder: HashBuilder): void {
  for (let rest = cursor.length(); rest > 0; rest--) {
    cursor.string(field);
    cursor.string(value);
    const timeMs = cursor.int64();
    pair.setField(field.bytes, field.start, field.end - field.start);
    pair.setValue(value.bytes, value.start, value.end - value.start);
    builder.setTimed(pair, timeMs === NO_VOLATILE_TIME ? 0 : Math.max(1, timeMs));
  }
}

/** Below version 12: a plain hash, and its times behind it. */
export const plainTimedHashForm: ValueForm = {
  rdbType: () => RdbType.HASH,

  write(writer, space, ref) {
    const hashes = hashesOf(space);
    const { cursor: fields } = hashes;
    writer.lengthOf(hashes.count(ref));
    fields.begin(ref);
    while (fields.next()) writePair(writer, fields);
    let count = 0;
    times.reset();
    fields.begin(ref);
    while (fields.next()) {
      if (!collectTime(fields) || ++count < FIELDS_PER_AUX) continue;
      writeTimes(writer);
      count = 0;
    }
    if (count > 0) writeTimes(writer);
  },

  writeItems(writer, space, items, count, { rest }) {
    const { cursor: fields } = hashesOf(space);
    let hasTimes = false;
    times.reset();
    for (let i = 0; i < count; i++) {
      fields.readItem(items[i]);
      writePair(writer, fields);
      if (collectTime(fields)) hasTimes = true;
    }
    if (hasTimes) writeTimes(rest);
  },

  reads: () => false,

  add: () => 0,
};

/**
 * Gives fields of a hash the times in the value of an AUX field.
 * @returns its entry; null if the value makes no sense
 */
export function addFieldTimes(space: Keyspace, db: Database, ref: Ref, { bytes, start, end }: RdbString): Ref | null {
  const { fieldTimes } = hashesOf(space);
  let entry = ref;
  cursor.reset(bytes, start, end);
  while (cursor.at < end) {
    const { at } = cursor;
    if (!cursor.skip(TIME_BYTES)) return null;
    const timeMs = readTime(bytes, at);
    if (!cursor.string(field) || timeMs === 0) return null;
    const length = field.end - field.start;
    if (fieldTimes.timeOf(entry, field.bytes, field.start, length) < 0) continue;
    entry = fieldTimes.setTime(db, entry, field.bytes, field.start, length, timeMs);
  }
  return entry;
}

function writeTimedPair(writer: RdbWriter, fields: HashCursor, earliestMs: number): void {
  const { timeMs } = fields;
  writer.lengthOf(timeMs === 0 ? 0 : timeMs - earliestMs + 1);
  writePair(writer, fields);
}

/** Adds the field's time, if it has one, to the AUX field under construction. @returns whether it has */
function collectTime(fields: HashCursor): boolean {
  const { timeMs } = fields;
  if (timeMs === 0) return false;
  writeTime(timeBytes, 0, timeMs);
  times.bytesRange(timeBytes, 0, TIME_BYTES);
  times.string(fields.bytes, fields.start, fields.start + fields.length);
  return true;
}

function writeTimes(writer: RdbWriter): void {
  writer.auxBytes(FIELD_TIMES_AUX, times.bytes, times.length);
  times.reset();
}
