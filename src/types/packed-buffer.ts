/** A listpack under construction, in one growing buffer that is used again and again: where a packed value is built before its entry exists. */
import {
  type ElementWriter,
  firstElement,
  initListpack,
  LISTPACK_EMPTY_BYTES,
  listpackBytes,
  splice,
} from '../memory/listpack.js';

/** A buffer that grew beyond this for one value is dropped afterwards. */
const KEEP_BYTES_MAX = 1 << 20;

export class PackedBuffer {
  /** The listpack begins at 0. */
  bytes = new Uint8Array(1024);

  clear(): void {
    if (this.bytes.length > KEEP_BYTES_MAX) this.bytes = new Uint8Array(1024);
    initListpack(this.bytes, 0);
  }

  /** Becomes a copy of the listpack at `start`. */
  adopt(bytes: Uint8Array, start: number): void {
    this.clear();
    const length = listpackBytes(bytes, start);
    this.reserve(length);
    this.bytes.set(bytes.subarray(start, start + length));
  }

  get length(): number {
    return listpackBytes(this.bytes, 0);
  }

  /** Position of the first element. */
  get first(): number {
    return firstElement(0);
  }

  /** Appends the element that `writer` has encoded. */
  append(writer: ElementWriter): void {
    this.replace(this.length - 1, 0, writer, 1);
  }

  /** Puts the element that `writer` has encoded in the place of `removedBytes` at `at`. */
  replace(at: number, removedBytes: number, writer: ElementWriter, countChange: number): void {
    this.reserve(this.length + writer.byteCount - removedBytes);
    splice(this.bytes, 0, at, removedBytes, writer.byteCount, countChange);
    writer.write(this.bytes, at);
  }

  private reserve(byteCount: number): void {
    if (byteCount <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(byteCount, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, Math.max(LISTPACK_EMPTY_BYTES, this.length)));
    this.bytes = grown;
  }
}
