/** Helpers of the persistence tests: bytes from hex, values of the specification's examples, a handler that remembers, a seeded random source. */
import { Opcode } from '../../src/persistence/rdb/opcodes.js';
import {
  RDB_MORE,
  type RdbHandler,
  RdbReader,
  type RdbReaderOptions,
  type RdbRecord,
} from '../../src/persistence/rdb/rdb-reader.js';

/** Bytes from hex with any spaces in it; `'text'` in single quotes stands for its bytes. */
export function hex(text: string): Uint8Array {
  const parts = text.split("'");
  return Buffer.concat(
    parts.map((part, i) => Buffer.from(i % 2 === 1 ? part : part.replace(/\s/g, ''), i % 2 === 1 ? 'latin1' : 'hex')),
  );
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

/** A complete file of version 10 with the records given, and no checksum. */
export function rdbFile(...records: Uint8Array[]): Uint8Array {
  return Buffer.concat([ascii('REDIS0010'), ...records, Buffer.from([Opcode.EOF, 0, 0, 0, 0, 0, 0, 0, 0])]);
}

/** A key record: the name must be shorter than 64 bytes. */
export function keyRecord(type: number, name: string, value: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([type, name.length]), ascii(name), value]);
}

/** Writes down everything a reader delivers, one line each. */
export class RecordingHandler implements RdbHandler {
  readonly events: string[] = [];

  aux(name: string, value: string): null {
    this.events.push(`aux ${name}=${value}`);
    return null;
  }

  moduleAux(name: string): null {
    this.events.push(`module-aux ${name}`);
    return null;
  }

  functionLibrary(code: Uint8Array): null {
    this.events.push(`function ${Buffer.from(code).toString('latin1')}`);
    return null;
  }

  selectDb(db: number): null {
    this.events.push(`db ${db}`);
    return null;
  }

  resizeDb(keys: number, expires: number): void {
    this.events.push(`resize ${keys} ${expires}`);
  }

  key(record: RdbRecord): null {
    const attributes = [
      record.hasExpiry ? ` expire=${record.expireAtMs}` : '',
      record.idle >= 0 ? ` idle=${record.idle}` : '',
      record.freq >= 0 ? ` freq=${record.freq}` : '',
      record.isEmpty ? ' empty' : '',
    ].join('');
    const value =
      record.type === 0
        ? `${record.value.isInteger ? '#' : ''}${record.value}`
        : toHex(record.bytes.subarray(record.start, record.end));
    this.events.push(`key ${record.db}/${record.key} type=${record.type}${attributes} ${value}`);
    return null;
  }
}

/** Reads a whole file in chunks of the given size. */
export function readAll(
  file: Uint8Array,
  chunkBytes = file.length || 1,
  options: RdbReaderOptions = { modules: 'skip' },
) {
  const handler = new RecordingHandler();
  const reader = new RdbReader(handler, options);
  let state = RDB_MORE;
  for (let at = 0; at < file.length && state === RDB_MORE; at += chunkBytes) {
    // A copy that is wiped afterwards shows whether the reader holds on to what is not its own.
    const chunk = new Uint8Array(file.slice(at, at + chunkBytes));
    state = reader.feed(chunk, 0, chunk.length);
    chunk.fill(0xee);
  }
  state = reader.end();
  return { events: handler.events, reader, state };
}
