/**
 * Counts the replies in a stream of bytes without making values of them.
 *
 *   value = type byte, text up to CRLF, then: nothing | `$ = !` a string of that many bytes and CRLF | `* ~ >` so many values | `% |` twice so many
 *
 * A nested reply needs no stack: what matters is how many values are still missing until the outermost one is complete, and each aggregate adds its
 * elements to that number. An attribute inside adds its own and stands for none; one before a reply is read and not counted, as a push is.
 *
 * Invariants: (1) bytes may be cut anywhere; (2) memory is constant, whatever a peer announces; (3) after `fault` is set nothing more is read.
 */

/** What a header's text means for what follows. */
const LINE = 0;
const STRING = 1;
const ELEMENTS = 2;
const PAIRS = 3;
const ATTRIBUTE = 4;
const PUSH = 5;
const WRONG = -1;

const KIND_OF_TYPE = new Int8Array(256).fill(WRONG);
for (const type of '+-:_,#(') KIND_OF_TYPE[type.charCodeAt(0)] = LINE;
for (const type of '$=!') KIND_OF_TYPE[type.charCodeAt(0)] = STRING;
for (const type of '*~') KIND_OF_TYPE[type.charCodeAt(0)] = ELEMENTS;
KIND_OF_TYPE[0x25] = PAIRS;
KIND_OF_TYPE[0x7c] = ATTRIBUTE;
KIND_OF_TYPE[0x3e] = PUSH;

const CR = 0x0d;
const LF = 0x0a;
const MINUS = 0x2d;
const BANG = 0x21;

/** States between bytes. */
const AT_TYPE = 0;
const IN_LINE = 1;
const IN_STRING = 2;

/** So much of an error's text is kept: one with all arguments of the request in it is at most so long (server, `unknown command`), and more. */
const ERROR_BYTES_MAX = 1024;

export class ReplyScanner {
  /** Text of the last error reply, without its `-`. */
  errorText = '';
  /** Why the stream is no stream of replies; empty while it is. */
  fault = '';
  /** Whether the reply counted last was an error. */
  isError = false;
  private state = AT_TYPE;
  private kind = LINE;
  /** Values missing until the reply is complete; 0 between replies. */
  private missing = 0;
  /** Whether the value that is being read is the outermost one. */
  private isOutermost = false;
  /** A push, or attributes: no reply. */
  private isUncounted = false;
  /** The number in the header that is being read. */
  private number = 0;
  private isNegative = false;
  /** Bytes of a string that are still to come, its CRLF included. */
  private stringLeft = 0;
  /** The error that is being read: of its text, or of its length if it came as a string. */
  private keepsText = false;
  private readonly text = Buffer.alloc(ERROR_BYTES_MAX);
  private textLength = 0;

  /**
   * Reads up to the end of one reply.
   * @returns where it ends, in (start, end]; or −1 if it is not complete yet (all was taken) or `fault` is set
   */
  next(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end) {
      if (this.state === AT_TYPE) {
        if (!this.begin(bytes[at++]!)) return -1;
      } else if (this.state === IN_LINE) {
        at = this.line(bytes, at, end);
        if (at < 0) return -1;
      } else {
        at = this.string(bytes, at, end);
      }
      if (this.state === AT_TYPE && this.missing === 0) {
        if (!this.isUncounted) return at;
        this.isUncounted = false;
      }
    }
    return -1;
  }

  private begin(type: number): boolean {
    const kind = KIND_OF_TYPE[type]!;
    if (kind === WRONG) {
      this.fault = `Protocol error, got ${quotedByte(type)} as reply type byte`;
      return false;
    }
    this.isOutermost = this.missing === 0;
    if (this.isOutermost) {
      this.missing = 1;
      this.isError = type === MINUS || type === BANG;
      this.keepsText = this.isError;
      this.textLength = 0;
    }
    this.kind = kind;
    this.number = 0;
    this.isNegative = false;
    this.state = IN_LINE;
    return true;
  }

  /** Reads a header on. @returns where it stopped, −1 if it is wrong */
  private line(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    if (this.kind === LINE) {
      while (at < end && bytes[at] !== LF) at++;
      if (this.keepsText) this.keep(bytes, start, at);
      if (at === end) return at;
      this.completeValue();
      return at + 1;
    }
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (byte >= 0x30 && byte <= 0x39) {
        this.number = this.number * 10 + byte - 0x30;
      } else if (byte === LF) {
        this.header();
        return at + 1;
      } else if (byte === MINUS) {
        this.isNegative = true;
      } else if (byte !== CR) {
        this.fault = this.kind === STRING ? 'Bad bulk string length' : 'Bad multi-bulk length';
        return -1;
      }
    }
    return at;
  }

  private header(): void {
    const count = this.isNegative ? 0 : this.number;
    switch (this.kind) {
      case STRING:
        if (this.isNegative) {
          this.completeValue();
        } else {
          this.stringLeft = count + 2;
          this.state = IN_STRING;
        }
        return;
      case ATTRIBUTE:
        this.missing += 2 * count;
        this.isUncounted ||= this.isOutermost;
        if (this.isOutermost) this.completeValue();
        else this.state = AT_TYPE;
        return;
      case PUSH:
        this.isUncounted ||= this.isOutermost;
        break;
    }
    this.missing += this.kind === PAIRS ? 2 * count : count;
    this.completeValue();
  }

  private string(bytes: Uint8Array, start: number, end: number): number {
    const taken = Math.min(end - start, this.stringLeft);
    if (this.keepsText) this.keep(bytes, start, start + taken);
    this.stringLeft -= taken;
    if (this.stringLeft === 0) this.completeValue();
    return start + taken;
  }

  private completeValue(): void {
    this.state = AT_TYPE;
    this.missing--;
    if (!this.keepsText) return;
    this.keepsText = false;
    this.errorText = this.text.toString('utf8', 0, this.textLength).replace(/[\r\n]+$/, '');
  }

  private keep(bytes: Uint8Array, start: number, end: number): void {
    const count = Math.min(end - start, ERROR_BYTES_MAX - this.textLength);
    this.text.set(bytes.subarray(start, start + count), this.textLength);
    this.textLength += count;
  }
}

/** A byte as the client library of C shows it in its message. */
function quotedByte(byte: number): string {
  const named: Record<number, string> = {
    92: '"\\\\"',
    34: '"\\""',
    10: '"\\n"',
    13: '"\\r"',
    9: '"\\t"',
    7: '"\\a"',
    8: '"\\b"',
  };
  const isPrintable = byte >= 0x20 && byte < 0x7f;
  return named[byte] ?? (isPrintable ? `"${String.fromCharCode(byte)}"` : `"\\x${byte.toString(16).padStart(2, '0')}"`);
}
