/** HSCAN. Source: spec server.md section 19. */
import { HASH_TABLE, HASH_TIMED_TABLE } from '../keyspace/entry.js';
import type { Invocation } from '../server/invocation.js';
import { hashesOf } from '../types/hash.js';
import type { HashCursor } from '../types/hash-cursor.js';
import { isHashKey } from './hash.js';
import { cursorArgument, replyNothingScanned, scanMembers } from './member-scan.js';

export function hscan(call: Invocation): void {
  const from = cursorArgument(call);
  if (from < 0) return;
  const ref = call.lookupRead(1);
  if (!isHashKey(call, ref)) return;
  if (ref === 0) return replyNothingScanned(call);
  const { cursor, table } = hashesOf(call.keyspace);
  const encoding = call.entries.encoding(ref);
  const isTable = encoding === HASH_TABLE || encoding === HASH_TIMED_TABLE;
  scanMembers(call, ref, from, cursor, isTable ? table : null, replyPair, 2);
}

function replyPair(call: Invocation, cursor: HashCursor): void {
  call.reply.bulk(cursor.bytes, cursor.start, cursor.length);
  call.reply.bulk(cursor.valueBytes, cursor.valueStart, cursor.valueLength);
}
