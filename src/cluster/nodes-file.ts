/**
 * nodes.conf on disk: read at start, replaced as a whole at each save, so that a crash leaves the old file or the new one and nothing in between.
 * What is in it: `nodes-conf.ts`. Source: spec/cluster.md 10.2, 10.4.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** @returns the text (one character per byte), '' if there is no file. @throws Error of the file system */
export function readNodesFile(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/**
 * Replaces the file. On return with `fsync` text and name are durable; on failure the old file is untouched.
 * @throws Error of the file system
 */
export function writeNodesFile(file: string, text: string, fsync: boolean): void {
  const temporary = `${file}.tmp-${process.pid}-${Date.now()}`;
  try {
    const fd = openSync(temporary, 'w', 0o644);
    try {
      const bytes = Buffer.from(text, 'latin1');
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      if (fsync) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  if (fsync) syncFolder(dirname(file));
}

function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
