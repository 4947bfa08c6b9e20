/**
 * Incremental reader of RESP2 and RESP3 replies, for every place where we are the client: links, tools, tests.
 *
 * Bytes go in with `feed()` in pieces of any size; `next()` hands out one complete top-level value at a time, or null when more bytes are needed.
 * A value that arrives in many pieces is never scanned twice: open aggregates wait on a stack, and a long line remembers how far it was searched.
 *
 *   states      header (a line is awaited) → bulk (its bytes and CRLF are awaited) → header …; any → malformed, which is final
 *
 * Invariants: (1) nothing that a peer sends makes this throw: wrong bytes are a `malformed` result with code and byte position, and the reader stays
 * in it; (2) what is kept for an unfinished value is bounded by `maxReplyBytes`: announced lengths and counts are checked against it before anything
 * is allocated for them, and nothing is allocated by announcement; (3) values own their bytes, the reader's buffer is never handed out.
 *
 * Attributes (`|`) are read and dropped: in Redis 7.2 only DEBUG PROTOCOL sends them. Streamed RESP3 types are not used by any server and are
 * malformed here. Source: spec/server.md sections 2 and 3.
 */

/** An error reply. It is a value wherever replies are values (in the array of EXEC, say); a client rejects with it where it is the whole reply. */
export class ReplyError extends Error {
  /** The upper-case first word: `ERR`, `WRONGTYPE`, `MOVED` …; `ERR` where the text has none. */
  readonly code: string;

  constructor(text: string) {
    super(text);
    this.name = 'ReplyError';
    this.code = /^[A-Z][A-Z0-9_]*(?= |$)/.exec(text)?.[0] ?? 'ERR';
  }
}

/** A decoded value. Bulk strings are strings or Buffers as the reader was told; integers beyond 2^53 and big numbers are bigint. */
export type Reply =
  | null
  | boolean
  | number
  | bigint
  | string
  | Buffer
  | ReplyError
  | Reply[]
  | Map<Reply, Reply>
  | Set<Reply>;

export type MalformedCode =
  | 'unknown-type'
  | 'bad-length'
  | 'bad-number'
  | 'bad-boolean'
  | 'bad-verbatim'
  | 'missing-crlf'
  | 'misplaced-push'
  | 'too-deep'
  | 'too-large';

/** `byteOffset` counts from the first byte ever fed. */
export interface Malformed {
  readonly kind: 'malformed';
  readonly code: MalformedCode;
  readonly byteOffset: number;
}

/** `raw` holds the exact bytes of the value when the reader was told to keep them. */
export type ReadResult =
  | { readonly kind: 'reply'; readonly value: Reply; readonly raw: Buffer | null }
  | { readonly kind: 'push'; readonly value: Reply[]; readonly raw: Buffer | null }
  | Malformed;

export interface ReplyReaderOptions {
  /** What bulk and verbatim strings become: UTF-8 text (default) or Buffers. */
  readonly bulk?: 'text' | 'bytes';
  /** Keep the exact bytes of each value. Default false. */
  readonly keepRaw?: boolean;
  /** Most bytes that one top-level value may have on the wire. Default 1 GiB: twice the server's own limit of a string. */
  readonly maxReplyBytes?: number;
}

/** Deepest nesting accepted. COMMAND DOCS reaches about ten; the stack is on the heap, so that this bounds only memory per byte of garbage. */
const MAX_DEPTH = 64;
/** Longest line that holds a length, number or boolean. A big number is the longest sensible one; converting it is quadratic, which bounds this. */
const MAX_HEADER_BYTES = 4096;
/** The shortest element on the wire (`_\r\n`). So many times a count may not exceed what a reply may have. */
const MIN_ELEMENT_BYTES = 3;
const INITIAL_BYTES = 16 * 1024;
const SHORT_LINE_BYTES = 64;
const CR = 0x0d;

interface Frame {
  readonly type: string;
  readonly items: Reply[];
  remaining: number;
}

/** What `readHeader` answers when it opened an aggregate or a bulk, so that there is no value yet. */
const INCOMPLETE = Symbol('incomplete');

export class ReplyReader {
  readonly #asText: boolean;
  readonly #keepRaw: boolean;
  readonly #maxReplyBytes: number;
  #buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  /** First byte of the value under construction; may be dropped from the buffer already when raw bytes are not kept. */
  #valueStart = 0;
  #position = 0;
  #end = 0;
  /** No line end was found before this position. */
  #searched = 0;
  /** Bytes dropped from the front of the buffer since the beginning. */
  #dropped = 0;
  #stack: Frame[] = [];
  #bulkType = '';
  #bulkBytes = -1;
  #malformed: Malformed | null = null;

