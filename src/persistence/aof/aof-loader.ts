/**
 * Replays the append-only log (spec/persistence.md 7.5): base first, then the incr files, each by a fresh replay client at database 0.
 *
 *   file → [ RDB ] → ( record | comment )* → end of file, in one of three states:
 *     complete                         go on with the next file
 *     inside a record or a comment     torn tail: cut it off, if that is allowed
 *     inside MULTI                     as torn; the cut is just before the MULTI
 *
 * Between MULTI and EXEC nothing is executed: the records are kept and replayed at EXEC. So what is cut off has had no effect, and the cut always lies
 * behind the last complete unit. Never before the end of an RDB part, never inside a transaction, never in a file that is not the last: in these three
 * places, and at an unterminated comment, Redis loses acknowledged writes.
 *
 * "Last" is the last file with any bytes in it. An empty one behind a torn one is what a crash of the machine leaves right after a rewrite began; cutting
 * the torn one loses nothing that the empty one could depend on.
 */
import { performance } from 'node:perf_hooks';
import { RecordBuffer } from '../../resp/record-buffer.js';
import { type FileSystem, strerror } from '../file-system.js';
import { isRdbMagic, RDB_MAGIC_BYTES } from '../rdb/opcodes.js';
import { type Log, loadFailureLines, RdbLoader, type RdbTarget } from '../rdb/rdb-loader.js';
import { RDB_FAILED, RDB_MORE } from '../rdb/rdb-reader.js';
import type { AofDirectory } from './aof-directory.js';
import { type AofFile, liveFiles } from './manifest.js';
import {
  argumentIs,
  argumentText,
  PARSE_BAD,
  PARSE_COMMENT,
  PARSE_MORE,
  type RecordArguments,
  RecordParser,
} from './record-parser.js';

/** The server's side of a replay. */
export interface AofExecutor {
  /** A file begins: the replay client is new, at database 0. */
  beginFile(): void;
  /**
   * Executes one command outside the checks for clients (ACL, memory, role, cluster), without expiry, never blocking. An error reply is the executor's to
   * log; the replay goes on.
   * @returns false if there is no such command
   */
  execute(command: RecordArguments): boolean;
}

export interface AofLoadOptions {
  /** `aof-load-truncated`. */
  loadTruncated: boolean;
  /** `databases`, `rdbchecksum`: for RDB parts. */
  databases: number;
  checksum: boolean;
  log: Log;
  /** Called after each chunk with the bytes loaded so far, over all files. */
  onProgress: (loadedBytes: number) => void;
}

export type AofLoadResult =
  | { ok: true; isEmpty: boolean; baseBytes: number; totalBytes: number }
  /** Everything was logged; a starting server exits with status 1. */
  | { ok: false };

/** Between chunks other events are handled. */
const CHUNK_BYTES = 64 * 1024;

export async function loadAof(
  fileSystem: FileSystem,
  directory: AofDirectory,
  executor: AofExecutor,
  rdbTarget: RdbTarget,
  options: AofLoadOptions,
): Promise<AofLoadResult> {
  const files = liveFiles(directory.manifest);
  const sizes: number[] = [];
  for (const { name } of files) {
    const size = fileSystem.sizeSync(directory.pathOf(name));
    if (size < 0) {
      options.log('warning', `Unable to obtain the AOF file ${name} length. stat: No such file or directory`);
      return { ok: false };
    }
    sizes.push(size);
  }
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  if (totalBytes === 0) return { ok: true, isEmpty: true, baseBytes: 0, totalBytes: 0 };

  const startedAtMs = performance.now();
  let loadedBytes = 0;
  let removedBytes = 0;
  for (const [index, file] of files.entries()) {
    const fileStartedAtMs = performance.now();
    const isLast = sizes.slice(index + 1).every((size) => size === 0);
    const load = new FileLoad(fileSystem, directory, file, sizes[index]!, isLast, executor, rdbTarget, options);
    try {
      if (!(await load.run(loadedBytes))) return { ok: false };
    } catch (error) {
      options.log('warning', `Unrecoverable error reading the append only file ${file.name}: ${strerror(error)}`);
      return { ok: false };
    }
    loadedBytes += sizes[index]!;
    removedBytes += sizes[index]! - load.keptBytes;
    sizes[index] = load.keptBytes;
    const kind = file.type === 'b' ? 'base' : 'incr';
    options.log('notice', `DB loaded from ${kind} file ${file.name}: ${secondsSince(fileStartedAtMs)} seconds`);
  }
  options.log('notice', `DB loaded from append only file: ${secondsSince(startedAtMs)} seconds`);
  const baseBytes = directory.manifest.base === null ? 0 : sizes[0]!;
  return { ok: true, isEmpty: false, baseBytes, totalBytes: totalBytes - removedBytes };
}

