/** The lock of nodes.conf: one process at a time, also after a crash. Other owners are real processes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { lockNodesConf } from '../../src/cluster/nodes-lock.js';
import { temporaryFolder } from '../support/server-process.js';
import { repositoryRoot } from '../support/tools.js';

const lockModule = pathToFileURL(join(repositoryRoot, 'dist/src/cluster/nodes-lock.js')).href;

test('one owner at a time; after the release the next one', async () => {
  const file = join(temporaryFolder('lock'), 'nodes.conf');
  const first = await lockNodesConf(file);
  assert.equal(first.kind, 'locked');
  assert.equal((await lockNodesConf(file)).kind, 'in-use');
  assert.equal((await lockNodesConf(file)).kind, 'in-use', 'a refused attempt leaves the lock alone');
  assert.equal((await lockNodesConf(`${file}.other`)).kind, 'locked');
  if (first.kind === 'locked') first.release();
  assert.equal((await lockNodesConf(file)).kind, 'locked');
});

test('the lock of a killed process is free, and what it left behind is removed', async () => {
  const folder = temporaryFolder('lock');
  const file = join(folder, 'nodes.conf');
  const script = `import { lockNodesConf } from ${JSON.stringify(lockModule)};
    console.log((await lockNodesConf(${JSON.stringify(file)})).kind);
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [line] = await once(owner.stdout, 'data');
    assert.equal(String(line).trim(), 'locked');
    assert.equal((await lockNodesConf(file)).kind, 'in-use');
  } finally {
    owner.kill('SIGKILL');
    await once(owner, 'exit');
  }
  assert.equal(readdirSync(folder).length, 1);
  assert.equal((await lockNodesConf(file)).kind, 'locked');
  assert.equal(readdirSync(folder).length, 1);
});

test('of two that start in the same instant at most one gets the lock', async () => {
  const file = join(temporaryFolder('lock'), 'nodes.conf');
  const results = await Promise.all(Array.from({ length: 5 }, () => lockNodesConf(file)));
  assert.ok(results.filter((result) => result.kind === 'locked').length <= 1);
});

test('where a socket cannot be made there is no lock, and the reason is told', async () => {
  const folder = join(temporaryFolder('lock'), 'x'.repeat(100), 'y'.repeat(100));
  mkdirSync(folder, { recursive: true });
  const result = await lockNodesConf(join(folder, 'nodes.conf'));
  assert.equal(result.kind, 'unavailable');
  assert.match(result.kind === 'unavailable' ? result.reason : '', /too long/);
});
