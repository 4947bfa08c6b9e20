/**
 * A file system in memory that can fail and crash: for tests of what is on disk after any operation.
 *
 * What has happened and what is durable are kept apart. File contents are durable up to the last fsync of the file; names are durable in the order in which
 * they changed (as a journal keeps them), up to the last change that an fsync of its directory covers. `afterPowerLoss` gives what a machine may find
 * then: for each file its synced bytes and some prefix of the rest, of the name changes some prefix that includes the synced ones. `afterKill` gives everything
 * that had happened: the page cache survives the process.
 *
 * `onOperation` sees each operation before it happens and may throw in its place, shorten a write, or crash the "machine": from then on nothing
 * happens any more, blocking calls throw, promises never settle.
 */
import { dirname } from 'node:path';
import type { FileSystem, OpenFlags } from '../../src/persistence/file-system.js';
import type { Random } from '../support/fuzz.js';

class Content {
  bytes: Uint8Array = new Uint8Array(0);
  syncedBytes: Uint8Array = new Uint8Array(0);
}

interface NameChange {
  directories: readonly string[];
  apply: (names: Map<string, Content>) => void;
}

export interface Operation {
  name: string;
  path: string;
  /** Of a write. */
  length: number;
}

export type Fault = 'crash' | { shortWrite: number } | undefined;

