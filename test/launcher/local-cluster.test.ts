/**
 * The launcher as a user meets it: the executable, with real server processes. One cluster is taken through its life, because every start costs seconds;
 * what needs no cluster is tested apart.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ClusterClient } from '../../src/client/cluster-client.js';
import { RespClient } from '../../src/client/resp-client.js';
import { Child } from '../support/child-process.js';
import { consecutivePorts } from '../support/ports.js';
import { temporaryFolder } from '../support/server-process.js';
import { needsServers, repositoryRoot, serverCommand, serversUnderTest } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

const executable = join(repositoryRoot, 'bin', 'slotmesh.js');

for (const kind of serversUnderTest()) {
  const environment = { SLOTMESH_SERVER: serverCommand(kind).join(' ') };
  const skip = needsServers(kind);

  const launch = (folder: string, ...args: string[]): Promise<Child> =>
    Child.start(process.execPath, [executable, 'cluster', ...args], { cwd: folder, env: environment });
  const run = async (
    folder: string,
    ...args: string[]
  ): Promise<{ code: number | null; stdout: string; stderr: string }> => {
    const child = await launch(folder, ...args);
    const { code } = await child.untilExit();
    return { code, stdout: child.stdout, stderr: child.stderr };
  };
  const untilPrinted = (child: Child, text: RegExp): Promise<unknown> =>
    waitFor(() => text.test(child.stdout) || child.exit !== null, {
      what: `the launcher to print ${text}`,
      detail: () => child.stdout + child.stderr,
    }).then(() => assert.match(child.stdout, text, child.stderr));

  describe(`slotmesh cluster with ${kind}`, { skip }, () => {
    const folder = temporaryFolder('launcher');
    let foreground: Child | undefined;
    let firstPort = 0;

    /** Connection to a node; fails if it is not running. */
    const connect = (port: number): Promise<RespClient> =>
      RespClient.connect({ port, password: 'se"cret', connectTimeoutMs: 60_000, commandTimeoutMs: 60_000 });

    /** The nodes outlive a launcher that is killed, so a test run that is broken off must end them itself. */
    const killNodes = (): void => {
      for (const port of readdirSync(join(folder, 'slotmesh-cluster'))) {
        const pidFile = join(folder, 'slotmesh-cluster', port, 'redis.pid');
        if (existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGKILL');
      }
    };
    process.once('exit', () => {
      if (foreground?.exit === null) killNodes();
    });
    after(async () => {
      if (foreground?.exit !== null) return;
      foreground.kill('SIGINT');
      await foreground.untilExit();
    });

    test('start makes a healthy cluster, prints its nodes and what to type next', async () => {
      firstPort = await consecutivePorts(6);
      foreground = await launch(
        folder,
        'start',
        '--port',
        `${firstPort}`,
        '--node-timeout',
        '1500',
        '--password',
        'se"cret',
      );
      await untilPrinted(foreground, /What next:[\s\S]*Ctrl-C/);
      assert.match(foreground.stdout, new RegExp(`${firstPort} +primary +0-5460 .* ok `));
      assert.match(foreground.stdout, new RegExp(`${firstPort + 4} +└ replica +of ${firstPort} .* ok `));
      assert.match(
        readFileSync(join(folder, 'slotmesh-cluster', `${firstPort}`, 'redis.conf'), 'utf8'),
        /^cluster-node-timeout 1500$/m,
      );
    });

    test('status of a healthy cluster ends with exit code 0, found by its folder or by any of its ports', async () => {
      const byFolder = await run(folder, 'status');
      assert.equal(byFolder.code, 0, byFolder.stderr);
      assert.match(byFolder.stdout, /The cluster is healthy/);
      const byPort = await run(
        temporaryFolder('elsewhere'),
        'status',
        '--port',
        `${firstPort + 5}`,
        '--password',
        'se"cret',
      );
      assert.equal(byPort.code, 0, byPort.stderr);
      assert.match(byPort.stdout, new RegExp(`:${firstPort} +primary +0-5460`));
    });

    test('a cluster that runs can be neither started again nor cleaned', async () => {
      for (const command of ['start', 'clean']) {
        const refused = await run(folder, command);
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, /running/);
      }
    });

    test('a primary that crashes is reported, its replica takes over, start-node brings it back as a replica', async () => {
      const port = firstPort + 2;
      const client = await connect(port);
      await assert.rejects(client.call('DEBUG', 'SEGFAULT'));
      client.close();
      await untilPrinted(foreground!, new RegExp(`${port} ended \\(signal SIGSEGV\\)`));
      await untilPrinted(foreground!, new RegExp(`${firstPort + 3} is a primary now, slots 10923-16383`));
      assert.equal((await run(folder, 'status')).code, 1);
      const brought = await run(folder, 'start-node', `${port}`);
      assert.equal(brought.code, 0, brought.stdout + brought.stderr);
      assert.match(brought.stdout, new RegExp(`${port} +└ replica +of ${firstPort + 3}`));
      await untilPrinted(foreground!, new RegExp(`${port} is back`));
    });

    test('SIGINT stops all nodes, also the one that start-node brought back; a second start has the data again', async () => {
      const client = await ClusterClient.connect({
        seeds: [{ host: '127.0.0.1', port: firstPort }],
        password: 'se"cret',
      });
      for (let i = 0; i < 20; i++) await client.call('SET', `key:${i}`, `value:${i}`);
      client.close();
      foreground!.kill('SIGINT');
      assert.deepEqual(
        await foreground!.untilExit(),
        { code: 0, signal: null },
        foreground!.stdout + foreground!.stderr,
      );
      assert.equal((await run(folder, 'status')).code, 1);

      foreground = await launch(folder, 'start');
      await untilPrinted(foreground, /The cluster is healthy/);
      assert.doesNotMatch(foreground.stdout, /Creating/);
      const again = await ClusterClient.connect({
        seeds: [{ host: '127.0.0.1', port: firstPort }],
        password: 'se"cret',
      });
      for (let i = 0; i < 20; i++) assert.equal(await again.call('GET', `key:${i}`), `value:${i}`);
      again.close();
    });

    test('stop from another terminal ends the nodes and the launcher; clean then removes the data and nothing else', async () => {
      const stopped = await run(folder, 'stop');
      assert.equal(stopped.code, 0, stopped.stderr);
      assert.deepEqual(
        await foreground!.untilExit(),
        { code: 0, signal: null },
        foreground!.stdout + foreground!.stderr,
      );
      writeFileSync(join(folder, 'slotmesh-cluster', 'notes.txt'), 'mine');
      const cleaned = await run(folder, 'clean');
      assert.equal(cleaned.code, 0, cleaned.stderr);
      assert.match(cleaned.stdout, /left there: notes.txt/);
      assert.ok(!existsSync(join(folder, 'slotmesh-cluster', `${firstPort}`)));
    });

    test('a node that ends at its start makes start fail with the last lines of its log, and no process is left', async () => {
      const place = temporaryFolder('launcher');
      const port = await consecutivePorts(6);
      const child = await Child.start(
        process.execPath,
        [
          executable,
          'cluster',
          'start',
          '--port',
          `${port}`,
          '--server',
          `${environment.SLOTMESH_SERVER} --no-such-directive x`,
        ],
        { cwd: place },
      );
      assert.equal((await child.untilExit()).code, 1);
      assert.match(child.stderr, /Node \d+ ended while the cluster was starting \(exit code 1\)/);
      assert.match(child.stderr, /server\.log:\n.*\S/);
      await assert.rejects(RespClient.connect({ port, connectTimeoutMs: 1000 }));
    });

    test('a node file that is missing makes start fail and names the file', async () => {
      const place = temporaryFolder('launcher');
      const port = await consecutivePorts(6);
      const child = await launch(place, 'start', '--port', `${port}`, '--dir', 'data');
      await untilPrinted(child, /The cluster is healthy/);
      child.kill('SIGTERM');
      assert.equal((await child.untilExit()).code, 0);
      rmSync(join(place, 'data', `${port + 1}`, 'nodes.conf'));
      const refused = await run(place, 'start', '--dir', 'data');
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, new RegExp(`${port + 1}/nodes.conf is missing`));
      const otherwise = await run(place, 'start', '--dir', 'data', '--primaries', '4');
      assert.match(otherwise.stderr, /was made with --primaries 3/);
    });
  });
}

