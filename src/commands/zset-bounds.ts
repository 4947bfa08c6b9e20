/**
 * Ranges of sorted sets by rank, score or member, all turned into ranges of ranks. Source: spec server.md section 20.7.
 *
 *   by rank    `0` … `-1`, negative from the end
 *   by score   `1.5`, `(1.5` without it, `-inf`, `+inf`
 *   by member  `[a`, `(a` without it, `-` before all, `+` behind all
 */
import type { Ref } from '../memory/arena.js';
import { fixedReply } from '../resp/reply-writer.js';
import type { Invocation } from '../server/invocation.js';
import { parseScoreBound } from '../types/parse-double.js';
import { zsetsOf } from '../types/zset.js';
import { replyNotAnInteger } from './replies.js';

export const BY_RANK = 0;
export const BY_SCORE = 1;
export const BY_LEX = 2;

const NOT_A_SCORE = fixedReply('-ERR min or max is not a float');
const NOT_A_MEMBER = fixedReply('-ERR min or max not valid string range item');

const OPEN_PAREN = 0x28;
const OPEN_BRACKET = 0x5b;
const MINUS = 0x2d;
const PLUS = 0x2b;

/** One range at a time: `parse` before the set is looked up, then `resolve`. */
export class ZsetRange {
  /** Rank of the first member, and how many there are. */
  first = 0;
  count = 0;
  private by = BY_RANK;
  private minAt = 0;
  private maxAt = 0;
  private from = 0;
  private to = 0;

  /** @param minAt argument of the lower end; @returns false after an error reply */
  parse(call: Invocation, by: number, minAt: number, maxAt: number): boolean {
    this.by = by;
    this.minAt = minAt;
    this.maxAt = maxAt;
    if (by === BY_LEX) {
      if (isLexBound(call, minAt) && isLexBound(call, maxAt)) return true;
      call.reply.fixedError(NOT_A_MEMBER, 'ERR');
      return false;
    }
    this.from = by === BY_RANK ? call.roundedInteger(minAt) : score(call, minAt);
    this.to = by === BY_RANK ? call.roundedInteger(maxAt) : score(call, maxAt);
    if (!Number.isNaN(this.from) && !Number.isNaN(this.to)) return true;
    if (by === BY_RANK) replyNotAnInteger(call);
    else call.reply.fixedError(NOT_A_SCORE, 'ERR');
    return false;
  }

  /** Finds the range in a set. @param isReverse ranks count from the end */
  resolve(call: Invocation, ref: Ref, isReverse: boolean): void {
    const zsets = zsetsOf(call.keyspace);
    if (this.by !== BY_RANK) {
      this.first = this.countBelow(call, ref, this.minAt, this.from, false);
      this.count = Math.max(0, this.countBelow(call, ref, this.maxAt, this.to, true) - this.first);
      return;
    }
    const length = zsets.count(ref);
    const first = Math.max(0, this.from < 0 ? this.from + length : this.from);
    const last = Math.min(length - 1, this.to < 0 ? this.to + length : this.to);
    this.count = Math.max(0, last - first + 1);
    this.first = isReverse ? length - 1 - last : first;
  }

  /** Applies LIMIT. @param isReverse the range is read from its end; @param limit negative for all */
  limit(offset: number, limit: number, isReverse: boolean): void {
    const skipped = offset < 0 ? this.count : Math.min(offset, this.count);
    const left = this.count - skipped;
    const count = limit < 0 ? left : Math.min(limit, left);
    this.first = isReverse ? this.first + left - count : this.first + skipped;
    this.count = count;
  }

  /** @returns number of members below the bound; @param isUpper the bound belongs to the range, unless it is exclusive */
  private countBelow(call: Invocation, ref: Ref, at: number, value: number, isUpper: boolean): number {
    const zsets = zsetsOf(call.keyspace);
    const { bytes, starts, lengths } = call.request;
    const first = bytes[starts[at]];
    const isExclusive = lengths[at] > 0 && first === OPEN_PAREN;
    const isUpTo = isUpper !== isExclusive;
    if (this.by === BY_SCORE) {
      if (value === (isUpTo ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY))
        return isUpTo ? zsets.count(ref) : 0;
      return zsets.countByScore(ref, value, isUpTo);
    }
    if (first === MINUS) return 0;
    if (first === PLUS) return zsets.count(ref);
    return zsets.countByMember(ref, bytes, starts[at] + 1, lengths[at] - 1, isUpTo);
  }
}

function score(call: Invocation, at: number): number {
  const { bytes, starts, lengths } = call.request;
  const skipped = lengths[at] > 0 && bytes[starts[at]] === OPEN_PAREN ? 1 : 0;
  return parseScoreBound(bytes, starts[at] + skipped, lengths[at] - skipped);
}

function isLexBound(call: Invocation, at: number): boolean {
  const { bytes, starts, lengths } = call.request;
  if (lengths[at] === 0) return false;
  const first = bytes[starts[at]];
  if (first === OPEN_PAREN || first === OPEN_BRACKET) return true;
  return lengths[at] === 1 && (first === MINUS || first === PLUS);
}
