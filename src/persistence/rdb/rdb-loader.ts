/**
 * Loads an RDB into a data set: the rules of spec/persistence.md 4 about expired, empty and duplicate keys, AUX fields and log lines, between the parser
 * (`RdbReader`) and whatever stores the keys (`RdbTarget`). Used for `dump.rdb`, AOF bases and images from a primary.
 */
import type { FileSystem } from '../file-system.js';
import { FIELD_TIMES_AUX, typeName } from './opcodes.js';
import type { RdbString } from './rdb-cursor.js';
import { faultLogLines, RDB_MORE, type RdbFault, type RdbHandler, RdbReader, type RdbRecord } from './rdb-reader.js';

export type PutResult = 'stored' | 'duplicate' | 'unsupported';

/** Where loaded keys go. */
export interface RdbTarget {
  selectDb(db: number): void;
  /** A hint about what follows in the selected database; the numbers may be wrong. */
  reserve(keyCount: number, expireCount: number): void;
  /** A hint as in `RdbHandler`. */
  comingKeys?(bytes: Uint8Array, starts: Int32Array, lengths: Int32Array, count: number): void;
  /** Stores a key; ranges in the record are valid during the call only. `unsupported`: the value's type has no form in memory. */
  put(record: RdbRecord): PutResult;
  /** Times of the fields of the hash that was stored last. @returns false if they make no sense */
  fieldTimes?(times: RdbString): boolean;
  /** A key was dropped because its time was over. */
  expired(record: RdbRecord): void;
  /** @returns why the library cannot be registered, or null */
  functionLibrary(code: Uint8Array): string | null;
}

export type LogLevel = 'debug' | 'verbose' | 'notice' | 'warning';
export type Log = (level: LogLevel, line: string) => void;

export interface RdbLoadOptions {
  /** `databases`; 1 in cluster mode. */
  databases: number;
  /** Keys whose time is over: a primary drops them from its own file; a replica, and an AOF base, keep them. */
  expiredKeys: 'drop' | 'keep';
  /** Start of the load, Unix ms: keys that expire before it are expired. */
  nowMs: number;
  checksum?: boolean;
  totalBytes?: number;
  log: Log;
}

/** The replication identity in a file; complete only if all three were there. */
export interface RdbReplicationInfo {
  id: string;
  offset: number;
  db: number;
}

const SKIPPED_KEYS_LOGGED = 10;

export class RdbLoader implements RdbHandler {
  readonly reader: RdbReader;
  keysLoaded = 0;
  keysExpired = 0;
  emptyKeysSkipped = 0;
  /** `used-mem` of the producer in bytes, 0 if not stated. */
  producerUsedBytes = 0;
  #replicationId = '';
  #replicationOffset = -1;
  #replicationDb = -1;
  readonly #target: RdbTarget;
  readonly #options: RdbLoadOptions;

  constructor(target: RdbTarget, options: RdbLoadOptions) {
    this.#target = target;
    this.#options = options;
    this.reader = new RdbReader(this, {
      checksum: options.checksum ?? true,
      totalBytes: options.totalBytes ?? Number.POSITIVE_INFINITY,
    });
    target.selectDb(0);
  }

