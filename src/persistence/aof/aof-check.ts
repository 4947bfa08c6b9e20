/**
 * The offline checker of the append-only log (spec/persistence.md 10.2): reads a manifest with its files, or one file of the old style, and words what it
 * meets like redis-check-aof. It can cut off what follows the last sound unit, or everything after a moment in time.
 *
 *   file → [ RDB ] → ( record | comment )* → sound up to …      the end of the last record outside MULTI, or the start of the open MULTI
 *
 * It reads records as redis-check-aof does, which is not quite how a server loads them: header lines are at most 127 bytes, numbers are read as C reads them,
 * MULTI inside of MULTI and EXEC outside are errors. Deliberately different: a cut by time never falls inside of a transaction.
 *
 * A file is changed in one place only (`cut`): when the user said so, it is the last file, and it is as long as when it was read. Memory is constant.
 */
import { dirname, join } from 'node:path';
import { type FileSystem, strerror } from '../file-system.js';
import { isRdbMagic, RDB_MAGIC_BYTES } from '../rdb/opcodes.js';
import { checkRdbFile } from '../rdb/rdb-check.js';
import { FileScan } from './file-scan.js';
import { type AofManifest, liveFiles, parseManifest } from './manifest.js';
import { RecordScan } from './record-scan.js';

/** What the checker needs of its user. */
export interface AofCheckHost {
  print(line: string): void;
  /** Asks a question, which ends without a line end. */
  confirms(question: string): Promise<boolean>;
  /** Unix ms. */
  nowMs(): number;
}

export interface AofCheckOptions {
  /** Cut off damage, after a question. */
  fixes: boolean;
  /** Unix seconds: cut off what is later; 0: nothing. */
  timestamp: number;
}

type Verdict = 'valid' | 'empty' | 'cut' | 'failed';

/** One file of the log, as the report calls it. */
interface CheckedFile {
  readonly name: string;
  readonly path: string;
  readonly isLast: boolean;
  readonly hasRdbPart: boolean;
}

/** An RDB file is at least so long. */
const RDB_BYTES_MIN = 8;
/** The first line that is no comment must begin within so many bytes to make a file a manifest. */
const MANIFEST_HEAD_BYTES = 64 * 1024;
const MANIFEST_BYTES_MAX = 64 * 1024 * 1024;

/** @returns whether all is sound, or has been made so */
export async function checkAof(
  fileSystem: FileSystem,
  path: string,
  options: AofCheckOptions,
  host: AofCheckHost,
): Promise<boolean> {
  return new AofCheck(fileSystem, options, host).run(path);
}

class AofCheck {
  /** Lines over all files, starting at 1. */
  #line = 1;

  constructor(
    readonly fileSystem: FileSystem,
    readonly options: AofCheckOptions,
    readonly host: AofCheckHost,
  ) {}

