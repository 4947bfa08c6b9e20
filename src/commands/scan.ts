/**
 * SCAN and KEYS. Source: spec server.md section 19.
 *
 * SCAN's cursor = bucket cursor × 16384 + slot: where in that slot's table the next call goes on (the table's reverse-binary order keeps the promise
 * that what is there all the time is returned, however the table grows or shrinks). 0 begins, and ends.
 */
import { TYPE_NAMES } from '../keyspace/entry.js';
import { SLOT_COUNT } from '../keyspace/key-slot.js';
import type { Ref } from '../memory/arena.js';
import { SAMPLED_ELEMENTS } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { globMatches, isMatchAll } from '../types/glob.js';
import { BUCKETS_PER_COUNT, parseCursor, ScanOptions } from './scan-options.js';

const options = new ScanOptions();
/** Entries on their way to the reply. */
const found: Ref[] = [];
const collect = (ref: Ref): void => {
  found.push(ref);
};

export function keys(call: Invocation): void {
  const { db, entries, keyspace, reply } = call;
  const { bytes, starts, lengths } = call.request;
  const start = starts[1];
  const end = start + lengths[1];
  const isAll = isMatchAll(bytes, start, end);
  const mark = reply.length;
  let count = 0;
  const walk = db.walk();
  while (walk.next()) {
    for (let i = 0; i < walk.count; i++) {
      const ref = walk.refs[i];
      if (!isAll && !matches(call, ref, start, end)) continue;
      if (entries.hasExpiry(ref) && keyspace.isExpired(ref)) continue;
      replyKey(call, ref);
      if (++count === SAMPLED_ELEMENTS && isAll) reply.reserveRest(mark, count, db.keyCount);
    }
  }
  reply.insertArrayHeader(mark, count);
}

export function scan(call: Invocation): void {
  const cursor = parseCursor(call, 1);
  if (cursor < 0) return call.error('ERR invalid cursor');
  if (!options.parse(call, 2, true)) return;
  const next = collectFrom(call, cursor, options.count);
  keepWanted(call, options.patternAt, options.typeAt);
  call.reply.array(2);
  call.reply.bulkText(String(next));
  call.reply.array(found.length);
  replyFound(call);
}

/** Fills `found` with at least `count` entries, if there are that many. @returns the next cursor */
function collectFrom(call: Invocation, cursor: number, count: number): number {
  const { db, keyspace } = call;
  let slot = cursor % SLOT_COUNT;
  let bucketCursor = Math.floor(cursor / SLOT_COUNT);
  let bucketsLeft = count * BUCKETS_PER_COUNT;
  found.length = 0;
  while (found.length < count && bucketsLeft > 0) {
    while (slot < SLOT_COUNT && db.slots[slot] === 0) {
      slot++;
      bucketCursor = 0;
    }
    if (slot === SLOT_COUNT) return 0;
    bucketCursor = keyspace.table.scan(db.slots[slot], bucketCursor, collect);
    bucketsLeft--;
    if (bucketCursor === 0) slot++;
  }
  return slot === SLOT_COUNT ? 0 : bucketCursor * SLOT_COUNT + slot;
}

/** Drops from `found` what MATCH and TYPE do not want, and what has expired. */
function keepWanted(call: Invocation, patternAt: number, typeAt: number): void {
  const { db, entries, keyspace, request } = call;
  const start = request.starts[patternAt];
  const end = start + request.lengths[patternAt];
  const type = typeAt === 0 ? -1 : TYPE_NAMES.indexOf(call.text(typeAt).toLowerCase());
  let kept = 0;
  for (const ref of found) {
    if (patternAt !== 0 && !matches(call, ref, start, end)) continue;
    if (typeAt !== 0 && entries.type(ref) !== type) continue;
    if (entries.hasExpiry(ref) && keyspace.isGone(db, ref)) continue;
    found[kept++] = ref;
  }
  found.length = kept;
}

function matches(call: Invocation, ref: Ref, patternStart: number, patternEnd: number): boolean {
  const { entries } = call;
  const start = entries.keyStart(ref);
  const end = start + entries.keyLength(ref);
  return globMatches(call.request.bytes, patternStart, patternEnd, entries.view(ref), start, end);
}

function replyFound(call: Invocation): void {
  for (const ref of found) replyKey(call, ref);
}

function replyKey({ entries, reply }: Invocation, ref: Ref): void {
  reply.bulk(entries.view(ref), entries.keyStart(ref), entries.keyLength(ref));
}
