/** HSCAN. Source: spec server.md section 19. */
import type { Invocation } from '../server/invocation.js';
import { hashesOf } from '../types/hash.js';
import { HASH_TABLE, type HashCursor } from '../types/hash-cursor.js';
import { isHashKey } from './hash.js';
import { cursorArgument, replyNothingScanned, scanMembers } from './member-scan.js';

export function hscan(call: Invocation): void {
  const from = cursorArgument(call);
  if (from < 0) return;
  const ref = call.lookupRead(1);
  if (!isHashKey(call, ref)) return;
  if (ref === 0) return replyNothingScanned(call);
  const { cursor, table } = hashesOf(call.keyspace);
  scanMembers(call, ref, from, cursor, call.entries.encoding(ref) === HASH_TABLE ? table : null, replyPair, 2);
}

function replyPair(call: Invocation, cursor: HashCursor): void {
  call.reply.bulk(cursor.bytes, cursor.start, cursor.length);
  call.reply.bulk(cursor.valueBytes, cursor.valueStart, cursor.valueLength);
}
