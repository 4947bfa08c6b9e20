/** The timeout of commands that block, in milliseconds. Source: spec server.md section 9, rule 8. */
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { INT64_MAX } from '../types/number.js';

const NOT_AN_INTEGER = fixedReply('-ERR timeout is not an integer or out of range');
const NEGATIVE = fixedReply('-ERR timeout is negative');
const OUT_OF_RANGE = fixedReply('-ERR timeout is out of range');

/** @returns the milliseconds in argument `at`; −1 after an error reply */
export function timeoutMsArgument(call: Invocation, at: number): number {
  const timeoutMs = call.roundedInteger(at);
  if (Number.isNaN(timeoutMs)) call.reply.fixedError(NOT_AN_INTEGER, 'ERR');
  else if (timeoutMs < 0) call.reply.fixedError(NEGATIVE, 'ERR');
  else if (timeoutMs > Number(INT64_MAX) - call.keyspace.nowMs) call.reply.fixedError(OUT_OF_RANGE, 'ERR');
  else return timeoutMs;
  return -1;
}