const run = async (
  folder: string,
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> => {
  const child = await Child.start(process.execPath, [executable, ...args], { cwd: folder });
  const { code } = await child.untilExit();
  return { code, stdout: child.stdout, stderr: child.stderr };
};

test('a port in use, or a bus port, is named before anything is started or written', async () => {
  const folder = temporaryFolder('launcher');
  const port = await consecutivePorts(6);
  for (const taken of [port + 3, port + 10_002]) {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(taken, '127.0.0.1', resolve));
    const refused = await run(folder, 'cluster', 'start', '--port', `${port}`);
    await new Promise((resolve) => other.close(resolve));
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, new RegExp(`Port ${taken}.*in use`));
    assert.ok(!existsSync(join(folder, 'slotmesh-cluster')));
  }
});

test('a folder with other files in it is left alone', async () => {
  const folder = temporaryFolder('launcher');
  mkdirSync(join(folder, 'slotmesh-cluster'));
  writeFileSync(join(folder, 'slotmesh-cluster', 'precious.txt'), 'mine');
  for (const command of ['start', 'stop', 'status', 'clean']) {
    const refused = await run(folder, 'cluster', command);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /was not made by this tool/);
  }
  assert.ok(existsSync(join(folder, 'slotmesh-cluster', 'precious.txt')));
});

