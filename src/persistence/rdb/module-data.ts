/**
 * Module data in RDB files (spec/persistence.md 1.8): recognised, named and skipped, never loaded, as there are no modules.
 *
 *   module id: u64, top 54 bits = nine 6-bit symbols, most significant first; low 10 bits = encoding version
 *   stream: repeated len(tag) and its datum, until tag 0
 */
import { type RdbCursor, RdbString, READ_OK } from './rdb-cursor.js';

const SYMBOLS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const NAME_LENGTH = 9;

const Tag = { END: 0, SIGNED: 1, UNSIGNED: 2, FLOAT: 3, DOUBLE: 4, STRING: 5 } as const;

const scratch = new RdbString();

/** Reads a module id. @returns the name in it, or null if it could not be read */
export function moduleName(cursor: RdbCursor): string | null {
  const start = cursor.at;
  if (cursor.length() < 0) return null;
  // Ids of real modules use all 64 bits, more than a number holds: the symbols come from the bytes of the 9-byte form.
  const view = new DataView(new ArrayBuffer(8));
  const length = cursor.at - start;
  if (length === 9) for (let i = 0; i < 8; i++) view.setUint8(i, cursor.bytes[start + 1 + i]!);
  let rest = view.getBigUint64(0) >> 10n;
  let name = '';
  for (let i = 0; i < NAME_LENGTH; i++, rest >>= 6n) name = SYMBOLS[Number(rest & 63n)]! + name;
  return name;
}

export function skipModuleStream(cursor: RdbCursor): boolean {
  for (;;) {
    const tag = cursor.length();
    switch (tag) {
      case Tag.END:
        return true;
      case Tag.SIGNED:
      case Tag.UNSIGNED:
        cursor.length();
        break;
      case Tag.FLOAT:
        cursor.skip(4);
        break;
      case Tag.DOUBLE:
        cursor.skip(8);
        break;
      case Tag.STRING:
        cursor.string(scratch);
        break;
      default:
        cursor.unreadable();
    }
    if (cursor.status !== READ_OK) return false;
  }
}