  get replicationInfo(): RdbReplicationInfo | null {
    if (this.#replicationId.length !== 40 || this.#replicationOffset === -1 || this.#replicationDb === -1) return null;
    return { id: this.#replicationId, offset: this.#replicationOffset, db: this.#replicationDb };
  }

  /** To be called when the reader is done: the lines about what was loaded. */
  logSummary(): void {
    this.#target.reserve(0, 0);
    if (this.reader.isChecksumAbsent) {
      this.#options.log('notice', 'RDB file was saved with checksum disabled: no check performed.');
    }
    const skipped = this.emptyKeysSkipped > 0 ? `, empty keys skipped: ${this.emptyKeysSkipped}` : '';
    this.#options.log(
      'notice',
      `Done loading RDB, keys loaded: ${this.keysLoaded}, keys expired: ${this.keysExpired}${skipped}.`,
    );
  }

  aux(name: string, value: string): null {
    const { log, nowMs } = this.#options;
    if (name.startsWith('%')) {
      log('notice', `RDB '${name}': ${value}`);
      return null;
    }
    switch (name.toLowerCase()) {
      case 'redis-ver':
      case 'valkey-ver':
        log('notice', `Loading RDB produced by version ${value}`);
        break;
      case 'ctime':
        log('notice', `RDB age ${Math.max(0, Math.floor(nowMs / 1000) - (Number.parseInt(value, 10) || 0))} seconds`);
        break;
      case 'used-mem':
        this.producerUsedBytes = Number.parseInt(value, 10) || 0;
        log('notice', `RDB memory usage when created ${(this.producerUsedBytes / 1048576).toFixed(2)} Mb`);
        break;
      case 'aof-preamble':
        if (Number.parseInt(value, 10)) log('notice', 'RDB has an AOF tail');
        break;
      case 'aof-base':
        if (Number.parseInt(value, 10)) log('notice', 'RDB is base AOF');
        break;
      case 'repl-stream-db':
        this.#replicationDb = Number.parseInt(value, 10);
        break;
      case 'repl-id':
        if (value.length === 40) this.#replicationId = value;
        break;
      case 'repl-offset':
        this.#replicationOffset = Number.parseInt(value, 10);
        break;
      case 'redis-bits':
      case 'lua':
        break;
      default:
        log('debug', `Unrecognized RDB AUX field: '${name}'`);
    }
    return null;
  }

  fieldTimes(times: RdbString): string | null {
    return (this.#target.fieldTimes?.(times) ?? true) ? null : `AUX field '${FIELD_TIMES_AUX}' is not valid`;
  }

  moduleAux(moduleName: string): string {
    return `The RDB file contains AUX module data I can't load: no matching module '${moduleName}'`;
  }

  functionLibrary(code: Uint8Array): string | null {
    const reason = this.#target.functionLibrary(code);
    return reason === null ? null : `Failed loading library, ${reason}`;
  }

  selectDb(db: number): string | null {
    if (db >= this.#options.databases) {
      return `FATAL: Data file was created with a Redis server configured to handle more than ${this.#options.databases} databases. Exiting`;
    }
    this.#target.selectDb(db);
    return null;
  }

  resizeDb(keyCount: number, expireCount: number): void {
    this.#target.reserve(keyCount, expireCount);
  }

  comingKeys(bytes: Uint8Array, starts: Int32Array, lengths: Int32Array, count: number): void {
    this.#target.comingKeys?.(bytes, starts, lengths, count);
  }

  key(record: RdbRecord): string | null {
    if (record.isEmpty) {
      if (this.emptyKeysSkipped++ < SKIPPED_KEYS_LOGGED) {
        this.#options.log('notice', `rdbLoadObject skipping empty key: ${record.key}`);
      }
      return null;
    }
    if (record.hasExpiry && this.#options.expiredKeys === 'drop' && record.expireAtMs < this.#options.nowMs) {
      this.keysExpired++;
      this.#target.expired(record);
      return null;
    }
    switch (this.#target.put(record)) {
      case 'stored':
        this.keysLoaded++;
        return null;
      case 'duplicate':
        return `RDB has duplicated key '${record.key}' in DB ${record.db}`;
      case 'unsupported':
        return `Key '${record.key}' in DB ${record.db} has a value of type ${record.type} (${typeName(record.type)}), which this version cannot load`;
    }
  }
}

/** At most so much is read at a time: some ten milliseconds' work. */
const CHUNK_BYTES = 256 * 1024;

export interface RdbFileProgress {
  /** Other events are handled after so many bytes at the latest (`loading-process-events-interval-bytes`). */
  eventsEveryBytes?: number;
  /** Called with the bytes read so far, just before other events are handled. */
  onProgress?: (loadedBytes: number) => void;
}

export type RdbLoadResult = { ok: true; bytes: number } | { ok: false; fault: RdbFault };

/**
 * Reads one RDB file. The bytes after its end are ignored, a file without any is truncated.
 * @throws the file system's error if the file cannot be opened or read
 */
export async function loadRdbFile(
  fileSystem: FileSystem,
  path: string,
  loader: RdbLoader,
  { eventsEveryBytes = CHUNK_BYTES, onProgress }: RdbFileProgress = {},
): Promise<RdbLoadResult> {
  const { reader } = loader;
  const chunkBytes = Math.min(CHUNK_BYTES, eventsEveryBytes);
  const fd = await fileSystem.open(path, 'r');
  // One chunk is read while the one before is taken in.
  let [chunk, spare] = [new Uint8Array(chunkBytes), new Uint8Array(chunkBytes)];
  let reading = fileSystem.read(fd, chunk, 0, chunk.length, null);
  try {
    let state = RDB_MORE;
    while (state === RDB_MORE) {
      const count = await reading;
      const taken = chunk;
      if (count > 0) reading = fileSystem.read(fd, spare, 0, spare.length, null);
      [chunk, spare] = [spare, chunk];
      state = count === 0 ? reader.end() : reader.feed(taken, 0, count);
      onProgress?.(reader.offset);
    }
  } finally {
    await reading.catch(() => {});
    await fileSystem.close(fd);
  }
  return finishLoad(loader);
}

/** The same without giving way to other events: for DEBUG RELOAD, which holds the server anyway. */
export function loadRdbFileSync(fileSystem: FileSystem, path: string, loader: RdbLoader): RdbLoadResult {
  const { reader } = loader;
  const fd = fileSystem.openSync(path, 'r');
  try {
    const chunk = new Uint8Array(CHUNK_BYTES);
    let state = RDB_MORE;
    while (state === RDB_MORE) {
      const count = fileSystem.readSync(fd, chunk, 0, chunk.length, null);
      state = count === 0 ? reader.end() : reader.feed(chunk, 0, count);
    }
  } finally {
    fileSystem.closeSync(fd);
  }
  return finishLoad(loader);
}

function finishLoad(loader: RdbLoader): RdbLoadResult {
  const { reader } = loader;
  if (reader.fault !== null) return { ok: false, fault: reader.fault };
  loader.logSummary();
  return { ok: true, bytes: reader.offset };
}

/**
 * What the log says when a file could not be loaded at start; the process then exits with status 1 in every case (Redis exits with 0 where its checker
 * finds nothing wrong).
 */
export function loadFailureLines(fault: RdbFault): string[] {
  const lines = faultLogLines(fault);
  if (fault.kind === 'signature' || fault.kind === 'version') {
    lines.push('Fatal error loading the DB, check server logs. Exiting.');
  }
  return lines;
}
