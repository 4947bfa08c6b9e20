/** Which programs the tests can use: the real ones found on this machine, and our own server. */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Test files run from dist/test/…; the repository is three levels above this one. */
export const repositoryRoot = fileURLToPath(new URL('../../..', import.meta.url));

/** The programs of the real servers that tests start: Redis 7.0.15, and Redis 8.0 and Valkey 8.1 where scripts/newer-servers.sh has brought them. */
const REAL_SERVERS = { redis: 'redis-server', 'redis-8': 'redis-server-8', 'valkey-8': 'valkey-server-8' } as const;

/** Whose server a test starts: a real one or ours. */
export type RealServerKind = keyof typeof REAL_SERVERS;
export type ServerKind = RealServerKind | 'slotmesh';

const ourServer = join(repositoryRoot, 'bin', 'slotmesh-server.js');

/** The program and leading arguments that start a server. */
export function serverCommand(kind: ServerKind): [program: string, ...args: string[]] {
  return kind === 'slotmesh' ? [process.execPath, ourServer] : [REAL_SERVERS[kind]];
}

/** Full path of a program on PATH, or null. */
export function findProgram(name: string): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return null;
}

/**
 * For the `skip` option of a test: false when everything named is there, else the reason, which names what is missing. `slotmesh` means our server.
 */
export function needs(...names: string[]): false | string {
  const missing = names.filter((name) => (name === 'slotmesh' ? !existsSync(ourServer) : findProgram(name) === null));
  return missing.length === 0 ? false : `needs ${missing.join(', ')}, not found`;
}

/** `needs` for the servers of a test. */
export function needsServers(...kinds: ServerKind[]): false | string {
  return needs(...new Set(kinds.map((kind) => (kind === 'slotmesh' ? kind : REAL_SERVERS[kind]))));
}

/**
 * The servers an end-to-end test is run with: ours. `SLOTMESH_TEST_SERVERS=redis` (or `redis,slotmesh`) runs the same test with the real server, which
 * is how a new test proves itself.
 */
export function serversUnderTest(): ServerKind[] {
  const names = (process.env['SLOTMESH_TEST_SERVERS'] ?? 'slotmesh').split(',');
  for (const name of names)
    if (name !== 'redis' && name !== 'slotmesh')
      throw new Error(`SLOTMESH_TEST_SERVERS: no server is called "${name}"`);
  return names as ServerKind[];
}

/** Whether the long forms of tests are to be run: `SLOTMESH_TEST_LONG=1`. */
export const longRun = process.env['SLOTMESH_TEST_LONG'] === '1';
