/**
 * A BY or GET pattern of SORT: where the value is found that belongs to an element. Source: spec server.md section 19.
 *
 *   #             the element itself
 *   prefix*suffix           the string under that key, the first `*` replaced by the element
 *   prefix*suffix->field    a field of the hash under that key
 *   anything without `*`    nothing
 */
import type { Database } from '../keyspace/database.js';
import { TYPE_HASH, TYPE_STRING } from '../keyspace/entry.js';
import type { Keyspace } from '../keyspace/keyspace.js';
import { copyBytes } from '../memory/copy.js';
import { hashesOf } from './hash.js';

const ASTERISK = 0x2a;
const HASH_SIGN = 0x23;
const MINUS = 0x2d;
const GREATER = 0x3e;

export class SortPattern {
  readonly isElement: boolean;
  /** Without one the pattern names nothing, and BY does not sort. */
  readonly hasAsterisk: boolean;
  /** The value that `find` found, until the next change or `find`. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;
  private readonly prefix: Uint8Array;
  private readonly suffix: Uint8Array;
  /** null if the value is a string. */
  private readonly field: Uint8Array | null;
  private key: Uint8Array;

  /** @param pattern is copied */
  constructor(pattern: Uint8Array) {
    const asterisk = pattern.indexOf(ASTERISK);
    this.isElement = pattern.length === 1 && pattern[0] === HASH_SIGN;
    this.hasAsterisk = asterisk >= 0;
    this.prefix = pattern.slice(0, Math.max(0, asterisk));
    const arrow = arrowIn(pattern, asterisk + 1);
    this.suffix = pattern.slice(asterisk + 1, arrow < 0 ? pattern.length : arrow);
    this.field = arrow < 0 ? null : pattern.slice(arrow + 2);
    this.key = new Uint8Array(pattern.length + 64);
    this.key.set(this.prefix);
  }

  /** Finds the value for an element. @returns whether there is one */
  find(space: Keyspace, db: Database, element: Uint8Array, start: number, length: number): boolean {
    if (this.isElement) return this.found(element, start, length);
    if (!this.hasAsterisk) return false;
    const { entries } = space;
    const keyLength = this.prefix.length + length + this.suffix.length;
    if (keyLength > this.key.length) this.growKey(keyLength);
    copyBytes(element, start, this.key, this.prefix.length, length);
    copyBytes(this.suffix, 0, this.key, this.prefix.length + length, this.suffix.length);
    const ref = db.lookupRead(this.key, 0, keyLength);
    if (ref === 0) return false;
    if (this.field === null) {
      if (entries.type(ref) !== TYPE_STRING) return false;
      return this.found(entries.view(ref), entries.valueStart(ref), entries.valueLength(ref));
    }
    if (entries.type(ref) !== TYPE_HASH) return false;
    const hashes = hashesOf(space);
    if (!hashes.find(ref, this.field, 0, this.field.length)) return false;
    return this.found(hashes.valueBytes, hashes.valueStart, hashes.valueLength);
  }

  private found(bytes: Uint8Array, start: number, length: number): true {
    this.bytes = bytes;
    this.start = start;
    this.length = length;
    return true;
  }

  private growKey(length: number): void {
    this.key = new Uint8Array(length * 2);
    this.key.set(this.prefix);
  }
}

/** @returns where `->` with something behind it begins, −1 if nowhere */
function arrowIn(pattern: Uint8Array, from: number): number {
  for (let i = from; i + 1 < pattern.length; i++)
    if (pattern[i] === MINUS && pattern[i + 1] === GREATER) return i + 2 < pattern.length ? i : -1;
  return -1;
}
