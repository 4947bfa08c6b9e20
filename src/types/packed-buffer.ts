/** A packed value under construction, in one growing buffer that is used again and again: where it is built before its entry exists. */
import { type ElementWriter, firstElement, initListpack, listpackBytes, splice } from '../memory/listpack.js';

const INITIAL_BYTES = 1024;
/** A buffer that grew beyond this for one value is dropped afterwards. */
const KEEP_BYTES_MAX = 1 << 20;

export class PackedBuffer {
  /** The value begins at 0. */
  bytes = new Uint8Array(INITIAL_BYTES);

  /** Becomes an empty listpack. */
  clear(): void {
    if (this.bytes.length > KEEP_BYTES_MAX) this.bytes = new Uint8Array(INITIAL_BYTES);
    initListpack(this.bytes, 0);
  }

  /** Becomes a copy of the listpack at `start`. */
  adopt(bytes: Uint8Array, start: number): void {
    this.copy(bytes, start, listpackBytes(bytes, start));
  }

  /** Becomes a copy of these bytes. */
  copy(bytes: Uint8Array, start: number, length: number): void {
    this.reserve(length, 0);
    this.bytes.set(bytes.subarray(start, start + length));
  }

  /** Bytes of the listpack. */
  get length(): number {
    return listpackBytes(this.bytes, 0);
  }

  /** Position of the listpack's first element. */
  get first(): number {
    return firstElement(0);
  }

  /** Appends the element that `writer` has encoded. */
  append(writer: ElementWriter): void {
    this.replace(this.length - 1, 0, writer, 1);
  }

  /** Puts the element that `writer` has encoded in the place of `removedBytes` at `at`. */
  replace(at: number, removedBytes: number, writer: ElementWriter, countChange: number): void {
    const { length } = this;
    this.reserve(length + writer.byteCount - removedBytes, length);
    splice(this.bytes, 0, at, removedBytes, writer.byteCount, countChange);
    writer.write(this.bytes, at);
  }

  /** Makes room for `byteCount` bytes, of which the first `keptBytes` stay. */
  reserve(byteCount: number, keptBytes: number): void {
    if (byteCount <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(byteCount, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, keptBytes));
    this.bytes = grown;
  }
}
