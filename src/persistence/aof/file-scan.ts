/** Reads a file from a place on: bytes, lines and jumps, through one window. The file counts as ending at the size it had at first. */
import type { FileSystem } from '../file-system.js';

const WINDOW_BYTES = 64 * 1024;
const LF = 0x0a;

export class FileScan {
  /** The last line or bytes read: `bytes[start, end)`, valid until the next read. */
  readonly bytes = new Uint8Array(WINDOW_BYTES);
  start = 0;
  end = 0;
  /** Place in the file of what is read next. */
  at: number;
  /** Place in the file of `bytes[0]`, and how many bytes there are. */
  private windowAt = 0;
  private windowLength = 0;

  constructor(
    private readonly fileSystem: FileSystem,
    private readonly fd: number,
    at: number,
    readonly size: number,
  ) {
    this.at = at;
  }

  get isAtEnd(): boolean {
    return this.at >= this.size;
  }

  /** @returns the next byte, which is not taken; −1 at the end */
  peek(): number {
    this.fill(1);
    const index = this.at - this.windowAt;
    return index < this.windowLength ? this.bytes[index]! : -1;
  }

  /** Takes bytes up to a line feed, that included, or `limit` of them. @returns how many; 0 at the end */
  line(limit: number): number {
    this.fill(limit);
    this.start = this.at - this.windowAt;
    const bound = Math.min(this.windowLength, this.start + limit);
    let end = this.start;
    while (end < bound && this.bytes[end++] !== LF);
    this.end = end;
    this.at += end - this.start;
    return end - this.start;
  }

  /** Takes `count` bytes, at most a window of them. @returns how many there were */
  read(count: number): number {
    this.fill(count);
    this.start = this.at - this.windowAt;
    this.end = Math.min(this.windowLength, this.start + count);
    this.at += this.end - this.start;
    return this.end - this.start;
  }

  /** Makes `count` bytes from `at` on be in the window, as far as the file has them. */
  private fill(count: number): void {
    const index = this.at - this.windowAt;
    if (index >= 0 && index + count <= this.windowLength) return;
    this.windowAt = this.at;
    this.windowLength = 0;
    const wanted = Math.min(WINDOW_BYTES, this.size - this.at);
    while (this.windowLength < wanted) {
      const place = this.windowAt + this.windowLength;
      const got = this.fileSystem.readSync(this.fd, this.bytes, this.windowLength, wanted - this.windowLength, place);
      if (got === 0) break;
      this.windowLength += got;
    }
  }
}
