/** `slotmesh` as the one name for all programs, and the --help of each. */
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

test('every tool prints its usage on --help and ends well, under its own name and behind slotmesh', {
  skip: needs('slotmesh'),
}, async () => {
  const bin = join(repositoryRoot, 'bin');
  for (const name of ['cli', 'benchmark', 'trib', 'create-cluster', 'check-rdb', 'check-aof']) {
    const alone = await runTool([process.execPath, join(bin, `slotmesh-${name}.js`)], ['--help']);
    const behind = await runTool([process.execPath, join(bin, 'slotmesh.js')], [name, '--help']);
    for (const { code, stdout, stderr } of [alone, behind]) {
      assert.equal(code, 0, name);
      assert.match(stdout, /^Usage: /m, name);
      assert.equal(stderr, '', name);
    }
  }
});

test('a checker still takes a file named --help by its path', { skip: needs('slotmesh') }, async () => {
  for (const name of ['check-rdb', 'check-aof']) {
    const checker = [process.execPath, join(repositoryRoot, 'bin', `slotmesh-${name}.js`)] as const;
    const { code, stdout } = await runTool(checker, ['./--help']);
    assert.equal(code, 1, name);
    assert.doesNotMatch(stdout, /^Usage: /m, name);
  }
});