  constructor(options: ReplyReaderOptions = {}) {
    this.#asText = options.bulk !== 'bytes';
    this.#keepRaw = options.keepRaw ?? false;
    this.#maxReplyBytes = options.maxReplyBytes ?? 1024 * 1024 * 1024;
  }

  /** Bytes fed and not yet part of a value handed out. */
  get pendingBytes(): number {
    return this.#end - Math.max(this.#valueStart, 0);
  }

  /** Adds bytes; they are copied. Call `next()` until it gives null before feeding more, else the bytes fed pile up unbounded. */
  feed(bytes: Uint8Array): void {
    if (this.#malformed !== null) return;
    if (this.#end + bytes.length > this.#buffer.length) this.#makeRoom(bytes.length);
    this.#buffer.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** The next complete value; null when more bytes are needed; the same `malformed` result for ever after wrong bytes. */
  next(): ReadResult | null {
    while (this.#malformed === null) {
      const value = this.#bulkBytes >= 0 ? this.#readBulk() : this.#readHeader();
      if (value === null) break;
      if (value.done === INCOMPLETE) continue;
      const result = this.#complete(value.done);
      if (result !== null) return result;
    }
    return this.#malformed;
  }

  /** One line from the position on. null: more bytes needed, or malformed. */
  #readHeader(): { done: Reply | typeof INCOMPLETE } | null {
    if (this.#position === this.#end) return null;
    const type = String.fromCharCode(this.#buffer[this.#position]!);
    if (!'+-:$*_#,(!=%~>|'.includes(type)) return this.#fail('unknown-type');
    const isText = type === '+' || type === '-';
    const lineEnd = this.#findLineEnd(isText ? this.#maxReplyBytes : MAX_HEADER_BYTES);
    if (lineEnd < 0) return null;
    const text = this.#buffer.toString(isText ? 'utf8' : 'latin1', this.#position + 1, lineEnd);
    const value = this.#interpret(type, text);
    if (this.#malformed !== null) return null;
    this.#position = lineEnd + 2;
    this.#searched = this.#position;
    return { done: value };
  }

  #interpret(type: string, text: string): Reply | typeof INCOMPLETE {
    switch (type) {
      case '+':
        return text;
      case '-':
        return new ReplyError(text);
      case ':':
        return this.#integer(text);
      case '(':
        return /^[+-]?\d+$/.test(text) ? BigInt(text) : this.#fail('bad-number');
      case ',':
        return this.#double(text);
      case '#':
        return text === 't' || (text === 'f' ? false : this.#fail('bad-boolean'));
      case '_':
        return text === '' ? null : this.#fail('bad-length');
      case '$':
      case '!':
      case '=':
        return this.#openBulk(type, text);
      default:
        return this.#openAggregate(type, text);
    }
  }

  #integer(text: string): number | bigint | null {
    if (!/^[+-]?\d{1,19}$/.test(text)) return this.#fail('bad-number');
    const number = Number(text);
    return Number.isSafeInteger(number) ? number : BigInt(text);
  }

  #double(text: string): number | null {
    if (text === 'inf') return Number.POSITIVE_INFINITY;
    if (text === '-inf') return Number.NEGATIVE_INFINITY;
    if (/^-?nan/i.test(text)) return Number.NaN;
    return /^[+-]?\d+(\.\d*)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : this.#fail('bad-number');
  }

  /** A length or count: digits only, or -1 where null may be written so. */
  #length(text: string, nullable: boolean): number {
    if (nullable && text === '-1') return -1;
    if (!/^\d{1,15}$/.test(text)) {
      this.#fail('bad-length');
      return 0;
    }
    return Number(text);
  }

  #openBulk(type: string, text: string): null | typeof INCOMPLETE {
    const length = this.#length(text, type === '$');
    if (length < 0) return null;
    if (length > this.#maxReplyBytes) return this.#fail('too-large');
    this.#bulkType = type;
    this.#bulkBytes = length;
    return INCOMPLETE;
  }

  #openAggregate(type: string, text: string): Reply | typeof INCOMPLETE {
    const count = this.#length(text, type === '*');
    if (count < 0) return null;
    const remaining = type === '%' || type === '|' ? count * 2 : count;
    if (remaining * MIN_ELEMENT_BYTES > this.#maxReplyBytes) return this.#fail('too-large');
    if (this.#stack.length === MAX_DEPTH) return this.#fail('too-deep');
    if (type === '>' && (this.#stack.length > 0 || count === 0)) return this.#fail('misplaced-push');
    if (remaining > 0) this.#stack.push({ type, items: [], remaining });
    return remaining > 0 || type === '|' ? INCOMPLETE : aggregate({ type, items: [], remaining });
  }

  #readBulk(): { done: Reply } | null {
    const end = this.#position + this.#bulkBytes;
    if (this.#end < end + 2) {
      this.#checkSize();
      return null;
    }
    if (this.#buffer[end] !== CR || this.#buffer[end + 1] !== 0x0a) return this.#fail('missing-crlf');
    const type = this.#bulkType;
    let start = this.#position;
    if (type === '=') {
      if (this.#bulkBytes < 4 || this.#buffer[start + 3] !== 0x3a) return this.#fail('bad-verbatim');
      start += 4;
    }
    this.#position = end + 2;
    this.#searched = this.#position;
    this.#bulkBytes = -1;
    if (type === '!') return { done: new ReplyError(this.#buffer.toString('utf8', start, end)) };
    if (this.#asText) return { done: this.#buffer.toString('utf8', start, end) };
    return { done: Buffer.from(this.#buffer.subarray(start, end)) };
  }

  /** Puts a value where it belongs. Returns the result when that completed a top-level value. */
  #complete(first: Reply): ReadResult | null {
    let value = first;
    for (;;) {
      const frame = this.#stack.at(-1);
      if (frame === undefined) return { kind: 'reply', value, raw: this.#finishValue() };
      frame.items.push(value);
      if (--frame.remaining > 0) return null;
      this.#stack.pop();
      if (frame.type === '|') return null;
      if (frame.type === '>') return { kind: 'push', value: frame.items, raw: this.#finishValue() };
      value = aggregate(frame);
    }
  }

  #finishValue(): Buffer | null {
    const raw = this.#keepRaw ? Buffer.from(this.#buffer.subarray(this.#valueStart, this.#position)) : null;
    this.#valueStart = this.#position;
    if (this.#position === this.#end) {
      this.#dropped += this.#end;
      this.#valueStart = this.#position = this.#searched = this.#end = 0;
      if (this.#buffer.length > INITIAL_BYTES * 4) this.#buffer = Buffer.allocUnsafe(INITIAL_BYTES);
    }
    return raw;
  }

  /** Index of the CR of the CRLF that ends the current line; -1 when it is not there yet or the line is too long. */
  #findLineEnd(maxBytes: number): number {
    let from = Math.max(this.#searched, this.#position);
    for (;;) {
      const at = this.#indexOfCr(from);
      if (at >= 0 && at + 1 < this.#end) {
        if (at - this.#position > maxBytes) break;
        if (this.#buffer[at + 1] === 0x0a) return at;
        from = at + 1;
        continue;
      }
      this.#searched = at >= 0 ? at : this.#end;
      if (this.#end - this.#position <= maxBytes) {
        this.#checkSize();
        return -1;
      }
      break;
    }
    this.#fail(maxBytes === MAX_HEADER_BYTES ? 'bad-length' : 'too-large');
    return -1;
  }

  /** -1 if there is none yet. Most lines are short: the loop finds their end sooner than a native search has begun. */
  #indexOfCr(from: number): number {
    const loopEnd = Math.min(this.#end, from + SHORT_LINE_BYTES);
    for (let at = from; at < loopEnd; at++) if (this.#buffer[at] === CR) return at;
    return loopEnd === this.#end ? -1 : this.#buffer.subarray(0, this.#end).indexOf(CR, loopEnd);
  }

  /** Invariant 2, for values that are large by many small parts. */
  #checkSize(): void {
    if (this.#end - this.#valueStart > this.#maxReplyBytes) this.#fail('too-large');
  }

  #makeRoom(incoming: number): void {
    const keepFrom = this.#keepRaw ? this.#valueStart : this.#position;
    const kept = this.#end - keepFrom;
    if (kept + incoming > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(kept + incoming, this.#buffer.length * 2));
      larger.set(this.#buffer.subarray(keepFrom, this.#end));
      this.#buffer = larger;
    } else {
      this.#buffer.copyWithin(0, keepFrom, this.#end);
    }
    this.#dropped += keepFrom;
    this.#valueStart -= keepFrom;
    this.#position -= keepFrom;
    this.#searched -= keepFrom;
    this.#end = kept;
  }

  #fail(code: MalformedCode): null {
    this.#malformed ??= { kind: 'malformed', code, byteOffset: this.#dropped + this.#position };
    this.#buffer = Buffer.alloc(0);
    this.#stack = [];
    this.#valueStart = this.#position = this.#searched = this.#end = 0;
    return null;
  }
}

function aggregate(frame: Frame): Reply {
  const { type, items } = frame;
  if (type === '~') return new Set(items);
  if (type !== '%') return items;
  const map = new Map<Reply, Reply>();
  for (let at = 0; at + 1 < items.length; at += 2) map.set(items[at]!, items[at + 1]!);
  return map;
}
