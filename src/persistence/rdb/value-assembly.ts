/**
 * A value that is built while its serialised form is being checked: so nothing is decompressed twice, and duplicates are found where the elements lie
 * anyway. It has no key yet; what turns out not to be valid is discarded and leaves nothing behind.
 *
 *   begin … element … endElements, or node … endNodes, then `finish` or `discard`
 */
import type { Database } from '../../keyspace/database.js';
import type { Ref } from '../../memory/arena.js';
import type { StreamId } from '../../memory/stream-id.js';
import type { RdbString } from './rdb-cursor.js';
import type { RdbRecord } from './rdb-reader.js';

export interface ValueAssembly {
  /**
   * @param count   number of elements or nodes, as the value says
   * @param certain about as many are there, as far as the bytes tell: room may be taken for them
   * @param source  where they come from, until `finish` or `discard`
   */
  begin(count: number, certain: number, source: Uint8Array): void;
  /**
   * Takes an element: of a list or set; of a hash with its value; of a sorted set with its score.
   * @returns false if it, or one before it, is there already and must not be; the value is not valid then
   */
  element(text: RdbString, value: RdbString, score: number): boolean;
  /** Behind the last element of a set, hash or sorted set. @returns as `element` */
  endElements(): boolean;
  /** Takes a valid listpack: a node of a list; of a stream with its ID. */
  node(listpack: RdbString, id: StreamId): void;
  /** Behind the nodes of a stream, at `at`, stands what `finish` reads itself. */
  endNodes(at: number): void;
  /** Gives what was built, which is valid and not empty (a stream may be), to a key that is not there. @returns its entry */
  finish(db: Database, record: RdbRecord, key: Uint8Array, start: number, length: number, expireAtMs: number): Ref;
  /** Drops what was built. */
  discard(): void;
}

/** What the parts of a value are given to: one of those in types/, each named after its type. */
interface ValueBuilder {
  /** For elements that are looked for some at a time. @returns as `endElements` */
  settle?(): boolean;
  finish(db: Database, key: Uint8Array, start: number, length: number, expireAtMs: number): Ref;
  discard(): void;
}

/** The assembly of a value that a builder makes, of elements; nodes are for those that override `node`. */
export abstract class BuilderAssembly<Builder extends ValueBuilder> implements ValueAssembly {
  protected readonly builder: Builder;

  constructor(builder: Builder) {
    this.builder = builder;
  }

  abstract begin(count: number, certain: number, source: Uint8Array): void;
  abstract element(text: RdbString, value: RdbString, score: number): boolean;

  node(_listpack: RdbString, _id: StreamId): void {}

  endElements(): boolean {
    return this.builder.settle?.() ?? true;
  }

  endNodes(_at: number): void {}

  finish(db: Database, _: RdbRecord, key: Uint8Array, start: number, length: number, expireAtMs: number): Ref {
    return this.builder.finish(db, key, start, length, expireAtMs);
  }

  discard(): void {
    this.builder.discard();
  }
}
