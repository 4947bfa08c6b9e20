/** `slotmesh-create-cluster` from start to clean, with our server and with redis-server's executable. */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { isAlive } from '../support/child-process.js';
import { consecutivePorts } from '../support/ports.js';
import { runTool, type Tool } from '../support/run-tool.js';
import { temporaryFolder } from '../support/server-process.js';
import { findProgram, needs, repositoryRoot } from '../support/tools.js';
import { waitFor } from '../support/wait-for.js';

const tool: Tool = [process.execPath, join(repositoryRoot, 'bin', 'slotmesh-create-cluster.js')];
const NODES = 3;

for (const server of ['slotmesh', 'redis-server']) {
  test(`create-cluster with ${server}: start, create, call, stop, clean`, { skip: needs(server) }, async () => {
    const folder = temporaryFolder('create-cluster');
    const first = await consecutivePorts(NODES);
    const ports = Array.from({ length: NODES }, (_, at) => first + at);
    const binPath = server === 'slotmesh' ? '' : `BIN_PATH=${dirname(findProgram(server)!)}\n`;
    writeFileSync(
      join(folder, 'config.sh'),
      `${binPath}PORT=${first - 1}\nNODES=${NODES}\nREPLICAS=0\nADDITIONAL_OPTIONS="--maxclients 100"\n`,
    );
    const run = async (...words: string[]): Promise<string> => {
      const { code, stdout, stderr } = await runTool(tool, words, { cwd: folder, env: { HOME: folder } });
      assert.equal(code, 0, `${words.join(' ')}: ${stdout}${stderr}`);
      return stdout;
    };
    let pids: number[] = [];
    try {
      assert.equal(await run('start'), ports.map((port) => `Starting ${port}\n`).join(''));
      await waitFor(async () => (await run('call', 'ping')) === 'PONG\n'.repeat(NODES), { what: 'all to answer' });
      assert.match(await run('create', '-f'), /\[OK\] All 16384 slots covered\.\n$/);
      assert.equal(await run('call', 'config get', 'maxclients'), 'maxclients\n100\n'.repeat(NODES));
      pids = [...(await run('call', 'info', 'server')).matchAll(/^process_id:(\d+)/gm)].map(([, pid]) => Number(pid));
      assert.equal(pids.length, NODES);
      const files = readdirSync(folder);
      for (const port of ports)
        for (const name of [`${port}.log`, `nodes-${port}.conf`, `appendonlydir-${port}`])
          assert.ok(files.includes(name), `${name} is not among ${files.join(', ')}`);
    } finally {
      assert.equal(await run('stop'), ports.map((port) => `Stopping ${port}\n`).join(''));
    }
    // A log is written to the end.
    await waitFor(() => !pids.some(isAlive), { what: 'the servers to be gone' });
    assert.equal(
      await run('clean'),
      'Cleaning *.log\nCleaning appendonlydir-*\nCleaning dump-*.rdb\nCleaning nodes-*.conf\n',
    );
    assert.deepEqual(readdirSync(folder), ['config.sh']);
  });
}
