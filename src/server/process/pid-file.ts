/**
 * The pid file: written when the server starts, removed when it ends in good order. A failure to write it is only logged, as in Redis.
 *
 * Source: spec/server.md 28.1, 28.5.
 */
import { unlinkSync, writeFileSync } from 'node:fs';
import { strerror } from '../../persistence/file-system.js';

/** Where a daemon writes its pid if the configuration does not say. */
export const DEFAULT_PID_FILE = '/var/run/redis.pid';

/**
 * @param path  absolute
 * @returns     what to log if it cannot be written, else null
 */
export function createPidFile(path: string): string | null {
  try {
    writeFileSync(path, `${process.pid}\n`, { mode: 0o644 });
    return null;
  } catch (error) {
    return `Failed to write PID file: ${strerror(error)}`;
  }
}

/** @returns whether there was one to remove */
export function removePidFile(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch {
    return false;
  }
}
