/** ZSCAN. Source: spec server.md section 19. Scores are bulk strings in both protocols. */
import type { Invocation } from '../server/invocation.js';
import { zsetsOf } from '../types/zset.js';
import type { ZsetCursor } from '../types/zset-cursor.js';
import { cursorArgument, type MemberReply, replyNothingScanned, scanPacked, scanTable } from './member-scan.js';
import { isZset, replyScoreText } from './zset.js';

export function zscan(call: Invocation): void {
  const from = cursorArgument(call);
  if (from < 0) return;
  const ref = call.lookupRead(1);
  if (!isZset(call, ref)) return;
  if (ref === 0) return replyNothingScanned(call);
  const zsets = zsetsOf(call.keyspace);
  const { cursor, table } = zsets;
  if (zsets.isPacked(ref)) scanPacked(call, ref, cursor, PAIR);
  else scanTable(call, table, zsets.tableOf(ref), from, cursor, PAIR);
}

const PAIR: MemberReply<ZsetCursor> = {
  elementCount: 2,
  write(call, cursor) {
    call.reply.bulk(cursor.bytes, cursor.start, cursor.length);
    replyScoreText(call, cursor.score);
  },
};
