/**
 * The files of the append-only log on disk (spec/persistence.md 7.2, 7.3, 7.6): their names, the manifest's write protocol, the move of an old single
 * file into the directory, and the deletion of history files.
 *
 * Rules that keep the log whole whenever the process dies:
 *   - a file is listed only after it exists, and removed only after a durable manifest no longer lists it as base or incr;
 *   - a manifest replaces the old one by rename, synced before, with the directory synced after;
 *   - a new file gets a seq above every file of its name pattern, listed or not, and is created exclusively: left-overs of a crash are neither adopted nor
 *     overwritten (Redis does both, and so brings old commands back to life).
 */
import { join } from 'node:path';
import { discardFileSync, errorCode, type FileSystem, strerror, syncDirectory, writeFully } from '../file-system.js';
import type { Log } from '../rdb/rdb-loader.js';
import {
  type AofFile,
  type AofManifest,
  baseName,
  EMPTY_MANIFEST,
  encodeManifest,
  incrName,
  isEmptyManifest,
  parseManifest,
  seqOfName,
  withBase,
} from './manifest.js';

export interface AofPaths {
  /** `dir`, `appenddirname`, `appendfilename`. */
  readonly dir: string;
  readonly appenddirname: string;
  readonly appendfilename: string;
}

const DIRECTORY_MODE = 0o755;
export const AOF_FILE_MODE = 0o644;
const MANIFEST_BYTES_MAX = 16 << 20;

/**
 * A manifest that could not be written. `isReplaced`: the new one has its name already but may not survive a crash of the machine, so the files of both
 * must stay. `code` is stable.
 */
export class ManifestError extends Error {
  readonly code = 'AOF_MANIFEST';

  constructor(
    readonly isReplaced: boolean,
    cause: unknown,
  ) {
    super(`the AOF manifest could not be written: ${strerror(cause)}`, { cause });
  }
}

export class AofDirectory {
  readonly path: string;
  readonly dir: string;
  readonly prefix: string;
  readonly directoryName: string;
  /** What the manifest on disk says. */
  manifest: AofManifest = EMPTY_MANIFEST;
  readonly #fileSystem: FileSystem;
  readonly #log: Log;

  constructor(fileSystem: FileSystem, paths: AofPaths, log: Log) {
    this.#fileSystem = fileSystem;
    this.#log = log;
    this.dir = paths.dir;
    this.prefix = paths.appendfilename;
    this.directoryName = paths.appenddirname;
    this.path = join(paths.dir, paths.appenddirname);
  }

  pathOf(name: string): string {
    return join(this.path, name);
  }

  /** Where the commands go that arrive while the log is being switched on. */
  get enablingIncrPath(): string {
    return this.pathOf(`temp-${this.prefix}.incr`);
  }

  get manifestPath(): string {
    return this.pathOf(`${this.prefix}.manifest`);
  }

  create(): void {
    this.#fileSystem.makeDirectorySync(this.path, DIRECTORY_MODE);
  }