  async run(path: string): Promise<boolean> {
    const head = this.#readHead(path);
    if (head === null) return false;
    if (isManifest(head)) return this.#checkMultiPart(path);
    this.host.print('Start checking Old-Style AOF');
    const file = { name: path, path, isLast: true, hasRdbPart: this.#beginsWithRdb(path) };
    const verdict = await this.#checkFile(file);
    if (verdict === 'valid' || verdict === 'empty') this.host.print(`AOF ${path} is ${verdict}`);
    return verdict !== 'failed';
  }

  async #checkMultiPart(path: string): Promise<boolean> {
    const { print } = this.host;
    print('Start checking Multi Part AOF');
    const manifest = this.#readManifest(path);
    if (manifest === null) return false;
    const folder = dirname(path);
    const last = liveFiles(manifest).at(-1);
    // As C composes it: `./name`, where the manifest was given by its name alone.
    const pathOf = (name: string): string => (folder === '.' ? `./${name}` : join(folder, name));
    const { base, incr } = manifest;
    if (base !== null) {
      const file = { name: base.name, path: pathOf(base.name), isLast: base === last };
      const hasRdbPart = this.#beginsWithRdb(file.path);
      print(`Start to check BASE AOF (${hasRdbPart ? 'RDB' : 'RESP'} format).`);
      if (!(await this.#checkPart('BASE', { ...file, hasRdbPart }))) return false;
    }
    if (incr.length > 0) print('Start to check INCR files.');
    for (const { name } of incr) {
      const file = { name, path: pathOf(name), isLast: name === last?.name, hasRdbPart: false };
      if (!(await this.#checkPart('INCR', file))) return false;
    }
    print('All AOF files and manifest are valid');
    return true;
  }

  async #checkPart(kind: 'BASE' | 'INCR', file: CheckedFile): Promise<boolean> {
    const verdict = await this.#checkFile(file);
    if (verdict === 'valid' || verdict === 'empty') this.host.print(`${kind} AOF ${file.name} is ${verdict}`);
    return verdict !== 'failed';
  }

  async #checkFile(file: CheckedFile): Promise<Verdict> {
    const { fileSystem, host, options } = this;
    const changes = options.fixes || options.timestamp !== 0;
    let fd: number;
    try {
      fd = fileSystem.openSync(file.path, changes ? 'r+' : 'r');
    } catch (error) {
      host.print(`Cannot open file ${file.path}: ${strerror(error)}, aborting...`);
      return 'failed';
    }
    try {
      const size = Math.max(0, fileSystem.sizeSync(file.path));
      if (size === 0) return 'empty';
      let start = 0;
      if (file.hasRdbPart) {
        const rdb = checkRdbFile(fileSystem, file.path, file.name, host.nowMs(), host.print);
        if (!rdb.isSane) {
          host.print('RDB preamble of AOF file is not sane, aborting.');
          return 'failed';
        }
        host.print('RDB preamble is OK, proceeding with AOF tail...');
        start = rdb.endOffset;
      }
      return await this.#checkRecords(file, fd, start, size);
    } catch (error) {
      host.print(`Cannot read file ${file.path}: ${strerror(error)}, aborting...`);
      return 'failed';
    } finally {
      fileSystem.closeSync(fd);
    }
  }

  async #checkRecords(file: CheckedFile, fd: number, start: number, size: number): Promise<Verdict> {
    const { host } = this;
    const { timestamp, fixes } = this.options;
    const records = new RecordScan(new FileScan(this.fileSystem, fd, start, size), file.name, file.path, this.#line);
    for (;;) {
      const found = records.next();
      if (found === 'end') break;
      if (found !== 'comment' || timestamp === 0) continue;
      const moment = records.timestamp();
      if (moment === null) {
        host.print('Invalid timestamp annotation');
        return 'failed';
      }
      if (moment > timestamp) return this.#cutByTime(file, fd, records, size);
    }
    this.#line = records.line;
    if (records.error !== '') host.print(records.error);
    const { soundUpTo } = records;
    const damaged = size - soundUpTo;
    if (damaged === 0 && timestamp !== 0) {
      host.print(`Truncate nothing in AOF ${file.name} to timestamp ${timestamp}`);
      return 'valid';
    }
    host.print(
      `AOF analyzed: filename=${file.name}, size=${size}, ok_up_to=${soundUpTo}, ok_up_to_line=${records.line}, diff=${damaged}`,
    );
    if (damaged === 0) return 'valid';
    if (!fixes) {
      host.print(`AOF ${file.name} is not valid. Use the --fix option to try fixing it.`);
      return 'failed';
    }
    if (!file.isLast) {
      host.print(`Failed to truncate AOF ${file.name} because it is not the last file`);
      return 'failed';
    }
    host.print(
      `This will shrink the AOF ${file.name} from ${size} bytes, with ${damaged} bytes, to ${soundUpTo} bytes`,
    );
    if (!(await host.confirms('Continue? [y/N]: '))) {
      host.print('Aborting...');
      return 'failed';
    }
    if (!this.#cut(file, fd, size, soundUpTo)) return 'failed';
    host.print(`Successfully truncated AOF ${file.name}`);
    return 'cut';
  }

  #cutByTime(file: CheckedFile, fd: number, records: RecordScan, size: number): Verdict {
    const { host } = this;
    const { timestamp } = this.options;
    // Before an open MULTI: what would be left of the transaction is no unit.
    const at = records.soundUpTo;
    if (at === 0) {
      host.print(`AOF ${file.path} has nothing before timestamp ${timestamp}, aborting...`);
      return 'failed';
    }
    if (!file.isLast) {
      host.print(
        `Failed to truncate AOF ${file.path} to timestamp ${timestamp} to offset ${at} because it is not the last file.`,
      );
      host.print(
        'If you insist, please delete all files after this file according to the manifest file and delete the corresponding records in manifest file manually. Then re-run redis-check-aof.',
      );
      return 'failed';
    }
    if (!this.#cut(file, fd, size, at)) return 'failed';
    host.print(`Successfully truncated AOF ${file.name} to timestamp ${timestamp}`);
    return 'cut';
  }

  /** @param size  of the file when it was read: a server that appends to it meanwhile must not lose what it has acknowledged */
  #cut({ name, path }: CheckedFile, fd: number, size: number, at: number): boolean {
    const { fileSystem, host } = this;
    if (fileSystem.sizeSync(path) !== size) {
      host.print(`Failed to truncate AOF ${name}: it has changed since it was read. Is a server using it?`);
      return false;
    }
    try {
      fileSystem.truncateSync(fd, at);
      fileSystem.fsyncSync(fd);
      return true;
    } catch (error) {
      host.print(`Failed to truncate AOF ${name}: ${strerror(error)}`);
      return false;
    }
  }

  /** @returns the first bytes of the file, or null, which has been told */
  #readHead(path: string): string | null {
    const { fileSystem, host } = this;
    let fd: number;
    try {
      fd = fileSystem.openSync(path, 'r');
    } catch (error) {
      host.print(`Cannot open file ${path}: ${strerror(error)}`);
      return null;
    }
    try {
      const bytes = new Uint8Array(MANIFEST_HEAD_BYTES);
      const length = fileSystem.readSync(fd, bytes, 0, bytes.length, 0);
      return Buffer.from(bytes.buffer, 0, length).toString('latin1');
    } catch {
      host.print(`Cannot read file: ${path}`);
      return null;
    } finally {
      fileSystem.closeSync(fd);
    }
  }

  #beginsWithRdb(path: string): boolean {
    try {
      if (this.fileSystem.sizeSync(path) < RDB_BYTES_MIN) return false;
      const fd = this.fileSystem.openSync(path, 'r');
      try {
        const bytes = new Uint8Array(RDB_MAGIC_BYTES);
        this.fileSystem.readSync(fd, bytes, 0, bytes.length, 0);
        return isRdbMagic(bytes);
      } finally {
        this.fileSystem.closeSync(fd);
      }
    } catch {
      // Told when the file is opened for its check.
      return false;
    }
  }

  #readManifest(path: string): AofManifest | null {
    const { fileSystem, host } = this;
    const fd = fileSystem.openSync(path, 'r');
    let bytes: Uint8Array;
    try {
      const size = Math.min(fileSystem.sizeSync(path), MANIFEST_BYTES_MAX);
      bytes = new Uint8Array(size);
      let length = 0;
      for (let count = 1; count > 0 && length < size; length += count)
        count = fileSystem.readSync(fd, bytes, length, size - length, length);
      bytes = bytes.subarray(0, length);
    } finally {
      fileSystem.closeSync(fd);
    }
    const parsed = parseManifest(bytes);
    if (parsed.ok) return parsed.manifest;
    for (const line of parsed.logLines) host.print(line);
    return null;
  }
}

/** A manifest's first line that is no comment names a file. */
function isManifest(head: string): boolean {
  const first = head.split('\n').find((line) => !line.startsWith('#'));
  return first?.startsWith('file') ?? false;
}
