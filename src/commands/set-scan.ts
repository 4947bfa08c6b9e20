/** SSCAN. Source: spec server.md section 19. */
import type { Invocation } from '../server/invocation.js';
import { setsOf } from '../types/set.js';
import { SET_TABLE, type SetCursor } from '../types/set-cursor.js';
import { cursorArgument, type MemberReply, replyNothingScanned, scanPacked, scanTable } from './member-scan.js';
import { isSetKey, replyCursorMember } from './set.js';

export function sscan(call: Invocation): void {
  const from = cursorArgument(call);
  if (from < 0) return;
  const ref = call.lookupRead(1);
  if (!isSetKey(call, ref)) return;
  if (ref === 0) return replyNothingScanned(call);
  const { cursor, table } = setsOf(call.keyspace);
  if (call.entries.encoding(ref) === SET_TABLE) scanTable(call, table, call.entries.root(ref), from, cursor, MEMBER);
  else scanPacked(call, ref, cursor, MEMBER);
}

const MEMBER: MemberReply<SetCursor> = {
  elementCount: 1,
  write({ reply }, cursor) {
    replyCursorMember(reply, cursor);
  },
};