  /** Reads the manifest; a missing one, or a missing directory, is an empty one. @returns false if it is damaged, which is logged */
  readManifest(): boolean {
    const size = this.#fileSystem.sizeSync(this.manifestPath);
    if (size < 0) {
      this.manifest = EMPTY_MANIFEST;
      return true;
    }
    const parsed = parseManifest(this.#readFile(this.manifestPath, Math.min(size, MANIFEST_BYTES_MAX)));
    if (!parsed.ok) {
      for (const line of parsed.logLines) this.#log('warning', line);
      return false;
    }
    this.manifest = parsed.manifest;
    return true;
  }

  /** Makes a manifest the one on disk. @throws ManifestError */
  async persist(manifest: AofManifest): Promise<void> {
    const tempPath = this.pathOf(`temp-${this.prefix}.manifest`);
    let isReplaced = false;
    try {
      const fd = await this.#fileSystem.open(tempPath, 'w', AOF_FILE_MODE);
      try {
        const bytes = encodeManifest(manifest);
        await writeFully(this.#fileSystem, fd, bytes, 0, bytes.length);
        await this.#fileSystem.fdatasync(fd);
      } finally {
        await this.#fileSystem.close(fd);
      }
      await this.#fileSystem.rename(tempPath, this.manifestPath);
      isReplaced = true;
      await syncDirectory(this.#fileSystem, this.path);
    } catch (error) {
      if (!isReplaced) discardFileSync(this.#fileSystem, tempPath);
      throw new ManifestError(isReplaced, error);
    }
    this.manifest = manifest;
  }

  /** A name for a new base file. */
  nextBase(suffix: 'rdb' | 'aof'): AofFile {
    const seq = this.#nextSeq('base');
    return { name: baseName(this.prefix, seq, suffix), seq, type: 'b' };
  }

  nextIncr(): AofFile {
    const seq = this.#nextSeq('incr');
    return { name: incrName(this.prefix, seq), seq, type: 'i' };
  }

  /**
   * Moves a single file of Redis before version 7 into the directory, as its base, if there is one and no log of the new kind yet. A move that a crash
   * interrupted is completed.
   */
  async upgrade(): Promise<void> {
    const oldPath = join(this.dir, this.prefix);
    if (this.#fileSystem.sizeSync(oldPath) < 0) return;
    const isInterrupted =
      this.manifest.base?.name === this.prefix &&
      this.manifest.incr.length === 0 &&
      this.#fileSystem.sizeSync(this.pathOf(this.prefix)) < 0;
    if (!isInterrupted && !isEmptyManifest(this.manifest)) return;
    // A directory of that name is no old log: the AOF directory may carry the name of the file.
    if (oldPath === this.path) return;
    this.create();
    if (!isInterrupted) await this.persist(withBase(EMPTY_MANIFEST, this.prefix, 1));
    this.#fileSystem.renameSync(oldPath, this.pathOf(this.prefix));
    await syncDirectory(this.#fileSystem, this.path);
    await syncDirectory(this.#fileSystem, this.dir);
    this.#log(
      'notice',
      `Successfully migrated an old-style AOF file (${this.prefix}) into the AOF directory (${this.directoryName}).`,
    );
  }

  /** Removes the history files and then their lines. A failure only means that they stay until the next time. */
  async deleteHistory(): Promise<void> {
    const { history } = this.manifest;
    if (history.length === 0) return;
    for (const { name } of history) {
      this.#log('notice', `Removing the history file ${name} in the background`);
      try {
        await this.#fileSystem.unlink(this.pathOf(name));
      } catch (error) {
        if (errorCode(error) === 'ENOENT') continue;
        this.#log('warning', `Failed to remove the history file ${name}: ${strerror(error)}`);
        return;
      }
    }
    try {
      await this.persist({ ...this.manifest, history: [] });
    } catch (error) {
      this.#log('warning', String((error as Error).message));
    }
  }

  /** Names of base and incr files that the manifest does not list: what a crash left behind. */
  unlistedFiles(): string[] {
    const { base, history, incr } = this.manifest;
    const listed = new Set([...(base === null ? [] : [base]), ...history, ...incr].map(({ name }) => name));
    return this.#fileSystem
      .listSync(this.path)
      .filter((name) => seqOfName(this.prefix, name) > 0 && !listed.has(name))
      .sort();
  }

  /** One above every seq of that kind, in the manifest or in a file name. */
  #nextSeq(kind: 'base' | 'incr'): number {
    const { base, history, incr } = this.manifest;
    const bases = [...(base === null ? [] : [base]), ...history.filter(({ name }) => this.#isBase(name))];
    const incrs = [...incr, ...history.filter(({ name }) => !this.#isBase(name))];
    const listed = (kind === 'base' ? bases : incrs).map(({ seq }) => seq);
    const names = this.#fileSystem.listSync(this.path).filter((name) => this.#isBase(name) === (kind === 'base'));
    return Math.max(0, ...listed, ...names.map((name) => seqOfName(this.prefix, name))) + 1;
  }

  /** By its name; an old single file is one. */
  #isBase(name: string): boolean {
    return name === this.prefix || /\.base\.(rdb|aof)$/.test(name);
  }

  #readFile(path: string, size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    const fd = this.#fileSystem.openSync(path, 'r');
    try {
      let length = 0;
      for (let count = 1; length < size && count > 0; length += count) {
        count = this.#fileSystem.readSync(fd, bytes, length, size - length, null);
      }
      return bytes.subarray(0, length);
    } finally {
      this.#fileSystem.closeSync(fd);
    }
  }
}
