/**
 * Sets in RDB: the intset as it lies in the entry, or a count and strings. A listpack is written as strings, too: its own type is of version 11, which
 * Redis 7.0 does not load. Spec persistence.md sections 2.3, 2.7, 3.1, 4.3.
 */
import { setsOf } from '../../types/set.js';
import type { SetBuilder } from '../../types/set-builder.js';
import { SET_INTSET, type SetCursor } from '../../types/set-cursor.js';
import { RdbType } from './opcodes.js';
import { RdbCursor, RdbString } from './rdb-cursor.js';
import { type RdbWriter, SAMPLED_ITEMS } from './rdb-writer.js';
import { BuilderAssembly } from './value-assembly.js';
import type { ValueForm } from './value-form.js';

const cursor = new RdbCursor();
const text = new RdbString();

export const setForm: ValueForm = {
  rdbType: ({ entries }, ref) => (entries.encoding(ref) === SET_INTSET ? RdbType.SET_INTSET : RdbType.SET),

  write(writer, space, ref) {
    const { entries } = space;
    if (entries.encoding(ref) === SET_INTSET) {
      const start = entries.valueStart(ref);
      writer.string(entries.view(ref), start, start + entries.valueLength(ref));
      return;
    }
    const sets = setsOf(space);
    const members = sets.cursor;
    const count = sets.count(ref);
    writer.lengthOf(count);
    const mark = writer.totalBytes;
    members.begin(ref);
    for (let i = 0; members.next(); i++) {
      if (i === SAMPLED_ITEMS) writer.reserveRest(mark, i, count);
      writeMember(writer, members);
    }
  },

  writeItems(writer, space, items, count) {
    const { cursor: members } = setsOf(space);
    for (let i = 0; i < count; i++) {
      members.readItem(items[i]);
      writeMember(writer, members);
    }
  },

  assembly: (space, rdbType) => (rdbType === RdbType.SET ? new SetAssembly(setsOf(space).builder) : null),

  reads: (rdbType) => rdbType === RdbType.SET || rdbType === RdbType.SET_INTSET || rdbType === RdbType.SET_LISTPACK,

  add(space, db, record, key, start, length, expireAtMs) {
    const { builder } = setsOf(space);
    cursor.reset(record.bytes, record.start, record.end);
    if (record.type === RdbType.SET) {
      const count = cursor.length();
      builder.begin(count, count);
      builder.source.begin(record.bytes);
      for (let i = 0; i < count; i++) {
        cursor.string(text);
        builder.addNew(text.bytes, text.start, text.end - text.start);
      }
    } else {
      builder.begin(0);
      cursor.string(text);
      if (record.type === RdbType.SET_INTSET) builder.adoptIntset(text.bytes, text.start);
      else builder.adoptListpack(text.bytes, text.start);
    }
    return builder.finish(db, key, start, length, expireAtMs);
  },
};

function writeMember(writer: RdbWriter, { bytes, start, length, words }: SetCursor): void {
  // In a listpack no string has its length before it.
  const isItem = words !== null && bytes[start - 1] === length;
  if (isItem && writer.isPlain(bytes, start, length)) writer.words(words, start - 1, 1 + length);
  else writer.string(bytes, start, start + length);
}

class SetAssembly extends BuilderAssembly<SetBuilder> {
  begin(count: number, certain: number, source: Uint8Array): void {
    this.builder.begin(count, certain);
    this.builder.source.begin(source);
  }

  element({ bytes, start, end }: RdbString): boolean {
    return this.builder.addNew(bytes, start, end - start);
  }
}
