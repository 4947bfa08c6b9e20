/**
 * The lock on nodes.conf: one process at a time, whatever way the last one ended.
 *
 * Two processes with one nodes.conf would speak with one node id: votes given twice, slots claimed by both. Node.js has no flock, and a pid in a file
 * cannot be told from a new process with the same number (in a container every server is pid 1). What the kernel does take back from a killed process is a
 * listening socket. So the owner listens on a Unix socket beside the file; who can connect to it knows that the owner lives, and a refused connection
 * is a leftover. Such sockets are found by inode, so the lock holds between containers that share the folder, too.
 *
 *   1. Listen on a socket with a random name, then give it the name `<file>.lock-<random>`: under that name it has been answering from its first moment.
 *   2. Look for other sockets of that pattern. One that answers: the file is in use; take the own one away. One that refuses: remove it.
 *
 * Each name is used once, so removing a leftover never hits a living lock. Two processes that start in the same instant may both give way, never both go on.
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { basename, dirname, join } from 'node:path';

/** Longest path of a Unix socket (bytes) on all systems. */
const SOCKET_PATH_MAX = 103;

export type LockResult =
  | { kind: 'locked'; release: () => void }
  | { kind: 'in-use' }
  /** The file system cannot hold sockets, or the path is too long for one: there is no lock. */
  | { kind: 'unavailable'; reason: string };

/** @param file  path of nodes.conf; a short relative path works where the absolute one would be too long for a socket */
export async function lockNodesConf(file: string): Promise<LockResult> {
  const prefix = `${basename(file)}.lock-`;
  const folder = dirname(file);
  const name = prefix + randomBytes(6).toString('hex');
  const path = join(folder, name);
  const listener = await listen(`${path}~`);
  if (listener instanceof Error) return { kind: 'unavailable', reason: listener.message };
  const release = (): void => {
    listener.close();
    rmSync(path, { force: true });
  };
  renameSync(`${path}~`, path);
  const others = readdirSync(folder).filter((other) => other.startsWith(prefix) && other !== name);
  for (const other of others) {
    // A socket under its first name belongs to someone who is about to do what we do; it will find ours.
    if (other.endsWith('~')) continue;
    if (await answers(join(folder, other))) {
      release();
      return { kind: 'in-use' };
    }
    rmSync(join(folder, other), { force: true });
  }
  return { kind: 'locked', release };
}

function listen(path: string): Promise<Server | Error> {
  if (Buffer.byteLength(path) > SOCKET_PATH_MAX) {
    return Promise.resolve(new Error(`the path ${path} is too long for a Unix socket`));
  }
  return new Promise((resolve) => {
    const listener = createServer((socket) => socket.destroy());
    listener.once('error', resolve);
    listener.listen(path, () => {
      listener.off('error', resolve);
      // The lock must not keep a process alive that has nothing else to do.
      listener.unref();
      resolve(listener);
    });
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    // Refused: nobody listens any more. Anything else (no permission, too busy) does not prove that, so it counts as alive.
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}
