/** XRANGE and XREVRANGE. Source: spec server.md section 24. Records: stream-records.ts. */
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { streamsOf } from '../types/stream.js';
import { isStream, parseCount, parseRange, range, replyEntries } from './stream-arguments.js';

const EMPTY_ARRAY = fixedReply('*0');

export function xrange(call: Invocation): void {
  replyRange(call, 2, 3, false);
}

export function xrevrange(call: Invocation): void {
  replyRange(call, 3, 2, true);
}

function replyRange(call: Invocation, fromAt: number, toAt: number, isReverse: boolean): void {
  const { reply } = call;
  if (!parseRange(call, fromAt, toAt)) return;
  const count = parseCount(call, 4);
  if (Number.isNaN(count)) return;
  const ref = call.lookupRead(1);
  if (ref === 0) return reply.raw(EMPTY_ARRAY);
  if (!isStream(call, ref)) return;
  if (count === 0) return reply.nullArray();
  replyEntries(reply, streamsOf(call.keyspace).walk(ref, range.from, range.to, isReverse), count);
}
