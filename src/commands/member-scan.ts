/** HSCAN, SSCAN and ZSCAN: what they do with the members of one key. Source: spec server.md section 19. A packed value comes whole, in one call. */
import type { Ref } from '../memory/arena.js';
import type { Invocation } from '../server/invocation.js';
import { globMatches } from '../types/glob.js';
import type { MemberTable } from '../types/member-table.js';
import { BUCKETS_PER_COUNT, parseCursor, ScanOptions } from './scan-options.js';

/** A walk over a packed value, or over items; what it points at is `bytes[start, start + length)`, the text that MATCH looks at. */
export interface MemberWalk {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
  /** Whether clients must not see it: a hash field whose time is over. */
  readonly isHidden: boolean;
  begin(ref: Ref): void;
  next(): boolean;
  readItem(item: Ref): void;
}

const options = new ScanOptions();
/** Items on their way to the reply. */
const found: Ref[] = [];
const collect = (item: Ref): void => {
  found.push(item);
};

/** @returns the cursor in argument 2, or −1 after an error reply: it comes before all else that may be wrong */
export function cursorArgument(call: Invocation): number {
  const cursor = parseCursor(call, 2);
  if (cursor < 0) call.error('ERR invalid cursor');
  return cursor;
}

/** The reply for a key that is absent; its options are not looked at. */
export function replyNothingScanned(call: Invocation): void {
  beginReply(call, 0, 0);
}

/** What a walk points at, as part of the reply. */
export interface MemberReply<Walk> {
  /** Elements that it takes. */
  readonly elementCount: number;
  write(call: Invocation, walk: Walk): void;
}

/** Replies with all of a packed value, at once: its cursor means nothing. */
export function scanPacked<Walk extends MemberWalk>(
  call: Invocation,
  ref: Ref,
  walk: Walk,
  member: MemberReply<Walk>,
): void {
  if (!options.parse(call, 3, false)) return;
  let count = 0;
  walk.begin(ref);
  while (walk.next()) if (isWanted(call, walk)) count++;
  beginReply(call, 0, count * member.elementCount);
  walk.begin(ref);
  while (walk.next()) if (isWanted(call, walk)) member.write(call, walk);
}

/** Replies with some of the items of a table, from `cursor` on. */
export function scanTable<Walk extends MemberWalk>(
  call: Invocation,
  tables: MemberTable,
  table: Ref,
  cursor: number,
  walk: Walk,
  member: MemberReply<Walk>,
): void {
  if (!options.parse(call, 3, false)) return;
  const next = tables.collectFrom(table, cursor, options.count, BUCKETS_PER_COUNT, found, collect);
  let kept = 0;
  for (const item of found) {
    walk.readItem(item);
    if (isWanted(call, walk)) found[kept++] = item;
  }
  beginReply(call, next, kept * member.elementCount);
  for (let i = 0; i < kept; i++) {
    walk.readItem(found[i]);
    member.write(call, walk);
  }
  found.length = 0;
}

function beginReply(call: Invocation, next: number, elementCount: number): void {
  call.reply.array(2);
  call.reply.bulkText(String(next));
  call.reply.array(elementCount);
}

function isWanted(call: Invocation, walk: MemberWalk): boolean {
  if (walk.isHidden) return false;
  if (options.patternAt === 0) return true;
  const { bytes, starts, lengths } = call.request;
  const start = starts[options.patternAt];
  return globMatches(
    bytes,
    start,
    start + lengths[options.patternAt],
    walk.bytes,
    walk.start,
    walk.start + walk.length,
  );
}
