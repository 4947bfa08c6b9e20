/**
 * Hashes in RDB: the listpack as it lies in the entry, or a count and pairs of strings; and all older forms, on load only.
 * Spec persistence.md sections 2.3, 3.1, 4.3.
 */
import { HASH_LISTPACK } from '../../keyspace/entry.js';
import { hashesOf } from '../../types/hash.js';
import type { HashBuilder } from '../../types/hash-builder.js';
import type { HashCursor } from '../../types/hash-cursor.js';
import { type ElementVisitor, visitZiplist, visitZipmap } from './old-packed.js';
import { RdbType } from './opcodes.js';
import { RdbCursor, RdbString } from './rdb-cursor.js';
import { type RdbWriter, SAMPLED_ITEMS } from './rdb-writer.js';
import { BuilderAssembly } from './value-assembly.js';
import type { ValueForm } from './value-form.js';

const cursor = new RdbCursor();
const field = new RdbString();
const value = new RdbString();

const HASH_TYPES: ReadonlySet<number> = new Set([
  RdbType.HASH,
  RdbType.HASH_LISTPACK,
  RdbType.HASH_ZIPLIST,
  RdbType.HASH_ZIPMAP,
]);

export const hashForm: ValueForm = {
  rdbType: ({ entries }, ref) => (entries.encoding(ref) === HASH_LISTPACK ? RdbType.HASH_LISTPACK : RdbType.HASH),

  write(writer, space, ref) {
    const { entries } = space;
    if (entries.encoding(ref) === HASH_LISTPACK) {
      const start = entries.valueStart(ref);
      writer.string(entries.view(ref), start, start + entries.valueLength(ref));
      return;
    }
    const hashes = hashesOf(space);
    const pairs = hashes.cursor;
    const count = hashes.count(ref);
    writer.lengthOf(count);
    const mark = writer.totalBytes;
    pairs.begin(ref);
    for (let i = 0; pairs.next(); i++) {
      if (i === SAMPLED_ITEMS) writer.reserveRest(mark, i, count);
      writePair(writer, pairs);
    }
  },

  writeItems(writer, space, items, count) {
    const { cursor: pairs } = hashesOf(space);
    for (let i = 0; i < count; i++) {
      pairs.readItem(items[i]);
      writePair(writer, pairs);
    }
  },

  assembly: (space, rdbType) => (rdbType === RdbType.HASH ? new HashAssembly(hashesOf(space).builder) : null),

  reads: (rdbType) => HASH_TYPES.has(rdbType),

  add(space, db, record, key, start, length, expireAtMs) {
    const { builder } = hashesOf(space);
    cursor.reset(record.bytes, record.start, record.end);
    if (record.type === RdbType.HASH) {
      const count = cursor.length();
      builder.begin(false, count);
      builder.expect(count);
      builder.source.begin(record.bytes);
      for (let rest = count; rest > 0; rest--) {
        cursor.string(field);
        cursor.string(value);
        addNew(builder, field, value);
      }
    } else {
      builder.begin();
      cursor.string(value);
      if (record.type === RdbType.HASH_LISTPACK) builder.adopt(value.bytes, value.start);
      else if (record.type === RdbType.HASH_ZIPLIST) visitZiplist(value.bytes, value.start, pairsInto(builder));
      else visitZipmap(value.bytes, value.start, pairsInto(builder));
    }
    return builder.finish(db, key, start, length, expireAtMs);
  },
};

export function writePair(writer: RdbWriter, pairs: HashCursor): void {
  const { bytes, start, length, valueBytes, valueStart, valueLength, words } = pairs;
  // In a listpack there is more between the two.
  const isItem = words !== null && valueStart === start + length + 1;
  if (isItem && writer.isPlain(bytes, start, length) && writer.isPlain(valueBytes, valueStart, valueLength)) {
    writer.words(words, start - 1, 2 + length + valueLength);
    return;
  }
  writer.string(bytes, start, start + length);
  writer.string(valueBytes, valueStart, valueStart + valueLength);
}

/** @returns a visitor of fields and values in turn */
function pairsInto(builder: HashBuilder): ElementVisitor {
  let pending: Uint8Array | null = null;
  return (bytes, start, length) => {
    if (pending === null) {
      pending = bytes.slice(start, start + length);
    } else {
      builder.set(pending, 0, pending.length, bytes, start, length);
      pending = null;
    }
  };
}

function addNew(builder: HashBuilder, field: RdbString, value: RdbString): boolean {
  const fieldLength = field.end - field.start;
  const valueLength = value.end - value.start;
  return builder.addNew(field.bytes, field.start, fieldLength, value.bytes, value.start, valueLength);
}

class HashAssembly extends BuilderAssembly<HashBuilder> {
  begin(_: number, certain: number, source: Uint8Array): void {
    this.builder.begin(false, certain);
    this.builder.expect(certain);
    this.builder.source.begin(source);
  }

  element(field: RdbString, value: RdbString): boolean {
    return addNew(this.builder, field, value);
  }
}
