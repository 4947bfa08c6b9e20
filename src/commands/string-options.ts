/**
 * The options of SET and GETEX, parsed into one record that both reuse. Source: spec server.md section 21; which may stand together was observed.
 *
 * The same option may be repeated (the last time counts); two that exclude each other are a syntax error, and so is a missing time.
 */
import type { Invocation } from '../server/invocation.js';
import { MILLISECOND, positiveExpiryTime, SECOND_MS } from '../types/expiry-time.js';

export const SET_NX = 1 << 0;
export const SET_XX = 1 << 1;
export const SET_GET = 1 << 2;
export const KEEP_TTL = 1 << 3;
export const PERSIST = 1 << 4;
/** A time is given: `EX`, `PX`, `EXAT` or `PXAT`; one bit each, as each excludes the others. */
const EX = 1 << 5;
const PX = 1 << 6;
const EXAT = 1 << 7;
const PXAT = 1 << 8;
const ANY_TIME = EX | PX | EXAT | PXAT;

/** What SET takes besides a time, and what GETEX takes. */
export const OF_SET = SET_NX | SET_XX | SET_GET | KEEP_TTL;
export const OF_GETEX = PERSIST;

export class StringOptions {
  flags = 0;
  /** Argument that holds the time. */
  private timeAt = 0;

  get hasTime(): boolean {
    return (this.flags & ANY_TIME) !== 0;
  }

  /**
   * Reads the options from argument `first` on.
   * @param accepted OF_SET or OF_GETEX
   * @returns whether they are well-formed
   */
  parse(call: Invocation, first: number, accepted: number): boolean {
    this.flags = 0;
    this.timeAt = 0;
    for (let at = first; at < call.argc; at++) {
      const option = optionOf(call, at);
      if ((option & (accepted | ANY_TIME)) === 0 || (this.flags & excludedBy(option)) !== 0) return false;
      this.flags |= option;
      if ((option & ANY_TIME) !== 0) {
        if (++at === call.argc) return false;
        this.timeAt = at;
      }
    }
    return true;
  }

  /** @returns the absolute time in Unix ms, NOT_AN_INTEGER or OUT_OF_RANGE (expiry-time.ts) */
  expireAtMs(call: Invocation): number {
    const { bytes, starts, lengths } = call.request;
    const unitMs = (this.flags & (EX | EXAT)) !== 0 ? SECOND_MS : MILLISECOND;
    const baseMs = (this.flags & (EX | PX)) !== 0 ? call.keyspace.nowMs : 0;
    return positiveExpiryTime(bytes, starts[this.timeAt], lengths[this.timeAt], unitMs, baseMs);
  }
}

function optionOf(call: Invocation, at: number): number {
  switch (call.request.lengths[at]) {
    case 2:
      if (call.is(at, 'EX')) return EX;
      if (call.is(at, 'PX')) return PX;
      if (call.is(at, 'NX')) return SET_NX;
      if (call.is(at, 'XX')) return SET_XX;
      return 0;
    case 3:
      return call.is(at, 'GET') ? SET_GET : 0;
    case 4:
      if (call.is(at, 'EXAT')) return EXAT;
      return call.is(at, 'PXAT') ? PXAT : 0;
    case 7:
      if (call.is(at, 'KEEPTTL')) return KEEP_TTL;
      return call.is(at, 'PERSIST') ? PERSIST : 0;
    default:
      return 0;
  }
}

function excludedBy(option: number): number {
  switch (option) {
    case SET_NX:
      return SET_XX;
    case SET_XX:
      return SET_NX;
    case SET_GET:
      return 0;
    default:
      return (ANY_TIME | KEEP_TTL | PERSIST) & ~option;
  }
}
