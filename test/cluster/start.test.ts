/** How a process becomes a cluster node, and when it refuses to. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { Child } from '../support/child-process.js';
import { clusterNode, viewOfMyself } from '../support/cluster.js';
import { freePort } from '../support/ports.js';
import { ServerProcess, temporaryFolder } from '../support/server-process.js';
import { serverCommand } from '../support/tools.js';

const servers: ServerProcess[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => server.dispose())));

async function startNode(config: Record<string, string | number> = {}): Promise<ServerProcess> {
  const server = await ServerProcess.start(
    clusterNode('slotmesh', { nodeTimeoutMs: 1000, config: { appendonly: 'no', ...config } }),
  );
  servers.push(server);
  return server;
}

/** Runs our server until it ends by itself. @returns its exit code and output */
async function runToEnd(...options: (string | number)[]): Promise<{ code: number | null; output: string }> {
  const [program, ...args] = serverCommand('slotmesh');
  const folder = temporaryFolder('cluster-start');
  const child = await Child.start(
    program,
    [...args, '--dir', folder, '--cluster-enabled', 'yes', ...options.map(String)],
    {
      cwd: folder,
    },
  );
  const { code } = await child.untilExit();
  return { code, output: child.stdout + child.stderr };
}

test('a killed node comes back with its id, slots and epoch, and its lock does not stand in its way', async () => {
  const node = await startNode();
  await node.call('CLUSTER', 'ADDSLOTSRANGE', 0, 100);
  await node.call('CLUSTER', 'BUMPEPOCH');
  const before = await viewOfMyself(node);
  await node.kill();
  await node.restart();
  const { id, configEpoch, slotRanges } = await viewOfMyself(node);
  assert.deepEqual([id, configEpoch, slotRanges], [before.id, 1, [[0, 100]]]);
  await node.stop();
  assert.deepEqual(
    readdirSync(node.folder).filter((name) => name.includes('lock')),
    [],
    'nothing is left of the lock',
  );
});

test('a second node on the same nodes.conf is refused, the first goes on', async () => {
  const node = await startNode();
  const { code, output } = await runToEnd('--dir', node.folder, '--port', await freePort());
  assert.equal(code, 1);
  assert.match(output, /the cluster configuration file nodes\.conf is already used by a different Redis Cluster node/);
  assert.equal(await node.call('PING'), 'PONG');
});

test('a damaged nodes.conf is refused, and the log says which line', async () => {
  const node = await startNode();
  await node.stop();
  const file = join(node.folder, 'nodes.conf');
  const text = readFileSync(file, 'latin1');
  writeFileSync(file, text.replace('myself,master', 'myself,mister'));
  const { code, output } = await runToEnd('--dir', node.folder, '--port', await freePort());
  assert.equal(code, 1);
  assert.match(output, /nodes\.conf, line 1: /);
  assert.match(output, /Unrecoverable error: corrupted cluster config file "[0-9a-f]{40} .*mister/);
});

test('a node started with another port and file tells its new address', async () => {
  const node = await startNode();
  await node.stop();
  const moved = await startNode({ 'cluster-config-file': 'other.conf' });
  assert.ok(existsSync(join(moved.folder, 'other.conf')));
  await moved.stop();
  copyFileSync(join(node.folder, 'nodes.conf'), join(moved.folder, 'other.conf'));
  await moved.restart();
  assert.equal((await viewOfMyself(moved)).port, moved.port);
  assert.match(await moved.text('CLUSTER', 'NODES'), new RegExp(`:${moved.port}@${moved.port + 10000} myself`));
});

/** A port that nobody listens on or speaks from; those so high are given to outgoing connections, too. */
async function freePortAbove(limit: number): Promise<number> {
  for (let port = 65_535; port > limit; port--) {
    const listener = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      listener.once('error', () => resolve(false));
      listener.listen(port, () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => listener.close(resolve));
    return port;
  }
  throw new Error(`no port above ${limit} is free`);
}

test('a port that leaves no room for the bus is refused, one with a bus port of its own is not', async () => {
  const refused = await runToEnd('--port', await freePortAbove(55_535));
  assert.equal(refused.code, 1);
  assert.match(refused.output, /Redis port number too high\..*must be 55535 or less\./);
  const busPort = await freePort();
  const node = await startNode({ 'cluster-port': busPort });
  assert.match(await node.text('CLUSTER', 'NODES'), new RegExp(`:${node.port}@${busPort} myself`));
});

test('a bus port in use is refused', async () => {
  const node = await startNode();
  const { code, output } = await runToEnd('--port', await freePort(), '--cluster-port', node.port);
  assert.equal(code, 1);
  assert.match(output, new RegExp(`Failed listening on port ${node.port} \\(cluster\\), aborting\\.`));
});
