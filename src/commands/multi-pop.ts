/** What LMPOP, ZMPOP and their blocking forms are told: `numkeys key [key …] end [COUNT count]`. */
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { replySyntaxError } from './replies.js';

const NUMKEYS_ZERO = fixedReply('-ERR numkeys should be greater than 0');
const COUNT_ZERO = fixedReply('-ERR count should be greater than 0');

export interface MultiPop {
  readonly keyCount: number;
  /** What `readEnd` made of the word. */
  readonly end: boolean;
  readonly count: number;
}

/** @returns which end of a value the argument names; null if none */
type EndReader = (call: Invocation, index: number) => boolean | null;

/** @param at where numkeys stands; @returns null after an error reply */
export function parseMultiPop(call: Invocation, at: number, readEnd: EndReader): MultiPop | null {
  const keyCount = call.roundedInteger(at);
  if (!(keyCount >= 1)) {
    call.reply.fixedError(NUMKEYS_ZERO, 'ERR');
    return null;
  }
  const endAt = at + keyCount + 1;
  const end = endAt < call.argc ? readEnd(call, endAt) : null;
  if (end === null) {
    replySyntaxError(call);
    return null;
  }
  let count = 0;
  for (let i = endAt + 1; i < call.argc; i += 2) {
    if (count !== 0 || !call.is(i, 'COUNT') || i + 1 >= call.argc) {
      replySyntaxError(call);
      return null;
    }
    count = call.roundedInteger(i + 1);
    if (!(count >= 1)) {
      call.reply.fixedError(COUNT_ZERO, 'ERR');
      return null;
    }
  }
  return { keyCount, end, count: Math.max(1, count) };
}