function systemError(code: string, errno: number): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected`), { code, errno });
}

export const noSpace = () => systemError('ENOSPC', -28);
export const ioError = () => systemError('EIO', -5);

export class Crash extends Error {}

export class MemoryFileSystem implements FileSystem {
  operationCount = 0;
  isCrashed = false;
  onOperation: (operation: Operation, index: number) => Fault = () => undefined;
  readonly #directories = new Set<string>(['/']);
  #names = new Map<string, Content>();
  #durableNames = new Map<string, Content>();
  #changes: NameChange[] = [];
  readonly #open = new Map<number, { path: string; content: Content | null; position: number; appends: boolean }>();
  #nextFd = 10;

  constructor(files: Record<string, Uint8Array | string> = {}) {
    for (const [path, bytes] of Object.entries(files)) this.put(path, bytes);
  }

  /** Puts a durable file in place, with its directories. */
  put(path: string, bytes: Uint8Array | string): void {
    const content = new Content();
    content.bytes = new Uint8Array(Buffer.from(bytes as string, 'latin1'));
    content.syncedBytes = content.bytes.slice();
    this.#names.set(path, content);
    this.#durableNames.set(path, content);
    for (let each = dirname(path); !this.#directories.has(each); each = dirname(each)) this.#directories.add(each);
  }

  paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  text(path: string): string {
    const content = this.#names.get(path);
    if (content === undefined) throw new Error(`no file ${path}`);
    return Buffer.from(content.bytes).toString('latin1');
  }

  afterKill(): MemoryFileSystem {
    return this.#rebuilt(this.#names, (content) => content.bytes);
  }

  afterPowerLoss(random: Random): MemoryFileSystem {
    const names = new Map(this.#durableNames);
    for (const change of this.#changes.slice(0, random.below(this.#changes.length + 1))) change.apply(names);
    return this.#rebuilt(names, ({ bytes, syncedBytes }) => {
      const isPrefix = syncedBytes.every((byte, i) => bytes[i] === byte) && syncedBytes.length <= bytes.length;
      if (!isPrefix) return random.below(2) === 0 ? syncedBytes : bytes;
      return bytes.slice(0, syncedBytes.length + random.below(bytes.length - syncedBytes.length + 1));
    });
  }

  #rebuilt(names: Map<string, Content>, bytesOf: (content: Content) => Uint8Array): MemoryFileSystem {
    const next = new MemoryFileSystem();
    for (const each of this.#directories) next.#directories.add(each);
    for (const [path, content] of names) next.put(path, bytesOf(content));
    return next;
  }

  #fault(name: string, path: string, length = 0): Fault {
    if (this.isCrashed) throw new Crash();
    const fault = this.onOperation({ name, path, length }, this.operationCount++);
    if (fault === 'crash') {
      this.isCrashed = true;
      throw new Crash();
    }
    return fault;
  }

  #change(directories: string[], apply: NameChange['apply']): void {
    apply(this.#names);
    this.#changes.push({ directories, apply });
  }

  #file(fd: number) {
    const file = this.#open.get(fd);
    if (file === undefined) throw systemError('EBADF', -9);
    return file;
  }

  openSync(path: string, flags: OpenFlags): number {
    this.#fault('open', path);
    const fd = this.#nextFd++;
    if (this.#directories.has(path)) {
      this.#open.set(fd, { path, content: null, position: 0, appends: false });
      return fd;
    }
    let content = this.#names.get(path);
    if (content === undefined) {
      if (flags === 'r' || flags === 'r+' || !this.#directories.has(dirname(path))) throw systemError('ENOENT', -2);
      content = new Content();
      const created = content;
      this.#change([dirname(path)], (names) => names.set(path, created));
    } else if (flags === 'ax') {
      throw systemError('EEXIST', -17);
    } else if (flags === 'w') {
      content.bytes = new Uint8Array(0);
    }
    this.#open.set(fd, { path, content, position: 0, appends: flags === 'a' || flags === 'ax' });
    return fd;
  }

  closeSync(fd: number): void {
    this.#fault('close', this.#file(fd).path);
    this.#open.delete(fd);
  }

  readSync(fd: number, target: Uint8Array, start: number, length: number, position: number | null): number {
    const file = this.#file(fd);
    this.#fault('read', file.path);
    const from = position ?? file.position;
    const bytes = file.content!.bytes.subarray(from, from + length);
    target.set(bytes, start);
    if (position === null) file.position += bytes.length;
    return bytes.length;
  }

  writeSync(fd: number, source: Uint8Array, start: number, length: number): number {
    const file = this.#file(fd);
    const fault = this.#fault('write', file.path, length);
    const count = typeof fault === 'object' ? Math.min(fault.shortWrite, length) : length;
    const content = file.content!;
    const at = file.appends ? content.bytes.length : file.position;
    const next = new Uint8Array(Math.max(content.bytes.length, at + count));
    next.set(content.bytes);
    next.set(source.subarray(start, start + count), at);
    content.bytes = next;
    file.position = at + count;
    return count;
  }

  truncateSync(fd: number, size: number): void {
    const file = this.#file(fd);
    this.#fault('truncate', file.path);
    const bytes = new Uint8Array(size);
    bytes.set(file.content!.bytes.subarray(0, size));
    file.content!.bytes = bytes;
  }

  fsyncSync(fd: number): void {
    const file = this.#file(fd);
    this.#fault('fsync', file.path);
    if (file.content !== null) {
      file.content.syncedBytes = file.content.bytes.slice();
      return;
    }
    const covered = this.#changes.findLastIndex(({ directories }) => directories.includes(file.path)) + 1;
    for (const change of this.#changes.splice(0, covered)) change.apply(this.#durableNames);
  }

  fdatasyncSync(fd: number): void {
    const file = this.#file(fd);
    this.#fault('fdatasync', file.path);
    file.content!.syncedBytes = file.content!.bytes.slice();
  }

  renameSync(from: string, to: string): void {
    this.#fault('rename', to);
    const content = this.#names.get(from);
    if (content === undefined) throw systemError('ENOENT', -2);
    this.#change([dirname(from), dirname(to)], (names) => {
      names.delete(from);
      names.set(to, content);
    });
  }

  unlinkSync(path: string): void {
    this.#fault('unlink', path);
    if (!this.#names.has(path)) throw systemError('ENOENT', -2);
    this.#change([dirname(path)], (names) => names.delete(path));
  }

  makeDirectorySync(path: string): void {
    this.#fault('mkdir', path);
    this.#directories.add(path);
  }

  sizeSync(path: string): number {
    return this.#names.get(path)?.bytes.length ?? -1;
  }

  listSync(path: string): string[] {
    return this.paths()
      .filter((each) => dirname(each) === path)
      .map((each) => each.slice(path.length + 1));
  }

  open = (path: string, flags: OpenFlags) => this.#later(() => this.openSync(path, flags));
  close = (fd: number) => this.#later(() => this.closeSync(fd));
  read = (fd: number, target: Uint8Array, start: number, length: number, position: number | null) =>
    this.#later(() => this.readSync(fd, target, start, length, position));
  write = (fd: number, source: Uint8Array, start: number, length: number) =>
    this.#later(() => this.writeSync(fd, source, start, length));
  fsync = (fd: number) => this.#later(() => this.fsyncSync(fd));
  fdatasync = (fd: number) => this.#later(() => this.fdatasyncSync(fd));
  rename = (from: string, to: string) => this.#later(() => this.renameSync(from, to));
  unlink = (path: string) => this.#later(() => this.unlinkSync(path));

  /** Does it in a later turn; after a crash the promise never settles, as nobody is there to see it. */
  #later<T>(action: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      setImmediate(() => {
        if (this.isCrashed) return;
        try {
          resolve(action());
        } catch (error) {
          if (!(error instanceof Crash)) reject(error as Error);
        }
      });
    });
  }
}
