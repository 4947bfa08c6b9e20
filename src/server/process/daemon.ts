/**
 * Running in the background. Node.js cannot fork, so the server starts itself once more: in a session of its own, with standard input and output on
 * /dev/null. The first process has read the whole configuration by then, so that a mistake is still reported to whoever started it, and ends
 * with 0. A supervised server is never put into the background: the supervisor watches the process that it started.
 *
 * Source: spec/server.md 28.1.
 */
import { spawn } from 'node:child_process';

/** Tells the second process that it is the one. Taken out of its environment at once, so that its own children do not inherit it. */
const MARK = 'SLOTMESH_DAEMON';

/** Whether this process is the background one. True once: the mark is taken away. */
export function takeDaemonMark(): boolean {
  const marked = process.env[MARK] === '1';
  delete process.env[MARK];
  return marked;
}

/**
 * Starts this program again in the background, with the same arguments.
 * @param directory  the working directory of the start: relative names in the arguments start there
 * @param input      what was read from standard input, to be read again; byte string, empty if nothing was
 * @returns          once the process runs; its pid
 * @throws Error     if it cannot be started
 */
export function startDaemon(directory: string, input: string): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    cwd: directory,
    detached: true,
    env: { ...process.env, [MARK]: '1' },
    stdio: [input === '' ? 'ignore' : 'pipe', 'ignore', 'ignore'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => {
      child.unref();
      // Should it end before it has read everything, it has said why in its log.
      child.stdin?.once('error', () => resolve(child.pid!));
      if (child.stdin === null) resolve(child.pid!);
      else child.stdin.end(input, 'latin1', () => resolve(child.pid!));
    });
  });
}
