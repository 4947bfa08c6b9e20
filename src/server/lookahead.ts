/**
 * Looks at the requests of a pipeline before they are executed, and has the entries of their keys, and the items of members of large collections, brought
 * into the cache all at once.
 *
 * With more keys than the caches hold, a lookup spends most of its time waiting for memory: slot table, bucket, entry, one after the other. The
 * waits of several requests overlap if somebody asks for all of them first (server CPU per SET at 1 M keys, pipeline 100: 0.85 µs without, 0.6 with).
 * Among few keys nothing waits, and a look costs 90 ns a request for nothing.
 *
 * What it finds on its way, the words of whole requests, is kept, so that nobody needs to parse them again (`take`). Only plain requests are seen:
 * argument 1 is taken for the key, and whatever does not look as expected ends the look. Nothing depends on it but time.
 *
 * Invariant: what is kept of a request is what `parseRequest` would find if it began there, whoever asks: numbers are as strict, no word is as long
 * as the least limit there is (proto-max-bulk-len), and those that have not authenticated, who have lower ones, are not served from here.
 */
import type { Database } from '../keyspace/database.js';
import { WARM_MAX } from '../memory/bucket-chains.js';
import type { Request } from '../resp/request.js';
import { type RequestState, shortHeader, shortHeaderBytes } from '../resp/request-parser.js';
import { KEY_WORD, largeTableOf, MEMBER_WORD, warmRequests } from './warm-requests.js';

const ASTERISK = 0x2a;
const DOLLAR = 0x24;
const CR = 0x0d;
const ZERO = 0x30;
/** Of a longer word's header so many digits are read: it then is below a megabyte, the least proto-max-bulk-len. */
const DIGITS_MAX = 6;
/** Words of one look, after which it ends; the last request may have up to 99 more. */
const WORDS_MAX = 256;
const REQUEST_WORDS_MAX = 99;
/** What there is to fewer keys, some 256 bytes each, is in the caches as it is; and so is everything, if it is in no more bytes than that. */
const KEYS_MIN = 512;
const BYTES_MIN = 256 * 1024;
const NO_BYTES = new Uint8Array(0);

export class Lookahead {
  private bytes: Uint8Array = NO_BYTES;
  /** The words of all requests seen, and per request its first byte, the byte after it, and its first word; one more ends the last. */
  private readonly wordStarts = new Int32Array(WORDS_MAX + REQUEST_WORDS_MAX);
  private readonly wordLengths = new Int32Array(WORDS_MAX + REQUEST_WORDS_MAX);
  private readonly begins = new Int32Array(WARM_MAX);
  private readonly ends = new Int32Array(WARM_MAX);
  private readonly firstWords = new Int32Array(WARM_MAX + 1);
  private count = 0;
  /** The request to be taken next. */
  private next = 0;

  /**
   * Warms the keys of up to WARM_MAX requests that begin at `from`. The bytes must stay as they are until `forget`.
   * @returns up to where it looked: from there on the caller may ask again; `end` if there is nothing more to see
   */
  look(bytes: Uint8Array, from: number, end: number, db: Database): number {
    this.forget();
    if (db.keyCount < KEYS_MIN && !this.isWorthwhile(bytes, from, end, db)) return end;
    const { begins, ends, firstWords } = this;
    let count = 0;
    let at = from;
    while (at < end && count < WARM_MAX && firstWords[count] < WORDS_MAX) {
      const next = this.skim(bytes, at, end, count);
      if (next < 0) {
        at = end;
        break;
      }
      begins[count] = at;
      ends[count++] = next;
      at = next;
    }
    this.bytes = bytes;
    this.count = count;
    this.next = 0;
    warmRequests(db, bytes, firstWords, 0, count, this.wordStarts, this.wordLengths);
    return at;
  }

  /**
   * Gives the request at `state.position`, if it was looked at and is whole before `end`; then `state.position` is behind it.
   * @returns whether `request` is it; if not, the caller parses
   */
  take(bytes: Uint8Array, end: number, request: Request, state: RequestState): boolean {
    if (this.bytes !== bytes) return false;
    const { position } = state;
    let index = this.next;
    while (index < this.count && this.begins[index] < position) index++;
    this.next = index;
    if (index === this.count || this.begins[index] !== position || this.ends[index] > end || !state.isAuthenticated)
      return false;
    this.next = index + 1;
    state.position = this.ends[index];
    const { wordStarts, wordLengths } = this;
    const { starts, lengths } = request;
    const first = this.firstWords[index];
    const argc = this.firstWords[index + 1] - first;
    for (let i = 0; i < argc; i++) {
      starts[i] = wordStarts[first + i];
      lengths[i] = wordLengths[first + i];
    }
    request.bytes = bytes;
    request.argc = argc;
    return true;
  }

  /** To be called before the bytes that were looked at change. */
  forget(): void {
    this.bytes = NO_BYTES;
  }

  /** Whether it is worthwhile to look where there are few keys: if the first request works on a large collection. */
  private isWorthwhile(bytes: Uint8Array, from: number, end: number, db: Database): boolean {
    if (db.space.arena.usedBytes < BYTES_MIN) return false;
    if (this.skim(bytes, from, end, 0) < 0 || this.firstWords[1] <= MEMBER_WORD) return false;
    return largeTableOf(db, db.find(bytes, this.wordStarts[KEY_WORD], this.wordLengths[KEY_WORD])) !== 0;
  }

  /** Notes the words of the request at `from`, which is number `index`. @returns the offset behind the request, −1 if it is not whole or not plain */
  private skim(bytes: Uint8Array, from: number, end: number, index: number): number {
    const { wordStarts, wordLengths } = this;
    const argc = shortHeader(bytes, from, end, ASTERISK);
    if (argc <= 0) return -1;
    let at = from + shortHeaderBytes(argc);
    let word = this.firstWords[index];
    for (const behind = word + argc; word < behind; word++) {
      let length = shortHeader(bytes, at, end, DOLLAR);
      if (length >= 0) {
        at += shortHeaderBytes(length);
      } else {
        length = longerHeader(bytes, at, end);
        if (length < 0) return -1;
        at += 3 + digitsOf(length);
      }
      wordStarts[word] = at;
      wordLengths[word] = length;
      at += length + 2;
      if (at > end) return -1;
    }
    this.firstWords[index + 1] = word;
    return at;
  }
}

/** @returns the number in the header of a bulk string of three digits or more; −1 if there is none, or it has too many */
function longerHeader(bytes: Uint8Array, from: number, end: number): number {
  if (from >= end || bytes[from] !== DOLLAR || bytes[from + 1] === ZERO) return -1;
  let value = 0;
  const stop = Math.min(end - 1, from + DIGITS_MAX + 2);
  for (let at = from + 1; at < stop; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return bytes[at] === CR && at > from + 3 ? value : -1;
    value = value * 10 + digit;
  }
  return -1;
}

/** @returns how many decimal digits a number from 100 to 999,999 has */
function digitsOf(value: number): number {
  if (value < 1000) return 3;
  if (value < 10_000) return 4;
  return value < 100_000 ? 5 : 6;
}
