/**
 * The envelope of DUMP, RESTORE, MIGRATE and FUNCTION DUMP payloads (spec/persistence.md 6):
 *
 *   | body: type id and value, or function opcodes | RDB version: u16 LE | CRC-64 LE of all before it |
 *
 * Payloads are written with version 10, so that a Redis 7.0 node takes them in RESTORE and MIGRATE, unless the value is a hash whose fields have times.
 * That one has a form in version 10 as well, for what is propagated: the plain hash, and the times behind it (timed-hash-rdb.ts).
 */
import { Crc64 } from './rdb/crc64.js';
import {
  FIELD_TIMES_AUX,
  isKnownType,
  isReadableVersion,
  isTypeOf,
  Opcode,
  RDB_VERSION,
  RDB_VERSION_MAX,
  RdbType,
  versionOfType,
} from './rdb/opcodes.js';
import { RdbCursor, RdbString } from './rdb/rdb-cursor.js';
import type { RdbRecord } from './rdb/rdb-reader.js';
import { RdbWriter } from './rdb/rdb-writer.js';
import type { ValueAssembly } from './rdb/value-assembly.js';
import { VALUE_COMPLETE, ValueChecker } from './rdb/value-check.js';

export const DUMP_FOOTER_BYTES = 10;

/**
 * A writer for one payload after the other: `reset`, `type`, the value, `sealDumpPayload`, then take `bytes[0, length)`.
 * @param version the highest that a payload may have
 */
export function createDumpWriter(compression: boolean, version = RDB_VERSION_MAX): RdbWriter {
  return new RdbWriter(null, { compression, version });
}

/** Appends the footer to a finished body. @param type its first byte */
export function sealDumpPayload(writer: RdbWriter, type = writer.bytes[0]!): void {
  // Function payloads begin with an opcode.
  const version = isKnownType(type) ? versionOfType(type) : RDB_VERSION;
  writer.byte(version & 255);
  writer.byte(version >> 8);
  writer.appendChecksum();
}

/** @param footer where the body ends */
export function versionOfDump(bytes: Uint8Array, footer: number): number {
  return bytes[footer]! | (bytes[footer + 1]! << 8);
}

/**
 * Checks length, version and checksum. A stored checksum of 0 is not special here, and `rdbchecksum no` does not matter.
 * @returns the end of the body, or −1: `DUMP payload version or checksum are wrong`
 */
export function verifyDumpPayload(bytes: Uint8Array, start: number, end: number, verifies = true): number {
  const footer = end - DUMP_FOOTER_BYTES;
  if (footer < start) return -1;
  if (!isReadableVersion(versionOfDump(bytes, footer))) return -1;
  if (!verifies) return footer;
  crc.reset();
  crc.update(bytes, start, footer + 2);
  return crc.matches(bytes, footer + 2) ? footer : -1;
}

/**
 * Opens a DUMP payload for RESTORE: checks the envelope, then the value as deeply as a file load does; reading past the body is an error, and so is an empty
 * collection. Bytes between the value and the footer are ignored.
 * @param record  receives type, serialised value, and for a string the value itself; it has no key
 * @param verifies  whether the checksum is looked at
 * @param assemblyFor gives what builds a value of an RDB type while it is checked, if there is such a thing: in `record.assembly` if all is well
 * @returns       null, or the error reply without its prefix
 */
export function openDumpPayload(
  bytes: Uint8Array,
  start: number,
  end: number,
  record: RdbRecord,
  verifies = true,
  assemblyFor: (rdbType: number) => ValueAssembly | null = () => null,
): string | null {
  const bodyEnd = verifyDumpPayload(bytes, start, end, verifies);
  if (bodyEnd < 0) return 'DUMP payload version or checksum are wrong';
  const cursor = bodyCursor;
  cursor.reset(bytes, start, bodyEnd);
  record.type = cursor.byte();
  record.bytes = bytes;
  record.start = cursor.at;
  record.assembly = null;
  const isComplete =
    record.type === RdbType.STRING
      ? cursor.string(record.value)
      : isTypeOf(versionOfDump(bytes, bodyEnd), record.type) && checkValue(cursor, record, assemblyFor(record.type));
  record.end = cursor.at;
  return isComplete ? null : 'Bad data format';
}

/** Lets go of the payload and of what builds values, once what was opened has been stored or dropped: both may be large. */
export function closeDumpPayload(record: RdbRecord): void {
  record.assembly = null;
  record.bytes = NO_BYTES;
  record.value.bytes = NO_BYTES;
  bodyCursor.reset(NO_BYTES, 0, 0);
  auxCursor.reset(NO_BYTES, 0, 0);
}

function checkValue(cursor: RdbCursor, record: RdbRecord, assembly: ValueAssembly | null): boolean {
  const isComplete = new ValueChecker('refuse', assembly).check(cursor, record.type) === VALUE_COMPLETE;
  if (isComplete) record.assembly = assembly;
  else assembly?.discard();
  return isComplete;
}

const NO_BYTES = new Uint8Array(0);

/** One payload at a time is looked at. */
const crc = new Crc64();
const bodyCursor = new RdbCursor();
const auxCursor = new RdbCursor();
const auxName = new RdbString();

/**
 * Visits the AUX fields with times of hash fields that stand behind a payload's value.
 * @param record  as `openDumpPayload` has filled it
 * @param bodyEnd where the footer begins
 * @param visit   takes such a field's value. @returns whether it makes sense
 * @returns       false if one does not; other bytes are passed over
 */
export function forEachFieldTimes(record: RdbRecord, bodyEnd: number, visit: (times: RdbString) => boolean): boolean {
  auxCursor.reset(record.bytes, record.end, bodyEnd);
  while (auxCursor.byte() === Opcode.AUX && auxCursor.string(auxName) && auxName.toString() === FIELD_TIMES_AUX)
    if (!auxCursor.string(auxName) || !visit(auxName)) return false;
  return true;
}
