/**
 * A reply as it was on the wire, type by type: what the formats of the command line tell apart (a status from a bulk string, a push from an array, the
 * digits of a double) is gone in the values of `resp/reply-reader.ts`. Decodes the bytes of one complete value, which the reader has delimited and
 * checked, so that nothing can be wrong here. Attributes are left out.
 */

export type ReplyKind =
  | 'status'
  | 'error'
  | 'integer'
  | 'bulk'
  | 'verbatim'
  | 'double'
  | 'boolean'
  | 'big-number'
  | 'nil'
  | 'array'
  | 'set'
  | 'map'
  | 'push';

export interface ReplyNode {
  readonly kind: ReplyKind;
  /** What stands between type byte and line end, or the bytes of the string (a verbatim string without its `txt:`); empty for aggregates and nil. */
  readonly bytes: Buffer;
  /** Elements; those of a map are key, value, key, value …; empty for all that is no aggregate. */
  readonly items: readonly ReplyNode[];
}

const KINDS: Readonly<Record<string, ReplyKind>> = {
  '+': 'status',
  '-': 'error',
  ':': 'integer',
  $: 'bulk',
  '=': 'verbatim',
  '!': 'error',
  ',': 'double',
  '#': 'boolean',
  '(': 'big-number',
  _: 'nil',
  '*': 'array',
  '~': 'set',
  '%': 'map',
  '>': 'push',
};

const CR = 0x0d;
const LF = 0x0a;
const LINE_END_BYTES = 2;
const VERBATIM_PREFIX_BYTES = 'txt:'.length;
const NO_BYTES = Buffer.alloc(0);
const NIL: ReplyNode = { kind: 'nil', bytes: NO_BYTES, items: [] };

export function decodeReply(raw: Buffer): ReplyNode {
  return new Decoder(raw).read();
}

export function isError(reply: ReplyNode): boolean {
  return reply.kind === 'error';
}

/** The text of a status, error or string. */
export function textOf(reply: ReplyNode): string {
  return reply.bytes.toString('utf8');
}

/** The number of an integer reply, or of a string that holds one; 0 for anything else. Exact up to 2^53. */
export function numberOf(reply: ReplyNode): number {
  return Number(reply.bytes.toString('latin1')) || 0;
}

class Decoder {
  #at = 0;

  constructor(private readonly raw: Buffer) {}

  read(): ReplyNode {
    let type = this.#type();
    while (type === '|') {
      this.#readItems(2 * this.#length());
      type = this.#type();
    }
    const kind = KINDS[type]!;
    if ('$=!'.includes(type)) return this.#readString(kind);
    if (!'*~%>'.includes(type)) return kind === 'nil' ? this.#skipLine(NIL) : this.#leaf(kind, this.#line());
    const count = this.#length();
    if (count < 0) return NIL;
    return { kind, bytes: NO_BYTES, items: this.#readItems(kind === 'map' ? 2 * count : count) };
  }

  #readString(kind: ReplyKind): ReplyNode {
    const length = this.#length();
    if (length < 0) return NIL;
    const start = this.#at + (kind === 'verbatim' ? VERBATIM_PREFIX_BYTES : 0);
    const end = this.#at + length;
    this.#at = end + LINE_END_BYTES;
    return this.#leaf(kind, this.raw.subarray(start, end));
  }

  #readItems(count: number): ReplyNode[] {
    const items: ReplyNode[] = [];
    for (let read = 0; read < count; read++) items.push(this.read());
    return items;
  }

  #leaf(kind: ReplyKind, bytes: Buffer): ReplyNode {
    return { kind, bytes, items: [] };
  }

  #skipLine(node: ReplyNode): ReplyNode {
    this.#line();
    return node;
  }

  #type(): string {
    return String.fromCharCode(this.raw[this.#at++]!);
  }

  #length(): number {
    return Number(this.#line().toString('latin1'));
  }

  #line(): Buffer {
    let end = this.#at;
    while (this.raw[end] !== CR || this.raw[end + 1] !== LF) end++;
    const line = this.raw.subarray(this.#at, end);
    this.#at = end + LINE_END_BYTES;
    return line;
  }
}
