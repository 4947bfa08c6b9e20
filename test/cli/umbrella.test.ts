import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { REDIS_VERSION, SLOTMESH_VERSION } from '../../src/version.js';
import { runTool } from '../support/run-tool.js';
import { needs, repositoryRoot } from '../support/tools.js';

test('slotmesh starts the programs by their names, with the words that follow', {
  skip: needs('slotmesh'),
}, async () => {
  const slotmesh = [process.execPath, join(repositoryRoot, 'bin', 'slotmesh.js')] as const;
  const version = await runTool(slotmesh, ['cli', '--version']);
  assert.deepEqual(version, {
    code: 0,
    stdout: `redis-cli ${REDIS_VERSION} (slotmesh ${SLOTMESH_VERSION})\n`,
    stderr: '',
  });
  const help = await runTool(slotmesh, ['benchmark', '--help']);
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^Usage: slotmesh-benchmark/);
  const own = await runTool(slotmesh, ['--help']);
  for (const name of ['cluster', 'server', 'cli', 'trib', 'create-cluster', 'benchmark', 'check-rdb', 'check-aof'])
    assert.match(own.stdout, new RegExp(`^ {2}${name} `, 'm'));
  assert.equal((await runTool(slotmesh, ['nosuch'])).code, 2);
});
