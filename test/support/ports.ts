/**
 * Free ports for servers under test. A process claims a block of ports by a lock file that holds its pid, so that test files which run at the same
 * time never get the same port; a block whose owner is gone is taken over. Blocks lie in 11000–15999, the cluster bus ports that go with them in
 * 21000–25999: both below the range from which the kernel picks ports for outgoing connections, and disjoint.
 */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from './child-process.js';

const FIRST_PORT = 11000;
const BLOCK_PORTS = 50;
const BLOCK_COUNT = 100;
const BUS_PORT_INCREMENT = 10000;
const lockFolder = join(tmpdir(), 'slotmesh-test-ports');

const claimedLocks: string[] = [];
const freePorts: number[] = [];

process.on('exit', () => {
  for (const path of claimedLocks) rmSync(path, { force: true });
});

/** A port that nobody listens on, nor on the port 10000 above it. No other call, in any process, gets the same one while this process lives. */
export async function freePort(): Promise<number> {
  for (;;) {
    if (freePorts.length === 0) claimBlock();
    const port = freePorts.shift()!;
    if ((await canListen(port)) && (await canListen(port + BUS_PORT_INCREMENT))) return port;
  }
}

function claimBlock(): void {
  mkdirSync(lockFolder, { recursive: true });
  for (let turn = 0; turn < BLOCK_COUNT; turn++) {
    const block = (process.pid + turn) % BLOCK_COUNT;
    const path = join(lockFolder, `block-${block}`);
    if (claimedLocks.includes(path) || !(tryLock(path) || (isAbandoned(path) && tryLock(path)))) continue;
    claimedLocks.push(path);
    for (let at = 0; at < BLOCK_PORTS; at++) freePorts.push(FIRST_PORT + block * BLOCK_PORTS + at);
    return;
  }
  throw new Error(`No free block of ports; locks are in ${lockFolder}`);
}

function tryLock(path: string): boolean {
  try {
    const file = openSync(path, 'wx');
    writeSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch {
    return false;
  }
}

/** Removes the lock if its owner is dead. A file without a pid belongs to somebody who is just writing it. */
function isAbandoned(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    if (pid > 0 && isAlive(pid)) return false;
    if (pid === 0) return false;
    rmSync(path, { force: true });
    return true;
  } catch {
    return true;
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** @returns the first of `count` free ports in a row */
export async function consecutivePorts(count: number): Promise<number> {
  let first = await freePort();
  for (let last = first; last < first + count - 1; ) {
    const next = await freePort();
    if (next !== last + 1) first = next;
    last = next;
  }
  return first;
}
