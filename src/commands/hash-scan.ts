/** HSCAN. Source: spec server.md section 19. */
import { HASH_TABLE, HASH_TIMED_TABLE } from '../keyspace/entry.js';
import type { Invocation } from '../server/invocation.js';
import { hashesOf } from '../types/hash.js';
import type { HashCursor } from '../types/hash-cursor.js';
import { isHashKey, replyCursorField, replyCursorValue } from './hash.js';
import { cursorArgument, type MemberReply, replyNothingScanned, scanPacked, scanTable } from './member-scan.js';

export function hscan(call: Invocation): void {
  const from = cursorArgument(call);
  if (from < 0) return;
  const ref = call.lookupRead(1);
  if (!isHashKey(call, ref)) return;
  if (ref === 0) return replyNothingScanned(call);
  const { cursor, table } = hashesOf(call.keyspace);
  const encoding = call.entries.encoding(ref);
  if (encoding === HASH_TABLE || encoding === HASH_TIMED_TABLE)
    scanTable(call, table, call.entries.root(ref), from, cursor, PAIR);
  else scanPacked(call, ref, cursor, PAIR);
}

const PAIR: MemberReply<HashCursor> = {
  elementCount: 2,
  write({ reply }, cursor) {
    replyCursorField(reply, cursor);
    replyCursorValue(reply, cursor);
  },
};
