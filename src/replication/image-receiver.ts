/**
 * The image's framing on the wire, and the lines before it (spec/replication.md sections 4 and 5):
 *
 *   line* → `$<length>` or `$EOF:<mark>` → image → (mark) → the stream
 *
 * Invariants: (1) the consumer gets exactly the image's bytes; (2) with `$<length>` nothing behind the image is touched; (3) with a mark the last
 * 40 bytes seen are held back, as they may be the mark; the primary sends nothing behind it before it has our acknowledgement.
 */

const LF = 0x0a;
const MARK_BYTES = 40;

/** Cuts what arrives into lines, with a limit for their length. */
export class LineReader {
  private text = '';
  private readonly bytesMax: number;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Whether a line has begun. */
  get hasPart(): boolean {
    return this.text !== '';
  }

  /** @returns offset behind the line's end, which `line` then gives; −1 if the bytes end before, −2 if the line is too long */
  read(bytes: Uint8Array, start: number, end: number): number {
    const at = bytes.subarray(start, end).indexOf(LF);
    const stop = at < 0 ? end : start + at;
    if (this.text.length + stop - start > this.bytesMax) return -2;
    this.text += Buffer.from(bytes.buffer, bytes.byteOffset + start, stop - start).toString('latin1');
    return at < 0 ? -1 : stop + 1;
  }

  /** The line just read, without its end. */
  take(): string {
    const line = this.text.endsWith('\r') ? this.text.slice(0, -1) : this.text;
    this.text = '';
    return line;
  }
}

/** What comes after a payload header. */
export interface ImageHeader {
  /** Bytes of the image; −1 with a mark. */
  readonly length: number;
  readonly mark: Uint8Array | null;
}

/** @returns null if the line is no header */
export function parseImageHeader(line: string): ImageHeader | null {
  if (line.startsWith('$EOF:')) {
    const mark = line.slice('$EOF:'.length);
    return mark.length === MARK_BYTES ? { length: -1, mark: Buffer.from(mark, 'latin1') } : null;
  }
  if (!/^\$\d{1,15}$/.test(line)) return null;
  return { length: Number(line.slice(1)), mark: null };
}

export class ImageReceiver {
  isComplete = false;
  /** Bytes of the image so far. */
  receivedBytes = 0;
  private readonly header: ImageHeader;
  private readonly consume: (bytes: Uint8Array, start: number, end: number) => void;
  private readonly tail = new Uint8Array(MARK_BYTES * 2);
  private tailLength = 0;

  /** @param consume gets the image, piece by piece; the bytes may be used again after the call */
  constructor(header: ImageHeader, consume: (bytes: Uint8Array, start: number, end: number) => void) {
    this.header = header;
    this.consume = consume;
    this.isComplete = header.length === 0;
  }

  /** Whether the image ends in a mark. */
  get hasMark(): boolean {
    return this.header.mark !== null;
  }

  /** @returns offset behind what belongs to the image and its mark */
  feed(bytes: Uint8Array, start: number, end: number): number {
    const { length, mark } = this.header;
    if (mark !== null) {
      this.feedMarked(bytes, start, end, mark);
      return end;
    }
    const stop = Math.min(end, start + length - this.receivedBytes);
    this.pass(bytes, start, stop);
    this.isComplete = this.receivedBytes === length;
    return stop;
  }

  private feedMarked(bytes: Uint8Array, start: number, end: number, mark: Uint8Array): void {
    const count = end - start;
    if (count < MARK_BYTES) {
      // The held bytes and the new ones, at most 79; all but the last 40 are image.
      this.tail.set(bytes.subarray(start, end), this.tailLength);
      this.tailLength += count;
      const excess = this.tailLength - MARK_BYTES;
      if (excess > 0) {
        this.pass(this.tail, 0, excess);
        this.tail.copyWithin(0, excess, this.tailLength);
        this.tailLength = MARK_BYTES;
      }
    } else {
      this.pass(this.tail, 0, this.tailLength);
      this.pass(bytes, start, end - MARK_BYTES);
      this.tail.set(bytes.subarray(end - MARK_BYTES, end));
      this.tailLength = MARK_BYTES;
    }
    this.isComplete = this.tailLength === MARK_BYTES && mark.every((byte, i) => byte === this.tail[i]);
  }

  private pass(bytes: Uint8Array, start: number, end: number): void {
    if (end <= start) return;
    this.receivedBytes += end - start;
    this.consume(bytes, start, end);
  }
}
