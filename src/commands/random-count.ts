/** The count of HRANDFIELD, SRANDMEMBER and ZRANDMEMBER, and how large a reply they may make. */
import type { Invocation } from '../server/invocation.js';
import { parseInt64 } from '../types/number.js';
import { replyNotAnInteger } from './replies.js';

const LONG_MAX = 2n ** 63n - 1n;
/** What a negative count, which repeats picks, may make of a reply: else one short command could take all memory. */
const REPLY_BYTES_MAX = 512 * 1024 * 1024;

/** @returns the count in argument `index`, rounded beyond ±2^53; NaN after an error reply */
export function randomCount(call: Invocation, index: number): number {
  const { bytes, starts, lengths } = call.request;
  const count = parseInt64(bytes, starts[index], lengths[index]);
  if (count === null) replyNotAnInteger(call);
  else if (count < -LONG_MAX) call.error(`ERR value is out of range, value must between ${-LONG_MAX} and ${LONG_MAX}`);
  else return Number(count);
  return Number.NaN;
}

/** Takes back a reply that began at `mark` and has grown too large. @returns whether it was so */
export function isReplyTooLarge(call: Invocation, mark: number): boolean {
  const { reply } = call;
  if (reply.length - mark <= REPLY_BYTES_MAX) return false;
  reply.rewind(mark);
  call.error('ERR the reply would exceed 512 MiB');
  return true;
}