const secondsSince = (startedAtMs: number) => ((performance.now() - startedAtMs) / 1000).toFixed(3);

/** Commands kept from MULTI to EXEC. */
class PendingTransaction {
  isOpen = false;
  readonly #records = new RecordBuffer();

  open(): void {
    this.isOpen = true;
  }

  discard(): void {
    this.isOpen = false;
    this.#records.clear();
  }

  keep({ bytes, starts, lengths, argumentCount }: RecordArguments): void {
    this.#records.begin(argumentCount);
    for (let i = 0; i < argumentCount; i++) this.#records.word(bytes, starts[i], lengths[i]);
  }

  /** @returns a parser over what was kept; the transaction is over */
  take(): RecordParser {
    const parser = new RecordParser();
    parser.feed(this.#records.bytes, 0, this.#records.length);
    this.discard();
    return parser;
  }
}

class FileLoad {
  /** Size of the file after the load: less than before if its tail was cut off. */
  keptBytes: number;
  /** End of the last complete unit. */
  #validUpTo = 0;
  #parser = new RecordParser();
  readonly #transaction = new PendingTransaction();
  readonly #name: string;
  readonly #path: string;

  constructor(
    readonly fileSystem: FileSystem,
    readonly directory: AofDirectory,
    readonly file: AofFile,
    readonly sizeBytes: number,
    readonly isLast: boolean,
    readonly executor: AofExecutor,
    readonly rdbTarget: RdbTarget,
    readonly options: AofLoadOptions,
  ) {
    this.keptBytes = sizeBytes;
    this.#name = file.name;
    this.#path = directory.pathOf(file.name);
  }

