/** What the SCAN family has in common: the cursor and the options. Source: spec server.md section 19. */
import type { Invocation } from '../server/invocation.js';
import { isMatchAll } from '../types/glob.js';
import { replyNotAnInteger, replySyntaxError } from './replies.js';

const COUNT_DEFAULT = 10;
/** Buckets visited per element asked for, at most: a call on a table of empty buckets ends soon, too. */
export const BUCKETS_PER_COUNT = 10;
/** Cursors are unsigned 64-bit numbers, as C's strtoul reads them. */
const CURSOR_TEXT = /^[+-]?\d+$/;
const UINT64_MAX = 2n ** 64n - 1n;
/** Bits of a cursor that mean anything: 14 for the slot and 32 for the bucket. */
const CURSOR_BITS = 46;

/** Options of a SCAN, HSCAN, SSCAN or ZSCAN; one object, for one command after the other. */
export class ScanOptions {
  count = COUNT_DEFAULT;
  /** Index of the pattern argument; 0 if there is none, or if it matches all. */
  patternAt = 0;
  /** Index of the type argument; 0 if there is none. */
  typeAt = 0;

  /** Reads the options from argument `from` on. @returns false after an error reply */
  parse(call: Invocation, from: number, takesType: boolean): boolean {
    const { bytes, starts, lengths } = call.request;
    this.count = COUNT_DEFAULT;
    this.patternAt = 0;
    this.typeAt = 0;
    for (let i = from; i < call.argc; i += 2) {
      const hasValue = i + 1 < call.argc;
      if (hasValue && call.is(i, 'COUNT')) {
        this.count = call.roundedInteger(i + 1);
        if (Number.isNaN(this.count)) {
          replyNotAnInteger(call);
          return false;
        }
        if (this.count >= 1) continue;
      } else if (hasValue && call.is(i, 'MATCH')) {
        this.patternAt = isMatchAll(bytes, starts[i + 1], starts[i + 1] + lengths[i + 1]) ? 0 : i + 1;
        continue;
      } else if (hasValue && takesType && call.is(i, 'TYPE')) {
        this.typeAt = i + 1;
        continue;
      }
      replySyntaxError(call);
      return false;
    }
    return true;
  }
}

/** @returns the cursor without the bits that mean nothing, or −1 if the argument is none. What follows a NUL byte is not looked at. */
export function parseCursor(call: Invocation, index: number): number {
  const text = call.request.cText(index);
  if (text === '') return 0;
  if (!CURSOR_TEXT.test(text)) return -1;
  const value = BigInt(text);
  if (value > UINT64_MAX || value < -UINT64_MAX) return -1;
  return Number(BigInt.asUintN(CURSOR_BITS, value));
}
