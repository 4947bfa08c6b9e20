/**
 * Cuts the byte stream of one bus link into messages.
 *
 * Memory: frames that arrive whole are decoded where they lie; only an incomplete tail is copied, into a buffer that grows with what has really
 * arrived (not with what a length field promises) and never beyond the limit.
 */
import { badFrame, type DecodeResult, decodeMessage, frameLength } from './decode.js';

const FIRST_BYTES = 4096;

const EMPTY = new Uint8Array(0);

export class FrameReader {
  /** Bytes of an incomplete frame: `#pending[0 … #length)`. */
  #pending: Uint8Array = EMPTY;
  #length = 0;
  #broken = false;

  /** Longest frame that is read, in bytes. May be changed between calls: strangers get less room than members. */
  bytesMax: number;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Bytes held for an incomplete frame. */
  get pendingBytes(): number {
    return this.#length;
  }

  /**
   * Takes the next bytes of the stream and hands every complete message on.
   * @param chunk     read during the call only; the caller keeps it
   * @param onResult  called in order; after a fatal result nothing more comes, also from later calls. It may throw nothing.
   */
  push(chunk: Uint8Array, onResult: (result: DecodeResult) => void): void {
    let start = 0;
    if (this.#length > 0 && !this.#broken) start = this.#complete(chunk, onResult);
    while (!this.#broken && chunk.length - start >= 8) {
      const length = this.#frameLength(chunk, start, onResult);
      if (length < 0 || chunk.length - start < length) break;
      onResult(decodeMessage(chunk.subarray(start, start + length)));
      start += length;
    }
    if (!this.#broken) this.#keep(chunk, start, chunk.length);
  }

  /** Fills up the pending frame. @returns how much of the chunk was used */
  #complete(chunk: Uint8Array, onResult: (result: DecodeResult) => void): number {
    let used = 0;
    if (this.#length < 8) {
      used = Math.min(8 - this.#length, chunk.length);
      this.#keep(chunk, 0, used);
      if (this.#length < 8) return used;
    }
    const length = this.#frameLength(this.#pending, 0, onResult);
    if (length < 0) return used;
    const more = Math.min(length - this.#length, chunk.length - used);
    this.#keep(chunk, used, used + more);
    if (this.#length === length) {
      const frame = this.#pending.subarray(0, length);
      this.#pending = EMPTY;
      this.#length = 0;
      onResult(decodeMessage(frame));
    }
    return used + more;
  }

  #frameLength(bytes: Uint8Array, start: number, onResult: (result: DecodeResult) => void): number {
    const length = frameLength(bytes, start);
    if (length >= 0 && length <= this.bytesMax) return length;
    this.#broken = true;
    this.#pending = EMPTY;
    this.#length = 0;
    onResult(badFrame());
    return -1;
  }

  #keep(chunk: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#pending.length) {
      const grown = new Uint8Array(Math.max(FIRST_BYTES, this.#pending.length * 2, length));
      grown.set(this.#pending.subarray(0, this.#length));
      this.#pending = grown;
    }
    this.#pending.set(chunk.subarray(start, end), this.#length);
    this.#length = length;
  }
}
