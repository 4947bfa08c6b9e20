/** SSCAN. Source: spec server.md section 19. */
import type { Invocation } from '../server/invocation.js';
import { setsOf } from '../types/set.js';
import { SET_TABLE, type SetCursor } from '../types/set-cursor.js';
import { cursorArgument, replyNothingScanned, scanMembers } from './member-scan.js';
import { isSetKey } from './set.js';

export function sscan(call: Invocation): void {
  const from = cursorArgument(call);
  if (from < 0) return;
  const ref = call.lookupRead(1);
  if (!isSetKey(call, ref)) return;
  if (ref === 0) return replyNothingScanned(call);
  const { cursor, table } = setsOf(call.keyspace);
  scanMembers(call, ref, from, cursor, call.entries.encoding(ref) === SET_TABLE ? table : null, replyMember, 1);
}

function replyMember(call: Invocation, cursor: SetCursor): void {
  call.reply.bulk(cursor.bytes, cursor.start, cursor.length);
}
