/**
 * Walks over the packed forms of old files, ziplist and zipmap (spec/persistence.md 2.5, 2.6), element by element. They have passed packed-check.ts,
 * so nothing is checked here. They are read only, and not in hot loops.
 */
import { uint32Le } from './rdb-cursor.js';

const TERMINATOR = 0xff;
const ZIPLIST_HEADER = 10;

/** Gets the text of one element: `bytes[start, start + length)`, good during the call. */
export type ElementVisitor = (bytes: Uint8Array, start: number, length: number) => void;

export function visitZiplist(bytes: Uint8Array, start: number, visit: ElementVisitor): void {
  for (let at = start + ZIPLIST_HEADER; bytes[at] !== TERMINATOR; ) {
    at += bytes[at] === 0xfe ? 5 : 1;
    const encoding = bytes[at];
    if (encoding < 0xc0) {
      let length = encoding & 0x3f;
      if (encoding >= 0x80) {
        length = ((bytes[at + 1] << 24) | (bytes[at + 2] << 16) | (bytes[at + 3] << 8) | bytes[at + 4]) >>> 0;
        at += 5;
      } else if (encoding >= 0x40) {
        length = (length << 8) | bytes[at + 1];
        at += 2;
      } else {
        at++;
      }
      visit(bytes, at, length);
      at += length;
    } else {
      const size = INTEGER_BYTES.get(encoding) ?? 0;
      const value = size === 0 ? BigInt((encoding & 0x0f) - 1) : signedLe(bytes, at + 1, size);
      const text = Buffer.from(value.toString(), 'latin1');
      visit(text, 0, text.length);
      at += 1 + size;
    }
  }
}

/** Visits field, value, field, value … */
export function visitZipmap(bytes: Uint8Array, start: number, visit: ElementVisitor): void {
  for (let at = start + 1; bytes[at] !== TERMINATOR; ) {
    const fieldLength = zipmapLength(bytes, at);
    at += bytes[at] === 0xfe ? 5 : 1;
    visit(bytes, at, fieldLength);
    at += fieldLength;
    const valueLength = zipmapLength(bytes, at);
    at += bytes[at] === 0xfe ? 5 : 1;
    const unused = bytes[at];
    visit(bytes, at + 1, valueLength);
    at += 1 + valueLength + unused;
  }
}

/** Bytes of an integer by its encoding byte; those that are not here carry their value themselves. */
const INTEGER_BYTES = new Map([
  [0xc0, 2],
  [0xd0, 4],
  [0xe0, 8],
  [0xf0, 3],
  [0xfe, 1],
]);

function zipmapLength(bytes: Uint8Array, at: number): number {
  return bytes[at] === 0xfe ? uint32Le(bytes, at + 1) : bytes[at];
}

function signedLe(bytes: Uint8Array, at: number, size: number): bigint {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i]);
  return BigInt.asIntN(size * 8, value);
}
