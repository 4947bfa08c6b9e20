/**
 * Validates a stream value (spec/persistence.md 2.12 gives the field order, 4.5 the checks): the nodes with their listpacks, then the consumer groups.
 *
 * Node listpack: | live, deleted, F, F field names, 0 | entries |, where an entry is
 *   | flags, ms delta, seq delta, [n, n × (field, value) | F values], lp-count |      flags: 1 = deleted, 2 = fields as in the master entry
 * and lp-count is the number of the entry's elements before it.
 */
import { compareIds, StreamId } from '../../memory/stream-id.js';
import type { ElementSet } from './element-set.js';
import { countNodeElements, isExpanded } from './listpack-walk.js';
import { RdbType } from './opcodes.js';
import { checkedEntryEnd, decodeListpackEntry, isIntegerForm, PackedElement } from './packed-check.js';
import { RdbCursor, RdbString, READ_OK, uint32Le } from './rdb-cursor.js';
import { RAW_ID_BYTES, readRawId } from './stream-ids.js';
import type { ValueAssembly } from './value-assembly.js';

const LISTPACK_HEADER = 6;
const COUNT_UNKNOWN = 0xffff;
const FLAG_DELETED = 1;
const FLAG_SAME_FIELDS = 2;

const element = new PackedElement();
const id = new StreamId();
const lastId = new StreamId();
const NO_BYTES = new Uint8Array(0);
const nameCursor = new RdbCursor();
const nodeName = new RdbString();

/** Walks the elements of one node; `isBroken` once something was not as it must be. */
class NodeWalk {
  isBroken = false;

  constructor(
    readonly bytes: Uint8Array,
    public at: number,
    readonly terminator: number,
  ) {}

  integer(): number {
    const { at, bytes } = this;
    this.anyInteger();
    if (this.isBroken) return 0;
    // Most are below 128.
    if (bytes[at]! < 0x80) return bytes[at]!;
    decodeListpackEntry(bytes, at, this.terminator, element);
    return Number(element.integer);
  }

  /** The low 32 bits of an integer: a double would lose them first. */
  lowBits(): number {
    const value = this.integer();
    return Number.isSafeInteger(value) ? value | 0 : Number(BigInt.asIntN(32, BigInt(element.integer)));
  }

  anyInteger(): void {
    const first = this.bytes[this.at]!;
    this.any();
    if (!isIntegerForm(first)) this.isBroken = true;
  }

  any(): void {
    const next =
      this.isBroken || this.at >= this.terminator ? -1 : checkedEntryEnd(this.bytes, this.at, this.terminator);
    if (next < 0) this.isBroken = true;
    else this.at = next;
  }

  anyTimes(count: number): void {
    for (let i = 0; i < count && !this.isBroken; i++) this.any();
  }
}

/** Whether the bytes are a node of a stream. */
export function isValidNode({ bytes, start, end }: RdbString): boolean {
  if (end - start < LISTPACK_HEADER + 1 || bytes[end - 1] !== 0xff) return false;
  if (uint32Le(bytes, start) !== end - start) return false;
  const first = start + LISTPACK_HEADER;
  const elements = isExpanded(bytes) ? countNodeElements(first, end - 1) : nodeElements(bytes, first, end - 1);
  const stated = bytes[start + 4]! | (bytes[start + 5]! << 8);
  return elements > 0 && (stated === COUNT_UNKNOWN || stated === elements);
}

/** @returns the number of elements, or −1 if they are not what they must be */
function nodeElements(bytes: Uint8Array, first: number, terminator: number): number {
  const walk = new NodeWalk(bytes, first, terminator);
  const live = walk.integer();
  const deleted = walk.integer();
  const fieldCount = walk.integer();
  if (walk.isBroken || live < 0 || deleted < 0 || fieldCount < 0) return -1;
  walk.anyTimes(fieldCount);
  if (walk.integer() !== 0) return -1;
  let elements = 4 + fieldCount;

  let deletedSeen = 0;
  let entries = 0;
  for (; walk.at < walk.terminator && !walk.isBroken; entries++) {
    const flags = walk.lowBits();
    walk.anyInteger();
    walk.anyInteger();
    if ((flags & FLAG_DELETED) !== 0) deletedSeen++;
    let before = 3 + fieldCount;
    if ((flags & FLAG_SAME_FIELDS) !== 0) {
      walk.anyTimes(fieldCount);
    } else {
      const pairs = walk.integer();
      if (pairs < 0) return -1;
      walk.anyTimes(2 * pairs);
      before = 4 + 2 * pairs;
    }
    if (walk.integer() !== before) return -1;
    elements += before + 1;
  }
  return walk.isBroken || deletedSeen !== deleted || entries !== live + deleted ? -1 : elements;
}

/**
 * Reads one stream of the given type id.
 * @param assembly gets the nodes
 * @returns whether it is complete and valid; else the cursor's status tells
 */
