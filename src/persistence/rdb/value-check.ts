/**
 * Finds the end of a serialised value of any type and validates it on the way (spec/persistence.md 2 and 4.5), so that a value can be captured, skipped or
 * refused before its type has a form in memory. The same walk serves files, replication streams and RESTORE payloads. It can have the value built on its way,
 * which is then also what finds duplicates.
 *
 * Texts are those of Redis. What only the order of elements could break (an unsorted zset listpack) is left to who loads the value.
 */
import { StreamId } from '../../memory/stream-id.js';
import { ITEM_TIME_MAX } from '../../types/field-time.js';
import { ElementSet } from './element-set.js';
import { lzfForgetInput } from './lzf.js';
import { moduleName, skipModuleStream } from './module-data.js';
import { NO_VOLATILE_TIME, RdbType } from './opcodes.js';
import { checkIntset, checkListpack, checkZiplist, checkZipmap, type Uniqueness } from './packed-check.js';
import { type RdbCursor, RdbString, READ_OK } from './rdb-cursor.js';
import { checkStream } from './stream-check.js';
import type { ValueAssembly } from './value-assembly.js';

/** The cursor's status tells why: more bytes are needed, or the value is not valid. */
export const VALUE_FAILED = 0;
export const VALUE_COMPLETE = 1;
/** Complete and valid, but a collection without elements: files skip such keys, RESTORE refuses them. */
export const VALUE_EMPTY = 2;

/** What becomes of module values: without the module they can be skipped, as the offline checker does, but not loaded. */
export type ModulePolicy = 'skip' | 'refuse';

/** Most elements take four bytes and more: room is made for so many, whatever the value says. */
const ELEMENT_BYTES_SHIFT = 2;

const QUICKLIST_PLAIN = 1;
const QUICKLIST_PACKED = 2;

const NO_ID = new StreamId();

export class ValueChecker {
  readonly #scratch = new RdbString();
  readonly #value = new RdbString();
  readonly #elements = new ElementSet();

  /** @param assembly gets the parts of the value, which is of a type that it is for; it is the caller's to end */
  constructor(
    readonly modules: ModulePolicy,
    private readonly assembly: ValueAssembly | null = null,
  ) {}

  /** Moves the cursor over one value of type `type`. */
  check(cursor: RdbCursor, type: number): number {
    const result = this.#checkValue(cursor, type);
    this.#elements.forgetSource();
    lzfForgetInput();
    return result;
  }

  #checkValue(cursor: RdbCursor, type: number): number {
    switch (type) {
      case RdbType.STRING:
        return cursor.string(this.#scratch) ? VALUE_COMPLETE : VALUE_FAILED;
      case RdbType.LIST:
        return this.#strings(cursor, 1, '');
      case RdbType.SET:
        return this.#strings(cursor, 1, 'Duplicate set members detected');
      case RdbType.HASH:
        return this.#strings(cursor, 2, 'Hash with dup elements');
      case RdbType.ZSET:
      case RdbType.ZSET_2:
        return this.#scoredMembers(cursor, type);
      case RdbType.MODULE_PRE_RELEASE:
        cursor.corrupt('Pre-release module format not supported');
        return VALUE_FAILED;
      case RdbType.MODULE_2:
        return this.#module(cursor);
      case RdbType.HASH_ZIPMAP:
        return this.#blob(
          cursor,
          (blob) => checkZipmap(blob.bytes, blob.start, blob.end, this.#elements),
          'Zipmap integrity check failed.',
        );
      case RdbType.LIST_ZIPLIST:
        return this.#ziplist(cursor, 'none', 'List ziplist integrity check failed.');
      case RdbType.ZSET_ZIPLIST:
        return this.#ziplist(cursor, 'first-of-pair', 'Zset ziplist integrity check failed.');
      case RdbType.HASH_ZIPLIST:
        return this.#ziplist(cursor, 'first-of-pair', 'Hash ziplist integrity check failed.');
      case RdbType.SET_INTSET:
        return this.#blob(
          cursor,
          (blob) => (checkIntset(blob.bytes, blob.start, blob.end) ? 1 : -1),
          'Intset integrity check failed.',
        );
      case RdbType.HASH_LISTPACK:
        return this.#listpack(cursor, 'first-of-pair', 'Hash listpack integrity check failed.');
      case RdbType.HASH_METADATA:
      case RdbType.HASH_VOLATILE_ITEMS:
        return this.#timedPairs(cursor, type);
      case RdbType.HASH_LISTPACK_EX:
        cursor.int64();
        return this.#listpack(cursor, 'first-of-triplet', 'Hash listpack integrity check failed.');
      case RdbType.ZSET_LISTPACK:
        return this.#listpack(cursor, 'first-of-pair', 'Zset listpack integrity check failed.');
      case RdbType.SET_LISTPACK:
        return this.#listpack(cursor, 'each', 'Set listpack integrity check failed.');
      case RdbType.LIST_QUICKLIST:
      case RdbType.LIST_QUICKLIST_2:
        return this.#quicklist(cursor, type);
      case RdbType.STREAM:
      case RdbType.STREAM_2:
      case RdbType.STREAM_3:
        return checkStream(cursor, type, this.#scratch, this.#elements, this.assembly) ? VALUE_COMPLETE : VALUE_FAILED;
      default:
        cursor.corrupt(`Unknown RDB encoding type ${type}`);
        return VALUE_FAILED;
    }
  }

