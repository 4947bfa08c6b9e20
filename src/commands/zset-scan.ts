/** ZSCAN. Source: spec server.md section 19. A packed set comes whole, in one call; scores are bulk strings in both protocols. */
import type { Ref } from '../memory/arena.js';
import type { Invocation } from '../server/invocation.js';
import { globMatches } from '../types/glob.js';
import { zsetsOf } from '../types/zset.js';
import type { ZsetCursor } from '../types/zset-cursor.js';
import { BUCKETS_PER_COUNT, parseCursor, ScanOptions } from './scan-options.js';
import { isZset, replyScoreText } from './zset.js';

const options = new ScanOptions();
/** Items on their way to the reply. */
const found: Ref[] = [];
const collect = (item: Ref): void => {
  found.push(item);
};

export function zscan(call: Invocation): void {
  const { reply } = call;
  const from = parseCursor(call, 2);
  if (from < 0) return call.error('ERR invalid cursor');
  const ref = call.lookupRead(1);
  if (!isZset(call, ref)) return;
  if (ref === 0) {
    beginReply(call, 0);
    return reply.array(0);
  }
  if (!options.parse(call, 3, false)) return;
  const zsets = zsetsOf(call.keyspace);
  const { cursor, table } = zsets;
  if (zsets.isPacked(ref)) {
    let count = 0;
    zsets.seek(ref, 0, cursor);
    do if (matches(call, cursor)) count++;
    while (cursor.next());
    beginReply(call, 0);
    reply.array(count * 2);
    zsets.seek(ref, 0, cursor);
    do if (matches(call, cursor)) replyPair(call, cursor);
    while (cursor.next());
    return;
  }
  beginReply(call, table.collectFrom(zsets.tableOf(ref), from, options.count, BUCKETS_PER_COUNT, found, collect));
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

function matches(call: Invocation, cursor: ZsetCursor): boolean {
  if (options.patternAt === 0) return true;
  const { bytes, starts, lengths } = call.request;
  const start = starts[options.patternAt];
  const end = start + lengths[options.patternAt];
  return globMatches(bytes, start, end, cursor.bytes, cursor.start, cursor.start + cursor.length);
}

function replyPair(call: Invocation, cursor: ZsetCursor): void {
  call.reply.bulk(cursor.bytes, cursor.start, cursor.length);
  replyScoreText(call, cursor.score);
}
