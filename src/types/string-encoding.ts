/** Which encoding a string value gets when it is set as a whole. Source: spec server.md section 13. */
import { EMBSTR_BYTES_MAX, ENCODING_EMBSTR, ENCODING_INT, ENCODING_RAW } from '../keyspace/entry.js';
import { isInt64Text } from './number.js';

/** @returns INT for the canonical text of an int64, else EMBSTR up to 44 bytes, else RAW */
export function stringEncoding(bytes: Uint8Array, start: number, length: number): number {
  if (isInt64Text(bytes, start, length)) return ENCODING_INT;
  return textEncoding(length);
}

/** The same for a value that is never an integer, whatever it looks like: the result of INCRBYFLOAT. */
export function textEncoding(length: number): number {
  return length <= EMBSTR_BYTES_MAX ? ENCODING_EMBSTR : ENCODING_RAW;
}
