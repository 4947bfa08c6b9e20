/** What the launcher gives the process of a node to start with. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ClusterFolder } from '../../src/launcher/cluster-folder.js';
import { NodeProcess } from '../../src/launcher/node-process.js';
import { temporaryFolder } from '../support/server-process.js';

const VARIABLE = 'MALLOC_MMAP_THRESHOLD_';
const PORT = 7000;
/** In the place of a server: says what it was given, and ends. */
const PRINTER = [process.execPath, '-e', `console.log(process.env.${VARIABLE})`];

async function givenThreshold(): Promise<string> {
  const folder = ClusterFolder.create(temporaryFolder('node-process'), {
    host: '127.0.0.1',
    ports: [PORT],
    replicasPerPrimary: 0,
    nodeTimeoutMs: 1000,
    password: '',
  });
  const started = await NodeProcess.start(folder, PORT, PRINTER);
  await started.ended;
  return readFileSync(folder.logFile(PORT), 'utf8').trim();
}

test('a node has an allocator that gives back what is freed, unless the user has set it up otherwise', async (t) => {
  const before = process.env[VARIABLE];
  t.after(() => {
    if (before === undefined) delete process.env[VARIABLE];
    else process.env[VARIABLE] = before;
  });
  delete process.env[VARIABLE];
  assert.equal(await givenThreshold(), '131072');
  process.env[VARIABLE] = '1000000';
  assert.equal(await givenThreshold(), '1000000');
});
