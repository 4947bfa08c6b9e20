/**
 * The offline integrity checker for RDB files (spec/persistence.md 10.1): reads a file through `RdbReader` and words what it meets like redis-check-rdb.
 * Unlike a load it skips module values by their tags, and does not look at duplicate keys, database numbers or the text of function libraries; values are
 * validated as deeply, and a collection without elements is an error.
 */
import type { FileSystem } from '../file-system.js';
import { typeName } from './opcodes.js';
import {
  RDB_DONE,
  RDB_MORE,
  type RdbFault,
  type RdbHandler,
  RdbReader,
  type RdbRecord,
  UNEXPECTED_EOF,
} from './rdb-reader.js';

export interface RdbReport {
  isSane: boolean;
  lines: string[];
}

const CHUNK_BYTES = 256 * 1024;

class Checker implements RdbHandler {
  readonly lines: string[] = [];
  readonly reader: RdbReader;
  keys = 0;
  expires = 0;
  alreadyExpired = 0;
  readonly #startMs: number;

  constructor(startMs: number, totalBytes: number) {
    this.#startMs = startMs;
    this.reader = new RdbReader(this, { modules: 'skip', totalBytes });
  }

  info(text: string): void {
    this.lines.push(`[offset ${this.reader.offset}] ${text}`);
  }

  aux(name: string, value: string): null {
    this.info(`AUX FIELD ${name} = '${value}'`);
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
    this.lines.push('--- RDB ERROR DETECTED ---', `[offset ${fault.offset}] ${faultText(fault)}`);
    this.lines.push(`[additional info] While doing: ${fault.phase}`);
    if (fault.key !== null) this.lines.push(`[additional info] Reading key '${fault.key}'`);
    if (fault.type !== -1) this.lines.push(`[additional info] Reading type ${fault.type} (${typeName(fault.type)})`);
    // The key under way counts; one with an empty value was counted when it was delivered.
    if (fault.key !== null && fault.kind !== 'refused') this.keys++;
  }

  counts(): void {
    this.lines.push(`[info] ${this.keys} keys read`, `[info] ${this.expires} expires`);
    this.lines.push(`[info] ${this.alreadyExpired} already expired`);
  }
}

function faultText(fault: RdbFault): string {
  switch (fault.kind) {
    case 'unknown-type':
      return fault.text.replace('Unknown RDB encoding type', 'Invalid object type:');
    case 'checksum':
      return 'RDB CRC error';
    case 'corrupt':
      return `Internal error in RDB reading offset 0, function at rdb-reader:${fault.phase} -> ${fault.text}`;
    default:
      return fault.text;
  }
}

/**
 * Checks one file.
 * @param name   how the report calls the file
 * @param nowMs  Unix ms: keys that expire before it count as already expired
 */
export function checkRdbFile(fileSystem: FileSystem, path: string, name: string, nowMs: number): RdbReport {
  const checker = new Checker(nowMs, Math.max(0, fileSystem.sizeSync(path)));
  checker.info(`Checking RDB file ${name}`);
  let fd: number;
  try {
    fd = fileSystem.openSync(path, 'r');
  } catch {
    return { isSane: false, lines: checker.lines };
  }
  const { reader } = checker;
  let state = RDB_MORE;
  try {
    const chunk = new Uint8Array(CHUNK_BYTES);
    while (state === RDB_MORE) {
      const count = fileSystem.readSync(fd, chunk, 0, chunk.length, null);
      state = count === 0 ? reader.end() : reader.feed(chunk, 0, count);
    }
  } finally {
    fileSystem.closeSync(fd);
  }
  if (state === RDB_DONE) {
    checker.info(
      reader.isChecksumAbsent ? 'RDB file was saved with checksum disabled: no check performed.' : 'Checksum OK',
    );
    checker.info('\\o/ RDB looks OK! \\o/');
  } else if (reader.fault !== null) {
    checker.fault(reader.fault);
  }
  checker.counts();
  return { isSane: state === RDB_DONE, lines: checker.lines };
}