test('without a cluster, status, stop, start-node and clean say so', async () => {
  const folder = temporaryFolder('launcher');
  for (const command of [['status'], ['stop'], ['clean'], ['start-node', '7000']]) {
    const refused = await run(folder, 'cluster', ...command);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /There is no cluster in/);
  }
});

test('what cannot be meant is refused with exit code 2 and a hint', async () => {
  const folder = temporaryFolder('launcher');
  const cases: [string[], RegExp][] = [
    [['cluster', 'start', '--primaries', '2'], /at least 3 primaries/],
    [['cluster', 'start', '--port', '60000'], /out of range/],
    [['cluster', 'start', '--port', 'x'], /wants a whole number/],
    [['cluster', 'start', '--host', '0.0.0.0'], /password/],
    [['cluster', 'start', '--nodes', '6'], /--nodes/],
    [['cluster', 'start', 'now'], /"now"/],
    [['cluster', 'begin'], /no command "cluster begin"/],
    [['frobnicate'], /no command "frobnicate"/],
    [[], /Usage: slotmesh/],
  ];
  for (const [args, expected] of cases) {
    const refused = await run(folder, ...args);
    assert.equal(refused.code, 2, args.join(' '));
    assert.match(refused.stderr, expected);
  }
});

test('help and version are there at every level', async () => {
  const folder = temporaryFolder('launcher');
  const cases: [string[], RegExp][] = [
    [['--help'], /cluster[\s\S]*server/],
    [['--version'], /^slotmesh \d+\.\d+\.\d+/],
    [['cluster', '--help'], /start[\s\S]*status[\s\S]*stop[\s\S]*start-node[\s\S]*clean/],
    [['cluster', 'start', '--help'], /--primaries <n>[\s\S]*--node-timeout <ms>/],
    [['cluster', 'clean', '--help'], /--dir <folder>/],
  ];
  for (const [args, expected] of cases) {
    const shown = await run(folder, ...args);
    assert.equal(shown.code, 0, args.join(' '));
    assert.match(shown.stdout, expected);
  }
});
