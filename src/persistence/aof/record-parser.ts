/**
 * Incremental parser of AOF records (spec/persistence.md 7.4): bytes go in with `feed`, `next` takes one record after the other.
 *
 *   record   *<argc> CRLF, argc × ( $<length> CRLF <bytes> CRLF )      argc ≥ 1
 *   comment  #… LF                                                     at most 1023 bytes
 *
 * A record that ends with the fed bytes is continued where it was, not parsed anew. It is strict: CRLF everywhere, digits only, no empty lines.
 *
 * Invariants: (1) `offset` is the place in the stream where the next record begins, so after `PARSE_MORE` the place up to which everything is complete;
 * (2) `bytes` and the argument positions are valid until the next `feed`; (3) memory grows with the bytes fed, never with a length they state.
 */
export const PARSE_MORE = 0;
/** A record is complete: `argumentCount`, `starts`, `lengths`, in `bytes`. */
export const PARSE_RECORD = 1;
export const PARSE_COMMENT = 2;
/** Not the format; final. */
export const PARSE_BAD = 3;

/** A command in place: argument i is `bytes[starts[i], starts[i] + lengths[i])`. */
export interface RecordArguments {
  readonly bytes: Uint8Array;
  readonly argumentCount: number;
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
}

/** `*`, `$` and `#` lines are no longer, their end included. */
const LINE_BYTES_MAX = 1023;
const BULK_BYTES_MAX = 0x7fffffff;
const STAR = 0x2a;
const DOLLAR = 0x24;
const HASH = 0x23;
const CR = 0x0d;
const LF = 0x0a;
const ZERO = 0x30;

const LINE_MORE = -1;
const LINE_BAD = -2;

export class RecordParser implements RecordArguments {
  bytes: Uint8Array = new Uint8Array(64 * 1024);
  argumentCount = 0;
  starts = new Int32Array(16);
  lengths = new Int32Array(16);
  /** Stream position of `bytes[0]`. */
  #origin: number;
  #end = 0;
  /** Where the current record begins, and where its next part does. */
  #start = 0;
  #at = 0;
  /** Arguments of the unfinished record: stated, and found. */
  #stated = 0;
  #found = 0;
  #isBad = false;

  /** @param offset  stream position of the first byte that will be fed */
  constructor(offset = 0) {
    this.#origin = offset;
  }

  get offset(): number {
    return this.#origin + this.#start;
  }

  /** Whether bytes of an unfinished record or comment are left. */
  get isInsideRecord(): boolean {
    return this.#start < this.#end;
  }

  feed(chunk: Uint8Array, start: number, end: number): void {
    if (this.#start > 0) this.#moveToFront();
    const needed = this.#end + end - start;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(needed + Math.floor(needed / 2));
      grown.set(this.bytes.subarray(0, this.#end));
      this.bytes = grown;
    }
    this.bytes.set(chunk.subarray(start, end), this.#end);
    this.#end = needed;
  }

  /** @returns what comes next: `PARSE_RECORD`, `PARSE_COMMENT`, `PARSE_MORE`, `PARSE_BAD` */
  next(): number {
    if (this.#isBad) return PARSE_BAD;
    if (this.#stated === 0) {
      if (this.#start >= this.#end) return PARSE_MORE;
      const first = this.bytes[this.#start]!;
      if (first === HASH) return this.#comment();
      if (first !== STAR) return this.#bad();
      const count = this.#numberLine(this.#start + 1);
      if (count === LINE_MORE) return PARSE_MORE;
      if (count < 1) return this.#bad();
      this.#stated = count;
      this.#found = 0;
    }
    while (this.#found < this.#stated) {
      const outcome = this.#argument();
      if (outcome !== PARSE_RECORD) return outcome;
    }
    this.argumentCount = this.#stated;
    this.#stated = 0;
    this.#start = this.#at;
    return PARSE_RECORD;
  }

  #argument(): number {
    const at = this.#at;
    if (at >= this.#end) return PARSE_MORE;
    if (this.bytes[at] !== DOLLAR) return this.#bad();
    const length = this.#numberLine(at + 1);
    if (length < 0) return length === LINE_MORE ? PARSE_MORE : this.#bad();
    const start = this.#at;
    const next = start + length + 2;
    if (next > this.#end) {
      this.#at = at;
      return PARSE_MORE;
    }
    if (this.bytes[next - 2] !== CR || this.bytes[next - 1] !== LF) return this.#bad();
    if (this.#found === this.starts.length) this.#growArguments();
    this.starts[this.#found] = start;
    this.lengths[this.#found] = length;
    this.#found++;
    this.#at = next;
    return PARSE_RECORD;
  }

  /** Reads digits and CRLF from `start` and moves behind them. @returns the number, LINE_MORE or LINE_BAD */
  #numberLine(start: number): number {
    let value = 0;
    for (let at = start; at < this.#end; at++) {
      const byte = this.bytes[at]!;
      if (byte === CR) {
        if (at === start) return LINE_BAD;
        if (at + 1 >= this.#end) return LINE_MORE;
        if (this.bytes[at + 1] !== LF) return LINE_BAD;
        this.#at = at + 2;
        return value;
      }
      if (byte < ZERO || byte > ZERO + 9) return LINE_BAD;
      value = value * 10 + byte - ZERO;
      if (value > BULK_BYTES_MAX || at - start > LINE_BYTES_MAX) return LINE_BAD;
    }
    return LINE_MORE;
  }

  #comment(): number {
    const limit = Math.min(this.#end, this.#start + LINE_BYTES_MAX);
    for (let at = this.#start; at < limit; at++) {
      if (this.bytes[at] === LF) {
        this.#start = at + 1;
        return PARSE_COMMENT;
      }
    }
    return limit - this.#start >= LINE_BYTES_MAX ? this.#bad() : PARSE_MORE;
  }

  #bad(): number {
    this.#isBad = true;
    return PARSE_BAD;
  }

  #moveToFront(): void {
    const shift = this.#start;
    this.bytes.copyWithin(0, shift, this.#end);
    this.#origin += shift;
    this.#end -= shift;
    this.#at -= shift;
    this.#start = 0;
    if (this.#stated > 0) for (let i = 0; i < this.#found; i++) this.starts[i]! -= shift;
  }

  #growArguments(): void {
    const starts = new Int32Array(this.starts.length * 2);
    starts.set(this.starts);
    this.starts = starts;
    const lengths = new Int32Array(this.lengths.length * 2);
    lengths.set(this.lengths);
    this.lengths = lengths;
  }
}

/** @returns whether argument `index` is the given lower-case ASCII word, in any case */
export function argumentIs(record: RecordArguments, index: number, word: string): boolean {
  if (record.lengths[index] !== word.length) return false;
  const start = record.starts[index]!;
  for (let i = 0; i < word.length; i++) {
    const byte = record.bytes[start + i]!;
    if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== word.charCodeAt(i)) return false;
  }
  return true;
}

export function argumentText(record: RecordArguments, index: number): string {
  const start = record.starts[index]!;
  return Buffer.from(record.bytes.buffer, record.bytes.byteOffset + start, record.lengths[index]!).toString();
}
