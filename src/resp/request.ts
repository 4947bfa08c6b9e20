/**
 * One request in place: the bytes of its arguments stay where they were read, named by two int arrays. One long-lived object serves all connections.
 *
 * Invariant: between `parse` and the next read of the same bytes, argument i is `bytes[starts[i] … starts[i] + lengths[i])`, 0 ≤ i < argc.
 */

const NO_BYTES = new Uint8Array(0);

export class Request {
  bytes: Uint8Array = NO_BYTES;
  argc = 0;
  starts: Int32Array;
  lengths: Int32Array;

  /** @param capacity arguments that find room without growing */
  constructor(capacity = 1024) {
    this.starts = new Int32Array(capacity);
    this.lengths = new Int32Array(capacity);
  }

  /** Makes room for one more argument. Grows by doubling, as the bytes for the arguments arrive: an announced count allocates nothing. */
  grow(): void {
    const starts = new Int32Array(this.starts.length * 2);
    const lengths = new Int32Array(this.lengths.length * 2);
    starts.set(this.starts);
    lengths.set(this.lengths);
    this.starts = starts;
    this.lengths = lengths;
  }

  push(start: number, length: number): void {
    if (this.argc === this.starts.length) this.grow();
    this.starts[this.argc] = start;
    this.lengths[this.argc++] = length;
  }

  /** Exchanges the arguments with those of another request. */
  swapArguments(other: Request): void {
    const { argc, starts, lengths } = this;
    this.argc = other.argc;
    this.starts = other.starts;
    this.lengths = other.lengths;
    other.argc = argc;
    other.starts = starts;
    other.lengths = lengths;
  }

  /** All arguments lie `by` bytes further on now. */
  moveArguments(by: number): void {
    for (let i = 0; i < this.argc; i++) this.starts[i] += by;
  }

  /** The argument as text (UTF-8; bytes that are not UTF-8 become replacement characters). */
  text(index: number): string {
    return textDecoder.decode(this.view(index));
  }

  /** The argument byte for byte as a string of char codes 0–255. */
  latin1(index: number): string {
    return latin1Of(this.bytes, this.starts[index], this.starts[index] + this.lengths[index]);
  }

  /** The argument as C sees a text, and Redis prints it in an error: byte for byte, but only up to the first NUL. */
  cText(index: number): string {
    const text = this.latin1(index);
    const end = text.indexOf('\0');
    return end < 0 ? text : text.slice(0, end);
  }

  /** The argument's bytes where they lie: good until the next read. */
  view(index: number): Uint8Array {
    return this.bytes.subarray(this.starts[index], this.starts[index] + this.lengths[index]);
  }

  /** A copy of the argument's bytes. */
  copy(index: number): Uint8Array {
    return this.bytes.slice(this.starts[index], this.starts[index] + this.lengths[index]);
  }

  /** Whether the argument is `word` but for letter case. `word` is upper-case ASCII. */
  is(index: number, word: string): boolean {
    const length = this.lengths[index];
    if (length !== word.length) return false;
    const start = this.starts[index];
    for (let i = 0; i < length; i++) {
      let byte = this.bytes[start + i];
      if (byte >= 0x61 && byte <= 0x7a) byte -= 32;
      if (byte !== word.charCodeAt(i)) return false;
    }
    return true;
  }
}

const textDecoder = new TextDecoder();

/** @returns the bytes as a string of char codes 0–255 */
export function latin1Of(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1', start, end);
}
