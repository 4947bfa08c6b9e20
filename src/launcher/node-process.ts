/**
 * One server process of a local cluster. It writes its output straight into the node's log file, not through a pipe, and runs in a process group of its
 * own: so it does not depend on the launcher being alive, and Ctrl-C in the launcher's terminal reaches the launcher alone, which then shuts the
 * nodes down in order.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ClusterFolder } from './cluster-folder.js';
import { LauncherError, messageOf } from './errors.js';

export interface ProcessEnd {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
}

/** The server of this package; the file runs as dist/src/launcher/node-process.js. */
const DEFAULT_SERVER: readonly string[] = [
  process.execPath,
  fileURLToPath(new URL('../../../bin/slotmesh-server.js', import.meta.url)),
];

/**
 * From what size on glibc gets memory as a piece of its own, which goes back to the system when it is freed, bytes. It is the default, but set it stays: else
 * it grows to the size of each such piece that is freed, and what comes next in the place of data that were deleted never goes back.
 */
const ALLOCATOR_ENVIRONMENT = { MALLOC_MMAP_THRESHOLD_: '131072' };

export class NodeProcess {
  /** Resolves when the process has ended; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  private end: ProcessEnd | undefined;

  private constructor(
    readonly port: number,
    private readonly child: ChildProcess,
  ) {
    this.ended = new Promise((resolve) => {
      child.once('exit', (exitCode, signal) => {
        this.end = { exitCode, signal };
        resolve(this.end);
      });
    });
  }

  /** Starts the server of a node with its redis.conf. Throws SERVER_NOT_STARTED when there is no such program. */
  static async start(
    folder: ClusterFolder,
    port: number,
    server: readonly string[] = DEFAULT_SERVER,
  ): Promise<NodeProcess> {
    const [program = '', ...args] = server;
    const log = openSync(folder.logFile(port), 'a');
    try {
      const child = spawn(program, [...args, folder.confFile(port)], {
        cwd: folder.nodeFolder(port),
        env: { ...ALLOCATOR_ENVIRONMENT, ...process.env },
        detached: true,
        stdio: ['ignore', log, log],
      });
      const started = new NodeProcess(port, child);
      await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
      return started;
    } catch (error) {
      throw new LauncherError(
        'SERVER_NOT_STARTED',
        `The server program "${program}" cannot be started: ${messageOf(error)}.`,
        ['Check --server or SLOTMESH_SERVER.'],
        {
          cause: error,
        },
      );
    } finally {
      closeSync(log);
    }
  }

  get pid(): number {
    return this.child.pid!;
  }

  get isRunning(): boolean {
    return this.end === undefined;
  }

  /** How it ended; undefined while it runs. */
  get outcome(): ProcessEnd | undefined {
    return this.end;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Lets this program end while the node goes on. */
  release(): void {
    this.child.unref();
  }
}

/** `exit code 1`, `signal SIGKILL`. */
export function describeEnd(end: ProcessEnd): string {
  return end.signal === null ? `exit code ${end.exitCode}` : `signal ${end.signal}`;
}
