/**
 * Free ports for servers under test. A process claims a block of ports by listening on its first one, so that test files which run at the same time never
 * get the same port, and a block is free again when its owner has ended, however it ended. Blocks lie in 11025–15974, the cluster bus ports that go with
 * them in 21025–25974: both below the range from which the kernel picks ports for outgoing connections, and disjoint.
 */
import { createServer, type Server } from 'node:net';

const FIRST_PORT = 11_025;
const BLOCK_PORTS = 50;
const BLOCK_COUNT = 99;
const BUS_PORT_INCREMENT = 10_000;

/** Of the claimed blocks, what was not given out. */
const unusedPorts: number[] = [];
let claiming: Promise<void> | null = null;

/** A port that nobody listens on, nor on the port 10000 above it. No other call, in any process, gets the same one while this process lives. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = unusedPorts.shift();
    if (port === undefined) {
      claiming ??= claimBlock().finally(() => {
        claiming = null;
      });
      await claiming;
    } else if ((await canListen(port)) && (await canListen(port + BUS_PORT_INCREMENT))) {
      return port;
    }
  }
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

async function claimBlock(): Promise<void> {
  for (let turn = 0; turn < BLOCK_COUNT; turn++) {
    const block = (process.pid + turn) % BLOCK_COUNT;
    const first = FIRST_PORT + block * BLOCK_PORTS;
    const claim = await listen(first);
    if (claim === null) continue;
    claim.unref();
    for (let at = 1; at < BLOCK_PORTS; at++) unusedPorts.push(first + at);
    return;
  }
  throw new Error(`no free block of ports from ${FIRST_PORT} on`);
}

async function canListen(port: number): Promise<boolean> {
  const server = await listen(port);
  if (server !== null) await new Promise((resolve) => server.close(resolve));
  return server !== null;
}

function listen(port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
