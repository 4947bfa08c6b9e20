/** What RDB knows of one type of values: how they are written, and how a record becomes an entry. One object per type, in keyspace-rdb.ts. */
import type { Database } from '../../keyspace/database.js';
import type { Keyspace } from '../../keyspace/keyspace.js';
import type { Ref } from '../../memory/arena.js';
import type { RdbRecord } from './rdb-reader.js';
import type { RdbWriter } from './rdb-writer.js';
import type { ValueAssembly } from './value-assembly.js';

/** What belongs to one value whose items are written in parts. */
export interface LargeValueState {
  /** Takes what is to stand behind the items. */
  readonly rest: RdbWriter;
  /** Of a hash with field times: the earliest, when the value was frozen. Its introduction sets it. */
  earliestMs: number;
}

/** What is too long to be written in one go. */
export interface LongPart {
  /** Writes some of it. @returns whether there is more */
  writeSome(writer: RdbWriter): boolean;
  /** Nothing more of it is written, whether all was or not. */
  release(): void;
}

export interface ValueForm {
  /** The RDB type of this entry's value. */
  rdbType(space: Keyspace, ref: Ref): number;
  write(writer: RdbWriter, space: Keyspace, ref: Ref): void;
  /** Writes what stands before the number of the items. */
  writeIntroduction?(writer: RdbWriter, space: Keyspace, ref: Ref, state: LargeValueState): void;
  /** Writes some of the items (`ValueType.freeze`) of a value whose items are written in parts, after their number. */
  writeItems?(writer: RdbWriter, space: Keyspace, items: readonly Ref[], count: number, state: LargeValueState): void;
  /** Writes what stands behind the items, as it is when the value is frozen. @returns what comes last, to be written when all that has gone out */
  writeRest?(writer: RdbWriter, space: Keyspace, ref: Ref): LongPart;
  /** Whether a value of this RDB type, the current or an older one, becomes an entry of this form. */
  reads(rdbType: number): boolean;
  /** Stores a record's value, which has been validated, under a key that is not in the database. @returns the entry */
  add(
    space: Keyspace,
    db: Database,
    record: RdbRecord,
    key: Uint8Array,
    start: number,
    length: number,
    expireAtMs: number,
  ): Ref;
  /** @returns what builds a value of this RDB type while it is being checked; null if it is checked first and stored by `add` then */
  assembly?(space: Keyspace, rdbType: number): ValueAssembly | null;
}
