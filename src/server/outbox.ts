/**
 * What others send to a connection within one turn, in order: ranges of bytes that do not change any more and may be shared.
 *
 * Ranges that follow one another in the same bytes, as the messages of a channel do that one connection alone listens to, are one: they leave as they lie.
 */
import { copyBytes } from '../memory/copy.js';

export class Outbox {
  byteCount = 0;
  private readonly parts: Uint8Array[] = [];
  private readonly starts: number[] = [];
  private readonly ends: number[] = [];

  /** Adds `bytes[start … end)`. @returns whether it is the first since the last `take` */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    const { parts, ends } = this;
    const last = parts.length - 1;
    this.byteCount += end - start;
    if (last >= 0 && parts[last] === bytes && ends[last] === start) {
      ends[last] = end;
      return false;
    }
    parts.push(bytes);
    this.starts.push(start);
    ends.push(end);
    return last < 0;
  }

  /** Takes everything out. @returns it as one; null for nothing */
  take(): Uint8Array | null {
    const { parts, starts, ends } = this;
    if (parts.length === 0) return null;
    const whole = parts.length === 1 ? parts[0].subarray(starts[0], ends[0]) : this.concatenate();
    this.clear();
    return whole;
  }

  clear(): void {
    this.parts.length = 0;
    this.starts.length = 0;
    this.ends.length = 0;
    this.byteCount = 0;
  }

  private concatenate(): Uint8Array {
    const { parts, starts, ends } = this;
    const whole = Buffer.allocUnsafe(this.byteCount);
    let at = 0;
    for (let i = 0; i < parts.length; i++) {
      copyBytes(parts[i], starts[i], whole, at, ends[i] - starts[i]);
      at += ends[i] - starts[i];
    }
    return whole;
  }
}
