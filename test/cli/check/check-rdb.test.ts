/** The front of the RDB checker beside redis-check-rdb; the reports themselves are compared in test/persistence/rdb. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ascii, keyRecord, rdbFile } from '../../persistence/support.js';
import { temporaryFolder } from '../../support/server-process.js';
import { needs, repositoryRoot } from '../../support/tools.js';

const ourTool = join(repositoryRoot, 'bin', 'slotmesh-check-rdb.js');

test('sound, damaged, old, empty and missing files have the same output and exit code, and stay as they were', {
  skip: needs('redis-check-rdb'),
}, () => {
  const cwd = temporaryFolder('check-rdb');
  const sound = rdbFile(keyRecord(0, 'k', ascii('\x01v')), keyRecord(0, 'l', ascii('\x02vw')));
  const files: Record<string, Uint8Array> = {
    'sound.rdb': sound,
    'cut.rdb': sound.subarray(0, 16),
    'old.rdb': ascii('REDIS0003\x00\x01k\x01v\xff'),
    'new.rdb': ascii('REDIS0099'),
    'none.rdb': ascii('SIDER0009'),
    'empty.rdb': new Uint8Array(0),
    'checksum.rdb': Buffer.concat([sound.subarray(0, sound.length - 8), ascii('12345678')]),
    'type.rdb': ascii('REDIS0010\x63\x01k'),
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(cwd, name), bytes);
  const run = (program: string, args: string[]): unknown => {
    const { stdout, stderr, status } = spawnSync(program, args, { cwd, encoding: 'utf8' });
    const report = stdout
      .replace(/^\d+:C .*Terminating server.*\n/gm, '')
      .replace(/function at \S+/g, 'function at F:L');
    return { stdout: report, stderr: stderr.replaceAll('slotmesh-check-rdb', 'redis-check-rdb'), status };
  };
  for (const args of [...Object.keys(files).map((name) => [name]), ['missing.rdb'], ['.'], [], ['a', 'b']])
    assert.deepEqual(run(process.execPath, [ourTool, ...args]), run('redis-check-rdb', args), args.join(' '));
  for (const [name, bytes] of Object.entries(files))
    assert.deepEqual(new Uint8Array(readFileSync(join(cwd, name))), new Uint8Array(bytes));
});

test('the version names the Redis whose behaviour is kept', () => {
  for (const option of ['-v', '--version']) {
    const { stdout, status } = spawnSync(process.execPath, [ourTool, option], { encoding: 'utf8' });
    assert.match(stdout, /^redis-check-rdb 7\.\d+\.\d+ \(slotmesh /);
    assert.equal(status, 0);
  }
});
