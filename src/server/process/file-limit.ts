/**
 * How many clients the operating system lets us have: every one needs a file descriptor. Node.js raises the limit of its process as far as it may
 * when it starts, so what is left to do is to live with it.
 *
 * Source: spec/server.md 6.3; texts as the real server has them.
 */
import { readFileSync } from 'node:fs';

/** Descriptors that are not for clients: listeners, files of persistence, the runtime's own. */
const RESERVED_FILES = 32;

/** @returns the limit of open files; Infinity if it is not known */
export function openFilesLimit(limitsFile = '/proc/self/limits'): number {
  try {
    const match = /^Max open files\s+(\d+)/m.exec(readFileSync(limitsFile, 'utf8'));
    return match === null ? Number.POSITIVE_INFINITY : Number(match[1]);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** For CONFIG SET maxclients. @returns the reason of a refusal, or null */
export function checkMaxclients(maxclients: number, filesLimit = openFilesLimit()): string | null {
  const possible = filesLimit - RESERVED_FILES;
  if (maxclients <= possible) return null;
  return `The operating system is not able to handle the specified number of clients, try with ${possible}`;
}

export interface MaxclientsAtStart {
  /** What is possible; 0 if that is too little to start. */
  readonly maxclients: number;
  /** What to log as warnings. */
  readonly warnings: readonly string[];
}

/** For the start, where too many clients are no reason to stop. */
export function fitMaxclients(wanted: number, filesLimit = openFilesLimit()): MaxclientsAtStart {
  const needed = wanted + RESERVED_FILES;
  if (needed <= filesLimit) return { maxclients: wanted, warnings: [] };
  if (filesLimit <= RESERVED_FILES) {
    const advice = `Please increase your open file limit to at least ${needed}. Exiting.`;
    return {
      maxclients: 0,
      warnings: [`Your current 'ulimit -n' of ${filesLimit} is not enough for the server to start. ${advice}`],
    };
  }
  const maxclients = filesLimit - RESERVED_FILES;
  return {
    maxclients,
    warnings: [
      `You requested maxclients of ${wanted} requiring at least ${needed} max file descriptors.`,
      `Current maximum open files is ${filesLimit}. maxclients has been reduced to ${maxclients} to compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'.`,
    ],
  };
}
