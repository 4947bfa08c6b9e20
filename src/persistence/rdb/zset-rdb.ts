/**
 * Sorted sets in RDB: the listpack as it lies in the entry, or a count and pairs of string and binary double; and all older forms, on load only.
 * Spec persistence.md sections 2.3, 3.1, 4.3. A packed set that is not in order, which Redis takes as it is, is put in order: a tree must be.
 */
import type { Database } from '../../keyspace/database.js';
import { TYPE_ZSET } from '../../keyspace/entry.js';
import type { Keyspace } from '../../keyspace/keyspace.js';
import type { Ref } from '../../memory/arena.js';
import { compareBytes, copyBytes } from '../../memory/copy.js';
import { firstElement, isListpackEnd, ListpackElement, listpackCount } from '../../memory/listpack.js';
import { parseDouble, parseLeadingDouble } from '../../types/parse-double.js';
import { zsetsOf } from '../../types/zset.js';
import type { ZsetBuilder } from '../../types/zset-builder.js';
import { SCORE_BYTES, scoreOf, ZSET_LISTPACK, type ZsetCursor } from '../../types/zset-cursor.js';
import { type ElementVisitor, visitZiplist } from './old-packed.js';
import { RdbType } from './opcodes.js';
import { RdbCursor, RdbString } from './rdb-cursor.js';
import type { RdbRecord } from './rdb-reader.js';
import { type RdbWriter, SAMPLED_ITEMS } from './rdb-writer.js';
import { BuilderAssembly } from './value-assembly.js';
import type { ValueForm } from './value-form.js';

const ZSET_TYPES: ReadonlySet<number> = new Set([
  RdbType.ZSET,
  RdbType.ZSET_2,
  RdbType.ZSET_ZIPLIST,
  RdbType.ZSET_LISTPACK,
]);

const cursor = new RdbCursor();
const value = new RdbString();

export const zsetForm: ValueForm = {
  rdbType: ({ entries }, ref) => (entries.encoding(ref) === ZSET_LISTPACK ? RdbType.ZSET_LISTPACK : RdbType.ZSET_2),
  write: writeZset,
  writeItems: writeZsetItems,
  reads: (rdbType) => ZSET_TYPES.has(rdbType),
  add: addZset,
  assembly: (space, rdbType) =>
    rdbType === RdbType.ZSET || rdbType === RdbType.ZSET_2 ? new ZsetAssembly(zsetsOf(space).builder, rdbType) : null,
};

function writeZset(writer: RdbWriter, space: Keyspace, ref: Ref): void {
  const { entries } = space;
  const zsets = zsetsOf(space);
  if (zsets.isPacked(ref)) {
    const start = entries.valueStart(ref);
    writer.string(entries.view(ref), start, start + entries.valueLength(ref));
    return;
  }
  const members = zsets.cursor;
  const count = zsets.count(ref);
  writer.lengthOf(count);
  // From the highest score down, so that a skiplist is built at its head.
  zsets.seek(ref, count - 1, members);
  const mark = writer.totalBytes;
  for (let i = 0; i < count; i++) {
    if (i === SAMPLED_ITEMS) writer.reserveRest(mark, i, count);
    writePair(writer, members);
    members.previous();
  }
}

function writeZsetItems(writer: RdbWriter, space: Keyspace, items: readonly Ref[], count: number): void {
  const { cursor: members } = zsetsOf(space);
  for (let i = 0; i < count; i++) {
    members.readItem(items[i]);
    writePair(writer, members);
  }
}

function writePair(writer: RdbWriter, members: ZsetCursor): void {
  const { bytes, start, length } = members;
  if (writer.isPlain(bytes, start, length)) {
    writer.words(members.words, start - 1, 1 + length + SCORE_BYTES);
    return;
  }
  writer.string(bytes, start, start + length);
  writer.double(members.score);
}

