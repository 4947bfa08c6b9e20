/**
 * The offline integrity checker for RDB files (spec/persistence.md 10.1): reads a file through `RdbReader` and words what it meets like redis-check-rdb.
 * Unlike a load it skips module values by their tags, and does not look at duplicate keys, database numbers or the text of function libraries; values are
 * validated as deeply, and a collection without elements is an error.
 */
import type { FileSystem } from '../file-system.js';
import { RDB_VERSION_WITH_CHECKSUM, typeName } from './opcodes.js';
import {
  RDB_DONE,
  RDB_MORE,
  type RdbFault,
  type RdbHandler,
  RdbReader,
  type RdbRecord,
  UNEXPECTED_EOF,
} from './rdb-reader.js';

/** Takes one line of a report, without its end. */
export type PrintLine = (line: string) => void;

export interface RdbCheckResult {
  isSane: boolean;
  /** Where the RDB part ends, if it is sane. */
  endOffset: number;
}

const CHUNK_BYTES = 256 * 1024;

class Checker implements RdbHandler {
  readonly reader: RdbReader;
  keys = 0;
  expires = 0;
  alreadyExpired = 0;
  readonly #print: PrintLine;
  readonly #startMs: number;

  constructor(print: PrintLine, startMs: number, totalBytes: number) {
    this.#print = print;
    this.#startMs = startMs;
    this.reader = new RdbReader(this, { modules: 'skip', totalBytes });
  }

  info(text: string): void {
    this.#print(`[offset ${this.reader.offset}] ${text}`);
  }

  aux(name: string, value: string): null {
    this.info(`AUX FIELD ${cText(name)} = '${cText(value)}'`);
    return null;
  }

  moduleAux(moduleName: string): null {
    this.info(`MODULE AUX for: ${moduleName}`);
    return null;
  }

  functionLibrary(): null {
    return null;
  }

  selectDb(db: number): null {
    this.info(`Selecting DB ID ${db}`);
    return null;
  }

  resizeDb(): void {}

  key(record: RdbRecord): string | null {
    this.keys++;
    if (record.isEmpty) return UNEXPECTED_EOF;
    if (record.hasExpiry) this.expires++;
    if (record.hasExpiry && record.expireAtMs < this.#startMs) this.alreadyExpired++;
    return null;
  }

  fault(fault: RdbFault): void {
    this.#print('--- RDB ERROR DETECTED ---');
    this.#print(`[offset ${fault.offset}] ${faultText(fault)}`);
    this.#print(`[additional info] While doing: ${fault.phase}`);
    if (fault.key !== null) this.#print(`[additional info] Reading key '${cText(fault.key)}'`);
    if (fault.type !== -1) this.#print(`[additional info] Reading type ${fault.type} (${typeName(fault.type)})`);
    // The key under way counts; one with an empty value was counted when it was delivered.
    if (fault.key !== null && fault.kind !== 'refused') this.keys++;
  }

  counts(): void {
    this.#print(`[info] ${this.keys} keys read`);
    this.#print(`[info] ${this.expires} expires`);
    this.#print(`[info] ${this.alreadyExpired} already expired`);
  }
}

/** A text as C prints it: up to its first NUL. */
const cText = (text: string): string => text.split('\0', 1)[0]!;

function faultText(fault: RdbFault): string {
  switch (fault.kind) {
    case 'unknown-type':
      return fault.text.replace('Unknown RDB encoding type', 'Invalid object type:');
    case 'checksum':
      return 'RDB CRC error';
    case 'corrupt':
      return `Internal error in RDB reading offset 0, function at rdb-reader:${fault.phase} -> ${fault.text}`;
    case 'truncated':
      return fault.phase === 'read-functions' ? 'Failed loading library, Failed loading library payload' : fault.text;
    default:
      return fault.text;
  }
}

/**
 * Checks one file, or the RDB part that a file of the append-only log begins with.
 * @param name   how the report calls the file
 * @param nowMs  Unix ms: keys that expire before it count as already expired
 */
export function checkRdbFile(
  fileSystem: FileSystem,
  path: string,
  name: string,
  nowMs: number,
  print: PrintLine,
): RdbCheckResult {
  const checker = new Checker(print, nowMs, Math.max(0, fileSystem.sizeSync(path)));
  checker.info(`Checking RDB file ${name}`);
  let fd: number;
  try {
    fd = fileSystem.openSync(path, 'r');
  } catch {
    return { isSane: false, endOffset: 0 };
  }
  const { reader } = checker;
  let state = RDB_MORE;
  try {
    const chunk = new Uint8Array(CHUNK_BYTES);
    while (state === RDB_MORE) {
      const count = readOrEnd(fileSystem, fd, chunk);
      state = count === 0 ? reader.end() : reader.feed(chunk, 0, count);
    }
  } finally {
    fileSystem.closeSync(fd);
  }
  if (state === RDB_DONE) {
    if (reader.version >= RDB_VERSION_WITH_CHECKSUM)
      checker.info(
        reader.isChecksumAbsent ? 'RDB file was saved with checksum disabled: no check performed.' : 'Checksum OK',
      );
    checker.info('\\o/ RDB looks OK! \\o/');
  } else if (reader.fault !== null) {
    checker.fault(reader.fault);
  }
  checker.counts();
  return { isSane: state === RDB_DONE, endOffset: reader.offset };
}

/** What cannot be read (a folder, a bad disk) counts as a file that ends there, as it does in redis-check-rdb. */
function readOrEnd(fileSystem: FileSystem, fd: number, chunk: Uint8Array): number {
  try {
    return fileSystem.readSync(fd, chunk, 0, chunk.length, null);
  } catch {
    return 0;
  }
}