  /** `len(n)`, then n groups of strings of which the first must be unique (if a text says what to call the fault). */
  #strings(cursor: RdbCursor, groupSize: number, duplicateText: string): number {
    const count = cursor.length();
    this.#begin(cursor, duplicateText === '' ? 0 : count);
    for (let i = 0; i < count; i++) {
      if (!cursor.string(this.#scratch)) return VALUE_FAILED;
      if (groupSize === 2 && !cursor.string(this.#value)) return VALUE_FAILED;
      if (duplicateText !== '' && !this.#isNew(0)) {
        cursor.corrupt(duplicateText);
        return VALUE_FAILED;
      }
    }
    if (duplicateText !== '' && !this.#areNew()) cursor.corrupt(duplicateText);
    return outcome(cursor, count);
  }

  #scoredMembers(cursor: RdbCursor, type: number): number {
    const count = cursor.length();
    this.#begin(cursor, count);
    for (let i = 0; i < count; i++) {
      if (!cursor.string(this.#scratch)) return VALUE_FAILED;
      const score = type === RdbType.ZSET_2 ? cursor.double() : cursor.textDouble();
      if (Number.isNaN(score)) cursor.corrupt('Zset with NAN score detected');
      if (cursor.status !== READ_OK) return VALUE_FAILED;
      if (!this.#isNew(score)) cursor.corrupt('Duplicate zset fields detected');
    }
    if (!this.#areNew()) cursor.corrupt('Duplicate zset fields detected');
    return outcome(cursor, count);
  }

  /** The fields of a hash with their times, in one of the two forms that timed-hash-rdb.ts shows. */
  #timedPairs(cursor: RdbCursor, type: number): number {
    const isMetadata = type === RdbType.HASH_METADATA;
    const earliestMs = isMetadata ? cursor.int64() : 0;
    const count = cursor.length();
    this.#begin(cursor, count);
    for (let i = 0; i < count; i++) {
      const after = isMetadata ? cursor.length() : 0;
      if (!cursor.string(this.#scratch)) return VALUE_FAILED;
      if (!cursor.string(this.#value)) return VALUE_FAILED;
      const isNew = this.#isNew(0);
      if (!(isMetadata ? isDistance(earliestMs, after) : isVolatileTime(cursor.int64())))
        cursor.corrupt('Hash field with invalid time');
      if (!isNew) cursor.corrupt('Hash with dup elements');
      if (cursor.status !== READ_OK) return VALUE_FAILED;
    }
    if (!this.#areNew()) cursor.corrupt('Hash with dup elements');
    return outcome(cursor, count);
  }

  #quicklist(cursor: RdbCursor, type: number): number {
    const nodeCount = cursor.length();
    let elementCount = 0;
    this.assembly?.begin(nodeCount, 0, cursor.bytes);
    for (let i = 0; i < nodeCount; i++) {
      let container = QUICKLIST_PACKED;
      if (type === RdbType.LIST_QUICKLIST_2) {
        container = cursor.length();
        if (cursor.status !== READ_OK) return VALUE_FAILED;
        if (container !== QUICKLIST_PLAIN && container !== QUICKLIST_PACKED) {
          cursor.corrupt('Quicklist integrity check failed.');
          return VALUE_FAILED;
        }
      }
      const blob = this.#scratch;
      if (!cursor.blob(blob)) return VALUE_FAILED;
      if (blob.start === blob.end) {
        cursor.unreadable();
        return VALUE_FAILED;
      }
      let nodeElements = 1;
      if (type === RdbType.LIST_QUICKLIST) {
        nodeElements = checkZiplist(blob.bytes, blob.start, blob.end, 'none', this.#elements);
        if (nodeElements < 0) cursor.corrupt('Ziplist integrity check failed.');
      } else if (container === QUICKLIST_PACKED) {
        nodeElements = checkListpack(blob.bytes, blob.start, blob.end, 'none', this.#elements);
        if (nodeElements < 0) cursor.corrupt('Listpack integrity check failed.');
        else this.assembly?.node(blob, NO_ID);
      } else {
        this.assembly?.element(blob, blob, 0);
      }
      elementCount += nodeElements;
    }
    return outcome(cursor, elementCount);
  }

  #module(cursor: RdbCursor): number {
    const name = moduleName(cursor);
    if (name !== null && this.modules === 'refuse') {
      cursor.corrupt(`The RDB file contains module data I can't load: no matching module type '${name}'`);
    }
    return skipModuleStream(cursor) ? VALUE_COMPLETE : VALUE_FAILED;
  }

  #listpack(cursor: RdbCursor, uniqueness: Uniqueness, faultText: string): number {
    return this.#blob(
      cursor,
      (blob) => checkListpack(blob.bytes, blob.start, blob.end, uniqueness, this.#elements),
      faultText,
    );
  }

  #ziplist(cursor: RdbCursor, uniqueness: Uniqueness, faultText: string): number {
    return this.#blob(
      cursor,
      (blob) => checkZiplist(blob.bytes, blob.start, blob.end, uniqueness, this.#elements),
      faultText,
    );
  }

  /** @param count  number of elements in the blob, negative if it is not valid */
  #blob(cursor: RdbCursor, count: (blob: RdbString) => number, faultText: string): number {
    if (!cursor.string(this.#scratch)) return VALUE_FAILED;
    const elementCount = count(this.#scratch);
    if (elementCount < 0) cursor.corrupt(faultText);
    return outcome(cursor, elementCount);
  }

  /** To be called before the elements that `#isNew` is asked about. */
  #begin(cursor: RdbCursor, count: number): void {
    if (this.assembly === null) this.#elements.clear(cursor.bytes, count);
    else {
      const certain = Math.max(0, Math.min(count, (cursor.end - cursor.at) >> ELEMENT_BYTES_SHIFT));
      this.assembly.begin(count, certain, cursor.bytes);
    }
  }

  /** Whether the element that was read, with its value or its score, did not come before. What builds the value may tell later. */
  #isNew(score: number): boolean {
    const text = this.#scratch;
    if (this.assembly !== null) return this.assembly.element(text, this.#value, score);
    return this.#elements.add(text.bytes, text.start, text.end);
  }

  /** Whether that holds for all elements, of which the last one was read. */
  #areNew(): boolean {
    return this.assembly === null || this.assembly.endElements();
  }
}

/** Whether a time may be so far behind the earliest one, which has the distance 1; 0 stands for no time. */
function isDistance(earliestMs: number, after: number): boolean {
  const timeMs = earliestMs + after - 1;
  return after === 0 || (timeMs > 0 && timeMs <= ITEM_TIME_MAX);
}

function isVolatileTime(timeMs: number): boolean {
  return timeMs === NO_VOLATILE_TIME || (timeMs >= 0 && timeMs <= ITEM_TIME_MAX);
}

function outcome(cursor: RdbCursor, elementCount: number): number {
  if (cursor.status !== READ_OK) return VALUE_FAILED;
  return elementCount === 0 ? VALUE_EMPTY : VALUE_COMPLETE;
}