  /** @param bytesBefore  size of the files before this one, for the progress. @returns false if the load cannot go on */
  async run(bytesBefore: number): Promise<boolean> {
    const { fileSystem, options } = this;
    this.executor.beginFile();
    const fd = await fileSystem.open(this.#path, 'r');
    let isSound = true;
    try {
      const chunk = new Uint8Array(CHUNK_BYTES);
      let count = await readAtLeast(fileSystem, fd, chunk, RDB_MAGIC_BYTES);
      if (count >= RDB_MAGIC_BYTES && isRdbMagic(chunk)) {
        isSound = await this.#loadRdbPart(fd, chunk, count, bytesBefore);
        count = isSound ? await fileSystem.read(fd, chunk, 0, chunk.length, null) : 0;
      }
      while (isSound && count > 0) {
        this.#parser.feed(chunk, 0, count);
        isSound = this.#replay();
        options.onProgress(bytesBefore + this.#parser.offset);
        count = isSound ? await fileSystem.read(fd, chunk, 0, chunk.length, null) : 0;
      }
    } finally {
      await fileSystem.close(fd);
    }
    return isSound && this.#finish();
  }

  /** Loads the RDB that the file begins with; the records behind it go on from its end. */
  async #loadRdbPart(fd: number, chunk: Uint8Array, firstCount: number, bytesBefore: number): Promise<boolean> {
    const { fileSystem, options } = this;
    const isOldStyle = this.#name === this.directory.prefix;
    options.log(
      'notice',
      isOldStyle ? 'Reading RDB preamble from AOF file...' : 'Reading RDB base file on AOF loading...',
    );
    const loader = new RdbLoader(this.rdbTarget, {
      databases: options.databases,
      expiredKeys: 'keep',
      nowMs: Date.now(),
      checksum: options.checksum,
      totalBytes: this.sizeBytes,
      log: options.log,
    });
    const { reader } = loader;
    let state = reader.feed(chunk, 0, firstCount);
    while (state === RDB_MORE) {
      const count = await fileSystem.read(fd, chunk, 0, chunk.length, null);
      state = count === 0 ? reader.end() : reader.feed(chunk, 0, count);
      options.onProgress(bytesBefore + reader.offset);
    }
    if (state === RDB_FAILED) {
      for (const line of loadFailureLines(reader.fault!)) options.log('warning', line);
      const what = isOldStyle ? 'the RDB preamble of the AOF file' : 'the RDB base file';
      options.log('warning', `Error reading ${what} ${this.#name}, AOF loading aborted`);
      return false;
    }
    loader.logSummary();
    if (isOldStyle) options.log('notice', 'Reading the remaining AOF tail...');
    this.#validUpTo = reader.offset;
    this.#parser = new RecordParser(reader.offset);
    const rest = reader.remainder();
    this.#parser.feed(rest, 0, rest.length);
    return this.#replay();
  }

  /** Replays every complete record at hand. */
  #replay(): boolean {
    const parser = this.#parser;
    for (;;) {
      const recordStart = parser.offset;
      const outcome = parser.next();
      if (outcome === PARSE_MORE) return true;
      if (outcome === PARSE_BAD) {
        this.options.log(
          'warning',
          `Bad file format reading the append only file ${this.#name}: make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>`,
        );
        return false;
      }
      if (outcome !== PARSE_COMMENT && !this.#command(parser, recordStart)) return false;
      if (!this.#transaction.isOpen) this.#validUpTo = parser.offset;
    }
  }

  #command(command: RecordArguments, recordStart: number): boolean {
    const transaction = this.#transaction;
    if (argumentIs(command, 0, 'multi')) {
      if (transaction.isOpen) this.#logError('ERR MULTI calls can not be nested', 'multi');
      else this.#validUpTo = recordStart;
      if (!transaction.isOpen) transaction.open();
      return true;
    }
    if (argumentIs(command, 0, 'exec')) {
      if (!transaction.isOpen) {
        this.#logError('ERR EXEC without MULTI', 'exec');
        return true;
      }
      const kept = transaction.take();
      while (kept.next() !== PARSE_MORE) if (!this.#execute(kept)) return false;
      return true;
    }
    if (!transaction.isOpen) return this.#execute(command);
    if (argumentIs(command, 0, 'discard')) transaction.discard();
    else transaction.keep(command);
    return true;
  }

  #execute(command: RecordArguments): boolean {
    if (this.executor.execute(command)) return true;
    this.options.log(
      'warning',
      `Unknown command '${argumentText(command, 0)}' reading the append only file ${this.#name}`,
    );
    return false;
  }

  #logError(error: string, commandName: string): void {
    this.options.log(
      'warning',
      `== CRITICAL == This server is sending an error to its AOF-loading-client: '${error}' after processing the command '${commandName}'`,
    );
  }

  /** The file was read to its end. @returns whether that is a sound end, or could be made one */
  #finish(): boolean {
    const { log, loadTruncated } = this.options;
    if (!this.#parser.isInsideRecord && !this.#transaction.isOpen) return true;
    if (!loadTruncated) {
      log(
        'warning',
        `Unexpected end of file reading the append only file ${this.#name}. You can: 1) Make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>. 2) Alternatively you can set the 'aof-load-truncated' configuration option to yes and restart the server.`,
      );
      return false;
    }
    if (!this.isLast) {
      log('warning', 'Fatal error: the truncated file is not the last file');
      return false;
    }
    if (this.#transaction.isOpen) log('warning', `Revert incomplete MULTI/EXEC transaction in AOF file ${this.#name}`);
    this.#transaction.discard();
    log('warning', `!!! Warning: short read while loading the AOF file ${this.#name}!!!`);
    log('warning', `!!! Truncating the AOF ${this.#name} at offset ${this.#validUpTo} !!!`);
    const fd = this.fileSystem.openSync(this.#path, 'r+');
    try {
      this.fileSystem.truncateSync(fd, this.#validUpTo);
      this.fileSystem.fsyncSync(fd);
    } finally {
      this.fileSystem.closeSync(fd);
    }
    this.keptBytes = this.#validUpTo;
    log('warning', `AOF ${this.#name} loaded anyway because aof-load-truncated is enabled`);
    return true;
  }
}

/** Reads until at least `least` bytes are there or the file ends: a first read may be short. */
async function readAtLeast(fileSystem: FileSystem, fd: number, chunk: Uint8Array, least: number): Promise<number> {
  let length = 0;
  for (let count = 1; length < least && count > 0; length += count) {
    count = await fileSystem.read(fd, chunk, length, chunk.length - length, null);
  }
  return length;
}