function addZset(
  space: Keyspace,
  db: Database,
  record: RdbRecord,
  key: Uint8Array,
  start: number,
  length: number,
  expireAtMs: number,
): Ref {
  const { builder } = zsetsOf(space);
  cursor.reset(record.bytes, record.start, record.end);
  if (record.type === RdbType.ZSET_LISTPACK) {
    cursor.string(value);
    const isSmall = listpackCount(value.bytes, value.start) <= space.packing.zsetListpackEntries * 2;
    if (isSmall && isInOrder(value.bytes, value.start)) {
      const byteCount = value.end - value.start;
      const ref = db.add(key, start, length, TYPE_ZSET, ZSET_LISTPACK, byteCount, expireAtMs);
      copyBytes(value.bytes, value.start, space.entries.view(ref), space.entries.valueStart(ref), byteCount);
      return ref;
    }
  }
  if (record.type === RdbType.ZSET_LISTPACK) {
    builder.begin();
    addPairs(builder, value.bytes, value.start);
  } else if (record.type === RdbType.ZSET_ZIPLIST) {
    builder.begin();
    cursor.string(value);
    visitZiplist(value.bytes, value.start, pairsInto(builder));
  } else {
    const count = cursor.length();
    builder.begin(false, count);
    for (let rest = count; rest > 0; rest--) {
      cursor.string(value);
      const score = record.type === RdbType.ZSET_2 ? cursor.double() : cursor.textDouble();
      builder.add(value.bytes, value.start, value.end - value.start, score);
    }
  }
  return builder.finish(db, key, start, length, expireAtMs);
}

const member = new ListpackElement();
const score = new ListpackElement();
const previousMember = new ListpackElement();

function isInOrder(bytes: Uint8Array, base: number): boolean {
  let previous = Number.NEGATIVE_INFINITY;
  let isFirst = true;
  for (let at = firstElement(base); !isListpackEnd(bytes, at); ) {
    member.read(bytes, at);
    score.read(bytes, member.next);
    const current = scoreOf(score);
    if (!(current >= previous)) return false;
    if (!isFirst && current === previous) {
      const { bytes: text, start, length } = previousMember;
      if (compareBytes(text, start, length, member.bytes, member.start, member.length) >= 0) return false;
    }
    previousMember.read(bytes, at);
    previous = current;
    isFirst = false;
    at = score.next;
  }
  return true;
}

function addPairs(builder: ZsetBuilder, bytes: Uint8Array, base: number): void {
  for (let at = firstElement(base); !isListpackEnd(bytes, at); at = score.next) {
    member.read(bytes, at);
    score.read(bytes, member.next);
    builder.add(member.bytes, member.start, member.length, looseScoreOf(score));
  }
}

/** @returns a visitor of members and scores in turn */
function pairsInto(builder: ZsetBuilder): ElementVisitor {
  let pending: Uint8Array | null = null;
  return (bytes, start, length) => {
    if (pending === null) {
      pending = bytes.slice(start, start + length);
    } else {
      builder.add(pending, 0, pending.length, looseScore(bytes, start, length));
      pending = null;
    }
  };
}

function looseScoreOf(element: ListpackElement): number {
  return element.isInteger ? element.number : looseScore(element.bytes, element.start, element.length);
}

/** What is no number counts as what C reads of it. */
function looseScore(bytes: Uint8Array, start: number, length: number): number {
  const value = parseDouble(bytes, start, length);
  return Number.isNaN(value) ? parseLeadingDouble(bytes, start, length) : value;
}

class ZsetAssembly extends BuilderAssembly<ZsetBuilder> {
  constructor(
    builder: ZsetBuilder,
    private readonly rdbType: number,
  ) {
    super(builder);
  }

  begin(_: number, certain: number, source: Uint8Array): void {
    this.builder.begin(false, certain);
    // Scores that are texts are not what items have.
    if (this.rdbType === RdbType.ZSET_2) this.builder.source.begin(source);
  }

  element({ bytes, start, end }: RdbString, _: RdbString, score: number): boolean {
    return this.builder.addNew(bytes, start, end - start, score);
  }
}
