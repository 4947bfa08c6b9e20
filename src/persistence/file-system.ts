/**
 * The narrow view of the file system that persistence needs, so that tests can put a fault-injecting one in its place: short writes, a full
 * disk, and a crash before the n-th operation with everything lost that was not synced.
 *
 * Two families. The blocking calls serve start-up, shutdown, SAVE, and the append-only file's own write (one small `write` per event-loop turn,
 * which must be finished before the replies leave). The promise calls serve everything that may take long beside a running server.
 *
 * Paths are plain strings; errors are Node's (`code`, `errno`, `syscall`) and reach the caller unchanged. `strerror` gives the C library's text
 * for them, which is what the log lines and the MISCONF reply show.
 */
import * as fs from 'node:fs';
import { getSystemErrorMap } from 'node:util';

/** `r` read, `r+` read and write, `w` create and truncate, `a` create and append, `ax` create (must not exist) and append. */
export type OpenFlags = 'r' | 'r+' | 'w' | 'a' | 'ax';

export interface FileSystem {
  openSync(path: string, flags: OpenFlags, mode?: number): number;
  closeSync(fd: number): void;
  /** @returns bytes read, 0 at the end of the file; `position` null reads on from the last place */
  readSync(fd: number, target: Uint8Array, start: number, length: number, position: number | null): number;
  /** @returns bytes written, which may be fewer than asked for */
  writeSync(fd: number, source: Uint8Array, start: number, length: number): number;
  truncateSync(fd: number, size: number): void;
  fsyncSync(fd: number): void;
  fdatasyncSync(fd: number): void;
  renameSync(from: string, to: string): void;
  unlinkSync(path: string): void;
  /** Creates one directory; an existing one is no error. */
  makeDirectorySync(path: string, mode: number): void;
  /** @returns size in bytes, −1 if nothing has that name */
  sizeSync(path: string): number;
  /** @returns the names in a directory, in no particular order; none if the directory does not exist */
  listSync(path: string): string[];

  open(path: string, flags: OpenFlags, mode?: number): Promise<number>;
  close(fd: number): Promise<void>;
  read(fd: number, target: Uint8Array, start: number, length: number, position: number | null): Promise<number>;
  write(fd: number, source: Uint8Array, start: number, length: number): Promise<number>;
  fsync(fd: number): Promise<void>;
  fdatasync(fd: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
}

function settle<T>(start: (done: (error: NodeJS.ErrnoException | null, value?: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value as T))));
}

export const nodeFileSystem: FileSystem = {
  openSync: (path, flags, mode) => fs.openSync(path, flags, mode),
  closeSync: (fd) => fs.closeSync(fd),
  readSync: (fd, target, start, length, position) => fs.readSync(fd, target, start, length, position),
  writeSync: (fd, source, start, length) => fs.writeSync(fd, source, start, length),
  truncateSync: (fd, size) => fs.ftruncateSync(fd, size),
  fsyncSync: (fd) => fs.fsyncSync(fd),
  fdatasyncSync: (fd) => fs.fdatasyncSync(fd),
  renameSync: (from, to) => fs.renameSync(from, to),
  unlinkSync: (path) => fs.unlinkSync(path),
  makeDirectorySync(path, mode) {
    try {
      fs.mkdirSync(path, { mode });
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
  },
  sizeSync: (path) => fs.statSync(path, { throwIfNoEntry: false })?.size ?? -1,
  listSync(path) {
    try {
      return fs.readdirSync(path);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  },
  open: (path, flags, mode) => settle((done) => fs.open(path, flags, mode, done)),
  close: (fd) => settle((done) => fs.close(fd, done)),
  read: (fd, target, start, length, position) => settle((done) => fs.read(fd, target, start, length, position, done)),
  write: (fd, source, start, length) => settle((done) => fs.write(fd, source, start, length, null, done)),
  fsync: (fd) => settle((done) => fs.fsync(fd, done)),
  fdatasync: (fd) => settle((done) => fs.fdatasync(fd, done)),
  rename: (from, to) => settle((done) => fs.rename(from, to, done)),
  unlink: (path) => settle((done) => fs.unlink(path, done)),
};

/** Makes a rename, creation or removal in a directory durable. */
export async function syncDirectory(fileSystem: FileSystem, path: string): Promise<void> {
  const fd = await fileSystem.open(path, 'r');
  try {
    await fileSystem.fsync(fd);
  } finally {
    await fileSystem.close(fd);
  }
}

export function syncDirectorySync(fileSystem: FileSystem, path: string): void {
  const fd = fileSystem.openSync(path, 'r');
  try {
    fileSystem.fsyncSync(fd);
  } finally {
    fileSystem.closeSync(fd);
  }
}

/** Writes the whole range, going on after short writes. A device that takes nothing without an error counts as full. */
export async function writeFully(
  fileSystem: FileSystem,
  fd: number,
  source: Uint8Array,
  start: number,
  end: number,
): Promise<void> {
  for (let at = start; at < end; ) {
    const written = await fileSystem.write(fd, source, at, end - at);
    if (written === 0) throw noSpaceError();
    at += written;
  }
}

export function writeFullySync(
  fileSystem: FileSystem,
  fd: number,
  source: Uint8Array,
  start: number,
  end: number,
): void {
  for (let at = start; at < end; ) {
    const written = fileSystem.writeSync(fd, source, at, end - at);
    if (written === 0) throw noSpaceError();
    at += written;
  }
}

function noSpaceError(): NodeJS.ErrnoException {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    errno: -28,
    syscall: 'write',
  });
}

/** Removes a file whose absence is just as well; any failure is left to whoever meets the file next. */
export function discardFileSync(fileSystem: FileSystem, path: string): void {
  try {
    fileSystem.unlinkSync(path);
  } catch {
    // A left-over temporary file costs space, never data.
  }
}

export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

/** The C library's words where libuv's differ by more than the first letter. */
const C_LIBRARY_TEXTS: Readonly<Record<string, string>> = {
  EIO: 'Input/output error',
  EDQUOT: 'Disk quota exceeded',
  EISDIR: 'Is a directory',
  ENOTDIR: 'Not a directory',
  EMFILE: 'Too many open files',
  ENFILE: 'Too many open files in system',
  EROFS: 'Read-only file system',
  EXDEV: 'Invalid cross-device link',
  EBUSY: 'Device or resource busy',
  ENXIO: 'No such device or address',
  EEXIST: 'File exists',
  ENAMETOOLONG: 'File name too long',
  ELOOP: 'Too many levels of symbolic links',
  EBADF: 'Bad file descriptor',
  ENOMEM: 'Cannot allocate memory',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EAFNOSUPPORT: 'Address family not supported by protocol',
};

/** @returns what strerror(3) says for a failed call, e.g. `No space left on device` */
export function strerror(error: unknown): string {
  const code = errorCode(error);
  const fixed = C_LIBRARY_TEXTS[code];
  if (fixed !== undefined) return fixed;
  const errno = error instanceof Error && 'errno' in error ? Number(error.errno) : 0;
  const text = getSystemErrorMap().get(errno)?.[1];
  if (text !== undefined) return text.charAt(0).toUpperCase() + text.slice(1);
  return error instanceof Error ? error.message : String(error);
}
