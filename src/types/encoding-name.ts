/** Encodings as OBJECT ENCODING and DEBUG OBJECT name them. Source: spec server.md section 13. */
import type { Entries } from '../keyspace/entry.js';
import type { Ref } from '../memory/arena.js';

/** By type id, then by encoding id. */
const ENCODING_NAMES: readonly (readonly string[])[] = [
  ['raw', 'int', 'embstr'],
  ['listpack', 'quicklist'],
  ['intset', 'listpack', 'hashtable'],
  ['listpack', 'skiplist'],
  ['listpack', 'hashtable', 'listpackex', 'hashtable'],
  ['stream'],
];

export function encodingName(entries: Entries, ref: Ref): string {
  return ENCODING_NAMES[entries.type(ref)][entries.encoding(ref)];
}
