/** HSCAN. Source: spec server.md section 19. A packed hash comes whole, in one call. */
import type { Ref } from '../memory/arena.js';
import type { Invocation } from '../server/invocation.js';
import { globMatches } from '../types/glob.js';
import { hashesOf } from '../types/hash.js';
import { HASH_TABLE, type HashCursor } from '../types/hash-cursor.js';
import { isHashKey } from './hash.js';
import { BUCKETS_PER_COUNT, parseCursor, ScanOptions } from './scan-options.js';

const options = new ScanOptions();
/** Items on their way to the reply. */
const found: Ref[] = [];
const collect = (item: Ref): void => {
  found.push(item);
};

export function hscan(call: Invocation): void {
  const { reply } = call;
  const from = parseCursor(call, 2);
  if (from < 0) return call.error('ERR invalid cursor');
  const ref = call.lookupRead(1);
  if (!isHashKey(call, ref)) return;
  if (ref === 0) {
    beginReply(call, 0);
    return reply.array(0);
  }
  if (!options.parse(call, 3, false)) return;
  const hashes = hashesOf(call.keyspace);
  const { cursor, table } = hashes;
  if (call.entries.encoding(ref) !== HASH_TABLE) {
    let count = 0;
    cursor.begin(ref);
    while (cursor.next()) if (matches(call, cursor)) count++;
    beginReply(call, 0);
    reply.array(count * 2);
    cursor.begin(ref);
    while (cursor.next()) if (matches(call, cursor)) replyPair(call, cursor);
    return;
  }
  beginReply(call, table.collectFrom(call.entries.root(ref), from, options.count, BUCKETS_PER_COUNT, found, collect));
  let kept = 0;
  for (const item of found) {
    cursor.readItem(item);
    if (matches(call, cursor)) found[kept++] = item;
  }
  reply.array(kept * 2);
  for (let i = 0; i < kept; i++) {
    cursor.readItem(found[i]);
    replyPair(call, cursor);
  }
  found.length = 0;
}

function beginReply(call: Invocation, next: number): void {
  call.reply.array(2);
  call.reply.bulkText(String(next));
}

function matches(call: Invocation, cursor: HashCursor): boolean {
  if (options.patternAt === 0) return true;
  const { bytes, starts, lengths } = call.request;
  const start = starts[options.patternAt];
  const end = start + lengths[options.patternAt];
  return globMatches(bytes, start, end, cursor.fieldBytes, cursor.fieldStart, cursor.fieldStart + cursor.fieldLength);
}

function replyPair(call: Invocation, cursor: HashCursor): void {
  call.reply.bulk(cursor.fieldBytes, cursor.fieldStart, cursor.fieldLength);
  call.reply.bulk(cursor.valueBytes, cursor.valueStart, cursor.valueLength);
}