export function checkStream(
  cursor: RdbCursor,
  type: number,
  scratch: RdbString,
  elements: ElementSet,
  assembly: ValueAssembly | null,
): boolean {
  const hasExtendedFields = type !== RdbType.STREAM;
  const nodeCount = cursor.length();
  const nodesAt = cursor.at;
  let isAscending = true;
  assembly?.begin(nodeCount, 0, cursor.bytes);
  for (let i = 0; i < nodeCount; i++) {
    if (!cursor.string(scratch)) return false;
    if (scratch.end - scratch.start !== RAW_ID_BYTES) {
      return cursor.corrupt('Stream node key entry is not the size of a stream ID');
    }
    readRawId(scratch.bytes, scratch.start, id);
    // Every writer has the nodes in order, and what ascends is not there yet.
    if (isAscending && i > 0 && compareIds(id, lastId) <= 0) {
      isAscending = false;
      collectNames(cursor, nodesAt, i, nodeCount, elements);
    }
    if (!isAscending && !elements.add(scratch.bytes, scratch.start, scratch.end)) {
      return cursor.corrupt('Listpack re-added with existing key');
    }
    lastId.copy(id);
    if (!cursor.blob(scratch)) return false;
    if (!isValidNode(scratch)) return cursor.corrupt('Stream listpack integrity check failed.');
    assembly?.node(scratch, id);
  }
  assembly?.endNodes(cursor.at);
  const length = cursor.length();
  const idCount = hasExtendedFields ? 3 : 1;
  for (let i = 0; i < 2 * idCount; i++) cursor.length();
  if (hasExtendedFields) cursor.length();
  if (cursor.status !== READ_OK) return false;
  if (length > 0 && nodeCount === 0) return cursor.corrupt('Stream length inconsistent with rax entries');
  return checkGroups(cursor, type, scratch, elements);
}

/** Reads the names of the first `count` of a stream's nodes again, which begin at `nodesAt`. */
function collectNames(
  { bytes, end }: RdbCursor,
  nodesAt: number,
  count: number,
  nodeCount: number,
  elements: ElementSet,
): void {
  elements.clear(bytes, nodeCount);
  nameCursor.reset(bytes, nodesAt, end);
  for (let i = 0; i < count; i++) {
    nameCursor.string(nodeName);
    elements.add(nodeName.bytes, nodeName.start, nodeName.end);
    // Its listpack.
    nameCursor.string(nodeName);
  }
  nameCursor.reset(NO_BYTES, 0, 0);
}

function checkGroups(cursor: RdbCursor, type: number, scratch: RdbString, elements: ElementSet): boolean {
  const groupCount = cursor.length();
  const names = new Set<string>();
  for (let i = 0; i < groupCount; i++) {
    if (!cursor.string(scratch)) return false;
    const name = scratch.toString();
    const key = Buffer.from(scratch.bytes.subarray(scratch.start, scratch.end)).toString('latin1');
    if (names.has(key)) return cursor.corrupt(`Duplicated consumer group name ${name}`);
    names.add(key);
    cursor.length();
    cursor.length();
    if (type !== RdbType.STREAM) cursor.length();
    if (!checkPending(cursor, type, scratch, elements)) return false;
  }
  return cursor.status === READ_OK;
}

/** The pending entries of one group, and their owners. */
function checkPending(cursor: RdbCursor, type: number, scratch: RdbString, elements: ElementSet): boolean {
  const pendingCount = cursor.length();
  /** ID → has an owner. */
  const pending = new Map<string, boolean>();
  for (let i = 0; i < pendingCount; i++) {
    const id = rawId(cursor);
    cursor.skip(8);
    cursor.length();
    if (cursor.status !== READ_OK) return false;
    if (pending.has(id)) return cursor.corrupt('Duplicated global PEL entry loading stream consumer group');
    pending.set(id, false);
  }
  const consumerCount = cursor.length();
  let owned = 0;
  elements.clear(cursor.bytes);
  for (let i = 0; i < consumerCount; i++) {
    if (!cursor.string(scratch)) return false;
    if (!elements.add(scratch.bytes, scratch.start, scratch.end)) {
      return cursor.corrupt('Duplicate stream consumer detected.');
    }
    cursor.skip(type === RdbType.STREAM_3 ? 16 : 8);
    const ownCount = cursor.length();
    for (let j = 0; j < ownCount; j++, owned++) {
      const id = rawId(cursor);
      if (cursor.status !== READ_OK) return false;
      const hasOwner = pending.get(id);
      if (hasOwner === undefined) return cursor.corrupt('Consumer entry not found in group global PEL');
      if (hasOwner) return cursor.corrupt('Stream consumer PEL entry already has a consumer assigned');
      pending.set(id, true);
    }
  }
  if (cursor.status !== READ_OK) return false;
  return owned === pending.size || cursor.corrupt('Stream CG PEL entry without consumer');
}

function rawId(cursor: RdbCursor): string {
  if (!cursor.has(RAW_ID_BYTES)) return '';
  const { bytes, at } = cursor;
  cursor.at += RAW_ID_BYTES;
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, RAW_ID_BYTES).toString('latin1');
}
